#include <inttypes.h>

#include "base/cpu.h"
#include "base/error.h"
#include "image/resize.h"
#include "pictures.h"
#include "unit.h"

/* The generator of tools/record-resize.py. */
static void
fill(struct image *im, int hard)
{
	size_t n = (size_t)im->w * im->h * (size_t)im->channels;
	uint64_t s = 1;

	for (size_t i = 0; i < n; i++) {
		uint8_t v;

		s = s * 6364136223846793005 + 1442695040888963407;
		v = (uint8_t)(s >> 56);
		im->px[i] = hard ? (v > 127 ? 255 : 0) : v;
	}
}

/* The kernels of every instruction set that this machine has. */
static const char *const sets[] = { "portable", "avx2", "avx512" };

static void
use_set(int i)
{
	ck_assert_int_eq(setenv("VECPIPE_ISA", sets[i], 1), 0);
}

START_TEST(bytes_are_pillows)
{
	struct bytes list = load("resize.tsv");
	char *at = (char *)list.p, *end = at + list.n;
	int i = 0;

	use_set(_i);
	for (; at < end; i++) {
		unsigned w, h, W, H, c, f;
		uint64_t want;
		struct image in, out;
		struct error e;

		ck_assert_int_eq(sscanf(at, "%u %u %u %u %u %u %" SCNx64, &w,
				     &h, &W, &H, &c, &f, &want),
		    7);
		at = memchr(at, '\n', (size_t)(end - at));
		at++;
		ck_assert_int_eq(image_alloc(&in, w, h, (int)c, &e), 0);
		fill(&in, i % 2);
		ck_assert_int_eq(
		    resize(&out, &in, W, H, (enum resize_filter)f, &e), 0);
		ck_assert_msg(
		    fnv(out.px, (size_t)W * H * c) == want, "line %d", i + 1);
		image_free(&in);
		image_free(&out);
	}
	ck_assert_int_eq(i, 216);
	free(list.p);
}
END_TEST

/* A part is what the whole has there, whichever axis goes first. */
START_TEST(parts_are_of_the_whole)
{
	static const uint32_t shapes[][4] = { { 90, 70, 41, 33 },
		{ 40, 200, 37, 20 }, { 17, 13, 60, 51 }, { 64, 9, 9, 64 } };

	use_set(_i);
	for (int i = 0; i < 4 * 3 * 6; i++) {
		const uint32_t *d = shapes[i / 18];
		enum resize_filter f = (enum resize_filter)(i % 6);
		int c = (const int[]){ 1, 3, 4 }[i / 6 % 3];
		struct resize_part p = { d[2] / 5, d[3] / 3, d[2] / 2,
			d[3] / 2 };
		size_t line = p.w * (size_t)c;
		struct image in, all, some;
		struct error e;

		ck_assert_int_eq(image_alloc(&in, d[0], d[1], c, &e), 0);
		fill(&in, i % 2);
		ck_assert_int_eq(resize(&all, &in, d[2], d[3], f, &e), 0);
		ck_assert_int_eq(
		    resize_part(&some, &in, d[2], d[3], p, f, &e), 0);
		ck_assert_uint_eq(some.w, p.w);
		ck_assert_uint_eq(some.h, p.h);
		for (uint32_t y = 0; y < p.h; y++)
			ck_assert_mem_eq(some.px + y * line,
			    all.px + ((y + p.y) * d[2] + p.x) * (size_t)c,
			    line);
		p.x = d[2] - p.w + 1;
		image_free(&some);
		ck_assert_int_eq(
		    resize_part(&some, &in, d[2], d[3], p, f, &e), -1);
		image_free(&in);
		image_free(&all);
	}
}
END_TEST

START_TEST(sizes_have_limits)
{
	struct image in, out;
	struct error e;

	ck_assert_int_eq(image_alloc(&in, 2, 2, 1, &e), 0);
	ck_assert_int_eq(resize(&out, &in, 0, 2, RESIZE_BOX, &e), -1);
	ck_assert_str_eq(e.text, "image has no pixels");
	ck_assert_int_eq(resize(&out, &in, 2, 99999, RESIZE_BOX, &e), -1);
	ck_assert_str_eq(e.text, "image dimensions exceed limit (16384)");
	ck_assert_ptr_null(out.px);
	image_free(&in);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("resize");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, bytes_are_pillows, 0, (int)cpu_isa() + 1);
	tcase_add_loop_test(t, parts_are_of_the_whole, 0, (int)cpu_isa() + 1);
	tcase_add_test(t, sizes_have_limits);
	suite_add_tcase(s, t);
	return unit_main(s);
}
