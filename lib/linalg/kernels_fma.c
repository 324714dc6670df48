#include "linalg/kernels.h"

#if defined(__x86_64__)

#include "linalg/simd_portable.h"

#include "linalg/gemm_portable.h"
#include "linalg/mathd_kernels.h"
#include "linalg/mathf_kernels.h"
#include "linalg/table_kernels.h"
#include "linalg/vec_kernels.h"

const struct linalg linalg_fma = LINALG_TABLE("portable");

#endif
