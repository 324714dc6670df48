/*
 * The table: how the candidates are mixed for each set of parts, so that what
 * comes out is calibrated, and how doubtful it was.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/conformal.h"
#include "fusion/trainer_impl.h"
#include "linalg/mathd.h"

const float *
candidate_under(const struct learner *l, const struct candidate *c, size_t s)
{
	if (c->own == NULL || (c->parts & l->set[s]) == 0)
		return l->set[s] == 0 ? c->own : NULL;
	return c->set[s] != NULL ? c->set[s] : c->own;
}

/* ---- one set ---- */

struct mixing {
	struct learner *l;
	size_t s;
	struct held_rows h;
	float **F;       /* [cands] gathered, or NULL */
	float *main, *M; /* [m, C] */
};

static int
gather(struct mixing *x, size_t i, struct error *e)
{
	const float *F = candidate_under(x->l, &x->l->cand[i], x->s);

	if (F == NULL || x->F[i] != NULL)
		return 0;
	x->F[i] = mem_aligned(x->h.m * x->h.C, sizeof(**x->F));
	if (x->F[i] == NULL)
		return error_memory(e);
	blend_gather(&x->h, F, x->F[i]);
	return 0;
}

/* The models of single parts that are in the set, stacked. */
static int
stack_parts(struct mixing *x, double *mix, float *shift, struct error *e)
{
	struct learner *l = x->l;
	struct rows all = dataset_rows(l->ds);
	const float *F[SETS_MAX];
	double w[SETS_MAX];
	size_t of[SETS_MAX], k = 0;
	float *by = mem_array(l->n, sizeof(*by));
	int rc = by == NULL ? error_memory(e) : 0;

	for (size_t s = 0; rc == 0 && s < l->sets; s++) {
		uint64_t part = l->set[s];

		if (l->fallback[s] < 0 || (part & (part - 1)) != 0 ||
		    (part & ~l->set[x->s]) != 0)
			continue;
		of[k] = (size_t)l->fallback[s];
		rc = gather(x, of[k], e);
		F[k] = x->F[of[k]];
		k += F[k] != NULL;
	}
	/* Classes count as for the model over all parts. */
	if (rc == 0)
		rc = class_weights(
		    l->ds, &all, l->cand[0].choice.class_weight, 0, by, e);
	for (size_t i = 0; rc == 0 && i < x->h.m; i++)
		by[i] = by[x->h.row[i]]; /* rows rise */
	if (rc == 0 && k > 0)
		rc = blend_stack(&x->h, l->la, F, k, by, w, shift, e);
	for (size_t j = 0; rc == 0 && j < k; j++)
		mix[of[j]] = w[j];
	free(by);
	return rc;
}

/* The weights of the whole model, those that can say something here. */
static int
take_base(struct mixing *x, const double *base, double *mix, struct error *e)
{
	struct learner *l = x->l;
	double sum = 0;

	for (size_t i = 0; i < l->cands; i++) {
		if (!(base[i] > 0))
			continue;
		if (gather(x, i, e) < 0)
			return -1;
		if (x->F[i] == NULL)
			continue;
		mix[i] = base[i];
		sum += base[i];
	}
	for (size_t i = 0; sum > 0 && i < l->cands; i++)
		mix[i] /= sum;
	return 0;
}

/* F = shift + sum of the candidates; whether there is any. */
static int
sum_up(struct mixing *x, const double *mix, const float *shift, float *F)
{
	size_t C = x->h.C, any = 0;

	for (size_t i = 0; i < x->h.m; i++)
		memcpy(F + i * C, shift, C * sizeof(*F));
	for (size_t i = 0; i < x->l->cands; i++)
		if (mix[i] > 0) {
			x->l->la->axpy(F, (float)mix[i], x->F[i], x->h.m * C);
			any++;
		}
	return any > 0;
}

static void
rescale(const struct learner *l, double *mix, float *shift, double k)
{
	for (size_t i = 0; i < l->cands; i++)
		mix[i] *= k;
	l->la->scale(shift, (float)k, shift, l->C);
}

/*
 * How much of the whole model, and how much of the model of just these parts:
 * both calibrated, the share that has the least loss.
 */
static int
mix_fallback(struct mixing *x, double *mix, float *shift, struct error *e)
{
	struct learner *l = x->l;
	size_t f = (size_t)l->fallback[x->s], size = x->h.m * x->h.C;
	double loss, least = INFINITY, share = 0, k, kf;

	if (gather(x, f, e) < 0)
		return -1;
	if (x->F[f] == NULL)
		return 0;
	if (!sum_up(x, mix, shift, x->main)) {
		mix[f] = 1;
		return 0;
	}
	k = blend_scale(&x->h, l->la, x->main, &loss);
	kf = blend_scale(&x->h, l->la, x->F[f], &loss);
	for (int i = 0; i <= 10; i++) {
		double v = i / 10.0;

		l->la->scale(x->M, (float)(v * k), x->main, size);
		l->la->axpy(x->M, (float)((1 - v) * kf), x->F[f], size);
		loss = blend_loss(&x->h, l->la, x->M, 1);
		if (loss < least) {
			least = loss;
			share = v;
		}
	}
	rescale(l, mix, shift, share * k);
	mix[f] += (1 - share) * kf;
	return 0;
}

/* ---- afterwards: priors, doubts ---- */

/* Scores minus tau times the log of how frequent a class is (Menon et al.
 * 2021, https://arxiv.org/abs/2007.07314); labels: the log of its odds. */
static int
adjust(const struct learner *l, float *shift, struct error *e)
{
	double *p = mem_array(l->C, sizeof(*p));

	if (p == NULL)
		return error_memory(e);
	trainer_shares(l, p);
	for (size_t c = 0; c < l->C; c++)
		shift[c] -=
		    (float)(l->t->logit_adjust * trainer_score_of(l, p[c]));
	free(p);
	return 0;
}

static int
by_float(const void *a, const void *b)
{
	float x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

float
trainer_doubt(const struct dataset *ds, size_t i, const float *p)
{
	float least = 2;

	if (ds->task == TASK_CLASS)
		return conformal_doubt(p[ds->y_class[i]]);
	if (ds->task == TASK_REGRESS)
		return (
		    float)(fabs((double)p[0] - (double)ds->y[i]) * ds->y_scale);
	for (size_t c = 0; c < ds->C; c++)
		if (ds->y[i * ds->C + c] > 0 && p[c] < least)
			least = p[c];
	return least <= 1 ? conformal_doubt(least) : -1;
}

void
trainer_sort_doubts(float *doubt, size_t n)
{
	qsort(doubt, n, sizeof(*doubt), by_float);
}

static int
doubt(
    struct mixing *x, const double *mix, struct table_row *row, struct error *e)
{
	const struct held_rows *h = &x->h;
	float d;

	row->doubt = mem_array(h->m, sizeof(*row->doubt));
	if (row->doubt == NULL)
		return error_memory(e);
	sum_up(x, mix, row->shift, x->main);
	if (row->chance != NULL)
		loss_chance(x->l->la, row->chance, x->main, h->m, h->C);
	loss_link(x->l->la, h->task, x->main, h->m, h->C);
	for (size_t i = 0; i < h->m; i++) {
		d = trainer_doubt(x->l->ds, h->row[i], x->main + i * h->C);
		if (d >= 0)
			row->doubt[row->doubts++] = d;
	}
	trainer_sort_doubts(row->doubt, row->doubts);
	return 0;
}

/* As sure as x->main should be; or off balance, as it was asked for. */
static int
calibrate(struct mixing *x, double *mix, struct table_row *row, struct error *e)
{
	struct learner *l = x->l;
	int adjusted = l->t->logit_adjust > 0 && l->ds->task != TASK_REGRESS;
	float *chance = mem_array(l->C, sizeof(*chance));
	double scale;

	if (chance == NULL)
		return error_memory(e);
	scale = adjusted ? blend_scale(&x->h, l->la, x->main, &row->log_loss)
			 : blend_calibrate(&x->h, l->la, x->main, chance,
			       &row->rate, &row->log_loss);
	rescale(l, mix, row->shift, scale);
	if (adjusted && adjust(l, row->shift, e) < 0) {
		free(chance);
		return -1;
	}
	if (row->rate > 0)
		row->chance = chance;
	else
		free(chance);
	return 0;
}

static int
mix_set(struct mixing *x, const double *base, int late, double *mix,
    struct table_row *row, struct error *e)
{
	struct learner *l = x->l;
	size_t size = x->h.m * x->h.C;

	x->main = mem_aligned(size, sizeof(*x->main));
	x->M = mem_aligned(size, sizeof(*x->M));
	if (x->main == NULL || x->M == NULL)
		return error_memory(e);
	if (late ? stack_parts(x, mix, row->shift, e) < 0
		 : take_base(x, base, mix, e) < 0)
		return -1;
	if (!late && l->fallback[x->s] >= 0 &&
	    mix_fallback(x, mix, row->shift, e) < 0)
		return -1;
	if (!sum_up(x, mix, row->shift, x->main))
		return 0;
	if (calibrate(x, mix, row, e) < 0)
		return -1;
	return doubt(x, mix, row, e);
}

/* Without folds nothing can be weighed: the model of just these parts; late:
 * the mean of those of each. */
static void
given_mix(const struct learner *l, size_t s, const double *base, int late,
    double *mix)
{
	int own = l->fallback[s];
	size_t k = 0;

	for (size_t i = 0; i < l->cands; i++)
		mix[i] = own < 0 && !late ? base[i] : 0;
	if (own >= 0 && !late)
		mix[own] = 1;
	for (size_t i = 1; late && i < l->sets; i++) {
		uint64_t part = l->set[i];

		if (l->fallback[i] >= 0 && (part & (part - 1)) == 0 &&
		    (part & ~l->set[s]) == 0) {
			mix[l->fallback[i]] = 1;
			k++;
		}
	}
	for (size_t i = 0; k > 0 && i < l->cands; i++)
		mix[i] /= (double)k;
}

static int
make_row(
    struct learner *l, size_t s, const double *base, int late, struct error *e)
{
	struct table_row *row = &l->table[s];
	struct mixing x = { .l = l, .s = s };
	double *mix = mem_array(l->cands, sizeof(*mix));
	/* Few have everything: then all records, as they are. */
	uint64_t need = l->set[s];
	int rc = 0, any = 0;

	row->mix = mem_array(l->cands, sizeof(*row->mix));
	row->shift = mem_array(l->C, sizeof(*row->shift));
	x.F = mem_array(l->cands, sizeof(*x.F));
	if (mix == NULL || row->mix == NULL || row->shift == NULL ||
	    x.F == NULL)
		rc = error_memory(e);
	if (rc == 0 && !l->folded) {
		given_mix(l, s, base, late, mix);
		if (l->t->logit_adjust > 0 && l->ds->task != TASK_REGRESS)
			rc = adjust(l, row->shift, e);
	} else if (rc == 0) {
		rc = held_rows_take(&x.h, l, s == 0 && !l->whole ? 0 : need, e);
		if (rc == 0)
			rc = mix_set(&x, base, late, mix, row, e);
	}
	for (size_t i = 0; rc == 0 && i < l->cands; i++) {
		row->mix[i] = (float)mix[i];
		any = any || mix[i] > 0;
	}
	if (!any && s > 0) { /* nothing to say: as a set that is not known */
		free(row->mix);
		row->mix = NULL;
	}
	for (size_t i = 0; x.F != NULL && i < l->cands; i++)
		free(x.F[i]);
	free(x.F);
	free(x.main);
	free(x.M);
	free(mix);
	held_rows_free(&x.h);
	return rc;
}

void
table_clear(struct learner *l)
{
	for (size_t s = 0; s < SETS_MAX; s++) {
		free(l->table[s].mix);
		free(l->table[s].shift);
		free(l->table[s].chance);
		free(l->table[s].doubt);
	}
	memset(l->table, 0, sizeof(l->table));
}

/* Whether some record has just these parts. */
static int
occurs(const struct learner *l, uint64_t set)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->has[i] == set)
			return 1;
	return 0;
}

int
table_make(
    struct learner *l, const double *base, int late, int brief, struct error *e)
{
	table_clear(l);
	for (size_t s = 0; s < l->sets; s++)
		if ((s == 0 || !brief || occurs(l, l->set[s])) &&
		    (s == 0 || late ||
			(l->fallback[s] >= 0 && !l->t->no_backoff)) &&
		    make_row(l, s, base, late, e) < 0)
			return -1;
	return 0;
}

/* The row of the table for record i. */
static size_t
row_of(const struct learner *l, size_t i)
{
	for (size_t s = 0; s < l->sets; s++)
		if (l->table[s].mix != NULL && l->set[s] == l->has[i])
			return s;
	return 0;
}

void
table_held(const struct learner *l, float *F)
{
	for (size_t i = 0; i < l->n; i++) {
		size_t s = row_of(l, i);
		const struct table_row *row = &l->table[s];
		float *f = F + i * l->C;

		memcpy(f, row->shift, l->C * sizeof(*f));
		for (size_t k = 0; k < l->cands; k++)
			if (row->mix[k] > 0)
				l->la->axpy(f, row->mix[k],
				    l->cand[k].own + i * l->C, l->C);
		if (row->chance != NULL)
			loss_chance(l->la, row->chance, f, 1, l->C);
	}
}
