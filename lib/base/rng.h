#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/*
 * Random numbers from a state that is passed along: xoshiro256** 1.0
 * (Blackman and Vigna 2018), seeded by SplitMix64.  The same seed gives the
 * same numbers everywhere; seeds are recorded where results depend on them.
 */

struct rng {
	uint64_t s[4];
};

/* rng_seed(r, seed): any seed is good, 0 too. */
void rng_seed(struct rng *r, uint64_t seed);

/* rng_u64: 64 random bits. */
uint64_t rng_u64(struct rng *r);

/* rng_below(r, n): uniform in 0 .. n - 1 without bias (Lemire 2019), n > 0. */
uint32_t rng_below(struct rng *r, uint32_t n);

/* rng_double: uniform in [0, 1), a multiple of 2^-53. */
double rng_double(struct rng *r);

/* rng_shuffle(r, p, n): permute p: [n] (Fisher and Yates). */
void rng_shuffle(struct rng *r, uint32_t *p, size_t n);

#endif
