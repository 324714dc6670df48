#include "fuzz.h"
#include "records.h"
#include "vec/jsonl.h"

/* read_lines: every record as a framed text again; the end in *status. */
static int
read_lines(const unsigned char *data, size_t n, struct buf *out)
{
	struct reader r = memory_reader(data, n);
	struct jsonl_reader s;
	struct error e = { 0 };
	struct batch b;
	int rc = jsonl_open(&s, &r, 0, NULL, &e);

	if (rc == 1) {
		FUZZ_MUST(batch_init(&b, &s.schema, &e) == 0);
		FUZZ_MUST(jsonl_put_header(out, &s.schema, &e) == 0);
		while ((rc = jsonl_next(&s, &b, &e)) == 1)
			must_be_records(&b);
		must_be_records(&b);
		FUZZ_MUST(s.records == b.n);
		for (size_t i = 0; i < b.n; i++)
			FUZZ_MUST(jsonl_put(out, &b, i, &e) == 0);
		FUZZ_MUST(jsonl_put_end(out, STREAM_OK, b.n, 0, NULL, &e) == 0);
		batch_free(&b);
	}
	if (rc == -1)
		FUZZ_MUST(e.text[0] != '\0');
	jsonl_free(&s);
	return rc;
}

/* What was taken can be written, and is taken again, to the same text. */
static void
fuzz_one(const unsigned char *data, size_t n)
{
	struct buf once = { 0 }, twice = { 0 };

	if (n < IO_BUFFER && read_lines(data, n, &once) == 0 && once.len > 0) {
		FUZZ_MUST(read_lines((unsigned char *)once.data, once.len,
			      &twice) == 0);
		FUZZ_MUST(once.len == twice.len);
		FUZZ_MUST(memcmp(once.data, twice.data, once.len) == 0);
	}
	buf_free(&once);
	buf_free(&twice);
}
