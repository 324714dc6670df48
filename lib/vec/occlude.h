#ifndef VEC_OCCLUDE_H
#define VEC_OCCLUDE_H

#include "base/mem.h"
#include "vec/batch.h"

/*
 * Occlusion: what in an item counts is seen by taking pieces of it away (Zeiler
 * and Fergus 2014, https://arxiv.org/abs/1311.2901; of words: Li, Monroe and
 * Jurafsky 2016, https://arxiv.org/abs/1612.08220).
 *
 * An occluded part is a sequence in the space of a dense part.  Row 0 is the
 * item's vector, row i that of the item without piece i - 1.  The time of row i
 * says where the piece is: bytes [start, end) of a text; of a picture in cells,
 * which are counted row by row from the top left, start is the cell.
 */

enum { OCCLUDE_MOST = 256 }; /* pieces of an item */

/* occlude_mark: make ${run}, a JSON object without NUL, that of an occluded
 * part: in "words", or in "4x4" cells.  -1 when memory is out. */
int occlude_mark(struct buf *run, const char *pieces);

/* occlude_marked: whether it is one. */
int occlude_marked(const struct part *p);

#endif
