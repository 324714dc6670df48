#include "vec/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/io.h"
#include "base/json.h"

enum { LINE_MAX_BYTES = 16 << 20, LOOK = IO_BUFFER };

struct manifest {
	struct reader in;
	int is_json;
	const char *const *fields; /* [n] */
	size_t n;
	struct manifest_value *value; /* [n] */
	int *seen;                    /* [n] some row has this field */
	uint64_t line, rows;
	int (*waits)(void *arg, struct error *e);
	void *arg;

	/* JSON */
	struct buf text;
	struct json j, v;       /* the row, and one value in it */
	struct str *path, *raw; /* [n] */

	/* CSV and TSV */
	struct csv csv;
	size_t *column; /* [n] */
};

static int
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

/* What the table is: JSON, or *kind of CSV.  -1 when it cannot be read. */
static int
recognise(
    struct manifest *m, const char *path, enum csv_kind *kind, struct error *e)
{
	static const char bom[] = "\xef\xbb\xbf";
	const char *s, *end;
	int more = 1;

	/* The first line will do; a live pipe may not have more yet. */
	while (more == 1 && m->in.len < LOOK &&
	       (m->in.len == 0 || memchr(m->in.data, '\n', m->in.len) == NULL))
		more = io_fill(&m->in, e);
	if (more == -1)
		return -1;
	if (m->in.len >= 3 && memcmp(m->in.data, bom, 3) == 0)
		m->in.pos = 3;
	*kind = ends_with(path, ".tsv") ? CSV_TAB : CSV_COMMA;
	if (ends_with(path, ".csv") || ends_with(path, ".tsv"))
		return 0;
	m->is_json = 1;
	if (ends_with(path, ".jsonl") || ends_with(path, ".ndjson") ||
	    ends_with(path, ".json"))
		return 0;
	s = m->in.data + m->in.pos;
	end = m->in.data + m->in.len;
	while (s < end && (*s == ' ' || *s == '\n' || *s == '\r'))
		s++;
	if (s == end || *s == '{' || *s == '[')
		return 0;
	m->is_json = 0;
	for (; s < end && *s != '\n'; s++)
		if (*s == '\t')
			*kind = CSV_TAB;
	return 0;
}

/* What csv.c reads with. */
static ptrdiff_t
give(void *ctx, void *p, size_t n, struct error *e)
{
	struct manifest *m = ctx;
	struct reader *in = &m->in;

	if (in->pos == in->len) {
		int more;

		if (m->waits != NULL && io_would_block(in) &&
		    m->waits(m->arg, e) == -1)
			return -1;
		more = io_fill(in, e);
		if (more <= 0)
			return more;
	}
	if (n > in->len - in->pos)
		n = in->len - in->pos;
	memcpy(p, in->data + in->pos, n);
	in->pos += n;
	return (ptrdiff_t)n;
}

static int
start_table(struct manifest *m, enum csv_kind kind, struct error *e)
{
	csv_init(&m->csv, kind, give, m);
	switch (csv_header(&m->csv, e)) {
	case CSV_END:
		error_set(e, "no header line");
		return io_place(&m->in, e);
	case CSV_BAD:
		return io_place(&m->in, e);
	case CSV_FATAL:
		return -1;
	case CSV_ROW:
		break;
	}
	for (size_t f = 0; f < m->n; f++) {
		ptrdiff_t c = csv_column(&m->csv, m->fields[f]);

		if (c == -1) {
			error_set(e, "no column '%s'", m->fields[f]);
			return io_place(&m->in, e);
		}
		m->column[f] = (size_t)c;
	}
	return 0;
}

struct manifest *
manifest_open(const char *path, const char *const *fields, size_t n,
    int (*waits)(void *arg, struct error *e), void *arg, struct error *e)
{
	struct manifest *m = mem_array(1, sizeof(*m));
	enum csv_kind kind;

	if (m == NULL) {
		error_memory(e);
		return NULL;
	}
	m->in.fd = -1;
	m->fields = fields;
	m->n = n;
	m->waits = waits;
	m->arg = arg;
	m->value = mem_array(n, sizeof(*m->value));
	m->seen = mem_array(n, sizeof(*m->seen));
	m->path = mem_array(n, sizeof(*m->path));
	m->raw = mem_array(n, sizeof(*m->raw));
	m->column = mem_array(n, sizeof(*m->column));
	if (m->value == NULL || m->seen == NULL || m->path == NULL ||
	    m->raw == NULL || m->column == NULL) {
		error_memory(e);
		goto fail;
	}
	for (size_t f = 0; f < n; f++)
		m->path[f] = (struct str){ fields[f], strlen(fields[f]) };
	if (io_open(&m->in, path, e) == -1 ||
	    recognise(m, path, &kind, e) == -1 ||
	    (!m->is_json && start_table(m, kind, e) == -1))
		goto fail;
	return m;
fail:
	manifest_close(m);
	return NULL;
}

void
manifest_close(struct manifest *m)
{
	if (m == NULL)
		return;
	if (m->value != NULL)
		for (size_t f = 0; f < m->n; f++)
			strs_free(&m->value[f].text);
	csv_free(&m->csv);
	json_free(&m->j);
	json_free(&m->v);
	buf_free(&m->text);
	free(m->value);
	free(m->seen);
	free(m->path);
	free(m->raw);
	free(m->column);
	io_close(&m->in);
	free(m);
}

uint64_t
manifest_line(const struct manifest *m)
{
	return m->line;
}

const struct manifest_value *
manifest_field(const struct manifest *m, size_t f)
{
	return &m->value[f];
}

int
manifest_place(const struct manifest *m, struct error *e)
{
	error_at(e, "line %llu", (unsigned long long)m->line);
	return io_place(&m->in, e);
}

/* ---- JSON Lines ---- */

/* Append one value to ${v}; arrays only at depth 0. */
static int
take_value(struct json *j, struct manifest_value *v, int depth)
{
	struct str s = { NULL, 0 };

	switch (json_peek(j)) {
	case JSON_STRING:
		if (json_str(j, &s) == -1)
			return -1;
		break;
	case JSON_NUMBER:
	case JSON_TRUE:
	case JSON_FALSE:
		if (json_raw(j, &s) == -1)
			return -1;
		break;
	case JSON_ARRAY:
		if (depth > 0)
			break;
		if (json_array(j) == -1)
			return -1;
		while (json_array_next(j) == 1)
			if (take_value(j, v, depth + 1) == -1)
				return -1;
		return 0;
	case JSON_NULL:
		return json_null(j);
	case JSON_OBJECT:
	case JSON_BAD:
		break;
	}
	if (s.s == NULL) {
		v->odd = 1;
		return json_skip(j);
	}
	return s.len > 0 ? strs_add(&v->text, s.s, s.len) : 0;
}

static int
take_object(struct manifest *m, struct error *e)
{
	json_init(&m->j, m->text.data, m->text.len);
	if (json_peek(&m->j) == JSON_ARRAY)
		return error_set(
		    e, "a JSON array (one object a line is needed)");
	json_find_paths(&m->j, m->path, m->n, m->raw);
	if (json_end(&m->j) == -1)
		return json_error(&m->j, e);
	for (size_t f = 0; f < m->n; f++) {
		struct manifest_value *v = &m->value[f];

		strs_clear(&v->text);
		v->odd = 0;
		v->lone = 0;
		if (m->raw[f].s == NULL)
			continue;
		m->seen[f] = 1;
		json_init(&m->v, m->raw[f].s, m->raw[f].len);
		if (take_value(&m->v, v, 0) == -1)
			return error_memory(e);
		v->lone = m->v.lone;
	}
	m->rows++;
	return 0;
}

static int
is_blank(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] != ' ' && b->data[i] != '\t')
			return 0;
	return 1;
}

static enum manifest_status
next_object(struct manifest *m, struct error *e)
{
	int rc;

	do {
		if (m->waits != NULL && io_line_would_block(&m->in) &&
		    m->waits(m->arg, e) == -1)
			return MANIFEST_FATAL;
		rc = io_read_line(&m->in, &m->text, LINE_MAX_BYTES, NULL, e);
		if (rc == -1)
			return MANIFEST_FATAL;
		if (rc == 0)
			return MANIFEST_END;
		m->line++;
	} while (rc == 1 && is_blank(&m->text));
	if (rc == 2)
		error_set(e, "line longer than 16 MiB");
	else if (take_object(m, e) == 0)
		return MANIFEST_ROW;
	else if (e->memory)
		return MANIFEST_FATAL;
	return MANIFEST_BAD;
}

/* ---- CSV and TSV ---- */

static enum manifest_status
next_row(struct manifest *m, struct error *e)
{
	enum csv_status rc = csv_row(&m->csv, e);

	m->line = m->csv.line;
	if (rc == CSV_FATAL)
		return MANIFEST_FATAL;
	if (rc == CSV_BAD) {
		io_place(&m->in, e);
		return MANIFEST_BAD;
	}
	if (rc == CSV_END)
		return MANIFEST_END;
	for (size_t f = 0; f < m->n; f++) {
		struct strs *text = &m->value[f].text;
		struct str s = strs_get(&m->csv.row, m->column[f]);

		m->seen[f] = 1;
		strs_clear(text);
		if (s.len > 0 && strs_add(text, s.s, s.len) == -1) {
			error_memory(e);
			return MANIFEST_FATAL;
		}
	}
	m->rows++;
	return MANIFEST_ROW;
}

enum manifest_status
manifest_next(struct manifest *m, struct error *e)
{
	enum manifest_status rc;

	if (!m->is_json)
		rc = next_row(m, e);
	else if ((rc = next_object(m, e)) == MANIFEST_BAD)
		manifest_place(m, e);
	return rc;
}

int
manifest_lacks(const struct manifest *m, size_t f, struct error *e)
{
	if (m->seen[f] || m->rows == 0)
		return 0;
	error_set(e, "no line has a field '%s'", m->fields[f]);
	io_place(&m->in, e);
	return 1;
}
