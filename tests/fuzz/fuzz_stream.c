#include "fuzz.h"
#include "records.h"
#include "vec/stream.h"

#include "../seal.h"

/* read_streams: as input.c does, stream after stream. */
static void
read_streams(const unsigned char *data, size_t n)
{
	struct reader r = memory_reader(data, n);
	struct stream_reader s;
	struct error e = { 0 };
	struct batch b;
	int rc;

	while ((rc = stream_open(&s, &r, &e)) == 1) {
		FUZZ_MUST(batch_init(&b, &s.schema, &e) == 0);
		while ((rc = stream_next(&s, &b, &e)) == 1)
			must_be_records(&b);
		must_be_records(&b);
		FUZZ_MUST(rc != 0 || s.records == b.n);
		batch_free(&b);
		stream_free_reader(&s);
		if (rc != 0)
			break;
	}
	if (rc != 0)
		FUZZ_MUST(e.text[0] != '\0');
	stream_free_reader(&s);
}

static void
recover(const unsigned char *data, size_t n)
{
	struct reader r = memory_reader(data, n);
	struct stream_reader s;
	struct error e = { 0 };
	uint64_t skipped = 0;
	struct batch b;

	if (stream_open(&s, &r, &e) == 1) {
		FUZZ_MUST(batch_init(&b, &s.schema, &e) == 0);
		while (stream_recover(&s, &b, &skipped, &e) == 1)
			must_be_records(&b);
		FUZZ_MUST(skipped <= n);
		batch_free(&b);
	}
	stream_free_reader(&s);
}

/* As it is, and with its checksums made right, which leads further. */
static void
fuzz_one(const unsigned char *data, size_t n)
{
	unsigned char *copy;

	if (n >= IO_BUFFER)
		return;
	read_streams(data, n);
	recover(data, n);
	copy = malloc(n > 0 ? n : 1);
	FUZZ_MUST(copy != NULL);
	if (n > 0)
		memcpy(copy, data, n);
	seal(copy, n);
	read_streams(copy, n);
	recover(copy, n);
	free(copy);
}
