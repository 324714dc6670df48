#include <string.h>

#include "base/crc32c.h"
#include "vec/le.h"
#include "vec/stream.h"
#include "vec/stream_decode.h"

/*
 * The window holds the bytes from window_at on that have come in and are not
 * yet judged.  A block is looked for at every byte: by its tag, then by the
 * checksum of its header, then by that of its payload.  Only bytes that belong
 * to a whole block are taken away together.
 */

/* need: at least n bytes in the window: 1, 0 when the input ends before. */
static int
need(struct stream_reader *s, size_t n, struct error *e)
{
	struct buf *w = &s->window;
	struct reader *r = s->from;
	int more;

	if (w->len - s->window_at >= n)
		return 1;
	if (s->window_at > 0) {
		w->len -= s->window_at;
		memmove(w->data, w->data + s->window_at, w->len);
		s->window_at = 0;
	}
	while (w->len < n) {
		if (r->pos == r->len) {
			more = io_fill(r, e);
			if (more <= 0)
				return more;
		}
		if (buf_put(w, r->data + r->pos, r->len - r->pos) == -1)
			return error_memory(e);
		r->pos = r->len;
	}
	return 1;
}

/* sized: the bytes from ${at} on, n of them, bear their CRC-32C behind. */
static int
sized(struct stream_reader *s, size_t at, size_t n, struct error *e)
{
	const unsigned char *p;
	int rc = need(s, at + n + 4, e);

	if (rc != 1)
		return rc;
	p = (unsigned char *)s->window.data + s->window_at + at;
	return crc32c(0, p, n) == le32_get(p + n);
}

/* whole_block: a block that can be read begins here; its records are
 * appended.  1 yes, and *length is how far it goes; 0 no; -1. */
static int
whole_block(
    struct stream_reader *s, struct batch *b, size_t *length, struct error *e)
{
	const unsigned char *p = (unsigned char *)s->window.data + s->window_at;
	size_t payload = le32_get(p + 4);
	uint32_t n = le32_get(p + 24), flags = le32_get(p + 28);
	struct error why;
	int rc;

	if (memcmp(p, "BLK1", 4) != 0 || crc32c(0, p, 60) != le32_get(p + 60) ||
	    payload > VEC_MAX_PAYLOAD || n > STREAM_MAX_RECORDS || flags != 0)
		return 0;
	rc = sized(s, STREAM_FRAME, payload, e);
	if (rc != 1)
		return rc;
	s->in.len = 0;
	if (buf_put(&s->in, s->window.data + s->window_at + STREAM_FRAME,
		payload) == -1)
		return error_memory(e);
	*length = STREAM_FRAME + payload + 4;
	if (stream_decode(s, b, n, &why) == 0)
		return 1;
	if (why.memory) {
		*e = why;
		return -1;
	}
	return 0;
}

/* whole_header: the same for a header, whose parts must be equal. */
static int
whole_header(struct stream_reader *s, size_t *length, struct error *e)
{
	const unsigned char *p = (unsigned char *)s->window.data + s->window_at;
	size_t json = le32_get(p + 20);
	struct schema schema;
	int rc;

	if (memcmp(p, stream_magic, 8) != 0 ||
	    crc32c(0, p, 28) != le32_get(p + 28) || json > VEC_MAX_HEADER)
		return 0;
	*length = (STREAM_HEAD + json + 4 + STREAM_ALIGN - 1) / STREAM_ALIGN *
		  STREAM_ALIGN;
	rc = sized(s, STREAM_HEAD, *length - STREAM_HEAD - 4, e);
	if (rc != 1)
		return rc;
	p = (unsigned char *)s->window.data + s->window_at;
	if (schema_parse(&schema, (const char *)p + STREAM_HEAD, json, e) == -1)
		return -1;
	rc = schema_meets(&s->schema, &schema, e);
	schema_free(&schema);
	return rc == -1 ? -1 : 1;
}

/* whole_trailer: an end mark, which says nothing here. */
static int
whole_trailer(const struct stream_reader *s)
{
	const unsigned char *p = (unsigned char *)s->window.data + s->window_at;

	return memcmp(p, "END1", 4) == 0 &&
	       crc32c(0, p, 60) == le32_get(p + 60);
}

/* next_candidate: move to the next byte that may begin a frame, within the
 * window. */
static void
next_candidate(struct stream_reader *s, uint64_t *skipped)
{
	const char *from = s->window.data + s->window_at;
	size_t n = s->window.len - s->window_at, step = 1;

	while (step < n && from[step] != 'B' && from[step] != 'E' &&
	       from[step] != stream_magic[0])
		step++;
	s->window_at += step;
	*skipped += step;
}

int
stream_recover(struct stream_reader *s, struct batch *b, uint64_t *skipped,
    struct error *e)
{
	size_t length = 0;
	int rc;

	while ((rc = need(s, STREAM_FRAME, e)) == 1) {
		size_t before = b->n;

		rc = whole_block(s, b, &length, e);
		if (rc == 0)
			rc = whole_header(s, &length, e);
		if (rc == 0 && whole_trailer(s)) {
			length = STREAM_FRAME;
			rc = 1;
		}
		if (rc == -1)
			return -1;
		if (rc == 0) {
			next_candidate(s, skipped);
			continue;
		}
		s->window_at += length;
		if (b->n > before) {
			s->records += b->n - before;
			return 1;
		}
	}
	*skipped += s->window.len - s->window_at;
	s->window_at = s->window.len;
	return rc;
}
