#ifndef TESTS_PICTURES_H
#define TESTS_PICTURES_H

/* Shared by the tests of lib/image: files of tests/data and a hash. */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
	uint8_t *p;
	size_t n;
};

/* load(name): the file tests/data/name, which must be there; free() p. */
static inline struct bytes
load(const char *name)
{
	const char *data = getenv("DATA");
	struct bytes b = { malloc(1 << 20), 0 };
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s",
	    data != NULL ? data : "tests/data", name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL && b.p != NULL, "no %s", path);
	b.n = fread(b.p, 1, 1 << 20, f);
	fclose(f);
	/* Exactly as long as the file, so that ASan sees a read past it. */
	b.p = realloc(b.p, b.n > 0 ? b.n : 1);
	return b;
}

/* prefix(b, n): a copy of its first n bytes, for the same reason. */
static inline struct bytes
prefix(struct bytes b, size_t n)
{
	struct bytes cut = { malloc(n > 0 ? n : 1), n };

	memcpy(cut.p, b.p, n);
	return cut;
}

/* The 64-bit FNV-1a hash, which the recording scripts compute too. */
static inline uint64_t
fnv(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

#endif
