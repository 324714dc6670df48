#include "linalg/simd_portable.h"

#include "linalg/linear_plain.h"

const struct linear_kernels linear_portable = LINEAR_TABLE;
