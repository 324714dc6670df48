#include <inttypes.h>

#include "base/error.h"
#include "base/inflate.h"
#include "base/mem.h"
#include "image/image.h"
#include "pictures.h"
#include "unit.h"

/* Every picture of tests/data/image has the pixels that Pillow found. */
START_TEST(pixels_are_those_recorded)
{
	struct bytes list = load("image/expected.tsv");
	char *at = (char *)list.p, *end = at + list.n;
	int files = 0;

	while (at < end) {
		char name[64], path[80];
		unsigned w, h, c;
		uint64_t want;
		struct image im;
		struct bytes b;
		struct error e = { 0 };
		int n = 0;

		ck_assert_int_eq(sscanf(at, "%63s %u %u %u %" SCNx64 "\n%n",
				     name, &w, &h, &c, &want, &n),
		    5);
		at = memchr(at, '\n', (size_t)(end - at));
		at++;
		snprintf(path, sizeof(path), "image/%s", name);
		b = load(path);
		ck_assert_msg(image_decode(&im, b.p, b.n, NULL, &e) == 0,
		    "%s: %s", name, e.text);
		ck_assert_msg(im.w == w && im.h == h && im.channels == (int)c &&
				  !im.damaged,
		    "%s: %u x %u x %d", name, im.w, im.h, im.channels);
		ck_assert_msg(
		    fnv(im.px, (size_t)w * h * c) == want, "%s", name);
		image_free(&im);
		free(b.p);
		files++;
	}
	ck_assert_int_gt(files, 60);
	free(list.p);
}
END_TEST

static void
refused(struct bytes b, const char *sentence)
{
	struct image im = { .w = 1 };
	struct error e = { 0 };

	ck_assert_int_eq(image_decode(&im, b.p, b.n, NULL, &e), -1);
	ck_assert_ptr_null(im.px);
	if (sentence != NULL)
		ck_assert_str_eq(e.text, sentence);
	else
		ck_assert_str_ne(e.text, "");
}

static const char *const whole[] = { "image/grey8.png", "image/pal4-trns.png",
	"image/rgba16i.png", "image/rgb8.png", "image/420.jpg",
	"image/progressive.jpg", "image/cmyk.jpg", "image/p1-1.pnm",
	"image/p2-255.pnm", "image/p4-1.pnm", "image/p6-65535.pnm",
	"image/p7-2.pam" };

/* A prefix is never taken for the picture, and never crashes. */
START_TEST(every_prefix_is_refused)
{
	struct bytes b = load(whole[_i]);
	bool text = strstr(whole[_i], "/p1") || strstr(whole[_i], "/p2");

	/* Plain text formats: the last number or white space may be cut. */
	for (size_t n = 0; n + (text ? 4 : 0) < b.n; n++) {
		struct bytes cut = prefix(b, n);

		refused(cut, NULL);
		free(cut.p);
	}
	free(b.p);
}
END_TEST

/* Kept pictures have the true size and the rows before the cut. */
START_TEST(damaged_pictures_can_be_kept)
{
	struct image_how how = { .keep = true };
	struct bytes b = load(whole[_i]);
	struct image full, im;
	struct error e;
	int kept = 0;

	ck_assert_int_eq(image_decode(&full, b.p, b.n, NULL, &e), 0);
	for (size_t n = 0; n < b.n; n++) {
		struct bytes cut = prefix(b, n);

		if (image_decode(&im, cut.p, n, &how, &e) == 0) {
			kept++;
			ck_assert_uint_eq(im.w, full.w);
			ck_assert_uint_eq(im.h, full.h);
			ck_assert(im.damaged || strstr(whole[_i], ".pnm"));
			image_free(&im);
		}
		free(cut.p);
	}
	ck_assert_int_gt(kept, 0);
	image_free(&full);
	free(b.p);
}
END_TEST

/* One byte changed anywhere: an answer, whichever, and no crash or leak. */
START_TEST(changed_bytes_are_survived)
{
	struct bytes b = load(whole[_i]);
	struct image_how how = { .keep = true, .side = 128 };

	for (size_t i = 0; i < b.n; i++)
		for (int bit = 0; bit < 8; bit += 3) {
			struct image im;
			struct error e;

			b.p[i] ^= (uint8_t)(1 << bit);
			if (image_decode(&im, b.p, b.n, &how, &e) == 0)
				image_free(&im);
			if (image_decode(&im, b.p, b.n, NULL, &e) == 0)
				image_free(&im);
			b.p[i] ^= (uint8_t)(1 << bit);
		}
	free(b.p);
}
END_TEST

START_TEST(what_is_no_picture)
{
	struct bytes text = { (uint8_t *)"hello, world\n", 13 };
	struct bytes empty = { (uint8_t *)"", 0 };

	refused(text, "unknown image type");
	refused(empty, "unknown image type");
}
END_TEST

START_TEST(sizes_are_checked_first)
{
	struct bytes b = load("image/huge.png");

	refused(b, "image dimensions exceed limit (16384)");
	free(b.p);

	/* A JPEG of a few hundred bytes that claims 65,500 x 65,500. */
	b = load("image/one.jpg");
	for (size_t i = 2; i + 9 < b.n; i++)
		if (b.p[i] == 0xff && b.p[i + 1] == 0xc0)
			memcpy(b.p + i + 5, "\xff\xdc\xff\xdc", 4);
	refused(b, "image dimensions exceed limit (16384)");
	free(b.p);

	refused((struct bytes){ (uint8_t *)"P5 16384 16384 255\n", 19 },
	    "image exceeds 67108864 pixels");
	refused((struct bytes){ (uint8_t *)"P5 0 1 255\n", 11 },
	    "image has no pixels");
	refused((struct bytes){ (uint8_t *)"P5 99999999999 1 255\n", 21 },
	    "PNM: number exceeds 10000000");
}
END_TEST

START_TEST(cut_files_say_so)
{
	struct bytes b = load("image/420.jpg");

	refused((struct bytes){ b.p, b.n / 2 }, "premature end of JPEG file");
	free(b.p);
	b = load("image/rgb8.png");
	refused((struct bytes){ b.p, b.n / 2 }, "premature end of PNG file");
	b.p[b.n - 14] ^= 1;
	refused(b, "PNG: IDAT: CRC error");
	free(b.p);
	b = load("image/p6-255.pnm");
	refused((struct bytes){ b.p, b.n / 2 }, "premature end of PNM file");
	free(b.p);
}
END_TEST

static const struct {
	const char *text, *sentence;
} pnm[] = {
	{ "P5 2 x 255\n", "PNM: a number is missing" },
	{ "P5 2 2 0\n....", "PNM: the maximum is 0" },
	{ "P5 2 2 70000\n....", "PNM: number exceeds 65535" },
	{ "P5 2 2 255_....", "PNM: no white space after the header" },
	{ "P2 2 1 9 3 10\n", "PNM: sample exceeds the maximum of 9" },
	{ "P1 2 1 1 2\n", "PNM: a bit is neither 0 nor 1" },
	{ "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 5\nMAXVAL 255\nENDHDR\n.....",
	    "PAM: depth 5 is not 1 to 4" },
	{ "P7\nCOLOUR 1\nENDHDR\n", "PAM: unknown line in header" },
	{ "P7\nWIDTH 1\nHEIGHT 1\n", "premature end of PNM file" },
};

START_TEST(bad_pnm)
{
	struct bytes b = { (uint8_t *)pnm[_i].text, strlen(pnm[_i].text) };

	refused(b, pnm[_i].sentence);
}
END_TEST

/*
 * A progressive JPEG of 8 x 8 grey pixels whose first scan, a DC scan of one
 * bit, comes ${scans} times.  Repeating it is legal.
 */
static struct bytes
many_scans(int scans)
{
	static const uint8_t head[] = { 0xff, 0xd8, 0xff, 0xc2, 0, 11, 8, 0, 8,
		0, 8, 1, 1, 0x11, 0, 0xff, 0xc4, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t scan[] = { 0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0,
		0x7f };
	struct bytes b = { malloc(200 + (size_t)scans * sizeof(scan)), 0 };

	memcpy(b.p, head, sizeof(head));
	b.n = sizeof(head);
	memcpy(b.p + b.n, "\xff\xdb\0\x43\0", 5);
	memset(b.p + b.n + 5, 1, 64);
	b.n += 69;
	for (int i = 0; i < scans; i++, b.n += sizeof(scan))
		memcpy(b.p + b.n, scan, sizeof(scan));
	memcpy(b.p + b.n, "\xff\xd9", 2);
	b.n += 2;
	return b;
}

START_TEST(scans_are_counted)
{
	struct bytes b = many_scans(5000);
	struct image im;
	struct error e = { 0 };

	refused(b, "more than 100 scans");
	free(b.p);
	b = many_scans(99);
	ck_assert_msg(image_decode(&im, b.p, b.n, NULL, &e) == 0, "%s", e.text);
	image_free(&im);
	free(b.p);
}
END_TEST

static void
put_chunk(struct buf *b, const char *tag, const void *p, size_t n)
{
	uint8_t len[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16),
		(uint8_t)(n >> 8), (uint8_t)n };
	uint8_t crc[4];
	size_t at = b->len + 4;
	uint32_t v;

	ck_assert_int_eq(buf_put(b, len, 4), 0);
	ck_assert_int_eq(buf_put(b, tag, 4), 0);
	ck_assert_int_eq(buf_put(b, p, n), 0);
	v = crc32_zip(0, b->data + at, n + 4);
	for (int i = 0; i < 4; i++)
		crc[i] = (uint8_t)(v >> (24 - 8 * i));
	ck_assert_int_eq(buf_put(b, crc, 4), 0);
}

/*
 * Between header and pixels: 200,000 texts, chunks of compressed text and
 * profile that are bombs or nonsense, a wrong gamma.  None of it matters.
 */
START_TEST(ancillary_chunks_are_passed_over)
{
	struct bytes b = load("image/rgb8.png");
	struct buf f = { 0 };
	struct image plain, full;
	struct error e;
	uint8_t junk[1000];

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (uint8_t)(i * i >> 3);
	memcpy(junk, "k\0\0", 3);
	ck_assert_int_eq(buf_put(&f, b.p, 33), 0);
	for (int i = 0; i < 200000; i++)
		put_chunk(&f, "tEXt", "Title\0x", 7);
	put_chunk(&f, "zTXt", junk, sizeof(junk));
	put_chunk(&f, "iCCP", junk, sizeof(junk));
	put_chunk(&f, "gAMA", "\0\1\2\3", 4);
	put_chunk(&f, "eXIf", junk, sizeof(junk));
	put_chunk(&f, "abCd", junk, sizeof(junk));
	ck_assert_int_eq(buf_put(&f, b.p + 33, b.n - 33), 0);
	ck_assert_int_eq(image_decode(&plain, b.p, b.n, NULL, &e), 0);
	ck_assert_msg(
	    image_decode(&full, f.data, f.len, NULL, &e) == 0, "%s", e.text);
	ck_assert_mem_eq(plain.px, full.px, (size_t)plain.w * plain.h * 3);
	image_free(&plain);
	image_free(&full);
	/* A second header is no such chunk; bytes after the end are none. */
	f.len = 33;
	ck_assert_int_eq(buf_put(&f, b.p + 8, b.n - 8), 0);
	refused((struct bytes){ (uint8_t *)f.data, f.len },
	    "PNG: IHDR: out of place");
	f.len = 0;
	ck_assert_int_eq(buf_put(&f, b.p, b.n), 0);
	ck_assert_int_eq(buf_puts(&f, "trailing bytes"), 0);
	ck_assert_int_eq(image_decode(&full, f.data, f.len, NULL, &e), 0);
	image_free(&full);
	/* No pixels at all. */
	f.len = 33;
	put_chunk(&f, "IEND", "", 0);
	refused((struct bytes){ (uint8_t *)f.data, f.len }, NULL);
	buf_free(&f);
	free(b.p);
}
END_TEST

/* A reduced picture is the box means of the full one, over the background. */
START_TEST(small_pictures_are_box_means)
{
	enum { W = 1000, H = 391, SIDE = 128, KX = 7, KY = 3 };
	static const uint8_t under[3] = { 10, 200, 255 };
	struct image_how how = { .side = SIDE, .background = { 10, 200, 255 } };
	struct bytes b = { malloc(W * H * 4 + 100), 0 };
	struct image im;
	struct error e;
	uint32_t s = 1;
	uint8_t *px;

	b.n = (size_t)sprintf((char *)b.p,
	    "P7\nWIDTH %d\nHEIGHT %d\nDEPTH 4\nMAXVAL 255\nENDHDR\n", W, H);
	px = b.p + b.n;
	for (int i = 0; i < W * H * 4; i++)
		px[i] = (uint8_t)((s = s * 1664525 + 1013904223) >> 24);
	b.n += W * H * 4;
	ck_assert_int_eq(image_decode(&im, b.p, b.n, &how, &e), 0);
	ck_assert_uint_eq(im.w, (W + KX - 1) / KX);
	ck_assert_uint_eq(im.h, (H + KY - 1) / KY);
	for (uint32_t y = 0; y < im.h; y++)
		for (uint32_t x = 0; x < im.w; x++)
			for (int c = 0; c < 4; c++) {
				double sum = 0, n = 0;
				uint8_t got =
				    im.px[(y * im.w + x) * 4 + (uint32_t)c];

				for (uint32_t j = y * KY;
				     j < y * KY + KY && j < H; j++)
					for (uint32_t i = x * KX;
					     i < x * KX + KX && i < W; i++) {
						uint8_t *p =
						    px + (j * W + i) * 4;
						double a = p[3] / 255.;

						sum += c == 3 ? p[3]
							      : p[c] * a +
								    under[c] *
									(1 - a);
						n++;
					}
				ck_assert_double_eq_tol(
				    got, sum / n, 0.5 + 1e-6);
			}
	image_free(&im);
	free(b.p);
}
END_TEST

/* Interlaced pictures take another way to the same result. */
START_TEST(small_interlaced_pictures_are_the_same)
{
	struct image_how how = { .side = 128 };
	struct bytes a = load("image/wide.png"), b = load("image/420.jpg");
	struct bytes c = load("image/rgba8.png"), d;
	struct image x, y;
	struct error e;

	ck_assert_int_eq(image_decode(&x, a.p, a.n, &how, &e), 0);
	ck_assert_uint_eq(x.w, 128);
	ck_assert_uint_eq(x.h, 1);
	image_free(&x);
	ck_assert_int_eq(image_decode(&x, b.p, b.n, &how, &e), 0);
	ck_assert_uint_eq(x.w, 31);
	image_free(&x);
	/* With alpha, even a small picture is composed. */
	ck_assert_int_eq(image_decode(&x, c.p, c.n, &how, &e), 0);
	ck_assert_int_eq(image_decode(&y, c.p, c.n, NULL, &e), 0);
	ck_assert_int_eq(x.channels, 4);
	for (uint32_t i = 0; i < x.w * x.h; i++)
		ck_assert_uint_eq(x.px[4 * i + 3], y.px[4 * i + 3]);
	image_over(&y, how.background);
	for (uint32_t i = 0; i < x.w * x.h; i++)
		ck_assert_mem_eq(x.px + 4 * i, y.px + 3 * i, 3);
	image_free(&x);
	image_free(&y);
	d = load("image/rgba8i.png");
	ck_assert_int_eq(image_decode(&x, d.p, d.n, &how, &e), 0);
	ck_assert_int_eq(image_decode(&y, d.p, d.n, NULL, &e), 0);
	image_over(&y, how.background);
	for (uint32_t i = 0; i < x.w * x.h; i++)
		ck_assert_mem_eq(x.px + 4 * i, y.px + 3 * i, 3);
	image_free(&x);
	image_free(&y);
	free(a.p);
	free(b.p);
	free(c.p);
	free(d.p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("image");
	TCase *t = tcase_create("decode");
	int n = (int)(sizeof(whole) / sizeof(whole[0]));

	tcase_set_timeout(t, 60);
	tcase_add_test(t, pixels_are_those_recorded);
	tcase_add_loop_test(t, every_prefix_is_refused, 0, n);
	tcase_add_loop_test(t, damaged_pictures_can_be_kept, 0, n);
	tcase_add_loop_test(t, changed_bytes_are_survived, 0, n);
	tcase_add_test(t, what_is_no_picture);
	tcase_add_test(t, sizes_are_checked_first);
	tcase_add_test(t, cut_files_say_so);
	tcase_add_loop_test(t, bad_pnm, 0, (int)(sizeof(pnm) / sizeof(pnm[0])));
	tcase_add_test(t, scans_are_counted);
	tcase_add_test(t, ancillary_chunks_are_passed_over);
	tcase_add_test(t, small_pictures_are_box_means);
	tcase_add_test(t, small_interlaced_pictures_are_the_same);
	suite_add_tcase(s, t);
	return unit_main(s);
}
