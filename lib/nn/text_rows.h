#ifndef NN_TEXT_ROWS_H
#define NN_TEXT_ROWS_H

#include "nn/encoder_impl.h"
#include "nn/transformer.h"

/*
 * What encoders of texts do around their blocks: the memory of a worker, which
 * rows are wanted, and from rows to vectors.
 *
 *	T = tokens of a call, n = texts, D = hidden size, P = size of a vector
 */

struct text_work {
	struct encoder_work base;
	struct transformer_work blocks;
	float *x, *v; /* [T, D]; [n, P] */
	size_t *end, *keep;
	uint32_t *ids; /* for who changes them */
	size_t cap_x, cap_v, cap_end, cap_keep, cap_ids;
};

/* text_work_new, text_work_free: for struct encoder_ops. */
struct encoder_work *text_work_new(const struct encoder *x, struct error *e);
void text_work_free(struct encoder_work *w);

/* text_room(w, T, n, D, P, e): x, v, end and keep for such a call. */
int text_room(struct text_work *w, size_t T, size_t n, size_t D, size_t P,
    struct error *e);

/* text_keep(w, pool, end, n): w->keep where one row of each text is wanted
 * (the first, the last), else NULL. */
const size_t *text_keep(
    struct text_work *w, enum pooling pool, const size_t *end, size_t n);

/*
 * text_pool(isa, info, w, kept, end, n, P, out): the rows in w->x, which are
 * [n, P] when they were kept, else [T, P], to vectors: pooled, and of unit
 * length if info says so.
 */
void text_pool(enum isa isa, const struct encoder_info *info,
    struct text_work *w, int kept, const size_t *end, size_t n, size_t P,
    struct encoder_out *out);

/* text_ids(x, ids, T, e): every id is below the vocabulary's size. */
int text_ids(
    const struct encoder *x, const uint32_t *ids, size_t T, struct error *e);

/* text_sizes(s, file, path, info, e): heads divide the hidden size: a
 * sentence that names the field of the heads otherwise. */
int text_sizes(const struct store *s, const char *file, const char *path,
    const struct encoder_info *info, struct error *e);

#endif
