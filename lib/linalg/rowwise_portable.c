#include "linalg/rowwise_tables.h"

#include "linalg/simd_portable.h"

#include "linalg/rowwise_kernels.h"

#include "linalg/attention_portable.h"

const struct rowwise rowwise_portable = ROWWISE_TABLE("portable");
