#ifndef LINALG_TABLE_KERNELS_H
#define LINALG_TABLE_KERNELS_H

/* The functions of the headers before it, in the order of struct linalg. */
#define LINALG_TABLE(set)                                                      \
	{                                                                      \
		.name = set, .gemm = k_gemm, .gemm_pack = k_gemm_pack,         \
		.gemm_packed = k_gemm_packed, .gemv = k_gemv,                  \
		.dgemm = k_dgemm, .gram = k_gram, .dot = k_dot, .sum = k_sum,  \
		.norm2 = k_norm2, .max = k_max, .ddot = k_ddot,                \
		.dsum = k_dsum, .axpy = k_axpy, .scale = k_scale,              \
		.daxpy = k_daxpy, .dscale = k_dscale, .col_sum = k_col_sum,    \
		.col_sq = k_col_sq, .sparse_mul = k_sparse_mul,                \
		.sparse_add = k_sparse_add, .exp = k_exp, .log = k_log,        \
		.tanh = k_tanh, .erf = k_erf, .sigmoid = k_sigmoid,            \
		.gelu = k_gelu, .softplus = k_softplus, .atan2 = k_atan2,      \
		.dexp = k_dexp, .dlog = k_dlog, .dlog1p = k_dlog1p,            \
		.softmax = k_softmax,                                          \
	}

#endif
