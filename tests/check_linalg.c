#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "linalg/chol.h"
#include "linalg/kernels.h"
#include "linalg/linalg.h"
#include "unit.h"

/*
 * Each kernel against plain loops in double within a bound, and every
 * instruction set of this machine against the portable one, byte for byte.
 */

/* Test numbers: a 64-bit congruential generator, uniform in [-1, 1). */
static uint32_t
bits(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 32);
}

static float
number(uint64_t *state)
{
	return (float)((int32_t)bits(state) >> 8) * 0x1p-23f;
}

static size_t
below(uint64_t *state, size_t n)
{
	return bits(state) % n;
}

static float *
numbers(uint64_t *state, size_t n)
{
	float *x = mem_aligned(n, sizeof(*x));

	ck_assert_ptr_nonnull(x);
	for (size_t i = 0; i < n; i++)
		x[i] = number(state);
	return x;
}

static double *
dnumbers(uint64_t *state, size_t n)
{
	double *x = mem_aligned(n, sizeof(*x));

	ck_assert_ptr_nonnull(x);
	for (size_t i = 0; i < n; i++)
		x[i] = (double)number(state) + (double)number(state) * 0x1p-24;
	return x;
}

static void *
copy(const void *p, size_t bytes)
{
	void *q = mem_aligned(bytes, 1);

	ck_assert_ptr_nonnull(q);
	if (bytes > 0)
		memcpy(q, p, bytes);
	return q;
}

/* The table that a loop test is about; NULL when the machine lacks it. */
static const struct linalg *
table(int i)
{
	return i <= (int)cpu_isa() ? linalg_get((enum isa)i) : NULL;
}

static void
same_bytes(const void *a, const void *b, size_t n, const char *what)
{
	ck_assert_msg(memcmp(a, b, n) == 0, "%s differs from portable", what);
}

struct shape {
	size_t m, n, k;
};

/* Edges of tiles, panels and K blocks first; then anything. */
static struct shape
shape(uint64_t *state, int round)
{
	static const struct shape edge[] = { { 0, 5, 3 }, { 5, 0, 3 },
		{ 5, 3, 0 }, { 1, 1, 1 }, { 12, 32, 384 }, { 13, 33, 385 },
		{ 6, 16, 256 }, { 7, 17, 257 }, { 1, 100, 769 }, { 25, 1, 40 },
		{ 24, 64, 100 }, { 3, 65, 20 }, { 26, 130, 390 },
		{ 100, 15, 130 }, { 60, 70, 50 }, { 49, 49, 400 },
		{ 130, 10, 40 }, { 97, 48, 385 }, { 75, 65, 33 },
		{ 101, 33, 257 }, { 64, 3, 1 } };

	if ((size_t)round / 4 < sizeof(edge) / sizeof(*edge))
		return edge[round / 4];
	return (struct shape){ 1 + below(state, round % 3 == 0 ? 150 : 40),
		1 + below(state, 90),
		1 + below(state, round % 4 == 0 ? 900 : 60) };
}

enum { ROUNDS = 80 };

START_TEST(gemm)
{
	const struct linalg *la = table(_i), *ref = &linalg_portable;
	uint64_t state = 1;

	for (int round = 0; la != NULL && round < ROUNDS; round++) {
		struct shape s = shape(&state, round);
		size_t lda = s.k + below(&state, 3), ldb = s.n + 1,
		       ldc = s.n + below(&state, 3);
		int add = round & 1;
		float *a = numbers(&state, s.m * lda + s.k * s.m);
		float *b = numbers(&state, s.k * ldb + s.n * s.k);
		float *c = numbers(&state, s.m * ldc);
		float *want = copy(c, s.m * ldc * sizeof(*c));
		float *got = copy(c, s.m * ldc * sizeof(*c));
		float *packed = mem_aligned(linalg_packed_size(s.k, s.n), 4);
		struct fmat A = mat_rows(a, lda), B = mat_rows(b, ldb);

		if (round & 2)
			A = mat_cols(a, s.m);
		if (round & 4)
			B = mat_cols(b, s.k);
		ref->gemm(want, ldc, A, B, s.m, s.n, s.k, add);
		la->gemm(got, ldc, A, B, s.m, s.n, s.k, add);
		same_bytes(got, want, s.m * ldc * sizeof(*c), "gemm");

		memcpy(got, c, s.m * ldc * sizeof(*c));
		la->gemm_pack(packed, B, s.k, s.n);
		la->gemm_packed(got, ldc, A, packed, s.m, s.n, s.k, add);
		same_bytes(got, want, s.m * ldc * sizeof(*c), "gemm_packed");

		for (size_t i = 0; i < s.m; i++)
			for (size_t j = 0; j < s.n; j++) {
				double sum = 0, size = 1;

				for (size_t k = 0; k < s.k; k++) {
					double t =
					    (double)A.p[i * A.row + k * A.col] *
					    (double)B.p[k * B.row + j * B.col];

					sum += t;
					size += fabs(t);
				}
				if (add)
					sum += (double)c[i * ldc + j];
				ck_assert_double_eq_tol(sum,
				    (double)got[i * ldc + j],
				    size * 0x1p-24 * sqrt((double)s.k + 4));
			}
		free(a);
		free(b);
		free(c);
		free(want);
		free(got);
		free(packed);
	}
}
END_TEST

START_TEST(rows_and_columns_do_not_know_their_neighbours)
{
	const struct linalg *la = table(_i);
	enum { M = 31, N = 77, K = 500 };
	uint64_t state = 2;
	float *a = numbers(&state, M * K), *b = numbers(&state, N * K);
	float *all = numbers(&state, M * N), *part = numbers(&state, M * N);

	if (la != NULL) {
		la->gemm(all, N, mat_rows(a, K), mat_cols(b, K), M, N, K, 0);
		for (size_t m = 1; m < M; m++) {
			size_t i = M - m, j = m, n = N - j;

			la->gemm(part, n, mat_rows(a + i * K, K),
			    mat_cols(b + j * K, K), m, n, K, 0);
			for (size_t r = 0; r < m; r++)
				same_bytes(part + r * n, all + (i + r) * N + j,
				    n * sizeof(*part), "a part");
		}
		la->gemv(part, mat_rows(b, K), a, N, K, 0);
		same_bytes(part, all, N * sizeof(*part), "gemv");
	}
	free(a);
	free(b);
	free(all);
	free(part);
}
END_TEST

START_TEST(gemv)
{
	const struct linalg *la = table(_i), *ref = &linalg_portable;
	uint64_t state = 12;

	for (int round = 0; la != NULL && round < ROUNDS; round++) {
		struct shape s = shape(&state, round);
		size_t lda = s.k + below(&state, 3);
		float *a = numbers(&state, s.m * lda + s.k * s.m);
		float *x = numbers(&state, s.k), *y = numbers(&state, s.m);
		float *want = copy(y, s.m * 4);
		struct fmat A = round & 2 ? mat_cols(a, s.m) : mat_rows(a, lda);

		ref->gemv(want, A, x, s.m, s.k, round & 1);
		la->gemv(y, A, x, s.m, s.k, round & 1);
		same_bytes(y, want, s.m * 4, "gemv");
		free(a);
		free(x);
		free(y);
		free(want);
	}
}
END_TEST

START_TEST(dgemm)
{
	const struct linalg *la = table(_i), *ref = &linalg_portable;
	uint64_t state = 3;

	for (int round = 0; la != NULL && round < ROUNDS; round++) {
		struct shape s = shape(&state, round);
		size_t ldc = s.n + below(&state, 3);
		int sign = round % 3 - 1;
		double *a = dnumbers(&state, s.m * s.k);
		double *b = dnumbers(&state, s.k * s.n);
		double *c = dnumbers(&state, s.m * ldc);
		double *want = copy(c, s.m * ldc * sizeof(*c));
		double *got = copy(c, s.m * ldc * sizeof(*c));
		struct dmat A = dmat_rows(a, s.k), B = dmat_rows(b, s.n);

		if (round & 2)
			A = dmat_cols(a, s.m);
		if (round & 4)
			B = dmat_cols(b, s.k);
		ref->dgemm(want, ldc, A, B, s.m, s.n, s.k, sign);
		la->dgemm(got, ldc, A, B, s.m, s.n, s.k, sign);
		same_bytes(got, want, s.m * ldc * sizeof(*c), "dgemm");
		for (size_t i = 0; i < s.m; i++)
			for (size_t j = 0; j < s.n; j++) {
				double sum = 0;

				for (size_t k = 0; k < s.k; k++)
					sum += A.p[i * A.row + k * A.col] *
					       B.p[k * B.row + j * B.col];
				sum *= sign < 0 ? -1 : 1;
				if (sign != 0)
					sum += c[i * ldc + j];
				ck_assert_double_eq_tol(sum, got[i * ldc + j],
				    (double)(s.k + 1) * 0x1p-52);
			}
		free(a);
		free(b);
		free(c);
		free(want);
		free(got);
	}
}
END_TEST

START_TEST(gram)
{
	const struct linalg *la = table(_i), *ref = &linalg_portable;
	uint64_t state = 4;

	for (int round = 0; la != NULL && round < ROUNDS; round++) {
		struct shape s = shape(&state, round);
		size_t n = s.k, d = s.n, ldx = d + below(&state, 3),
		       mid = below(&state, d + 1);
		float *x = numbers(&state, n * ldx);
		double *g = dnumbers(&state, d * d);
		double *want = copy(g, d * d * sizeof(*g));
		double *got = copy(g, d * d * sizeof(*g));

		ref->gram(want, x, ldx, n, d, 0, d);
		la->gram(got, x, ldx, n, d, mid, d);
		la->gram(got, x, ldx, n, d, 0, mid);
		same_bytes(got, want, d * d * sizeof(*g), "gram");
		for (size_t i = 0; i < d; i++)
			for (size_t j = 0; j < d; j++) {
				double sum = g[i * d + j];

				for (size_t r = 0; j <= i && r < n; r++)
					sum += (double)x[r * ldx + i] *
					       (double)x[r * ldx + j];
				ck_assert_double_eq_tol(sum, got[i * d + j],
				    (double)(n + 1) * 0x1p-46);
			}
		free(x);
		free(g);
		free(want);
		free(got);
	}
}
END_TEST

/* A = X'X + 0.1, factored, gives A back, and solves systems. */
START_TEST(cholesky)
{
	static const size_t sizes[] = { 1, 2, 63, 64, 65, 150 };
	const struct linalg *la = table(_i), *ref = &linalg_portable;
	uint64_t state = 5;
	struct error e;

	for (size_t t = 0; la != NULL && t < sizeof(sizes) / sizeof(*sizes);
	     t++) {
		size_t n = sizes[t], m = 1 + t % 3 * 7;
		float *x = numbers(&state, 2 * n * n);
		double *a = mem_aligned(n * n, sizeof(*a)), *l, *want;
		double *b = dnumbers(&state, n * m);
		double *y = copy(b, n * m * sizeof(*b));

		la->gram(a, x, n, 2 * n, n, 0, n);
		for (size_t i = 0; i < n; i++)
			a[i * n + i] += 0.1;
		l = copy(a, n * n * sizeof(*a));
		want = copy(a, n * n * sizeof(*a));
		ck_assert_int_eq(chol_factor(la, l, n, &e), 0);
		ck_assert_int_eq(chol_factor(ref, want, n, &e), 0);
		for (size_t i = 0; i < n; i++) {
			same_bytes(l + i * n, want + i * n,
			    (i + 1) * sizeof(*l), "chol_factor");
			for (size_t j = 0; j <= i; j++) {
				double sum = 0;

				for (size_t k = 0; k <= j; k++)
					sum += l[i * n + k] * l[j * n + k];
				ck_assert_double_eq_tol(
				    sum, a[i * n + j], (double)n * 0x1p-45);
			}
		}
		chol_forward(la, l, n, y, m);
		chol_backward(la, l, n, y, m);
		for (size_t i = 0; i < n; i++)
			for (size_t c = 0; c < m; c++) {
				double sum = 0;

				for (size_t j = 0; j < n; j++)
					sum += y[j * m + c] *
					       (j <= i ? a[i * n + j]
						       : a[j * n + i]);
				ck_assert_double_eq_tol(
				    sum, b[i * m + c], 0x1p-36);
			}
		chol_forward(ref, want, n, b, m);
		chol_backward(ref, want, n, b, m);
		same_bytes(y, b, n * m * sizeof(*b), "a solution");
		a[n * n / 2] = 0;
		a[n * n - 1] = -1;
		ck_assert_int_eq(chol_factor(la, a, n, &e), -1);
		ck_assert_str_eq(e.text, "matrix is not positive definite");
		free(x);
		free(a);
		free(l);
		free(want);
		free(b);
		free(y);
	}
}
END_TEST

static void
near_float(double want, float got, double size, const char *what)
{
	ck_assert_msg(fabs(want - (double)got) <= size * 0x1p-20, "%s: %a, %a",
	    what, want, (double)got);
}

START_TEST(vectors)
{
	const struct linalg *la = table(_i), *ref = &linalg_portable;
	uint64_t state = 6;

	for (size_t n = 0; la != NULL && n < 200; n += n < 70 ? 1 : 17) {
		float *x = numbers(&state, n), *y = numbers(&state, n);
		double *dx = dnumbers(&state, n), *dy = dnumbers(&state, n);
		float *u = copy(y, n * 4), *v = copy(y, n * 4);
		double *du = copy(dy, n * 8), *dv = copy(dy, n * 8);
		double dot = 0, sum = 0, sq = 0, ddot = 0, dsum = 0;
		float max = -INFINITY, f[2];
		double d[2];

		for (size_t i = 0; i < n; i++) {
			dot += (double)x[i] * (double)y[i];
			sum += (double)x[i];
			sq += (double)x[i] * (double)x[i];
			max = x[i] > max ? x[i] : max;
			ddot += dx[i] * dy[i];
			dsum += dx[i];
		}
		near_float(dot, f[0] = la->dot(x, y, n), 14, "dot");
		f[1] = ref->dot(x, y, n);
		same_bytes(f, f + 1, sizeof(*f), "dot");
		near_float(sum, f[0] = la->sum(x, n), 14, "sum");
		f[1] = ref->sum(x, n);
		same_bytes(f, f + 1, sizeof(*f), "sum");
		near_float(sq, f[0] = la->norm2(x, n), 14, "norm2");
		f[1] = ref->norm2(x, n);
		same_bytes(f, f + 1, sizeof(*f), "norm2");
		ck_assert(la->max(x, n) == max);
		d[0] = la->ddot(dx, dy, n);
		d[1] = ref->ddot(dx, dy, n);
		ck_assert_double_eq_tol(ddot, d[0], 1e-13);
		same_bytes(d, d + 1, sizeof(*d), "ddot");
		d[0] = la->dsum(dx, n);
		d[1] = ref->dsum(dx, n);
		ck_assert_double_eq_tol(dsum, d[0], 1e-13);
		same_bytes(d, d + 1, sizeof(*d), "dsum");

		la->axpy(u, 0.37f, x, n);
		ref->axpy(v, 0.37f, x, n);
		same_bytes(u, v, n * 4, "axpy");
		for (size_t i = 0; i < n; i++)
			near_float((double)y[i] + (double)0.37f * (double)x[i],
			    u[i], 1, "axpy");
		la->scale(u, 0.37f, x, n);
		for (size_t i = 0; i < n; i++)
			ck_assert(u[i] == 0.37f * x[i]);
		la->daxpy(du, 0.37, dx, n);
		ref->daxpy(dv, 0.37, dx, n);
		same_bytes(du, dv, n * 8, "daxpy");
		for (size_t i = 0; i < n; i++)
			ck_assert_double_eq_tol(
			    dy[i] + 0.37 * dx[i], du[i], 0x1p-51);
		la->dscale(du, 0.37, dx, n);
		for (size_t i = 0; i < n; i++)
			ck_assert(du[i] == 0.37 * dx[i]);
		free(x);
		free(y);
		free(dx);
		free(dy);
		free(u);
		free(v);
		free(du);
		free(dv);
	}
}
END_TEST

START_TEST(columns)
{
	const struct linalg *la = table(_i);
	uint64_t state = 7;

	for (size_t d = 0; la != NULL && d < 40; d++) {
		size_t n = below(&state, 50), ldx = d + 2;
		float *x = numbers(&state, n * ldx);
		double *s = dnumbers(&state, d), *q = dnumbers(&state, d);
		double *mean = dnumbers(&state, d);
		double *s2 = copy(s, d * 8), *q2 = copy(q, d * 8);
		double *z = copy(q, d * 8), *z2 = copy(q, d * 8);

		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < d; j++) {
				double t = (double)x[i * ldx + j];

				s2[j] += t;
				z2[j] = fma(t, t, z2[j]);
				t -= mean[j];
				q2[j] = fma(t, t, q2[j]);
			}
		la->col_sum(s, x, ldx, n, d);
		la->col_sq(q, mean, x, ldx, n, d);
		la->col_sq(z, NULL, x, ldx, n, d);
		same_bytes(s, s2, d * 8, "col_sum");
		same_bytes(q, q2, d * 8, "col_sq");
		same_bytes(z, z2, d * 8, "col_sq without mean");
		free(x);
		free(s);
		free(q);
		free(mean);
		free(s2);
		free(q2);
		free(z);
		free(z2);
	}
}
END_TEST

/* Sparse rows, also with an index that comes twice. */
START_TEST(sparse)
{
	const struct linalg *la = table(_i);
	uint64_t state = 8;
	enum { DIM = 60 };

	for (size_t n = 0; la != NULL && n < 40; n++) {
		size_t nnz = below(&state, 50), ldw = n + 1;
		float *w = numbers(&state, DIM * ldw), *y = numbers(&state, n);
		float *r = numbers(&state, n), *val = numbers(&state, nnz);
		float *w2 = copy(w, DIM * ldw * 4), *y2 = copy(y, n * 4);
		uint32_t idx[50];

		for (size_t e = 0; e < nnz; e++)
			idx[e] = (uint32_t)below(&state, DIM);
		for (size_t e = 0; e < nnz; e++)
			for (size_t c = 0; c < n; c++)
				y2[c] =
				    fmaf(val[e], w[idx[e] * ldw + c], y2[c]);
		la->sparse_mul(y, idx, val, nnz, w, ldw, n);
		same_bytes(y, y2, n * 4, "sparse_mul");
		for (size_t e = 0; e < nnz; e++)
			for (size_t c = 0; c < n; c++) {
				float *t = w2 + idx[e] * ldw + c;

				*t = fmaf(val[e], r[c], *t);
			}
		la->sparse_add(w, ldw, idx, val, nnz, r, n);
		same_bytes(w, w2, DIM * ldw * 4, "sparse_add");
		free(w);
		free(y);
		free(r);
		free(val);
		free(w2);
		free(y2);
	}
}
END_TEST

START_TEST(softmax)
{
	const struct linalg *la = table(_i), *ref = &linalg_portable;
	uint64_t state = 9;

	for (size_t n = 1; la != NULL && n < 70; n++) {
		enum { ROWS = 5 };
		size_t ld = n + 1;
		float *x = numbers(&state, ROWS * ld), *p, *p2;
		double lse[ROWS], lse2[ROWS];

		for (size_t i = 0; i < ROWS * ld; i++)
			x[i] *= 30;
		p = copy(x, ROWS * ld * 4);
		p2 = copy(x, ROWS * ld * 4);
		la->softmax(p, lse, x, ld, ROWS, n);
		ref->softmax(p2, lse2, x, ld, ROWS, n);
		same_bytes(p, p2, ROWS * ld * 4, "softmax");
		same_bytes(lse, lse2, sizeof(lse), "log-sum-exp");
		for (size_t i = 0; i < ROWS; i++) {
			double sum = 0, total = 0;

			for (size_t j = 0; j < n; j++) {
				total += exp((double)x[i * ld + j]);
				sum += (double)p[i * ld + j];
			}
			ck_assert_double_eq_tol(sum, 1, 1e-6);
			ck_assert_double_eq_tol(log(total), lse[i], 1e-5);
			for (size_t j = 0; j < n; j++)
				near_float(exp((double)x[i * ld + j]) / total,
				    p[i * ld + j], 1, "softmax");
			ck_assert(p[i * ld + n] == x[i * ld + n]);
		}
		/* Adding the same to all changes nothing (64 + x is exact for
		 * these), in place, and without p. */
		for (size_t i = 0; i < ROWS * ld; i++)
			x[i] = rintf(x[i] * 1024) / 1024;
		la->softmax(p2, lse2, x, ld, ROWS, n);
		for (size_t i = 0; i < ROWS * ld; i++)
			x[i] += 64;
		la->softmax(NULL, lse, x, ld, ROWS, n);
		for (size_t i = 0; i < ROWS; i++)
			ck_assert_double_eq_tol(lse[i], lse2[i] + 64, 1e-12);
		la->softmax(x, NULL, x, ld, ROWS, n);
		for (size_t i = 0; i < ROWS; i++)
			same_bytes(x + i * ld, p2 + i * ld, n * 4,
			    "the shifted softmax");
		free(x);
		free(p);
		free(p2);
	}
}
END_TEST

START_TEST(softmax_of_impossible_classes)
{
	const struct linalg *la = table(_i);
	float x[3] = { -INFINITY, 1, -INFINITY };
	double lse;

	if (la == NULL)
		return;
	la->softmax(x, &lse, x, 3, 1, 3);
	ck_assert(x[0] == 0 && x[1] == 1 && x[2] == 0 && lse == 1);
	x[0] = x[1] = x[2] = -INFINITY;
	la->softmax(x, &lse, x, 3, 1, 3);
	ck_assert(isnan(x[0]) && isnan(lse));
}
END_TEST

START_TEST(isa_from_environment)
{
	struct error e;
	enum isa isa;

	ck_assert_int_eq(setenv("VECPIPE_ISA", "portable", 1), 0);
	ck_assert_int_eq(cpu_isa_from_env(&isa, &e), 0);
	ck_assert_int_eq(isa, ISA_PORTABLE);
	ck_assert_str_eq(linalg_get(isa)->name, "portable");
	ck_assert_int_eq(setenv("VECPIPE_ISA", "avx3", 1), 0);
	ck_assert_int_eq(cpu_isa_from_env(&isa, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "'avx3'"));
	ck_assert_int_eq(unsetenv("VECPIPE_ISA"), 0);
	ck_assert_int_eq(cpu_isa_from_env(&isa, &e), 0);
	ck_assert_int_eq(isa, cpu_isa());
	ck_assert_str_eq(linalg_get(isa)->name,
	    cpu_isa_name(isa < ISA_AMX ? isa : ISA_AVX512));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("linalg");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, gemm, 0, ISA_COUNT);
	tcase_add_loop_test(
	    t, rows_and_columns_do_not_know_their_neighbours, 0, ISA_COUNT);
	tcase_add_loop_test(t, gemv, 0, ISA_COUNT);
	tcase_add_loop_test(t, dgemm, 0, ISA_COUNT);
	tcase_add_loop_test(t, gram, 0, ISA_COUNT);
	tcase_add_loop_test(t, cholesky, 0, ISA_COUNT);
	tcase_add_loop_test(t, vectors, 0, ISA_COUNT);
	tcase_add_loop_test(t, columns, 0, ISA_COUNT);
	tcase_add_loop_test(t, sparse, 0, ISA_COUNT);
	tcase_add_loop_test(t, softmax, 0, ISA_COUNT);
	tcase_add_loop_test(t, softmax_of_impossible_classes, 0, ISA_COUNT);
	tcase_add_test(t, isa_from_environment);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return unit_main(s);
}
