#ifndef VEC_BATCH_H
#define VEC_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * Records in memory: what one block of a stream holds.  A schema says which
 * parts the records have; a batch holds n records as columns.
 *
 *	n = records, D = a part's dim, R = rows of a sequence record
 *
 * Functions return 0 or -1 with a sentence; the caller owns both structs and
 * frees them with their free functions.  A zeroed struct is a valid empty one.
 */

enum {                       /* limits for data from outside */
	VEC_MAX_ID = 4096,   /* bytes */
	VEC_MAX_DIM = 65536, /* dense and sequence */
	VEC_MAX_PARTS = 256,
	VEC_MAX_LABELS = 4096,      /* of one record */
	VEC_MAX_STRING = 1 << 16,   /* label, group, error, name: bytes */
	VEC_MAX_PAYLOAD = 16 << 20, /* bytes of a block */
	VEC_MAX_RECORD = 1 << 30,   /* bytes of one sequence over its blocks */
	VEC_MAX_HEADER = 16 << 20   /* bytes of a header's JSON object */
};
#define VEC_MAX_SPARSE UINT32_MAX /* dim of a sparse part */

enum part_kind { PART_DENSE, PART_SPARSE, PART_SEQUENCE };

struct part {
	char *name; /* UTF-8, unique in the schema */
	enum part_kind kind;
	uint32_t dim;
	char *space;         /* canonical JSON object: must be equal to meet */
	char *run;           /* canonical JSON object: may differ */
	struct strs columns; /* dim names, or n = 0 */
};

struct schema {
	size_t n;
	struct part *parts; /* [n] */
	char *task;         /* canonical JSON object of task fields, or NULL */
};

/* schema_add: append a part; space and run may be NULL for "{}".  Strings
 * are copied and made canonical.  Refuses an equal name, a dim out of range,
 * a space that is no JSON object. */
int schema_add(struct schema *s, const char *name, enum part_kind kind,
    uint32_t dim, const char *space, const char *run, struct error *e);
/* schema_columns: give part p the names of its dims, as many as it has. */
int schema_columns(
    struct schema *s, size_t p, const struct strs *names, struct error *e);
/* schema_task: set the task fields: the text of a JSON object. */
int schema_task(struct schema *s, const char *json, struct error *e);
int schema_copy(struct schema *to, const struct schema *from, struct error *e);
void schema_free(struct schema *s);

/*
 * schema_json: append the schema as canonical JSON, what the header of a
 * stream holds (vecpipe-stream(5)); schema_parse reads it back, as data from
 * outside, into an empty schema.
 */
int schema_json(struct buf *out, const struct schema *s, struct error *e);
int schema_parse(struct schema *s, const char *text, size_t n, struct error *e);

/* part_kind_name: "dense", "sparse", "sequence". */
const char *part_kind_name(enum part_kind kind);

/* schema_find: index of the part of that name, or -1. */
int schema_find(const struct schema *s, const char *name);

/*
 * part_meets(a, b): 0 when vectors of the two may stand in one column: equal
 * kind, dim and space.  Else -1 and a sentence that names the key that
 * differs and both values.  An unknown space ({}) meets any of equal dim.
 */
int part_meets(const struct part *a, const struct part *b, struct error *e);

/* schema_meets: the same for all parts, in order, with equal names. */
int schema_meets(
    const struct schema *a, const struct schema *b, struct error *e);

enum {                     /* flags of a record */
	FLAG_CUT = 1 << 0, /* longer than the encoder reads */
	FLAG_BAD_UTF8 = 1 << 1,
	FLAG_DAMAGED = 1 << 2, /* decoded in part (--on-error=keep) */
	FLAG_IMPUTED = 1 << 3,
	FLAG_TRAINED = 1 << 4, /* among a model's training records */
	FLAG_NO_LABEL = 1 << 5 /* labelled, with none: "labels":[] */
};

/*
 * One part's column.  mask[i] is 1 where record i has the part.  Where it is
 * 0 the values are absent (sparse, sequence) or zero (dense), and error holds
 * why, or an empty string for "missing, and no error".
 */
struct part_column {
	uint8_t *mask;     /* [n] */
	struct strs error; /* n strings */
	float *dense;      /* [n, D], 64-byte aligned */
	void *base;        /* the allocation that holds it */
	size_t *end;       /* [n] sparse: pairs, sequence: rows, up to and
			    * with record i */
	uint32_t *index;   /* sparse: [pairs], increasing in a record */
	float *value;      /* sparse: [pairs]; sequence: [rows, D] */
	double *time;      /* sequence: [rows, 2] start and end, seconds,
			    * NaN where a row has none */
	size_t cap;        /* of index, value, time: pairs or rows */
};

struct batch {
	const struct schema *schema; /* borrowed */
	size_t n, cap;
	struct strs id;            /* n strings */
	struct strs label;         /* all labels, record by record */
	size_t *label_end;         /* [n] labels up to and with record i */
	double *target;            /* [n], NaN where there is none */
	double *weight;            /* [n], 1 where none is given */
	struct strs group;         /* n strings, "" where none */
	uint64_t *source;          /* [n], 0 where unknown */
	uint32_t *flags;           /* [n] */
	struct part_column *parts; /* [schema->n] */
};

int batch_init(struct batch *b, const struct schema *s, struct error *e);
void batch_clear(struct batch *b); /* no records, keeps the memory */
void batch_free(struct batch *b);

/* batch_reserve: make room for ${more} records. */
int batch_reserve(struct batch *b, size_t more, struct error *e);

/* batch_room: make room for ${need} pairs or rows in all in part p, which is
 * not dense.  -1 when memory is out. */
int batch_room(struct batch *b, size_t p, size_t need);

/* batch_cut: keep the first n <= b->n records.  Cannot fail. */
void batch_cut(struct batch *b, size_t n);

/*
 * batch_add: append a record with this id, no label, no group, and every part
 * missing without error; then fill it with the functions below, which all
 * work on the last record.  The id is checked (batch_check_id).
 */
int batch_add(struct batch *b, const char *id, size_t len, struct error *e);
int batch_label(struct batch *b, const char *s, size_t len, struct error *e);
int batch_group(struct batch *b, const char *s, size_t len, struct error *e);

/*
 * The values of part p of the last record, to be filled by the caller: dense
 * [D]; sparse n pairs; sequence [rows, D] and, when time is not NULL, its
 * [rows, 2].  NULL or -1 when memory is out.  The mask becomes 1.
 */
float *batch_dense(struct batch *b, size_t p);
int batch_sparse(
    struct batch *b, size_t p, size_t n, uint32_t **index, float **value);
float *batch_sequence(struct batch *b, size_t p, size_t rows, double **time);

/* batch_rows: ${rows} more rows of sequence part p of the last record, to be
 * filled like those of batch_sequence. */
float *batch_rows(struct batch *b, size_t p, size_t rows, double **time);

/* batch_error: part p of the last record failed; its mask becomes 0.  The
 * text is made valid UTF-8 and at most VEC_MAX_STRING bytes long. */
int batch_error(struct batch *b, size_t p, const char *text, struct error *e);
int batch_error_str(
    struct batch *b, size_t p, const char *s, size_t len, struct error *e);

/* batch_carry: append what record i of ${from} has but for its vectors: id,
 * labels, target, weight, group, source, flags.  Every part is missing, without
 * error.  batch_copy: append all of it; the schemas have the same parts, but
 * that a dense one takes the first row of a sequence. */
int batch_carry(
    struct batch *b, const struct batch *from, size_t i, struct error *e);
int batch_copy(
    struct batch *b, const struct batch *from, size_t i, struct error *e);

/* batch_range: pairs, rows or labels of record i are [*first, *first + n)
 * where n is the result. */
static inline size_t
batch_range(const size_t *end, size_t i, size_t *first)
{
	*first = i > 0 ? end[i - 1] : 0;
	return end[i] - *first;
}

/* batch_size(b, i): bytes that record i takes in a stream: 64, its strings,
 * and its values.  What blocks close by. */
size_t batch_size(const struct batch *b, size_t i);

/* batch_bad: 1 when some part of record i carries an error. */
int batch_bad(const struct batch *b, size_t i);

/* batch_check_string: a label, group, error or name from outside: at most
 * VEC_MAX_STRING bytes of valid UTF-8.  ${what} names it in the sentence. */
int batch_check_string(
    const char *what, const char *s, size_t len, struct error *e);

/* batch_check_id: 1..VEC_MAX_ID bytes of valid UTF-8 without control
 * characters (U+0000..1F, 7F..9F). */
int batch_check_id(const char *s, size_t len, struct error *e);

/* batch_path_id: a path as an id: bytes that may not stand there are written
 * \xHH, a backslash \\.  Appends to out. */
int batch_path_id(struct buf *out, const char *path, size_t len);

#endif
