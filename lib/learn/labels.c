#include "learn/labels.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "vec/batch.h"

/* What the table reader calls: bytes of the open file as they come. */
static ptrdiff_t
read_some(void *ctx, void *p, size_t n, struct error *e)
{
	struct reader *in = ctx;
	size_t have = in->len - in->pos;

	if (have == 0) {
		if (io_fill(in, e) < 0)
			return -1;
		have = in->len - in->pos;
	}
	if (have > n)
		have = n;
	if (have > 0)
		memcpy(p, in->data + in->pos, have);
	in->pos += have;
	return (ptrdiff_t)have;
}

static int
add_row(struct labels *l, const struct csv *c, struct error *e)
{
	struct str id = strs_get(&c->row, 0);
	size_t n = l->id.names.n, from = l->label.n;
	uint32_t number;
	int rc;

	if (c->row.n == 1 && id.len == 0)
		return 0;
	if (id.len == 0)
		return error_set(
		    e, "line %" PRIu64 ": the id is empty", c->line);
	if (mem_grow(&l->end, &l->cap, n + 1, sizeof(*l->end)) < 0)
		return error_memory(e);
	rc = intern_add(&l->id, id.s, id.len, &number);
	if (rc < 0)
		return error_memory(e);
	if (rc == 0)
		return error_set(e, "line %" PRIu64 ": id '%.*s' came before",
		    c->line, (int)id.len, id.s);
	for (size_t i = 1; i < c->row.n; i++) {
		struct str s = strs_get(&c->row, i);

		if (batch_check_string("label", s.s, s.len, e) < 0)
			return error_at(e, "line %" PRIu64, c->line);
		if (s.len > 0 && strs_add(&l->label, s.s, s.len) < 0)
			return error_memory(e);
	}
	l->end[n] = l->label.n;
	if (l->label.n - from > l->most)
		l->most = l->label.n - from;
	return 0;
}

int
labels_parse(struct labels *l, struct reader *in, int header, struct error *e)
{
	enum csv_status status;
	struct csv c;
	int rc = 0;

	csv_init(&c, CSV_TAB, read_some, in);
	if (header && (status = csv_row(&c, e)) < 0)
		rc = -1;
	while (rc == 0 && (status = csv_row(&c, e)) != CSV_END)
		rc = status == CSV_ROW ? add_row(l, &c, e) : -1;
	csv_free(&c);
	if (rc < 0)
		error_at(e, "'%s'", in->name);
	return rc;
}

int
labels_read(struct labels *l, const char *path, int header, struct error *e)
{
	struct reader in = { 0 };
	int rc;

	if (io_open(&in, path, e) < 0)
		return -1;
	rc = labels_parse(l, &in, header, e);
	io_close(&in);
	return rc;
}

int64_t
labels_of(const struct labels *l, struct str id, size_t *first)
{
	int64_t i = intern_find(&l->id, id.s, id.len);

	if (i < 0)
		return -1;
	*first = i > 0 ? l->end[i - 1] : 0;
	return (int64_t)(l->end[i] - *first);
}

void
labels_free(struct labels *l)
{
	intern_free(&l->id);
	strs_free(&l->label);
	free(l->end);
	memset(l, 0, sizeof(*l));
}
