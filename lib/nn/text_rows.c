#include "nn/text_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/rowwise.h"
#include "nn/room.h"

struct encoder_work *
text_work_new(const struct encoder *x, struct error *e)
{
	struct text_work *w = mem_array(1, sizeof(*w));

	(void)x;
	if (w == NULL) {
		error_memory(e);
		return NULL;
	}
	return &w->base;
}

void
text_work_free(struct encoder_work *base)
{
	struct text_work *w = (struct text_work *)base;

	transformer_work_free(&w->blocks);
	free(w->x);
	free(w->v);
	free(w->end);
	free(w->keep);
	free(w->ids);
	free(w);
}

int
text_room(struct text_work *w, size_t T, size_t n, size_t D, size_t P,
    struct error *e)
{
	if (room_grow(&w->x, &w->cap_x, T * D, sizeof(*w->x), e) < 0 ||
	    room_grow(&w->v, &w->cap_v, n * P, sizeof(*w->v), e) < 0 ||
	    room_grow(&w->end, &w->cap_end, n, sizeof(*w->end), e) < 0 ||
	    room_grow(&w->keep, &w->cap_keep, n, sizeof(*w->keep), e) < 0)
		return -1;
	return 0;
}

const size_t *
text_keep(struct text_work *w, enum pooling pool, const size_t *end, size_t n)
{
	if (pool != POOL_CLS && pool != POOL_LAST)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t rows = end[i] - (i > 0 ? end[i - 1] : 0);

		w->keep[i] = pool == POOL_LAST ? rows - 1 : 0;
	}
	return w->keep;
}

void
text_pool(enum isa isa, const struct encoder_info *info, struct text_work *w,
    int kept, const size_t *end, size_t n, size_t P, struct encoder_out *out)
{
	const struct rowwise *rk = rowwise_get(isa);
	size_t rows = n;

	out->v = w->x;
	out->end = w->end;
	if (info->pool == POOL_NONE)
		rows = n > 0 ? end[n - 1] : 0;
	else if (!kept) {
		for (size_t i = 0; i < n; i++) {
			size_t from = i > 0 ? end[i - 1] : 0;

			(info->pool == POOL_LARGEST ? rk->max : rk->mean)(
			    w->v + i * P, w->x + from * P, P, end[i] - from, P);
		}
		out->v = w->v;
	}
	/* ${end} may be w->end. */
	for (size_t i = 0; i < n; i++)
		w->end[i] = info->pool == POOL_NONE ? end[i] : i + 1;
	if (info->normalize) {
		float *v = out->v == w->v ? w->v : w->x;

		rk->unit(v, P, v, P, rows, P);
	}
}

int
text_ids(
    const struct encoder *x, const uint32_t *ids, size_t T, struct error *e)
{
	for (size_t i = 0; i < T; i++)
		if (ids[i] >= x->info.vocab)
			return error_set(e,
			    "token %u is beyond the vocabulary of %u",
			    (unsigned)ids[i], (unsigned)x->info.vocab);
	return 0;
}

int
text_sizes(const struct store *s, const char *file, const char *path,
    const struct encoder_info *info, struct error *e)
{
	if (info->hidden % info->heads == 0)
		return 0;
	return error_set(e, "'%s/%s': %s: %u heads do not divide %u",
	    store_path(s), file, path, (unsigned)info->heads,
	    (unsigned)info->hidden);
}
