#ifndef LINALG_KERNELS_H
#define LINALG_KERNELS_H

#include "linalg/linalg.h"

/*
 * One table for each instruction set; linalg_get chooses.  linalg_fma is the
 * text of linalg_portable, compiled for machines that have the fused
 * multiply-add as an instruction.
 */
extern const struct linalg linalg_portable;
#if defined(__x86_64__)
extern const struct linalg linalg_fma;
extern const struct linalg linalg_avx2;
extern const struct linalg linalg_avx512;
#endif

#endif
