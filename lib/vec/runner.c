#include "vec/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "vec/jobs.h"

enum { WARNINGS_SHOWN = 10 };

struct run {
	const struct extractor *x;
	const struct runner_options *o;
	struct items *items;
	struct jobs jobs;
	struct reuse *reuse;
	struct output *out;  /* vectors */
	struct writer lines; /* or lines */
	struct batch batch;  /* one record on its way to out */
	struct buf line;
	struct progress progress;
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

/* ---- writing, in order ---- */

/* A label or group that may not stand in a record is the record's error. */
static int
add_strings(struct run *r, struct job *job, struct error *e)
{
	struct str s;

	for (size_t i = 0; i < job->label_n; i++) {
		s = strs_get(&r->jobs.labels, job->label_first + i);
		if (batch_label(&r->batch, s.s, s.len, e) == -1)
			goto bad;
	}
	s = job_group(&r->jobs, job);
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
	struct str id = job_id(&r->jobs, job);
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
	struct str s = job_id(&r->jobs, job);
	int rc = 0;

	b->len = 0;
	rc |= buf_puts(b, "{\"id\":");
	rc |= json_put_string(b, s.s, s.len);
	if (job->label_n == 1) {
		s = strs_get(&r->jobs.labels, job->label_first);
		rc |= buf_puts(b, ",\"label\":");
		rc |= json_put_string(b, s.s, s.len);
	} else if (job->label_n > 1) {
		rc |= buf_puts(b, ",\"labels\":");
		for (size_t i = 0; i < job->label_n; i++) {
			s = strs_get(&r->jobs.labels, job->label_first + i);
			rc |= buf_putc(b, i == 0 ? '[' : ',');
			rc |= json_put_string(b, s.s, s.len);
		}
		rc |= buf_putc(b, ']');
	}
	s = job_group(&r->jobs, job);
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
	memcpy(id, job_id(&r->jobs, job).s, n);
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
	jobs_run(&r->jobs);
	for (size_t i = 0; i < r->jobs.n; i++)
		if (finish_job(r, &r->jobs.job[i], e) == -1)
			return -1;
	jobs_clear(&r->jobs);
	progress_at(&r->progress, r->records);
	return 0;
}

static void
on_noted(void *arg, const char *why)
{
	struct run *r = arg;

	if (!r->o->quiet)
		complain(r, NULL, why);
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
		r->jobs.reuse = r->reuse;
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
		if (jobs_take(&r->jobs, &item, e) == -1)
			return -1;
		if (jobs_full(&r->jobs) && run_round(r, e) == -1)
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
	jobs_close(&r->jobs);
	buf_free(&r->line);
	if (r->batch.schema != NULL)
		batch_free(&r->batch);
	if (r->out != NULL)
		output_abort(r->out, message_name(NULL));
	io_abandon(&r->lines);
	reuse_free(r->reuse);
	items_close(r->items);
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
	struct items_calls calls = { &r, on_rejected, on_noted, on_waits };
	struct error e;
	int status = EXIT_FATAL;

	r.items = items_open(from, paths, n, &calls, &e);
	if (r.items != NULL &&
	    jobs_open(&r.jobs, x, o->threads, o->on_error == ON_ERROR_KEEP,
		&e) == 0 &&
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
