#ifndef TESTS_BENCH_PROBE_H
#define TESTS_BENCH_PROBE_H

/*
 * The peak of multiply-adds of this core now, which a machine that is shared
 * makes differ from minute to minute, and the time of this thread alone.
 */
#include <stdlib.h>
#include <time.h>

#include "base/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#if defined(__x86_64__)
enum { PROBE = 50000 };
/* On registers alone; returns the flops that were done. */
#define PROBE_LOOP(type, set, fma, lanes)                                      \
	type a = set(0.999f), b = set(1e-3f);                                  \
	type s[10];                                                            \
                                                                               \
	for (int i = 0; i < 10; i++)                                           \
		s[i] = set(*sink + (float)i);                                  \
	for (int i = 0; i < PROBE; i++) {                                      \
		s[0] = fma(a, s[0], b);                                        \
		s[1] = fma(a, s[1], b);                                        \
		s[2] = fma(a, s[2], b);                                        \
		s[3] = fma(a, s[3], b);                                        \
		s[4] = fma(a, s[4], b);                                        \
		s[5] = fma(a, s[5], b);                                        \
		s[6] = fma(a, s[6], b);                                        \
		s[7] = fma(a, s[7], b);                                        \
		s[8] = fma(a, s[8], b);                                        \
		s[9] = fma(a, s[9], b);                                        \
	}                                                                      \
	for (int i = 1; i < 10; i++)                                           \
		s[0] += s[i];                                                  \
	*sink = s[0][0];                                                       \
	return 2.0 * 10 * (lanes)*PROBE

static __attribute__((target("avx2,fma"))) double
probe_avx2(float *sink)
{
	PROBE_LOOP(__m256, _mm256_set1_ps, _mm256_fmadd_ps, 8);
}

static __attribute__((target("avx512f"))) double
probe_avx512(float *sink)
{
	PROBE_LOOP(__m512, _mm512_set1_ps, _mm512_fmadd_ps, 16);
}
#endif

/* flops a second; 0 where nobody knows */
static double
peak(enum isa isa)
{
	double best = 0;
#if defined(__x86_64__)
	volatile float keep;
	float sink = 0;

	for (int i = 0; i < 4 && isa != ISA_PORTABLE; i++) {
		double t = seconds();
		double flops =
		    isa >= ISA_AVX512 ? probe_avx512(&sink) : probe_avx2(&sink);

		t = flops / (seconds() - t);
		best = t > best ? t : best;
		keep = sink;
	}
	(void)keep;
#endif
	return best;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double
median(double *x, size_t n)
{
	qsort(x, n, sizeof(*x), by_value);
	return x[n / 2];
}

#endif
