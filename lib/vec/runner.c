#include "vec/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "base/pool.h"
#include "vec/encoded.h"
#include "vec/reuse.h"

/*
 * Items are gathered until there are ROUND_MAX of them, or ROUND_TEXT bytes of
 * text, or results of ROUND_BYTES, or the input waits; then the workers encode
 * them all and the results are written in order.  What is written does not
 * depend on where a round ends.
 */
enum {
	ROUND_MIN = 64,
	ROUND_MAX = 512,
	ROUND_BYTES = 8 << 20,
	ROUND_TEXT = 4 << 20,
	WARNINGS_SHOWN = 10
};

enum job_state {
	JOB_DONE,
	JOB_MISSING,
	JOB_REUSED,
	JOB_BAD,
	JOB_UNKNOWN,
	JOB_FATAL
};

/* One item, and what became of it.  Strings are slices of run->bytes. */
struct job {
	size_t at; /* id, path and its NUL, text, group, one after another */
	size_t id_len, path_len, text_len, group_len;
	size_t label_first, label_n;
	int has_path, has_text, walked, missing, failed;
	uint32_t flags;

	enum job_state state;
	uint64_t source;
	int64_t reused;
	struct buf why; /* the error, NUL-terminated, with JOB_BAD and after */
	struct encoded out;
};

struct worker {
	void *scratch;
	struct buf file;
};

struct run {
	const struct extractor *x;
	const struct runner_options *o;
	struct items *items;
	struct pool *pool;
	struct worker *workers; /* [pool_threads] */
	struct reuse *reuse;
	struct output *out;  /* vectors */
	struct writer lines; /* or lines */
	struct batch batch;
	struct buf line;
	struct progress progress;

	struct job *jobs; /* [jobs_max] */
	size_t n, jobs_max;
	struct buf bytes;
	struct strs labels;

	uint64_t records, errors, rejected, skipped, reused, warnings;
};

static int
writes_vectors(const struct run *r)
{
	return r->x->schema->n > 0;
}

/* ---- words ---- */

/* A line about one input; after some, only counted. */
static void
complain(struct run *r, const char *id, const char *why)
{
	r->warnings++;
	if (r->warnings > WARNINGS_SHOWN && !r->o->verbose)
		return;
	progress_end(&r->progress);
	if (id != NULL)
		warn("'%s': %s", id, why);
	else
		warn("%s", why);
}

static void
on_rejected(void *arg, const char *why)
{
	struct run *r = arg;

	r->rejected++;
	complain(r, NULL, why);
}

/* ---- taking items ---- */

static int
take_item(struct run *r, const struct item *it, struct error *e)
{
	struct job *job = &r->jobs[r->n];

	if (job->out.parts == NULL &&
	    encoded_init(&job->out, r->x->schema, e) == -1)
		return -1;
	job->at = r->bytes.len;
	job->id_len = it->id.len;
	job->has_path = it->path != NULL;
	job->path_len = it->path != NULL ? strlen(it->path) + 1 : 0;
	job->has_text = it->text.s != NULL;
	job->text_len = it->text.len;
	job->group_len = it->group.len;
	job->label_first = r->labels.n;
	job->label_n = it->labels->n;
	job->walked = it->walked;
	job->missing = it->missing;
	job->flags = it->flags;
	job->failed = it->error != NULL;
	job->why.len = 0;
	if (it->error != NULL &&
	    buf_put(&job->why, it->error, strlen(it->error) + 1) == -1)
		return error_memory(e);
	if (buf_put(&r->bytes, it->id.s, it->id.len) == -1 ||
	    buf_put(&r->bytes, it->path, job->path_len) == -1 ||
	    buf_put(&r->bytes, it->text.s, it->text.len) == -1 ||
	    buf_put(&r->bytes, it->group.s, it->group.len) == -1)
		return error_memory(e);
	for (size_t i = 0; i < it->labels->n; i++) {
		struct str s = strs_get(it->labels, i);

		if (strs_add(&r->labels, s.s, s.len) == -1)
			return error_memory(e);
	}
	r->n++;
	return 0;
}

static struct str
job_id(const struct run *r, const struct job *job)
{
	return (struct str){ r->bytes.data + job->at, job->id_len };
}

static struct str
job_group(const struct run *r, const struct job *job)
{
	size_t at = job->at + job->id_len + job->path_len + job->text_len;

	return (struct str){ r->bytes.data + at, job->group_len };
}

/* ---- encoding, in the workers ---- */

static void
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
    const struct run *r, struct job *job, struct worker *w, struct source *in)
{
	const char *path = r->bytes.data + job->at + job->id_len;
	size_t max = r->x->max_file > 0 ? r->x->max_file : IO_MAX_FILE;
	struct error e;

	if (job->has_text) {
		in->data = path + job->path_len;
		in->len = job->text_len;
		return 0;
	}
	in->path = path;
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
	struct run *r = arg;
	struct job *job = &r->jobs[i];
	struct worker *w = &r->workers[worker];
	struct source in = { .id = job_id(r, job),
		.keep = r->o->on_error == ON_ERROR_KEEP };
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
	if (job_bytes(r, job, w, &in) == -1)
		return;
	job->source = hash_bytes(in.data, in.len, 0);
	if (job->source == 0) /* means unknown */
		job->source = 1;
	job->reused = reuse_find(r->reuse, in.id, job->source);
	if (job->reused >= 0) {
		job->state = JOB_REUSED;
		return;
	}
	error_set(&e, "%s", "");
	switch (r->x->encode(r->x->ctx, w->scratch, &in, &job->out, &e)) {
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

/* ---- writing, in order ---- */

/* A label or group that may not stand in a record is the record's error. */
static int
add_strings(struct run *r, struct job *job, struct error *e)
{
	struct str s;

	for (size_t i = 0; i < job->label_n; i++) {
		s = strs_get(&r->labels, job->label_first + i);
		if (batch_label(&r->batch, s.s, s.len, e) == -1)
			goto bad;
	}
	s = job_group(r, job);
	if (s.len == 0 || batch_group(&r->batch, s.s, s.len, e) == 0)
		return 0;
bad:
	if (e->memory)
		return -1;
	job_fail(job, JOB_BAD, e->text);
	return job->state == JOB_FATAL ? error_memory(e) : 0;
}

static int
write_record(struct run *r, struct job *job, struct error *e)
{
	struct str id = job_id(r, job);
	struct batch *b = &r->batch;
	int rc = 0;

	batch_clear(b);
	if (batch_add(b, id.s, id.len, e) == -1 || add_strings(r, job, e) == -1)
		return -1;
	b->source[0] = job->source;
	b->flags[0] |= job->flags;
	if (job->state == JOB_DONE)
		rc = encoded_store(&job->out, b, e);
	else if (job->state == JOB_REUSED)
		rc = reuse_copy(r->reuse, job->reused, b, e);
	for (size_t p = 0; job->state == JOB_BAD && p < b->schema->n; p++)
		if (batch_error(b, p, job->why.data, e) == -1)
			rc = -1;
	return rc == -1 ? -1 : output_put(r->out, b, 0, e);
}

/* The record as a line of JSON. */
static int
write_line(struct run *r, const struct job *job, struct error *e)
{
	struct buf *b = &r->line;
	struct str s = job_id(r, job);
	int rc = 0;

	b->len = 0;
	rc |= buf_puts(b, "{\"id\":");
	rc |= json_put_string(b, s.s, s.len);
	if (job->label_n == 1) {
		s = strs_get(&r->labels, job->label_first);
		rc |= buf_puts(b, ",\"label\":");
		rc |= json_put_string(b, s.s, s.len);
	} else if (job->label_n > 1) {
		rc |= buf_puts(b, ",\"labels\":");
		for (size_t i = 0; i < job->label_n; i++) {
			s = strs_get(&r->labels, job->label_first + i);
			rc |= buf_putc(b, i == 0 ? '[' : ',');
			rc |= json_put_string(b, s.s, s.len);
		}
		rc |= buf_putc(b, ']');
	}
	s = job_group(r, job);
	if (s.len > 0) {
		rc |= buf_puts(b, ",\"group\":");
		rc |= json_put_string(b, s.s, s.len);
	}
	if (job->state == JOB_BAD) {
		rc |= buf_puts(b, ",\"errors\":{");
		rc |= json_put_string(b, r->x->name, strlen(r->x->name));
		rc |= buf_putc(b, ':');
		rc |= json_put_string(b, job->why.data, strlen(job->why.data));
		rc |= buf_putc(b, '}');
	} else {
		rc |= buf_put(b, job->out.line.data, job->out.line.len);
	}
	rc |= buf_puts(b, "}\n");
	if (rc != 0)
		return error_memory(e);
	return io_put(&r->lines, b->data, b->len, e);
}

static int
finish_job(struct run *r, struct job *job, struct error *e)
{
	char id[3 * VEC_MAX_ID + 1];
	size_t n = job->id_len < sizeof(id) - 1 ? job->id_len : sizeof(id) - 1;

	if (job->state == JOB_FATAL)
		return job->why.len == 0 ? error_memory(e)
					 : error_set(e, "%s", job->why.data);
	if (job->state == JOB_UNKNOWN) {
		r->skipped++;
		return 0;
	}
	if ((writes_vectors(r) ? write_record(r, job, e)
			       : write_line(r, job, e)) == -1)
		return -1;
	r->records++;
	r->reused += job->state == JOB_REUSED;
	if (job->state != JOB_BAD)
		return 0;
	r->errors++;
	memcpy(id, job_id(r, job).s, n);
	id[n] = '\0';
	complain(r, id, job->why.data);
	if (r->o->on_error == ON_ERROR_STOP)
		return error_set(e, "stopped at the first error");
	return 0;
}

/* Encode what has been gathered and write it. */
static int
run_round(struct run *r, struct error *e)
{
	pool_run(r->pool, r->n, run_job, r);
	for (size_t i = 0; i < r->n; i++)
		if (finish_job(r, &r->jobs[i], e) == -1)
			return -1;
	r->n = 0;
	r->bytes.len = 0;
	strs_clear(&r->labels);
	progress_at(&r->progress, r->records);
	return 0;
}

/* The input has nothing more now: whoever reads lines need not wait. */
static int
on_waits(void *arg, struct error *e)
{
	struct run *r = arg;
	enum vec_format f = r->o->format;
	int lines =
	    f == FORMAT_JSONL || f == FORMAT_JSONL_FRAMED ||
	    (f == FORMAT_AUTO && r->o->output == NULL && isatty(STDOUT_FILENO));

	if (run_round(r, e) == -1)
		return -1;
	if (!writes_vectors(r))
		return io_flush(&r->lines, e);
	return r->o->live || lines ? output_live(r->out, e) : 0;
}

/* ---- all of it ---- */

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

static int
open_workers(struct run *r, struct error *e)
{
	int n;

	r->pool = pool_new(r->o->threads, e);
	if (r->pool == NULL)
		return -1;
	n = pool_threads(r->pool);
	r->workers = mem_array((size_t)n, sizeof(*r->workers));
	if (r->workers == NULL)
		return error_memory(e);
	for (int i = 0; r->x->scratch_new != NULL && i < n; i++) {
		r->workers[i].scratch = r->x->scratch_new(r->x->ctx, e);
		if (r->workers[i].scratch == NULL)
			return -1;
	}
	r->jobs_max = round_size(r->x->schema);
	r->jobs = mem_array(r->jobs_max, sizeof(*r->jobs));
	return r->jobs != NULL ? 0 : error_memory(e);
}

static int
open_output(struct run *r, struct error *e)
{
	int cut;

	if (!writes_vectors(r))
		return io_create(&r->lines, r->o->output, e);
	if (r->o->reuse != NULL) {
		r->reuse = reuse_open(r->o->reuse, r->x->schema, &cut, e);
		if (r->reuse == NULL)
			return -1;
		if (cut && !r->o->quiet)
			warn("%s; reusing what is there", e->text);
	}
	if (batch_init(&r->batch, r->x->schema, e) == -1)
		return -1;
	r->out = output_open(r->o->output, r->o->format, r->x->schema, e);
	return r->out != NULL ? 0 : -1;
}

static int
run_all(struct run *r, struct error *e)
{
	struct item item;
	int rc;

	progress_start(&r->progress, r->o->progress, "records", 0);
	while ((rc = items_next(r->items, &item, e)) == 1) {
		r->progress.total = items_total(r->items);
		if (take_item(r, &item, e) == -1)
			return -1;
		if ((r->n == r->jobs_max || r->bytes.len >= ROUND_TEXT) &&
		    run_round(r, e) == -1)
			return -1;
	}
	if (rc == -1 || run_round(r, e) == -1)
		return -1;
	r->skipped += items_skipped(r->items);
	return 0;
}

static int
close_output(struct run *r, struct error *e)
{
	struct output *out = r->out;

	if (!writes_vectors(r))
		return io_commit(&r->lines, e);
	r->out = NULL;
	output_reject(out, r->rejected);
	return output_close(out, e);
}

static void
close_all(struct run *r)
{
	int n = r->pool != NULL ? pool_threads(r->pool) : 0;

	for (int i = 0; r->workers != NULL && i < n; i++) {
		if (r->x->scratch_free != NULL)
			r->x->scratch_free(r->x->ctx, r->workers[i].scratch);
		buf_free(&r->workers[i].file);
	}
	free(r->workers);
	for (size_t i = 0; r->jobs != NULL && i < r->jobs_max; i++) {
		buf_free(&r->jobs[i].why);
		encoded_free(&r->jobs[i].out);
	}
	free(r->jobs);
	buf_free(&r->bytes);
	buf_free(&r->line);
	strs_free(&r->labels);
	if (r->batch.schema != NULL)
		batch_free(&r->batch);
	if (r->out != NULL)
		output_abort(r->out, message_name(NULL));
	io_abandon(&r->lines);
	reuse_free(r->reuse);
	items_close(r->items);
	pool_free(r->pool);
}

/* "3121 records, 4 with errors, 2 rejected" */
static void
say_counts(const struct run *r)
{
	char text[256];
	size_t n = 0;
	const struct {
		uint64_t count;
		const char *what;
	} more[] = {
		{ r->errors, "with errors" },
		{ r->rejected, "rejected" },
		{ r->skipped, "passed over" },
		{ r->reused, "reused" },
	};

	if (r->warnings > WARNINGS_SHOWN && !r->o->verbose)
		warn("%llu more like these (-v shows all)",
		    (unsigned long long)(r->warnings - WARNINGS_SHOWN));
	if (r->o->quiet)
		return;
	n += (size_t)snprintf(text, sizeof(text), "%llu record%s",
	    (unsigned long long)r->records, r->records == 1 ? "" : "s");
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (more[i].count > 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    ", %llu %s", (unsigned long long)more[i].count,
			    more[i].what);
	warn("%s", text);
}

/* 0, or 3 when more went wrong than --max-errors allows. */
static int
verdict(const struct run *r)
{
	double bad = (double)(r->errors + r->rejected);
	double max = r->o->max_errors;

	if (r->o->percent)
		max = max / 100 * (double)(r->records + r->rejected);
	return bad > max ? EXIT_SOME : EXIT_OK;
}

int
runner_run(const struct extractor *x, const struct items_options *from,
    char *const *paths, int n, const struct runner_options *o)
{
	struct run r = { .x = x, .o = o, .lines = { .fd = -1 } };
	struct items_calls calls = { &r, on_rejected, on_waits };
	struct error e;
	int status = EXIT_FATAL;

	r.items = items_open(from, paths, n, &calls, &e);
	if (r.items != NULL && open_workers(&r, &e) == 0 &&
	    open_output(&r, &e) == 0 && run_all(&r, &e) == 0 &&
	    close_output(&r, &e) == 0)
		status = verdict(&r);
	progress_end(&r.progress);
	if (status == EXIT_FATAL)
		warn("%s", e.text);
	else
		say_counts(&r);
	close_all(&r);
	return status;
}
