#include "image/segments.h"

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

struct segments
segments_png(const uint8_t *p, size_t n)
{
	return (struct segments){ p + 8, p + n };
}

struct segments
segments_jpeg(const uint8_t *p, size_t n)
{
	return (struct segments){ p + 2, p + n };
}

/* PNG, section 5.3: length, type, data, CRC. */
bool
segments_next_png(struct segments *w, struct segment *s)
{
	size_t left = (size_t)(w->end - w->p);

	if (left < 12 || be32(w->p) > left - 12)
		return false;
	s->n = be32(w->p);
	s->tag = be32(w->p + 4);
	s->data = w->p + 8;
	w->p += s->n + 12;
	return true;
}

/* ITU-T T.81, annex B: FF, marker, length that counts itself, data. */
bool
segments_next_jpeg(struct segments *w, struct segment *s)
{
	enum { TEM = 0x01, RST0 = 0xd0, EOI = 0xd9, SOS = 0xda };

	for (;;) {
		size_t left, n;
		uint32_t tag;

		while (w->p < w->end && *w->p != 0xff)
			w->p++;
		while (w->p < w->end && *w->p == 0xff)
			w->p++;
		if (w->p == w->end)
			return false;
		tag = *w->p++;
		if (tag == SOS || tag == EOI)
			return false;
		if (tag == 0 || tag == TEM || (tag >= RST0 && tag < EOI))
			continue;
		left = (size_t)(w->end - w->p);
		if (left < 2)
			return false;
		n = (size_t)w->p[0] << 8 | w->p[1];
		if (n < 2 || n > left)
			return false;
		*s = (struct segment){ tag, w->p + 2, n - 2 };
		w->p += n;
		return true;
	}
}
