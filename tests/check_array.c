#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "vec/array.h"
#include "vec/le.h"
#include "vec/zip.h"

#include "records.h"

static struct buf
data(const char *name)
{
	const char *dir = getenv("DATA");
	char path[4096];

	snprintf(path, sizeof(path), "%s/formats/%s",
	    dir != NULL ? dir : "tests/data", name);
	return slurp(path);
}

/* An npy file with this header and n zeros behind it, in exactly its size. */
static struct buf
npy(const char *header, int version, size_t n)
{
	size_t len = strlen(header) + 1, head = version == 1 ? 10 : 12;
	struct buf b = { .data = calloc(1, head + len + n),
		.len = head + len + n,
		.cap = head + len + n };

	ck_assert_ptr_nonnull(b.data);
	memcpy(b.data, "\x93NUMPY", 6);
	b.data[6] = (char)version;
	if (version == 1)
		le16_put((unsigned char *)b.data + 8, (uint16_t)len);
	else
		le32_put((unsigned char *)b.data + 8, (uint32_t)len);
	memcpy(b.data + head, header, len - 1);
	b.data[head + len - 1] = '\n';
	return b;
}

#define H(descr, order, shape)                                                 \
	"{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape   \
	", }"

static const struct {
	const char *header;
	int version;
	size_t n;
	const char *sentence; /* NULL: it is sound */
} headers[] = {
	{ H("<f4", "False", "(2, 3)"), 1, 24, NULL },
	{ H("<f4", "False", "(2, 3)"), 2, 24, NULL },
	{ H("<f4", "False", "(2, 3)"), 3, 24, NULL },
	{ H("<f4", "False", "(2, 3)"), 4, 24, "needs npy version 4.0" },
	{ "{\"shape\":(2,),\"fortran_order\":True,\"descr\":\"|u1\"}   ", 1, 2,
	    NULL },
	{ H("<f8", "False", "()"), 1, 8, NULL },
	{ H("<U3", "False", "(2,)"), 1, 24, NULL },
	{ H("<f4", "False", "(0, 3)"), 1, 0, NULL },
	{ H("<f4", "False", "(2, 3)"), 1, 23,
	    "shape demands 24 bytes of data, there are 23" },
	{ H("<f4", "False", "(2, 3)"), 1, 25,
	    "shape demands 24 bytes of data, there are 25" },
	{ H("<f4", "False", "(4294967296, 4294967296)"), 1, 0,
	    "shape overflows" },
	{ H("<f4", "False", "(99999999999999999999,)"), 1, 0,
	    "shape overflows" },
	{ H("<f4", "False", "(1,1,1,1,1,1,1,1,1)"), 1, 4,
	    "shape of more than 8 numbers" },
	{ H("<f4", "False", "(-1,)"), 1, 4, "shape holds no number" },
	{ H("<f4", "False", "(2)"), 1, 8, "shape is no tuple" },
	{ H("<f4", "False", "[2]"), 1, 8, "shape is no tuple" },
	{ H("<f4", "False", "(2,"), 1, 8, "shape holds no number" },
	{ H("<f4", "0", "(2,)"), 1, 8, "fortran_order is no truth" },
	{ H("|O", "False", "(2,)"), 1, 16,
	    "unsupported: objects, which are pickles" },
	{ H("<c8", "False", "(2,)"), 1, 16, "descr '<c8' is not supported" },
	{ H("<f3", "False", "(2,)"), 1, 6, "descr '<f3' is not supported" },
	{ H("<f1", "False", "(2,)"), 1, 2, "descr '<f1' is not supported" },
	{ H("<i9999999", "False", "(2,)"), 1, 2,
	    "descr '<i9999999' is not supported" },
	{ H("f4", "False", "(2,)"), 1, 8, "descr is no type" },
	{ "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
	    1, 8, "unsupported: a structure" },
	{ "{'descr': '<f4', 'fortran_order': False, }", 1, 4,
	    "header: no shape" },
	{ "{'descr': '<f4', 'descr': '<f4', }", 1, 4, "header: a key twice" },
	{ "{'descr': '<f4', 'x': 1, }", 1, 4, "header: unknown key" },
	{ "{'descr' '<f4'}", 1, 4, "header: no colon behind a key" },
	{ "{'descr': '<f4' 'shape'}", 1, 4, "header: no comma behind a value" },
	{ "{descr: '<f4'}", 1, 4, "header: a key is no string" },
	{ "__import__('os')", 1, 4, "header is no dictionary" },
	{ H("<f4", "False", "(2,)") " x", 1, 8,
	    "header: text behind the dictionary" },
};

START_TEST(npy_headers_have_one_grammar)
{
	struct buf b =
	    npy(headers[_i].header, headers[_i].version, headers[_i].n);
	struct error e = { 0 };
	struct array a;
	int rc = npy_read(&a, b.data, b.len, &e);

	if (headers[_i].sentence == NULL)
		ck_assert_msg(rc == 0, "%s", e.text);
	else
		ck_assert_str_eq(e.text, headers[_i].sentence);
	buf_free(&b);
}
END_TEST

START_TEST(npy_header_length_has_a_limit)
{
	struct buf b = { .data = calloc(1, 20000), .len = 20000 };
	struct error e = { 0 };
	struct array a;

	memcpy(b.data, "\x93NUMPY\2\0", 8);
	le32_put((unsigned char *)b.data + 8, NPY_MAX_HEADER + 1);
	ck_assert_int_eq(npy_read(&a, b.data, b.len, &e), -1);
	ck_assert_str_eq(e.text, "header of 10001 bytes; the limit is 10000");
	le32_put((unsigned char *)b.data + 8, UINT32_MAX);
	ck_assert_int_eq(npy_read(&a, b.data, b.len, &e), -1);
	le32_put((unsigned char *)b.data + 8, 100);
	ck_assert_int_eq(npy_read(&a, b.data, 50, &e), -1);
	ck_assert_str_eq(e.text, "header is cut short");
	free(b.data);
}
END_TEST

/* Every prefix of a file of numpy's is refused, and its own header is what we
 * write. */
START_TEST(npy_prefixes_are_refused)
{
	struct buf b = data("vectors.npy"), mine = { 0 };
	struct error e;
	struct array a;

	for (size_t n = 0; n < b.len; n++) {
		char *cut = malloc(n + 1);

		memcpy(cut, b.data, n);
		ck_assert_int_eq(npy_read(&a, cut, n, &e), -1);
		free(cut);
	}
	ck_assert_int_eq(npy_read(&a, b.data, b.len, &e), 0);
	ck_assert_int_eq(npy_header(&mine, a.kind, a.size, a.rank, a.shape), 0);
	ck_assert_uint_eq(mine.len, b.len - a.bytes);
	ck_assert_mem_eq(mine.data, b.data, mine.len);
	buf_free(&b);
	buf_free(&mine);
}
END_TEST

/* array_number and array_text of one element with these bytes. */
static void
element(enum array_kind kind, size_t size, int big, const char *bytes,
    double number, const char *text)
{
	struct array a = { .kind = kind,
		.size = size,
		.big = big,
		.rank = 0,
		.data = (const unsigned char *)bytes,
		.bytes = size };
	struct buf b = { 0 };

	if (kind <= ARRAY_FLOAT)
		ck_assert_msg(array_number(&a, 0) == number, "%s: %g", text,
		    array_number(&a, 0));
	ck_assert_int_eq(array_text(&a, 0, &b), 0);
	ck_assert_int_eq(buf_putc(&b, '\0'), 0);
	ck_assert_str_eq(b.data, text);
	buf_free(&b);
}

START_TEST(elements_are_exact)
{
	element(ARRAY_INT, 1, 0, "\x80", -128, "-128");
	element(ARRAY_INT, 2, 1, "\xff\xfe", -2, "-2");
	element(ARRAY_INT, 8, 0, "\0\0\0\0\0\0\0\x80", -9223372036854775808.0,
	    "-9223372036854775808");
	element(ARRAY_INT, 8, 0, "\xff\xff\xff\xff\xff\xff\xff\x7f",
	    9223372036854775807.0, "9223372036854775807");
	element(ARRAY_UINT, 8, 1, "\xff\xff\xff\xff\xff\xff\xff\xff",
	    18446744073709551615.0, "18446744073709551615");
	element(ARRAY_FLOAT, 2, 0, "\1\0", 1.0 / 16777216, "5.9604645e-8");
	element(ARRAY_FLOAT, 2, 0, "\xff\x7b", 65504, "65504");
	element(ARRAY_FLOAT, 2, 1, "\xbc\0", -1, "-1");
	element(ARRAY_FLOAT, 4, 0, "\xcd\xcc\xcc\x3d", (double)0.1f, "0.1");
	element(ARRAY_BYTES, 4, 0, "ab\0\0", 0, "ab");
	element(ARRAY_TEXT, 12, 0, "\xe4\0\0\0\xac\x20\0\0\0\0\0\0", 0,
	    "\xc3\xa4\xe2\x82\xac");
	element(ARRAY_TEXT, 4, 1, "\0\x11\0\0", 0, "\xef\xbf\xbd");
}
END_TEST

/* unpacks: every member of the archive comes out. */
static int
unpacks(const void *p, size_t n, struct error *e)
{
	struct buf out = { 0 };
	struct zip z;
	int rc = zip_open(&z, p, n, e);

	for (size_t i = 0; rc == 0 && i < z.n; i++)
		rc = zip_read(&z, i, &out, e);
	if (rc == 0 || z.members != NULL)
		zip_close(&z);
	buf_free(&out);
	return rc == 0;
}

START_TEST(zip_prefixes_are_refused)
{
	static const char *const names[] = { "types.npz", "named.npz" };
	struct buf b = data(names[_i]);
	struct error e = { 0 };

	ck_assert_msg(unpacks(b.data, b.len, &e), "%s", e.text);
	for (size_t n = 0; n < b.len; n++) {
		char *cut = malloc(n + 1);

		memcpy(cut, b.data, n);
		ck_assert_msg(!unpacks(cut, n, &e), "%zu", n);
		free(cut);
	}
	buf_free(&b);
}
END_TEST

/* A byte of a member changed: its checksum tells. */
START_TEST(damaged_members_are_refused)
{
	static const char *const names[] = { "types.npz", "named.npz" };
	struct buf b = data(names[_i]);
	struct error e;
	struct zip z;

	ck_assert_int_eq(zip_open(&z, b.data, b.len, &e), 0);
	for (size_t i = 0; i < z.n; i++) {
		char *at = b.data + z.members[i].at + z.members[i].packed / 2;

		*at ^= 0x10;
		ck_assert_msg(!unpacks(b.data, b.len, &e), "%zu", i);
		*at ^= 0x10;
	}
	zip_close(&z);
	buf_free(&b);
}
END_TEST

/* Members that claim to be larger than deflate could make them, or that share
 * their bytes, are refused before anything is unpacked. */
START_TEST(zip_bombs_are_refused)
{
	struct buf b = data("types.npz");
	unsigned char *p = (unsigned char *)b.data, *first = NULL, *second;
	struct error e = { 0 };
	size_t i = b.len - 22;

	for (size_t k = 0; k + 4 < i; k++)
		if (memcmp(p + k, "PK\1\2", 4) == 0) {
			first = p + k;
			break;
		}
	ck_assert_ptr_nonnull(first);
	second = first + 46 + le16_get(first + 28) + le16_get(first + 30);
	le32_put(first + 24, 0x7fffffff);
	ck_assert(!unpacks(b.data, b.len, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "impossible length"));
	le32_put(first + 24, le32_get(second + 24));
	le32_put(first + 20, le32_get(second + 20));
	le32_put(first + 42, le32_get(second + 42));
	ck_assert(!unpacks(b.data, b.len, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "overlaps another"));
	buf_free(&b);
}
END_TEST

START_TEST(zip_written_is_read)
{
	struct zip_writer z = { 0 };
	struct writer w;
	struct error e = { 0 };
	struct buf b, out = { 0 };
	struct zip r;

	ck_assert_int_eq(io_create(&w, "z", &e), 0);
	z.to = &w;
	ck_assert_int_eq(zip_put(&z, "a", "head", 4, "body", 4, &e), 0);
	ck_assert_int_eq(zip_put(&z, "\xc3\xa4", "", 0, "", 0, &e), 0);
	ck_assert_int_eq(zip_end(&z, &e), 0);
	ck_assert_int_eq(io_commit(&w, &e), 0);
	zip_free_writer(&z);
	b = slurp("z");
	ck_assert_msg(zip_open(&r, b.data, b.len, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(r.n, 2);
	ck_assert_str_eq(r.members[1].name, "\xc3\xa4");
	ck_assert_int_eq(zip_read(&r, 0, &out, &e), 0);
	ck_assert_uint_eq(out.len, 8);
	ck_assert_mem_eq(out.data, "headbody", 8);
	zip_close(&r);
	buf_free(&b);
	buf_free(&out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("array");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, npy_headers_have_one_grammar, 0,
	    (int)(sizeof(headers) / sizeof(headers[0])));
	tcase_add_test(t, npy_header_length_has_a_limit);
	tcase_add_test(t, npy_prefixes_are_refused);
	tcase_add_test(t, elements_are_exact);
	tcase_add_loop_test(t, zip_prefixes_are_refused, 0, 2);
	tcase_add_loop_test(t, damaged_members_are_refused, 0, 2);
	tcase_add_test(t, zip_bombs_are_refused);
	tcase_add_test(t, zip_written_is_read);
	suite_add_tcase(s, t);
	return unit_main(s);
}
