#ifndef VEC_OUTPUT_H
#define VEC_OUTPUT_H

#include <stdint.h>

#include "base/error.h"
#include "vec/batch.h"

/*
 * Vectors out: the one way commands write them, as a binary stream or as
 * JSON Lines.  Blocks close by record count and size alone, so the bytes do
 * not depend on how records were handed over.
 */

enum vec_format { FORMAT_AUTO, FORMAT_VP, FORMAT_JSONL, FORMAT_JSONL_FRAMED };

struct output; /* opaque */

/*
 * output_open(path, format, schema): path NULL or "-" is standard output.
 * FORMAT_AUTO is JSON Lines on a terminal and a stream elsewhere; FORMAT_VP
 * to a terminal is refused.  The schema is copied.  NULL with a sentence.
 */
struct output *output_open(const char *path, enum vec_format format,
    const struct schema *s, struct error *e);

/* output_put: append record i of ${b}.  output_put_all: every record of it. */
int output_put(
    struct output *o, const struct batch *b, size_t i, struct error *e);
int output_put_all(struct output *o, const struct batch *b, struct error *e);

/* output_reject: count an input that had no id and so is not in the stream. */
void output_reject(struct output *o, uint64_t n);

/* output_partial: the trailer's status will be "partial". */
void output_partial(struct output *o);

/* output_live: close the block now and flush (--live, when input waits). */
int output_live(struct output *o, struct error *e);

/* output_close: end mark, flush, sync, rename; releases o whatever it
 * returns. */
int output_close(struct output *o, struct error *e);

/* output_abort(o, tool): what a failing command calls: an "aborted by TOOL"
 * trailer where the output is a pipe or plain descriptor, no final file where
 * it is -o.  Never fails; releases o; NULL is fine. */
void output_abort(struct output *o, const char *tool);

/* The option -f of vector-writing commands: "auto|vp|jsonl|jsonl-framed". */
#define OUTPUT_FORMATS "auto|vp|jsonl|jsonl-framed"

#endif
