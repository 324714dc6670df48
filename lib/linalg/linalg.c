#include "linalg/linalg.h"

#include "linalg/kernels.h"

const struct linalg *
linalg_get(enum isa isa)
{
#if defined(__x86_64__)
	if (isa >= ISA_AVX512)
		return &linalg_avx512;
	if (isa == ISA_AVX2)
		return &linalg_avx2;
	if (cpu_has_fma())
		return &linalg_fma;
#endif
	(void)isa;
	return &linalg_portable;
}

size_t
linalg_packed_size(size_t k, size_t n)
{
	return (n + LINALG_PANEL - 1) / LINALG_PANEL * LINALG_PANEL * k;
}
