#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/io.h"
#include "base/rng.h"
#include "unit.h"
#include "vec/input.h"
#include "vec/le.h"
#include "vec/output.h"
#include "vec/stream.h"

#include "records.h"
#include "seal.h"

/* ---- round trips ---- */

START_TEST(records_survive_both_forms)
{
	static const enum vec_format forms[] = { FORMAT_VP, FORMAT_JSONL,
		FORMAT_JSONL_FRAMED };
	struct schema s;
	struct batch b, back;
	struct error e = { 0 };
	enum vec_format form = forms[_i % 3];

	make_schema(&s);
	make_batch(&b, &s, (size_t)(40 + 1000 * (_i / 3)), 7);
	write_file("x", form, &b);
	read_file("x", &back, &e);
	ck_assert_str_eq(e.text, "");
	assert_same_batch(&b, &back);
	if (form != FORMAT_JSONL)
		ck_assert_int_eq(schema_meets(&s, back.schema, &e), 0);
	free_read(&back);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

START_TEST(same_records_make_the_same_bytes)
{
	struct schema s;
	struct batch b;
	struct error e;
	struct output *o;
	struct buf x, y;

	make_schema(&s);
	make_batch(&b, &s, 3000, 11);
	write_file("x", FORMAT_VP, &b);
	o = output_open("y", FORMAT_VP, &s, &e);
	ck_assert_ptr_nonnull(o);
	for (size_t i = 0; i < b.n; i++)
		ck_assert_int_eq(output_put(o, &b, i, &e), 0);
	ck_assert_int_eq(output_close(o, &e), 0);
	x = slurp("x");
	y = slurp("y");
	ck_assert_uint_eq(x.len, y.len);
	ck_assert_mem_eq(x.data, y.data, x.len);
	buf_free(&x);
	buf_free(&y);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

/* A record of more than a block: its rows go on in the next ones. */
START_TEST(long_sequence_goes_on)
{
	struct schema s = { 0 };
	struct batch b, back;
	struct error e = { 0 };
	struct rng r;

	rng_seed(&r, 5);
	schema_add(&s, "a", PART_SEQUENCE, 100, NULL, NULL, &e);
	schema_add(&s, "b", PART_DENSE, 3, NULL, NULL, &e);
	schema_add(&s, "c", PART_SEQUENCE, 1000, NULL, NULL, &e);
	batch_init(&b, &s, &e);
	for (int i = 0; i < 3; i++) {
		char id[16];
		double *time;
		float *x;
		size_t rows = i == 1 ? 50000 : 2, more = i == 1 ? 4300 : 1;

		snprintf(id, sizeof(id), "r%d", i);
		batch_add(&b, id, strlen(id), &e);
		x = batch_sequence(&b, 0, rows, &time);
		for (size_t k = 0; k < rows * 100; k++)
			x[k] = (float)rng_double(&r);
		for (size_t k = 0; k < rows; k++)
			time[2 * k] = (double)k;
		batch_dense(&b, 1)[2] = 2;
		x = batch_sequence(&b, 2, more, NULL);
		for (size_t k = 0; k < more * 1000; k++)
			x[k] = (float)rng_double(&r);
	}
	write_file("x", FORMAT_VP, &b);
	read_file("x", &back, &e);
	ck_assert_str_eq(e.text, "");
	assert_same_batch(&b, &back);
	free_read(&back);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

/* A second implementation, made from the manual page, wrote the same records
 * in both forms (tools/stream.py). */
START_TEST(peer_agrees_byte_for_byte)
{
	char jsonl[4096], vp[4096];
	const char *data = getenv("DATA");
	struct batch a;
	struct error e = { 0 };
	struct output *o;
	struct buf x, y;

	ck_assert_ptr_nonnull(data);
	snprintf(jsonl, sizeof(jsonl), "%s/stream/peer.jsonl", data);
	snprintf(vp, sizeof(vp), "%s/stream/peer.vp", data);
	ck_assert_msg(read_file(jsonl, &a, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(a.n, 4);
	o = output_open("ours", FORMAT_VP, a.schema, &e);
	ck_assert_int_eq(output_put_all(o, &a, &e), 0);
	output_reject(o, 2);
	ck_assert_int_eq(output_close(o, &e), 0);
	x = slurp("ours");
	y = slurp(vp);
	ck_assert_uint_eq(x.len, y.len);
	ck_assert_mem_eq(x.data, y.data, x.len);
	buf_free(&x);
	buf_free(&y);

	free_read(&a);
}
END_TEST

/* ---- damage ---- */

/* small_stream: a file of several small blocks, as bytes to free. */
static struct buf
small_stream(size_t records, size_t in_block, uint64_t seed)
{
	struct schema s;
	struct batch b;
	struct error e;
	struct output *o;

	make_schema(&s);
	make_batch(&b, &s, records, seed);
	o = output_open("small", FORMAT_VP, &s, &e);
	ck_assert_ptr_nonnull(o);
	for (size_t i = 0; i < records; i++) {
		ck_assert_int_eq(output_put(o, &b, i, &e), 0);
		if ((i + 1) % in_block == 0)
			ck_assert_int_eq(output_live(o, &e), 0);
	}
	ck_assert_int_eq(output_close(o, &e), 0);
	batch_free(&b);
	schema_free(&s);
	return slurp("small");
}

/* frames: where the header, each block, and the trailer begin, and the end. */
static size_t
frames(const struct buf *b, size_t *at, size_t max)
{
	const unsigned char *p = (unsigned char *)b->data;
	size_t n = 0, pos;

	at[n++] = 0;
	pos = (32 + (size_t)le32_get(p + 20) + 4 + 63) / 64 * 64;
	while (memcmp(p + pos, "END1", 4) != 0) {
		ck_assert_uint_lt(n, max - 2);
		at[n++] = pos;
		pos += 64 + le32_get(p + pos + 4) + 4;
	}
	at[n++] = pos;
	at[n] = pos + 64;
	ck_assert_uint_eq(at[n], b->len);
	return n;
}

/* refused: the bytes are no stream, and why begins with "'x': ${why}". */
static void
refused(const void *p, size_t n, const char *why)
{
	struct error e = { 0 };
	struct batch b;
	int rc;

	spill("x", p, n);
	rc = read_file("x", &b, &e);
	free_read(&b);
	ck_assert_int_eq(rc, -1);
	ck_assert_msg(strncmp(e.text, "'x': ", 5) == 0, "%s", e.text);
	ck_assert_msg(strstr(e.text, why) != NULL, "%s", e.text);
}

/* accepted: the number of records in these bytes. */
static size_t
accepted(const void *p, size_t n)
{
	struct error e = { 0 };
	struct batch b;
	size_t records;

	spill("x", p, n);
	ck_assert_msg(read_file("x", &b, &e) == 0, "%s", e.text);
	records = b.n;
	free_read(&b);
	return records;
}

START_TEST(every_prefix_is_refused)
{
	struct buf b = small_stream(12, 5, 3);

	for (size_t n = 0; n < b.len; n++)
		refused(b.data, n, "truncated after");
	ck_assert_uint_eq(accepted(b.data, b.len), 12);
	buf_free(&b);
}
END_TEST

START_TEST(every_flip_is_refused)
{
	struct buf b = small_stream(6, 3, 4);

	ck_assert_uint_lt(b.len, 4096);
	for (size_t i = 0; i < b.len; i++)
		for (int k = 0; k < 8; k++) {
			b.data[i] = (char)(b.data[i] ^ 1 << k);
			refused(b.data, b.len, "");
			b.data[i] = (char)(b.data[i] ^ 1 << k);
		}
	buf_free(&b);
}
END_TEST

/* What is done to a stream of blocks 1..4: the frames, in a new order. */
static const struct {
	const char *frames; /* 0 header, 5 trailer */
	const char *why;
} orders[] = {
	{ "012345", NULL },
	{ "01345", "sequence gap: block 2 after 1 blocks" },
	{ "01235", "end mark after" },
	{ "0112345", "sequence gap: block 0 after 1 blocks" },
	{ "013245", "sequence gap: block 2 after 1 blocks" },
	{ "12345", "not a vecpipe stream" },
	{ "0123455", "bytes after the end mark" },
	{ "012345012345", NULL },
	{ "0123450", "truncated after 0 records" },
	{ "00123455", "" },
	{ "05", "end mark after 0 records says" },
};

START_TEST(frames_out_of_order_are_refused)
{
	struct buf b = small_stream(8, 2, 5), to = { 0 };
	size_t at[10];

	ck_assert_uint_eq(frames(&b, at, 10), 6);
	for (const char *f = orders[_i].frames; *f != '\0'; f++) {
		size_t k = (size_t)(*f - '0');

		buf_put(&to, b.data + at[k], at[k + 1] - at[k]);
	}
	if (orders[_i].why != NULL)
		refused(to.data, to.len, orders[_i].why);
	else
		ck_assert_uint_eq(
		    accepted(to.data, to.len), 8 * (to.len / b.len));
	buf_free(&b);
	buf_free(&to);
}
END_TEST

START_TEST(interleaved_streams_are_refused)
{
	struct buf a = small_stream(8, 2, 6), b = small_stream(8, 2, 7);
	struct buf to = { 0 };
	size_t x[10], y[10];

	frames(&a, x, 10);
	frames(&b, y, 10);
	/* The second block comes from the other stream; all its numbers fit. */
	buf_put(&to, a.data, x[2]);
	buf_put(&to, b.data + y[2], y[3] - y[2]);
	buf_put(&to, a.data + x[3], a.len - x[3]);
	refused(to.data, to.len, "stream hash mismatch");
	buf_free(&a);
	buf_free(&b);
	buf_free(&to);
}
END_TEST

START_TEST(garbage_after_the_end_is_refused)
{
	struct buf b = small_stream(3, 3, 8);

	buf_putc(&b, '\n');
	refused(b.data, b.len, "bytes after the end mark");
	b.len--;
	buf_put(&b, b.data, 6);
	refused(b.data, b.len, "truncated after 0 records");
	buf_free(&b);
}
END_TEST

/* ---- lies with good checksums ---- */

enum { HEADER, BLOCK, PAYLOAD, TRAILER };

/* At an offset from a frame, a number of some bytes. */
static const struct {
	int frame;
	size_t at;
	int bytes;
	uint64_t value;
	const char *why;
} lies[] = {
	{ HEADER, 8, 2, 2, "needs version 2" },
	{ HEADER, 8, 2, 0, "needs version 0" },
	{ HEADER, 10, 2, 7, NULL },
	{ HEADER, 12, 4, 1, "needs feature 0" },
	{ HEADER, 12, 4, 1u << 31, "needs feature 31" },
	{ HEADER, 16, 4, 0xffffffff, NULL },
	{ HEADER, 20, 4, 0xffffffff, "header of 4294967295 bytes" },
	{ HEADER, 20, 4, 16 << 20, "truncated after 0 records" },
	{ HEADER, 20, 4, 0, "" },
	{ HEADER, 24, 4, 1, "reserved" },
	{ HEADER, 32, 1, '[', "header" },
	{ BLOCK, 0, 4, 0x31584c42, "needs block" },
	{ BLOCK, 4, 4, 0xffffffff, "bad payload length" },
	{ BLOCK, 4, 4, (16 << 20) - 4, "truncated after 0 records" },
	{ BLOCK, 4, 4, 64, "bad payload length" },
	{ BLOCK, 8, 8, 1, "sequence gap" },
	{ BLOCK, 16, 8, 1, "sequence gap" },
	{ BLOCK, 24, 4, 0xffffffff, "bad header" },
	{ BLOCK, 24, 4, 65536, "wrong length" },
	{ BLOCK, 24, 4, 2, "block 0" },
	{ BLOCK, 24, 4, 4, "block 0" },
	{ BLOCK, 24, 4, 0, "" },
	{ BLOCK, 28, 4, 1, "bad header" },
	{ BLOCK, 28, 4, 4, "bad header" },
	{ BLOCK, 40, 8, 1, "bad header" },
	{ BLOCK, 52, 8, UINT64_C(1) << 63, "bad header" },
	{ PAYLOAD, 0, 4, 0xffffffff, "bad table" },
	{ PAYLOAD, 0, 4, 0x10000001, "bad table" },
	{ PAYLOAD, 0, 4, 0, "" },
	{ PAYLOAD, 0, 4, 1, "" },
	{ PAYLOAD, 4, 4, 1, "bad table" },
	{ PAYLOAD, 8, 4, 0x5f534449, "needs column" },
	{ PAYLOAD, 12, 4, 1, "column IDS  of part 1" },
	{ PAYLOAD, 16, 4, 0xffffffff, "bad table" },
	{ PAYLOAD, 16, 4, 11, "" },
	{ PAYLOAD, 20, 4, 1, "bad table" },
	{ TRAILER, 4, 4, 3, "unknown status" },
	{ TRAILER, 4, 4, 1, NULL },
	{ TRAILER, 8, 8, 0, "end mark" },
	{ TRAILER, 16, 8, 4, "end mark" },
};

START_TEST(lies_are_refused)
{
	struct buf b = small_stream(3, 3, 9);
	size_t at[4], from;
	unsigned char *p = (unsigned char *)b.data;

	ck_assert_uint_eq(frames(&b, at, 4), 3);
	from = lies[_i].frame == PAYLOAD   ? at[1] + 64
	       : lies[_i].frame == TRAILER ? at[2]
	       : lies[_i].frame == BLOCK   ? at[1]
					   : 0;
	for (int k = 0; k < lies[_i].bytes; k++)
		p[from + lies[_i].at + (size_t)k] =
		    (unsigned char)(lies[_i].value >> 8 * k);
	seal(p, b.len);
	if (lies[_i].why != NULL)
		refused(p, b.len, lies[_i].why);
	else
		ck_assert_uint_eq(accepted(p, b.len), 3);
	buf_free(&b);
}
END_TEST

/* column: the bytes of a column of a part in the first block. */
static unsigned char *
column(const struct buf *b, const char *tag, uint32_t part)
{
	size_t at[4];
	unsigned char *p, *entry;
	size_t pos;
	uint32_t n;

	frames(b, at, 4);
	p = (unsigned char *)b->data + at[1] + 64;
	n = le32_get(p);
	pos = 8 + 16 * (size_t)n;
	for (entry = p + 8; n > 0; n--, entry += 16) {
		pos = (pos + 63) / 64 * 64;
		if (memcmp(entry, tag, 4) == 0 && le32_get(entry + 4) == part)
			return p + pos;
		pos += le32_get(entry + 8);
	}
	ck_abort_msg("no column %s", tag);
	return NULL;
}

/* one_record: every part present, so that columns are where one thinks. */
static struct buf
one_record(void)
{
	struct schema s;
	struct batch b;
	struct error e = { 0 };
	uint32_t *index;
	double *time;
	float *x;

	make_schema(&s);
	batch_init(&b, &s, &e);
	batch_add(&b, "one", 3, &e);
	batch_label(&b, "yes", 3, &e);
	b.weight[0] = 2;
	b.source[0] = 1;
	x = batch_dense(&b, 0);
	for (int i = 0; i < 5; i++)
		x[i] = (float)i;
	batch_sparse(&b, 1, 2, &index, &x);
	index[0] = 3;
	index[1] = 8;
	x[0] = x[1] = 1;
	x = batch_sequence(&b, 2, 1, &time);
	x[0] = x[1] = x[2] = 1;
	time[0] = 0.5;
	batch_add(&b, "two", 3, &e);
	batch_error(&b, 0, "no", &e);
	batch_error(&b, 1, "no", &e);
	batch_error(&b, 2, "no", &e);
	write_file("one", FORMAT_VP, &b);
	batch_free(&b);
	schema_free(&s);
	return slurp("one");
}

/* In a column, a number at an offset. */
static const struct {
	const char *tag;
	uint32_t part;
	size_t at;
	int bytes;
	uint64_t value;
	const char *why;
} wrongs[] = {
	{ "IDS ", 0, 8, 1, 'O', NULL },
	{ "IDS ", 0, 8, 1, '\n', "control character" },
	{ "IDS ", 0, 8, 1, 0xff, "not valid UTF-8" },
	{ "IDS ", 0, 0, 4, 0, "empty id" },
	{ "IDS ", 0, 0, 4, 2, "wrong length" },
	{ "IDS ", 0, 0, 4, 0xffffffff, "wrong length" },
	{ "LABL", 0, 0, 4, 2, "wrong length" },
	{ "LABL", 0, 0, 4, 0xffffffff, "the limit is 4096" },
	{ "LABL", 0, 12, 1, 0xc0, "not valid UTF-8" },
	{ "WGHT", 0, 0, 8, UINT64_C(0x7ff0000000000000), "non-finite" },
	{ "WGHT", 0, 0, 8, UINT64_C(0x7ff8000000000000), "non-finite" },
	{ "MASK", 1, 0, 1, 2, "neither 0 nor 1" },
	{ "MASK", 1, 0, 1, 0, "values where the mask has none" },
	{ "MASK", 2, 0, 1, 0, "values where the mask has none" },
	{ "MASK", 3, 0, 1, 0, "values where the mask has none" },
	{ "MASK", 1, 1, 1, 1, "an error where the mask has values" },
	{ "VALS", 1, 4, 4, 0x7fc00000, "non-finite value in record 'one'" },
	{ "VALS", 1, 4, 4, 0xff800000, "non-finite value in record 'one'" },
	{ "VALS", 1, 4, 4, 1, NULL },
	{ "VALS", 1, 4, 4, 0x80000000, NULL },
	{ "VALS", 1, 24, 4, 0x80000000, "values where the mask has none" },
	{ "VALS", 2, 4, 4, 0x7f800000, "non-finite value in record 'one'" },
	{ "VALS", 3, 8, 4, 0x7f800000, "non-finite value in record 'one'" },
	{ "INDX", 2, 0, 4, 8, "not in order" },
	{ "INDX", 2, 4, 4, 4000000000u, "not below dim" },
	{ "INDX", 2, 4, 4, 3999999999u, NULL },
	{ "CNTS", 2, 0, 4, 3, "wrong length" },
	{ "CNTS", 2, 0, 4, 0xffffffff, "wrong length" },
	{ "CNTS", 3, 0, 4, 0xffffffff, "wrong length" },
	{ "CNTS", 3, 4, 4, 1, "values where the mask has none" },
	{ "TIME", 3, 0, 8, UINT64_C(0x7ff0000000000000), "infinite time" },
	{ "TIME", 3, 0, 8, UINT64_C(0x7ff8000000000001), NULL },
};

START_TEST(wrong_columns_are_refused)
{
	struct buf b = one_record();
	unsigned char *p = column(&b, wrongs[_i].tag, wrongs[_i].part);

	for (int k = 0; k < wrongs[_i].bytes; k++)
		p[wrongs[_i].at + (size_t)k] =
		    (unsigned char)(wrongs[_i].value >> 8 * k);
	seal((unsigned char *)b.data, b.len);
	if (wrongs[_i].why != NULL)
		refused(b.data, b.len, wrongs[_i].why);
	else
		ck_assert_uint_eq(accepted(b.data, b.len), 2);
	buf_free(&b);
}
END_TEST

/* rename_column: an entry of the table gets another tag or part. */
static void
rename_column(struct buf *b, const char *tag, const char *to, uint32_t part)
{
	size_t at[4];
	unsigned char *entry;

	frames(b, at, 4);
	entry = (unsigned char *)b->data + at[1] + 64 + 8;
	while (memcmp(entry, tag, 4) != 0)
		entry += 16;
	memcpy(entry, to, 4);
	le32_put(entry + 4, part);
	seal((unsigned char *)b->data, b->len);
}

START_TEST(unknown_columns_and_blocks)
{
	struct buf b = one_record();
	size_t at[4];

	rename_column(&b, "srce", "novl", 0);
	ck_assert_uint_eq(accepted(b.data, b.len), 2);
	rename_column(&b, "novl", "novl", 77);
	ck_assert_uint_eq(accepted(b.data, b.len), 2);
	rename_column(&b, "novl", "NOVL", 0);
	refused(b.data, b.len, "needs column 4e4f564c");
	rename_column(&b, "NOVL", "LABL", 0);
	refused(b.data, b.len, "two columns LABL");
	rename_column(&b, "LABL", "TIME", 9);
	refused(b.data, b.len, "column TIME of part 9");
	buf_free(&b);

	/* A block that may be skipped takes its records with it. */
	b = one_record();
	frames(&b, at, 4);
	memcpy(b.data + at[1], "note", 4);
	le64_put((unsigned char *)b.data + at[2] + 16, 0);
	seal((unsigned char *)b.data, b.len);
	ck_assert_uint_eq(accepted(b.data, b.len), 0);
	buf_free(&b);
}
END_TEST

START_TEST(padding_must_be_zero)
{
	struct buf b = one_record();
	unsigned char *p = (unsigned char *)b.data, *c;
	size_t at[4], json = 32 + (size_t)le32_get(p + 20);

	frames(&b, at, 4);
	ck_assert_uint_lt(json, at[1] - 4);
	p[json] = 1;
	seal(p, b.len);
	refused(p, b.len, "padding is not zero");
	p[json] = 0;
	c = column(&b, "IDS ", 0);
	c[4 + 4 + 6] = 1;
	seal(p, b.len);
	refused(p, b.len, "padding is not zero");
	c[4 + 4 + 6] = 0;
	p[at[2] - 5] = 1;
	seal(p, b.len);
	refused(p, b.len, "padding is not zero");
	buf_free(&b);
}
END_TEST

START_TEST(values_are_aligned)
{
	struct buf b = one_record();

	for (uint32_t part = 1; part <= 3; part++)
		ck_assert_uint_eq((size_t)(column(&b, "VALS", part) -
					   (unsigned char *)b.data) %
				      64,
		    0);
	buf_free(&b);
}
END_TEST

/* recovered: how many records stream_recover finds in these bytes. */
static size_t
recovered(const void *p, size_t n, uint64_t *skipped)
{
	struct stream_reader s;
	struct reader r;
	struct error e = { 0 };
	struct batch b;
	size_t found;
	int rc;

	*skipped = 0;
	spill("x", p, n);
	ck_assert_int_eq(io_open(&r, "x", &e), 0);
	ck_assert_msg(stream_open(&s, &r, &e) == 1, "%s", e.text);
	batch_init(&b, &s.schema, &e);
	while ((rc = stream_recover(&s, &b, skipped, &e)) == 1)
		;
	ck_assert_msg(rc == 0, "%s", e.text);
	found = b.n;
	batch_free(&b);
	stream_free_reader(&s);
	io_close(&r);
	return found;
}

/* Whatever happens to one block, the others are found again. */
START_TEST(other_blocks_are_recovered)
{
	struct buf b = small_stream(8, 2, 5), to = { 0 };
	size_t at[10];
	uint64_t skipped;

	frames(&b, at, 10);
	ck_assert_uint_eq(recovered(b.data, b.len, &skipped), 8);
	ck_assert_uint_eq(skipped, 0);
	for (size_t k = 1; k <= 4; k++) {
		size_t middle = (at[k] + at[k + 1]) / 2;

		/* A bit of its header, one of its payload. */
		b.data[at[k] + 20] ^= 1;
		ck_assert_uint_eq(recovered(b.data, b.len, &skipped), 6);
		ck_assert_uint_eq(skipped, at[k + 1] - at[k]);
		b.data[at[k] + 20] ^= 1;
		b.data[middle] ^= 1;
		ck_assert_uint_eq(recovered(b.data, b.len, &skipped), 6);
		b.data[middle] ^= 1;
		/* Bytes lost in the middle of it, and bytes between. */
		to.len = 0;
		buf_put(&to, b.data, middle);
		buf_put(&to, b.data + middle + 7, b.len - middle - 7);
		ck_assert_uint_eq(recovered(to.data, to.len, &skipped), 6);
		to.len = 0;
		buf_put(&to, b.data, at[k]);
		buf_put(&to, "BLK1END1", 8);
		buf_put(&to, b.data + at[k], b.len - at[k]);
		ck_assert_uint_eq(recovered(to.data, to.len, &skipped), 8);
		ck_assert_uint_eq(skipped, 8);
	}
	/* Cut in the last block; then two streams end to end. */
	ck_assert_uint_eq(recovered(b.data, at[4] + 100, &skipped), 6);
	ck_assert_uint_eq(skipped, 100);
	to.len = 0;
	buf_put(&to, b.data, at[3]);
	buf_put(&to, b.data, b.len);
	ck_assert_uint_eq(recovered(to.data, to.len, &skipped), 12);
	buf_free(&b);
	buf_free(&to);
}
END_TEST

/* ---- ends ---- */

START_TEST(failed_upstream_is_told)
{
	struct schema s;
	struct batch b;
	struct error e;
	struct output *o;
	int out = dup(1), fd = open("pipe", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	enum vec_format form = _i ? FORMAT_JSONL_FRAMED : FORMAT_VP;

	make_schema(&s);
	make_batch(&b, &s, 5, 1);
	dup2(fd, 1);
	o = output_open(NULL, form, &s, &e);
	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(output_put_all(o, &b, &e), 0);
	output_abort(o, "extract-img");
	dup2(out, 1);
	close(out);
	close(fd);
	batch_free(&b);
	ck_assert_int_eq(read_file("pipe", &b, &e), -1);
	ck_assert_uint_eq(b.n, 5);
	ck_assert_str_eq(e.text, "'pipe': upstream failed: extract-img");
	free_read(&b);
	schema_free(&s);
}
END_TEST

START_TEST(aborted_file_never_appears)
{
	struct schema s;
	struct error e;
	struct output *o;

	make_schema(&s);
	o = output_open("absent", FORMAT_VP, &s, &e);
	ck_assert_ptr_nonnull(o);
	output_abort(o, "t");
	output_abort(NULL, "t");
	ck_assert_int_eq(access("absent", F_OK), -1);
	schema_free(&s);
}
END_TEST

START_TEST(ends_add_up)
{
	char *paths[] = { (char[]){ "a.vp" }, (char[]){ "b.jsonl" },
		(char[]){ "a.vp" } };
	struct schema s;
	struct batch b, all;
	struct error e = { 0 };
	struct output *o;
	struct input *in;

	make_schema(&s);
	make_batch(&b, &s, 7, 1);
	o = output_open(paths[0], FORMAT_VP, &s, &e);
	output_put_all(o, &b, &e);
	output_reject(o, 3);
	output_partial(o);
	ck_assert_int_eq(output_close(o, &e), 0);
	o = output_open(paths[1], FORMAT_JSONL_FRAMED, &s, &e);
	output_put_all(o, &b, &e);
	output_reject(o, 2);
	ck_assert_int_eq(output_close(o, &e), 0);

	in = input_open(paths, 3, &e);
	ck_assert_msg(in != NULL, "%s", e.text);
	batch_init(&all, input_schema(in), &e);
	ck_assert_msg(input_read_all(in, &all, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(all.n, 21);
	ck_assert_uint_eq(input_end(in)->records, 21);
	ck_assert_uint_eq(input_end(in)->rejected, 8);
	ck_assert_int_eq(input_end(in)->partial, 1);
	batch_free(&all);
	input_close(in);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

START_TEST(operands_must_meet)
{
	char *paths[] = { (char[]){ "a" }, (char[]){ "b" } };
	static const struct {
		const char *name;
		enum part_kind kind;
		uint32_t dim;
		const char *space, *why;
	} other[] = {
		{ "p", PART_DENSE, 4, "{\"model\":\"m\"}", NULL },
		{ "p", PART_DENSE, 4, NULL, NULL },
		{ "p", PART_DENSE, 5, NULL, "dim is 4 here and 5 there" },
		{ "p", PART_SPARSE, 4, NULL,
		    "kind is dense here and sparse there" },
		{ "q", PART_DENSE, 4, NULL,
		    "part 1 is 'p' here and 'q' there" },
		{ "p", PART_DENSE, 4, "{\"model\":\"n\"}",
		    "model is \"m\" here and \"n\" there" },
		{ "p", PART_DENSE, 4, "{\"model\":\"m\",\"x\":1}",
		    "x is known there and not here" },
		{ "p", PART_DENSE, 4, "{\"a\":1}",
		    "a is known there and not here" },
	};

	for (size_t k = 0; k < sizeof(other) / sizeof(other[0]); k++) {
		struct error e = { 0 };
		struct batch b;
		struct input *in;
		int rc;

		for (int i = 0; i < 2; i++) {
			struct schema s = { 0 };

			if (i == 0)
				rc = schema_add(&s, "p", PART_DENSE, 4,
				    "{\"model\":\"m\"}", NULL, &e);
			else
				rc =
				    schema_add(&s, other[k].name, other[k].kind,
					other[k].dim, other[k].space, NULL, &e);
			ck_assert_int_eq(rc, 0);
			batch_init(&b, &s, &e);
			batch_add(&b, i == 0 ? "x" : "y", 1, &e);
			write_file(paths[i], FORMAT_VP, &b);
			batch_free(&b);
			schema_free(&s);
		}
		in = input_open(paths, 2, &e);
		ck_assert_ptr_nonnull(in);
		batch_init(&b, input_schema(in), &e);
		rc = input_read_all(in, &b, &e);
		ck_assert_int_eq(rc, other[k].why == NULL ? 0 : -1);
		if (rc == -1)
			ck_assert_msg(
			    strstr(e.text, other[k].why) != NULL, "%s", e.text);
		batch_free(&b);
		input_close(in);
	}
}
END_TEST

START_TEST(other_files_are_named)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *why;
	} files[] = {
		{ "\x1f\x8b\x08\0\0\0\0\0\0\3", 10, "(looks like gzip)" },
		{ "\x89PNG\r\n\x1a\n", 8, "(looks like PNG)" },
		{ "hello, world\n", 13, "(looks like text)" },
		{ "\x89VPS\n\x1a\n....", 12, "changed as text" },
		{ "\x93NUMPY\1\0v\0", 10, "(looks like npy)" },
		{ "\0\0\0\0\0\0\0\0\0\0", 10, "not a vecpipe stream" },
		{ "", 0, "empty" },
	};

	for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++)
		refused(files[k].bytes, files[k].n, files[k].why);
}
END_TEST

/* ---- batches ---- */

START_TEST(ids_are_checked)
{
	static const struct {
		const char *id;
		size_t n;
		int good;
	} ids[] = { { "a", 1, 1 }, { "", 0, 0 }, { "a\0b", 3, 0 },
		{ "a\tb", 3, 0 }, { "\x7f", 1, 0 }, { "\xc2\x9f", 2, 0 },
		{ "\xc2\xa0", 2, 1 }, { "\xff", 1, 0 }, { "\xe2\x82", 2, 0 },
		{ "\xf0\x9f\x98\x80", 4, 1 } };
	struct error e;
	char *longest;

	for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++)
		ck_assert_int_eq(
		    batch_check_id(ids[k].id, ids[k].n, &e), ids[k].good - 1);
	longest = mem_array(VEC_MAX_ID + 1, 1);
	memset(longest, 'x', VEC_MAX_ID + 1);
	ck_assert_int_eq(batch_check_id(longest, VEC_MAX_ID, &e), 0);
	ck_assert_int_eq(batch_check_id(longest, VEC_MAX_ID + 1, &e), -1);
	free(longest);
}
END_TEST

START_TEST(paths_become_ids)
{
	struct buf b = { 0 };

	batch_path_id(&b, "a\\b\n\xff\xc3\xbc\xc2\x80", 9);
	ck_assert_uint_eq(b.len, strlen("a\\\\b\\x0a\\xff\xc3\xbc\\xc2\\x80"));
	ck_assert_mem_eq(b.data, "a\\\\b\\x0a\\xff\xc3\xbc\\xc2\\x80", b.len);
	buf_free(&b);
}
END_TEST

START_TEST(schemas_are_checked)
{
	struct schema s = { 0 };
	struct error e;
	struct buf json = { 0 };
	static const char *const bad[] = { "", "[]", "{", "{}",
		"{\"parts\":[{}]}",
		"{\"parts\":[{\"name\":\"a\",\"kind\":\"dense\",\"dim\":1}]}",
		"{\"parts\":[{\"name\":\"a\",\"kind\":\"dense\",\"dtype\":"
		"\"f16\",\"dim\":1}]}",
		"{\"parts\":[{\"name\":\"a\",\"kind\":\"cube\",\"dtype\":"
		"\"f32\",\"dim\":1}]}",
		"{\"parts\":[{\"name\":\"a\",\"kind\":\"dense\",\"dtype\":"
		"\"f32\",\"dim\":65537}]}",
		"{\"parts\":[{\"name\":\"a\",\"kind\":\"dense\",\"dtype\":"
		"\"f32\",\"dim\":0}]}",
		"{\"parts\":[{\"name\":\"a\",\"kind\":\"sparse\",\"dtype\":"
		"\"f32\",\"dim\":4294967296}]}",
		"{\"parts\":[{\"name\":\"a\",\"kind\":\"dense\",\"dtype\":"
		"\"f32\",\"dim\":1,\"space\":3}]}",
		"{\"parts\":[{\"name\":\"a\",\"kind\":\"dense\",\"dtype\":"
		"\"f32\",\"dim\":2,\"columns\":[\"x\"]}]}",
		"{\"parts\":[],\"task\":[]}" };

	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		ck_assert_msg(
		    schema_parse(&s, bad[k], strlen(bad[k]), &e) == -1, "%s",
		    bad[k]);
	ck_assert_int_eq(schema_add(&s, "a", PART_DENSE, 2,
			     "{\"b\": 1, \"a\":  [2 ]}", NULL, &e),
	    0);
	ck_assert_str_eq(s.parts[0].space, "{\"a\":[2],\"b\":1}");
	ck_assert_int_eq(
	    schema_add(&s, "a", PART_DENSE, 2, NULL, NULL, &e), -1);
	ck_assert_int_eq(schema_add(&s, "", PART_DENSE, 2, NULL, NULL, &e), -1);
	ck_assert_int_eq(
	    schema_add(&s, "b", PART_DENSE, 0, NULL, NULL, &e), -1);
	ck_assert_int_eq(schema_add(&s, "b", PART_DENSE, 1, "1", NULL, &e), -1);
	ck_assert_int_eq(schema_task(&s, "{\"task\":\"class\"}", &e), 0);
	ck_assert_int_eq(schema_json(&json, &s, &e), 0);
	schema_free(&s);
	ck_assert_int_eq(schema_parse(&s, json.data, json.len, &e), 0);
	ck_assert_str_eq(s.task, "{\"task\":\"class\"}");
	schema_free(&s);
	buf_free(&json);
}
END_TEST

START_TEST(non_finite_values_are_not_written)
{
	struct schema s = { 0 };
	struct batch b;
	struct error e;
	struct output *o;

	schema_add(&s, "a", PART_DENSE, 20, NULL, NULL, &e);
	batch_init(&b, &s, &e);
	batch_add(&b, "bad", 3, &e);
	batch_dense(&b, 0)[_i] = _i % 2 ? NAN : -INFINITY;
	o = output_open("never", _i / 2 % 2 ? FORMAT_VP : FORMAT_JSONL, &s, &e);
	if (output_put_all(o, &b, &e) == 0)
		ck_assert_int_eq(output_close(o, &e), -1);
	else
		output_abort(o, "test");
	ck_assert_msg(strstr(e.text, "'bad'") && strstr(e.text, "non-finite"),
	    "%s", e.text);
	ck_assert_int_eq(access("never", F_OK), -1);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

#define LOOP(t, f, table)                                                      \
	tcase_add_loop_test(t, f, 0, sizeof(table) / sizeof((table)[0]))

int
main(void)
{
	Suite *s = suite_create("stream");
	TCase *t = tcase_create("round trip"), *d = tcase_create("damage");
	TCase *b = tcase_create("batch");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, records_survive_both_forms, 0, 6);
	tcase_add_test(t, same_records_make_the_same_bytes);
	tcase_add_test(t, long_sequence_goes_on);
	tcase_add_test(t, values_are_aligned);
	tcase_add_test(t, peer_agrees_byte_for_byte);
	suite_add_tcase(s, t);

	tcase_set_timeout(d, 120);
	tcase_add_test(d, every_prefix_is_refused);
	tcase_add_test(d, every_flip_is_refused);
	LOOP(d, frames_out_of_order_are_refused, orders);
	tcase_add_test(d, interleaved_streams_are_refused);
	tcase_add_test(d, garbage_after_the_end_is_refused);
	LOOP(d, lies_are_refused, lies);
	LOOP(d, wrong_columns_are_refused, wrongs);
	tcase_add_test(d, unknown_columns_and_blocks);
	tcase_add_test(d, padding_must_be_zero);
	tcase_add_test(d, other_blocks_are_recovered);
	tcase_add_loop_test(d, failed_upstream_is_told, 0, 2);
	tcase_add_test(d, aborted_file_never_appears);
	tcase_add_test(d, ends_add_up);
	tcase_add_test(d, operands_must_meet);
	tcase_add_test(d, other_files_are_named);
	suite_add_tcase(s, d);

	tcase_add_test(b, ids_are_checked);
	tcase_add_test(b, paths_become_ids);
	tcase_add_test(b, schemas_are_checked);
	tcase_add_loop_test(b, non_finite_values_are_not_written, 0, 20);
	suite_add_tcase(s, b);
	return unit_main(s);
}
