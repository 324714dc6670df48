#include "base/rng.h"
#include "base/hash.h"

void
rng_seed(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = hash_mix(seed += UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t
rotate(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t
rng_u64(struct rng *r)
{
	uint64_t *s = r->s, out = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return out;
}

uint32_t
rng_below(struct rng *r, uint32_t n)
{
	/* Of 2^32 numbers, the first 2^32 mod n would favour some results. */
	uint32_t refuse = (0u - n) % n;
	uint64_t m;

	do
		m = (rng_u64(r) >> 32) * n;
	while ((uint32_t)m < refuse);
	return (uint32_t)(m >> 32);
}

double
rng_double(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

void
rng_shuffle(struct rng *r, uint32_t *p, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = rng_below(r, (uint32_t)i);
		uint32_t t = p[k];

		p[k] = p[i - 1];
		p[i - 1] = t;
	}
}
