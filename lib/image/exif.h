#ifndef IMAGE_EXIF_H
#define IMAGE_EXIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * EXIF (JEITA CP-3451): a small TIFF file inside a JPEG's APP1 segment or a
 * PNG's eXIf chunk.  Only reading, only the few fields below.  Anything that
 * is damaged, cut or points outside counts as absent; nothing can fail and
 * nothing is allocated.  Strings point into the bytes given.
 */
struct exif_text {
	const char *s; /* NULL when absent; not NUL-terminated */
	size_t n;
};

struct exif {
	bool present;
	int orientation; /* 1..8, 1 when absent or invalid */
	struct exif_text make, model, software, artist, copyright;
	struct exif_text description;
	struct exif_text datetime; /* when taken, else when changed */
	bool has_gps;
	double lat, lon; /* degrees, north and east positive */
};

/* exif_find(p, n, out, len): the TIFF bytes in a picture of n bytes; a
 * pointer into p: [n] with *len, or NULL. */
const uint8_t *exif_find(const uint8_t *p, size_t n, size_t *len);

/* exif_read(x, tiff, n): read the fields of tiff: [n]. */
void exif_read(struct exif *x, const uint8_t *tiff, size_t n);

/* exif_orientation(p, n): of a picture of n bytes, 1..8. */
int exif_orientation(const uint8_t *p, size_t n);

#endif
