#include "linalg/linear_i8.h"

#include <math.h>
#include <string.h>

#include "linalg/linear_i8_kernels.h"
#include "linalg/linear_kernels.h"

/* Rows that are quantised at once: their bytes stay in the second cache while
 * all panels pass. */
enum { NEAR = 256 * 1024 };

const struct i8_kernels *
i8_kernels(enum isa isa)
{
#if defined(__x86_64__)
	if (isa >= ISA_AMX)
		return &i8_amx;
	if (isa >= ISA_AVX512)
		return cpu_has_vnni() ? &i8_vnni : &i8_avx512;
	if (isa == ISA_AVX2)
		return &i8_avx2;
#endif
	(void)isa;
	return &i8_portable;
}

static size_t
panels_of(uint32_t out)
{
	return ((size_t)out + I8_PANEL - 1) / I8_PANEL;
}

size_t
linear_i8_size(uint32_t in, uint32_t out)
{
	return panels_of(out) * i8_blocks(in) * I8_BLOCK;
}

/* Rows of one round of linear_i8_run. */
static size_t
round_rows(uint32_t in, size_t rows)
{
	size_t most = NEAR / (i8_blocks(in) * 72 + 1) / I8_ROWS * I8_ROWS;

	most = most < I8_ROWS ? I8_ROWS : most;
	return rows < most ? rows : most;
}

size_t
linear_i8_room(uint32_t in, size_t rows)
{
	size_t n = round_rows(in, rows);

	return (n + 15) / 16 * 16 * 72 * i8_blocks(in);
}

/* The sums of each half-step's positive and negative weights: what 127 times
 * as much leaves 16 bits? */
struct steps {
	int16_t sum[I8_STEPS][4 * I8_PANEL];
};

static void
sum_steps(struct steps *s, const int8_t *w)
{
	enum { HALF = 2 * I8_PANEL };

	for (int i = 0; i < I8_STEPS; i++)
		for (int j = 0; j < HALF; j++, w += 2) {
			int a = w[0], b = w[1];
			int plus = (a > 0 ? a : 0) + (b > 0 ? b : 0);

			s->sum[i][j] = (int16_t)plus;
			s->sum[i][HALF + j] = (int16_t)(plus - a - b);
		}
}

/* 127 * 258 = 32766 */
static int
fits(const int16_t *a, const int16_t *b)
{
	int16_t most = 0;

	for (int i = 0; i < 4 * I8_PANEL; i++) {
		int16_t t = (int16_t)(a[i] + b[i]);

		most = t > most ? t : most;
	}
	return most <= 258;
}

/* The least of 16 keys. */
static int16_t
least(const int16_t *key)
{
	int16_t t = key[0];

	for (int i = 1; i < I8_STEPS; i++)
		t = key[i] < t ? key[i] : t;
	return t;
}

/*
 * Pairs greedily: of the steps that are left, the one with fewest partners
 * takes that partner who has fewest himself.  On MiniLM nine hundred and
 * ninety-nine steps of a thousand find one.  A step's key is 16 times how many
 * partners it has left, and its number; GONE when it is taken.
 */
static void
pair_steps(uint8_t *record)
{
	enum { GONE = INT16_MAX };
	struct steps s;
	int16_t can[I8_STEPS][I8_STEPS] = { { 0 } }, key[I8_STEPS];
	uint8_t single[I8_STEPS];
	int n = 0, lone = 0;

	sum_steps(&s, (const int8_t *)record);
	for (int i = 0; i < I8_STEPS; i++)
		key[i] = (int16_t)i;
	for (int i = 0; i < I8_STEPS; i++)
		for (int j = 0; j < i; j++) {
			can[i][j] = can[j][i] =
			    (int16_t)(16 * fits(s.sum[i], s.sum[j]));
			key[i] = (int16_t)(key[i] + can[i][j]);
			key[j] = (int16_t)(key[j] + can[i][j]);
		}
	while (n + lone < I8_STEPS) {
		int16_t of_a[I8_STEPS], b;
		int a = least(key) % 16;

		key[a] = GONE;
		for (int i = 0; i < I8_STEPS; i++)
			of_a[i] = can[a][i] > 0 ? key[i] : GONE;
		b = least(of_a);
		for (int i = 0; i < I8_STEPS; i++)
			key[i] = key[i] == GONE ? key[i]
						: (int16_t)(key[i] - can[a][i]);
		if (b == GONE) {
			single[lone++] = (uint8_t)(16 * a);
			continue;
		}
		b = (int16_t)(b % 16);
		key[b] = GONE;
		for (int i = 0; i < I8_STEPS; i++)
			key[i] = key[i] == GONE ? key[i]
						: (int16_t)(key[i] - can[b][i]);
		record[I8_ORDER + n++] = (uint8_t)(16 * a);
		record[I8_ORDER + n++] = (uint8_t)(16 * b);
	}
	record[I8_PAIRS] = (uint8_t)(n / 2);
	memcpy(record + I8_ORDER + n, single, (size_t)lone);
}

/* Output j of a panel, one block: w: [n], n <= 64.  Loops have a fixed length
 * and no order, so that compilers take many columns at once. */
static void
pack_output(uint8_t *record, const float *w, size_t n, size_t j)
{
	enum { COLUMNS = LINEAR_QBLOCK, LANES = 16 };
	float some[COLUMNS], lane[LANES] = { 0 }, most = 0, scale, r;
	const float *x = w;
	int8_t v[COLUMNS];
	int16_t sum = 0;

	if (n < COLUMNS) {
		memcpy(some, w, n * sizeof(*some));
		memset(some + n, 0, (COLUMNS - n) * sizeof(*some));
		x = some;
	}
	for (int k = 0; k < COLUMNS; k += LANES)
		for (int i = 0; i < LANES; i++) {
			float a = fabsf(x[k + i]);

			lane[i] = a > lane[i] ? a : lane[i];
		}
	for (int i = 0; i < LANES; i++)
		most = lane[i] > most ? lane[i] : most;
	scale = most / 127;
	if (scale < 0x1p-126f)
		return;
	r = 1 / scale;
	for (int k = 0; k < COLUMNS; k++) {
		/* rint, for |w r| < 2^22, in the default rounding mode */
		float t = x[k] * r + 0x1.8p23f;

		v[k] = (int8_t)(int)(t - 0x1.8p23f);
	}
	for (int k = 0; k < COLUMNS; k++)
		sum = (int16_t)(sum - v[k]);
	for (size_t s = 0; s < I8_STEPS; s++)
		memcpy(record + 64 * s + 4 * j, v + 4 * s, 4);
	memcpy(record + I8_SCALES + sizeof(scale) * j, &scale, sizeof(scale));
	memcpy(record + I8_SUMS + sizeof(sum) * j, &sum, sizeof(sum));
}

void
linear_i8_pack(
    void *packed, const float *W, size_t ldw, uint32_t in, uint32_t out)
{
	uint8_t *record = packed;

	memset(packed, 0, linear_i8_size(in, out));
	for (size_t j = 0; j < out; j += I8_PANEL)
		for (size_t k = 0; k < in; k += 64) {
			size_t n = in - k < 64 ? in - k : 64;

			for (size_t i = j; i < out && i < j + I8_PANEL; i++)
				pack_output(record, W + i * ldw + k, n, i - j);
			pair_steps(record);
			record += I8_BLOCK;
		}
}

/* All outputs of the rows that are quantised in q. */
static void
multiply(enum isa isa, const struct i8_kernels *k, float *y, size_t ldy,
    const uint8_t *q, size_t rows, const struct linear *l, struct after a)
{
	_Alignas(64) float t[I8_ROWS * I8_WIDE];
	size_t blocks = i8_blocks(l->in);
	const uint8_t *w = l->packed;

	for (size_t j = 0; j < l->out; j += I8_WIDE) {
		size_t n = l->out - j < I8_WIDE ? l->out - j : I8_WIDE;
		size_t panels = n > I8_PANEL ? 2 : 1;

		for (size_t i = 0; i < rows; i += I8_ROWS) {
			size_t m = rows - i < I8_ROWS ? rows - i : I8_ROWS;

			k->product(
			    t, q + i * blocks * 72, m, w, blocks, panels);
			linear_finish(isa, y + i * ldy + j, ldy, t, I8_WIDE, m,
			    n, after_at(a, i, j));
		}
		w += panels * blocks * I8_BLOCK;
	}
}

void
i8_run(const struct i8_kernels *k, enum isa isa, float *y, size_t ldy,
    const float *x, size_t ldx, size_t rows, const struct linear *l,
    const struct linear_after *after, void *room)
{
	struct after a = after_of(l, after);
	size_t step = round_rows(l->in, rows);

	if (k->begin != NULL)
		k->begin();
	for (size_t i = 0; i < rows; i += step) {
		size_t m = rows - i < step ? rows - i : step;

		k->quantize(room, x + i * ldx, ldx, m, l->in);
		multiply(
		    isa, k, y + i * ldy, ldy, room, m, l, after_at(a, i, 0));
	}
	if (k->end != NULL)
		k->end();
}

void
linear_i8_run(enum isa isa, float *y, size_t ldy, const float *x, size_t ldx,
    size_t rows, const struct linear *l, const struct linear_after *after,
    void *room)
{
	i8_run(i8_kernels(isa), isa, y, ldy, x, ldx, rows, l, after, room);
}
