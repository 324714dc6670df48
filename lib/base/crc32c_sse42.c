#include <string.h>

#include "base/crc32c.h"

#if defined(__SSE4_2__) && defined(__x86_64__)
#include <nmmintrin.h>

int
crc32c_has_sse42(void)
{
	return __builtin_cpu_supports("sse4.2");
}

uint32_t
crc32c_sse42(uint32_t crc, const void *p, size_t n)
{
	const unsigned char *b = p;
	uint64_t c = ~crc, word;
	uint32_t d;

	for (; n >= 8; b += 8, n -= 8) {
		memcpy(&word, b, 8);
		c = _mm_crc32_u64(c, word);
	}
	for (d = (uint32_t)c; n > 0; n--)
		d = _mm_crc32_u8(d, *b++);
	return ~d;
}
#else
int
crc32c_has_sse42(void)
{
	return 0;
}

uint32_t
crc32c_sse42(uint32_t crc, const void *p, size_t n)
{
	return crc32c_table(crc, p, n);
}
#endif
