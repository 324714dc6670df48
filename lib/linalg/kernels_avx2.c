#include "linalg/kernels.h"

#if defined(__x86_64__)

#include "linalg/simd_avx2.h"

#include "linalg/gemm_kernels.h"
#include "linalg/mathd_kernels.h"
#include "linalg/mathf_kernels.h"
#include "linalg/table_kernels.h"
#include "linalg/vec_kernels.h"

const struct linalg linalg_avx2 = LINALG_TABLE("avx2");

#endif
