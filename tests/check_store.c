#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "linalg/half.h"
#include "nn/store.h"
#include "unit.h"
#include "vec/model.h"

/* ---- a small model ---- */

enum { ROWS = 5, DIM = 4, OUT = 3 };

static float table[ROWS * DIM], w0[OUT * DIM], w1[OUT * DIM], b0[OUT], b1[OUT],
    norm[DIM];
static uint16_t half[ROWS * DIM], brain[DIM];
static const int64_t ids[2] = { 1, 2 };

static void
fill(float *x, size_t n, float from)
{
	for (size_t i = 0; i < n; i++)
		x[i] = from + (float)i / 8;
}

/* Without the sync of a writer, which is most of its time; a file that is
 * overwritten is synced too by some systems. */
static void
put(const char *path, const void *p, size_t n)
{
	FILE *f = (unlink(path), fopen(path, "wb"));

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(p, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

static const char config[] =
    "{\"model_type\":\"tiny\",\"hidden_size\":4,\"eps\":1e-5,"
    "\"cased\":true,\"nothing\":null,\"mean\":[0.5,0.25],"
    "\"vision_config\":{\"hidden_size\":7}}";

#define T(n, t, r, d, ...)                                                     \
	{                                                                      \
		.name = (char[]){ n }, .type = t, .rank = r, .data = d,        \
		.shape = {                                                     \
			__VA_ARGS__                                            \
		}                                                              \
	}
enum { NTENSORS = 9 };
static const struct tensor tensors[NTENSORS] = {
	T("brain", TENSOR_BF16, 1, brain, DIM),
	T("half", TENSOR_F16, 2, half, ROWS, DIM),
	T("ids", TENSOR_I64, 1, ids, 2),
	T("k.bias", TENSOR_F32, 1, b0, OUT),
	T("k.weight", TENSOR_F32, 2, w0, OUT, DIM),
	T("norm", TENSOR_F32, 1, norm, DIM),
	T("table", TENSOR_F32, 2, table, ROWS, DIM),
	T("v.bias", TENSOR_F32, 1, b1, OUT),
	T("v.weight", TENSOR_F32, 2, w1, OUT, DIM),
};

/* Each test begins with nothing there. */
static void
clear(void)
{
	ck_assert_int_eq(system("rm -rf m n p q"), 0);
}

static void
prepare(void)
{
	fill(table, ROWS * DIM, -1);
	fill(w0, OUT * DIM, 2);
	fill(w1, OUT * DIM, -3);
	fill(b0, OUT, 10);
	fill(b1, OUT, 20);
	fill(norm, DIM, 1);
	for (size_t i = 0; i < ROWS * DIM; i++)
		half[i] = half_narrow(table[i]);
	for (size_t i = 0; i < DIM; i++) {
		uint32_t u;

		memcpy(&u, norm + i, sizeof(u));
		brain[i] = (uint16_t)(u >> 16);
	}
	mkdir("m", 0777);
	put("m/config.json", config, sizeof(config) - 1);
}

static void
save(const char *path, const struct tensor *t, size_t n)
{
	struct error e;

	ck_assert_msg(model_save(path, NULL, t, n, &e) == 0, "%s", e.text);
}

static void
one_file(void)
{
	prepare();
	save("m/model.safetensors", tensors, NTENSORS);
}

static struct store *
opened(const char *path, enum precision p)
{
	struct error e;
	struct store *s = store_open(path, p, &e);

	ck_assert_msg(s != NULL, "%s", e.text);
	return s;
}

static void
refused(const char *path, const char *why)
{
	struct error e = { 0 };

	ck_assert_ptr_null(store_open(path, PRECISION_F32, &e));
	ck_assert_str_eq(e.text, why);
}

/* ---- texts and fields ---- */

START_TEST(texts_are_kept)
{
	struct str text;
	struct buf b = { 0 };
	struct error e;
	struct store *s;

	one_file();
	mkdir("m/1_Pooling", 0777);
	put("m/1_Pooling/config.json", "{}", 2);
	put("m/vocab.txt", "a\nb\n", 4);
	s = opened("m", PRECISION_F32);
	ck_assert_int_eq(store_text(s, "1_Pooling/config.json", &text), 1);
	ck_assert_uint_eq(text.len, 2);
	ck_assert_int_eq(store_text(s, "config.json", &text), 1);
	ck_assert_mem_eq(text.s, config, text.len);
	ck_assert_int_eq(store_text(s, "modules.json", &text), 0);
	ck_assert_int_eq(store_bytes(s, "vocab.txt", &b, &e), 1);
	ck_assert_uint_eq(b.len, 4);
	ck_assert_int_eq(store_bytes(s, "tokenizer.json", &b, &e), 0);
	buf_free(&b);
	ck_assert_str_eq(store_path(s), "m");
	ck_assert_int_eq(store_packed(s), 0);
	/* Whole numbers are no parameters. */
	ck_assert_uint_eq(store_parameters(s),
	    DIM + 2 * ROWS * DIM + 2 * (OUT + OUT * DIM) + DIM);
	store_free(s);
}
END_TEST

#define C "config.json"

START_TEST(fields_are_taken_with_their_type)
{
	struct error e = { 0 };
	struct store *s;
	uint32_t u = 1;
	double d = 0;
	float f[2] = { 0 };
	char z[4];
	size_t n;
	int b = 0;

	one_file();
	s = opened("m", PRECISION_F32);
	ck_assert_int_eq(store_field_u32(s, C, "hidden_size", 1, 9, &u, &e), 1);
	ck_assert_uint_eq(u, 4);
	ck_assert_int_eq(
	    store_field_u32(s, C, "vision_config.hidden_size", 1, 9, &u, &e),
	    1);
	ck_assert_uint_eq(u, 7);
	ck_assert_int_eq(store_field_u32(s, C, "nothing", 1, 9, &u, &e), 0);
	ck_assert_int_eq(store_field_u32(s, C, "absent", 1, 9, &u, &e), 0);
	ck_assert_int_eq(
	    store_field_u32(s, "modules.json", "a", 1, 9, &u, &e), 0);
	ck_assert_uint_eq(u, 7);
	ck_assert_int_eq(store_field_double(s, C, "eps", 0, 1, &d, &e), 1);
	ck_assert(d == 1e-5);
	ck_assert_int_eq(store_field_bool(s, C, "cased", &b, &e), 1);
	ck_assert_int_eq(b, 1);
	ck_assert_int_eq(
	    store_field_string(s, C, "model_type", z, sizeof(z), &e), 1);
	ck_assert_str_eq(z, "tin");
	ck_assert_int_eq(store_field_floats(s, C, "mean", f, 2, &n, &e), 1);
	ck_assert_uint_eq(n, 2);
	ck_assert(f[0] == 0.5f && f[1] == 0.25f);

	ck_assert_int_eq(
	    store_field_u32(s, C, "hidden_size", 5, 9, &u, &e), -1);
	ck_assert_str_eq(
	    e.text, "'m/config.json': hidden_size: 4 is not from 5 to 9");
	ck_assert_int_eq(store_field_u32(s, C, "eps", 0, 9, &u, &e), -1);
	ck_assert_str_eq(e.text, "'m/config.json': eps: not a whole number "
				 "from 0 to 4294967295");
	ck_assert_int_eq(store_field_double(s, C, "cased", 0, 1, &d, &e), -1);
	ck_assert_str_eq(e.text, "'m/config.json': cased: not a number");
	ck_assert_int_eq(
	    store_field_double(s, C, "hidden_size", 0, 1, &d, &e), -1);
	ck_assert_str_eq(
	    e.text, "'m/config.json': hidden_size: 4 is not from 0 to 1");
	ck_assert_int_eq(store_field_bool(s, C, "eps", &b, &e), -1);
	ck_assert_str_eq(
	    e.text, "'m/config.json': eps: neither true nor false");
	ck_assert_int_eq(store_field_string(s, C, "eps", z, sizeof(z), &e), -1);
	ck_assert_str_eq(e.text, "'m/config.json': eps: not a string");
	ck_assert_int_eq(store_field_floats(s, C, "mean", f, 1, &n, &e), -1);
	ck_assert_str_eq(e.text, "'m/config.json': mean: not an array of "
				 "numbers, or too many");
	store_free(s);
}
END_TEST

START_TEST(bad_json_is_told_with_its_place)
{
	static const char *const bad[] = { "{", "[]", "{\"a\":1,\"a\":2}",
		"{\"a\":NaN}", "{} {}", "" };
	struct error e = { 0 };
	struct store *s;
	uint32_t u;

	one_file();
	put("m/config.json", bad[_i], strlen(bad[_i]));
	s = opened("m", PRECISION_F32);
	ck_assert_int_eq(store_field_u32(s, C, "a", 0, 9, &u, &e), -1);
	ck_assert_msg(
	    strncmp(e.text, "'m/config.json': ", 17) == 0, "%s", e.text);
	store_free(s);
}
END_TEST

START_TEST(deep_json_is_refused)
{
	struct buf b = { 0 };
	struct error e = { 0 };
	struct store *s;
	uint32_t u;

	one_file();
	buf_puts(&b, "{\"a\":");
	for (int i = 0; i < 100000; i++)
		buf_putc(&b, '[');
	put("m/config.json", b.data, b.len);
	buf_free(&b);
	s = opened("m", PRECISION_F32);
	ck_assert_int_eq(store_field_u32(s, C, "b", 0, 9, &u, &e), -1);
	ck_assert_msg(strstr(e.text, "deep") != NULL, "%s", e.text);
	store_free(s);
}
END_TEST

/* ---- arrays ---- */

START_TEST(raw_arrays_are_widened)
{
	uint64_t shape[2] = { 0, DIM }, again[2] = { 0, 0 }, one[1] = { 0 };
	struct error e;
	struct store *s;
	const float *x, *y, *z;

	one_file();
	s = opened("m", PRECISION_I8);
	x = store_raw(s, "table", 2, shape, &e);
	ck_assert_uint_eq(shape[0], ROWS);
	y = store_raw(s, "half", 2, again, &e);
	ck_assert_uint_eq(again[1], DIM);
	z = store_raw(s, "brain", 1, one, &e);
	ck_assert_mem_eq(x, table, sizeof(table));
	ck_assert_mem_eq(y, table, sizeof(table)); /* all exact in f16 */
	ck_assert_mem_eq(z, norm, sizeof(norm));
	store_done(s);
	ck_assert_int_eq(store_has(s, "ids"), 1);
	ck_assert_int_eq(store_has(s, "idz"), 0);
	store_free(s);
}
END_TEST

#define M "'m/model.safetensors': "

START_TEST(wrong_arrays_are_named)
{
	uint64_t shape[2] = { 0, DIM + 1 };
	struct error e;
	struct store *s;
	struct table t;

	one_file();
	s = opened("m", PRECISION_F32);
	ck_assert_ptr_null(store_raw(s, "x", 2, shape, &e));
	ck_assert_str_eq(e.text, M "no tensor 'x'");
	ck_assert_ptr_null(store_raw(s, "table", 2, shape, &e));
	ck_assert_str_eq(e.text, M "tensor 'table': shape[1] is 4, not 5");
	ck_assert_uint_eq(shape[0], 0);
	ck_assert_ptr_null(store_raw(s, "table", 1, shape, &e));
	ck_assert_str_eq(e.text, M "tensor 'table': rank 2, not 1");
	ck_assert_ptr_null(store_raw(s, "ids", 1, shape, &e));
	ck_assert_str_eq(
	    e.text, M "tensor 'ids': dtype I64, not F32, F16 or BF16");
	ck_assert_int_eq(store_table(s, &t, "norm", 0, 0, &e), -1);
	ck_assert_str_eq(e.text, M "tensor 'norm': rank 1, not 2");
	ck_assert_ptr_null(store_vector(s, "norm", 5, &e));
	ck_assert_str_eq(e.text, M "tensor 'norm': shape[0] is 4, not 5");
	store_free(s);
}
END_TEST

static const char *const weight[] = { "k.weight", "v.weight" };

/* y = x W' + b of two parts, against the sums written out. */
static void
check_linear(struct store *s, const char *const *bias)
{
	float x[DIM] = { 1, 2, -1, 0.5f }, y[2 * OUT];
	struct linear l;
	struct error e;
	void *room;

	ck_assert_msg(store_linear(s, &l, weight, bias, 2, DIM, OUT, &e) == 0,
	    "%s", e.text);
	ck_assert_uint_eq(l.in, DIM);
	ck_assert_uint_eq(l.out, 2 * OUT);
	ck_assert_uint_eq((uintptr_t)l.packed % 64, 0);
	room = mem_aligned(1, linear_room(&l, 1));
	linear_run(cpu_isa(), y, 2 * OUT, x, DIM, 1, &l, NULL, room);
	free(room);
	for (int o = 0; o < 2 * OUT; o++) {
		const float *w = o < OUT ? w0 + o * DIM : w1 + (o - OUT) * DIM;
		double sum = 0;

		for (int k = 0; k < DIM; k++)
			sum += (double)w[k] * (double)x[k];
		if (bias != NULL && o < OUT && bias[0] != NULL)
			sum += (double)b0[o];
		if (bias != NULL && o >= OUT && bias[1] != NULL)
			sum += (double)b1[o - OUT];
		ck_assert_msg(
		    fabs(sum - (double)y[o]) <
			(store_precision(s) == PRECISION_I8 ? 0.2 : 1e-3),
		    "output %d: %g, not %g", o, (double)y[o], sum);
	}
}

static const char *const both[] = { "k.bias", "v.bias" };
static const char *const second[] = { NULL, "v.bias" };
static const char *const none[] = { NULL, NULL };
static const char *const *const biases[] = { both, second, none, NULL };

START_TEST(linear_layers_have_parts)
{
	struct store *s;

	one_file();
	s = opened("m", (enum precision)(_i % 3));
	check_linear(s, biases[_i / 3]);
	store_free(s);
}
END_TEST

START_TEST(linear_layers_are_checked_first)
{
	static const char *const bias[] = { "norm", NULL };
	struct linear l;
	struct error e;
	struct store *s;

	one_file();
	s = opened("m", PRECISION_F32);
	/* So large that taking room for it would be noticed. */
	ck_assert_int_eq(
	    store_linear(s, &l, weight, NULL, 1, UINT32_MAX, UINT32_MAX, &e),
	    -1);
	ck_assert_str_eq(
	    e.text, M "tensor 'k.weight': shape[0] is 3, not 4294967295");
	ck_assert_int_eq(
	    store_linear(s, &l, weight, NULL, 2, UINT32_MAX, UINT32_MAX, &e),
	    -1);
	ck_assert_int_eq(
	    store_linear(s, &l, weight, bias, 2, DIM, OUT, &e), -1);
	ck_assert_str_eq(e.text, M "tensor 'norm': shape[0] is 4, not 3");
	store_free(s);
}
END_TEST

/* ---- by several threads ---- */

enum { LARGE = 9000, WIDE = 128, SHARE = 64 };

/* A table of more than one round of reading and of narrowing, and two parts of
 * a layer that are packed where they lie; ${bad} is a value of the table. */
static void
large_file(size_t bad)
{
	float *x = mem_array(LARGE * WIDE, sizeof(*x)), value;
	struct tensor t[] = {
		T("a", TENSOR_F32, 2, x, SHARE, WIDE),
		T("b", TENSOR_F32, 2, x + SHARE * WIDE, SHARE, WIDE),
		T("c", TENSOR_F32, 2, x, 2 * SHARE, WIDE),
		T("rows", TENSOR_F32, 2, x, LARGE, WIDE),
	};

	for (size_t i = 0; i < LARGE * WIDE; i++)
		x[i] = (float)(i * 2654435761u % 1000) / 500 - 1;
	value = x[bad];
	for (size_t i = 0; i < 4; i++) {
		uint64_t n = t[i].shape[0] * t[i].shape[1];

		t[i].bytes = n * sizeof(float);
	}
	clear();
	ck_assert_int_eq(mkdir("m", 0777), 0);
	put("m/config.json", config, strlen(config));
	if (bad > 0)
		x[bad] = NAN;
	save("m/model.safetensors", t, 4);
	x[bad] = value;
	free(x);
}

static const char *const one_part[] = { "c" };
static const char *const two_parts[] = { "a", "b" };

START_TEST(threads_read_the_same)
{
	static const enum precision precision[] = { PRECISION_F32,
		PRECISION_F16, PRECISION_I8 };
	struct error e = { 0 };
	struct pool *pool = pool_new(3, &e);
	struct store *s[2];
	struct linear one, two;
	struct table t[2];

	large_file(0);
	for (int k = 0; k < 2; k++)
		s[k] = opened("m", precision[_i]);
	store_help(s[1], pool);
	for (int k = 0; k < 2; k++) {
		size_t size = linear_size(precision[_i], WIDE, 2 * SHARE);

		ck_assert_int_eq(store_linear(s[k], &one, one_part, NULL, 1,
				     WIDE, 2 * SHARE, &e),
		    0);
		ck_assert_int_eq(store_linear(s[k], &two, two_parts, NULL, 2,
				     WIDE, SHARE, &e),
		    0);
		ck_assert_mem_eq(one.packed, two.packed, size);
		ck_assert_int_eq(
		    store_table(s[k], &t[k], "rows", LARGE, WIDE, &e), 0);
	}
	ck_assert_mem_eq(t[0].p, t[1].p,
	    (size_t)LARGE * WIDE * (t[0].type == TENSOR_F32 ? 4 : 2));
	ck_assert_uint_eq(store_hash(s[0]), store_hash(s[1]));
	store_free(s[0]);
	store_free(s[1]);
	pool_free(pool);
}
END_TEST

START_TEST(threads_find_what_is_not_finite)
{
	/* In the first round, in the last value. */
	static const size_t bad[] = { 70000, (size_t)LARGE * WIDE - 1 };
	struct error e = { 0 };
	struct pool *pool = pool_new(3, &e);
	struct store *s;
	struct table t;

	large_file(bad[_i]);
	s = opened("m", PRECISION_F32);
	store_help(s, pool);
	ck_assert_int_eq(store_table(s, &t, "rows", LARGE, WIDE, &e), -1);
	ck_assert_str_eq(e.text, M "tensor 'rows': non-finite value");
	store_free(s);
	pool_free(pool);
}
END_TEST

static void
check_table(struct store *s, const char *name, int type)
{
	float row[DIM], more[DIM];
	struct table t;
	struct error e;

	ck_assert_msg(store_table(s, &t, name, 0, DIM, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(t.rows, ROWS);
	ck_assert_int_eq(t.type, type);
	for (uint64_t i = 0; i < ROWS; i++) {
		table_row(&t, i, row);
		ck_assert_mem_eq(row, table + i * DIM, sizeof(row));
		memcpy(more, norm, sizeof(more));
		table_add(&t, i, more);
		for (int k = 0; k < DIM; k++)
			ck_assert(more[k] == norm[k] + row[k]);
	}
}

START_TEST(tables_keep_their_type_or_become_f16)
{
	struct store *s;

	one_file();
	s = opened("m", (enum precision)(_i / 2));
	check_table(
	    s, _i % 2 ? "half" : "table", _i == 0 ? TENSOR_F32 : TENSOR_F16);
	store_free(s);
}
END_TEST

/* Every array is looked through, to its last value, when it is used. */
START_TEST(non_finite_values_are_named)
{
	uint64_t shape[1] = { 0 };
	struct error e;
	struct store *s;
	struct table t;

	prepare();
	norm[DIM - 1] = _i == 0 ? (float)NAN : -(float)INFINITY;
	half[ROWS * DIM - 1] = _i == 0 ? 0x7e00 : 0xfc00;
	brain[DIM - 1] = _i == 0 ? 0x7fc0 : 0x7f80;
	save("m/model.safetensors", tensors, NTENSORS);
	s = opened("m", PRECISION_F32);
	ck_assert_ptr_null(store_vector(s, "norm", DIM, &e));
	ck_assert_str_eq(e.text, M "tensor 'norm': non-finite value");
	ck_assert_ptr_null(store_raw(s, "brain", 1, shape, &e));
	ck_assert_str_eq(e.text, M "tensor 'brain': non-finite value");
	ck_assert_int_eq(store_table(s, &t, "half", 0, 0, &e), -1);
	ck_assert_str_eq(e.text, M "tensor 'half': non-finite value");
	ck_assert_ptr_nonnull(store_vector(s, "k.bias", OUT, &e));
	ck_assert_uint_ne(store_hash(s), 0);
	store_free(s);
}
END_TEST

/* ---- several files ---- */

static const char good_index[] =
    "{\"metadata\":{\"total_size\":1},\"weight_map\":{"
    "\"brain\":\"a.safetensors\",\"half\":\"a.safetensors\","
    "\"ids\":\"a.safetensors\",\"k.bias\":\"a.safetensors\","
    "\"k.weight\":\"a.safetensors\",\"norm\":\"b.safetensors\","
    "\"table\":\"b.safetensors\",\"v.bias\":\"b.safetensors\","
    "\"v.weight\":\"b.safetensors\"}}";

#define INDEX "m/model.safetensors.index.json"

static void
two_files(void)
{
	prepare();
	save("m/a.safetensors", tensors, 5);
	save("m/b.safetensors", tensors + 5, 4);
	put(INDEX, good_index, sizeof(good_index) - 1);
}

START_TEST(shards_are_one_model)
{
	uint64_t hash;
	struct store *s;

	two_files();
	s = opened("m", PRECISION_F32);
	check_linear(s, both);
	hash = store_hash(s);
	ck_assert_int_eq(store_has(s, "table"), 1);
	store_free(s);
	/* The same model in one file. */
	unlink("m/a.safetensors");
	unlink("m/b.safetensors");
	unlink(INDEX);
	save("m/other.safetensors", tensors, NTENSORS);
	s = opened("m", PRECISION_I8);
	ck_assert_uint_eq(store_hash(s), hash);
	store_free(s);
	/* And another. */
	norm[0] = 5;
	save("m/other.safetensors", tensors, NTENSORS);
	s = opened("m", PRECISION_I8);
	ck_assert_uint_ne(store_hash(s), hash);
	store_free(s);
}
END_TEST

#define LISTS ", which model.safetensors.index.json lists"

/* What replaces the first "from" in the index, and what is said of it. */
static const struct {
	const char *from, *to, *why;
} lies[] = {
	{ "\"a.safetensors", "\"../m/a.safetensors",
	    "'" INDEX "': weight_map: '../m/a.safetensors' is no file of this "
	    "directory" },
	{ "\"a.safetensors\"", "\"/etc/passwd\"",
	    "'" INDEX "': weight_map: '/etc/passwd' is no file of this "
	    "directory" },
	{ "\"a.safetensors\"", "\"\"",
	    "'" INDEX "': weight_map: '' is no file of this directory" },
	{ "\"a.safetensors\"", "\"..\"",
	    "'" INDEX "': weight_map: '..' is no file of this directory" },
	{ "\"a.safetensors", "\"a\\u0000b", NULL },
	{ "\"a.safetensors", "\"c.safetensors",
	    "'m/c.safetensors': No such file or directory" },
	{ "\"brain\"", "\"bread\"",
	    "'m/a.safetensors': tensor 'brain': not listed in "
	    "model.safetensors.index.json" },
	{ "\"brain\"", "\"aaa\":\"b.safetensors\",\"brain\"",
	    "'m/b.safetensors': no tensor 'aaa'" LISTS },
	{ "\"brain\":\"a", "\"brain\":\"b",
	    "'m/b.safetensors': no tensor 'brain'" LISTS },
	{ ",\"v.weight\":\"b.safetensors\"", "",
	    "'m/b.safetensors': tensor 'v.weight': not listed in "
	    "model.safetensors.index.json" },
	{ "}}", ",\"z\":\"a.safetensors\"}}",
	    "'m/a.safetensors': no tensor 'z'" LISTS },
	{ "weight_map", "weight", "'" INDEX "': no weight_map" },
	{ "}}", "}", NULL },
	{ "\"a.safetensors\"", "1", NULL },
	{ "\"half\"", "\"brain\"", NULL },
};
enum { NLIES = sizeof(lies) / sizeof(lies[0]) };

START_TEST(an_index_that_lies_is_refused)
{
	struct buf b = { 0 };
	struct error e = { 0 };
	const char *at;

	two_files();
	at = strstr(good_index, lies[_i].from);
	buf_put(&b, good_index, (size_t)(at - good_index));
	buf_puts(&b, lies[_i].to);
	buf_puts(&b, at + strlen(lies[_i].from));
	put(INDEX, b.data, b.len);
	buf_free(&b);
	if (lies[_i].why != NULL) {
		refused("m", lies[_i].why);
		return;
	}
	ck_assert_ptr_null(store_open("m", PRECISION_F32, &e));
	ck_assert_msg(strncmp(e.text, "'" INDEX "': ", strlen(INDEX) + 4) == 0,
	    "%s", e.text);
}
END_TEST

START_TEST(a_name_in_two_shards_is_refused)
{
	two_files();
	save("m/b.safetensors", tensors + 4, 5);
	refused("m", "'m/b.safetensors': tensor 'k.weight': in "
		     "'m/a.safetensors' too");
}
END_TEST

START_TEST(what_is_no_model_is_named)
{
	refused("m", "'m': No such file or directory");
	mkdir("m", 0777);
	refused("m", "'m': no model.safetensors in this directory");
	put("m/pytorch_model.bin", "PK", 2);
	refused("m", "'m/pytorch_model.bin': unsupported (looks like a "
		     "pickle): convert it with tools/pth2safetensors");
	put("m/model.safetensors", "", 0);
	refused("m", "'m/model.safetensors': empty file");
	unlink("m/model.safetensors");
	prepare();
	save("m/x.safetensors", tensors, 1);
	save("m/y.safetensors", tensors, 1);
	refused("m", "'m': more than one .safetensors and no "
		     "model.safetensors.index.json");
	unlink("m/y.safetensors");
	store_free(opened("m", PRECISION_F32));
}
END_TEST

/* ---- packed files ---- */

static const char block[] = "a tokenizer's block";

/* Ask for everything that the model has, as an encoder would. */
static void
build(struct store *s)
{
	int f32 = store_precision(s) == PRECISION_F32;
	struct error e;
	const float *v;

	check_linear(s, both);
	check_table(s, "table", f32 ? TENSOR_F32 : TENSOR_F16);
	check_table(s, "half", TENSOR_F16);
	v = store_vector(s, "norm", DIM, &e);
	ck_assert_msg(v != NULL, "%s", e.text);
	ck_assert_mem_eq(v, norm, sizeof(norm));
	ck_assert_ptr_eq(store_vector(s, "norm", DIM, &e), v);
}

static void
pack(const char *file, enum precision p)
{
	struct store *s = opened("m", p);
	struct error e;

	build(s);
	ck_assert_int_eq(store_put(s, "block/x", block, sizeof(block), &e), 0);
	ck_assert_msg(store_save(s, file, &e) == 0, "%s", e.text);
	store_free(s);
}

static struct buf
slurp(const char *path)
{
	struct buf b = { 0 };
	struct error e;

	ck_assert_msg(
	    io_read_file(path, IO_MAX_FILE, &b, &e) == 0, "%s", e.text);
	return b;
}

START_TEST(what_is_packed_comes_back)
{
	enum precision p = (enum precision)_i;
	struct store *s, *q;
	struct str text, was;
	uint64_t shape[2] = { 0, 0 };
	struct error e;
	struct buf a, b;

	one_file();
	put("m/vocab.txt", "a\n", 2);
	pack("p", p);
	s = opened("m", p);
	q = opened("p", p);
	ck_assert_int_eq(store_packed(q), 1);
	build(q);
	ck_assert_int_eq(store_text(q, "config.json", &text), 1);
	ck_assert_int_eq(store_text(s, "config.json", &was), 1);
	ck_assert(str_eq(text, was));
	ck_assert_int_eq(store_text(q, "modules.json", &text), 0);
	ck_assert_uint_eq(store_hash(q), store_hash(s));
	ck_assert_uint_eq(store_parameters(q), store_parameters(s));
	ck_assert_int_eq(store_has(q, "ids"), 1);
	ck_assert_int_eq(store_has(q, "idz"), 0);
	ck_assert_int_eq(store_shape(q, "half", 2, shape, &e), 0);
	ck_assert_uint_eq(shape[0] * 100 + shape[1], ROWS * 100 + DIM);
	ck_assert_int_eq(store_block(q, "block/x", &text), 1);
	ck_assert_uint_eq(text.len, sizeof(block));
	ck_assert_mem_eq(text.s, block, sizeof(block));
	ck_assert_uint_eq((uintptr_t)text.s % 64, 0);
	ck_assert_int_eq(store_block(q, "block/y", &text), 0);
	ck_assert_int_eq(store_verify(q, &e), 0);
	/* What is not in it. */
	ck_assert_ptr_null(store_vector(q, "k.bias", OUT, &e));
	ck_assert_str_eq(e.text, "'p': no 'vector/k.bias'");
	ck_assert_ptr_null(store_raw(q, "norm", 1, shape, &e));
	ck_assert_ptr_null(store_vector(q, "norm", 5, &e));
	ck_assert_str_eq(e.text, "'p': tensor 'norm': shape[0] is 4, not 5");
	ck_assert_int_eq(store_save(q, "p", &e), -1);
	store_free(s);
	store_free(q);
	/* The same bytes again, from wherever the directory lies. */
	a = slurp("p");
	ck_assert_int_eq(rename("m", "n"), 0);
	ck_assert_int_eq(symlink("n", "m"), 0);
	pack("p", p);
	b = slurp("p");
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_mem_eq(a.data, b.data, a.len);
	buf_free(&a);
	buf_free(&b);
}
END_TEST

/* Whether ${n} bytes are refused, with a sentence that names the file; a sound
 * header lets the store be built, whatever the data is. */
static int
opens(const void *p, size_t n)
{
	struct error e = { 0 };
	struct store *s;

	put("q", p, n);
	s = store_open("q", PRECISION_F32, &e);
	if (s == NULL)
		ck_assert_msg(strncmp(e.text, "'q': ", 5) == 0, "%s", e.text);
	store_free(s);
	return s != NULL;
}

START_TEST(every_prefix_of_a_packed_file_is_refused)
{
	struct buf b;

	one_file();
	pack("p", PRECISION_F32);
	b = slurp("p");
	for (size_t i = 0; i < b.len; i++)
		ck_assert_msg(!opens(b.data, i), "%zu of %zu bytes", i, b.len);
	ck_assert(opens(b.data, b.len));
	buf_putc(&b, '\0');
	ck_assert(!opens(b.data, b.len));
	buf_free(&b);
}
END_TEST

/* In the header when it is opened, in the data when it is verified. */
START_TEST(every_flipped_bit_is_found)
{
	struct error e = { 0 };
	struct mapping m;
	struct store *s;
	size_t head;
	struct buf b;

	one_file();
	pack("p", PRECISION_I8);
	b = slurp("p");
	head = 8 + (unsigned char)b.data[0] + 256 * (size_t)b.data[1];
	ck_assert_uint_eq(head % 64, 0);
	for (size_t i = 0; i < b.len; i++)
		for (int k = 0; k < 8; k++) {
			/* Not every bit of the data: it takes a while. */
			if (i >= head && k != (int)(i % 8))
				continue;
			b.data[i] = (char)(b.data[i] ^ 1 << k);
			put("q", b.data, b.len);
			b.data[i] = (char)(b.data[i] ^ 1 << k);
			s = store_open("q", PRECISION_I8, &e);
			if (i < head) {
				ck_assert_msg(s == NULL, "bit %zu.%d", i, k);
				continue;
			}
			ck_assert_msg(s != NULL, "%s", e.text);
			ck_assert_int_eq(store_verify(s, &e), -1);
			ck_assert_str_eq(e.text, "'q': checksum mismatch");
			store_free(s);
		}
	buf_free(&b);
	ck_assert_int_eq(io_map(&m, "p", &e), 0);
	io_unmap(&m);
}
END_TEST

/* A header that lies and is signed: nothing is believed all the same. */
static const struct {
	const char *from, *to, *why;
} forged[] = {
	{ "\\\"kind\\\":\\\"packed", "\\\"kind\\\":\\\"packet",
	    "'q': not a packed file" },
	{ "\\\"layout\\\":1", "\\\"layout\\\":9",
	    "'q': packed by another version of vecpipe; make it anew" },
	{ "\\\"f32\\\"", "\\\"f16\\\"",
	    "'q': packed with --precision f16, not f32" },
	{ "\\\"f32\\\"", "\\\"f99\\\"", "'q': no precision" },
	{ "\\\"hash\\\"", "\\\"hush\\\"", "'q': a field is missing" },
	{ "\"U8\",\"shape\":[64]", "\"I8\",\"shape\":[64]", "'q': tensor '" },
	{ "\\\"norm\\\":", "\\\"zorm\\\":", "'q': column " },
	{ "[\\\"I64\\\",2]", "[\\\"I65\\\",2]", "'q': column " },
	{ "[\\\"I64\\\",2]", "[\\\"I64\\\",x]", "'q': column " },
	{ "\\\"config.json", "\\\"konfig.json", "'q': column " },
	{ "\\\"bytes\\\":[", "\\\"bytes\\\":[9", "'q': tensor '" },
	{ "\"packed\",\"vecpipe.v", "\"pucked\",\"vecpipe.v",
	    "'q': __metadata__: vecpipe.requires 'pucked'" },
};
enum { NFORGED = sizeof(forged) / sizeof(forged[0]) };

static char *
find(struct buf *b, const char *what)
{
	size_t n = strlen(what);

	for (size_t i = 0; i + n <= b->len; i++)
		if (memcmp(b->data + i, what, n) == 0)
			return b->data + i;
	ck_abort_msg("no '%s' in the header", what);
	return NULL;
}

START_TEST(a_signed_lie_is_refused)
{
	struct error e = { 0 };
	struct buf b;
	size_t head, longer;
	char *at;

	one_file();
	pack("p", PRECISION_F32);
	b = slurp("p");
	head = 8 + (unsigned char)b.data[0] + 256 * (size_t)b.data[1];
	at = find(&b, forged[_i].from);
	longer = strlen(forged[_i].to) - strlen(forged[_i].from);
	/* The spaces at the header's end make room. */
	if (longer > 0) {
		ck_assert_int_eq(b.data[head - 1], ' ');
		memmove(at + longer, at, (size_t)(b.data + head - at) - longer);
	}
	memcpy(at, forged[_i].to, strlen(forged[_i].to));
	model_sign((unsigned char *)b.data, head);
	put("q", b.data, b.len);
	ck_assert_ptr_null(store_open("q", PRECISION_F32, &e));
	ck_assert_msg(
	    strncmp(e.text, forged[_i].why, strlen(forged[_i].why)) == 0, "%s",
	    e.text);
	buf_free(&b);
}
END_TEST

/* open_packed: the directory until there is a packed file that fits it. */
static int
became_packed(enum precision p)
{
	struct error e = { 0 };
	struct store *s = store_open_packed("m", "p", p, &e);
	struct buf text = { 0 };
	int packed;

	ck_assert_msg(s != NULL, "%s", e.text);
	packed = store_packed(s);
	build(s);
	/* Whatever else is wanted of the directory can be had. */
	ck_assert_int_eq(store_bytes(s, "config.json", &text, &e), 1);
	ck_assert_uint_eq(text.len, sizeof(config) - 1);
	buf_free(&text);
	if (!packed) {
		ck_assert_int_eq(
		    store_put(s, "block/x", block, sizeof(block), &e), 0);
		ck_assert_msg(store_save(s, "p", &e) == 0, "%s", e.text);
	}
	store_free(s);
	return packed;
}

START_TEST(a_packed_file_fits_or_is_made_anew)
{
	struct error e = { 0 };
	struct buf b;

	one_file();
	ck_assert_int_eq(became_packed(PRECISION_F32), 0);
	ck_assert_int_eq(became_packed(PRECISION_F32), 1);
	ck_assert_int_eq(became_packed(PRECISION_F16), 0);
	ck_assert_int_eq(became_packed(PRECISION_F16), 1);
	/* Other weights, text or vocabulary. */
	norm[1] = 99;
	save("m/model.safetensors", tensors, NTENSORS);
	ck_assert_int_eq(became_packed(PRECISION_F16), 0);
	ck_assert_int_eq(became_packed(PRECISION_F16), 1);
	put("m/modules.json", "[]", 2);
	ck_assert_int_eq(became_packed(PRECISION_F16), 0);
	ck_assert_int_eq(became_packed(PRECISION_F16), 1);
	put("m/vocab.txt", "x", 1);
	ck_assert_int_eq(became_packed(PRECISION_F16), 0);
	/* What does not matter. */
	put("m/README.md", "x", 1);
	ck_assert_int_eq(became_packed(PRECISION_F16), 1);
	/* One that was cut is made anew; a file of another kind stays. */
	b = slurp("p");
	put("p", b.data, b.len - 64);
	ck_assert_int_eq(became_packed(PRECISION_F16), 0);
	put("p", b.data, 100);
	buf_free(&b);
	ck_assert_int_eq(became_packed(PRECISION_F16), 0);
	put("p", "", 0);
	ck_assert_int_eq(became_packed(PRECISION_F16), 0);
	put("p", "my thesis", 9);
	ck_assert_ptr_null(store_open_packed("m", "p", PRECISION_F32, &e));
	ck_assert_str_eq(e.text, "'p': not a packed file; it stays");
}
END_TEST

START_TEST(a_directory_is_verified)
{
	struct error e = { 0 };
	struct store *s;

	one_file();
	s = opened("m", PRECISION_F32);
	ck_assert_int_eq(store_verify(s, &e), 0);
	store_free(s);
	half[3] = 0x7c00;
	save("m/model.safetensors", tensors, NTENSORS);
	s = opened("m", PRECISION_F32);
	ck_assert_int_eq(store_verify(s, &e), -1);
	ck_assert_str_eq(e.text, M "tensor 'half': non-finite value");
	store_free(s);
}
END_TEST

/* Numbers of 16 bits: all of them there and back, and what is between. */
START_TEST(halves)
{
	float x[24], y[24];
	uint16_t h[24];

	for (uint32_t u = 0; u < 65536; u++) {
		float f = half_widen((uint16_t)u);
		uint32_t exp = u >> 10 & 31, frac = u & 1023;
		double want = exp == 0 ? ldexp(frac, -24)
				       : ldexp(1024 + frac, (int)exp - 25);

		if (exp == 31) {
			ck_assert(frac == 0 ? isinf(f) : isnan(f));
			continue;
		}
		ck_assert(fabs((double)f) == want);
		ck_assert_int_eq(signbit(f) != 0, u >> 15);
		ck_assert_uint_eq(half_narrow(f), u);
		/* Half way to the next goes to the even one. */
		if ((u & 0x7fff) < 0x7bff) {
			float g = half_widen((uint16_t)(u + 1));
			float m = (f + g) / 2;

			ck_assert_uint_eq(half_narrow(m), u + (u & 1));
			ck_assert_uint_eq(half_narrow(nextafterf(m, f)), u);
			ck_assert_uint_eq(half_narrow(nextafterf(m, g)), u + 1);
		}
	}
	ck_assert_uint_eq(half_narrow(65519.9f), 0x7bff);
	ck_assert_uint_eq(half_narrow(65520), 0x7bff);
	ck_assert_uint_eq(half_narrow(-1e30f), 0xfbff);
	ck_assert_uint_eq(half_narrow(1e-30f), 0);
	for (int i = 0; i < 24; i++)
		x[i] = ldexpf(i % 2 ? -1.7f : 1.3f, 3 * i - 40);
	for (int isa = 0; isa <= (int)cpu_isa(); isa++) {
		half_from_floats((enum isa)isa, h, x, 23);
		half_to_floats((enum isa)isa, y, h, 23);
		for (int i = 0; i < 23; i++) {
			ck_assert_uint_eq(h[i], half_narrow(x[i]));
			ck_assert(y[i] == half_widen(h[i]));
		}
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, clear, NULL);
	tcase_add_test(t, halves);
	tcase_add_test(t, texts_are_kept);
	tcase_add_test(t, fields_are_taken_with_their_type);
	tcase_add_loop_test(t, bad_json_is_told_with_its_place, 0, 6);
	tcase_add_test(t, deep_json_is_refused);
	tcase_add_test(t, raw_arrays_are_widened);
	tcase_add_test(t, wrong_arrays_are_named);
	tcase_add_loop_test(t, linear_layers_have_parts, 0, 12);
	tcase_add_test(t, linear_layers_are_checked_first);
	tcase_add_loop_test(t, threads_read_the_same, 0, 3);
	tcase_add_loop_test(t, threads_find_what_is_not_finite, 0, 2);
	tcase_add_loop_test(t, tables_keep_their_type_or_become_f16, 0, 6);
	tcase_add_loop_test(t, non_finite_values_are_named, 0, 2);
	tcase_add_test(t, shards_are_one_model);
	tcase_add_loop_test(t, an_index_that_lies_is_refused, 0, NLIES);
	tcase_add_test(t, a_name_in_two_shards_is_refused);
	tcase_add_test(t, what_is_no_model_is_named);
	tcase_add_loop_test(t, what_is_packed_comes_back, 0, 3);
	tcase_add_test(t, every_prefix_of_a_packed_file_is_refused);
	tcase_add_test(t, every_flipped_bit_is_found);
	tcase_add_loop_test(t, a_signed_lie_is_refused, 0, NFORGED);
	tcase_add_test(t, a_packed_file_fits_or_is_made_anew);
	tcase_add_test(t, a_directory_is_verified);
	suite_add_tcase(s, t);
	return unit_main(s);
}
