#ifndef BASE_FLATE_H
#define BASE_FLATE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A fast reader of zlib data (RFC 1950 and 1951) that is all in memory, which
 * hands out what is in it piece by piece.  It is stricter than zlib and says
 * only yes or no: who is told no asks zlib (inflate.h, libpng) what is wrong.
 * Memory: sizeof(struct flate) + FLATE_PAD, whatever the data holds.
 */

enum {
	FLATE_PAD = 32,       /* readable bytes behind the data */
	FLATE_MAX = 1 << 16,  /* bytes of a piece */
	FLATE_WINDOW = 32768, /* how far back data refers to itself */
	FLATE_SLACK = 320,    /* the last match may go so far beyond */
	FLATE_ROOT = 11,      /* bits looked up at once: literals, lengths */
	FLATE_ROOT_DIST = 8   /* and distances */
};

struct flate_bits {
	const uint8_t *in; /* not yet in bits */
	uint64_t bits;     /* the lowest comes first */
	unsigned n;
};

struct flate {
	struct flate_bits b;
	const uint8_t *end; /* of the data */
	uint32_t sum;       /* Adler-32 of what came out */
	enum {
		FLATE_HEAD,
		FLATE_BLOCK,
		FLATE_STORED,
		FLATE_CODES,
		FLATE_DONE,
		FLATE_BAD
	} state;
	int last;        /* of the blocks */
	uint32_t stored; /* bytes left of a stored block */

	/* Tables for decoding, then room for their second levels: the most
	 * that complete codes of 15 bits can need. */
	uint32_t lit[2342];
	uint32_t dist[402];

	uint8_t *from, *to; /* came out and was not taken yet */
	uint8_t room[FLATE_WINDOW + FLATE_MAX + FLATE_WINDOW + FLATE_SLACK];
};

/* flate_init(f, p, n): begin to read p: [n], which stays the caller's and has
 * FLATE_PAD readable bytes of any value behind it. */
void flate_init(struct flate *f, const uint8_t *p, size_t n);

/* flate_take(f, n): the next n <= FLATE_MAX bytes, valid until the next call;
 * NULL when there are fewer or the data is not sound. */
const uint8_t *flate_take(struct flate *f, size_t n);

/* flate_done(f): 1 when all was taken, the checksum is right and nothing
 * follows it; else 0. */
int flate_done(struct flate *f);

/* flate_adler(sum, p, n): the Adler-32 of more bytes; begin with sum = 1. */
uint32_t flate_adler(uint32_t sum, const uint8_t *p, size_t n);

#endif
