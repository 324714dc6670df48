#include <stdlib.h>
#include <string.h>

#include "base/flate.h"
#include "base/inflate.h"
#include "base/mem.h"
#include "image/png_filter.h"
#include "image/rows.h"
#include "image/segments.h"

/*
 * PNG as almost all files are: up to 8 bits a sample, not interlaced, in
 * perfect order.  Anything else, and anything that is wrong, is left to
 * libpng, which decodes it or says why not; so this is nowhere more generous
 * than libpng is, and where both decode they give the same bytes.
 */

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGB_ALPHA = 6 };

struct fast {
	uint32_t w, h;
	int depth, type;
	uint8_t color[256][4]; /* of a palette, or of grey in color[][0] */
	size_t colors, clear;  /* entries of PLTE and of tRNS */
	uint8_t *idat;         /* all of it, and FLATE_PAD */
	size_t idat_n;
	struct flate *flate;
	uint8_t *row[2]; /* this one and the one above, and some room */
};

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static bool
sound(const struct segment *s)
{
	return crc32_zip(0, s->data - 4, s->n + 4) == be32(s->data + s->n);
}

static bool
read_head(struct fast *f, const struct segment *s)
{
	const uint8_t *p = s->data;

	if (s->tag != PNG_TAG('I', 'H', 'D', 'R') || s->n != 13 || !sound(s))
		return false;
	f->w = be32(p);
	f->h = be32(p + 4);
	f->depth = p[8];
	f->type = p[9];
	if (image_limits(f->w, f->h, NULL) == -1 || p[10] != 0 || p[11] != 0 ||
	    p[12] != 0)
		return false;
	switch (f->type) {
	case GREY:
	case PALETTE:
		return f->depth == 1 || f->depth == 2 || f->depth == 4 ||
		       f->depth == 8;
	case RGB:
	case GREY_ALPHA:
	case RGB_ALPHA:
		return f->depth == 8;
	default:
		return false;
	}
}

static bool
read_palette(struct fast *f, const struct segment *s)
{
	if (f->colors > 0 || f->type == GREY || f->type == GREY_ALPHA ||
	    s->n == 0 || s->n % 3 != 0 || s->n / 3 > 256 || !sound(s))
		return false;
	f->colors = s->n / 3;
	if (f->type != PALETTE)
		return true; /* a hint for others */
	if (f->colors > 1u << f->depth)
		return false;
	for (size_t i = 0; i < f->colors; i++)
		memcpy(f->color[i], s->data + 3 * i, 3);
	return true;
}

static bool
read_clear(struct fast *f, const struct segment *s)
{
	if (f->type != PALETTE || f->clear > 0 || s->n == 0 ||
	    s->n > f->colors || !sound(s))
		return false;
	f->clear = s->n;
	for (size_t i = 0; i < 256; i++)
		f->color[i][3] = i < f->clear ? s->data[i] : 255;
	return true;
}

static bool
is_letter(uint32_t c)
{
	c &= 255;
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A chunk that may be passed over, as libpng would. */
static bool
may_skip(const struct segment *s)
{
	return is_letter(s->tag >> 24) && is_letter(s->tag >> 16) &&
	       is_letter(s->tag >> 8) && is_letter(s->tag) &&
	       (s->tag >> 29 & 1) != 0 && s->n <= IMAGE_MAX_CHUNK;
}

/* All chunks; the pixel data end to end into f->idat. */
static bool
read_chunks(struct fast *f, const uint8_t *p, size_t n)
{
	struct segments w = segments_png(p, n);
	enum { BEFORE, WITHIN, AFTER } pixels = BEFORE;
	struct segment s;

	if (!segments_next_png(&w, &s) || !read_head(f, &s))
		return false;
	f->idat = malloc(n + FLATE_PAD);
	if (f->idat == NULL)
		return false;
	while (segments_next_png(&w, &s)) {
		if (s.tag == PNG_TAG('I', 'D', 'A', 'T')) {
			if (pixels == AFTER || !sound(&s))
				return false;
			pixels = WITHIN;
			memcpy(f->idat + f->idat_n, s.data, s.n);
			f->idat_n += s.n;
			continue;
		}
		if (pixels == WITHIN)
			pixels = AFTER;
		switch (s.tag) {
		case PNG_TAG('I', 'E', 'N', 'D'):
			memset(f->idat + f->idat_n, 0, FLATE_PAD);
			return pixels == AFTER && s.n == 0 && sound(&s) &&
			       (f->type != PALETTE || f->colors > 0);
		case PNG_TAG('P', 'L', 'T', 'E'):
			if (pixels != BEFORE || !read_palette(f, &s))
				return false;
			break;
		case PNG_TAG('t', 'R', 'N', 'S'):
			if (pixels != BEFORE || !read_clear(f, &s))
				return false;
			break;
		default:
			if (!may_skip(&s))
				return false;
		}
	}
	return false;
}

/* Samples of 1, 2, 4 or 8 bits through the table, k bytes of it. */
static void
look_up(uint8_t *out, const uint8_t *in, const struct fast *f, size_t k)
{
	unsigned depth = (unsigned)f->depth, mask = (1u << depth) - 1;

	for (uint32_t x = 0; x < f->w; x++, out += k) {
		unsigned bit = x * depth;
		unsigned v =
		    (unsigned)in[bit / 8] >> (8 - depth - bit % 8) & mask;

		memcpy(out, f->color[v], k);
	}
}

static void
look_up_bytes(uint8_t *out, const uint8_t *in, const struct fast *f, size_t k)
{
	if (k == 4)
		for (uint32_t x = 0; x < f->w; x++)
			memcpy(out + 4 * (size_t)x, f->color[in[x]], 4);
	else
		for (uint32_t x = 0; x < f->w; x++)
			memcpy(out + 3 * (size_t)x, f->color[in[x]], 3);
}

static void
expand(uint8_t *out, const uint8_t *in, const struct fast *f, size_t channels)
{
	if (f->type == GREY_ALPHA)
		for (uint32_t x = 0; x < f->w; x++, in += 2, out += 4) {
			out[0] = out[1] = out[2] = in[0];
			out[3] = in[1];
		}
	else if (f->type == PALETTE && f->depth == 8)
		look_up_bytes(out, in, f, channels);
	else if (f->depth < 8)
		look_up(out, in, f, channels);
	else
		memcpy(out, in, channels * f->w);
}

static bool
read_rows(struct fast *f, struct rows *r)
{
	static const uint8_t samples[] = { 1, 0, 3, 1, 2, 0, 4 };
	static const uint8_t channels[] = { 1, 0, 3, 3, 4, 0, 4 };
	size_t bits = (size_t)f->depth * samples[f->type];
	size_t bpp = (bits + 7) / 8, n = (f->w * bits + 7) / 8;
	int c = f->clear > 0 ? 4 : channels[f->type];

	f->flate = malloc(sizeof(*f->flate));
	f->row[0] = mem_array(n + PNG_FILTER_PAD, 1);
	f->row[1] = mem_array(n + PNG_FILTER_PAD, 1);
	if (f->flate == NULL || f->row[0] == NULL || f->row[1] == NULL ||
	    n + 1 > FLATE_MAX || rows_begin(r, f->w, f->h, c, NULL) == -1)
		return false;
	for (int i = 0; f->type == GREY && i < 1 << f->depth; i++)
		f->color[i][0] = (uint8_t)(i * 255 / ((1 << f->depth) - 1));
	flate_init(f->flate, f->idat, f->idat_n);
	for (uint32_t y = 0; y < f->h; y++) {
		const uint8_t *in = flate_take(f->flate, n + 1);
		uint8_t *row = f->row[y % 2];

		if (in == NULL || png_unfilter(row, in + 1, f->row[1 - y % 2],
				      n, bpp, in[0]) == -1)
			return false;
		expand(rows_at(r), row, f, (size_t)c);
		rows_push(r);
	}
	return flate_done(f->flate);
}

bool
png_fast(struct rows *r, const uint8_t *p, size_t n)
{
	struct fast f = { 0 };
	bool good = read_chunks(&f, p, n) && read_rows(&f, r);

	free(f.idat);
	free(f.flate);
	free(f.row[0]);
	free(f.row[1]);
	return good;
}
