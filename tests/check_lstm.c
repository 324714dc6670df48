#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/lstm.h"
#include "unit.h"
#include "vec/model.h"

/*
 * LSTM layers against PyTorch (tools/record-lstm.py), and every instruction
 * set against the portable one, byte for byte.
 */

enum { IN = 40, HIDDEN = 20, LAYERS = 3, STEPS = 25 };

struct session {
	struct store *store;
	struct model expected;
	const float *x, *y, *h, *c;
	struct error e;
};

static const float *
array(struct session *s, const char *name, uint64_t rows, uint64_t columns)
{
	uint64_t shape[2] = { rows, columns };
	const float *p =
	    model_tensor(&s->expected, name, TENSOR_F32, 2, shape, &s->e);

	ck_assert_msg(p != NULL, "%s", s->e.text);
	return p;
}

static void
path_of(char *out, size_t size, const char *file)
{
	const char *data = getenv("DATA");

	snprintf(out, size, "%s/encoders/lstm%s",
	    data != NULL ? data : "tests/data", file);
}

static void
open_session(struct session *s, enum precision precision)
{
	char path[1000];

	memset(s, 0, sizeof(*s));
	path_of(path, sizeof(path), "/expected.safetensors");
	ck_assert_msg(
	    model_open(&s->expected, path, &s->e) == 0, "%s", s->e.text);
	s->x = array(s, "x", STEPS, IN);
	s->y = array(s, "y", STEPS, HIDDEN);
	s->h = array(s, "h", LAYERS, HIDDEN);
	s->c = array(s, "c", LAYERS, HIDDEN);
	path_of(path, sizeof(path), "");
	s->store = store_open(path, precision, &s->e);
	ck_assert_msg(s->store != NULL, "%s", s->e.text);
}

static void
close_session(struct session *s)
{
	store_free(s->store);
	model_close(&s->expected);
}

struct result {
	float y[STEPS * HIDDEN], h[LAYERS * HIDDEN], c[LAYERS * HIDDEN];
};

static void
run(struct session *s, enum isa isa, size_t T, struct result *r)
{
	struct lstm m;
	void *room;

	ck_assert_msg(
	    lstm_read(&m, s->store, "lstm.", isa, &s->e) == 0, "%s", s->e.text);
	ck_assert_uint_eq(m.in, IN);
	ck_assert_uint_eq(m.hidden, HIDDEN);
	ck_assert_uint_eq(m.layers, LAYERS);
	ck_assert_uint_eq(lstm_macs(&m),
	    4 * HIDDEN * (IN + HIDDEN) + 2 * 4 * HIDDEN * 2 * HIDDEN);
	room = mem_aligned(lstm_room(&m, T), 1);
	ck_assert_ptr_nonnull(room);
	memset(room, 0xa5, lstm_room(&m, T));
	lstm_run(&m, r->y, r->h, r->c, s->x, T, room);
	free(room);
	lstm_free(&m);
}

static double
largest(const float *a, const float *b, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)a[i] - (double)b[i]));
	return most;
}

START_TEST(pytorch)
{
	static const double bound[] = { 1e-6, 1e-6, 0.05 };
	enum precision p = (enum precision)_i;
	struct session s;
	struct result r;
	double y, h, c;

	open_session(&s, p);
	run(&s, ISA_PORTABLE, STEPS, &r);
	y = largest(r.y, s.y, STEPS * HIDDEN);
	h = largest(r.h, s.h, LAYERS * HIDDEN);
	c = largest(r.c, s.c, LAYERS * HIDDEN);
	printf("# largest differences: y %.2g, h %.2g, c %.2g\n", y, h, c);
	fflush(stdout);
	ck_assert_double_le(y, bound[p]);
	ck_assert_double_le(h, bound[p]);
	ck_assert_double_le(c, 4 * bound[p]);
	close_session(&s);
}
END_TEST

START_TEST(same_bytes)
{
	static const size_t steps[] = { 1, 2, 7, STEPS };
	struct session s;
	struct result want, got;

	open_session(&s, (enum precision)_i);
	run(&s, ISA_PORTABLE, STEPS, &want);
	for (int isa = 0; isa <= (int)cpu_isa(); isa++)
		for (size_t i = 0; i < 4; i++) {
			size_t T = steps[i];

			run(&s, (enum isa)isa, T, &got);
			ck_assert_int_eq(
			    memcmp(got.y, want.y, T * HIDDEN * 4), 0);
			/* h of the last layer is the last of y */
			ck_assert_int_eq(
			    memcmp(got.h + 2 * HIDDEN,
				want.y + (T - 1) * HIDDEN, HIDDEN * 4),
			    0);
			if (T == STEPS) {
				ck_assert_int_eq(
				    memcmp(got.h, want.h, sizeof(got.h)), 0);
				ck_assert_int_eq(
				    memcmp(got.c, want.c, sizeof(got.c)), 0);
			}
		}
	close_session(&s);
}
END_TEST

START_TEST(no_steps)
{
	struct session s;
	struct result r;

	open_session(&s, PRECISION_F32);
	memset(&r, 1, sizeof(r));
	run(&s, cpu_isa(), 0, &r);
	for (size_t i = 0; i < LAYERS * HIDDEN; i++)
		ck_assert(r.h[i] == 0 && r.c[i] == 0);
	close_session(&s);
}
END_TEST

START_TEST(missing_arrays)
{
	struct session s;
	struct lstm m;

	open_session(&s, PRECISION_F32);
	ck_assert_int_eq(lstm_read(&m, s.store, "gru.", cpu_isa(), &s.e), -1);
	ck_assert_ptr_nonnull(strstr(s.e.text, "gru.weight_ih_l0"));
	lstm_free(&m);
	close_session(&s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lstm");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, pytorch, PRECISION_F32, PRECISION_I8 + 1);
	tcase_add_loop_test(t, same_bytes, PRECISION_F32, PRECISION_I8 + 1);
	tcase_add_test(t, no_steps);
	tcase_add_test(t, missing_arrays);
	suite_add_tcase(s, t);
	return unit_main(s);
}
