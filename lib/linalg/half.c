#include "linalg/half.h"

#include "linalg/half_kernels.h"

void
half_from_floats(enum isa isa, uint16_t *h, const float *x, size_t n)
{
	size_t i = 0;

#ifdef __x86_64__
	if (isa >= ISA_AVX2)
		i = half_from_floats_avx2(h, x, n);
#else
	(void)isa;
#endif
	for (; i < n; i++)
		h[i] = half_narrow(x[i]);
}

void
half_to_floats(enum isa isa, float *x, const uint16_t *h, size_t n)
{
	size_t i = 0;

#ifdef __x86_64__
	if (isa >= ISA_AVX2)
		i = half_to_floats_avx2(x, h, n);
#else
	(void)isa;
#endif
	for (; i < n; i++)
		x[i] = half_widen(h[i]);
}
