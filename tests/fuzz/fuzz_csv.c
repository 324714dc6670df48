#include "base/csv.h"
#include "fuzz.h"

struct source {
	const unsigned char *data;
	size_t n, at, step;
};

static ptrdiff_t
give(void *ctx, void *p, size_t n, struct error *e)
{
	struct source *x = ctx;

	(void)e;
	if (n > x->step)
		n = x->step;
	if (n > x->n - x->at)
		n = x->n - x->at;
	if (n > 0)
		memcpy(p, x->data + x->at, n);
	x->at += n;
	return (ptrdiff_t)n;
}

/* All rows, written again. */
static void
read_all(const unsigned char *data, size_t n, enum csv_kind kind, size_t step,
    struct buf *out)
{
	struct source x = { data, n, 0, step };
	enum csv_status r;
	struct error e;
	struct csv c;

	csv_init(&c, kind, give, &x);
	while ((r = csv_row(&c, &e)) != CSV_END) {
		FUZZ_MUST(r == CSV_ROW || r == CSV_BAD);
		for (size_t i = 0; r == CSV_ROW && i < c.row.n; i++) {
			struct str f = strs_get(&c.row, i);

			if (i > 0)
				buf_putc(out, kind == CSV_TAB ? '\t' : ',');
			csv_put_field(out, kind, f.s, f.len);
		}
		if (r == CSV_ROW)
			buf_putc(out, '\n');
	}
	csv_free(&c);
}

/* However it is cut, the rows are the same, and they read back when written. */
static void
fuzz_one(const unsigned char *data, size_t n)
{
	for (int kind = CSV_COMMA; kind <= CSV_TAB; kind++) {
		struct buf a = { 0 }, b = { 0 };

		read_all(data, n, (enum csv_kind)kind, n + 1, &a);
		read_all(data, n, (enum csv_kind)kind, 3, &b);
		FUZZ_MUST(a.len == b.len);
		FUZZ_MUST(a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
		/* Only at the very start is a mark no text. */
		if (a.len < 3 || memcmp(a.data, "\xEF\xBB\xBF", 3) != 0) {
			b.len = 0;
			read_all((unsigned char *)a.data, a.len,
			    (enum csv_kind)kind, 5, &b);
			FUZZ_MUST(a.len == b.len);
			FUZZ_MUST(
			    a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
		}
		buf_free(&a);
		buf_free(&b);
	}
}
