#include "learn/predictions_impl.h"

#include <math.h>

void
predictions_forget(struct predictions *p)
{
	for (size_t i = 0; i < p->id.names.n; i++) {
		p->rows[i].flags &= ~(unsigned)PREDICTION_TRUTH;
		p->rows[i].truths = 0;
		p->rows[i].target = (double)NAN;
	}
	p->ntruth = 0;
}

/* The labels c[first .. first + n) are the truth of row i. */
static int
set_truth(struct predictions *p, size_t i, const struct strs *c, size_t first,
    size_t n, struct error *e)
{
	struct prediction *row = &p->rows[i];
	struct str id = intern_get(&p->id, i);

	if (row->flags & PREDICTION_ERROR)
		return 0;
	row->truth = p->ntruth;
	row->truths = 0;
	row->flags &= ~(unsigned)PREDICTION_TRUTH;
	if (p->task == SCORE_MULTILABEL)
		row->flags |= PREDICTION_TRUTH;
	if (predictions_count(p, n, e) < 0)
		return error_at(e, "record '%.*s'", (int)id.len, id.s);
	for (size_t k = 0; k < n; k++)
		if (predictions_true(p, row, strs_get(c, first + k), e) < 0)
			return error_at(e, "record '%.*s'", (int)id.len, id.s);
	return 0;
}

int
predictions_labels(
    struct predictions *p, const struct labels *l, struct error *e)
{
	predictions_forget(p);
	for (size_t i = 0; i < p->id.names.n; i++) {
		size_t first;
		int64_t n = labels_of(l, intern_get(&p->id, i), &first);

		if (n >= 0 &&
		    set_truth(p, i, &l->label, first, (size_t)n, e) < 0)
			return -1;
	}
	return 0;
}

int
predictions_batch(struct predictions *p, const struct batch *b,
    uint64_t *strange, struct error *e)
{
	for (size_t r = 0; r < b->n; r++) {
		struct str id = strs_get(&b->id, r), group;
		int64_t i = intern_find(&p->id, id.s, id.len);
		size_t first, n = batch_range(b->label_end, r, &first);
		struct prediction *row;

		if (i < 0) {
			(*strange)++;
			continue;
		}
		row = &p->rows[i];
		group = strs_get(&b->group, r);
		if (group.len > 0 &&
		    intern_add(&p->group, group.s, group.len, &row->group) < 0)
			return error_memory(e);
		if (p->task == SCORE_REGRESS && n == 0) {
			row->target = b->target[r];
			if (!isnan(row->target))
				row->flags |= PREDICTION_TRUTH;
			continue;
		}
		if (n > 0 &&
		    set_truth(p, (size_t)i, &b->label, first, n, e) < 0)
			return -1;
	}
	return 0;
}
