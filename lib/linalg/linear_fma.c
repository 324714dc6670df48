#include "linalg/linear_kernels.h"

#if defined(__x86_64__)

#include "linalg/simd_portable.h"

#include "linalg/linear_plain.h"

const struct linear_kernels linear_fma = LINEAR_TABLE;

#endif
