#include "linalg/linalg.h"

#include "linalg/kernels.h"

const struct linalg *
linalg_get(enum isa isa)
{
	(void)isa;
	return &linalg_portable;
}

size_t
linalg_packed_size(size_t k, size_t n)
{
	return (n + LINALG_PANEL - 1) / LINALG_PANEL * LINALG_PANEL * k;
}
