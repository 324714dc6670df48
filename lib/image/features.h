#ifndef IMAGE_FEATURES_H
#define IMAGE_FEATURES_H

#include <stddef.h>
#include <stdint.h>

#include "image/image.h"

struct error;

/*
 * The built-in features: a picture in, one vector of floats out, by rule and
 * without weights.  They look at two views of FEATURES_VIEW^2 pixels, the
 * picture stretched to a square and the picture padded to one with the
 * background, both composed over the background.  Families can be chosen by
 * name; a vector is the chosen ones end to end, in the order of this table
 * (S stretched, Q padded view):
 *
 *	hog		288	gradients of Q: 4 x 4 cells of 18 signed
 *				directions, each the mean of its values under
 *				the norms of the four blocks around it
 *	hog-fine	576	of Q: 8 x 8 cells, 9 unsigned directions
 *	hog-wide	288	as hog, of S
 *	hog-wide-fine	576	as hog-fine, of S
 *	lbp		767	local binary patterns, 59 uniform bins: of S at
 *				radius 1 and 3, whole and in quarters, at
 *				radius 2 with a threshold; of Q at 1 and 3
 *	color		416	of the upper and lower half of S: 4 x 4 x 4 RGB
 *				bins; 12 x 3 x 4 bins of hue, saturation, value
 *	layout		192	8 x 8 mean colours of S: Y, B - Y, R - Y
 *	moments		26	of S: mean, deviation and skewness of six
 *				channels; 8 bins of gradient length
 *	shape		457	of the alpha of Q (opaque inside, where there is
 *				none): 8 x 8 mean cover, moments, profiles, its
 *				gradients as in hog, its patterns at radius 2
 *	aspect		3	log w / h, log w h, whether there is alpha
 *
 * Histograms are square roots of shares.  All sums are of integers, so they
 * have no order; HOG: Dalal and Triggs, doi:10.1109/CVPR.2005.177, with the
 * norms of Felzenszwalb et al., doi:10.1109/TPAMI.2009.167; LBP: Ojala et
 * al., doi:10.1109/TPAMI.2002.1017623.
 *
 * Pictures come decoded with image_how.side = FEATURES_SIDE and the same
 * background, which composes them.  Functions return -1 with a sentence in *e.
 */

enum {
	FEATURES_VERSION = 1, /* raised by every change of a number */
	FEATURES_VIEW = 128,  /* pixels, width and height of both views */
	FEATURES_SIDE = 128   /* for image_how.side */
};

#define FEATURES_DEFAULT "hog,lbp,color,layout,moments,shape,aspect"

struct features; /* opaque; shared by threads */

/*
 * features_new(names, background, e): plan for the families ${names}, between
 * commas; NULL means FEATURES_DEFAULT and "all" every one.  NULL on error.
 */
struct features *features_new(
    const char *names, const uint8_t background[3], struct error *e);
void features_free(struct features *f); /* NULL is fine */

/* features_dim: the length of a vector.  features_names: the families in
 * their order, between commas; owned by f. */
size_t features_dim(const struct features *f);
const char *features_names(const struct features *f);

/* features_column(f, i, out): the name of column i, "lbp.17", into out: [n],
 * NUL-terminated. */
void features_column(const struct features *f, size_t i, char *out, size_t n);

struct views; /* opaque: the scratch memory of one thread, 200 kB */

struct views *views_new(void); /* NULL when memory is out */
void views_free(struct views *v);

/* features_of(f, v, im, out, e): the features of im into out: [dim]. */
int features_of(const struct features *f, struct views *v,
    const struct image *im, float *out, struct error *e);

#endif
