#ifndef TESTS_SEAL_H
#define TESTS_SEAL_H

/*
 * seal(p, n): make the checksums, counts of blocks and the hash of a stream
 * right again after its bytes were changed, so that what lies behind them is
 * tested.  Follows the lengths as far as they lead; stops where they lie.
 */
#include <string.h>

#include "base/crc32c.h"
#include "base/hash.h"
#include "vec/le.h"
#include "vec/stream.h"

static inline void
seal_crc(unsigned char *p, size_t n)
{
	le32_put(p + n, crc32c(0, p, n));
}

static inline void
seal(unsigned char *p, size_t n)
{
	size_t at, start = 0, len;
	struct hash h;

	while (start + STREAM_HEAD <= n) {
		seal_crc(p + start, 28);
		len = (STREAM_HEAD + (size_t)le32_get(p + start + 20) + 4 +
			  STREAM_ALIGN - 1) /
		      STREAM_ALIGN * STREAM_ALIGN;
		if (len > n - start)
			return;
		seal_crc(p + start + STREAM_HEAD, len - STREAM_HEAD - 4);
		at = start + len;
		while (
		    at + STREAM_FRAME <= n && memcmp(p + at, "END1", 4) != 0) {
			len = le32_get(p + at + 4);
			seal_crc(p + at, 60);
			at += STREAM_FRAME;
			if (len > n - at || n - at - len < 4)
				return;
			seal_crc(p + at, len);
			at += len + 4;
		}
		if (at + STREAM_FRAME > n)
			return;
		hash_init(&h, 0);
		hash_update(&h, p + start, at - start);
		le64_put(p + at + 32, hash_final(&h));
		seal_crc(p + at, 60);
		start = at + STREAM_FRAME;
	}
}

#endif
