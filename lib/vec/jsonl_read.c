#include <stdlib.h>
#include <string.h>

#include "vec/jsonl_private.h"

/* ---- lines ---- */

/* next_line: the next line in s->text: 1; 0 at the end; 2 longer than the
 * limit; -1. */
static int
next_line(struct jsonl_reader *s, struct error *e)
{
	int rc;

	s->whole = 1;
	if (s->ahead_at < s->ahead.len) {
		const char *from = s->ahead.data + s->ahead_at;
		size_t n = s->ahead.len - s->ahead_at;
		const char *lf = memchr(from, '\n', n);

		s->whole = lf != NULL;
		if (lf != NULL)
			n = (size_t)(lf - from);
		s->text.len = 0;
		if (buf_put(&s->text, from, n) == -1)
			return error_memory(e);
		s->ahead_at += n + (lf != NULL);
		rc = 1;
		if (s->ahead_at == s->ahead.len) {
			buf_free(&s->ahead);
			s->ahead_at = 0;
		}
	} else {
		rc = io_read_line(
		    s->from, &s->text, JSONL_MAX_LINE, &s->whole, e);
	}
	if (rc <= 0)
		return rc;
	hash_update(&s->hash, s->text.data, s->text.len);
	hash_update(&s->hash, "\n", 1);
	if (s->line++ == 0 && s->text.len >= 3 &&
	    memcmp(s->text.data, "\xef\xbb\xbf", 3) == 0) {
		s->text.len -= 3;
		memmove(s->text.data, s->text.data + 3, s->text.len);
	}
	return rc;
}

static int
is_blank(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (memchr(" \t\r", b->data[i], 3) == NULL)
			return 0;
	return 1;
}

/* at_line: put the number of the line at hand before the sentence. */
static int
at_line(const struct jsonl_reader *s, struct error *e)
{
	return error_at(e, "line %llu", (unsigned long long)s->line);
}

/* begins_with: the text is an object whose first key is this: 1, 0, or -1
 * when memory is out. */
static int
begins_with(struct jsonl_reader *s, const char *key, struct error *e)
{
	struct str k;
	int rc;

	json_init(&s->j, s->text.data, s->text.len);
	json_object(&s->j);
	rc = json_object_next(&s->j, &k) > 0 && str_is(k, key);
	return json_starved(&s->j) ? error_memory(e) : rc;
}

/* read_ahead: lines into s->ahead until their parts are known. */
static int
read_ahead(struct jsonl_reader *s, const struct schema *like, struct error *e)
{
	struct jsonl_shapes k = { 0 };
	struct buf line = { 0 };
	int rc, whole = 1;

	/* The line that jsonl_open has looked at comes first. */
	if (buf_put(&line, s->text.data, s->text.len) == -1)
		goto memory;
	whole = s->whole;
	for (;;) {
		if (buf_put(&s->ahead, line.data, line.len) == -1 ||
		    (whole && buf_putc(&s->ahead, '\n') == -1) ||
		    jsonl_shapes_add(&k, &s->j, line.data, line.len) == -1)
			goto memory;
		if ((k.names.n > 0 && k.unknown == 0) ||
		    s->ahead.len >= JSONL_AHEAD)
			break;
		rc = io_read_line(s->from, &line, JSONL_MAX_LINE, &whole, e);
		if (rc == -1)
			goto out;
		if (rc == 0)
			break;
	}
	rc = jsonl_shapes_schema(&s->schema, &k, like, e);
	if (rc == 0 && !k.seen)
		rc = error_set(e, "no record with \"vec\" in it");
	goto out;
memory:
	rc = error_memory(e);
out:
	buf_free(&line);
	jsonl_shapes_free(&k);
	return rc;
}

/* take_header: a frame's first line, of which the key "vecpipe" was read. */
static int
take_header(struct jsonl_reader *s, struct error *e)
{
	int64_t version;

	if (json_integer(&s->j, 0, INT64_MAX, &version) == -1)
		return json_error(&s->j, e);
	if (version != JSONL_VERSION)
		return error_set(e,
		    "needs version %lld of the JSON Lines form, this is %d",
		    (long long)version, JSONL_VERSION);
	return schema_parse(&s->schema, s->text.data, s->text.len, e);
}

int
jsonl_open(struct jsonl_reader *s, struct reader *from, uint64_t line,
    const struct schema *like, struct error *e)
{
	int rc;

	*s = (struct jsonl_reader){ .from = from, .line = line };
	hash_init(&s->hash, 0);
	do {
		rc = next_line(s, e);
		if (rc <= 0)
			return rc;
	} while (is_blank(&s->text));
	if (rc == 2) {
		error_set(e, "longer than %d bytes", JSONL_MAX_LINE);
		return at_line(s, e);
	}
	s->framed = begins_with(s, "vecpipe", e);
	if (s->framed == -1)
		return -1;
	if (s->framed) {
		if (take_header(s, e) == -1)
			return at_line(s, e);
		return 1;
	}
	/* It will be read, and counted, once more. */
	s->line--;
	hash_init(&s->hash, 0);
	return read_ahead(s, like, e) == -1 ? -1 : 1;
}

void
jsonl_free(struct jsonl_reader *s)
{
	schema_free(&s->schema);
	buf_free(&s->ahead);
	buf_free(&s->text);
	json_free(&s->j);
	json_free(&s->late);
	free(s->index);
	free(s->value);
	free(s->time);
	*s = (struct jsonl_reader){ 0 };
}

/* ---- records ---- */

/* spoil: the last record keeps its id; each part carries the sentence. */
static int
spoil(struct batch *b, const struct error *why, struct error *e)
{
	struct str id = strs_get(&b->id, b->n - 1);
	char *copy = mem_strndup(id.s, id.len);
	int rc;

	if (copy == NULL)
		return error_memory(e);
	batch_cut(b, b->n - 1);
	rc = batch_add(b, copy, id.len, e);
	free(copy);
	for (size_t p = 0; rc == 0 && p < b->schema->n; p++)
		rc = batch_error(b, p, why->text, e);
	return rc;
}

static int
reject(struct jsonl_reader *s, const struct error *why)
{
	if (s->rejected++ == 0)
		s->bad = *why;
	return 0;
}

/* ---- the frame's end ---- */

static int
take_end(struct jsonl_reader *s, struct error *e)
{
	int64_t records = -1, rejected = 0;
	struct buf tool = { 0 };
	struct json *j = &s->j;
	struct str key, text;
	int status = -1, rc = -1;

	json_init(j, s->text.data, s->text.len);
	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (str_is(key, "records"))
			json_integer(j, 0, INT64_MAX, &records);
		else if (str_is(key, "rejected"))
			json_integer(j, 0, INT64_MAX, &rejected);
		else if (str_is(key, "tool"))
			json_string(j, &tool);
		else if (str_is(key, "status") && json_str(j, &text) == 0) {
			for (int k = 0; k < 3; k++)
				if (str_is(text, jsonl_status[k]))
					status = k;
		} else if (!str_is(key, "status"))
			json_skip(j);
	}
	if (json_end(j) == -1)
		json_error(j, e);
	else if (status == STREAM_ABORTED)
		error_set(e, "upstream failed: %.*s", (int)tool.len,
		    tool.len > 0 ? tool.data : "");
	else if (status == -1 || (uint64_t)records != s->records)
		error_set(e, "end line after %llu records says %lld",
		    (unsigned long long)s->records, (long long)records);
	else {
		s->status = (enum stream_status)status;
		s->rejected += (uint64_t)rejected;
		rc = 0;
	}
	buf_free(&tool);
	return rc;
}

/* next_record: one line.  1 when it made a record or was rejected, 0 at the
 * end, -1. */
static int
next_record(struct jsonl_reader *s, struct batch *b, struct error *e)
{
	size_t before = b->n;
	struct error why = { 0 };
	int rc = next_line(s, e);

	if (rc == 0 && s->framed)
		return error_set(e,
		    "stream truncated after %llu record%s (no end line)",
		    (unsigned long long)s->records, s->records == 1 ? "" : "s");
	if (rc <= 0)
		return rc;
	if (rc == 2) {
		error_set(&why, "longer than %d bytes", JSONL_MAX_LINE);
		at_line(s, &why);
		if (!s->framed)
			return reject(s, &why) == 0;
		*e = why;
		return -1;
	}
	if (is_blank(&s->text))
		return 1;
	rc = s->framed ? begins_with(s, "end", e) : 0;
	if (rc != 0)
		return rc == 1 ? take_end(s, e) : -1;
	rc = jsonl_take_record(s, b, &why);
	if (rc == 0) {
		s->records++;
		return 1;
	}
	if (rc == -1 || s->framed || !s->whole) {
		batch_cut(b, before);
		*e = why;
		return s->whole ? -1 : error_at(e, "the last line is cut off");
	}
	/* Where no part is known, none can carry the sentence. */
	if (rc == 2 || b->schema->n == 0) {
		batch_cut(b, before);
		return reject(s, &why) == 0;
	}
	s->records++;
	return spoil(b, &why, e) == -1 ? -1 : 1;
}

int
jsonl_next(struct jsonl_reader *s, struct batch *b, struct error *e)
{
	size_t before = b->n, n = 0, bytes = 0;
	int rc;

	if (s->failed)
		goto fail;
	while (!s->over && n < STREAM_RECORDS && bytes < STREAM_BYTES) {
		if (n > 0 && s->ahead_at == s->ahead.len &&
		    io_line_would_block(s->from))
			break;
		rc = next_record(s, b, &s->why);
		if (rc == -1) {
			/* The good records first, then what was wrong. */
			batch_cut(b, before + n);
			s->failed = 1;
			if (n > 0)
				return 1;
			goto fail;
		}
		s->over = rc == 0;
		if (b->n > before + n) {
			n = b->n - before;
			bytes += batch_size(b, b->n - 1);
		}
	}
	return n > 0 || !s->over;
fail:
	if (e != NULL)
		*e = s->why;
	return -1;
}
