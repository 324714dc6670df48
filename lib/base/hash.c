#include <string.h>

#include "base/hash.h"

/* Odd, half of the bits set, from the digits of pi (hexadecimal). */
#define K0 UINT64_C(0x243f6a8885a308d3)
#define K1 UINT64_C(0x13198a2e03707345)
#define K2 UINT64_C(0xa4093822299f31d1)
#define K3 UINT64_C(0x082efa98ec4e6c89)

static uint64_t
le64(const unsigned char *p)
{
	uint64_t x;

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(&x, p, sizeof(x));
#else
	x = 0;
	for (int i = 7; i >= 0; i--)
		x = x << 8 | p[i];
#endif
	return x;
}

static uint64_t
start(uint64_t seed)
{
	return hash_mix((seed ^ K0) + K1);
}

static uint64_t
block(uint64_t s, const unsigned char *p)
{
	return hash_mum(le64(p) ^ s ^ K0, le64(p + 8) ^ K1) + s;
}

static uint64_t
finish(uint64_t s, const unsigned char *rest, uint64_t len)
{
	unsigned char last[16] = { 0 };

	memcpy(last, rest, len % 16);
	s = block(s, last);
	return hash_mix(hash_mum(s ^ K2, len ^ K3) ^ K0);
}

uint64_t
hash_bytes(const void *p, size_t n, uint64_t seed)
{
	const unsigned char *b = p;
	uint64_t s = start(seed);
	unsigned char none = 0;
	size_t i = 0;

	for (; n - i >= 16; i += 16)
		s = block(s, b + i);
	return finish(s, n > i ? b + i : &none, n);
}

void
hash_bytes4(const void *p, size_t n, uint64_t out[4])
{
	const unsigned char *b = p;
	uint64_t s0 = start(0), s1 = s0, s2 = s0, s3 = s0;
	size_t i = 0;

	for (; n - i >= 16; i += 16) {
		s0 = block(s0, b + i);
		s1 = block(s1, b + n + i);
		s2 = block(s2, b + 2 * n + i);
		s3 = block(s3, b + 3 * n + i);
	}
	out[0] = finish(s0, b + i, n);
	out[1] = finish(s1, b + n + i, n);
	out[2] = finish(s2, b + 2 * n + i, n);
	out[3] = finish(s3, b + 3 * n + i, n);
}

void
hash_init(struct hash *h, uint64_t seed)
{
	h->state = start(seed);
	h->len = 0;
}

void
hash_update(struct hash *h, const void *p, size_t n)
{
	const unsigned char *b = p;
	size_t have = h->len % 16, take;

	h->len += n;
	if (have > 0) {
		take = n < 16 - have ? n : 16 - have;
		if (take > 0)
			memcpy(h->part + have, b, take);
		if (have + take < 16)
			return;
		h->state = block(h->state, h->part);
		b += take;
		n -= take;
	}
	for (; n >= 16; b += 16, n -= 16)
		h->state = block(h->state, b);
	if (n > 0)
		memcpy(h->part, b, n);
}

uint64_t
hash_final(const struct hash *h)
{
	return finish(h->state, h->part, h->len);
}
