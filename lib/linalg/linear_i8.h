#ifndef LINALG_LINEAR_I8_H
#define LINALG_LINEAR_I8_H

#include "linalg/linear.h"

/* The i8 half of linear.h, which calls these; see there. */

size_t linear_i8_size(uint32_t in, uint32_t out);
void linear_i8_pack(
    void *packed, const float *W, size_t ldw, uint32_t in, uint32_t out);
size_t linear_i8_room(uint32_t in, size_t rows);
void linear_i8_run(enum isa isa, float *y, size_t ldy, const float *x,
    size_t ldx, size_t rows, const struct linear *l,
    const struct linear_after *after, void *room);

#endif
