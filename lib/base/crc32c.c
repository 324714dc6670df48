#include "base/crc32c.h"
#include "base/crc32c_table.h"

uint32_t
crc32c_table(uint32_t crc, const void *p, size_t n)
{
	const unsigned char *b = p;
	uint32_t c = ~crc;

	for (; n >= 4; b += 4, n -= 4) {
		c ^= (uint32_t)b[0] | (uint32_t)b[1] << 8 |
		     (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
		c = TABLE[3][c & 255] ^ TABLE[2][c >> 8 & 255] ^
		    TABLE[1][c >> 16 & 255] ^ TABLE[0][c >> 24];
	}
	for (; n > 0; n--)
		c = c >> 8 ^ TABLE[0][(c ^ *b++) & 255];
	return ~c;
}

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
	return crc32c_has_sse42() ? crc32c_sse42(crc, p, n)
				  : crc32c_table(crc, p, n);
}
