#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * Tables as text, one row at a time, from whatever can be read.
 *
 * CSV is RFC 4180: fields between commas; a field in double quotes may hold
 * commas, line ends and doubled quotes; a quote elsewhere is an error.
 * TSV has fields between tabs, no quotes, and in a field the escapes \t \n
 * \r and \\ ; a backslash before any other byte stands for itself.
 * Rows end with LF or CRLF, the last one may lack it; a byte order mark at
 * the start is dropped.  NUL and ill-formed UTF-8 are kept.
 *
 * A bad row does not end the reading: csv_row says CSV_BAD, and goes on with
 * the line after the one on which that row began.
 */

enum {
	CSV_ROW_MAX = 16 << 20,   /* bytes of text of one row */
	CSV_FIELDS_MAX = 1 << 20, /* fields of one row */
};

enum csv_kind { CSV_COMMA, CSV_TAB };

enum csv_status {
	CSV_BAD = -2,   /* this row is lost, the next may be fine */
	CSV_FATAL = -1, /* reading or memory failed */
	CSV_END = 0,
	CSV_ROW = 1
};

/* Give up to n > 0 bytes: the count, 0 at the end, -1 with *e set. */
typedef ptrdiff_t csv_read_fn(void *ctx, void *p, size_t n, struct error *e);

struct csv {
	csv_read_fn *read;
	void *ctx;
	enum csv_kind kind;
	struct strs header; /* names of the columns, after csv_header */
	struct strs row;    /* the fields of the row read last */
	uint64_t line;      /* where that row began, from 1 */
	/* The rest is csv.c's own. */
	uint64_t next_line;
	struct buf in; /* text not yet used: from .. len */
	size_t from;
	int started, at_end;
};

/* csv_init: read rows of ${kind} from read(ctx, ...).  csv_free ends. */
void csv_init(struct csv *c, enum csv_kind kind, csv_read_fn *read, void *ctx);
void csv_free(struct csv *c);

/*
 * csv_header: read the first row as the names of the columns; equal names
 * are refused.  From then on every row must have as many fields, and blank
 * lines are skipped where there is more than one column.
 * CSV_ROW, CSV_END (nothing there), CSV_BAD or CSV_FATAL with *e set.
 */
enum csv_status csv_header(struct csv *c, struct error *e);

/* csv_row: read the next row into c->row.  Errors begin "line N: ". */
enum csv_status csv_row(struct csv *c, struct error *e);

/* csv_column: index of the named column in the header, or -1. */
ptrdiff_t csv_column(const struct csv *c, const char *name);

/* csv_put_field: append one field, quoted or escaped as needed.  0 or -1.
 * The caller writes separators and line ends. */
int csv_put_field(struct buf *b, enum csv_kind kind, const char *s, size_t n);

#endif
