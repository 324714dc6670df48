#include "linalg/rowwise_tables.h"

#if defined(__x86_64__)

#include "linalg/simd_portable.h"

#include "linalg/rowwise_kernels.h"

#include "linalg/attention_portable.h"

const struct rowwise rowwise_fma = ROWWISE_TABLE("portable");

#endif
