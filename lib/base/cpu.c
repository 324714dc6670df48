/* syscall() */
#define _GNU_SOURCE

#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const char *const names[ISA_COUNT] = { "portable", "avx2", "avx512",
	"amx" };

#if defined(__x86_64__)
/* Linux 5.16: arch/x86/include/uapi/asm/prctl.h, "Using XSTATE features in
 * user space applications".  Systems without it fail the call. */
static int
tiles_granted(void)
{
#if defined(__linux__)
	enum { ASK = 0x1023, TILE_DATA = 18 };

	return syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0;
#else
	return 0;
#endif
}

static int
has_amx(void)
{
	enum { TILE = 1 << 24, INT8 = 1 << 25 };
	unsigned a, b, c, d;

	return tiles_granted() && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
	       (d & TILE) && (d & INT8);
}
#endif

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
		return cpu_has_vnni() && has_amx() ? ISA_AMX : ISA_AVX512;
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
	return error_set(e,
	    "VECPIPE_ISA: '%.32s' is not portable, avx2, avx512 or amx", want);
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

int
cpu_has_vnni(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx512vnni");
#else
	return 0;
#endif
}
