#ifndef VEC_RUNNER_H
#define VEC_RUNNER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/message.h"
#include "base/options.h"
#include "base/pool.h"
#include "vec/batch.h"
#include "vec/items.h"
#include "vec/output.h"

/*
 * The loop of every extractor: items in (items.h), each file read and encoded
 * by one of -j workers, records out in the order of the items.  The extractor
 * brings a schema and a function from bytes to vectors; the rest of the record
 * contract (one record for each input, errors in the record, exit status,
 * --reuse, --live, counts) is kept here.
 *
 * The runner is for commands: it talks (message.h), but leaves exiting to
 * them.  Out of memory, and whatever stops the output, is fatal; anything else
 * that goes wrong with one input is that record's error.
 *
 * An extractor that is faster with several records at once (a network, whose
 * matrix products want rows) brings encode_batch.  Batches are runs of the
 * input; where they are cut depends on sizes, on -j and on what is there when
 * the input waits, so the vectors of a record must not depend on the others.
 */

/* What encode is to work on. */
struct source {
	const char *data; /* [len] bytes of the file, or the text */
	size_t len;
	const char *path; /* of the file, NULL for a text */
	struct str id;
	int keep; /* --on-error=keep: take what can be decoded, set
		   * FLAG_DAMAGED */
};

/*
 * Where encode puts its result: the values of each part, and flags.  A part
 * that is not given is missing.  The memory is the runner's and is used again.
 */
struct encoded; /* opaque */

/* encoded_dense(out, p): zeroed room for the values of part p: [dim].
 * encoded_sparse: room for up to n pairs of part p; give the true count with
 * encoded_pairs when it is less.  Indices increase.  encoded_sequence: values
 * [rows, dim] and times [rows, 2].  encoded_line: a buffer for the text of
 * this record where the schema has no parts (see extractor).
 * All: NULL or -1 when memory is out, with the sentence in ${e}. */
float *encoded_dense(struct encoded *out, size_t p, struct error *e);
int encoded_sparse(struct encoded *out, size_t p, size_t n, uint32_t **index,
    float **value, struct error *e);
void encoded_pairs(struct encoded *out, size_t p, size_t n);
float *encoded_sequence(
    struct encoded *out, size_t p, size_t rows, double **time, struct error *e);
struct buf *encoded_line(struct encoded *out);

/* encoded_flag: set flags of the record (FLAG_CUT and so on). */
void encoded_flag(struct encoded *out, uint32_t flags);

enum encode_status {
	ENCODE_OK,
	ENCODE_BAD,    /* the sentence in *e becomes the record's error */
	ENCODE_UNKNOWN /* not of a type that is read here: the same, but a file
			* that was only found in a directory is passed over */
};

/*
 * What an extractor is.  encode is called from several threads at once, each
 * with a scratch of its own; it must depend on the source alone.  A sentence
 * for *e names neither file nor id.
 *
 * encode_batch is called in its place where it is given: n records, 1 <= n <=
 * batch, each with a status and a sentence of its own; those that are missing,
 * in error already or reused are not among them.  status comes filled with
 * ENCODE_OK and e with empty sentences.  A batch has at most batch_bytes of
 * data, unless one record alone has more.
 *
 * share is for extractors that can cut the work of one record: with few of them
 * the threads that have none help (pool_run_together).
 *
 * With a schema of no parts the output is JSON Lines of the extractor's own:
 * encode appends members, each with a comma before it, to encoded_line, and
 * the runner puts {"id":...,"label":...,"group":... before them and } behind
 * them; {"id":...,"errors":{"NAME":...}} for a record in error.
 */
struct extractor {
	const char *name; /* for such errors: "image" */
	const struct schema *schema;
	void *ctx;
	/* Memory of one worker; both may be NULL. */
	void *(*scratch_new)(void *ctx, struct error *e);
	void (*scratch_free)(void *ctx, void *scratch);
	void (*share)(void *scratch, struct pool *pool); /* or NULL */
	enum encode_status (*encode)(void *ctx, void *scratch,
	    const struct source *in, struct encoded *out, struct error *e);
	void (*encode_batch)(void *ctx, void *scratch, size_t n,
	    const struct source *in, struct encoded *const *out,
	    enum encode_status *status, struct error *e);
	size_t batch;       /* records, with encode_batch */
	size_t batch_bytes; /* of their data; 0: any number */
	size_t max_file;    /* bytes of a file; 0: IO_MAX_FILE */
};

enum runner_on_error { ON_ERROR_RECORD, ON_ERROR_STOP, ON_ERROR_KEEP };

/* Filled from the command line by runner_option; zero is the default. */
struct runner_options {
	const char *output; /* NULL: standard output */
	enum vec_format format;
	int threads;      /* 0: all processors */
	const char *part; /* --name: the part's name, or NULL; the
			   * command's to use in its schema */
	enum runner_on_error on_error;
	double max_errors; /* so many records in error end with 0, or, with */
	int percent;       /* this flag, so many of a hundred */
	const char *reuse; /* an earlier stream, or NULL */
	int live;
	enum progress_mode progress;
	int quiet, verbose;
};

enum {
	RUNNER_KEY_FIRST = 1100,
	RUNNER_KEY_NAME = RUNNER_KEY_FIRST,
	RUNNER_KEY_ON_ERROR,
	RUNNER_KEY_MAX_ERRORS,
	RUNNER_KEY_REUSE,
	RUNNER_KEY_LIVE,
	RUNNER_KEY_PROGRESS
};

/* Rows for a table: RUNNER_OPTIONS for all, RUNNER_VECTOR_OPTIONS besides for
 * those that write vectors. */
// clang-format off
#define RUNNER_VECTOR_OPTIONS \
	{ 'f', "format", "FORMAT", \
	  "write auto, vp, jsonl or jsonl-framed (auto)" }, \
	{ RUNNER_KEY_NAME, "name", "NAME", "name of the part" }, \
	{ RUNNER_KEY_REUSE, "reuse", "OLD.vp", \
	  "take the vectors of unchanged inputs from OLD.vp" }, \
	{ RUNNER_KEY_LIVE, "live", NULL, \
	  "write what is there whenever the input waits" }
#define RUNNER_OPTIONS \
	{ 'o', "output", "FILE", "write to FILE, whole or not at all" }, \
	{ 'j', "threads", "N", "workers (all processors)" }, \
	{ RUNNER_KEY_ON_ERROR, "on-error", "WHAT", \
	  "record, stop, or keep what can be decoded (record)" }, \
	{ RUNNER_KEY_MAX_ERRORS, "max-errors", "N|P%", \
	  "end with 0 for up to so many records in error (0)" }, \
	{ RUNNER_KEY_PROGRESS, "progress", "WHEN", \
	  "auto, never or json (auto)" }
// clang-format on

/* runner_option(opt, key, o): as items_option; also takes -q and -v. */
int runner_option(const struct options *opt, int key, struct runner_options *o);

/* runner_run: all of it.  Returns the exit status, after saying why where it
 * is not 0, and the counts unless -q is given. */
int runner_run(const struct extractor *x, const struct items_options *from,
    char *const *paths, int n, const struct runner_options *o);

#endif
