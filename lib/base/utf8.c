#include <string.h>

#include "base/utf8.h"

size_t
utf8_ascii(const char *s, size_t n)
{
	size_t i = 0;
	uint64_t w;

	for (; n - i >= 8; i += 8) {
		memcpy(&w, s + i, 8);
		if (w & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < n && (unsigned char)s[i] < 0x80)
		i++;
	return i;
}

/*
 * The second byte decides whether a sequence can still be well-formed
 * (Unicode 15, table 3-7); the others are any of 80..BF.
 */
static int
second_is_good(unsigned char first, unsigned char second)
{
	unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
	unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;

	return second >= low && second <= high;
}

int
utf8_decode(const char *s, size_t n, uint32_t *cp)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t c = p[0];
	size_t len = c < 0x80   ? 1
		     : c < 0xC2 ? 0
		     : c < 0xE0 ? 2
		     : c < 0xF0 ? 3
		     : c < 0xF5 ? 4
				: 0,
	       i;

	if (len == 1) {
		*cp = c;
		return 1;
	}
	*cp = UTF8_REPLACEMENT;
	if (len == 0 || n < 2 || !second_is_good(p[0], p[1]))
		return -1;
	c &= 0x7Fu >> len;
	for (i = 1; i < len; i++) {
		if (i == n || (p[i] & 0xC0) != 0x80)
			return -(int)i;
		c = c << 6 | (p[i] & 0x3F);
	}
	*cp = c;
	return (int)len;
}

size_t
utf8_valid(const char *s, size_t n)
{
	size_t i = 0;
	uint32_t cp;
	int k;

	while (i < n && (i += utf8_ascii(s + i, n - i)) < n) {
		k = utf8_decode(s + i, n - i, &cp);
		if (k < 0)
			break;
		i += (size_t)k;
	}
	return i;
}

size_t
utf8_encode(char *out, uint32_t cp)
{
	size_t len = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;

	if (len == 1) {
		out[0] = (char)cp;
		return 1;
	}
	for (size_t i = len - 1; i > 0; i--, cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3F));
	out[0] = (char)((0xF00u >> len & 0xF0) | cp);
	return len;
}

int
utf8_clean(struct buf *out, const char *s, size_t n, size_t *bad)
{
	size_t i = 0, good, count = 0;
	uint32_t cp;

	while (i < n) {
		good = utf8_valid(s + i, n - i);
		if (buf_put(out, s + i, good) < 0)
			return -1;
		i += good;
		if (i == n)
			break;
		i += (size_t)-utf8_decode(s + i, n - i, &cp);
		if (buf_put(out, "\xEF\xBF\xBD", 3) < 0)
			return -1;
		count++;
	}
	if (bad != NULL)
		*bad = count;
	return 0;
}
