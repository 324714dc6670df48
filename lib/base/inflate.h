#ifndef BASE_INFLATE_H
#define BASE_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * Compressed bytes as zip files and PNG hold them, through zlib.
 */

/* inflate_raw: the deflate data (RFC 1951) p: [n] into out: [len], which it
 * must fill exactly, and p must end with it.  0, or -1 with a sentence. */
int inflate_raw(
    const void *p, size_t n, void *out, size_t len, struct error *e);

/*
 * inflate_zlib(p, n, out, max, e): append what the zlib data (RFC 1950)
 * p: [n] holds, at most ${max} bytes.  0; 1 when there is more than max (out
 * then has max bytes more); -1 with a sentence when it is damaged or cut.
 * Memory grows with what comes out, so a bomb costs max bytes.
 */
int inflate_zlib(
    const void *p, size_t n, struct buf *out, size_t max, struct error *e);

/* crc32_zip: the CRC-32 (polynomial 0xEDB88320) of more bytes; begin with
 * sum = 0. */
uint32_t crc32_zip(uint32_t sum, const void *p, size_t n);

#endif
