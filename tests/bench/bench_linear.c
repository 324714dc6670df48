/*
 * How fast linear layers are: bench_linear [portable|avx2|avx512 [WORD]]
 * With a word, only lines that begin with it: f32, f16, i8, after, pack.
 *
 * Each time is of the thread itself and stands beside the peak of multiply-
 * adds, probed right before and after it; shown are the median and the best
 * tenth of the shares, because others may use the machine too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "linalg/linear.h"
#include "probe.h"

struct job {
	enum isa isa;
	const char *word;
	float *W, *x, *y, *bias;
	void *packed, *room;
	size_t packed_size;
};

enum { MOST = 3072, ROWS = 1024, RUNS = 21 };

/* The times of one layer; with ${act}, and the sums go where x came from. */
static void
layer(struct job *j, const char *what, enum precision p, size_t rows,
    uint32_t in, uint32_t out, enum activation act)
{
	struct linear l = { p, in, out, j->packed, j->bias };
	struct linear_after after = { act, NULL, NULL, 0 };
	double flops = 2.0 * (double)rows * in * out, before, share[RUNS];
	double rate[RUNS];
	int repeat = flops > 1e8 ? 1 : (int)(1e8 / flops);

	linear_pack(j->packed, p, j->W, in, in, out);
	linear_run(j->isa, j->y, out, j->x, in, rows, &l, &after, j->room);
	before = peak(j->isa);
	for (int i = 0; i < RUNS; i++) {
		double t = seconds(), top, next;

		for (int r = 0; r < repeat; r++)
			linear_run(j->isa, j->y, out, j->x, in, rows, &l,
			    &after, j->room);
		t = (seconds() - t) / repeat;
		next = peak(j->isa);
		top = before > next ? before : next;
		rate[i] = -flops / t;
		share[i] = -flops / t / (top > 0 ? top : 1);
		before = next;
	}
	qsort(rate, RUNS, sizeof(*rate), by_value);
	qsort(share, RUNS, sizeof(*share), by_value);
	printf("%-12s %5zu x %4u -> %4u %7.1f GFLOP/s", what, rows, in, out,
	    -rate[RUNS / 2] * 1e-9);
	if (before > 0)
		printf(" %5.1f %%, best %5.1f %%", -100 * share[RUNS / 2],
		    -100 * share[RUNS / 10]);
	putchar('\n');
	fflush(stdout);
}

static int
wanted(const struct job *j, const char *what)
{
	return strncmp(what, j->word, strlen(j->word)) == 0;
}

static void
shapes(struct job *j, const char *what, enum precision p)
{
	static const size_t rows[] = { 1, 3, 16, 64, 100, 128, 1024 };
	static const uint32_t io[][2] = { { 384, 384 }, { 384, 1152 },
		{ 384, 1536 }, { 1536, 384 }, { 768, 768 }, { 768, 3072 },
		{ 3072, 768 } };

	for (size_t s = 0; s < sizeof(io) / sizeof(*io) && wanted(j, what); s++)
		for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++)
			layer(
			    j, what, p, rows[r], io[s][0], io[s][1], ACT_NONE);
}

/* fc1 of MiniLM with each activation; and what it costs by itself. */
static void
afters(struct job *j)
{
	static const char *const names[] = { "none", "relu", "relu6", "gelu",
		"gelu_tanh", "quick_gelu", "silu", "hardswish", "hardsigmoid",
		"sigmoid", "tanh" };

	for (int a = 0; a <= ACT_TANH && wanted(j, "after"); a++) {
		double best = 1, t;

		for (int i = 0; i < RUNS; i++) {
			memcpy(j->y, j->x, 4096 * sizeof(*j->y));
			t = seconds();
			linear_activate(j->isa, (enum activation)a, j->y, 4096);
			t = seconds() - t;
			best = t < best ? t : best;
		}
		printf("after: %-11s %6.3f ns a value\n", names[a],
		    best / 4096 * 1e9);
		layer(j, "after", PRECISION_F32, 128, 384, 1536,
		    (enum activation)a);
	}
}

static void
packs(struct job *j)
{
	static const char *const names[] = { "pack f32", "pack f16",
		"pack i8" };

	for (int p = 0; p < 3 && wanted(j, "pack"); p++) {
		double best = 1e9, t;

		for (int i = 0; i < 5; i++) {
			t = seconds();
			linear_pack(j->packed, (enum precision)p, j->W, 1536,
			    1536, 384);
			t = seconds() - t;
			best = t < best ? t : best;
		}
		printf("%-12s %6.2f GB/s of f32\n", names[p],
		    1536 * 384 * 4 / best * 1e-9);
	}
}

int
main(int argc, char **argv)
{
	struct job j = { 0 };
	struct linear big = { PRECISION_I8, MOST, MOST, NULL, NULL };
	struct error e;
	size_t room;

	j.word = argc > 2 ? argv[2] : "";
	if (argc > 1)
		setenv("VECPIPE_ISA", argv[1], 1);
	if (cpu_isa_from_env(&j.isa, &e) == -1) {
		fprintf(stderr, "bench_linear: %s\n", e.text);
		return 2;
	}
	room = linear_room(&big, ROWS);
	big.precision = PRECISION_F32;
	room += linear_room(&big, ROWS);
	j.W = mem_aligned(MOST * MOST, sizeof(float));
	j.x = mem_aligned(ROWS * MOST, sizeof(float));
	j.y = mem_aligned(ROWS * MOST, sizeof(float));
	j.bias = mem_aligned(MOST, sizeof(float));
	j.packed = mem_aligned(linear_size(PRECISION_F32, MOST, MOST), 1);
	j.room = mem_aligned(room, 1);
	if (!j.W || !j.x || !j.y || !j.bias || !j.packed || !j.room)
		return 1;
	for (size_t i = 0; i < MOST * MOST; i++)
		j.W[i] = (float)(i % 1009) * 0x1p-12f - 0.125f;
	for (size_t i = 0; i < ROWS * MOST; i++)
		j.x[i] = (float)(i % 1013) * 0x1p-9f - 1;
	for (size_t i = 0; i < MOST; i++)
		j.bias[i] = (float)(i % 7) - 3;
	printf("%s, peak of one core %.0f GFLOP/s\n", cpu_isa_name(j.isa),
	    peak(j.isa) * 1e-9);
	shapes(&j, "f32", PRECISION_F32);
	shapes(&j, "f16", PRECISION_F16);
	shapes(&j, "i8", PRECISION_I8);
	afters(&j);
	packs(&j);
	free(j.W);
	free(j.x);
	free(j.y);
	free(j.bias);
	free(j.packed);
	free(j.room);
	return 0;
}
