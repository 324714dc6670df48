#ifndef VEC_JSONL_PRIVATE_H
#define VEC_JSONL_PRIVATE_H

#include "vec/jsonl.h"

/*
 * What the three sources that read JSON Lines share: jsonl_read.c has lines
 * and frames, jsonl_shape.c finds out what the parts are, jsonl_record.c makes
 * a line a record.
 */

/* ---- shapes: the parts as they become known ---- */

struct jsonl_shape {
	int kind; /* of enum part_kind, -1 unknown */
	uint32_t dim;
};

struct jsonl_shapes {
	struct strs names;
	struct jsonl_shape *shapes; /* [names.n] */
	size_t cap, unknown;
	int seen; /* some line has "vec" */
};

/* jsonl_shapes_add: take what a line says of parts; a bad one says nothing.
 * 0, or -1 when memory is out. */
int jsonl_shapes_add(
    struct jsonl_shapes *k, struct json *j, const char *text, size_t n);

/* jsonl_shapes_schema: the schema they make; ${like} as in jsonl_open. */
int jsonl_shapes_schema(struct schema *s, const struct jsonl_shapes *k,
    const struct schema *like, struct error *e);
void jsonl_shapes_free(struct jsonl_shapes *k);

/* ---- records ---- */

/*
 * jsonl_take_record: read the line at hand, s->text, as one record more.  0; 1
 * when it is bad but its id was read (the record is there, half filled); 2
 * when it is bad and there is no id; *e says why, with line and column; -1
 * when memory is out.
 */
int jsonl_take_record(struct jsonl_reader *s, struct batch *b, struct error *e);

#endif
