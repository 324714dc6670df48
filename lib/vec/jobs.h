#ifndef VEC_JOBS_H
#define VEC_JOBS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/pool.h"
#include "vec/encoded.h"
#include "vec/items.h"
#include "vec/reuse.h"
#include "vec/runner.h"

/*
 * One round of the runner: the items that have been gathered, and what the
 * workers make of them.  A round is over when jobs_full says so, or when the
 * runner wants its results; what comes out does not depend on that.
 *
 * A worker takes one chunk of the round after another: a run of jobs, one
 * without batches.  With few jobs and many workers chunks are smaller than a
 * batch, so that all have work; the largest are begun first, so that none is
 * waited for at the end.  The files of a chunk are read by its worker, and
 * encoded as soon as they make a batch.
 */

enum job_state {
	JOB_DONE,
	JOB_MISSING,
	JOB_REUSED,
	JOB_BAD,     /* an error of this record */
	JOB_UNKNOWN, /* found in a directory, of no type that is read */
	JOB_FATAL    /* ends the work */
};

/* One item, and what became of it.  Its strings lie in jobs->bytes. */
struct job {
	size_t at; /* id, path and its NUL, text, group, one after another */
	size_t id_len, path_len, text_len, group_len;
	size_t label_first, label_n; /* in jobs->labels */
	int has_text, walked, missing, failed;
	uint32_t flags;

	enum job_state state;
	uint64_t source; /* hash of the content, 0: unknown */
	int64_t reused;  /* the old record, with JOB_REUSED */
	struct buf why;  /* NUL-terminated, from JOB_BAD on */
	struct encoded out;
};

struct worker;

/* A run of jobs that one worker takes. */
struct chunk {
	size_t first, n, weight;
};

struct jobs {
	const struct extractor *x;
	const struct reuse *reuse; /* or NULL */
	int keep;                  /* --on-error=keep */
	struct pool *pool;
	struct worker *workers; /* [pool_threads] */
	struct job *job;        /* [max] */
	size_t n, max;
	size_t files, max_files; /* jobs that read one */
	struct chunk *chunk;     /* [max] */
	size_t chunks;
	struct buf bytes;
	struct strs labels;
};

/* jobs_open: workers with their scratch.  0 or -1; jobs_close accepts both. */
int jobs_open(struct jobs *js, const struct extractor *x, int threads, int keep,
    struct error *e);
void jobs_close(struct jobs *js);

/* jobs_take: one item more.  0 or -1. */
int jobs_take(struct jobs *js, const struct item *it, struct error *e);

/* jobs_full: 1 when there are enough for a round. */
int jobs_full(const struct jobs *js);

/* jobs_run: encode all; job[0 .. n) have their state then. */
void jobs_run(struct jobs *js);

/* jobs_clear: no items; the memory stays. */
void jobs_clear(struct jobs *js);

/* Strings of a job; valid until jobs_take or jobs_clear. */
struct str job_id(const struct jobs *js, const struct job *job);
struct str job_group(const struct jobs *js, const struct job *job);

/* job_fail: the job ends in this state, with this sentence. */
void job_fail(struct job *job, enum job_state state, const char *why);

#endif
