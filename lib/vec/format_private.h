#ifndef VEC_FORMAT_PRIVATE_H
#define VEC_FORMAT_PRIVATE_H

/* What the format_*.c files share; see format.h. */
#include "base/io.h"
#include "vec/format.h"

struct format_reader {
	const struct format_options *o;
	struct schema schema;
	struct format_end end;
	uint64_t row; /* rows that came so far */
	struct buf text;
	void *state; /* the format's own */
	int (*next)(struct format_reader *r, struct batch *b, struct error *e);
	void (*free)(void *state);
};

/* How many records format_next gives at once. */
enum { FORMAT_BLOCK = 1024 };

/* Each sets schema, state, next and free of a zeroed reader; on failure what
 * is set is freed by the caller. */
int format_open_csv(struct format_reader *r, const char *path,
    enum file_format f, struct error *e);
int format_open_svmlight(
    struct format_reader *r, const char *path, struct error *e);
int format_open_arrays(struct format_reader *r, const char *path,
    enum file_format f, struct error *e);

/*
 * format_row: one more row came; append its record.  ${own} is the id that the
 * row itself carries, s = NULL for none; an id from the options goes before.
 * 1; 0 when the row is rejected, because it has no id or that is none; -1.
 */
int format_row(
    struct format_reader *r, struct batch *b, struct str own, struct error *e);

/* format_reject: a row came that cannot be a record; *why says why. */
void format_reject(struct format_reader *r, const struct error *why);

/* format_float: x as a float, counting what is rounded. */
float format_float(struct format_reader *r, double x);

/* format_place: put the input's name before the sentence.  -1. */
int format_place(const char *path, struct error *e);

/* format_read_all: the whole file, or standard input. */
int format_read_all(const char *path, struct buf *out, struct error *e);

struct format_writer {
	enum file_format format;
	const char *path;
	const struct format_options *o;
	struct schema schema;
	struct format_lost lost;
	unsigned holds;   /* 1 << FIELD_* */
	struct writer to; /* the main output, unless late */
	int late;         /* the format opens ${path} itself, at the end */
	struct writer ids, labels;
	int side; /* 1: ids is open, 2: labels is */
	struct buf text;
	void *state;
	int (*put)(struct format_writer *w, const struct batch *b, size_t i,
	    struct error *e);
	int (*finish)(struct format_writer *w, struct error *e);
	void (*free)(void *state);
};

int format_create_csv(struct format_writer *w, struct error *e);
int format_create_svmlight(struct format_writer *w, struct error *e);
int format_create_arrays(struct format_writer *w, struct error *e);

/* format_put_text: send w->text to the output and empty it. */
int format_put_text(struct format_writer *w, struct error *e);

#endif
