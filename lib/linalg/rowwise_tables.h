#ifndef LINALG_ROWWISE_TABLES_H
#define LINALG_ROWWISE_TABLES_H

#include "linalg/rowwise.h"

/* One table for each instruction set; rowwise_get chooses.  rowwise_fma is the
 * text of rowwise_portable, compiled for machines with the fused multiply-add.
 */
extern const struct rowwise rowwise_portable;
#if defined(__x86_64__)
extern const struct rowwise rowwise_fma;
extern const struct rowwise rowwise_avx2;
extern const struct rowwise rowwise_avx512;
#endif

/* The functions of rowwise_kernels.h and one of attention_*.h. */
#define ROWWISE_TABLE(set)                                                     \
	{                                                                      \
		.name = set, .layer_norm = k_layer_norm,                       \
		.rms_norm = k_rms_norm, .unit = k_unit, .add = k_add,          \
		.mean = k_mean, .max = k_max, .attention = k_attention,        \
	}

#endif
