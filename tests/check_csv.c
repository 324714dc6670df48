#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/rng.h"
#include "unit.h"

/* Text given out in pieces of ${step} bytes. */
struct source {
	const char *s;
	size_t n, at, step;
	int fails;
};

static ptrdiff_t
give(void *ctx, void *p, size_t n, struct error *e)
{
	struct source *x = ctx;

	if (n > x->step)
		n = x->step;
	if (n > x->n - x->at)
		n = x->n - x->at;
	if (n == 0 && x->fails)
		return error_set(e, "no more");
	if (n > 0)
		memcpy(p, x->s + x->at, n);
	x->at += n;
	return (ptrdiff_t)n;
}

/* All rows as text: fields in <>, one row a line; "!LINE: why" if bad. */
static void
all_rows(enum csv_kind kind, const char *s, size_t n, size_t step, int header,
    struct buf *out)
{
	struct source x = { s, n, 0, step, 0 };
	struct error e = { 0 };
	enum csv_status r;
	struct csv c;

	out->len = 0;
	csv_init(&c, kind, give, &x);
	if (header)
		ck_assert_int_eq(csv_header(&c, &e), CSV_ROW);
	while ((r = csv_row(&c, &e)) != CSV_END) {
		ck_assert_int_ne(r, CSV_FATAL);
		if (r == CSV_BAD)
			buf_printf(out, "!%s", e.text);
		for (size_t i = 0; r == CSV_ROW && i < c.row.n; i++) {
			struct str f = strs_get(&c.row, i);

			buf_putc(out, '<');
			buf_put(out, f.s, f.len);
			buf_putc(out, '>');
		}
		buf_putc(out, '\n');
	}
	/* The end stays the end. */
	ck_assert_int_eq(csv_row(&c, &e), CSV_END);
	buf_putc(out, '\0');
	csv_free(&c);
}

static const struct {
	enum csv_kind kind;
	const char *in, *out;
} T[] = {
	{ CSV_COMMA, "", "" },
	{ CSV_COMMA, "a,b\nc,d\n", "<a><b>\n<c><d>\n" },
	{ CSV_COMMA, "a,b\r\nc,d", "<a><b>\n<c><d>\n" },
	{ CSV_COMMA,
	    "\xef\xbb\xbf"
	    "a,b\n",
	    "<a><b>\n" },
	{ CSV_COMMA, "\xef\xbb\xbf", "" },
	{ CSV_COMMA, "\xef\xbb\xbf\"a\"\n", "<a>\n" },
	{ CSV_COMMA, "\xef\xbb", "<\xef\xbb>\n" },
	{ CSV_COMMA, ",\n,,\n", "<><>\n<><><>\n" },
	{ CSV_COMMA, "a\n\nb\n", "<a>\n<>\n<b>\n" },
	{ CSV_COMMA, "\"a,b\",\"c\nd\",\"e\"\"f\"\n", "<a,b><c\nd><e\"f>\n" },
	{ CSV_COMMA, "\"\",\"\"\"\"\r\n\"a\"\r\n", "<><\">\n<a>\n" },
	{ CSV_COMMA, "\"a\r\nb\"\r\nc\n", "<a\r\nb>\n<c>\n" },
	{ CSV_COMMA, "a\rb\nc\r", "<a\rb>\n<c\r>\n" },
	{ CSV_COMMA, "a, b ,\tc\n", "<a>< b ><\tc>\n" },
	{ CSV_COMMA, "a\\n,\xff\n", "<a\\n><\xff>\n" },
	{ CSV_COMMA, "a,b\"c\nd\n",
	    "!line 1: quote within a field that has none around it\n<d>\n" },
	{ CSV_COMMA, "x\n\"a\"b,c\nd\n",
	    "<x>\n!line 2: text after a closing quote\n<d>\n" },
	{ CSV_COMMA, "x\n\"a\nb\nc\n",
	    "<x>\n!line 2: quote not closed\n<b>\n<c>\n" },
	{ CSV_COMMA, "\"a\nb\n\"c\nd\n",
	    "!line 1: text after a closing quote\n<b>\n"
	    "!line 3: quote not closed\n<d>\n" },
	{ CSV_COMMA, "\"a\"\r", "!line 1: text after a closing quote\n" },
	{ CSV_COMMA, "\"a\nb\",1\nx\"\n",
	    "<a\nb><1>\n"
	    "!line 3: quote within a field that has none around it\n" },
	{ CSV_TAB, "a\tb\nc\t\n", "<a><b>\n<c><>\n" },
	{ CSV_TAB, "a\\tb\\nc\\\\d\\re\r\n", "<a\tb\nc\\d\re>\n" },
	{ CSV_TAB, "C:\\x\\", "<C:\\x\\>\n" },
	{ CSV_TAB, "\"a\",b\n", "<\"a\",b>\n" },
};

/* However the text is cut into reads. */
START_TEST(rows)
{
	struct buf b = { 0 };

	for (size_t step = 1; step < 9; step++) {
		all_rows(T[_i].kind, T[_i].in, strlen(T[_i].in), step, 0, &b);
		ck_assert_str_eq(b.data, T[_i].out);
	}
	buf_free(&b);
}
END_TEST

START_TEST(header_decides_the_number_of_fields)
{
	static const char S[] = "id,text\n1,a\n\n2\n3,b,c\n\"4\",d\n";
	static const char ONE[] = "text\na\n\nb\n";
	struct buf b = { 0 };

	all_rows(CSV_COMMA, S, sizeof(S) - 1, 3, 1, &b);
	ck_assert_str_eq(b.data,
	    "<1><a>\n!line 4: row of 1, header of 2 fields\n"
	    "!line 5: row of 3, header of 2 fields\n"
	    "<4><d>\n");
	all_rows(CSV_COMMA, ONE, sizeof(ONE) - 1, 3, 1, &b);
	ck_assert_str_eq(b.data, "<a>\n<>\n<b>\n");
	buf_free(&b);
}
END_TEST

START_TEST(columns_have_names)
{
	struct source x = { "a,\"b\nc\",d\n1,2,3\n", 16, 0, 5, 0 };
	struct source twice = { "a,b,a\n", 6, 0, 99, 0 };
	struct error e;
	struct csv c;

	csv_init(&c, CSV_COMMA, give, &x);
	ck_assert_int_eq(csv_header(&c, &e), CSV_ROW);
	ck_assert_int_eq(csv_column(&c, "b\nc"), 1);
	ck_assert_int_eq(csv_column(&c, "d"), 2);
	ck_assert_int_eq(csv_column(&c, "D"), -1);
	ck_assert_int_eq(csv_row(&c, &e), CSV_ROW);
	ck_assert_uint_eq(c.line, 3);
	csv_free(&c);
	csv_init(&c, CSV_COMMA, give, &twice);
	ck_assert_int_eq(csv_header(&c, &e), CSV_BAD);
	ck_assert_str_eq(e.text, "line 1: two columns are called 'a'");
	csv_free(&c);
	x = (struct source){ "", 0, 0, 1, 0 };
	csv_init(&c, CSV_COMMA, give, &x);
	ck_assert_int_eq(csv_header(&c, &e), CSV_END);
	csv_free(&c);
}
END_TEST

START_TEST(a_failing_source_is_fatal)
{
	struct source x = { "a,b\nc", 5, 0, 5, 1 };
	struct error e;
	struct csv c;

	csv_init(&c, CSV_COMMA, give, &x);
	ck_assert_int_eq(csv_row(&c, &e), CSV_ROW);
	ck_assert_int_eq(csv_row(&c, &e), CSV_FATAL);
	ck_assert_str_eq(e.text, "no more");
	csv_free(&c);
}
END_TEST

/* A row beyond the limit is lost; memory stays bounded; the next is fine. */
START_TEST(rows_are_limited)
{
	size_t n = (size_t)CSV_ROW_MAX * 3;
	char *s = malloc(n + 64);
	struct source x = { s, 0, 0, 1 << 16, 0 };
	struct error e;
	struct csv c;

	memcpy(s, "ok\n\"", 4);
	memset(s + 4, 'x', n);
	memcpy(s + 4 + n, "\nnext,\"y\"\n", 10);
	x.n = 4 + n + 10;
	csv_init(&c, CSV_COMMA, give, &x);
	ck_assert_int_eq(csv_row(&c, &e), CSV_ROW);
	ck_assert_int_eq(csv_row(&c, &e), CSV_BAD);
	ck_assert_str_eq(e.text, "line 2: row longer than 16 MiB");
	ck_assert_int_eq(csv_row(&c, &e), CSV_ROW);
	ck_assert_uint_eq(c.line, 3);
	ck_assert_uint_eq(c.row.n, 2);
	ck_assert_uint_le(c.in.cap, 4 * (size_t)CSV_ROW_MAX);
	csv_free(&c);
	memset(s, ',', n);
	x = (struct source){ s, CSV_ROW_MAX, 0, 1 << 16, 0 };
	csv_init(&c, CSV_COMMA, give, &x);
	ck_assert_int_eq(csv_row(&c, &e), CSV_BAD);
	ck_assert_str_eq(e.text, "line 1: more than 1048576 fields");
	csv_free(&c);
	free(s);
}
END_TEST

START_TEST(written_fields_read_back)
{
	static const char CHARS[] = "ab,\"\n\r\t\\n\xc3\0 ";
	struct rng r;

	rng_seed(&r, 1);
	for (int i = 0; i < 2000; i++) {
		enum csv_kind kind = i % 2 ? CSV_TAB : CSV_COMMA;
		struct strs want = { 0 };
		struct buf b = { 0 };
		struct source x;
		struct error e;
		struct csv c;
		size_t n = 2 + rng_below(&r, 4);

		for (size_t k = 0; k < n; k++) {
			char f[8];
			size_t len = rng_below(&r, sizeof(f));

			for (size_t m = 0; m < len; m++)
				f[m] = CHARS[rng_below(&r, sizeof(CHARS) - 1)];
			strs_add(&want, f, len);
			if (k > 0)
				buf_putc(&b, kind == CSV_TAB ? '\t' : ',');
			csv_put_field(&b, kind, f, len);
		}
		buf_puts(&b, i % 3 ? "\n" : "\r\n");
		x = (struct source){ b.data, b.len, 0, 1 + (size_t)i % 7, 0 };
		csv_init(&c, kind, give, &x);
		ck_assert_int_eq(csv_row(&c, &e), CSV_ROW);
		ck_assert_uint_eq(c.row.n, n);
		for (size_t k = 0; k < n; k++)
			ck_assert(
			    str_eq(strs_get(&c.row, k), strs_get(&want, k)));
		ck_assert_int_eq(csv_row(&c, &e), CSV_END);
		csv_free(&c);
		strs_free(&want);
		buf_free(&b);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("csv");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, rows, 0, sizeof(T) / sizeof(T[0]));
	tcase_add_test(t, header_decides_the_number_of_fields);
	tcase_add_test(t, columns_have_names);
	tcase_add_test(t, a_failing_source_is_fatal);
	tcase_add_test(t, rows_are_limited);
	tcase_add_test(t, written_fields_read_back);
	suite_add_tcase(s, t);
	return unit_main(s);
}
