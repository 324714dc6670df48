#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "vec/le.h"
#include "vec/stream.h"
#include "vec/stream_decode.h"

/* ---- frames ---- */

static int
truncated(const struct stream_reader *s, struct error *e)
{
	return error_set(e,
	    "stream truncated after %llu record%s (no end mark)",
	    (unsigned long long)s->records, s->records == 1 ? "" : "s");
}

/* take: n more bytes of the stream to p; the input must not end before. */
static int
take(struct stream_reader *s, void *p, size_t n, struct error *e)
{
	int rc = io_read(s->from, p, n, e);

	if (rc == 1)
		return 0;
	return rc == 0 || s->from->eof ? truncated(s, e) : -1;
}

/* take_sized: n bytes and their CRC-32C to s->in, a little at a time: a
 * length that lies costs no more memory than the bytes that came. */
static int
take_sized(struct stream_reader *s, size_t n, struct error *e)
{
	unsigned char crc[4];
	size_t step;

	s->in.len = 0;
	for (size_t done = 0; done < n; done += step) {
		step = n - done < IO_BUFFER ? n - done : IO_BUFFER;
		if (buf_reserve(&s->in, step) == -1)
			return error_memory(e);
		if (take(s, s->in.data + done, step, e) == -1)
			return -1;
		s->in.len += step;
	}
	if (take(s, crc, 4, e) == -1)
		return -1;
	hash_update(&s->hash, s->in.data, n);
	hash_update(&s->hash, crc, 4);
	if (crc32c(0, s->in.data, n) != le32_get(crc))
		return error_set(e, "checksum mismatch");
	return 0;
}

/* check_head: the first STREAM_HEAD bytes.  The checksum comes before the
 * flags, so that damage is never taken for a newer version. */
static int
check_head(const unsigned char *head, struct error *e)
{
	uint32_t flags;

	if (memcmp(head, stream_magic, 8) != 0)
		return error_set(e, "not a vecpipe stream");
	if (crc32c(0, head, 28) != le32_get(head + 28))
		return error_set(e, "header: checksum mismatch");
	if (le16_get(head + 8) != STREAM_VERSION)
		return error_set(e,
		    "needs version %u of the stream, this is %d",
		    le16_get(head + 8), STREAM_VERSION);
	flags = le32_get(head + 12);
	if (flags != 0)
		return error_set(e,
		    "needs feature %d, which this version lacks",
		    __builtin_ctz(flags));
	if (le32_get(head + 20) > VEC_MAX_HEADER)
		return error_set(e, "header of %lu bytes; the limit is %d",
		    (unsigned long)le32_get(head + 20), VEC_MAX_HEADER);
	if (le32_get(head + 24) != 0)
		return error_set(e, "header: reserved bytes are not zero");
	return 0;
}

int
stream_open(struct stream_reader *s, struct reader *from, struct error *e)
{
	unsigned char head[STREAM_HEAD];
	size_t json, whole;
	int rc;

	*s = (struct stream_reader){ .from = from };
	hash_init(&s->hash, 0);
	rc = io_read(from, head, sizeof(head), e);
	if (rc == 0)
		return 0;
	if (rc == -1)
		return from->eof ? truncated(s, e) : -1;
	hash_update(&s->hash, head, sizeof(head));
	if (check_head(head, e) == -1)
		return -1;
	json = le32_get(head + 20);
	whole = (STREAM_HEAD + json + 4 + STREAM_ALIGN - 1) / STREAM_ALIGN *
		    STREAM_ALIGN -
		STREAM_HEAD - 4;
	if (take_sized(s, whole, e) == -1)
		return error_at(e, "header");
	if (!stream_all_zero((unsigned char *)s->in.data + json, whole - json))
		return error_set(e, "header: padding is not zero");
	if (schema_parse(&s->schema, s->in.data, json, e) == -1)
		return -1;
	s->slots = mem_array(stream_slots(&s->schema), sizeof(*s->slots));
	return s->slots != NULL ? 1 : error_memory(e);
}

void
stream_free_reader(struct stream_reader *s)
{
	schema_free(&s->schema);
	buf_free(&s->in);
	buf_free(&s->window);
	free(s->slots);
	s->slots = NULL;
}

/* ---- blocks ---- */

/* in_block: name the block that was read last. */
static int
in_block(const struct stream_reader *s, struct error *e)
{
	return error_at(e, "block %llu", (unsigned long long)s->seq - 1);
}

struct head {
	size_t payload;
	uint64_t first, row;
	uint32_t n, flags;
};

static int
trailer(struct stream_reader *s, const unsigned char *p, struct error *e)
{
	uint32_t status = le32_get(p + 4);

	s->sum = hash_final(&s->hash);
	memcpy(s->tool, p + 40, STREAM_TOOL);
	if (le64_get(p + 16) != s->records || le64_get(p + 8) != s->seq)
		return error_set(e, "end mark after %llu records says %llu",
		    (unsigned long long)s->records,
		    (unsigned long long)le64_get(p + 16));
	if (le64_get(p + 32) != s->sum)
		return error_set(e, "stream hash mismatch");
	s->rejected = le64_get(p + 24);
	if (status == STREAM_ABORTED)
		return error_set(e, "upstream failed: %s", s->tool);
	if (status > STREAM_ABORTED)
		return error_set(e, "end mark with unknown status %lu",
		    (unsigned long)status);
	s->status = (enum stream_status)status;
	return 0;
}

/*
 * next_head: the header of the next block that this version knows, in *h: 1.
 * At a good trailer 0.  Unknown blocks that may be skipped are.
 */
static int
next_head(struct stream_reader *s, struct head *h, struct error *e)
{
	unsigned char p[STREAM_FRAME];

	for (;;) {
		if (take(s, p, sizeof(p), e) == -1)
			return -1;
		if (crc32c(0, p, 60) != le32_get(p + 60))
			return error_set(e, "block %llu: checksum mismatch",
			    (unsigned long long)s->seq);
		if (memcmp(p, "END1", 4) == 0)
			return trailer(s, p, e);
		if (memcmp(p, "BLK1", 4) != 0 && (p[0] < 'a' || p[0] > 'z'))
			return error_set(e,
			    "needs block %02x%02x%02x%02x, "
			    "which this version lacks",
			    p[0], p[1], p[2], p[3]);
		h->payload = le32_get(p + 4);
		h->first = le64_get(p + 16);
		h->n = le32_get(p + 24);
		h->flags = le32_get(p + 28);
		h->row = le64_get(p + 32);
		if (le64_get(p + 8) != s->seq)
			return error_set(e,
			    "sequence gap: block %llu after %llu blocks",
			    (unsigned long long)le64_get(p + 8),
			    (unsigned long long)s->seq);
		if (h->payload > VEC_MAX_PAYLOAD ||
		    h->payload % STREAM_ALIGN != STREAM_ALIGN - 4)
			return error_set(e,
			    "block %llu: bad payload length %zu",
			    (unsigned long long)s->seq, h->payload);
		hash_update(&s->hash, p, sizeof(p));
		s->seq++;
		if (take_sized(s, h->payload, e) == -1)
			return s->from->eof ? -1 : in_block(s, e);
		if (p[0] == 'B')
			break;
	}
	if (h->first != s->records)
		return error_set(e,
		    "sequence gap: record %llu after %llu records",
		    (unsigned long long)h->first,
		    (unsigned long long)s->records);
	if (h->n > STREAM_MAX_RECORDS || (h->flags & ~3u) != 0 ||
	    (h->flags != 0 && h->n != 1) || !stream_all_zero(p + 40, 20)) {
		error_set(e, "bad header");
		return in_block(s, e);
	}
	return 1;
}

/* next_pieces: the rest of a record that goes on over several blocks. */
static int
next_pieces(
    struct stream_reader *s, struct batch *b, struct head *h, struct error *e)
{
	uint64_t rows = 0, bytes = h->payload;
	size_t first;
	int rc;

	for (size_t p = 0; p < s->schema.n; p++)
		if (s->schema.parts[p].kind == PART_SEQUENCE)
			rows += batch_range(b->parts[p].end, b->n - 1, &first);
	while (h->flags & STREAM_GOES_ON) {
		rc = next_head(s, h, e);
		if (rc == 0)
			return error_set(e, "the last record lacks its end");
		if (rc == -1)
			return -1;
		bytes += h->payload;
		if ((h->flags & STREAM_CONTINUES) == 0 || h->row != rows)
			return error_set(e, "sequence gap inside a record");
		if (bytes > VEC_MAX_RECORD)
			return error_set(e, "record of more than %d MiB",
			    VEC_MAX_RECORD >> 20);
		if (stream_decode_more(s, b, &rows, e) == -1)
			return in_block(s, e);
	}
	return 0;
}

int
stream_next(struct stream_reader *s, struct batch *b, struct error *e)
{
	size_t before = b->n;
	struct head h;
	int rc = next_head(s, &h, e);

	if (rc != 1)
		return rc;
	if (h.flags & STREAM_CONTINUES)
		return error_set(e, "sequence gap inside a record");
	if (stream_decode(s, b, h.n, e) == -1)
		return in_block(s, e);
	if (next_pieces(s, b, &h, e) == -1) {
		batch_cut(b, before);
		return -1;
	}
	s->records += h.n;
	return 1;
}
