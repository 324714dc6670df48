#include "linalg/kernels.h"

#include "linalg/simd_portable.h"

#include "linalg/gemm_portable.h"
#include "linalg/mathd_kernels.h"
#include "linalg/mathf_kernels.h"
#include "linalg/table_kernels.h"
#include "linalg/vec_kernels.h"

const struct linalg linalg_portable = LINALG_TABLE("portable");
