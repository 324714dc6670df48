#ifndef LEARN_RESAMPLE_H
#define LEARN_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "learn/scores.h"

/*
 * How sure a figure is: intervals and p-values by resampling.
 *
 * What is drawn are units: records, or groups of records that belong together
 * and would make an interval too narrow if they were taken as independent.
 * Round i draws from a generator seeded by (seed, i) alone, so any number of
 * threads gives the same numbers.
 *
 * One system is scored by a struct scores of n records.  Two systems on the
 * same records are scored by one of 2 n: first those of A, then those of B in
 * the same order; a weight of 0 takes a prediction out.
 *
 * Functions return 0, or -1 when memory is out.
 */

struct resample {
	size_t n;             /* records of one system */
	const uint32_t *unit; /* [n] number of the record's unit */
	size_t units;
	size_t rounds;
	uint64_t seed;
	struct pool *pool; /* may be NULL */
};

/* Bounds of the middle 95 %; NaN where most rounds have no value. */
struct interval {
	double lo, hi;
};

/*
 * resample_bootstrap: percentile intervals (Efron and Tibshirani 1993, An
 * Introduction to the Bootstrap, chapter 13) from rounds of ${units} units
 * drawn with replacement, whole groups where units are groups (Davison and
 * Hinkley 1997, section 3.8).  Quantiles are interpolated between the sorted
 * values; rounds in which a figure has no value are left out of its interval.
 *   systems 1: iv: [count]    systems 2: iv: [3, count]: A, B, A - B
 * where count is the number of figures of s->task.
 */
int resample_bootstrap(const struct scores *s, int systems,
    const struct resample *r, struct interval *iv);

/*
 * resample_permutation: two-sided p of the differences A - B under the
 * hypothesis that it is chance which system made which prediction: each round
 * exchanges the two systems' predictions of a unit with probability 1/2
 * (approximate randomisation: Noreen 1989; Yeh 2000).  p = (1 + rounds with a
 * difference at least as large) / (1 + rounds), never 0 (Phipson and Smyth
 * 2010).  NaN where the difference is.
 *   s: of both systems   p: [count]
 */
int resample_permutation(
    const struct scores *s, const struct resample *r, double *p);

/*
 * resample_calibrated: what metrics_ece_mass would be at most, in 95 of 100
 * cases, of a perfectly calibrated model that said what this one did: the
 * truth is drawn RESAMPLE_CALIBRATED times from each record's own probability
 * of the guess (as in Broecker and Smith 2007, Increasing the Reliability of
 * Reliability Diagrams), and the .95 quantile taken.  Of r->n records from
 * number ${first} on.
 *
 * Records of one unit are right or wrong together more often than by chance.
 * Where units are groups, the truth is not drawn: what record i had too much or
 * too little, d_i = [right] - p_i, changes its sign in all of a unit or in none
 * (the wild cluster bootstrap: Cameron, Gelbach and Miller 2008, with the
 * weights of Rademacher), and p_i + d_i is how right it was.
 */
enum { RESAMPLE_CALIBRATED = 1000 };
int resample_calibrated(const struct scores *s, size_t first,
    const struct resample *r, double *limit);

/*
 * resample_mcnemar: the exact two-sided p of McNemar's test (1947): of b + c
 * records that one system alone got right, b and c; under chance each side
 * has probability 1/2.  1 when b + c is 0.
 */
double resample_mcnemar(uint64_t b, uint64_t c);

#endif
