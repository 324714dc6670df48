#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/rows.h"

/*
 * Everything that a longjmp out of libpng must find again lives here, in
 * memory that is not a local of the function that called setjmp.
 */
struct reader {
	png_structp png;
	png_infop info;
	const uint8_t *p;
	size_t left;
	struct rows *rows;
	uint8_t **at; /* [h] row pointers, interlaced only */
	struct error *e;
	bool memory; /* was out */
};

static void
on_error(png_structp png, png_const_charp text)
{
	struct reader *d = png_get_error_ptr(png);

	/* An empty sentence means: the real one is there already. */
	if (d->memory)
		error_memory(d->e);
	else if (text[0] != '\0')
		error_set(d->e, "PNG: %s", text);
	png_longjmp(png, 1);
}

/*
 * libpng only warns of damaged ancillary chunks, which nobody needs here, but
 * also of pixel data whose checksum is wrong, and that is damage.  Bytes after
 * the end of the pixel data are none.
 */
static void
on_warning(png_structp png, png_const_charp text)
{
	if (strncmp(text, "IDAT", 4) == 0 &&
	    strstr(text, "Extra compressed data") == NULL &&
	    strstr(text, "Too much image data") == NULL)
		on_error(png, text);
}

static png_voidp
on_alloc(png_structp png, png_alloc_size_t n)
{
	struct reader *d = png_get_mem_ptr(png);
	void *p = malloc(n);

	if (p == NULL)
		d->memory = true;
	return p;
}

static void
on_free(png_structp png, png_voidp p)
{
	(void)png;
	free(p);
}

static void
on_read(png_structp png, png_bytep out, size_t n)
{
	struct reader *d = png_get_io_ptr(png);

	if (n > d->left) {
		error_set(d->e, "premature end of PNG file");
		png_error(png, "");
	}
	memcpy(out, d->p, n);
	d->p += n;
	d->left -= n;
}

/* Let libpng make 8-bit grey, RGB or RGBA of whatever there is. */
static int
transform(struct reader *d)
{
	int type = png_get_color_type(d->png, d->info);
	int alpha = (type & PNG_COLOR_MASK_ALPHA) != 0 ||
		    png_get_valid(d->png, d->info, PNG_INFO_tRNS) != 0;

	png_set_expand(d->png);
	png_set_strip_16(d->png);
	if (alpha)
		png_set_gray_to_rgb(d->png);
	if (alpha)
		return 4;
	return (type & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
}

static void
read_rows(struct reader *d)
{
	struct rows *r = d->rows;
	uint32_t w = png_get_image_width(d->png, d->info);
	uint32_t h = png_get_image_height(d->png, d->info);
	int channels = transform(d), passes, rc;

	passes = png_set_interlace_handling(d->png);
	png_read_update_info(d->png, d->info);
	rc = passes > 1 ? rows_whole(r, w, h, channels, d->e)
			: rows_begin(r, w, h, channels, d->e);
	if (rc == -1)
		png_error(d->png, "");
	if (png_get_rowbytes(d->png, d->info) != r->stride)
		png_error(d->png, "unexpected row size");
	if (passes == 1) {
		while (r->y < h) {
			png_read_row(d->png, rows_at(r), NULL);
			rows_push(r);
		}
		return;
	}
	d->at = calloc(h, sizeof(*d->at));
	if (d->at == NULL) {
		error_memory(d->e);
		png_error(d->png, "");
	}
	for (uint32_t y = 0; y < h; y++)
		d->at[y] = r->im.px + y * r->stride;
	/* After the first pass there is a picture, if a coarse one. */
	for (int pass = 0; pass < passes; pass++) {
		png_read_rows(d->png, NULL, d->at, h);
		r->y = h;
	}
}

static int
run(struct reader *d)
{
	static const png_byte skip[] = "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0"
				       "iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0"
				       "sPLT\0sRGB\0sTER\0tEXt\0tIME\0zTXt";
	uint32_t w, h;

	if (setjmp(png_jmpbuf(d->png)))
		return -1;
	png_set_read_fn(d->png, d, on_read);
	png_set_user_limits(d->png, 0x7fffffff, 0x7fffffff);
	png_set_chunk_malloc_max(d->png, IMAGE_MAX_CHUNK);
	png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
	png_set_keep_unknown_chunks(
	    d->png, PNG_HANDLE_CHUNK_NEVER, skip, sizeof(skip) / 5);
	png_read_info(d->png, d->info);
	w = png_get_image_width(d->png, d->info);
	h = png_get_image_height(d->png, d->info);
	if (image_limits(w, h, d->e) == -1)
		png_error(d->png, "");
	read_rows(d);
	png_read_end(d->png, NULL);
	return 0;
}

int
decode_png(struct rows *r, const uint8_t *p, size_t n, struct error *e)
{
	struct reader d = { .p = p, .left = n, .rows = r, .e = e };
	int rc = -1;

	d.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &d, on_error,
	    on_warning, &d, on_alloc, on_free);
	if (d.png != NULL)
		d.info = png_create_info_struct(d.png);
	if (d.info == NULL)
		error_memory(e);
	else
		rc = run(&d);
	png_destroy_read_struct(&d.png, &d.info, NULL);
	free(d.at);
	return rc;
}

const char *
image_png_version(void)
{
	return png_get_libpng_ver(NULL);
}
