#ifndef VEC_MANIFEST_H
#define VEC_MANIFEST_H

#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * A table of inputs, row by row: JSON Lines (an object a line), CSV or TSV
 * with a header.  Which one it is tells the suffix (.jsonl .ndjson .json .csv
 * .tsv) or else the content.  Only the fields that were asked for are looked
 * at; in JSON, "text.Title" reaches into an object (json_find_paths).
 *
 * A byte order mark is dropped, CRLF is LF, blank lines are passed over.
 */

struct manifest; /* opaque */

/*
 * manifest_open(path, fields, n): "-" is standard input.  ${fields} are
 * borrowed.  A table that lacks a column is an error.  ${waits}, where given,
 * is called before a read that would block, and ends the work by returning -1.
 * NULL on error.
 */
struct manifest *manifest_open(const char *path, const char *const *fields,
    size_t n, int (*waits)(void *arg, struct error *e), void *arg,
    struct error *e);
void manifest_close(struct manifest *m); /* NULL is fine */

enum manifest_status {
	MANIFEST_FATAL = -1,
	MANIFEST_END = 0,
	MANIFEST_ROW = 1,
	MANIFEST_BAD = 2 /* this row cannot be read; *e says why */
};

/* manifest_next: the next row.  Sentences for *e name the file and, where it
 * is about one, the line. */
enum manifest_status manifest_next(struct manifest *m, struct error *e);

/* manifest_lacks: at the end, 1 and a sentence where no line had field f (it
 * may be misspelt), else 0. */
int manifest_lacks(const struct manifest *m, size_t f, struct error *e);

/* manifest_line: where the row began, from 1. */
uint64_t manifest_line(const struct manifest *m);

/* manifest_place(m): put file and line before the sentence in *e.  -1. */
int manifest_place(const struct manifest *m, struct error *e);

/*
 * What field f of the row holds: a string, a number or a truth value as text
 * (numbers as they are written), the several of a JSON array, or nothing
 * where it is null, empty or absent.  ${odd}: something else (an object).
 * ${lone}: lone surrogate escapes that became U+FFFD.
 */
struct manifest_value {
	struct strs text;
	int odd;
	size_t lone;
};
const struct manifest_value *manifest_field(const struct manifest *m, size_t f);

#endif
