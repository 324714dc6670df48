#include "vec/jobs.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/io.h"

/* A round is this many items, fewer where they are files, or texts of so many
 * bytes, or so many bytes of dense results.  Buffers that one large input has
 * made larger than SPARE are given back. */
enum {
	ROUND_MIN = 64,
	ROUND_MAX = 512,
	ROUND_FILES = 128,
	ROUND_BYTES = 8 << 20,
	ROUND_TEXT = 4 << 20,
	SPARE = 1 << 20
};

struct worker {
	void *scratch;
	struct buf file;
};

/* ---- taking items ---- */

int
jobs_take(struct jobs *js, const struct item *it, struct error *e)
{
	struct job *job = &js->job[js->n];

	if (job->out.parts == NULL &&
	    encoded_init(&job->out, js->x->schema, e) == -1)
		return -1;
	job->at = js->bytes.len;
	job->id_len = it->id.len;
	job->path_len = it->path != NULL ? strlen(it->path) + 1 : 0;
	job->has_text = it->text.s != NULL;
	job->text_len = it->text.len;
	job->group_len = it->group.len;
	job->label_first = js->labels.n;
	job->label_n = it->labels->n;
	job->walked = it->walked;
	job->missing = it->missing;
	job->flags = it->flags;
	job->failed = it->error != NULL;
	job->why.len = 0;
	if (it->error != NULL &&
	    buf_put(&job->why, it->error, strlen(it->error) + 1) == -1)
		return error_memory(e);
	if (buf_put(&js->bytes, it->id.s, it->id.len) == -1 ||
	    buf_put(&js->bytes, it->path, job->path_len) == -1 ||
	    buf_put(&js->bytes, it->text.s, it->text.len) == -1 ||
	    buf_put(&js->bytes, it->group.s, it->group.len) == -1)
		return error_memory(e);
	for (size_t i = 0; i < it->labels->n; i++) {
		struct str s = strs_get(it->labels, i);

		if (strs_add(&js->labels, s.s, s.len) == -1)
			return error_memory(e);
	}
	js->n++;
	js->files += it->path != NULL;
	return 0;
}

struct str
job_id(const struct jobs *js, const struct job *job)
{
	return (struct str){ js->bytes.data + job->at, job->id_len };
}

struct str
job_group(const struct jobs *js, const struct job *job)
{
	size_t at = job->at + job->id_len + job->path_len + job->text_len;

	return (struct str){ js->bytes.data + at, job->group_len };
}

/* ---- encoding, in the workers ---- */

void
job_fail(struct job *job, enum job_state state, const char *why)
{
	job->state = state;
	job->why.len = 0;
	if (buf_put(&job->why, why, strlen(why) + 1) == -1) {
		job->state = JOB_FATAL;
		buf_free(&job->why); /* means: out of memory */
	}
}

/* A sentence about reading a file, without the file's name: the record's id
 * says it, and the same input gives the same bytes wherever it lies. */
static const char *
without_place(const char *text, const char *path)
{
	size_t n = strlen(path);

	if (text[0] == '\'' && strncmp(text + 1, path, n) == 0 &&
	    strncmp(text + 1 + n, "': ", 3) == 0)
		return text + n + 4;
	return text;
}

/* The bytes to encode.  0, or -1 with the job's state set. */
static int
job_bytes(
    const struct jobs *js, struct job *job, struct worker *w, struct source *in)
{
	const char *path = js->bytes.data + job->at + job->id_len;
	size_t max = js->x->max_file > 0 ? js->x->max_file : IO_MAX_FILE;
	struct error e;

	if (job->has_text) {
		in->data = path + job->path_len;
		in->len = job->text_len;
		return 0;
	}
	in->path = path;
	if (w->file.cap > SPARE)
		buf_free(&w->file);
	w->file.len = 0;
	if (io_read_file(path, max, &w->file, &e) == -1) {
		/* Standard input that cannot be read is no one record. */
		int fatal = e.memory || strcmp(path, "-") == 0;

		job_fail(job, fatal ? JOB_FATAL : JOB_BAD,
		    without_place(e.text, path));
		return -1;
	}
	in->data = w->file.data != NULL ? w->file.data : "";
	in->len = w->file.len;
	return 0;
}

static void
run_job(void *arg, size_t i, int worker)
{
	struct jobs *js = arg;
	struct job *job = &js->job[i];
	struct worker *w = &js->workers[worker];
	struct source in = { .id = job_id(js, job), .keep = js->keep };
	struct error e;

	encoded_reset(&job->out);
	job->source = 0;
	job->state = JOB_DONE;
	if (job->failed) {
		job->state = JOB_BAD;
		return;
	}
	if (job->missing) {
		job->state = JOB_MISSING;
		return;
	}
	if (job_bytes(js, job, w, &in) == -1)
		return;
	job->source = hash_bytes(in.data, in.len, 0);
	if (job->source == 0) /* means unknown */
		job->source = 1;
	job->reused = reuse_find(js->reuse, in.id, job->source);
	if (job->reused >= 0) {
		job->state = JOB_REUSED;
		return;
	}
	error_set(&e, "%s", "");
	switch (js->x->encode(js->x->ctx, w->scratch, &in, &job->out, &e)) {
	case ENCODE_OK:
		break;
	case ENCODE_BAD:
		job_fail(job, e.memory ? JOB_FATAL : JOB_BAD, e.text);
		break;
	case ENCODE_UNKNOWN:
		job_fail(job,
		    e.memory      ? JOB_FATAL
		    : job->walked ? JOB_UNKNOWN
				  : JOB_BAD,
		    e.text);
		break;
	}
}

void
jobs_run(struct jobs *js)
{
	pool_run(js->pool, js->n, run_job, js);
}

/* ---- the round ---- */

static size_t
round_size(const struct schema *s)
{
	size_t bytes = 1, n;

	for (size_t p = 0; p < s->n; p++)
		if (s->parts[p].kind == PART_DENSE)
			bytes += s->parts[p].dim * sizeof(float);
	n = ROUND_BYTES / bytes;
	return n < ROUND_MIN ? ROUND_MIN : n > ROUND_MAX ? ROUND_MAX : n;
}

int
jobs_open(struct jobs *js, const struct extractor *x, int threads, int keep,
    struct error *e)
{
	int n;

	*js = (struct jobs){ .x = x, .keep = keep };
	js->pool = pool_new(threads, e);
	if (js->pool == NULL)
		return -1;
	n = pool_threads(js->pool);
	js->workers = mem_array((size_t)n, sizeof(*js->workers));
	if (js->workers == NULL)
		return error_memory(e);
	for (int i = 0; x->scratch_new != NULL && i < n; i++) {
		js->workers[i].scratch = x->scratch_new(x->ctx, e);
		if (js->workers[i].scratch == NULL)
			return -1;
	}
	js->max = round_size(x->schema);
	js->job = mem_array(js->max, sizeof(*js->job));
	return js->job != NULL ? 0 : error_memory(e);
}

void
jobs_close(struct jobs *js)
{
	int n = js->pool != NULL ? pool_threads(js->pool) : 0;

	for (int i = 0; js->workers != NULL && i < n; i++) {
		if (js->x->scratch_free != NULL)
			js->x->scratch_free(js->x->ctx, js->workers[i].scratch);
		buf_free(&js->workers[i].file);
	}
	free(js->workers);
	for (size_t i = 0; js->job != NULL && i < js->max; i++) {
		buf_free(&js->job[i].why);
		encoded_free(&js->job[i].out);
	}
	free(js->job);
	buf_free(&js->bytes);
	strs_free(&js->labels);
	pool_free(js->pool);
	*js = (struct jobs){ 0 };
}

int
jobs_full(const struct jobs *js)
{
	return js->n == js->max || js->files >= ROUND_FILES ||
	       js->bytes.len >= ROUND_TEXT;
}

void
jobs_clear(struct jobs *js)
{
	for (size_t i = 0; i < js->n; i++)
		encoded_trim(&js->job[i].out, SPARE);
	js->n = 0;
	js->files = 0;
	js->bytes.len = 0;
	strs_clear(&js->labels);
}
