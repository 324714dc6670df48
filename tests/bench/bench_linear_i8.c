/*
 * How fast int8 layers are: bench_linear_i8 [portable|avx2|avx512|amx]
 *
 * GOP/s (two operations a multiply-add) of a whole linear_run, quantisation
 * and bias included, and as a multiple of the float peak probed in the same
 * millisecond; medians of many short turns, because others use the machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "linalg/linear.h"
#include "linalg/linear_i8_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { TURNS = 200, ROWS = 512, MOST = 1536 };

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* GFLOP/s of multiply-adds on registers alone; 1 where nobody knows. */
#if defined(__x86_64__)
static __attribute__((target("avx2,fma"))) double
peak(void)
{
	enum { STEPS = 10000 };
	__m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
	__m256 s0 = a, s1 = a, s2 = a, s3 = a, s4 = a, s5 = a, s6 = a, s7 = a;
	double t = seconds();
	volatile float keep;

	for (int i = 0; i < STEPS; i++) {
		s0 = _mm256_fmadd_ps(a, s0, b);
		s1 = _mm256_fmadd_ps(a, s1, b);
		s2 = _mm256_fmadd_ps(a, s2, b);
		s3 = _mm256_fmadd_ps(a, s3, b);
		s4 = _mm256_fmadd_ps(a, s4, b);
		s5 = _mm256_fmadd_ps(a, s5, b);
		s6 = _mm256_fmadd_ps(a, s6, b);
		s7 = _mm256_fmadd_ps(a, s7, b);
	}
	s0 += s1 + s2 + s3 + s4 + s5 + s6 + s7;
	keep = s0[0];
	(void)keep;
	return 2.0 * 8 * 8 * STEPS / (seconds() - t) * 1e-9;
}
#else
static double
peak(void)
{
	return 1;
}
#endif

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct layer {
	struct linear l;
	float *x, *y;
	void *room;
};

static void
measure(enum isa isa, struct layer *t, size_t rows)
{
	double ops = 2.0 * (double)(rows * t->l.in) * t->l.out;
	double rate[TURNS], ratio[TURNS], quantize[TURNS];
	int repeat = 1 + (int)(2e8 / ops);

	for (int i = 0; i < TURNS; i++) {
		double top = peak(), s = seconds();

		for (int r = 0; r < repeat; r++)
			linear_run(isa, t->y, t->l.out, t->x, t->l.in, rows,
			    &t->l, NULL, t->room);
		rate[i] = ops * repeat / (seconds() - s) * 1e-9;
		ratio[i] = rate[i] / top;
		s = seconds();
		i8_kernels(isa)->quantize(
		    t->room, t->x, t->l.in, rows < 64 ? rows : 64, t->l.in);
		quantize[i] = (seconds() - s) * 1e9 /
			      (double)((rows < 64 ? rows : 64) * t->l.in);
	}
	qsort(rate, TURNS, sizeof(*rate), by_value);
	qsort(ratio, TURNS, sizeof(*ratio), by_value);
	qsort(quantize, TURNS, sizeof(*quantize), by_value);
	printf("%5zu x %4u x %4u  %6.1f GOP/s, best %6.1f, %5.2f of the float "
	       "peak; quantised at %.3f ns a value\n",
	    rows, t->l.out, t->l.in, rate[TURNS / 2], rate[TURNS - 1],
	    ratio[TURNS / 2], quantize[TURNS / 2]);
}

int
main(int argc, char **argv)
{
	static const uint32_t shapes[][2] = { { 384, 384 }, { 384, 1152 },
		{ 384, 1536 }, { 1536, 384 } };
	static const size_t rows[] = { 1, 16, 64, ROWS };
	struct error e;
	enum isa isa;
	float *w = mem_aligned((size_t)MOST * MOST, sizeof(*w));
	float *x = mem_aligned((size_t)ROWS * MOST, sizeof(*x));
	float *y = mem_aligned((size_t)ROWS * MOST, sizeof(*y));

	if (argc > 1)
		setenv("VECPIPE_ISA", argv[1], 1);
	if (cpu_isa_from_env(&isa, &e) == -1) {
		fprintf(stderr, "bench_linear_i8: %s\n", e.text);
		return 2;
	}
	if (w == NULL || x == NULL || y == NULL)
		return 1;
	/* Near enough to normal: sums of four uniform numbers. */
	srand(1);
	for (size_t i = 0; i < (size_t)MOST * MOST; i++)
		w[i] = (float)(rand() % 512 + rand() % 512 + rand() % 512 +
			       rand() % 512 - 1022) *
		       1e-4f;
	for (size_t i = 0; i < (size_t)ROWS * MOST; i++)
		x[i] = w[i % ((size_t)MOST * MOST)] * 30;
	for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++)
		for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
			struct layer t = { { PRECISION_I8, shapes[s][0],
					       shapes[s][1], NULL, w },
				x, y, NULL };
			void *packed = mem_aligned(
			    linear_size(PRECISION_I8, t.l.in, t.l.out), 1);

			t.room = mem_aligned(linear_room(&t.l, ROWS), 1);
			if (packed == NULL || t.room == NULL)
				return 1;
			linear_pack(
			    packed, PRECISION_I8, w, t.l.in, t.l.in, t.l.out);
			t.l.packed = packed;
			measure(isa, &t, rows[r]);
			free(packed);
			free(t.room);
		}
	free(w);
	free(x);
	free(y);
	return 0;
}
