#include <stdlib.h>
#include <string.h>

#include "base/csv.h"

/* What a look at the text of a row can say. */
enum look {
	LOOK_ROW,
	LOOK_MORE, /* the text ends before the row does */
	LOOK_BAD,  /* with the reason in the error */
	LOOK_MEMORY
};

void
csv_init(struct csv *c, enum csv_kind kind, csv_read_fn *read, void *ctx)
{
	*c = (struct csv){
		.read = read, .ctx = ctx, .kind = kind, .next_line = 1
	};
}

void
csv_free(struct csv *c)
{
	strs_free(&c->header);
	strs_free(&c->row);
	buf_free(&c->in);
}

/*
 * Read more behind the text that waits, as much again as is there, so that
 * looking at a row from its start each time costs no more than twice.
 */
static int
refill(struct csv *c, struct error *e)
{
	size_t left = c->in.len - c->from, want = left;
	ptrdiff_t got;

	if (want < 1 << 16)
		want = 1 << 16;
	if (c->from > 0 && left > 0)
		memmove(c->in.data, c->in.data + c->from, left);
	c->in.len = left;
	c->from = 0;
	if (buf_reserve(&c->in, want) < 0)
		return error_memory(e);
	got = c->read(c->ctx, c->in.data + left, want, e);
	if (got < 0)
		return -1;
	c->at_end = got == 0;
	c->in.len += (size_t)got;
	return 0;
}

/* Close the field whose bytes stand at the end of the row's. */
static enum look
end_field(struct csv *c, struct error *e)
{
	if (c->row.n == CSV_FIELDS_MAX) {
		error_set(e, "more than %d fields", CSV_FIELDS_MAX);
		return LOOK_BAD;
	}
	return strs_add(&c->row, "", 0) < 0 ? LOOK_MEMORY : LOOK_ROW;
}

static enum look
bad(struct error *e, const char *why)
{
	error_set(e, "%s", why);
	return LOOK_BAD;
}

/* Take the quoted field at *at, up to the byte behind its closing quote. */
static enum look
quoted_field(struct csv *c, size_t *at, struct error *e)
{
	const char *s = c->in.data;
	size_t i = *at + 1, n = c->in.len;

	for (;;) {
		const char *q = memchr(s + i, '"', n - i);
		size_t to = q != NULL ? (size_t)(q - s) : n;
		int doubled = to + 1 < n && s[to + 1] == '"';

		if (q == NULL)
			return c->at_end ? bad(e, "quote not closed")
					 : LOOK_MORE;
		/* Of a doubled quote the first one stays. */
		if (buf_put(&c->row.bytes, s + i, to - i + (size_t)doubled) < 0)
			return LOOK_MEMORY;
		i = to + 1 + (size_t)doubled;
		if (!doubled)
			break;
	}
	*at = i;
	if (i < n && s[i] == '\r') {
		if (i + 1 == n && !c->at_end)
			return LOOK_MORE;
		if (i + 1 < n && s[i + 1] == '\n')
			*at = ++i;
	}
	if (i == n)
		return c->at_end ? LOOK_ROW : LOOK_MORE;
	if (s[i] != ',' && s[i] != '\n')
		return bad(e, "text after a closing quote");
	return LOOK_ROW;
}

/* Take the field at *at up to the comma or line end behind it. */
static enum look
plain_field(struct csv *c, size_t *at, struct error *e)
{
	const char *s = c->in.data;
	size_t i = *at, n = c->in.len, to;

	while (i < n && s[i] != ',' && s[i] != '\n' && s[i] != '"')
		i++;
	if (i == n && !c->at_end)
		return LOOK_MORE;
	if (i < n && s[i] == '"')
		return bad(e, "quote within a field that has none around it");
	to = i < n && s[i] == '\n' && i > *at && s[i - 1] == '\r' ? i - 1 : i;
	if (buf_put(&c->row.bytes, s + *at, to - *at) < 0)
		return LOOK_MEMORY;
	*at = i;
	return LOOK_ROW;
}

/* Take the field at *at of a TSV row, its escapes resolved. */
static enum look
tab_field(struct csv *c, size_t *at)
{
	static const char NAMES[] = "tnr\\", MEANS[] = "\t\n\r\\";
	const char *s = c->in.data, *means;
	size_t i = *at, n = c->in.len, to;

	while (i < n && s[i] != '\t' && s[i] != '\n')
		i++;
	if (i == n && !c->at_end)
		return LOOK_MORE;
	to = i < n && s[i] == '\n' && i > *at && s[i - 1] == '\r' ? i - 1 : i;
	for (size_t k = *at, end; k < to; k = end) {
		const char *slash = memchr(s + k, '\\', to - k);

		end = slash != NULL ? (size_t)(slash - s) : to;
		if (buf_put(&c->row.bytes, s + k, end - k) < 0)
			return LOOK_MEMORY;
		if (slash == NULL)
			break;
		means = end + 1 < to && s[end + 1] != '\0'
			    ? strchr(NAMES, s[end + 1])
			    : NULL;
		if (buf_putc(&c->row.bytes,
			means != NULL ? MEANS[means - NAMES] : '\\') < 0)
			return LOOK_MEMORY;
		end += means != NULL ? 2 : 1;
	}
	*at = i;
	return LOOK_ROW;
}

/* Look at the row that begins at c->from; if it is whole, take it. */
static enum look
look(struct csv *c, struct error *e)
{
	size_t at = c->from;
	enum look r;

	strs_clear(&c->row);
	for (;;) {
		if (c->kind == CSV_TAB)
			r = tab_field(c, &at);
		else if (at < c->in.len && c->in.data[at] == '"')
			r = quoted_field(c, &at, e);
		else
			r = plain_field(c, &at, e);
		if (r == LOOK_ROW)
			r = end_field(c, e);
		if (r != LOOK_ROW)
			return r;
		if (at == c->in.len || c->in.data[at] == '\n')
			break;
		at++;
	}
	for (size_t i = c->from; i < at; i++)
		c->next_line += c->in.data[i] == '\n';
	c->next_line++;
	c->from = at + (at < c->in.len);
	return LOOK_ROW;
}

/* Go to the line after the one at c->from, which may be of any length. */
static int
skip_line(struct csv *c, struct error *e)
{
	c->next_line++;
	for (;;) {
		size_t left = c->in.len - c->from;
		const char *s = c->in.data + c->from;
		const char *end = memchr(s, '\n', left);

		if (end != NULL) {
			c->from += (size_t)(end - s) + 1;
			return 0;
		}
		c->from = c->in.len;
		if (c->at_end)
			return 0;
		if (refill(c, e) < 0)
			return -1;
	}
}

static int
start(struct csv *c, struct error *e)
{
	while (c->in.len < 3 && !c->at_end)
		if (refill(c, e) < 0)
			return -1;
	if (c->in.len >= 3 && memcmp(c->in.data, "\xEF\xBB\xBF", 3) == 0)
		c->from = 3;
	c->started = 1;
	return 0;
}

/* The next row, however many fields it has; errors without their place. */
static enum csv_status
any_row(struct csv *c, struct error *e)
{
	if (!c->started && start(c, e) < 0)
		return CSV_FATAL;
	c->line = c->next_line;
	while (c->from < c->in.len || !c->at_end) {
		enum look r = LOOK_MORE;

		if (c->from < c->in.len)
			r = look(c, e);
		if (r == LOOK_ROW)
			return CSV_ROW;
		if (r == LOOK_MEMORY) {
			error_memory(e);
			return CSV_FATAL;
		}
		if (r == LOOK_MORE && c->in.len - c->from > CSV_ROW_MAX)
			r = bad(e, "row longer than 16 MiB");
		if (r == LOOK_BAD)
			return skip_line(c, e) < 0 ? CSV_FATAL : CSV_BAD;
		if (refill(c, e) < 0)
			return CSV_FATAL;
	}
	return CSV_END;
}

static enum csv_status
placed(const struct csv *c, enum csv_status r, struct error *e)
{
	if (r == CSV_BAD)
		error_at(e, "line %llu", (unsigned long long)c->line);
	return r;
}

enum csv_status
csv_row(struct csv *c, struct error *e)
{
	enum csv_status r;

	do
		r = any_row(c, e);
	while (r == CSV_ROW && c->header.n > 1 && c->row.n == 1 &&
	       c->row.bytes.len == 0);
	if (r == CSV_ROW && c->header.n > 0 && c->row.n != c->header.n) {
		error_set(e, "row of %zu, header of %zu fields", c->row.n,
		    c->header.n);
		r = CSV_BAD;
	}
	return placed(c, r, e);
}

static int
by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum csv_status
check_names(const struct csv *c, struct error *e)
{
	size_t n = c->row.n;
	struct str *names = mem_array(n, sizeof(*names));
	enum csv_status r = CSV_ROW;

	if (names == NULL) {
		error_memory(e);
		return CSV_FATAL;
	}
	for (size_t i = 0; i < n; i++)
		names[i] = strs_get(&c->row, i);
	qsort(names, n, sizeof(*names), by_bytes);
	for (size_t i = 1; i < n && r == CSV_ROW; i++)
		if (str_eq(names[i - 1], names[i])) {
			error_set(e, "two columns are called '%.*s'",
			    names[i].len < 80 ? (int)names[i].len : 80,
			    names[i].len > 0 ? names[i].s : "");
			r = CSV_BAD;
		}
	free(names);
	return r;
}

enum csv_status
csv_header(struct csv *c, struct error *e)
{
	enum csv_status r = any_row(c, e);
	struct strs none = { 0 };

	if (r == CSV_ROW)
		r = check_names(c, e);
	if (r == CSV_ROW) {
		c->header = c->row;
		c->row = none;
	}
	return placed(c, r, e);
}

ptrdiff_t
csv_column(const struct csv *c, const char *name)
{
	struct str want = { name, strlen(name) };

	for (size_t i = 0; i < c->header.n; i++)
		if (str_eq(strs_get(&c->header, i), want))
			return (ptrdiff_t)i;
	return -1;
}

static int
put_quoted(struct buf *b, const char *s, size_t n)
{
	if (buf_putc(b, '"') < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if ((s[i] == '"' && buf_putc(b, '"') < 0) ||
		    buf_putc(b, s[i]) < 0)
			return -1;
	return buf_putc(b, '"');
}

static int
put_escaped(struct buf *b, const char *s, size_t n)
{
	static const char MEANS[] = "\t\n\r\\", NAMES[] = "tnr\\";

	for (size_t i = 0; i < n; i++) {
		const char *at = s[i] != '\0' ? strchr(MEANS, s[i]) : NULL;

		if (at != NULL && buf_putc(b, '\\') < 0)
			return -1;
		if (buf_putc(b, at != NULL ? NAMES[at - MEANS] : s[i]) < 0)
			return -1;
	}
	return 0;
}

int
csv_put_field(struct buf *b, enum csv_kind kind, const char *s, size_t n)
{
	if (kind == CSV_TAB)
		return put_escaped(b, s, n);
	for (size_t i = 0; i < n; i++)
		if (s[i] == ',' || s[i] == '"' || s[i] == '\n' || s[i] == '\r')
			return put_quoted(b, s, n);
	return buf_put(b, s, n);
}
