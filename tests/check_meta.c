#include <zlib.h>

#include "base/error.h"
#include "base/inflate.h"
#include "image/meta.h"
#include "pictures.h"
#include "unit.h"

/* The line that meta_put makes of a file of tests/data. */
static const struct {
	const char *name, *line;
} lines[] = {
	{ "image/text.png",
	    ",\"format\":\"png\",\"width\":3,\"height\":2,\"depth\":8,"
	    "\"color\":\"rgb\",\"text\":{"
	    "\"Title\":\"A caf\xc3\xa9\\nsecond\\tone\","
	    "\"Description\":\"squeezed \xc3\xbc"
	    "ber alles\","
	    "\"Author\":\"\xd0\x9f\xd1\x91\xd1\x82\xd1\x80 \\\"P\\\" \\\\\","
	    "\"Comment\":\"\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x8e\x88\"}" },
	{ "image/exif6.jpg",
	    ",\"format\":\"jpeg\",\"width\":14,\"height\":10,\"depth\":8,"
	    "\"color\":\"rgb\",\"comment\":\"hello\",\"exif\":{"
	    "\"orientation\":6,\"description\":\"Sea\",\"make\":\"Acme\","
	    "\"model\":\"One\\\"2\",\"software\":\"vi\",\"artist\":\"Ann\","
	    "\"copyright\":\"CC0\",\"datetime\":\"2021:02:03 04:05:06\","
	    "\"lat\":-33.875,\"lon\":151.2}" },
	{ "image/cmyk.jpg",
	    ",\"format\":\"jpeg\",\"width\":30,\"height\":21,\"depth\":8,"
	    "\"color\":\"cmyk\"" },
	{ "image/pal4-trns.png",
	    ",\"format\":\"png\",\"width\":11,\"height\":9,\"depth\":4,"
	    "\"color\":\"palette\"" },
	{ "image/p5-65535.pnm",
	    ",\"format\":\"pnm\",\"width\":11,\"height\":5,\"depth\":16,"
	    "\"color\":\"grey\"" },
	{ "image/p1-1.pnm",
	    ",\"format\":\"pnm\",\"width\":11,\"height\":5,\"depth\":1,"
	    "\"color\":\"grey\"" },
};

START_TEST(files_say_this)
{
	struct bytes b = load(lines[_i].name);
	struct buf out = { 0 };
	struct error e;
	struct meta m;

	ck_assert_int_eq(meta_read(&m, b.p, b.n, &e), 0);
	ck_assert_int_eq(meta_put(&out, &m), 0);
	ck_assert_int_eq(buf_putc(&out, '\0'), 0);
	ck_assert_str_eq(out.data, lines[_i].line);
	buf_free(&out);
	meta_free(&m);
	free(b.p);
}
END_TEST

/* A cut file is refused or marked; a changed one is survived. */
START_TEST(prefixes_and_changes)
{
	struct bytes b = load(lines[_i].name);
	struct buf out = { 0 };
	struct error e;
	struct meta m;

	for (size_t n = 0; n < b.n; n++) {
		struct bytes cut = prefix(b, n);

		if (meta_read(&m, cut.p, n, &e) == 0) {
			ck_assert(m.type != IMAGE_PNG || m.damaged);
			meta_free(&m);
		}
		free(cut.p);
	}
	for (size_t i = 0; i < b.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.p[i] ^= (uint8_t)(1 << bit);
			out.len = 0;
			if (meta_read(&m, b.p, b.n, &e) == 0) {
				ck_assert_int_eq(meta_put(&out, &m), 0);
				meta_free(&m);
			}
			b.p[i] ^= (uint8_t)(1 << bit);
		}
	buf_free(&out);
	free(b.p);
}
END_TEST

START_TEST(refusals)
{
	struct bytes png = load("image/text.png");
	struct error e;
	struct meta m;

	ck_assert_int_eq(meta_read(&m, "text", 4, &e), -1);
	ck_assert_str_eq(e.text, "unknown image type");
	ck_assert_int_eq(meta_read(&m, png.p, 20, &e), -1);
	ck_assert_str_eq(e.text, "premature end of PNG file");
	png.p[17] ^= 1;
	ck_assert_int_eq(meta_read(&m, png.p, png.n, &e), -1);
	ck_assert_str_eq(e.text, "PNG: damaged header");
	ck_assert_int_eq(meta_read(&m, "\xff\xd8\xff\xd9", 4, &e), -1);
	ck_assert_str_eq(e.text, "premature end of JPEG file");
	free(png.p);
}
END_TEST

static void
put32(struct buf *b, uint32_t v)
{
	const char c[4] = { (char)(v >> 24), (char)(v >> 16), (char)(v >> 8),
		(char)v };

	ck_assert_int_eq(buf_put(b, c, 4), 0);
}

static void
put_chunk(struct buf *b, const char *tag, const void *p, size_t n)
{
	size_t at;

	put32(b, (uint32_t)n);
	at = b->len;
	ck_assert_int_eq(buf_put(b, tag, 4), 0);
	ck_assert_int_eq(buf_put(b, p, n), 0);
	put32(b, crc32_zip(0, b->data + at, n + 4));
}

/* A PNG that begins well: its header, and no pixels. */
static void
begin(struct buf *b)
{
	static const char head[13] = { 0, 0, 0, 1, 0, 0, 0, 1, 8 };

	ck_assert_int_eq(buf_put(b, "\x89PNG\r\n\x1a\n", 8), 0);
	put_chunk(b, "IHDR", head, sizeof(head));
}

/* 64 MiB behind 64 kB: left out and said so, in memory of the limit. */
START_TEST(bombs_do_not_go_off)
{
	uLong size = 64 << 20, packed = compressBound(size);
	uint8_t *zeros = calloc(size, 1), *z = malloc(packed + 3);
	struct buf b = { 0 };
	struct error e;
	struct meta m;

	ck_assert(zeros != NULL && z != NULL);
	memset(zeros, 'a', size);
	memcpy(z, "k\0\0", 3);
	ck_assert_int_eq(compress2(z + 3, &packed, zeros, size, 9), Z_OK);
	free(zeros);
	begin(&b);
	put_chunk(&b, "zTXt", z, packed + 3);
	put_chunk(&b, "tEXt", "after\0wards", 11);
	put_chunk(&b, "IEND", "", 0);
	ck_assert_int_eq(meta_read(&m, b.data, b.len, &e), 0);
	ck_assert(m.cut && !m.damaged);
	ck_assert_uint_eq(m.n, 1);
	ck_assert_uint_eq(m.bytes, 5);
	meta_free(&m);
	buf_free(&b);
	free(z);
}
END_TEST

START_TEST(many_texts_are_cut)
{
	struct buf b = { 0 };
	struct error e;
	struct meta m;

	begin(&b);
	for (int i = 0; i < 20000; i++) {
		char text[32];
		int n = snprintf(text, sizeof(text), "key%d_value", i);

		*strchr(text, '_') = '\0';
		put_chunk(&b, "tEXt", text, (size_t)n);
	}
	put_chunk(&b, "IEND", "", 0);
	ck_assert_int_eq(meta_read(&m, b.data, b.len, &e), 0);
	ck_assert_uint_eq(m.n, META_MAX_TEXTS);
	ck_assert(m.cut);
	meta_free(&m);
	buf_free(&b);
}
END_TEST

START_TEST(inflate_keeps_its_limit)
{
	uint8_t text[1000], z[200];
	uLong n = sizeof(z);
	struct buf out = { 0 };
	struct error e;

	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(compress(z, &n, text, sizeof(text)), Z_OK);
	ck_assert_int_eq(inflate_zlib(z, n, &out, 1000, &e), 0);
	ck_assert_uint_eq(out.len, 1000);
	out.len = 0;
	ck_assert_int_eq(inflate_zlib(z, n, &out, 999, &e), 1);
	ck_assert_uint_eq(out.len, 999);
	out.len = 0;
	ck_assert_int_eq(inflate_zlib(z, n, &out, 0, &e), 1);
	ck_assert_uint_eq(out.len, 0);
	for (size_t i = 0; i < n; i++) {
		out.len = 0;
		ck_assert_int_eq(inflate_zlib(z, i, &out, 2000, &e), -1);
		ck_assert_str_eq(e.text, "damaged compressed data");
	}
	buf_free(&out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("meta");
	TCase *t = tcase_create("core");
	int n = (int)(sizeof(lines) / sizeof(lines[0]));

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, files_say_this, 0, n);
	tcase_add_loop_test(t, prefixes_and_changes, 0, n);
	tcase_add_test(t, refusals);
	tcase_add_test(t, bombs_do_not_go_off);
	tcase_add_test(t, many_texts_are_cut);
	tcase_add_test(t, inflate_keeps_its_limit);
	suite_add_tcase(s, t);
	return unit_main(s);
}
