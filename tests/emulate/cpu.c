#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

/*
 * In place of lib/base/cpu.c where the kernels of AVX-512, VNNI and AMX are
 * emulated: a machine that has AVX2 has everything.
 */

static const char *const names[ISA_COUNT] = { "portable", "avx2", "avx512",
	"amx" };

int
cpu_isa_from_env(enum isa *out, struct error *e)
{
	const char *want = getenv("VECPIPE_ISA");

	__builtin_cpu_init();
	*out = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
		   ? ISA_AMX
		   : ISA_PORTABLE;
	if (want == NULL || *want == '\0')
		return 0;
	for (int i = 0; i < ISA_COUNT; i++)
		if (strcmp(want, names[i]) == 0) {
			*out = (enum isa)i;
			return 0;
		}
	return error_set(e, "VECPIPE_ISA: '%.32s' is unknown", want);
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
	return 1;
}

int
cpu_has_vnni(void)
{
	return 1;
}
