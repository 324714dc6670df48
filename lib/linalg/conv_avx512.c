#include "linalg/conv_impl.h"

#if defined(__x86_64__)

#include "linalg/simd_avx512.h"

#include "linalg/conv_kernels.h"
#include "linalg/conv_tile.h"

const struct conv_kernels conv_avx512 = CONV_TABLE(k_dense);

#endif
