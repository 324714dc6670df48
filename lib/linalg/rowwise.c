#include "linalg/rowwise.h"

#include "linalg/rowwise_tables.h"

const struct rowwise *
rowwise_get(enum isa isa)
{
#if defined(__x86_64__)
	if (isa >= ISA_AVX512)
		return &rowwise_avx512;
	if (isa == ISA_AVX2)
		return &rowwise_avx2;
	if (cpu_has_fma())
		return &rowwise_fma;
#endif
	(void)isa;
	return &rowwise_portable;
}

/* Queries, scores, keys, values in panels of 16 and biases of one head, for
 * strips of 32 queries at most; see attention_kernels.h. */
size_t
rowwise_attention_room(size_t n, size_t size)
{
	size_t columns = (size + 15) / 16 * 16;

	return 32 * (size + n + 16) + n * size + n * columns + 2 * n + 32;
}
