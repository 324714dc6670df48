/*
 * Runs a fuzz entry point without libFuzzer, as a plain program:
 *
 *	fuzz_json ROUNDS FILE...
 *
 * gives it the files, all their prefixes of up to 4 KiB, and ROUNDS times each
 * with random changes, always the same ones.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* In a block of its exact size, so that a sanitizer sees its end. */
static void
fuzz_copy(const unsigned char *data, size_t n)
{
	unsigned char *p = malloc(n > 0 ? n : 1);

	if (p == NULL)
		exit(1);
	memcpy(p, data, n);
	LLVMFuzzerTestOneInput(p, n);
	free(p);
}

/* A few bytes changed, doubled, moved or dropped. */
static size_t
fuzz_change(struct rng *r, unsigned char *p, size_t n)
{
	static const char LIKELY[] = "\0\xff\x7f\x80\"\\,:[]{}\n\r\t-.eE0";

	for (uint32_t k = 1 + rng_below(r, 6); k > 0 && n > 0; k--) {
		size_t at = rng_below(r, (uint32_t)n);
		size_t len = rng_below(r, 16), to;

		if (len > n - at)
			len = n - at;
		to = rng_below(r, (uint32_t)(n - len + 1));
		switch (rng_below(r, 5)) {
		case 0:
			p[at] ^= (unsigned char)(1 << rng_below(r, 8));
			break;
		case 1:
			p[at] = (unsigned char)
			    LIKELY[rng_below(r, sizeof(LIKELY) - 1)];
			break;
		case 2:
			p[at] = (unsigned char)rng_u64(r);
			break;
		case 3:
			memmove(p + to, p + at, len);
			break;
		case 4:
			memmove(p + at, p + at + len, n - at - len);
			n -= len;
			break;
		}
	}
	return n;
}

static size_t
fuzz_load(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "rb");
	size_t got;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	do {
		if (buf_reserve(b, 1 << 16) < 0)
			exit(1);
		got = fread(b->data + b->len, 1, 1 << 16, f);
		b->len += got;
	} while (got > 0);
	fclose(f);
	return b->len;
}

int
main(int argc, char *argv[])
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;

	for (int i = 2; i < argc; i++) {
		struct buf b = { 0 }, c = { 0 };
		size_t n = fuzz_load(argv[i], &b);
		const unsigned char *data = (const unsigned char *)b.data;
		struct rng r;

		rng_seed(&r, 1);
		fuzz_copy(data, n);
		for (size_t k = 0; k < n && k <= 4096; k++)
			fuzz_copy(data, k);
		for (long k = 0; k < rounds; k++) {
			c.len = 0;
			buf_put(&c, b.data, n);
			if (c.data == NULL)
				break;
			c.len = fuzz_change(&r, (unsigned char *)c.data, n);
			fuzz_copy((unsigned char *)c.data, c.len);
		}
		buf_free(&b);
		buf_free(&c);
	}
	return 0;
}
