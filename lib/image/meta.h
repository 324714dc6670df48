#ifndef IMAGE_META_H
#define IMAGE_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "image/exif.h"
#include "image/image.h"

struct error;

/*
 * What a picture's file says of itself, without decoding pixels: size and
 * kind, the text chunks of a PNG, the comments of a JPEG, EXIF basics.
 * Functions return 0 or -1 with a sentence in *e.  Text becomes UTF-8: tEXt
 * and zTXt are Latin-1 and iTXt is UTF-8 as the PNG standard says (ill-formed
 * bytes become U+FFFD); JPEG comments and EXIF strings are taken as UTF-8
 * where they are valid UTF-8, and as Latin-1 otherwise.  NUL is dropped.
 */

enum { /* what goes beyond is dropped, and meta.cut is set */
	META_MAX_TEXTS = 256,     /* keywords */
	META_MAX_BYTES = 1 << 20, /* of all texts together, decompressed */
};

struct meta {
	enum image_type type;
	uint32_t w, h;     /* as stored, before the EXIF orientation */
	int depth;         /* bits of a sample */
	const char *color; /* "grey", "grey-alpha", "rgb", "rgba", "palette",
			    * "cmyk"; static */
	/* PNG: texts by keyword in the order of their first chunk; chunks of
	 * one keyword are joined by newlines. */
	struct meta_text *texts; /* [n] */
	size_t n, cap, bytes;
	struct buf comment; /* JPEG: its comments, joined likewise */
	struct exif exif;   /* strings point into the file's bytes */
	bool cut;           /* texts were dropped */
	bool damaged;       /* a chunk is cut or has a wrong checksum */
};

struct meta_text {
	struct buf key, value;
};

/*
 * meta_read(m, p, n, e): read the picture file p: [n].  -1 when it is of no
 * known type ("unknown image type") or its size cannot be read; whatever else
 * is damaged counts as absent.  Release with meta_free.
 */
int meta_read(struct meta *m, const void *p, size_t n, struct error *e);
void meta_free(struct meta *m);

/*
 * meta_put(out, m): append the members of a JSON object, a comma before each:
 *
 *	,"format":"png","width":3,"height":2,"depth":8,"color":"rgb",
 *	"text":{"Title":"..."},"comment":"...","exif":{"orientation":6,...},
 *	"cut":true,"damaged":true
 *
 * Empty and false ones are left out.  0, or -1 when memory is out.
 */
int meta_put(struct buf *out, const struct meta *m);

#endif
