#include "base/inflate.h"

#include <zlib.h>

/* zlib counts in unsigned int: larger pieces go in several. */
enum { PIECE = 1 << 30 };

static unsigned
piece(size_t n)
{
	return n > PIECE ? PIECE : (unsigned)n;
}

int
inflate_raw(const void *p, size_t n, void *out, size_t len, struct error *e)
{
	/* zlib does not write through next_in, but wants it so. */
	z_stream z = { .next_in = (Bytef *)(uintptr_t)p, .next_out = out };
	unsigned char none[1];
	int r;

	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		return error_memory(e);
	if (len == 0)
		z.next_out = none;
	do {
		unsigned in = piece(n), room = piece(len);

		z.avail_in = in;
		z.avail_out = room;
		r = inflate(&z, Z_NO_FLUSH);
		n -= in - z.avail_in;
		len -= room - z.avail_out;
		if (r == Z_OK && in == z.avail_in && room == z.avail_out)
			r = Z_BUF_ERROR;
	} while (r == Z_OK);
	inflateEnd(&z);
	if (r == Z_MEM_ERROR)
		return error_memory(e);
	if (r != Z_STREAM_END && r != Z_BUF_ERROR)
		return error_set(e, "damaged compressed data");
	if (r == Z_BUF_ERROR || n != 0 || len != 0)
		return error_set(
		    e, "compressed data has another length than it says");
	return 0;
}

int
inflate_zlib(
    const void *p, size_t n, struct buf *out, size_t max, struct error *e)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)p };
	size_t end = out->len + max;
	unsigned char more[1];
	int r;

	if (inflateInit(&z) != Z_OK)
		return error_memory(e);
	do {
		unsigned in = piece(n), room;
		size_t left = end - out->len;

		/* Beyond the limit, one byte tells whether there is more. */
		room = left == 0 ? 1 : left < 65536 ? (unsigned)left : 65536;
		if (left > 0 && buf_reserve(out, room) == -1) {
			r = Z_MEM_ERROR;
			break;
		}
		z.next_out = left > 0 ? (Bytef *)out->data + out->len : more;
		z.avail_in = in;
		z.avail_out = room;
		r = inflate(&z, Z_NO_FLUSH);
		n -= in - z.avail_in;
		if (left > 0)
			out->len += room - z.avail_out;
		else if (z.avail_out == 0)
			break;
	} while (r == Z_OK);
	inflateEnd(&z);
	if (r == Z_MEM_ERROR)
		return error_memory(e);
	if (r == Z_STREAM_END)
		return z.next_out == more + 1;
	return r == Z_OK ? 1 : error_set(e, "damaged compressed data");
}

uint32_t
crc32_zip(uint32_t sum, const void *p, size_t n)
{
	const Bytef *at = p;
	uLong crc = sum;

	while (n > 0) {
		unsigned k = piece(n);

		crc = crc32(crc, at, k);
		at += k;
		n -= k;
	}
	return (uint32_t)crc;
}
