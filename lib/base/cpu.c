#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[ISA_COUNT] = { "portable", "avx2", "avx512" };

/* What processor and system both support: the builtin also asks whether the
 * system saves the wide registers (xgetbv). */
static enum isa
machine(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		return ISA_PORTABLE;
	if (__builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512vl"))
		return ISA_AVX512;
	return ISA_AVX2;
#else
	return ISA_PORTABLE;
#endif
}

int
cpu_isa_from_env(enum isa *out, struct error *e)
{
	const char *want = getenv("VECPIPE_ISA");
	enum isa best = machine();

	*out = best;
	if (want == NULL || *want == '\0')
		return 0;
	for (int i = 0; i < ISA_COUNT; i++) {
		if (strcmp(want, names[i]) != 0)
			continue;
		if (i > (int)best)
			return error_set(
			    e, "VECPIPE_ISA: this machine has no %s", names[i]);
		*out = (enum isa)i;
		return 0;
	}
	return error_set(
	    e, "VECPIPE_ISA: '%.32s' is not portable, avx2 or avx512", want);
}

enum isa
cpu_isa(void)
{
	enum isa isa;

	cpu_isa_from_env(&isa, NULL);
	return isa;
}

const char *
cpu_isa_name(enum isa isa)
{
	return names[isa];
}

int
cpu_has_fma(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	return __builtin_cpu_supports("fma");
#else
	return 0;
#endif
}
