#include "image/exif.h"

#include <string.h>

#include "image/image.h"
#include "image/segments.h"

/* The tags we know: TIFF 6.0 and Exif 2.32. */
enum {
	DESCRIPTION = 0x010e,
	MAKE = 0x010f,
	MODEL = 0x0110,
	ORIENTATION = 0x0112,
	SOFTWARE = 0x0131,
	DATETIME = 0x0132,
	ARTIST = 0x013b,
	COPYRIGHT = 0x8298,
	EXIF_IFD = 0x8769,
	GPS_IFD = 0x8825,
	TAKEN = 0x9003,
	LAT_REF = 1,
	LAT = 2,
	LON_REF = 3,
	LON = 4,
};

/* Field types. */
enum { ASCII = 2, SHORT = 3, LONG = 4, RATIONAL = 5 };

struct tiff {
	const uint8_t *p;
	size_t n;
	bool big; /* endian */
};

/* One field of a directory, its value inside the file. */
struct field {
	uint32_t tag, type, count;
	const uint8_t *value;
};

static uint32_t
u16(const struct tiff *t, const uint8_t *p)
{
	return t->big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t
u32(const struct tiff *t, const uint8_t *p)
{
	return t->big ? u16(t, p) << 16 | u16(t, p + 2)
		      : u16(t, p + 2) << 16 | u16(t, p);
}

/* The field at p, 12 bytes of it; false if its value is not in the file. */
static bool
field_at(const struct tiff *t, const uint8_t *p, struct field *f)
{
	static const uint8_t size[] = { 0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8 };
	uint64_t bytes;

	f->tag = u16(t, p);
	f->type = u16(t, p + 2);
	f->count = u32(t, p + 4);
	if (f->type == 0 || f->type >= sizeof(size))
		return false;
	bytes = (uint64_t)size[f->type] * f->count;
	if (bytes <= 4) {
		f->value = p + 8;
		return true;
	}
	if (u32(t, p + 8) > t->n || bytes > t->n - u32(t, p + 8))
		return false;
	f->value = t->p + u32(t, p + 8);
	return true;
}

/* Fields of the directory at ${at} that are there; their number goes to *n. */
static const uint8_t *
directory(const struct tiff *t, uint32_t at, uint32_t *n)
{
	size_t room;

	*n = 0;
	if (at > t->n || t->n - at < 2)
		return NULL;
	room = (t->n - at - 2) / 12;
	*n = u16(t, t->p + at);
	if (*n > room)
		*n = (uint32_t)room;
	return t->p + at + 2;
}

static void
text(struct exif_text *out, const struct field *f)
{
	size_t n = f->count;
	const void *nul;

	if (f->type != ASCII)
		return;
	nul = memchr(f->value, '\0', n);
	if (nul != NULL)
		n = (size_t)((const uint8_t *)nul - f->value);
	while (n > 0 && f->value[n - 1] == ' ')
		n--;
	if (n > 0)
		*out = (struct exif_text){ (const char *)f->value, n };
}

/* Degrees, minutes and seconds, three ratios; false when not a number. */
static bool
degrees(const struct tiff *t, const struct field *f, double *out)
{
	static const double part[] = { 1, 60, 3600 };
	double v = 0;

	if (f->type != RATIONAL || f->count != 3)
		return false;
	for (int i = 0; i < 3; i++) {
		uint32_t a = u32(t, f->value + 8 * i);
		uint32_t b = u32(t, f->value + 8 * i + 4);

		if (b == 0 && a != 0)
			return false;
		if (b != 0)
			v += (double)a / b / part[i];
	}
	*out = v;
	return true;
}

static void
read_gps(struct exif *x, const struct tiff *t, uint32_t at)
{
	bool lat = false, lon = false, south = false, west = false;
	struct field f;
	const uint8_t *p;
	uint32_t n;

	p = directory(t, at, &n);
	for (uint32_t i = 0; i < n; i++) {
		if (!field_at(t, p + 12 * i, &f))
			continue;
		if (f.tag == LAT_REF && f.type == ASCII && f.count > 0)
			south = f.value[0] == 'S';
		else if (f.tag == LON_REF && f.type == ASCII && f.count > 0)
			west = f.value[0] == 'W';
		else if (f.tag == LAT)
			lat = degrees(t, &f, &x->lat);
		else if (f.tag == LON)
			lon = degrees(t, &f, &x->lon);
	}
	x->has_gps = lat && lon && x->lat <= 90 && x->lon <= 180;
	if (!x->has_gps)
		x->lat = x->lon = 0;
	if (south)
		x->lat = -x->lat;
	if (west)
		x->lon = -x->lon;
}

static void
read_taken(struct exif *x, const struct tiff *t, uint32_t at)
{
	struct field f;
	const uint8_t *p;
	uint32_t n;

	p = directory(t, at, &n);
	for (uint32_t i = 0; i < n; i++)
		if (field_at(t, p + 12 * i, &f) && f.tag == TAKEN)
			text(&x->datetime, &f);
}

static bool
is_offset(const struct field *f)
{
	return f->type == LONG && f->count == 1;
}

void
exif_read(struct exif *x, const uint8_t *tiff, size_t n)
{
	struct tiff t = { tiff, n, false };
	uint32_t fields, taken = 0, gps = 0;
	const uint8_t *p;
	struct field f;

	*x = (struct exif){ .orientation = 1 };
	if (n < 8)
		return;
	t.big = tiff[0] == 'M';
	if (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0)
		return;
	x->present = true;
	p = directory(&t, u32(&t, tiff + 4), &fields);
	for (uint32_t i = 0; i < fields; i++) {
		if (!field_at(&t, p + 12 * i, &f))
			continue;
		switch (f.tag) {
		case DESCRIPTION:
			text(&x->description, &f);
			break;
		case MAKE:
			text(&x->make, &f);
			break;
		case MODEL:
			text(&x->model, &f);
			break;
		case SOFTWARE:
			text(&x->software, &f);
			break;
		case ARTIST:
			text(&x->artist, &f);
			break;
		case COPYRIGHT:
			text(&x->copyright, &f);
			break;
		case DATETIME:
			text(&x->datetime, &f);
			break;
		case ORIENTATION:
			if (f.type == SHORT && f.count == 1 &&
			    u16(&t, f.value) >= 1 && u16(&t, f.value) <= 8)
				x->orientation = (int)u16(&t, f.value);
			break;
		case EXIF_IFD:
			taken = is_offset(&f) ? u32(&t, f.value) : 0;
			break;
		case GPS_IFD:
			gps = is_offset(&f) ? u32(&t, f.value) : 0;
			break;
		}
	}
	if (taken != 0)
		read_taken(x, &t, taken);
	if (gps != 0)
		read_gps(x, &t, gps);
}

static const uint8_t *
find_jpeg(const uint8_t *p, size_t n, size_t *len)
{
	struct segments w = segments_jpeg(p, n);
	struct segment s;

	while (segments_next_jpeg(&w, &s))
		if (s.tag == 0xe1 && s.n > 6 &&
		    memcmp(s.data, "Exif\0\0", 6) == 0) {
			*len = s.n - 6;
			return s.data + 6;
		}
	return NULL;
}

static const uint8_t *
find_png(const uint8_t *p, size_t n, size_t *len)
{
	struct segments w = segments_png(p, n);
	struct segment s;

	while (segments_next_png(&w, &s))
		if (s.tag == PNG_TAG('e', 'X', 'I', 'f')) {
			*len = s.n;
			return s.data;
		}
	return NULL;
}

const uint8_t *
exif_find(const uint8_t *p, size_t n, size_t *len)
{
	*len = 0;
	switch (image_type(p, n)) {
	case IMAGE_JPEG:
		return find_jpeg(p, n, len);
	case IMAGE_PNG:
		return find_png(p, n, len);
	default:
		return NULL;
	}
}

int
exif_orientation(const uint8_t *p, size_t n)
{
	struct exif x = { .orientation = 1 };
	const uint8_t *tiff;
	size_t len;

	tiff = exif_find(p, n, &len);
	if (tiff != NULL)
		exif_read(&x, tiff, len);
	return x.orientation;
}
