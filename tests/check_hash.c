#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/hash.h"
#include "base/rng.h"
#include "unit.h"

START_TEST(streaming_is_the_same_on_every_cut)
{
	unsigned char text[100];
	struct rng r;

	rng_seed(&r, 1);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)rng_u64(&r);
	for (size_t n = 0; n <= sizeof(text); n++)
		for (size_t cut = 0; cut <= n; cut++) {
			struct hash h;

			hash_init(&h, n);
			hash_update(&h, text, cut / 2);
			hash_final(&h);
			hash_update(&h, text + cut / 2, cut - cut / 2);
			hash_update(&h, text + cut, n - cut);
			ck_assert(hash_final(&h) == hash_bytes(text, n, n));
		}
}
END_TEST

START_TEST(four_at_once)
{
	unsigned char x[4 * 70];
	uint64_t out[4];
	struct rng r;

	rng_seed(&r, 2);
	for (size_t i = 0; i < sizeof(x); i++)
		x[i] = (unsigned char)rng_u64(&r);
	for (size_t n = 0; n <= 70; n++) {
		hash_bytes4(x, n, out);
		for (size_t i = 0; i < 4; i++)
			ck_assert(out[i] == hash_bytes(x + i * n, n, 0));
	}
}
END_TEST

START_TEST(length_and_seed_count)
{
	unsigned char zero[64] = { 0 };

	for (size_t n = 0; n < sizeof(zero); n++)
		for (size_t m = 0; m < n; m++) {
			ck_assert(
			    hash_bytes(zero, n, 0) != hash_bytes(zero, m, 0));
			ck_assert(
			    hash_bytes(zero, n, n) != hash_bytes(zero, n, m));
		}
}
END_TEST

/* Each bit of the input flips each bit of the hash half of the time. */
START_TEST(avalanche)
{
	enum { TRIALS = 2000 };
	static const size_t SIZES[] = { 3, 5, 8, 16, 24 };
	struct rng r;

	rng_seed(&r, 2);
	for (size_t k = 0; k < sizeof(SIZES) / sizeof(SIZES[0]); k++)
		for (size_t bit = 0; bit < SIZES[k] * 8; bit++) {
			int flips[64] = { 0 };

			for (int t = 0; t < TRIALS; t++) {
				unsigned char x[24];
				uint64_t a;

				for (size_t i = 0; i < SIZES[k]; i++)
					x[i] = (unsigned char)rng_u64(&r);
				a = hash_bytes(x, SIZES[k], 0);
				x[bit / 8] ^= (unsigned char)(1 << bit % 8);
				a ^= hash_bytes(x, SIZES[k], 0);
				for (int i = 0; i < 64; i++)
					flips[i] += (int)(a >> i & 1);
			}
			/* 7 standard deviations of a fair coin. */
			for (int i = 0; i < 64; i++)
				ck_assert_double_lt(
				    fabs(flips[i] - TRIALS / 2.0),
				    7 * sqrt(TRIALS / 4.0));
		}
}
END_TEST

/* Numbers as text spread over 1,024 buckets, at both ends of the hash. */
START_TEST(buckets_are_even)
{
	enum { N = 102400, B = 1024 };
	static int low[B], high[B];
	double a = 0, b = 0, e = (double)N / B;

	for (uint64_t i = 0; i < N; i++) {
		uint64_t h = hash_bytes(&i, i % 5 + 4, 0);

		low[h % B]++;
		high[h >> 54]++;
	}
	for (int i = 0; i < B; i++) {
		a += (low[i] - e) * (low[i] - e) / e;
		b += (high[i] - e) * (high[i] - e) / e;
	}
	/* Chi squared with B - 1 degrees: mean B - 1, deviation sqrt(2B). */
	ck_assert_double_lt(fabs(a - (B - 1)), 6 * sqrt(2.0 * B));
	ck_assert_double_lt(fabs(b - (B - 1)), 6 * sqrt(2.0 * B));
}
END_TEST

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

START_TEST(short_strings_do_not_collide)
{
	enum { N = 300000 };
	uint64_t *h = malloc(N * sizeof(*h));

	ck_assert_ptr_nonnull(h);
	for (uint32_t i = 0; i < N; i++)
		h[i] = hash_bytes(&i, 3, 0) & ~(uint64_t)0xFF;
	qsort(h, N, sizeof(*h), by_value);
	for (size_t i = 1; i < N; i++)
		ck_assert(h[i] != h[i - 1]);
	free(h);
}
END_TEST

/*
 * The hash is part of file formats, so it must never change by accident: the
 * definition in hash.h, once more, in the plainest way.
 */
static uint64_t
plain_mum(uint64_t a, uint64_t b)
{
	uint64_t low = 0, high = 0;

	for (int i = 0; i < 64; i++)
		if (b >> i & 1) {
			uint64_t add = a << i;

			high += (low + add < low) + (i > 0 ? a >> (64 - i) : 0);
			low += add;
		}
	return low ^ high;
}

static uint64_t
plain_hash(const unsigned char *p, size_t n, uint64_t seed)
{
	const uint64_t K[4] = { UINT64_C(0x243f6a8885a308d3),
		UINT64_C(0x13198a2e03707345), UINT64_C(0xa4093822299f31d1),
		UINT64_C(0x082efa98ec4e6c89) };
	uint64_t s = hash_mix((seed ^ K[0]) + K[1]), w[2];

	for (size_t i = 0; i <= n / 16; i++) {
		w[0] = w[1] = 0;
		for (size_t k = 0; k < 16 && i * 16 + k < n; k++)
			w[k / 8] |= (uint64_t)p[i * 16 + k] << k % 8 * 8;
		s += plain_mum(w[0] ^ s ^ K[0], w[1] ^ K[1]);
	}
	return hash_mix(plain_mum(s ^ K[2], n ^ K[3]) ^ K[0]);
}

START_TEST(hash_is_as_defined)
{
	unsigned char text[80];
	struct rng r;

	rng_seed(&r, 3);
	for (size_t n = 0; n <= sizeof(text); n++) {
		for (size_t i = 0; i < n; i++)
			text[i] = (unsigned char)rng_u64(&r);
		ck_assert(
		    hash_bytes(text, n, n * 77) == plain_hash(text, n, n * 77));
	}
	ck_assert(hash_mum(3, 5) == 15);
	ck_assert(hash_mum(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
}
END_TEST

/* RFC 3720, appendix B.4, and the usual check value. */
START_TEST(crc_vectors)
{
	unsigned char b[32];
	static const unsigned char READ10[48] = { 0x01,
		0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18,
		[32] = 0x28, [40] = 0x02 };
	uint32_t (*const CRC[])(uint32_t, const void *, size_t) = { crc32c,
		crc32c_table, crc32c_sse42 };

	for (int k = 0; k < 2 + (crc32c_has_sse42() != 0); k++) {
		ck_assert_uint_eq(CRC[k](0, "123456789", 9), 0xE3069283);
		ck_assert_uint_eq(CRC[k](0, "", 0), 0);
		memset(b, 0, 32);
		ck_assert_uint_eq(CRC[k](0, b, 32), 0x8A9136AA);
		memset(b, 0xff, 32);
		ck_assert_uint_eq(CRC[k](0, b, 32), 0x62A8AB43);
		for (int i = 0; i < 32; i++)
			b[i] = (unsigned char)i;
		ck_assert_uint_eq(CRC[k](0, b, 32), 0x46DD794E);
		for (int i = 0; i < 32; i++)
			b[i] = (unsigned char)(31 - i);
		ck_assert_uint_eq(CRC[k](0, b, 32), 0x113FDB5C);
		ck_assert_uint_eq(CRC[k](0, READ10, 48), 0xD9963A56);
	}
}
END_TEST

START_TEST(crc_ways_agree)
{
	unsigned char b[300];
	struct rng r;

	rng_seed(&r, 4);
	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (unsigned char)rng_u64(&r);
	for (size_t from = 0; from < 9; from++)
		for (size_t n = 0; n < sizeof(b) - from; n++) {
			uint32_t c = crc32c_table(7, b + from, n);

			ck_assert_uint_eq(crc32c(7, b + from, n), c);
			ck_assert_uint_eq(crc32c(crc32c(7, b + from, n / 3),
					      b + from + n / 3, n - n / 3),
			    c);
		}
}
END_TEST

START_TEST(random_numbers)
{
	enum { N = 90000, B = 9 };
	int count[B] = { 0 };
	uint32_t p[100];
	double sum = 0, chi = 0;
	struct rng a, b;

	rng_seed(&a, 0);
	rng_seed(&b, 0);
	for (int i = 0; i < N; i++) {
		double x = rng_double(&a);

		ck_assert(x >= 0 && x < 1);
		ck_assert(x == rng_double(&b));
		sum += x;
		count[rng_below(&a, B)]++;
		rng_below(&b, B);
	}
	ck_assert_double_lt(fabs(sum / N - 0.5), 6 * sqrt(1.0 / 12 / N));
	for (int i = 0; i < B; i++)
		chi +=
		    (count[i] - N / B) * (count[i] - N / B) / (double)(N / B);
	ck_assert_double_lt(chi, B + 6 * sqrt(2.0 * B));
	for (uint32_t i = 0; i < 100; i++)
		p[i] = i;
	rng_shuffle(&a, p, 100);
	for (uint32_t i = 0, seen = 0; i < 100; i++, seen = 0) {
		for (int k = 0; k < 100; k++)
			seen += p[k] == i;
		ck_assert_uint_eq(seen, 1);
	}
	ck_assert_uint_eq(rng_below(&a, 1), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hash");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, streaming_is_the_same_on_every_cut);
	tcase_add_test(t, four_at_once);
	tcase_add_test(t, length_and_seed_count);
	tcase_add_test(t, avalanche);
	tcase_add_test(t, buckets_are_even);
	tcase_add_test(t, short_strings_do_not_collide);
	tcase_add_test(t, hash_is_as_defined);
	tcase_add_test(t, crc_vectors);
	tcase_add_test(t, crc_ways_agree);
	tcase_add_test(t, random_numbers);
	suite_add_tcase(s, t);
	return unit_main(s);
}
