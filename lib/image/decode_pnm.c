#include <string.h>

#include "base/error.h"
#include "image/pnm.h"
#include "image/rows.h"

/* Only the first picture of a file is read. */

struct pnm {
	const uint8_t *p, *end;
	int kind;
	uint32_t w, h, depth, max;
};

static int
cut_short(struct error *e)
{
	return error_set(e, "premature end of PNM file");
}

static bool
is_space(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Skip white space and comments, which begin at # and end with the line. */
static void
skip_space(struct pnm *f)
{
	while (f->p < f->end) {
		if (*f->p == '#')
			while (f->p < f->end && *f->p != '\n')
				f->p++;
		else if (is_space(*f->p))
			f->p++;
		else
			return;
	}
}

/* A decimal number of at most ${max} after white space. */
static int
number(struct pnm *f, uint32_t max, uint32_t *out, struct error *e)
{
	uint32_t v = 0;

	skip_space(f);
	if (f->p == f->end)
		return cut_short(e);
	if (*f->p < '0' || *f->p > '9')
		return error_set(e, "PNM: a number is missing");
	for (; f->p < f->end && *f->p >= '0' && *f->p <= '9'; f->p++) {
		v = v * 10 + (uint32_t)(*f->p - '0');
		if (v > max)
			return error_set(
			    e, "PNM: number exceeds %u", (unsigned)max);
	}
	*out = v;
	return 0;
}

/* Sizes up to ten million are told apart from nonsense by image_limits(). */
enum { SIZE_MAX_READ = 10000000 };

static int
size_header(struct pnm *f, struct error *e)
{
	if (number(f, SIZE_MAX_READ, &f->w, e) == -1 ||
	    number(f, SIZE_MAX_READ, &f->h, e) == -1)
		return -1;
	f->depth = f->kind == 3 || f->kind == 6 ? 3 : 1;
	f->max = 1;
	if (f->kind != 1 && f->kind != 4 && number(f, 65535, &f->max, e) == -1)
		return -1;
	if (f->kind < 4)
		return 0;
	/* One white space, and then the samples. */
	if (f->p == f->end)
		return cut_short(e);
	if (!is_space(*f->p++))
		return error_set(e, "PNM: no white space after the header");
	return 0;
}

static bool
word(struct pnm *f, const char *s)
{
	size_t n = strlen(s);

	if ((size_t)(f->end - f->p) <= n || memcmp(f->p, s, n) != 0 ||
	    !is_space(f->p[n]))
		return false;
	f->p += n;
	return true;
}

/*
 * PAM's header: lines of a word and a value.  The tuple type is a comment on
 * what the channels mean; their number decides here, as in most readers.
 */
static int
pam_header(struct pnm *f, struct error *e)
{
	for (;;) {
		int rc = 0;

		skip_space(f);
		if (f->p == f->end)
			return cut_short(e);
		if (word(f, "ENDHDR"))
			break;
		if (word(f, "WIDTH"))
			rc = number(f, SIZE_MAX_READ, &f->w, e);
		else if (word(f, "HEIGHT"))
			rc = number(f, SIZE_MAX_READ, &f->h, e);
		else if (word(f, "DEPTH"))
			rc = number(f, SIZE_MAX_READ, &f->depth, e);
		else if (word(f, "MAXVAL"))
			rc = number(f, 65535, &f->max, e);
		else if (word(f, "TUPLTYPE"))
			while (f->p < f->end && *f->p != '\n')
				f->p++;
		else
			return error_set(e, "PAM: unknown line in header");
		if (rc == -1)
			return -1;
	}
	f->p++;
	if (f->depth < 1 || f->depth > 4)
		return error_set(
		    e, "PAM: depth %u is not 1 to 4", (unsigned)f->depth);
	return 0;
}

int
pnm_header(struct pnm_header *out, const uint8_t *p, size_t n, struct error *e)
{
	struct pnm f = { .p = p + 2, .end = p + n, .kind = p[1] - '0' };

	if ((f.kind == 7 ? pam_header(&f, e) : size_header(&f, e)) == -1)
		return -1;
	if (f.max == 0)
		return error_set(e, "PNM: the maximum is 0");
	*out = (struct pnm_header){ f.kind, f.w, f.h, f.depth, f.max, f.p };
	return 0;
}

/* To 0..255: exact for 255, v >> 8 for 65535, rounded to nearest else. */
static uint8_t
to_byte(uint32_t v, uint32_t max)
{
	if (max == 255)
		return (uint8_t)v;
	if (max == 65535)
		return (uint8_t)(v >> 8);
	return (uint8_t)((v * 255 + max / 2) / max);
}

static int
sample(struct pnm *f, uint32_t *out, struct error *e)
{
	if (f->kind == 1) {
		skip_space(f);
		if (f->p == f->end)
			return cut_short(e);
		if (*f->p != '0' && *f->p != '1')
			return error_set(e, "PNM: a bit is neither 0 nor 1");
		*out = *f->p++ == '0';
		return 0;
	}
	if (f->kind < 4) {
		if (number(f, 65535, out, e) == -1)
			return -1;
	} else {
		size_t n = f->max > 255 ? 2 : 1;

		if ((size_t)(f->end - f->p) < n)
			return cut_short(e);
		*out = n == 2 ? (uint32_t)f->p[0] << 8 | f->p[1] : f->p[0];
		f->p += n;
	}
	if (*out > f->max)
		return error_set(e, "PNM: sample exceeds the maximum of %u",
		    (unsigned)f->max);
	return 0;
}

static int
bit_row(struct pnm *f, uint8_t *row, struct error *e)
{
	uint32_t bytes = (f->w + 7) / 8;

	if ((size_t)(f->end - f->p) < bytes)
		return cut_short(e);
	for (uint32_t x = 0; x < f->w; x++)
		row[x] = f->p[x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
	f->p += bytes;
	return 0;
}

/* One row: depth 2 (grey and alpha) becomes RGBA. */
static int
sample_row(struct pnm *f, uint8_t *row, struct error *e)
{
	size_t n = (size_t)f->w * f->depth;
	uint32_t v;

	if (f->kind > 4 && f->max == 255 && f->depth != 2) {
		if ((size_t)(f->end - f->p) < n)
			return cut_short(e);
		memcpy(row, f->p, n);
		f->p += n;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (sample(f, &v, e) == -1)
			return -1;
		if (f->depth != 2) {
			row[i] = to_byte(v, f->max);
		} else if (i % 2 == 0) {
			memset(row, to_byte(v, f->max), 3);
		} else {
			row[3] = to_byte(v, f->max);
			row += 4;
		}
	}
	return 0;
}

int
decode_pnm(struct rows *r, const uint8_t *p, size_t n, struct error *e)
{
	struct pnm_header h;
	struct pnm f;
	int rc;

	if (pnm_header(&h, p, n, e) == -1 || image_limits(h.w, h.h, e) == -1)
		return -1;
	f = (struct pnm){ h.data, p + n, h.kind, h.w, h.h, h.depth, h.max };
	if (rows_begin(r, h.w, h.h, h.depth == 2 ? 4 : (int)h.depth, e) == -1)
		return -1;
	while (r->y < h.h) {
		rc = h.kind == 4 ? bit_row(&f, rows_at(r), e)
				 : sample_row(&f, rows_at(r), e);
		if (rc == -1)
			return -1;
		rows_push(r);
	}
	return 0;
}
