#ifndef LEARN_LABELS_H
#define LEARN_LABELS_H

#include <stdint.h>

#include "base/error.h"
#include "base/intern.h"
#include "base/io.h"
#include "base/mem.h"

/*
 * The labels file that -l names: tab-separated text, one record a line, its
 * id, then one label in each further column:
 *
 *	a1	drama
 *	a2	comedy	romance
 *
 * Fields know the escapes \t \n \r and \\.  An empty field is no label, so
 * columns may be padded, and an id alone is a record without labels.  Blank
 * lines are skipped.  An id that comes twice is refused, whatever follows it.
 *
 * Functions return 0 or -1 with a sentence that names file and line; the
 * caller owns the struct and frees it with labels_free, also after a failure.
 */

struct labels {
	struct intern id;  /* record i has the id of number i */
	struct strs label; /* of all records, one after another */
	size_t *end;       /* [id.names.n] labels up to and with record i */
	size_t cap;
	size_t most; /* labels of the record that has most */
};

/* labels_read(l, path, header): read a file ("-": standard input); with
 * ${header} its first line is dropped. */
int labels_read(
    struct labels *l, const char *path, int header, struct error *e);

/* labels_parse: the same from an open reader. */
int labels_parse(
    struct labels *l, struct reader *in, int header, struct error *e);

/* labels_of(l, id, first): how many labels the record has, or -1 when the
 * file does not know it.  They are l->label[*first .. *first + result). */
int64_t labels_of(const struct labels *l, struct str id, size_t *first);

void labels_free(struct labels *l);

#endif
