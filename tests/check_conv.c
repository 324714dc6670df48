#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/conv.h"
#include "unit.h"

/*
 * Convolution and pooling against plain loops in double, every instruction
 * set of this machine against the portable one, byte for byte, and rows of the
 * output one at a time against all at once, from a ring of the input's rows.
 */

static float
number(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (float)((int32_t)(*state >> 32) >> 8) * 0x1p-23f;
}

static float *
numbers(uint64_t *state, size_t n)
{
	float *x = mem_aligned(n + 1, sizeof(*x));

	ck_assert_ptr_nonnull(x);
	for (size_t i = 0; i < n; i++)
		x[i] = number(state);
	return x;
}

/* x(i, j)[ch], and what lies beyond the border. */
static double
at(const float *x, const struct window *w, size_t c, int64_t i, int64_t j,
    size_t ch)
{
	if (i < 0 || j < 0 || i >= w->h || j >= w->w)
		return 0;
	return (double)x[((size_t)i * w->w + (size_t)j) * c + ch];
}

static double
bounded(enum activation act, double t)
{
	if (act != ACT_NONE && t < 0)
		t = 0;
	return act == ACT_RELU6 && t > 6 ? 6 : t;
}

static void
close_to(const float *y, const double *want, size_t n, double most)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(fabs((double)y[i] - want[i]) <= most,
		    "%zu: %g, not %g", i, (double)y[i], want[i]);
}

static void
equal(const float *y, const float *ref, size_t n, enum isa isa)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(memcmp(y + i, ref + i, sizeof(*y)) == 0,
		    "%s, %zu: %a, not %a", cpu_isa_name(isa), i, (double)y[i],
		    (double)ref[i]);
}

START_TEST(windows)
{
	struct window w;

	/* torch.nn.Conv2d(kernel_size=7, stride=2, padding=3) on 224 x 225 */
	ck_assert_int_eq(window_even(&w, 7, 2, 3, 224, 225), 0);
	ck_assert_int_eq(w.oh, 112);
	ck_assert_int_eq(w.ow, 113);
	ck_assert_int_eq(w.top, 3);
	ck_assert_int_eq(window_even(&w, 4, 1, 1, 1, 9), -1);
	/* TensorFlow: 224 and a 3 x 3 kernel by 2 need one row, behind */
	ck_assert_int_eq(window_same(&w, 3, 2, 224, 225), 0);
	ck_assert_int_eq(w.oh, 112);
	ck_assert_int_eq(w.ow, 113);
	ck_assert_int_eq(w.top, 0);
	ck_assert_int_eq(w.left, 1);
	ck_assert_int_eq(window_same(&w, 5, 1, 7, 6), 0);
	ck_assert_int_eq(w.oh, 7);
	ck_assert_int_eq(w.left, 2);
	ck_assert_int_eq(window_same(&w, 1, 2, 7, 8), 0);
	ck_assert_int_eq(w.oh, 4);
	ck_assert_int_eq(w.top, 0);
}
END_TEST

static const struct depth_case {
	uint32_t h, w, c, k, stride, pad; /* pad 9: SAME */
	enum activation act;
} depths[] = {
	{ 9, 9, 16, 3, 1, 1, ACT_NONE },
	{ 9, 14, 24, 3, 1, 9, ACT_RELU },
	{ 10, 14, 8, 3, 2, 9, ACT_RELU6 },
	{ 14, 13, 40, 5, 1, 9, ACT_RELU6 },
	{ 14, 15, 33, 5, 2, 9, ACT_NONE },
	{ 7, 7, 16, 7, 1, 3, ACT_NONE },
	{ 15, 28, 3, 7, 2, 3, ACT_RELU },
	{ 1, 1, 20, 5, 1, 2, ACT_NONE },
	{ 3, 2, 17, 7, 1, 3, ACT_RELU6 },
	{ 5, 130, 20, 3, 1, 1, ACT_NONE },
	{ 6, 131, 20, 5, 2, 9, ACT_NONE },
	{ 8, 9, 20, 4, 3, 1, ACT_RELU },
	{ 12, 13, 5, 9, 1, 9, ACT_NONE },
	{ 6, 6, 4, 1, 1, 0, ACT_NONE },
	{ 6, 8, 4, 2, 2, 0, ACT_NONE },
	/* Whole lines: read where they lie, or by way of copies where there
	 * are too many for a cache or for the zeros beyond the border. */
	{ 19, 20, 48, 3, 1, 1, ACT_RELU },
	{ 21, 131, 32, 5, 2, 9, ACT_RELU6 },
	{ 7, 7, 1152, 5, 1, 9, ACT_NONE },
	{ 6, 20, 1024, 5, 1, 9, ACT_NONE },
	{ 3, 4, 2064, 3, 1, 1, ACT_RELU },
};

static void
window_for(struct window *w, const struct depth_case *d)
{
	if (d->pad == 9)
		ck_assert_int_eq(
		    window_same(w, d->k, d->stride, d->h, d->w), 0);
	else
		ck_assert_int_eq(
		    window_even(w, d->k, d->stride, d->pad, d->h, d->w), 0);
}

/* All rows at once, and row by row from a ring that holds those under the
 * kernel alone. */
static void
depth_twice(
    enum isa isa, float *y, float *again, const float *x, const struct depth *d)
{
	const struct window *w = &d->win;
	struct picture_rows all = { x, (size_t)w->w * d->c, w->h };
	struct picture_rows few = { NULL, all.ld, w->kh };
	size_t row = (size_t)w->ow * d->c;
	float *ring = mem_aligned(w->kh * all.ld, sizeof(*ring));

	ck_assert_ptr_nonnull(ring);
	few.p = ring;
	depth_run(isa, y, &all, d, 0, w->oh);
	for (uint32_t i = 0, have = 0; i < w->oh; i++) {
		for (; have < w->h && have + w->top < i * w->stride + w->kh;
		     have++)
			memcpy(ring + have % w->kh * all.ld, x + have * all.ld,
			    all.ld * sizeof(*x));
		depth_run(isa, again + i * row, &few, d, i, i + 1);
	}
	free(ring);
}

START_TEST(depthwise)
{
	const struct depth_case *dc = depths + _i;
	uint64_t state = 1 + (uint64_t)_i;
	struct depth d = { .c = dc->c, .act = dc->act };
	size_t taps = dc->k * dc->k, n;
	float *x = numbers(&state, dc->h * dc->w * dc->c);
	float *W = numbers(&state, taps * dc->c);
	float *b = numbers(&state, dc->c);
	float *packed = mem_aligned(depth_size(taps, dc->c), sizeof(*packed));
	float *ref, *y, *again;
	double *want;

	window_for(&d.win, dc);
	ck_assert_ptr_nonnull(packed);
	depth_pack(packed, W, taps, dc->c);
	d.packed = packed;
	d.bias = _i % 3 == 0 ? NULL : b;
	n = (size_t)d.win.oh * d.win.ow * dc->c;
	ref = numbers(&state, n);
	y = numbers(&state, n);
	again = numbers(&state, n);
	want = mem_array(n, sizeof(*want));
	ck_assert_ptr_nonnull(want);
	for (size_t p = 0; p < n; p++) {
		size_t ch = p % dc->c, j = p / dc->c % d.win.ow;
		size_t i = p / dc->c / d.win.ow;
		double t = d.bias != NULL ? (double)b[ch] : 0;

		for (size_t k = 0; k < taps; k++)
			t += (double)W[ch * taps + k] *
			     at(x, &d.win, dc->c,
				 (int64_t)(i * dc->stride + k / dc->k) -
				     d.win.top,
				 (int64_t)(j * dc->stride + k % dc->k) -
				     d.win.left,
				 ch);
		want[p] = bounded(dc->act, t);
	}
	depth_twice(ISA_PORTABLE, ref, again, x, &d);
	close_to(ref, want, n, 1e-5);
	equal(again, ref, n, ISA_PORTABLE);
	for (int isa = ISA_AVX2; isa <= (int)cpu_isa(); isa++) {
		memset(y, 1, n * sizeof(*y));
		memset(again, 1, n * sizeof(*y));
		depth_twice((enum isa)isa, y, again, x, &d);
		equal(y, ref, n, (enum isa)isa);
		equal(again, ref, n, (enum isa)isa);
	}
	free(x);
	free(W);
	free(b);
	free(packed);
	free(ref);
	free(y);
	free(again);
	free(want);
}
END_TEST

/* Other activations are linear_activate's. */
START_TEST(depthwise_act)
{
	uint64_t state = 3;
	struct depth d = { .c = 20, .act = ACT_HARDSWISH };
	float *x = numbers(&state, 8 * 9 * 20), *W = numbers(&state, 9 * 20);
	float packed[32 * 9], y[8 * 9 * 20], z[8 * 9 * 20];
	struct picture_rows rows = { x, 9 * 20, 8 };

	ck_assert_uint_eq(depth_size(9, 20), 32 * 9);
	depth_pack(packed, W, 9, 20);
	window_even(&d.win, 3, 1, 1, 8, 9);
	d.packed = packed;
	depth_run(cpu_isa(), y, &rows, &d, 0, 8);
	d.act = ACT_NONE;
	depth_run(cpu_isa(), z, &rows, &d, 0, 8);
	linear_activate(ISA_PORTABLE, ACT_HARDSWISH, z, 8 * 9 * 20);
	equal(y, z, 8 * 9 * 20, cpu_isa());
	free(x);
	free(W);
}
END_TEST

static const struct conv_case {
	struct depth_case w; /* c: channels in */
	uint32_t out, groups;
	enum activation act, last;
	int gamma, residual;
} convs[] = {
	{ { 8, 9, 3, 3, 2, 9, ACT_NONE }, 32, 1, ACT_RELU6, ACT_NONE, 0, 0 },
	{ { 8, 9, 24, 1, 1, 0, ACT_NONE }, 17, 1, ACT_NONE, ACT_NONE, 0, 1 },
	{ { 8, 9, 24, 1, 1, 0, ACT_NONE }, 40, 1, ACT_RELU, ACT_NONE, 1, 1 },
	{ { 9, 9, 20, 1, 2, 0, ACT_NONE }, 24, 1, ACT_NONE, ACT_NONE, 0, 0 },
	{ { 14, 14, 48, 3, 1, 1, ACT_NONE }, 20, 1, ACT_NONE, ACT_RELU, 0, 1 },
	{ { 9, 16, 12, 3, 1, 1, ACT_NONE }, 12, 3, ACT_RELU, ACT_NONE, 1, 1 },
	{ { 16, 15, 3, 7, 2, 3, ACT_NONE }, 16, 1, ACT_NONE, ACT_RELU, 0, 0 },
	{ { 12, 8, 3, 4, 4, 0, ACT_NONE }, 10, 1, ACT_NONE, ACT_NONE, 0, 0 },
};

struct conv_data {
	struct conv c;
	const struct conv_case *cc;
	float *x, *W, *b, *g, *r;
	void *packed, *room;
	size_t n, taps;
};

static void
conv_begin(struct conv_data *t, const struct conv_case *cc, uint64_t *state)
{
	struct conv *c = &t->c;
	size_t size;

	memset(t, 0, sizeof(*t));
	t->cc = cc;
	window_for(&c->win, &cc->w);
	c->in = cc->w.c;
	c->out = cc->out;
	c->groups = cc->groups;
	c->last = cc->last;
	t->taps = cc->w.k * cc->w.k * c->in / c->groups;
	t->n = (size_t)c->win.oh * c->win.ow * c->out;
	t->x = numbers(state, (size_t)c->win.h * c->win.w * c->in);
	t->W = numbers(state, t->taps * c->out);
	t->b = numbers(state, c->out);
	t->g = numbers(state, c->out);
	t->r = numbers(state, t->n);
	c->l = (struct linear){ PRECISION_F32, (uint32_t)t->taps,
		c->out / c->groups, NULL, t->b };
	size = linear_size(PRECISION_F32, c->l.in, c->l.out);
	t->packed = mem_aligned(size * c->groups, 1);
	ck_assert_ptr_nonnull(t->packed);
	for (size_t g = 0; g < c->groups; g++)
		linear_pack((char *)t->packed + g * size, PRECISION_F32,
		    t->W + g * c->l.out * t->taps, t->taps, c->l.in, c->l.out);
	c->l.packed = t->packed;
	t->room = mem_aligned(conv_room(c) + 1, 1);
	ck_assert_ptr_nonnull(t->room);
}

static void
conv_end(struct conv_data *t)
{
	free(t->x);
	free(t->W);
	free(t->b);
	free(t->g);
	free(t->r);
	free(t->packed);
	free(t->room);
}

/* Rows from .. to of the output, the residual in place. */
static void
conv_rows(enum isa isa, const struct conv_data *t, float *y, uint32_t from,
    uint32_t to)
{
	const struct conv *c = &t->c;
	struct picture_rows rows = { t->x, (size_t)c->win.w * c->in, c->win.h };
	struct linear_after after = { t->cc->act, NULL, NULL, c->out };

	if (t->cc->gamma)
		after.gamma = t->g;
	if (t->cc->residual) {
		memcpy(y, t->r + (size_t)from * c->win.ow * c->out,
		    (size_t)(to - from) * c->win.ow * c->out * sizeof(*y));
		after.residual = y;
	}
	conv_run(isa, y, &rows, c, from, to, &after, t->room);
}

static double
conv_value(const struct conv_data *t, size_t p)
{
	const struct conv *c = &t->c;
	size_t o = p % c->out, j = p / c->out % c->win.ow;
	size_t i = p / c->out / c->win.ow, per = c->in / c->groups;
	size_t g = o / (c->out / c->groups), k = t->cc->w.k;
	double s = (double)t->b[o];

	for (size_t a = 0; a < t->taps; a++)
		s +=
		    (double)t->W[o * t->taps + a] *
		    at(t->x, &c->win, c->in,
			(int64_t)(i * c->win.stride + a / per / k) - c->win.top,
			(int64_t)(j * c->win.stride + a / per % k) -
			    c->win.left,
			g * per + a % per);
	s = bounded(t->cc->act, s);
	if (t->cc->gamma)
		s *= (double)t->g[o];
	if (t->cc->residual)
		s += (double)t->r[p];
	return bounded(c->last, s);
}

START_TEST(dense)
{
	uint64_t state = 100 + (uint64_t)_i;
	struct conv_data t;
	float *ref, *y;
	double *want;
	size_t row;

	conv_begin(&t, convs + _i, &state);
	ref = numbers(&state, t.n);
	y = numbers(&state, t.n);
	want = mem_array(t.n, sizeof(*want));
	ck_assert_ptr_nonnull(want);
	for (size_t p = 0; p < t.n; p++)
		want[p] = conv_value(&t, p);
	conv_rows(ISA_PORTABLE, &t, ref, 0, t.c.win.oh);
	close_to(ref, want, t.n, 1e-4);
	row = (size_t)t.c.win.ow * t.c.out;
	for (int isa = ISA_PORTABLE; isa <= (int)cpu_isa(); isa++) {
		conv_rows((enum isa)isa, &t, y, 0, t.c.win.oh);
		equal(y, ref, t.n, (enum isa)isa);
		memset(y, 1, t.n * sizeof(*y));
		for (uint32_t i = 0; i < t.c.win.oh; i++)
			conv_rows((enum isa)isa, &t, y + i * row, i, i + 1);
		equal(y, ref, t.n, (enum isa)isa);
	}
	ck_assert_uint_eq(conv_macs(&t.c), t.n * t.taps);
	conv_end(&t);
	free(ref);
	free(y);
	free(want);
}
END_TEST

START_TEST(pooling)
{
	static const struct depth_case cases[] = {
		{ 9, 11, 19, 3, 2, 1, ACT_NONE },
		{ 8, 8, 16, 2, 2, 0, ACT_NONE },
		{ 5, 6, 33, 3, 1, 9, ACT_NONE },
	};
	const struct depth_case *pc = cases + _i / 2;
	int mean = _i % 2;
	uint64_t state = 9;
	struct window w;
	float *x = numbers(&state, pc->h * pc->w * pc->c), *y, *ref;
	struct picture_rows rows = { x, pc->w * pc->c, pc->h };
	size_t n;

	window_for(&w, pc);
	n = (size_t)w.oh * w.ow * pc->c;
	ref = numbers(&state, n);
	y = numbers(&state, n);
	conv_pool(ISA_PORTABLE, ref, &rows, &w, pc->c, mean, 0, w.oh);
	for (size_t p = 0; p < n; p++) {
		size_t ch = p % pc->c, j = p / pc->c % w.ow;
		size_t i = p / pc->c / w.ow, seen = 0;
		double s = mean ? 0 : -INFINITY;

		for (size_t k = 0; k < pc->k * pc->k; k++) {
			int64_t a = (int64_t)(i * w.stride + k / pc->k) - w.top;
			int64_t b =
			    (int64_t)(j * w.stride + k % pc->k) - w.left;

			if (a < 0 || b < 0 || a >= w.h || b >= w.w)
				continue;
			s = mean ? s + at(x, &w, pc->c, a, b, ch)
				 : fmax(s, at(x, &w, pc->c, a, b, ch));
			seen++;
		}
		s = mean ? s / (double)seen : s;
		close_to(ref + p, &s, 1, mean ? 1e-6 : 0);
	}
	for (int isa = ISA_AVX2; isa <= (int)cpu_isa(); isa++) {
		size_t row = (size_t)w.ow * pc->c;

		conv_pool((enum isa)isa, y, &rows, &w, pc->c, mean, 0, 1);
		conv_pool(
		    (enum isa)isa, y + row, &rows, &w, pc->c, mean, 1, w.oh);
		equal(y, ref, n, (enum isa)isa);
	}
	free(x);
	free(y);
	free(ref);
}
END_TEST

START_TEST(whole_picture)
{
	enum { H = 7, W = 6, C = 37 };
	uint64_t state = 5;
	float *x = numbers(&state, H * W * C);
	float *g = numbers(&state, C);

	for (int isa = ISA_PORTABLE; isa <= (int)cpu_isa(); isa++) {
		enum isa i = (enum isa)isa;
		float mean[C] = { 0 }, t[C], most[C], y[H * W * C];

		memcpy(y, x, sizeof(y));
		for (size_t j = 0; j < C; j++)
			most[j] = -INFINITY;
		for (size_t a = 0; a < H; a++)
			conv_mean_add(i, mean, t, x + a * W * C, W, C);
		conv_mean_end(i, mean, H * W, C);
		conv_largest_add(i, most, x, H * W, C);
		conv_gate(i, y, g, H * W, C);
		for (size_t j = 0; j < C; j++) {
			float sum = 0, top = -INFINITY;

			for (size_t a = 0; a < H; a++) {
				float line = 0;

				for (size_t b = 0; b < W; b++) {
					float v = x[(a * W + b) * C + j];
					float p = v * g[j];

					line += v;
					top = v > top ? v : top;
					equal(
					    y + (a * W + b) * C + j, &p, 1, i);
				}
				sum += line;
			}
			sum /= H * W;
			equal(mean + j, &sum, 1, i);
			equal(most + j, &top, 1, i);
		}
	}
	free(x);
	free(g);
}
END_TEST

static Suite *
conv_suite(void)
{
	Suite *s = suite_create("conv");
	TCase *t = tcase_create("conv");

	tcase_add_test(t, windows);
	tcase_add_loop_test(t, depthwise, 0, sizeof(depths) / sizeof(*depths));
	tcase_add_test(t, depthwise_act);
	tcase_add_loop_test(t, dense, 0, sizeof(convs) / sizeof(*convs));
	tcase_add_loop_test(t, pooling, 0, 6);
	tcase_add_test(t, whole_picture);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return unit_main(conv_suite());
}
