#ifndef IMAGE_VIEWS_H
#define IMAGE_VIEWS_H

#include <stdint.h>
#include <string.h>

#include "image/features.h"

/*
 * The two views of a picture and the families over them.  Private to
 * lib/image; features.h says what each family is.  S is FEATURES_VIEW.
 */
enum { S = FEATURES_VIEW };

/* Bytes of no matter around a plane, which loops over whole rows read. */
enum { VIEW_MARGIN = 16, VIEW_PLANE = VIEW_MARGIN + S * S + VIEW_MARGIN };

struct view {
	uint8_t rgb[3][S * S];     /* composed over the background */
	uint8_t alpha[VIEW_PLANE]; /* from VIEW_MARGIN on, as grey */
	uint8_t grey[VIEW_PLANE];  /* (299 r + 587 g + 114 b + 500) / 1000 */
};

/* Votes of a view's gradients, in 8 x 8 cells of 16 x 16 pixels. */
enum { HOG_CELLS = 8, HOG_BINS = 18 };

struct votes {
	uint32_t at[HOG_CELLS][HOG_CELLS][HOG_BINS];
};

/*
 * For every gradient (|dx|, |dy|) its length and its direction within the
 * first quadrant, in fixed point: bits 31-16 16 * length, 15-0 direction in
 * 1/256 of a bin of 20 degrees.
 */
struct gradients {
	uint32_t at[256][256];
};

struct views {
	struct view wide, square; /* stretched and padded */
	struct votes votes;
	uint8_t code[S * S];
	uint32_t w, h; /* of the picture at full size */
	int has_alpha;
};

/* view_flat(planes, n, at): 1 when the eight pixels from ${at} on have equal
 * neighbours, left and right and above and below: in drawings, most. */
static inline int
view_flat(const uint8_t *const *planes, int n, int at)
{
	for (int p = 0; p < n; p++) {
		const uint8_t *px = planes[p] + at;

		if (memcmp(px - 1, px + 1, 8) != 0 ||
		    memcmp(px - S, px + S, 8) != 0)
			return 0;
	}
	return 1;
}

void gradients_init(struct gradients *g);

/* votes_of(v, g, planes, n): of each pixel but the border's, the longest
 * gradient of n planes votes for the two bins next to its direction. */
void votes_of(struct votes *v, const struct gradients *g,
    const uint8_t *const *planes, int n);

/* Each writes its values and returns the place behind them. */
float *hog_coarse(float *out, const struct votes *v); /* [4, 4, 18] */
float *hog_fine(float *out, const struct votes *v);   /* [8, 8, 9] */
float *lbp_whole(float *out, uint8_t *code, const uint8_t *px, int radius,
    int threshold); /* [59] */
float *lbp_quarters(
    float *out, uint8_t *code, const uint8_t *px, int radius); /* [5, 59] */
float *color_of(float *out, const struct view *v);             /* [416] */
float *layout_of(float *out, const struct view *v);            /* [192] */
float *moments_of(float *out, const struct view *v);           /* [26] */
float *shape_of(float *out, const struct view *v);             /* [110] */

#endif
