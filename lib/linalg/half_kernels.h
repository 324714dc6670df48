#ifndef LINALG_HALF_KERNELS_H
#define LINALG_HALF_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* The first n / 8 * 8 numbers of half.h's functions; how many were done. */
size_t half_from_floats_avx2(uint16_t *h, const float *x, size_t n);
size_t half_to_floats_avx2(float *x, const uint16_t *h, size_t n);

#endif
