#include "learn/predictions_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/utf8.h"

int
predictions_name(
    struct predictions *p, struct str s, uint32_t *number, struct error *e)
{
	if (utf8_valid(s.s, s.len) != s.len)
		return error_set(e, "a label is not UTF-8");
	if (s.len == 0 || s.len > VEC_MAX_STRING)
		return error_set(e, "a label has %zu bytes, not 1 to %d", s.len,
		    VEC_MAX_STRING);
	if (intern_add(&p->name, s.s, s.len, number) < 0)
		return error_memory(e);
	return 0;
}

/* One more name at the end of a list: [*n]. */
static int
add_name(
    uint32_t **list, size_t *cap, size_t *n, uint32_t name, struct error *e)
{
	if (mem_grow(list, cap, *n + 1, sizeof(**list)) < 0)
		return error_memory(e);
	(*list)[(*n)++] = name;
	return 0;
}

static int
add_truth(struct predictions *p, struct prediction *row, uint32_t name,
    struct error *e)
{
	row->truths++;
	return add_name(&p->truth_name, &p->truth_cap, &p->ntruth, name, e);
}

int
predictions_say(struct predictions *p, uint32_t name, struct error *e)
{
	return add_name(&p->said, &p->said_cap, &p->nsaid, name, e);
}

int
predictions_hold(struct predictions *p, uint32_t name, struct error *e)
{
	return add_name(&p->set, &p->set_cap, &p->nset, name, e);
}

int
predictions_prob(
    struct predictions *p, uint32_t name, double prob, struct error *e)
{
	/* Sums of rounded floats pass one by a little. */
	if (!(prob >= 0 && prob <= 1 + 1e-5))
		return error_set(e, "a probability is not within 0..1");
	if (mem_grow(&p->prob_name, &p->prob_name_cap, p->nprob + 1,
		sizeof(*p->prob_name)) < 0 ||
	    mem_grow(&p->prob, &p->prob_cap, p->nprob + 1, sizeof(*p->prob)) <
		0)
		return error_memory(e);
	p->prob_name[p->nprob] = name;
	p->prob[p->nprob++] = prob < 1 ? prob : 1;
	return 0;
}

/* The truth as a number. */
static int
target_of(struct str s, double *target, struct error *e)
{
	double x = 0;

	if (s.len == 0 || num_read_double(s.s, s.len, &x) != s.len ||
	    !isfinite(x))
		return error_set(e, "the truth '%.*s' is not a number",
		    (int)(s.len < 100 ? s.len : 100), s.s);
	*target = x;
	return 0;
}

int
predictions_true(struct predictions *p, struct prediction *row, struct str s,
    struct error *e)
{
	uint32_t name;

	if (p->task == SCORE_REGRESS) {
		row->flags |= PREDICTION_TRUTH;
		return target_of(s, &row->target, e);
	}
	if (predictions_name(p, s, &name, e) < 0)
		return -1;
	row->flags |= PREDICTION_TRUTH;
	return add_truth(p, row, name, e);
}

int
predictions_count(const struct predictions *p, size_t values, struct error *e)
{
	if (p->task == SCORE_MULTILABEL || values <= 1)
		return 0;
	return error_set(
	    e, "%zu true values where the prediction is one", values);
}

struct prediction *
predictions_row(
    struct predictions *p, struct str id, struct str group, struct error *e)
{
	struct prediction *row;
	uint32_t number;
	int rc;

	if (mem_grow(&p->rows, &p->rows_cap, p->id.names.n + 1,
		sizeof(*p->rows)) < 0 ||
	    (rc = intern_add(&p->id, id.s, id.len, &number)) < 0) {
		error_memory(e);
		return NULL;
	}
	if (rc == 0) {
		error_set(e, "id '%.*s' came before", (int)id.len, id.s);
		return NULL;
	}
	row = &p->rows[number];
	*row = (struct prediction){ .guess = PREDICTION_NONE,
		.group = PREDICTION_NONE,
		.p = (double)NAN,
		.value = (double)NAN,
		.target = (double)NAN,
		.lo = (double)NAN,
		.hi = (double)NAN };
	if (group.len > 0 &&
	    intern_add(&p->group, group.s, group.len, &row->group) < 0) {
		error_memory(e);
		return NULL;
	}
	return row;
}

/* What the probabilities of classes or labels say. */
static int
say(struct predictions *p, struct prediction *row, const float *P, size_t C,
    const float *threshold, struct error *e)
{
	for (uint32_t c = 0; c < C; c++) {
		if (predictions_prob(p, c, (double)P[c], e) < 0)
			return -1;
		if (p->task == SCORE_MULTILABEL) {
			if ((double)P[c] >= (threshold != NULL
						    ? (double)threshold[c]
						    : 0.5) &&
			    predictions_say(p, c, e) < 0)
				return -1;
		} else if (c == 0 || (double)P[c] > row->p) {
			row->guess = c;
			row->p = (double)P[c];
		}
	}
	return 0;
}

int
predictions_add(struct predictions *p, struct str id, struct str group,
    unsigned flags, const float *P, size_t C, const float *threshold,
    struct error *e)
{
	struct prediction *row = predictions_row(p, id, group, e);
	int rc = 0;

	if (row == NULL)
		return -1;
	row->flags = flags;
	if (P != NULL && p->task == SCORE_REGRESS)
		row->value = (double)P[0];
	else if (P != NULL)
		rc = say(p, row, P, C, threshold, e);
	row->said_end = p->nsaid;
	row->prob_end = p->nprob;
	row->set_end = p->nset;
	return rc;
}

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
		if ((n > 0 || (p->task == SCORE_MULTILABEL &&
				  b->flags[r] & FLAG_NO_LABEL)) &&
		    set_truth(p, (size_t)i, &b->label, first, n, e) < 0)
			return -1;
	}
	return 0;
}

void
predictions_free(struct predictions *p)
{
	intern_free(&p->id);
	intern_free(&p->name);
	intern_free(&p->group);
	free(p->rows);
	free(p->said);
	free(p->prob_name);
	free(p->prob);
	free(p->set);
	free(p->truth_name);
	memset(p, 0, sizeof(*p));
}
