/*
 * How fast the kernels are: bench_linalg [portable|avx2|avx512 [WORD]]
 * With a word, only lines that begin with it.
 *
 * Matrix products print GFLOP/s and their share of the peak, which is probed
 * anew beside each shape.  Times are the medians of several runs, of the
 * thread's own time, because others may use the machine too; the best run
 * is there as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "linalg/chol.h"
#include "linalg/linalg.h"
#include "linalg/mathd.h"
#include "probe.h"

/* One thing to measure: run(x) once. */
struct job {
	void (*run)(struct job *);
	const struct linalg *la;
	float *a, *b, *c, *packed;
	double *g;
	uint32_t *idx;
	size_t m, n, k;
	void (*map)(float *, const float *, size_t);
	void (*dmap)(double *, const double *, size_t);
	const char *word;
	double best, median; /* seconds, of the last measurement */
};

static void
measure(struct job *j)
{
	enum { RUNS = 25 };
	double times[RUNS], once;
	int repeat;

	once = seconds();
	j->run(j);
	once = seconds() - once;
	repeat = once > 4e-3 ? 1 : (int)(4e-3 / (once + 1e-9));
	for (int i = 0; i < RUNS; i++) {
		double t = seconds();

		for (int r = 0; r < repeat; r++)
			j->run(j);
		times[i] = (seconds() - t) / repeat;
	}
	qsort(times, RUNS, sizeof(*times), by_value);
	j->best = times[0];
	j->median = times[RUNS / 2];
}

static void
run_packed(struct job *j)
{
	j->la->gemm_packed(
	    j->c, j->n, mat_rows(j->a, j->k), j->packed, j->m, j->n, j->k, 0);
}

static void
run_scores(struct job *j)
{
	j->la->gemm(j->c, j->n, mat_rows(j->a, j->k), mat_cols(j->b, j->k),
	    j->m, j->n, j->k, 0);
}

/* R' X over blocks of rows: R: [k, m], X: [k, n] */
static void
run_gradient(struct job *j)
{
	enum { STEP = 128 };

	for (size_t r = 0; r < j->k; r += STEP)
		j->la->gemm(j->c, j->n, mat_cols(j->b + r * j->m, j->m),
		    mat_rows(j->a + r * j->n, j->n), j->m, j->n,
		    j->k - r < STEP ? j->k - r : STEP, 1);
}

/* X' R over blocks of rows: X: [k, m], R: [k, n] */
static void
run_columns(struct job *j)
{
	enum { STEP = 128 };

	for (size_t r = 0; r < j->k; r += STEP)
		j->la->gemm(j->c, j->n, mat_cols(j->a + r * j->m, j->m),
		    mat_rows(j->b + r * j->n, j->n), j->m, j->n,
		    j->k - r < STEP ? j->k - r : STEP, 1);
}

/* X V over blocks of rows: X: [m, k], V: [k, n] */
static void
run_values(struct job *j)
{
	enum { STEP = 128 };

	for (size_t r = 0; r < j->m; r += STEP)
		j->la->gemm(j->c + r * j->n, j->n,
		    mat_rows(j->a + r * j->k, j->k), mat_rows(j->b, j->n),
		    j->m - r < STEP ? j->m - r : STEP, j->n, j->k, 1);
}

static void
run_gemv(struct job *j)
{
	j->la->gemv(j->c, mat_rows(j->a, j->k), j->b, j->m, j->k, 0);
}

static void
run_gram(struct job *j)
{
	j->la->gram(j->g, j->a, j->k, j->m, j->k, 0, j->k);
}

static void
run_chol(struct job *j)
{
	for (size_t i = 0; i < j->n; i++)
		for (size_t k = 0; k <= i; k++)
			j->g[i * j->n + k] = i == k ? (double)j->n : 0.5;
	if (chol_factor(j->la, j->g, j->n, NULL) == -1)
		puts("not positive definite");
}

static void
run_solve(struct job *j)
{
	chol_forward(j->la, j->g, j->n, j->g + j->n * j->n, j->m);
}

static void
run_dot(struct job *j)
{
	j->c[0] = j->la->dot(j->a, j->b, j->n);
}

static void
run_map(struct job *j)
{
	j->map(j->c, j->a, j->n);
}

static void
run_dmap(struct job *j)
{
	j->dmap(j->g + j->n, j->g, j->n);
}

static void
run_softmax(struct job *j)
{
	j->la->softmax(j->c, j->g, j->a, j->n, j->m, j->n);
}

static void
run_sparse(struct job *j)
{
	j->la->sparse_mul(j->c, j->idx, j->a, j->k, j->b, j->n, j->n);
}

static int
wanted(const struct job *j, const char *what)
{
	return strncmp(what, j->word, strlen(j->word)) == 0;
}

static void
show(const char *what, struct job *j, double flops, enum isa isa, double lanes)
{
	double top, again;

	if (!wanted(j, what))
		return;
	top = peak(isa) * lanes * 1e-9;
	measure(j);
	again = peak(isa) * lanes * 1e-9;
	top = again > top ? again : top;
	flops *= 1e-9;
	printf("%-20s %5zu %5zu %5zu %7.1f GFLOP/s, best %7.1f", what, j->m,
	    j->n, j->k, flops / j->median, flops / j->best);
	if (top > 0)
		printf(", %3.0f and %3.0f %% of %.0f",
		    100 * flops / j->median / top, 100 * flops / j->best / top,
		    top);
	putchar('\n');
}

static void
products(struct job *j, enum isa isa)
{
	static const size_t rows[] = { 16, 64, 128, 1024 };
	static const size_t nk[][2] = { { 384, 384 }, { 1536, 384 },
		{ 384, 1536 }, { 1152, 384 }, { 768, 768 }, { 3072, 768 },
		{ 768, 3072 } };

	j->run = run_packed;
	for (size_t s = 0; s < sizeof(nk) / sizeof(*nk); s++)
		for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
			j->m = rows[r];
			j->n = nk[s][0];
			j->k = nk[s][1];
			j->la->gemm_pack(
			    j->packed, mat_cols(j->b, j->k), j->k, j->n);
			show("gemm_packed m n k", j,
			    2.0 * (double)(j->m * j->n * j->k), isa, 1);
		}
}

static void
learning(struct job *j, enum isa isa)
{
	static const size_t classes[] = { 10, 15, 40 };
	static const size_t dims[] = { 784, 1024, 2500 };

	for (size_t d = 0; d < 3; d++)
		for (size_t c = 0; c < 3; c++) {
			j->m = 1000;
			j->n = classes[c];
			j->k = dims[d];
			j->run = run_values;
			show("gemm XV m n k", j,
			    2.0 * (double)(j->m * j->n * j->k), isa, 1);
			j->run = run_scores;
			show("gemm scores m n k", j,
			    2.0 * (double)(j->m * j->n * j->k), isa, 1);
			j->m = classes[c];
			j->n = dims[d];
			j->k = 1000;
			j->run = run_gradient;
			show("gemm gradient m n k", j,
			    2.0 * (double)(j->m * j->n * j->k), isa, 1);
			j->m = dims[d];
			j->n = classes[c];
			j->run = run_columns;
			show("gemm X'R m n k", j,
			    2.0 * (double)(j->m * j->n * j->k), isa, 1);
		}
	j->m = 1000;
	j->k = 2500;
	j->n = j->k;
	j->run = run_gram;
	show("gram n d d", j, (double)j->m * (double)j->k * (double)(j->k + 1),
	    isa, 0.5);
	j->n = 2500;
	j->run = run_chol;
	show("chol_factor", j, (double)j->n * (double)j->n * (double)j->n / 3,
	    isa, 0.5);
	j->m = 15;
	j->run = run_solve;
	show("chol_forward m n", j, (double)(j->n * j->n * j->m), isa, 0.5);
}

static void
rate(const char *what, struct job *j, double bytes, double items)
{
	if (!wanted(j, what))
		return;
	measure(j);
	printf("%-20s %8.2f GB/s, %8.2f ns each, best %8.2f\n", what,
	    bytes / j->median * 1e-9, j->median / items * 1e9,
	    j->best / items * 1e9);
}

static void
vectors(struct job *j)
{
	const struct linalg *la = j->la;
	const struct {
		const char *name;
		void (*f)(float *, const float *, size_t);
	} maps[] = { { "exp", la->exp }, { "log", la->log },
		{ "tanh", la->tanh }, { "erf", la->erf },
		{ "sigmoid", la->sigmoid }, { "gelu", la->gelu },
		{ "softplus", la->softplus } };
	const struct {
		const char *name;
		void (*f)(double *, const double *, size_t);
	} dmaps[] = { { "dexp", la->dexp }, { "dlog", la->dlog },
		{ "dlog1p", la->dlog1p } };
	const double k = 1e3;

	j->m = 50000;
	j->k = 384;
	j->run = run_gemv;
	rate("gemv 50000 x 384", j, k * 50 * 384 * 4, k * 50);
	j->n = 384;
	j->run = run_dot;
	rate("dot 384", j, 384 * 8, 1);
	j->n = 4096;
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		j->run = run_map;
		j->map = maps[i].f;
		rate(maps[i].name, j, 4096 * 8, 4096);
	}
	j->n = 2048;
	for (size_t i = 0; i < 2048; i++)
		j->g[i] = 0.1 + (double)i * 0.001;
	for (size_t i = 0; i < sizeof(dmaps) / sizeof(*dmaps); i++) {
		j->run = run_dmap;
		j->dmap = dmaps[i].f;
		rate(dmaps[i].name, j, 2048 * 16, 2048);
	}
	j->m = 500;
	j->run = run_softmax;
	for (j->n = 10; j->n < 500; j->n = j->n * 3 + 1) {
		char name[32];

		snprintf(name, sizeof(name), "softmax 500 x %zu", j->n);
		rate(name, j, 500.0 * (double)j->n * 8, 500.0 * (double)j->n);
	}
	j->n = 15;
	j->k = 1000;
	for (size_t i = 0; i < j->k; i++)
		j->idx[i] = (uint32_t)(i * 2654435761u % 1000000);
	j->run = run_sparse;
	rate("sparse_mul 1000 x 15", j, 1000 * 60, 1000);
}

int
main(int argc, char **argv)
{
	struct job j = { 0 };
	struct error e;
	enum isa isa;
	enum { BIG = 20000000 };

	j.word = argc > 2 ? argv[2] : "";
	if (argc > 1)
		setenv("VECPIPE_ISA", argv[1], 1);
	if (cpu_isa_from_env(&isa, &e) == -1) {
		fprintf(stderr, "bench_linalg: %s\n", e.text);
		return 2;
	}
	j.la = linalg_get(isa);
	j.a = mem_aligned(BIG, sizeof(float));
	j.b = mem_aligned(BIG, sizeof(float));
	j.c = mem_aligned(BIG / 4, sizeof(float));
	j.packed = mem_aligned(BIG / 4, sizeof(float));
	j.g = mem_aligned(BIG / 2, sizeof(double));
	j.idx = mem_aligned(1000, sizeof(*j.idx));
	if (!j.a || !j.b || !j.c || !j.packed || !j.g || !j.idx)
		return 1;
	for (size_t i = 0; i < BIG; i++) {
		j.a[i] = (float)(i % 1009) * 0x1p-9f - 1;
		j.b[i] = (float)(i % 1013) * 0x1p-9f - 1;
	}
	printf("%s, peak of one core %.0f GFLOP/s\n", j.la->name,
	    peak(isa) * 1e-9);
	products(&j, isa);
	learning(&j, isa);
	vectors(&j);
	free(j.a);
	free(j.b);
	free(j.c);
	free(j.packed);
	free(j.g);
	free(j.idx);
	return 0;
}
