#ifndef VEC_FORMAT_H
#define VEC_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/intern.h"
#include "base/mem.h"
#include "vec/batch.h"

/*
 * Vectors in other programs' formats, read and written record by record like
 * streams (input.h, output.h):
 *
 *	npy          one dense part as an array; nothing else
 *	npz          arrays: each part (sparse ones as .data, .indices and
 *	             .indptr of CSR), ids, labels, masks, all but sequences
 *	csv, tsv     a row a record, a column a number; an empty cell is missing
 *	svmlight     "label index:value ... # id", one sparse or dense part
 *	safetensors  as npz, with the strings in __metadata__
 *
 * What a format cannot hold is counted, never dropped in silence.  csv and tsv
 * are read and written as they come; the others hold all in memory.
 *
 * Functions return -1 or NULL with a sentence.  Options are borrowed and must
 * outlive what was opened with them.
 */

enum file_format {
	FILE_AUTO,
	FILE_VP,
	FILE_JSONL,
	FILE_JSONL_FRAMED,
	FILE_NPY,
	FILE_NPZ,
	FILE_CSV,
	FILE_TSV,
	FILE_SVMLIGHT,
	FILE_SAFETENSORS
};
#define FILE_FORMATS                                                           \
	"auto|vp|jsonl|jsonl-framed|npy|npz|csv|tsv|svmlight|safetensors"

/* format_name: "npy".  format_of_path: by the name's end, or FILE_AUTO.
 * format_of_bytes: by a file's first bytes; text that is no JSON is
 * FILE_AUTO. */
const char *format_name(enum file_format f);
enum file_format format_of_path(const char *path);
enum file_format format_of_bytes(const void *p, size_t n);

/* What stands for a missing part where a format has no mask. */
enum format_missing {
	MISSING_REFUSE,
	MISSING_ZERO,
	MISSING_NAN, /* reading: a row of NaN is a missing part */
	MISSING_DROP /* the record is left out, and counted */
};
#define FORMAT_MISSING "refuse|zero|nan|drop"

/* What of a record a format may be unable to hold. */
enum format_field {
	FIELD_ID,
	FIELD_LABEL,  /* the first one */
	FIELD_LABELS, /* further ones */
	FIELD_TARGET,
	FIELD_WEIGHT,
	FIELD_GROUP,
	FIELD_SOURCE,
	FIELD_FLAGS,
	FIELD_MASK,
	FIELD_ERROR,
	FORMAT_FIELDS
};

/* format_field_name: "ids". */
const char *format_field_name(enum format_field k);

struct format_options {
	/* Reading: the name of the part (npy, csv, svmlight), or the one array
	 * to take (npz, safetensors).  NULL: as the file says. */
	const char *part;
	/* Names of columns or arrays; NULL for "id" ("ids" of arrays). */
	const char *id, *label, *group;
	const struct strs *ids; /* ids of the rows, or NULL */
	int number;             /* ids are the numbers of the rows, from 1 */
	enum format_missing missing;
	/* Writing: further files for what the format cannot hold, or NULL. */
	const char *ids_file, *labels_file;
	/* csv, tsv: columns to write beside id and label, as 1 << FIELD_*. */
	unsigned columns;
	/* svmlight: label number k is classes->names k, or NULL; the first
	 * index (1); dim when reading, 0 for the largest index; labels are
	 * targets. */
	struct intern *classes;
	uint32_t base, dim;
	int regress;
};

/* ---- reading ---- */

struct format_reader; /* opaque */

struct format_end {
	uint64_t rejected; /* rows without an id that could be read */
	struct error bad;  /* why the first was, "" when none was */
	uint64_t rounded;  /* values that do not fit 32 bits exactly */
	struct buf unread; /* names of arrays that were not taken, or empty */
};

/* format_open: path "-" is standard input. */
struct format_reader *format_open(const char *path, enum file_format f,
    const struct format_options *o, struct error *e);
void format_close(struct format_reader *r); /* NULL is fine */
const struct schema *format_schema(const struct format_reader *r);

/* format_next: the next records into ${b} (cleared first).  1, 0 at the end,
 * -1.  A value that is not finite or not there is an error of the record's
 * part. */
int format_next(struct format_reader *r, struct batch *b, struct error *e);

const struct format_end *format_end(const struct format_reader *r);

/* ---- writing ---- */

struct format_writer; /* opaque */

struct format_lost {
	uint64_t n[FORMAT_FIELDS]; /* records */
	uint64_t dropped;          /* records left out (MISSING_DROP) */
	uint64_t unlabelled;       /* svmlight: 0 stands for their label */
};

/* format_create: path NULL or "-" is standard output.  Refuses a schema that
 * the format cannot hold: "npy holds one part, not 2 (--part NAME)". */
struct format_writer *format_create(const char *path, enum file_format f,
    const struct schema *s, const struct format_options *o, struct error *e);

/* format_put: every record of ${b}. */
int format_put(struct format_writer *w, const struct batch *b, struct error *e);

/* format_lost: valid until the writer is closed. */
const struct format_lost *format_lost(const struct format_writer *w);

/* format_commit: write what is left, whole or not at all.  format_abandon:
 * drop it; what went to standard output already stays.  Both release w. */
int format_commit(struct format_writer *w, struct error *e);
void format_abandon(struct format_writer *w); /* NULL is fine */

#endif
