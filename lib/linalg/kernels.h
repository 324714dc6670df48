#ifndef LINALG_KERNELS_H
#define LINALG_KERNELS_H

#include "linalg/linalg.h"

/* One table for each instruction set; linalg_get chooses. */
extern const struct linalg linalg_portable;
#if defined(__x86_64__)
extern const struct linalg linalg_avx2;
extern const struct linalg linalg_avx512;
#endif

#endif
