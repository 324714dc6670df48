#include "vec/jobs.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/io.h"

/* A round is this many items, fewer where they are files, or texts of so many
 * bytes, or so many bytes of dense results.  With batches, where one item is
 * much work, it is so many batches for each worker, if that is more: all wait
 * for the last at its end.  Buffers that one large input has made larger than
 * SPARE are given back. */
enum {
	ROUND_MIN = 64,
	ROUND_MAX = 512,
	ROUND_FILES = 128,
	ROUND_BATCHES = 8,
	ROUND_BYTES = 8 << 20,
	ROUND_TEXT = 4 << 20,
	SPARE = 1 << 20,
	/* The work of an item beside a byte of text, in such bytes: of any,
	 * and of a file, whose size is not known yet. */
	WEIGHT_ITEM = 64,
	WEIGHT_FILE = 4096
};

/* What a worker has gathered for one call of the extractor. */
struct worker {
	void *scratch;
	size_t n, bytes;
	struct job **job; /* each [batch] */
	struct buf *file; /* bytes of the files; kept */
	struct source *in;
	struct encoded **out;
	enum encode_status *status;
	struct error *e;
};

static size_t
batch_of(const struct extractor *x)
{
	return x->encode_batch != NULL && x->batch > 1 ? x->batch : 1;
}

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

/* Whether the record's id is all of the path, or the end of it. */
static int
id_tells_path(const struct jobs *js, const struct job *job, const char *path)
{
	struct str id = job_id(js, job);
	size_t n = strlen(path);

	return id.len <= n && memcmp(path + n - id.len, id.s, id.len) == 0;
}

/* The bytes to encode, a file's in ${file}.  0, or -1 with the job's state
 * set. */
static int
job_bytes(
    const struct jobs *js, struct job *job, struct buf *file, struct source *in)
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
	if (file->cap > SPARE / batch_of(js->x))
		buf_free(file);
	file->len = 0;
	if (io_read_file(path, max, file, &e) == -1) {
		/* Standard input that cannot be read is no one record. */
		int fatal = e.memory || strcmp(path, "-") == 0;

		job_fail(job, fatal ? JOB_FATAL : JOB_BAD,
		    id_tells_path(js, job, path) ? without_place(e.text, path)
						 : e.text);
		return -1;
	}
	in->data = file->data != NULL ? file->data : "";
	in->len = file->len;
	return 0;
}

/* What is to be done with the job: 1 when it is to be encoded, from ${in}. */
static int
job_begin(
    const struct jobs *js, struct job *job, struct buf *file, struct source *in)
{
	*in = (struct source){ .id = job_id(js, job), .keep = js->keep };
	encoded_reset(&job->out);
	job->source = 0;
	job->state = JOB_DONE;
	if (job->failed)
		job->state = JOB_BAD;
	else if (job->missing)
		job->state = JOB_MISSING;
	if (job->state != JOB_DONE || job_bytes(js, job, file, in) == -1)
		return 0;
	job->source = hash_bytes(in->data, in->len, 0);
	if (job->source == 0) /* means unknown */
		job->source = 1;
	job->reused = reuse_find(js->reuse, in->id, job->source);
	if (job->reused < 0)
		return 1;
	job->state = JOB_REUSED;
	return 0;
}

static void
job_end(struct job *job, enum encode_status status, const struct error *e)
{
	switch (status) {
	case ENCODE_OK:
		break;
	case ENCODE_BAD:
		job_fail(job, e->memory ? JOB_FATAL : JOB_BAD, e->text);
		break;
	case ENCODE_UNKNOWN:
		job_fail(job,
		    e->memory     ? JOB_FATAL
		    : job->walked ? JOB_UNKNOWN
				  : JOB_BAD,
		    e->text);
		break;
	}
}

/* Encode what the worker has gathered. */
static void
run_batch(const struct jobs *js, struct worker *w)
{
	const struct extractor *x = js->x;

	if (w->n == 0)
		return;
	for (size_t i = 0; i < w->n; i++) {
		w->out[i] = &w->job[i]->out;
		w->status[i] = ENCODE_OK;
		error_set(&w->e[i], "%s", "");
	}
	if (x->encode_batch != NULL)
		x->encode_batch(
		    x->ctx, w->scratch, w->n, w->in, w->out, w->status, w->e);
	else
		w->status[0] =
		    x->encode(x->ctx, w->scratch, w->in, w->out[0], w->e);
	for (size_t i = 0; i < w->n; i++)
		job_end(w->job[i], w->status[i], &w->e[i]);
	w->n = 0;
	w->bytes = 0;
}

/* The job is encoded with those before it, after them when they would be too
 * many bytes together. */
static void
gather(const struct jobs *js, struct worker *w, struct job *job)
{
	const struct extractor *x = js->x;
	size_t i = w->n;

	if (!job_begin(js, job, &w->file[i], &w->in[i]))
		return;
	if (i > 0 && x->batch_bytes > 0 &&
	    w->in[i].len > x->batch_bytes - w->bytes) {
		struct source in = w->in[i];
		struct buf file = w->file[i];

		run_batch(js, w);
		w->file[i] = w->file[0];
		w->file[0] = file;
		w->in[0] = in;
		i = 0;
	}
	w->job[i] = job;
	w->n = i + 1;
	w->bytes += w->in[i].len;
	if (w->n == batch_of(x) ||
	    (x->batch_bytes > 0 && w->bytes >= x->batch_bytes))
		run_batch(js, w);
}

static void
run_chunk(void *arg, size_t i, int worker)
{
	struct jobs *js = arg;
	struct worker *w = &js->workers[worker];
	const struct chunk *c = &js->chunk[i];

	for (size_t k = 0; k < c->n; k++)
		gather(js, w, &js->job[c->first + k]);
	run_batch(js, w);
}

/* ---- chunks ---- */

static size_t
job_weight(const struct job *job)
{
	if (job->failed || job->missing)
		return 0;
	return WEIGHT_ITEM + (job->has_text ? job->text_len : WEIGHT_FILE);
}

static int
by_weight(const void *a, const void *b)
{
	const struct chunk *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* Cut the round into chunks of up to a batch, and of up to one worker's share
 * of all. */
static void
cut_chunks(struct jobs *js)
{
	const struct extractor *x = js->x;
	size_t batch = batch_of(x), workers = (size_t)pool_threads(js->pool);
	size_t all = 0, live = 0, bytes = 0;
	struct chunk *c = NULL;

	js->chunks = 0;
	for (size_t i = 0; i < js->n; i++)
		all += job_weight(&js->job[i]);
	for (size_t i = 0; i < js->n; i++) {
		const struct job *job = &js->job[i];
		size_t weight = job_weight(job);
		size_t len = job->has_text ? job->text_len : 0;

		if (c == NULL || batch == 1 || live == batch ||
		    (x->batch_bytes > 0 && bytes + len > x->batch_bytes) ||
		    (live > 0 && (c->weight + weight) * workers >
				     all + workers * weight / 2)) {
			c = &js->chunk[js->chunks++];
			*c = (struct chunk){ .first = i };
			live = bytes = 0;
		}
		c->n++;
		c->weight += weight;
		live += weight > 0;
		bytes += len;
	}
	if (batch > 1)
		qsort(js->chunk, js->chunks, sizeof(*js->chunk), by_weight);
}

void
jobs_run(struct jobs *js)
{
	cut_chunks(js);
	(js->x->share != NULL ? pool_run_together : pool_run)(
	    js->pool, js->chunks, run_chunk, js);
}

/* ---- the round ---- */

static size_t
round_size(const struct schema *s, size_t wanted)
{
	size_t bytes = 1, n;

	for (size_t p = 0; p < s->n; p++)
		if (s->parts[p].kind == PART_DENSE)
			bytes += s->parts[p].dim * sizeof(float);
	n = ROUND_BYTES / bytes;
	return n < ROUND_MIN ? ROUND_MIN : n > wanted ? wanted : n;
}

static int
worker_init(struct worker *w, const struct extractor *x, struct pool *pool,
    struct error *e)
{
	size_t n = batch_of(x);

	w->job = mem_array(n, sizeof(*w->job));
	w->file = mem_array(n, sizeof(*w->file));
	w->in = mem_array(n, sizeof(*w->in));
	w->out = mem_array(n, sizeof(*w->out));
	w->status = mem_array(n, sizeof(*w->status));
	w->e = mem_array(n, sizeof(*w->e));
	if (w->job == NULL || w->file == NULL || w->in == NULL ||
	    w->out == NULL || w->status == NULL || w->e == NULL)
		return error_memory(e);
	if (x->scratch_new == NULL)
		return 0;
	w->scratch = x->scratch_new(x->ctx, e);
	if (w->scratch != NULL && x->share != NULL)
		x->share(w->scratch, pool);
	return w->scratch != NULL ? 0 : -1;
}

static void
worker_free(struct worker *w, const struct extractor *x)
{
	if (x->scratch_free != NULL)
		x->scratch_free(x->ctx, w->scratch);
	for (size_t i = 0; w->file != NULL && i < batch_of(x); i++)
		buf_free(&w->file[i]);
	free(w->job);
	free(w->file);
	free(w->in);
	free(w->out);
	free(w->status);
	free(w->e);
}

int
jobs_open(struct jobs *js, const struct extractor *x, int threads, int keep,
    struct error *e)
{
	size_t batch = batch_of(x), n, wanted = ROUND_MAX;

	*js = (struct jobs){ .x = x, .keep = keep };
	js->pool = pool_new(threads, e);
	if (js->pool == NULL)
		return -1;
	n = (size_t)pool_threads(js->pool);
	js->workers = mem_array(n, sizeof(*js->workers));
	if (js->workers == NULL)
		return error_memory(e);
	for (size_t i = 0; i < n; i++)
		if (worker_init(&js->workers[i], x, js->pool, e) == -1)
			return -1;
	js->max_files = ROUND_FILES;
	if (batch > 1) {
		size_t many = n * batch * ROUND_BATCHES;

		wanted = many > wanted ? many : wanted;
		js->max_files = many > ROUND_FILES ? many : ROUND_FILES;
	}
	js->max = round_size(x->schema, wanted);
	js->job = mem_array(js->max, sizeof(*js->job));
	js->chunk = mem_array(js->max, sizeof(*js->chunk));
	if (js->job == NULL || js->chunk == NULL)
		return error_memory(e);
	return 0;
}

void
jobs_close(struct jobs *js)
{
	int n = js->pool != NULL ? pool_threads(js->pool) : 0;

	for (int i = 0; js->workers != NULL && i < n; i++)
		worker_free(&js->workers[i], js->x);
	free(js->workers);
	for (size_t i = 0; js->job != NULL && i < js->max; i++) {
		buf_free(&js->job[i].why);
		encoded_free(&js->job[i].out);
	}
	free(js->job);
	free(js->chunk);
	buf_free(&js->bytes);
	strs_free(&js->labels);
	pool_free(js->pool);
	*js = (struct jobs){ 0 };
}

int
jobs_full(const struct jobs *js)
{
	return js->n == js->max || js->files >= js->max_files ||
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
