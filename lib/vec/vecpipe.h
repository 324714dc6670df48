#ifndef VECPIPE_H
#define VECPIPE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Streams of vectors for other C programs:
 *
 *	cc my.c $(pkg-config --static --cflags --libs vecpipe)
 *
 * It stands alone: it includes nothing else of vecpipe, and every name begins
 *with vp_.
 *
 *	struct vp_error e;
 *	struct vp_reader *r = vp_open("in.vp", &e);
 *	while ((rc = vp_next(r, &e)) == 1)
 *		use(vp_id(r, NULL), vp_dense(r, 0));
 *	vp_close(r);
 *
 * Functions that can fail return -1 or NULL and leave one sentence in *e.
 * Part numbers p count from 0 and must be below vp_parts.  What the functions
 * on a record return is borrowed and valid until the next vp_next; strings are
 * UTF-8 and NUL-terminated, and where ${len} is not NULL their length in bytes
 * is stored there.  A reader or writer is used by one thread at a time.
 */

enum vp_kind { VP_DENSE, VP_SPARSE, VP_SEQUENCE };

struct vp_error {
	char text[1024]; /* one sentence, NUL-terminated */
};

/* ---- reading ---- */

struct vp_reader;

/* vp_open: a binary stream or JSON Lines; path NULL or "-" is standard
 * input.  End with vp_close, which accepts NULL. */
struct vp_reader *vp_open(const char *path, struct vp_error *e);
void vp_close(struct vp_reader *r);

/* The parts, the same for all records.  space: what made them, as JSON. */
int vp_parts(const struct vp_reader *r);
int vp_part(const struct vp_reader *r, const char *name); /* number or -1 */
const char *vp_part_name(const struct vp_reader *r, int p);
enum vp_kind vp_part_kind(const struct vp_reader *r, int p);
uint32_t vp_part_dim(const struct vp_reader *r, int p);
const char *vp_part_space(const struct vp_reader *r, int p);

/* vp_next: go to the next record: 1; 0 after the last of a whole stream; -1:
 * damaged, cut short, or given up by what wrote it. */
int vp_next(struct vp_reader *r, struct vp_error *e);

const char *vp_id(const struct vp_reader *r, size_t *len);
const char *vp_group(const struct vp_reader *r, size_t *len); /* "" for none */
size_t vp_labels(const struct vp_reader *r);                  /* how many */
const char *vp_label(const struct vp_reader *r, size_t k, size_t *len);
double vp_target(const struct vp_reader *r); /* NaN for none */
double vp_weight(const struct vp_reader *r);

/* vp_has: 1 when the record has part p.  vp_part_error: why not, "" when it is
 * missing without an error or there. */
int vp_has(const struct vp_reader *r, int p);
const char *vp_part_error(const struct vp_reader *r, int p, size_t *len);

/* The values of part p, of which the kind must be that of the function.
 * vp_dense: [dim], NULL when the record lacks it.
 * vp_sparse: the number of pairs; index: increasing, value: both [pairs].
 * vp_rows: the number of rows; value: [rows, dim]; time (may be NULL): [rows,
 * 2], start and end in seconds, NaN where a row has none. */
const float *vp_dense(const struct vp_reader *r, int p);
size_t vp_sparse(const struct vp_reader *r, int p, const uint32_t **index,
    const float **value);
size_t vp_rows(
    const struct vp_reader *r, int p, const float **value, const double **time);

/* ---- writing ---- */

struct vp_writer;

/*
 * vp_create: write a binary stream to path, whole or not at all; NULL or "-"
 * is standard output.  Parts are added before the first record; vp_add_part
 * returns the part's number.  space is a JSON object that says what made the
 * vectors, or NULL.
 */
struct vp_writer *vp_create(const char *path, struct vp_error *e);
int vp_add_part(struct vp_writer *w, const char *name, enum vp_kind kind,
    uint32_t dim, const char *space, struct vp_error *e);

/* vp_put: begin the record of this id (1..4096 bytes of UTF-8 without control
 * characters); all its parts are missing until they are put.  What follows
 * fills it. */
int vp_put(struct vp_writer *w, const char *id, size_t len, struct vp_error *e);
int vp_put_label(
    struct vp_writer *w, const char *s, size_t len, struct vp_error *e);
int vp_put_group(
    struct vp_writer *w, const char *s, size_t len, struct vp_error *e);
void vp_put_target(struct vp_writer *w, double target);
void vp_put_weight(struct vp_writer *w, double weight);

/* Values are copied and must be finite.  x: [dim]; index (increasing) and
 * value: [n]; rows: [n, dim] with time: [n, 2] or NULL. */
int vp_put_dense(
    struct vp_writer *w, int p, const float *x, struct vp_error *e);
int vp_put_sparse(struct vp_writer *w, int p, const uint32_t *index,
    const float *value, size_t n, struct vp_error *e);
int vp_put_rows(struct vp_writer *w, int p, const float *rows,
    const double *time, size_t n, struct vp_error *e);

/* vp_put_error: part p of the record failed, and why. */
int vp_put_error(
    struct vp_writer *w, int p, const char *text, struct vp_error *e);

/* vp_commit: the end mark; the file has its name only now.  vp_abort: give
 * up; a pipe's reader is told that ${tool} failed.  Both release w. */
int vp_commit(struct vp_writer *w, struct vp_error *e);
void vp_abort(struct vp_writer *w, const char *tool);

#endif
