#include "learn/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

/* What the rounds share, and one piece of scratch for each worker. */
struct rounds {
	const struct scores *s;
	const struct resample *r;
	int systems;
	size_t count;    /* figures */
	uint32_t *drawn; /* [threads, units] times a unit was drawn */
	uint32_t *w;     /* [threads, systems * n] */
	char *scratch;   /* [threads, scratch_size] */
	size_t scratch_size;
	double *out; /* [rounds, systems, count] */
};

static int
rounds_init(struct rounds *q, const struct scores *s, int systems,
    const struct resample *r)
{
	size_t threads = r->pool != NULL ? (size_t)pool_threads(r->pool) : 1;
	size_t per_round;

	memset(q, 0, sizeof(*q));
	q->s = s;
	q->r = r;
	q->systems = systems;
	scores_names(s->task, &q->count);
	per_round = (size_t)systems * q->count;
	q->scratch_size = (scores_scratch(s) + 63) / 64 * 64;
	q->drawn = mem_array(threads * r->units, sizeof(*q->drawn));
	q->w = mem_array(threads * s->n, sizeof(*q->w));
	q->scratch = mem_aligned(threads, q->scratch_size);
	q->out = mem_array(r->rounds, per_round * sizeof(*q->out));
	if (q->drawn == NULL || q->w == NULL || q->scratch == NULL ||
	    q->out == NULL)
		return -1;
	return 0;
}

static void
rounds_free(struct rounds *q)
{
	free(q->drawn);
	free(q->w);
	free(q->scratch);
	free(q->out);
}

/* The generator of one round. */
static void
seed_round(struct rng *rng, const struct resample *r, size_t round)
{
	rng_seed(rng, hash_mix(r->seed) ^ hash_mix((uint64_t)round + 1));
}

/* Score system number x with weights that are there for its records alone. */
static void
score_one(const struct rounds *q, size_t round, int worker, int x)
{
	const uint32_t *w = q->w + (size_t)worker * q->s->n;

	scores_at(q->s, w, q->scratch + (size_t)worker * q->scratch_size,
	    q->out + (round * (size_t)q->systems + (size_t)x) * q->count);
}

static void
bootstrap_round(void *arg, size_t round, int worker)
{
	const struct rounds *q = arg;
	const struct resample *r = q->r;
	uint32_t *drawn = q->drawn + (size_t)worker * r->units;
	uint32_t *w = q->w + (size_t)worker * q->s->n;
	struct rng rng;

	seed_round(&rng, r, round);
	memset(drawn, 0, r->units * sizeof(*drawn));
	for (size_t u = 0; u < r->units; u++)
		drawn[rng_below(&rng, (uint32_t)r->units)]++;
	for (int x = 0; x < q->systems; x++) {
		memset(w, 0, q->s->n * sizeof(*w));
		for (size_t i = 0; i < r->n; i++)
			w[(size_t)x * r->n + i] = drawn[r->unit[i]];
		score_one(q, round, worker, x);
	}
}

static void
permutation_round(void *arg, size_t round, int worker)
{
	const struct rounds *q = arg;
	const struct resample *r = q->r;
	uint32_t *swap = q->drawn + (size_t)worker * r->units;
	uint32_t *w = q->w + (size_t)worker * q->s->n;
	uint64_t bits = 0;
	struct rng rng;

	seed_round(&rng, r, round);
	for (size_t u = 0; u < r->units; u++, bits >>= 1) {
		if (u % 64 == 0)
			bits = rng_u64(&rng);
		swap[u] = bits & 1;
	}
	for (uint32_t x = 0; x < 2; x++) {
		for (size_t i = 0; i < r->n; i++) {
			w[i] = swap[r->unit[i]] == x;
			w[r->n + i] = !w[i];
		}
		score_one(q, round, worker, (int)x);
	}
}

static int
ascending(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;

	return a < b ? -1 : a > b;
}

/* Between the sorted values x: [n], as numpy's default does it. */
static double
quantile(const double *x, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t i = (size_t)at;

	return i + 1 < n ? x[i] + (at - (double)i) * (x[i + 1] - x[i]) : x[i];
}

/* The interval of figure k of A (0), of B (1) or of A - B (2).
 * x: [rounds] scratch. */
static struct interval
interval_of(const struct rounds *q, int which, size_t k, double *x)
{
	size_t n = 0, per_round = (size_t)q->systems * q->count;

	for (size_t i = 0; i < q->r->rounds; i++) {
		const double *a = q->out + i * per_round + k;
		double v = which == 0 ? a[0] : a[q->count];

		if (which == 2)
			v = a[0] - a[q->count];
		if (!isnan(v))
			x[n++] = v;
	}
	if (n == 0 || n < q->r->rounds / 2)
		return (struct interval){ (double)NAN, (double)NAN };
	qsort(x, n, sizeof(*x), ascending);
	return (struct interval){ quantile(x, n, .025), quantile(x, n, .975) };
}

int
resample_bootstrap(const struct scores *s, int systems,
    const struct resample *r, struct interval *iv)
{
	double *x = mem_array(r->rounds, sizeof(*x));
	struct rounds q;
	int rc = rounds_init(&q, s, systems, r);

	if (rc == 0 && x != NULL) {
		pool_run(r->pool, r->rounds, bootstrap_round, &q);
		for (int which = 0; which < (systems == 2 ? 3 : 1); which++)
			for (size_t k = 0; k < q.count; k++)
				*iv++ = interval_of(&q, which, k, x);
	}
	rounds_free(&q);
	rc = x == NULL ? -1 : rc;
	free(x);
	return rc;
}

/* Rounds whose difference of figure k is no smaller than the real one.  Equal
 * differences may come out some bits apart, hence the small allowance. */
static size_t
as_large(const struct rounds *q, size_t k, double real)
{
	double least = fabs(real) - 1e-12 * (1 + fabs(real));
	size_t n = 0;

	for (size_t i = 0; i < q->r->rounds; i++) {
		const double *a = q->out + i * 2 * q->count + k;

		if (!(fabs(a[q->count] - a[0]) < least))
			n++;
	}
	return n;
}

int
resample_permutation(
    const struct scores *s, const struct resample *r, double *p)
{
	double a[SCORES_MAX], b[SCORES_MAX];
	struct rounds q;

	if (rounds_init(&q, s, 2, r) < 0) {
		rounds_free(&q);
		return -1;
	}
	for (size_t i = 0; i < 2 * r->n; i++)
		q.w[i] = i < r->n;
	scores_at(s, q.w, q.scratch, a);
	for (size_t i = 0; i < 2 * r->n; i++)
		q.w[i] = i >= r->n;
	scores_at(s, q.w, q.scratch, b);
	pool_run(r->pool, r->rounds, permutation_round, &q);
	for (size_t k = 0; k < q.count; k++) {
		double d = a[k] - b[k];

		p[k] = isnan(d) ? (double)NAN
				: (double)(1 + as_large(&q, k, d)) /
				      (double)(1 + r->rounds);
	}
	rounds_free(&q);
	return 0;
}

/* Records in the order of their confidence, and what each worker draws. */
struct calm {
	const struct resample *r;
	double *p;      /* [n] */
	double *excess; /* [n] right - p */
	uint32_t *unit; /* [n] */
	double *right;  /* [threads, n] */
	double *sign;   /* [threads, units] */
	double *out;    /* [RESAMPLE_CALIBRATED] */
};

static void
calm_round(void *arg, size_t round, int worker)
{
	const struct calm *q = arg;
	size_t n = q->r->n, units = q->r->units;
	double *right = q->right + (size_t)worker * n;
	double *sign = q->sign + (size_t)worker * units;
	struct rng rng;

	seed_round(&rng, q->r, round);
	if (units == n)
		for (size_t j = 0; j < n; j++)
			right[j] = rng_double(&rng) < q->p[j];
	else {
		for (size_t u = 0; u < units; u++)
			sign[u] = rng_u64(&rng) >> 63 ? 1 : -1;
		for (size_t j = 0; j < n; j++)
			right[j] = q->p[j] + sign[q->unit[j]] * q->excess[j];
	}
	q->out[round] = metrics_ece_share(q->p, right, n);
}

/* Take the records [first, first + n) in the order of their confidence. */
static void
calm_fill(struct calm *q, const struct scores *s, size_t first)
{
	size_t n = 0;

	for (size_t j = 0; j < s->n; j++) {
		size_t i = s->conf_order[j];

		if (i < first || i >= first + q->r->n)
			continue;
		q->p[n] = s->conf[i];
		if (q->r->units < q->r->n) {
			q->unit[n] = q->r->unit[i - first];
			q->excess[n] = (double)s->right[i] - s->conf[i];
		}
		n++;
	}
}

int
resample_calibrated(const struct scores *s, size_t first,
    const struct resample *r, double *limit)
{
	size_t threads = r->pool != NULL ? (size_t)pool_threads(r->pool) : 1;
	struct calm q = { .r = r };
	int rc = -1;

	q.p = mem_array(r->n, sizeof(*q.p));
	q.excess = mem_array(r->n, sizeof(*q.excess));
	q.unit = mem_array(r->n, sizeof(*q.unit));
	q.right = mem_array(threads * r->n, sizeof(*q.right));
	q.sign = mem_array(threads * r->units, sizeof(*q.sign));
	q.out = mem_array(RESAMPLE_CALIBRATED, sizeof(*q.out));
	if (q.p != NULL && q.excess != NULL && q.unit != NULL &&
	    q.right != NULL && q.sign != NULL && q.out != NULL) {
		calm_fill(&q, s, first);
		pool_run(r->pool, RESAMPLE_CALIBRATED, calm_round, &q);
		qsort(q.out, RESAMPLE_CALIBRATED, sizeof(*q.out), ascending);
		*limit = quantile(q.out, RESAMPLE_CALIBRATED, .95);
		rc = 0;
	}
	free(q.p);
	free(q.excess);
	free(q.unit);
	free(q.right);
	free(q.sign);
	free(q.out);
	return rc;
}

/*
 * Twice the lower tail of Binomial(n, 1/2) at the smaller count.  The terms
 * C(n, i) are taken relative to the largest, so nothing overflows; those too
 * small for a double are too small to matter.
 */
double
resample_mcnemar(uint64_t b, uint64_t c)
{
	uint64_t n = b + c, low = b < c ? b : c, mid = n / 2;
	double tail = low == mid, all = 1, t = 1;

	for (uint64_t i = mid; i > 0 && t > 0; i--) {
		t = t * (double)i / (double)(n - i + 1);
		all += t;
		if (i - 1 <= low)
			tail += t;
	}
	t = 1;
	for (uint64_t i = mid; i < n && t > 0; i++) {
		t = t * (double)(n - i) / (double)(i + 1);
		all += t;
	}
	return 2 * tail < all ? 2 * tail / all : 1;
}
