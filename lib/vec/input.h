#ifndef VEC_INPUT_H
#define VEC_INPUT_H

#include <stdint.h>

#include "base/error.h"
#include "vec/batch.h"

/*
 * Vectors in: the one way commands read them.  Operands are read one after
 * another, as cat would join them; each may be a stream (several, end to end)
 * or JSON Lines, recognised by its first bytes.  All must agree in parts and
 * space.  The order of records is that of the input.
 */

struct input; /* opaque */

/* What the trailers said, all together; complete when input_next gave 0. */
struct input_end {
	uint64_t records, rejected;
	int partial;      /* some stream has status partial */
	uint64_t hash;    /* stream hashes, folded in order */
	struct error bad; /* why the first line of JSON Lines was
			   * rejected here, "" when none was */
};

/*
 * input_open(paths, n): n = 0 reads standard input; "-" is standard input.
 * Reads the first header (for unframed JSON Lines: far enough to know every
 * part's kind and dim).  NULL with a sentence: "'x.vp': not a vecpipe stream
 * (looks like gzip)".
 */
struct input *input_open(char *const *paths, int n, struct error *e);
void input_close(struct input *in); /* NULL is fine */

/* The parts of all operands; valid until input_close. */
const struct schema *input_schema(const struct input *in);

/* A name for messages: the operand that is being read. */
const char *input_name(const struct input *in);

/*
 * input_next(in, b): the next block's records into ${b} (cleared first; it
 * must have been initialised with input_schema).  1; 0 at the good end of the
 * last operand; -1: checksum mismatch, gap, truncation ("stream truncated
 * after N records (no end mark)"), "upstream failed: extract-img", a line
 * that cannot be read, with its place.
 */
int input_next(struct input *in, struct batch *b, struct error *e);

const struct input_end *input_end(const struct input *in);

/* input_read_all: every record that is left, appended to ${b}. */
int input_read_all(struct input *in, struct batch *b, struct error *e);

#endif
