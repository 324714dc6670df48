#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * The 64-bit hash of the project: n-grams, ids, groups, file contents and the
 * stream hash.  It is part of the formats: a change raises HASH_VERSION and
 * with it the version of every encoder that hashes.  It spreads well and is
 * fast; it is no defence against someone who looks for collisions.
 *
 * Definition, version 1, with mum(a, b) = the low and the high 64 bits of the
 * 128-bit product a * b, xor-ed (a folded multiply, as in wyhash by Wang Yi):
 * the state s begins as mix((seed ^ K0) + K1); each block of 16 bytes, as two
 * little-endian words u, v, makes s = mum(u ^ s ^ K0, v ^ K1) + s; the rest,
 * padded with zeros to 16 bytes, is taken in the same way even when empty;
 * the result is mix(mum(s ^ K2, length ^ K3) ^ K0).  So the streaming and the
 * one-shot form agree on every cut.
 */

enum { HASH_VERSION = 1 };

/* hash_mum(a, b): the folded product.  Zero in either gives zero. */
static inline uint64_t
hash_mum(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	__extension__ typedef unsigned __int128 u128;
	u128 p = (u128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
#else
	uint64_t al = (uint32_t)a, ah = a >> 32;
	uint64_t bl = (uint32_t)b, bh = b >> 32;
	uint64_t ll = al * bl, lh = al * bh, hl = ah * bl, hh = ah * bh;
	uint64_t mid = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;

	return (mid << 32 | (uint32_t)ll) ^
	       (hh + (lh >> 32) + (hl >> 32) + (mid >> 32));
#endif
}

/* hash_mix(x): a bijection of 64 bits that spreads every bit over all
 * (the finisher of SplitMix64, Steele, Lea and Flood 2014). */
static inline uint64_t
hash_mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* hash_bytes(p, n, seed): the hash of n bytes. */
uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);

/* hash_bytes4(p, n, out): out[i] is hash_bytes(p + i n, n, 0), for i < 4; four
 * at once keep the multiplier busy, where one waits for its own result. */
void hash_bytes4(const void *p, size_t n, uint64_t out[4]);

/* The same, fed in pieces of any size. */
struct hash {
	uint64_t state;
	uint64_t len;
	unsigned char part[16]; /* len % 16 bytes wait here */
};

void hash_init(struct hash *h, uint64_t seed);
void hash_update(struct hash *h, const void *p, size_t n);
uint64_t hash_final(const struct hash *h); /* may go on afterwards */

#endif
