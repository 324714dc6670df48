#include <inttypes.h>

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

START_TEST(bytes_are_pillows)
{
	struct bytes list = load("resize.tsv");
	char *at = (char *)list.p, *end = at + list.n;
	int i = 0;

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
	ck_assert_int_ge(i, 140);
	free(list.p);
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

	tcase_add_test(t, bytes_are_pillows);
	tcase_add_test(t, sizes_have_limits);
	suite_add_tcase(s, t);
	return unit_main(s);
}
