#ifndef IMAGE_CELLS_H
#define IMAGE_CELLS_H

#include "base/error.h"
#include "image/image.h"

/*
 * A picture of which one cell after another is hidden: a grid of side x side
 * cells, counted row by row from the top left; a hidden one has the picture's
 * mean colour, which says least.  Cells of a picture of fewer pixels than cells
 * may be empty.
 */
struct cells {
	struct image *im; /* borrowed */
	uint32_t side;
	uint8_t mean[4]; /* of each channel */
	uint8_t *kept;   /* what was in the hidden cell */
};

int cells_init(
    struct cells *c, struct image *im, uint32_t side, struct error *e);
void cells_free(struct cells *c);

/* cells_hide, cells_show: cell k < side^2, one at a time. */
void cells_hide(struct cells *c, uint32_t k);
void cells_show(struct cells *c, uint32_t k);

#endif
