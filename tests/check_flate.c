#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/flate.h"
#include "unit.h"

enum { N = 150000 };

/* Kinds of data: noise, none, words, and repeats of every short period. */
static void
make(uint8_t *p, int kind)
{
	static const uint8_t words[] = "abracadabra, hocus pocus";
	uint32_t s = 7;

	for (int i = 0; i < N; i++) {
		s = s * 1664525 + 1013904223;
		if (kind == 0)
			p[i] = (uint8_t)(s >> 24);
		else if (kind == 1)
			p[i] = 0;
		else if (kind == 2)
			p[i] = words[s >> 27 & 15];
		else if (kind == 3)
			p[i] = (uint8_t)(s >> 16 & 255 & (s >> 24));
		else
			p[i] =
			    i % 5000 < kind ? (uint8_t)(s >> 24) : p[i - kind];
	}
}

static uint8_t *
squeeze(const uint8_t *p, size_t n, int level, int strategy, uLong *len)
{
	z_stream z = { 0 };
	uint8_t *out;

	ck_assert_int_eq(
	    deflateInit2(&z, level, Z_DEFLATED, 15, 8, strategy), Z_OK);
	*len = deflateBound(&z, (uLong)n);
	out = calloc(*len + FLATE_PAD, 1);
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)*len;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	*len = z.total_out;
	memset(out + *len, 0x55, FLATE_PAD);
	deflateEnd(&z);
	return out;
}

/* 1 when the data holds exactly p: [n], taken in pieces of ${piece}. */
static int
holds(struct flate *f, const uint8_t *z, size_t len, const uint8_t *p, size_t n,
    size_t piece)
{
	flate_init(f, z, len);
	while (n > 0) {
		size_t k = n < piece ? n : piece;
		const uint8_t *got = flate_take(f, k);

		if (got == NULL || memcmp(got, p, k) != 0)
			return 0;
		p += k;
		n -= k;
	}
	return flate_done(f);
}

START_TEST(what_zlib_packs)
{
	static const size_t pieces[] = { 65536, 1, 777, 32768, 40001 };
	static const int strategies[] = { Z_DEFAULT_STRATEGY, Z_FILTERED,
		Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED };
	struct flate *f = malloc(sizeof(*f));
	uint8_t *p = malloc(N);

	make(p, _i);
	for (int k = 0; k < 5; k++)
		for (int level = 0; level < 10; level += 3) {
			uLong len;
			uint8_t *z = squeeze(p, N, level, strategies[k], &len);

			ck_assert(holds(f, z, len, p, N, pieces[k]));
			/* One byte too many or too few is no. */
			ck_assert(!holds(f, z, len + 1, p, N, 65536));
			ck_assert(!holds(f, z, len - 1, p, N, 65536));
			ck_assert(!holds(f, z, len, p, N - 1, 65536));
			free(z);
		}
	free(p);
	free(f);
}
END_TEST

/* Nothing at all, too, is data. */
START_TEST(empty)
{
	struct flate *f = malloc(sizeof(*f));
	uLong len;
	uint8_t *z = squeeze((const uint8_t *)"", 0, 6, 0, &len);

	flate_init(f, z, len);
	ck_assert_int_eq(flate_done(f), 1);
	flate_init(f, z, len);
	ck_assert_ptr_null(flate_take(f, 1));
	ck_assert_ptr_null(flate_take(f, FLATE_MAX + 1));
	free(z);
	free(f);
}
END_TEST

/* What is accepted after any change, zlib accepts, with the same bytes. */
START_TEST(changes_and_prefixes)
{
	enum { M = 2000 };
	struct flate *f = malloc(sizeof(*f));
	uint8_t *p = malloc(N), out[M];
	uint8_t *z;
	uLong len, n;

	make(p, _i);
	z = squeeze(p, M, 9, _i == 2 ? Z_FIXED : 0, &len);
	for (uLong i = 0; i < len; i++) {
		uint8_t *cut = malloc(i + FLATE_PAD);

		memcpy(cut, z, i);
		memset(cut + i, 0xff, FLATE_PAD);
		ck_assert(!holds(f, cut, i, p, M, M));
		free(cut);
	}
	for (uLong i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			z[i] ^= (uint8_t)(1 << bit);
			if (holds(f, z, len, p, M, M)) {
				n = M;
				ck_assert_int_eq(
				    uncompress(out, &n, z, len), Z_OK);
				ck_assert_mem_eq(out, p, M);
			}
			z[i] ^= (uint8_t)(1 << bit);
		}
	free(z);
	free(p);
	free(f);
}
END_TEST

START_TEST(adler_is_zlibs)
{
	uint8_t *p = malloc(N);

	for (int kind = 0; kind < 4; kind++) {
		uint32_t sum = 1;

		make(p, kind);
		if (kind == 1)
			memset(p, 255, N);
		for (size_t at = 0, n = 1; at + n < N; at += n, n += 13) {
			uLong was = sum;

			sum = flate_adler(sum, p + at, n);
			ck_assert_uint_eq(sum, adler32(was, p + at, (uInt)n));
		}
		ck_assert_uint_eq(flate_adler(1, p, N), adler32(1, p, N));
	}
	free(p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("flate");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, what_zlib_packs, 0, 24);
	tcase_add_test(t, empty);
	tcase_add_loop_test(t, changes_and_prefixes, 0, 8);
	tcase_add_test(t, adler_is_zlibs);
	suite_add_tcase(s, t);
	return unit_main(s);
}
