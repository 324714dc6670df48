#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

/*
 * A fuzz entry point is fuzz_one(data, n): it must come back from any input
 * without a fault, and aborts where something that must hold does not.  What
 * drives it is libFuzzer (make fuzz) or replay.c (make check).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void fuzz_one(const unsigned char *data, size_t n);

#define FUZZ_MUST(x)                                                           \
	do {                                                                   \
		if (!(x)) {                                                    \
			fprintf(stderr, "%s: not so\n", #x);                   \
			abort();                                               \
		}                                                              \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	fuzz_one(data, n);
	return 0;
}

#endif
