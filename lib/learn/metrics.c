#include "learn/metrics.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/mathd.h"

static uint64_t
times(const uint32_t *w, size_t i)
{
	return w != NULL ? w[i] : 1;
}

static double
ratio(uint64_t a, uint64_t b)
{
	return b > 0 ? (double)a / (double)b : (double)NAN;
}

void
metrics_tally(struct tally *tally, size_t K, const uint32_t *truth,
    const uint32_t *guess, const uint32_t *w, size_t n)
{
	memset(tally, 0, K * sizeof(*tally));
	for (size_t i = 0; i < n; i++) {
		uint64_t c = times(w, i);

		tally[truth[i]].support += c;
		tally[guess[i]].predicted += c;
		if (truth[i] == guess[i])
			tally[truth[i]].hit += c;
	}
}

double
metrics_precision(const struct tally *t)
{
	return ratio(t->hit, t->predicted);
}

double
metrics_recall(const struct tally *t)
{
	return ratio(t->hit, t->support);
}

double
metrics_f1(const struct tally *t)
{
	return ratio(2 * t->hit, t->predicted + t->support);
}

struct f1
metrics_f1_all(const struct tally *tally, size_t K)
{
	struct f1 f = { NAN, NAN, NAN };
	struct tally all = { 0 };
	double sum = 0, by_support = 0;
	size_t classes = 0;

	for (size_t k = 0; k < K; k++) {
		const struct tally *t = &tally[k];

		if (t->predicted + t->support == 0)
			continue;
		classes++;
		sum += metrics_f1(t);
		by_support += metrics_f1(t) * (double)t->support;
		all.hit += t->hit;
		all.predicted += t->predicted;
		all.support += t->support;
	}
	f.micro = metrics_f1(&all);
	if (classes > 0)
		f.macro = sum / (double)classes;
	if (all.support > 0)
		f.weighted = by_support / (double)all.support;
	return f;
}

double
metrics_accuracy(
    const uint32_t *truth, const uint32_t *guess, const uint32_t *w, size_t n)
{
	uint64_t right = 0, all = 0;

	for (size_t i = 0; i < n; i++) {
		all += times(w, i);
		if (truth[i] == guess[i])
			right += times(w, i);
	}
	return ratio(right, all);
}

double
metrics_mean(const double *x, const uint32_t *w, size_t n)
{
	uint64_t all = 0;
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		all += times(w, i);
		if (times(w, i) > 0)
			sum += (double)times(w, i) * x[i];
	}
	return all > 0 ? sum / (double)all : (double)NAN;
}

double
metrics_log_loss_of(double p)
{
	if (p < DBL_EPSILON)
		p = DBL_EPSILON;
	if (p > 1 - DBL_EPSILON)
		p = 1 - DBL_EPSILON;
	return -mathd_log(p);
}

double
metrics_brier_of(const double *p, size_t K, size_t truth)
{
	double sum = 0;

	for (size_t k = 0; k < K; k++) {
		double d = k == truth ? p[k] - 1 : p[k];

		sum += d * d;
	}
	if (truth >= K)
		return sum + 1;
	return K == 2 ? sum / 2 : sum;
}

double
metrics_ece(const double *p, const uint8_t *right, const uint32_t *w, size_t n)
{
	uint64_t all = 0, hits[METRICS_BINS] = { 0 };
	double conf[METRICS_BINS] = { 0 }, gap = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t c = times(w, i);
		int bin = (int)ceil(p[i] * METRICS_BINS) - 1;

		if (bin < 0)
			bin = 0;
		if (bin >= METRICS_BINS)
			bin = METRICS_BINS - 1;
		all += c;
		hits[bin] += right[i] ? c : 0;
		conf[bin] += (double)c * p[i];
	}
	for (int b = 0; b < METRICS_BINS; b++)
		gap += fabs((double)hits[b] - conf[b]);
	return all > 0 ? gap / (double)all : (double)NAN;
}

/* One bin while it is filled.  Counts are in fifteenths of a record, so that
 * a bin has room for as many of them as there are records. */
struct mass_bin {
	uint64_t filled;
	double hits, conf, gap; /* gap: of the bins before */
};

/* c records of confidence p, of which h are right. */
static void
pour(struct mass_bin *b, uint64_t all, uint64_t c, double h, double p)
{
	uint64_t left = c * METRICS_BINS;

	while (left > 0) {
		uint64_t room = all - b->filled, take = left;

		if (take > room)
			take = room;
		if (take == c * METRICS_BINS) {
			b->hits += h;
			b->conf += (double)c * p;
		} else {
			double share = (double)take / METRICS_BINS;

			b->hits += h * (share / (double)c);
			b->conf += share * p;
		}
		left -= take;
		b->filled += take;
		if (b->filled < all)
			continue;
		b->gap += fabs(b->hits - b->conf);
		b->filled = 0;
		b->hits = b->conf = 0;
	}
}

double
metrics_ece_mass(const uint32_t *order, const uint8_t *mark, const double *p,
    const uint32_t *w, size_t n)
{
	struct mass_bin bin = { 0 };
	uint64_t all = w != NULL ? 0 : n, c = 0, h = 0;

	for (size_t i = 0; w != NULL && i < n; i++)
		all += w[i];
	for (size_t j = 0; j < n; j++) {
		uint64_t t = times(w, order[j]);

		c += t;
		h += mark[j] & MARK_POSITIVE ? t : 0;
		if (mark[j] & MARK_TIED)
			continue;
		pour(&bin, all, c, (double)h, p[order[j]]);
		c = h = 0;
	}
	return all > 0 ? bin.gap / (double)all : (double)NAN;
}

double
metrics_ece_share(const double *p, const double *right, size_t n)
{
	struct mass_bin bin = { 0 };
	uint64_t c = 0;
	double h = 0;

	for (size_t j = 0; j < n; j++) {
		c++;
		h += right[j];
		if (j + 1 < n && !(p[j] < p[j + 1]))
			continue;
		pour(&bin, n, c, h, p[j]);
		c = 0;
		h = 0;
	}
	return n > 0 ? bin.gap / (double)n : (double)NAN;
}

/* A value and where it stood, for qsort. */
struct place {
	double x;
	uint32_t i;
};

static int
by_value(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;

	if (a->x != b->x)
		return a->x < b->x ? -1 : 1;
	return a->i < b->i ? -1 : a->i > b->i;
}

int
metrics_order(uint32_t *order, const double *x, size_t n)
{
	struct place *p = mem_array(n, sizeof(*p));

	if (p == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		p[i] = (struct place){ x[i], (uint32_t)i };
	qsort(p, n, sizeof(*p), by_value);
	for (size_t i = 0; i < n; i++)
		order[i] = p[i].i;
	free(p);
	return 0;
}

void
metrics_mark(uint8_t *mark, const uint32_t *order, const double *score,
    const uint8_t *positive, size_t n)
{
	for (size_t j = 0; j < n; j++) {
		double x = score[order[j]];

		mark[j] = positive[order[j]] ? MARK_POSITIVE : 0;
		/* The order is ascending: not less is equal. */
		if (j + 1 < n && !(x < score[order[j + 1]]))
			mark[j] |= MARK_TIED;
	}
}

/*
 * From the highest score down.  Twice the number of (positive, negative) pairs
 * in the right order, ties once: records of equal score are taken together,
 * and their negatives stand below all positives seen before and level with
 * those among them.
 */
double
metrics_ranking(const uint32_t *order, const uint8_t *mark, const uint32_t *w,
    size_t n, double *precision)
{
	uint64_t pos = 0, neg = 0, twice = 0, p = 0, q = 0;
	double sum = 0;

	for (size_t j = n; j-- > 0;) {
		uint64_t c = times(w, order[j]);
		uint64_t is = mark[j] & MARK_POSITIVE ? c : 0;

		p += is;
		q += c - is;
		if (j > 0 && (mark[j - 1] & MARK_TIED))
			continue;
		twice += q * (2 * pos + p);
		pos += p;
		neg += q;
		if (p > 0 && precision != NULL)
			sum += (double)p * ((double)pos / (double)(pos + neg));
		p = q = 0;
	}
	if (precision != NULL)
		*precision = pos > 0 ? sum / (double)pos : (double)NAN;
	if (pos == 0 || neg == 0)
		return (double)NAN;
	return (double)twice / 2 / ((double)pos * (double)neg);
}

double
metrics_auc(
    const uint32_t *order, const uint8_t *mark, const uint32_t *w, size_t n)
{
	return metrics_ranking(order, mark, w, n, NULL);
}

struct label_ranking
metrics_label_ranking(const double *score, const uint8_t *is, size_t K)
{
	struct label_ranking r = { 1, 0, 0 };
	size_t trues = 0, worst = 0, wrong = 0;
	double sum = 0;

	for (size_t k = 0; k < K; k++) {
		size_t above = 0, true_above = 0;

		if (!is[k])
			continue;
		for (size_t i = 0; i < K; i++) {
			int up = score[i] >= score[k];

			above += (size_t)up;
			true_above += (size_t)(up && is[i]);
		}
		trues++;
		worst = above > worst ? above : worst;
		wrong += above - true_above;
		sum += (double)true_above / (double)above;
	}
	r.coverage = (double)worst;
	if (trues == 0 || trues == K)
		return r;
	r.precision = sum / (double)trues;
	r.loss = (double)wrong / ((double)trues * (double)(K - trues));
	return r;
}

double
metrics_r2(const double *y, const double *f, const uint32_t *w, size_t n)
{
	double mean = metrics_mean(y, w, n), left = 0, all = 0;
	double first = (double)NAN;
	int varies = 0;

	for (size_t i = 0; i < n; i++) {
		double c = (double)times(w, i);

		if (times(w, i) == 0)
			continue;
		/* The mean of equal values may be off by a bit: compare them
		 * themselves. */
		if (isnan(first))
			first = y[i];
		varies |= y[i] < first || y[i] > first;
		left += c * ((y[i] - f[i]) * (y[i] - f[i]));
		all += c * ((y[i] - mean) * (y[i] - mean));
	}
	return varies ? 1 - left / all : (double)NAN;
}

/* The ranks of x from 1, equal values sharing their mean; records that count
 * c times take c ranks.  Returns 0 when all that count are equal. */
static int
ranks(double *rank, const double *x, const uint32_t *order, const uint32_t *w,
    size_t n)
{
	uint64_t below = 0;
	int distinct = 0;

	for (size_t i = 0, j; i < n; i = j) {
		uint64_t level = 0;

		for (j = i; j < n && x[order[j]] == x[order[i]]; j++)
			level += times(w, order[j]);
		for (size_t k = i; k < j; k++)
			rank[order[k]] =
			    (double)below + ((double)level + 1) / 2;
		below += level;
		distinct += level > 0;
	}
	return distinct > 1;
}

double
metrics_spearman(const double *x, const double *y, const uint32_t *x_order,
    const uint32_t *y_order, const uint32_t *w, size_t n, double *rank)
{
	double *rx = rank, *ry = rank + n, mean, xy = 0, xx = 0, yy = 0;

	if (!ranks(rx, x, x_order, w, n) || !ranks(ry, y, y_order, w, n))
		return (double)NAN;
	mean = metrics_mean(rx, w, n);
	for (size_t i = 0; i < n; i++) {
		double c = (double)times(w, i);
		double dx = rx[i] - mean, dy = ry[i] - mean;

		xy += c * (dx * dy);
		xx += c * (dx * dx);
		yy += c * (dy * dy);
	}
	return xy / sqrt(xx * yy);
}
