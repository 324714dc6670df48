#ifndef VEC_LE_H
#define VEC_LE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Little-endian numbers as bytes, whatever the machine.  One at a time by
 * shifts, which compilers turn into a plain load or store where they can; and
 * whole arrays, which are one memcpy on little-endian machines.  None of the
 * pointers need be aligned.  Nothing here fails.
 */

static inline void
le16_put(unsigned char *p, uint16_t x)
{
	p[0] = (unsigned char)x;
	p[1] = (unsigned char)(x >> 8);
}

static inline void
le32_put(unsigned char *p, uint32_t x)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(x >> 8 * i);
}

static inline void
le64_put(unsigned char *p, uint64_t x)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(x >> 8 * i);
}

static inline uint16_t
le16_get(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
le32_get(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline uint64_t
le64_get(const unsigned char *p)
{
	return (uint64_t)le32_get(p) | (uint64_t)le32_get(p + 4) << 32;
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LE_NATIVE 1
#else
#define LE_NATIVE 0
#endif

/* le_put_array(p, x, n, size), le_get_array(x, p, n, size): n numbers of
 * size 1, 2, 4 or 8 bytes from or to host order. */
static inline void
le_put_array(unsigned char *p, const void *x, size_t n, size_t size)
{
	const unsigned char *from = x;

	if (n == 0)
		return;
	if (LE_NATIVE || size == 1) {
		memcpy(p, x, n * size);
		return;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < size; k++)
			p[i * size + k] = from[i * size + size - 1 - k];
}

static inline void
le_get_array(void *x, const unsigned char *p, size_t n, size_t size)
{
	le_put_array(x, p, n, size); /* reversing is its own inverse */
}

/* le_all_finite(x, n): 1 when none of x: [n] is NaN or infinite.  By the bits,
 * in groups that compilers vectorise. */
static inline int
le_all_finite(const float *x, size_t n)
{
	uint32_t bad = 0, u[16];
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		memcpy(u, x + i, sizeof(u));
		for (int k = 0; k < 16; k++)
			bad |= ((u[k] & 0x7f800000u) + 0x00800000u);
	}
	for (; i < n; i++) {
		memcpy(u, x + i, sizeof(*u));
		bad |= ((u[0] & 0x7f800000u) + 0x00800000u);
	}
	return bad >> 31 == 0;
}

#endif
