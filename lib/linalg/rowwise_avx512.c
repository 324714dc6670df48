#include "linalg/rowwise_tables.h"

#if defined(__x86_64__)

#include "linalg/simd_avx512.h"

#include "linalg/rowwise_kernels.h"

#include "linalg/attention_kernels.h"

const struct rowwise rowwise_avx512 = ROWWISE_TABLE("avx512");

#endif
