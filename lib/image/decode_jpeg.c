#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/error.h"
#include "image/rows.h"

/*
 * Everything that a longjmp out of libjpeg must find again.  err and progress
 * come first in their own structs, because libjpeg hands their address back.
 */
struct reader {
	struct jpeg_error_mgr err;
	struct jpeg_progress_mgr progress;
	struct jpeg_decompress_struct jpeg;
	jmp_buf back;
	struct rows *rows;
	struct error *e;
	bool warned;
};

static struct reader *
of(j_common_ptr jpeg)
{
	return jpeg->client_data;
}

static _Noreturn void
leave(struct reader *d)
{
	longjmp(d->back, 1);
}

/* libjpeg's sentence, begun in lower case as all of ours are. */
static void
sentence(j_common_ptr jpeg)
{
	char text[JMSG_LENGTH_MAX];

	jpeg->err->format_message(jpeg, text);
	if (text[0] >= 'A' && text[0] <= 'Z' &&
	    (text[1] < 'A' || text[1] > 'Z'))
		text[0] = (char)(text[0] - 'A' + 'a');
	error_set(of(jpeg)->e, "%s", text);
}

static _Noreturn void
on_error(j_common_ptr jpeg)
{
	if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY)
		error_memory(of(jpeg)->e);
	else
		sentence(jpeg);
	leave(of(jpeg));
}

/* Level -1 is a warning: the data is damaged and what follows is a guess. */
static void
on_message(j_common_ptr jpeg, int level)
{
	struct reader *d = of(jpeg);

	if (level >= 0 || d->warned)
		return;
	d->warned = true;
	sentence(jpeg);
	if (!d->rows->how.keep)
		leave(d);
}

static void
on_progress(j_common_ptr jpeg)
{
	struct reader *d = of(jpeg);

	if (d->jpeg.input_scan_number <= IMAGE_MAX_SCANS)
		return;
	error_set(d->e, "more than %d scans", IMAGE_MAX_SCANS);
	leave(d);
}

/* The largest of 1, 2, 4, 8 that leaves both sides at least ${side}. */
static unsigned
denominator(const struct jpeg_decompress_struct *j, uint32_t side)
{
	unsigned k = 1;

	while (side > 0 && k < 8 && j->image_width / (2 * k) >= side &&
	       j->image_height / (2 * k) >= side)
		k *= 2;
	return k;
}

static int
colour(struct reader *d)
{
	struct jpeg_decompress_struct *j = &d->jpeg;

	switch (j->jpeg_color_space) {
	case JCS_GRAYSCALE:
		j->out_color_space = JCS_GRAYSCALE;
		return 1;
	case JCS_RGB:
	case JCS_YCbCr:
		j->out_color_space = JCS_RGB;
		return 3;
	case JCS_CMYK:
	case JCS_YCCK:
		j->out_color_space = JCS_CMYK;
		return 4;
	default:
		error_set(d->e, "unsupported colour space of %d components",
		    j->num_components);
		leave(d);
	}
}

/*
 * Adobe stores ink upside down, 255 for none, and so does everybody since:
 * the stored c is 255 - C.  R = K' - C K' / 255, with K' the stored k.
 */
static void
from_cmyk(uint8_t *out, const uint8_t *in, uint32_t w)
{
	for (uint32_t x = 0; x < w; x++, in += 4, out += 3)
		for (int i = 0; i < 3; i++) {
			uint32_t t = (255u - in[i]) * in[3] + 128;

			out[i] = (uint8_t)(in[3] - ((t + (t >> 8)) >> 8));
		}
}

static void
read_rows(struct reader *d)
{
	struct jpeg_decompress_struct *j = &d->jpeg;
	struct rows *r = d->rows;
	int channels = colour(d);
	JSAMPARRAY ink = NULL;

	j->dct_method = JDCT_ISLOW;
	j->do_fancy_upsampling = TRUE;
	j->scale_num = 1;
	j->scale_denom = denominator(j, r->how.side);
	jpeg_start_decompress(j);
	if (rows_begin(r, j->output_width, j->output_height,
		channels == 4 ? 3 : channels, d->e) == -1)
		leave(d);
	r->im.full_w = j->image_width;
	r->im.full_h = j->image_height;
	if (channels == 4)
		ink = j->mem->alloc_sarray(
		    (j_common_ptr)j, JPOOL_IMAGE, j->output_width * 4, 1);
	while (r->y < r->h) {
		JSAMPROW row = ink != NULL ? ink[0] : rows_at(r);

		jpeg_read_scanlines(j, &row, 1);
		if (ink != NULL)
			from_cmyk(rows_at(r), ink[0], r->w);
		rows_push(r);
	}
	jpeg_finish_decompress(j);
}

static int
run(struct reader *d, const uint8_t *p, size_t n)
{
	if (setjmp(d->back))
		return -1;
	jpeg_create_decompress(&d->jpeg);
	d->jpeg.progress = &d->progress;
	jpeg_mem_src(&d->jpeg, p, (unsigned long)n);
	jpeg_read_header(&d->jpeg, TRUE);
	if (image_limits(d->jpeg.image_width, d->jpeg.image_height, d->e) == -1)
		leave(d);
	read_rows(d);
	return d->warned ? -1 : 0;
}

int
decode_jpeg(struct rows *r, const uint8_t *p, size_t n, struct error *e)
{
	struct reader d = { .rows = r, .e = e };
	int rc;

	d.jpeg.err = jpeg_std_error(&d.err);
	d.jpeg.client_data = &d;
	d.err.error_exit = on_error;
	d.err.emit_message = on_message;
	d.progress.progress_monitor = on_progress;
	rc = run(&d, p, n);
	jpeg_destroy_decompress(&d.jpeg);
	return rc;
}

/* The version is a bare 2.1.5 in jconfig.h; other libjpegs have none. */
#ifdef LIBJPEG_TURBO_VERSION
#define WORD(x)    #x
#define VERSION(x) WORD(x)
#else
#define VERSION(x) "none"
#endif

const char *
image_jpeg_version(void)
{
	return VERSION(LIBJPEG_TURBO_VERSION);
}
