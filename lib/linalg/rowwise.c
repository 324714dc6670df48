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

/* Keys and values in panels of 16, a strip of scores, and the biases of one
 * head; see attention_kernels.h. */
size_t
rowwise_attention_room(size_t n, size_t size)
{
	size_t keys = (n + 15) / 16 * 16, columns = (size + 15) / 16 * 16;

	return keys * size + n * columns + 12 * keys + 2 * keys + 64;
}
