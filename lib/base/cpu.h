#ifndef BASE_CPU_H
#define BASE_CPU_H

#include "base/error.h"

/*
 * Which instruction sets this machine and its system offer.  Every kernel
 * gives the same bytes under each of them, so the choice is one of speed
 * alone; VECPIPE_ISA=portable|avx2|avx512|amx lowers it, for tests.
 */

enum isa {
	ISA_PORTABLE,
	ISA_AVX2,   /* AVX2, FMA and F16C */
	ISA_AVX512, /* and AVX-512 F, BW, DQ and VL */
	ISA_AMX,    /* and VNNI and tiles of 8-bit integers; kernels without
		     * such go on with AVX-512 */
	ISA_COUNT
};

/*
 * cpu_isa: the best that this machine has, lowered by VECPIPE_ISA.  A name
 * that is unknown or beyond the machine is as good as none.  A system saves
 * AMX tiles only for a process that asked for it; both this function and the
 * next ask, and where it refuses there is no AMX.
 */
enum isa cpu_isa(void);

/*
 * cpu_isa_from_env(out, e): the same, but complains about such a name:
 * -1 and a sentence.  Commands call it once, at their start, and hand the
 * result down.
 */
int cpu_isa_from_env(enum isa *out, struct error *e);

/* cpu_isa_name(isa): "portable", "avx2", "avx512" or "amx". */
const char *cpu_isa_name(enum isa isa);

/* cpu_has_fma: whether the machine has the fused multiply-add of x86.  It
 * is asked for apart from the sets, because plain C gains from it too. */
int cpu_has_fma(void);

/* cpu_has_vnni: whether kernels of ISA_AVX512 may use AVX-512 VNNI, products
 * of 8-bit integers. */
int cpu_has_vnni(void);

#endif
