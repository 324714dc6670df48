#include "fusion/suspect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- whose row it is ---- */

struct owner {
	uint64_t hash;
	uint32_t number; /* of the id */
};

static int
by_hash(const void *pa, const void *pb)
{
	const struct owner *a = pa, *b = pb;

	return (a->hash > b->hash) - (a->hash < b->hash);
}

static struct owner *
owners(const struct intern *ids)
{
	size_t n = ids->names.n;
	struct owner *o = mem_array(n, sizeof(*o));

	for (size_t i = 0; o != NULL && i < n; i++)
		o[i] = (struct owner){ dataset_hash_id(intern_get(ids, i)),
			(uint32_t)i };
	if (o != NULL)
		qsort(o, n, sizeof(*o), by_hash);
	return o;
}

static int
name_rows(struct suspects *s, const struct intern *ids, struct error *e)
{
	struct owner *o = owners(ids);
	int rc = 0;

	if (o == NULL)
		return error_memory(e);
	for (size_t i = 0; i < s->ds->n && rc == 0; i++) {
		struct owner key = { s->ds->id_hash[i], 0 };
		const struct owner *found =
		    bsearch(&key, o, ids->names.n, sizeof(*o), by_hash);

		s->list[i].row = i;
		if (found == NULL)
			rc = error_set(e, "a record without an id");
		else
			s->list[i].id = intern_get(ids, found->number);
	}
	free(o);
	return rc;
}

/* ---- classes ---- */

/* t: [C] self-confidences, of the sums over a class's records and their
 * counts: [C]. */
static void
confidences(double *t, const uint64_t *count, size_t C)
{
	uint64_t all = 0;
	double sum = 0, mean;

	for (size_t k = 0; k < C; k++) {
		sum += t[k];
		all += count[k];
	}
	mean = sum > 0 ? sum / (double)all : 1;
	for (size_t k = 0; k < C; k++)
		t[k] = (t[k] + mean) / (double)(count[k] + 1);
}

static void
doubt_class(struct suspects *s, const double *t)
{
	const struct dataset *ds = s->ds;

	for (size_t i = 0; i < ds->n; i++) {
		const float *p = s->t->held + i * ds->C;
		struct suspect *x = &s->list[i];

		x->label = ds->y_class[i];
		for (uint32_t k = 1; k < ds->C; k++)
			if (p[k] > p[x->says])
				x->says = k;
		x->p = (double)p[x->label];
		x->says_p = (double)p[x->says];
		x->doubt = 1 - x->p / t[x->label];
	}
}

static int
find_class(struct suspects *s)
{
	const struct dataset *ds = s->ds;
	double *t = mem_array(ds->C, sizeof(*t));
	uint64_t *count = mem_array(ds->C, sizeof(*count));
	int rc = t == NULL || count == NULL ? -1 : 0;

	for (size_t i = 0; rc == 0 && i < ds->n; i++) {
		uint32_t y = ds->y_class[i];

		t[y] += (double)s->t->held[i * ds->C + y];
		count[y]++;
	}
	if (rc == 0) {
		confidences(t, count, ds->C);
		doubt_class(s, t);
	}
	free(t);
	free(count);
	return rc;
}

/* ---- labels ---- */

/* The probability that the model gives to what is said of label k. */
static double
believed(const struct suspects *s, size_t i, size_t k, int *given)
{
	double p = (double)s->t->held[i * s->ds->C + k];

	*given = s->ds->y[i * s->ds->C + k] > 0.5f;
	return *given ? p : 1 - p;
}

/* Of label k, whose answers no and yes have self-confidences t. */
static void
doubt_label(struct suspects *s, size_t k, const double t[2])
{
	for (size_t i = 0; i < s->ds->n; i++) {
		struct suspect *x = &s->list[i];
		int given;
		double p = believed(s, i, k, &given);
		double doubt = 1 - p / t[given];

		if (k > 0 && !(doubt > x->doubt))
			continue;
		x->label = (uint32_t)k;
		x->given = given;
		x->p = p;
		x->says = p < 0.5 ? (uint32_t)!given : (uint32_t)given;
		x->says_p = p < 0.5 ? 1 - p : p;
		x->doubt = doubt;
	}
}

static void
find_labels(struct suspects *s)
{
	for (size_t k = 0; k < s->ds->C; k++) {
		double t[2] = { 0 };
		uint64_t count[2] = { 0 };

		for (size_t i = 0; i < s->ds->n; i++) {
			int given;
			double p = believed(s, i, k, &given);

			t[given] += p;
			count[given]++;
		}
		confidences(t, count, 2);
		doubt_label(s, k, t);
	}
}

/* ---- numbers ---- */

static int
ascending(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;

	return (a > b) - (a < b);
}

/* x: [n], sorted afterwards.  Where most distances are 0, their root mean
 * square; where all are, 1. */
static double
robust_spread(double *x, size_t n)
{
	double median, sum = 0;

	qsort(x, n, sizeof(*x), ascending);
	median = (x[(n - 1) / 2] + x[n / 2]) / 2;
	if (median > 0)
		return 1.4826 * median;
	for (size_t i = 0; i < n; i++)
		sum += x[i] * x[i];
	return sum > 0 ? sqrt(sum / (double)n) : 1;
}

static int
find_numbers(struct suspects *s)
{
	const struct dataset *ds = s->ds;
	double *x = mem_array(ds->n, sizeof(*x));

	if (x == NULL)
		return -1;
	for (size_t i = 0; i < ds->n; i++) {
		s->list[i].says_p = (double)s->t->held[i];
		x[i] = fabs(ds->target[i] - s->list[i].says_p);
		s->list[i].doubt = x[i];
	}
	s->spread = robust_spread(x, ds->n);
	for (size_t i = 0; i < ds->n; i++)
		s->list[i].doubt /= s->spread;
	free(x);
	return 0;
}

/* ---- all ---- */

static int
by_doubt(const void *pa, const void *pb)
{
	const struct suspect *a = pa, *b = pb;

	if (a->doubt < b->doubt || a->doubt > b->doubt)
		return a->doubt > b->doubt ? -1 : 1;
	return str_cmp(a->id, b->id);
}

int
suspects_find(struct suspects *s, const struct dataset *ds,
    const struct trainer *t, const struct intern *ids, struct error *e)
{
	int rc = 0;

	*s = (struct suspects){ .ds = ds, .t = t, .n = ds->n };
	s->list = mem_array(s->n, sizeof(*s->list));
	if (s->list == NULL)
		return error_memory(e);
	if (t->held == NULL)
		return error_set(e, "the training kept nothing of its folds");
	if (name_rows(s, ids, e) < 0)
		return -1;
	if (ds->task == TASK_CLASS)
		rc = find_class(s);
	else if (ds->task == TASK_MULTILABEL)
		find_labels(s);
	else
		rc = find_numbers(s);
	if (rc < 0)
		return error_memory(e);
	qsort(s->list, s->n, sizeof(*s->list), by_doubt);
	return 0;
}

void
suspects_free(struct suspects *s)
{
	free(s->list);
	*s = (struct suspects){ 0 };
}
