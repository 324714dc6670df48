#ifndef VEC_JSONL_H
#define VEC_JSONL_H

#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "vec/batch.h"
#include "vec/stream.h"

/*
 * JSON Lines: the stream's twin for people and for other programs, one object
 * a record.
 *
 *	{"id":"a1","label":"drama","group":"p7","vec":{"text":[0.1,...]}}
 *
 *	id      string; a number is taken as its digits
 *	label   string; or labels: [strings]
 *	target  number          weight  number (1)
 *	group   string          source  16 hexadecimal digits
 *	flags   ["cut", "bad-utf8", "damaged", "imputed", "trained"]
 *	vec     object: for each part null, or
 *	        dense     [D numbers]
 *	        sparse    {"dim":D, "idx":[...], "val":[...]}
 *	        sequence  {"dim":D, "rows":[[D numbers], ...],
 *	                   "time":[[start, end], ...]}
 *	errors  object: for each part that failed, why
 *
 * Other keys are ignored.  All that a binary stream holds survives the way
 * there and back, bit for bit; what describes the parts (space, run, columns,
 * task) does so in the framed form only, whose first line is
 * {"vecpipe":1,"parts":[...],"task":{...}} and whose last one is
 * {"end":true,"records":N,"rejected":N,"status":"ok"}.
 *
 * Reading without a frame, the parts are those of the first records: lines
 * are read ahead, at most JSONL_AHEAD bytes, until every part that they name
 * has been seen with values; one that never was becomes dense with dim 1.
 * A line that cannot be read is rejected and counted; when its id can be read
 * it becomes a record whose parts carry the error.  A last line that is cut
 * off is fatal, and in a frame any bad line is.
 *
 * Functions return -1 with a sentence in *e; the caller owns the structs.
 */

enum {
	JSONL_MAX_LINE = 64 << 20, /* bytes */
	JSONL_AHEAD = 64 << 20
};

enum { JSONL_VERSION = 1, JSONL_FLAGS = 6 };

/* The names of enum FLAG_* by bit, and of enum stream_status. */
extern const char *const jsonl_flags[JSONL_FLAGS];
extern const char *const jsonl_status[3];

/* ---- writing: each appends whole lines to ${out} ---- */

int jsonl_put_header(struct buf *out, const struct schema *s, struct error *e);
int jsonl_put(
    struct buf *out, const struct batch *b, size_t i, struct error *e);
int jsonl_put_end(struct buf *out, enum stream_status status, uint64_t records,
    uint64_t rejected, const char *tool, struct error *e);

/* ---- reading ---- */

struct jsonl_reader {
	struct reader *from;
	struct schema schema;
	int framed;
	uint64_t line; /* lines read so far */
	uint64_t records, rejected;
	struct error bad; /* why the first line was rejected */
	struct hash hash; /* of the lines */
	/* After jsonl_next gave 0, of a frame: */
	enum stream_status status;
	/* The rest is jsonl_read.c's own. */
	struct buf ahead, text; /* lines read ahead; the one at hand */
	size_t ahead_at;
	int whole;  /* the line at hand had its LF */
	int over;   /* the end was seen */
	int failed; /* and why, told after the records before it */
	struct error why;
	struct json j, late;
	uint32_t *index; /* scratch: one sparse record */
	float *value;
	double *time; /* scratch: one sequence's times */
	size_t index_cap, value_cap, time_cap;
};

/* jsonl_open: read the frame's first line, or ahead.  ${line}: lines of this
 * input that were read before.  ${like} (may be NULL): parts of this name have
 * this kind and dim where the lines do not tell.  1; 0 when nothing is there;
 * -1. */
int jsonl_open(struct jsonl_reader *s, struct reader *from, uint64_t line,
    const struct schema *like, struct error *e);
void jsonl_free(struct jsonl_reader *s);

/* jsonl_next: append the next records to ${b}: a block's worth, or as many as
 * are there without waiting.  1; 0 at the end of the frame or input; -1. */
int jsonl_next(struct jsonl_reader *s, struct batch *b, struct error *e);

#endif
