#define _XOPEN_SOURCE 700 /* realpath */

#include "fusion/checkpoint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/version.h"
#include "vec/model.h"

/* Between two writes: seconds at least, times what the last one took, and
 * seconds for each byte, so that hours of it do not wear out a disk. */
static const double PAUSE = 0.5, PATIENCE = 20, WEAR = 1e-6;

enum { MOST = 1 << 20 /* results: MODEL_MAX_TENSORS */ };

struct result {
	char *name;
	void *data;
	size_t bytes;
};

struct checkpoint {
	char *path;
	struct buf config; /* canonical, with a NUL */
	struct result *result;
	size_t n, cap;
	int dirty;    /* the file does not say all this */
	dev_t device; /* the file as it was written or read last */
	ino_t inode;
	double written, took; /* seconds, when and how long */
};

/* When to write, and nothing else, depends on this. */
static double
seconds(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct result *
find(const struct checkpoint *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->result[i].name, name) == 0)
			return &c->result[i];
	return NULL;
}

/* The copy is aligned as malloc aligns, and there even for no bytes. */
static void *
copy_of(const void *data, size_t bytes)
{
	void *p = malloc(bytes > 0 ? bytes : 1);

	if (p != NULL && bytes > 0)
		memcpy(p, data, bytes);
	return p;
}

static int
keep(struct checkpoint *c, const char *name, const void *data, size_t bytes,
    struct error *e)
{
	struct result *r = find(c, name);
	void *copy = copy_of(data, bytes);
	char *own;

	if (copy == NULL)
		return error_memory(e);
	if (r != NULL) {
		free(r->data);
		r->data = copy;
		r->bytes = bytes;
		return 0;
	}
	own = mem_strndup(name, strlen(name));
	if (own == NULL ||
	    mem_grow(&c->result, &c->cap, c->n + 1, sizeof(*c->result)) < 0) {
		free(own);
		free(copy);
		return error_memory(e);
	}
	c->result[c->n++] = (struct result){ own, copy, bytes };
	return 0;
}

static int
make_config(struct checkpoint *c, const char *what, struct error *e)
{
	struct buf b = { 0 };
	int r = -1;

	if (buf_puts(&b, "{\"checkpoint\":\"" VECPIPE_VERSION "\",\"what\":") <
		0 ||
	    json_put_string(&b, what, strlen(what)) < 0 ||
	    buf_putc(&b, '}') < 0)
		error_memory(e);
	else if (json_canonical(&c->config, b.data, b.len, e) == 0)
		r = buf_putc(&c->config, '\0') == 0 ? 0 : error_memory(e);
	buf_free(&b);
	return r;
}

/* The configuration of a file that is sound. */
static int
check_config(const struct checkpoint *c, const struct model *m, struct error *e)
{
	struct error why = { .memory = 0 };
	struct str version = { NULL, 0 };

	if (m->config != NULL && strcmp(m->config, c->config.data) == 0)
		return 0;
	if (m->config != NULL)
		json_find_path(
		    m->config, strlen(m->config), "checkpoint", &version, &why);
	if (why.memory)
		return error_memory(e);
	if (version.s == NULL)
		return error_set(e,
		    "'%s': not a checkpoint: give another name, or remove it",
		    c->path);
	if (!str_is(version, "\"" VECPIPE_VERSION "\""))
		return error_set(e,
		    "'%s': a checkpoint of another version of vecpipe (%.*s, "
		    "this is \"%s\"): remove it to start anew",
		    c->path, (int)(version.len < 40 ? version.len : 40),
		    version.s, VECPIPE_VERSION);
	return error_set(e,
	    "'%s': a checkpoint of a training with other options or records: "
	    "give the same ones to go on, or remove it to start anew",
	    c->path);
}

static int
read_file(struct checkpoint *c, struct error *e)
{
	struct model m = { 0 };
	int r = -1;

	if (model_open(&m, c->path, e) < 0) {
		if (e == NULL || !e->memory)
			error_at(e, "checkpoint");
		goto done;
	}
	if (check_config(c, &m, e) < 0)
		goto done;
	for (size_t i = 0; i < m.n; i++) {
		const struct tensor *t = &m.tensors[i];

		if (t->type != TENSOR_U8 || t->rank != 1) {
			error_set(e, "checkpoint: '%s': tensor '%s' is not u8",
			    c->path, t->name);
			goto done;
		}
		if (keep(c, t->name, t->data, t->bytes, e) < 0)
			goto done;
	}
	r = 0;
done:
	model_close(&m);
	return r;
}

static void
remember_file(struct checkpoint *c)
{
	struct stat st;

	if (stat(c->path, &st) == 0) {
		c->device = st.st_dev;
		c->inode = st.st_ino;
	}
}

struct checkpoint *
checkpoint_open(const char *path, const char *what, struct error *e)
{
	struct checkpoint *c = mem_array(1, sizeof(*c));
	struct stat st;
	int r;

	if (c == NULL || (c->path = mem_strndup(path, strlen(path))) == NULL) {
		error_memory(e);
		goto fail;
	}
	if (utf8_valid(what, strlen(what)) != strlen(what)) {
		error_set(e, "'%s': what it is for is not UTF-8", path);
		goto fail;
	}
	if (make_config(c, what, e) < 0)
		goto fail;
	/* Where writing would not rename, a file is not whole at all times. */
	if (strcmp(path, "-") == 0 || io_descriptor(path) >= 0 ||
	    (stat(path, &st) == 0 && !S_ISREG(st.st_mode))) {
		error_set(e, "'%s': a checkpoint must be a regular file", path);
		goto fail;
	}
	c->dirty = access(path, F_OK) != 0;
	r = c->dirty ? checkpoint_write(c, e) : read_file(c, e);
	if (r < 0)
		goto fail;
	remember_file(c);
	c->written = seconds();
	return c;
fail:
	checkpoint_close(c, 0);
	return NULL;
}

const void *
checkpoint_get(const struct checkpoint *c, const char *name, size_t *bytes)
{
	const struct result *r = c != NULL ? find(c, name) : NULL;

	*bytes = r != NULL ? r->bytes : 0;
	return r != NULL ? r->data : NULL;
}

/* A name that could not be written is refused when it comes. */
static int
good_name(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return 0;
	return n > 0 && strcmp(name, "__metadata__") != 0 &&
	       utf8_valid(name, n) == n;
}

static double
pause_of(const struct checkpoint *c)
{
	double pause = PATIENCE * c->took, bytes = 0;

	for (size_t i = 0; i < c->n; i++)
		bytes += (double)c->result[i].bytes;
	if (pause < WEAR * bytes)
		pause = WEAR * bytes;
	return pause > PAUSE ? pause : PAUSE;
}

int
checkpoint_put(struct checkpoint *c, const char *name, const void *data,
    size_t bytes, struct error *e)
{
	if (c == NULL)
		return 0;
	if (!good_name(name))
		return error_set(
		    e, "'%s': '%s' cannot name a result", c->path, name);
	if (c->n >= MOST && find(c, name) == NULL)
		return error_set(
		    e, "'%s': more than %d results", c->path, MOST);
	if (keep(c, name, data, bytes, e) < 0)
		return -1;
	c->dirty = 1;
	return seconds() - c->written < pause_of(c) ? 0
						    : checkpoint_write(c, e);
}

void
checkpoint_drop(struct checkpoint *c, const char *prefix)
{
	size_t kept = 0;

	for (size_t i = 0; c != NULL && i < c->n; i++) {
		if (strncmp(c->result[i].name, prefix, strlen(prefix)) != 0) {
			c->result[kept++] = c->result[i];
			continue;
		}
		free(c->result[i].name);
		free(c->result[i].data);
		c->dirty = 1;
	}
	if (c != NULL)
		c->n = kept;
}

int
checkpoint_write(struct checkpoint *c, struct error *e)
{
	struct tensor *t;
	double start;
	int r;

	if (c == NULL || !c->dirty)
		return 0;
	start = seconds();
	t = mem_array(c->n > 0 ? c->n : 1, sizeof(*t));
	if (t == NULL)
		return error_memory(e);
	for (size_t i = 0; i < c->n; i++) {
		const struct result *k = &c->result[i];

		t[i] = (struct tensor){ .name = k->name,
			.type = TENSOR_U8,
			.rank = 1,
			.shape = { k->bytes },
			.data = k->data };
	}
	r = model_save(c->path, c->config.data, t, c->n, e);
	free(t);
	c->written = seconds();
	c->took = c->written - start;
	if (r < 0)
		return -1;
	c->dirty = 0;
	remember_file(c);
	return 0;
}

void
checkpoint_close(struct checkpoint *c, int done)
{
	char *real = NULL;
	struct stat st;

	if (c == NULL)
		return;
	/* A link stays, as it does when the file is written; and so does what
	 * took the file's place, such as a model of that name. */
	if (done && stat(c->path, &st) == 0 && st.st_dev == c->device &&
	    st.st_ino == c->inode && (real = realpath(c->path, NULL)) != NULL)
		unlink(real);
	free(real);
	checkpoint_drop(c, "");
	free(c->result);
	buf_free(&c->config);
	free(c->path);
	free(c);
}
