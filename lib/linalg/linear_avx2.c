#include "linalg/linear_kernels.h"

#if defined(__x86_64__)

#include "linalg/simd_avx2.h"

#include "linalg/linear_fast.h"

const struct linear_kernels linear_avx2 = LINEAR_TABLE;

#endif
