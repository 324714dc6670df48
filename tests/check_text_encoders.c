#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cpu.h"
#include "base/io.h"
#include "base/mem.h"
#include "nn/encoder.h"
#include "unit.h"
#include "vec/model.h"

/*
 * Small encoders with random weights against what transformers answers
 * (tools/record-text-encoders.py); the same bytes under every instruction set
 * and in any company; configurations that do not fit their arrays.
 */

struct fixture {
	const char *name, *family;
	enum pooling pool;
	int normalize;
	uint32_t max_tokens, dim;
};

static const struct fixture fixtures[] = {
	{ "text-bert-f32", "bert", POOL_CLS, 1, 40, 24 },
	{ "text-bert-f16", "bert", POOL_CLS, 1, 40, 24 },
	{ "text-bert-bf16", "bert", POOL_CLS, 1, 40, 24 },
	{ "text-bert-old", "bert", POOL_MEAN, 0, 40, 24 },
	{ "text-roberta", "roberta", POOL_MEAN, 0, 40, 24 },
	{ "text-xlm-roberta", "xlm-roberta", POOL_LAST, 0, 40, 24 },
	{ "text-distilbert", "distilbert", POOL_LARGEST, 0, 40, 24 },
	{ "text-mpnet", "mpnet", POOL_MEAN, 1, 188, 24 },
	{ "text-clip", "clip-text", POOL_CLS, 0, 20, 20 },
	{ "text-clip-eos", "clip-text", POOL_CLS, 0, 20, 20 },
	{ "text-siglip", "siglip-text", POOL_LAST, 0, 16, 24 },
};

enum { FIXTURES = sizeof(fixtures) / sizeof(*fixtures) };

/* A model, its texts, and what it should say. */
struct session {
	struct store *store;
	struct encoder *x;
	struct encoder_work *w;
	struct model expected;
	const uint32_t *ids;
	size_t n, end[32], hidden_end[32];
	struct error e;
};

static void
path_of(char *out, size_t size, const char *name, const char *file)
{
	const char *data = getenv("DATA");

	snprintf(out, size, "%s/encoders/%s%s",
	    data != NULL ? data : "tests/data", name, file);
}

static size_t
read_ends(struct session *s, const char *name, size_t *end)
{
	uint64_t shape[1] = { 0 };
	const int32_t *p =
	    model_tensor(&s->expected, name, TENSOR_I32, 1, shape, &s->e);

	ck_assert_msg(p != NULL, "%s", s->e.text);
	ck_assert_uint_le(shape[0], 32);
	for (size_t i = 0; i < shape[0]; i++)
		end[i] = (size_t)p[i];
	return shape[0];
}

static void
open_session(struct session *s, const char *name, enum precision precision,
    struct encoder_how how)
{
	uint64_t shape[1] = { 0 };
	char path[1000];

	memset(s, 0, sizeof(*s));
	path_of(path, sizeof(path), name, "/expected.safetensors");
	ck_assert_msg(
	    model_open(&s->expected, path, &s->e) == 0, "%s", s->e.text);
	s->ids = model_tensor(&s->expected, "ids", TENSOR_I32, 1, shape, &s->e);
	ck_assert_msg(s->ids != NULL, "%s", s->e.text);
	s->n = read_ends(s, "end", s->end);
	read_ends(s, "hidden_end", s->hidden_end);
	path_of(path, sizeof(path), name, "");
	s->store = store_open(path, precision, &s->e);
	ck_assert_msg(s->store != NULL, "%s", s->e.text);
	s->x = encoder_new(s->store, ENCODER_TEXT, &how, &s->e);
	ck_assert_msg(s->x != NULL, "%s", s->e.text);
	s->w = encoder_work_new(s->x, &s->e);
	ck_assert_ptr_nonnull(s->w);
}

static void
close_session(struct session *s)
{
	encoder_work_free(s->w);
	encoder_free(s->x);
	store_free(s->store);
	model_close(&s->expected);
}

/* The smallest cosine and largest difference of rows of out to an array. */
static void
against(struct session *s, const struct encoder_out *out, const char *name,
    double least, const char *label)
{
	uint64_t shape[2] = { 0, encoder_info(s->x)->dim };
	const float *want =
	    model_tensor(&s->expected, name, TENSOR_F32, 2, shape, &s->e);
	size_t P = encoder_info(s->x)->dim;
	double smallest = 1, largest = 0;

	ck_assert_msg(want != NULL, "%s: %s", label, s->e.text);
	ck_assert_uint_eq(out->end[s->n - 1], shape[0]);
	for (size_t i = 0; i < shape[0]; i++) {
		double ab = 0, aa = 0, bb = 0;

		for (size_t j = 0; j < P; j++) {
			double a = (double)out->v[i * P + j];
			double b = (double)want[i * P + j];

			ab += a * b;
			aa += a * a;
			bb += b * b;
			largest = fmax(largest, fabs(a - b));
		}
		smallest = fmin(smallest, ab / sqrt(aa * bb));
	}
	printf("# %s %s: cosine %.8f, largest difference %.2g\n", label, name,
	    smallest, largest);
	fflush(stdout);
	ck_assert_msg(smallest >= least, "%s %s: cosine %.8f is below %g",
	    label, name, smallest, least);
	if (least > 0.99998)
		ck_assert_msg(largest <= 1e-4, "%s %s: differs by %g", label,
		    name, largest);
}

static void
run(struct session *s, struct encoder_out *out)
{
	ck_assert_msg(
	    encoder_texts(s->x, s->w, s->ids, s->end, s->n, out, &s->e) == 0,
	    "%s", s->e.text);
}

START_TEST(as_transformers)
{
	const struct fixture *f = &fixtures[_i / 3];
	static const struct {
		const char *name;
		double least;
	} precision[] = { { "f32", 0.99999 }, { "f16", 0.9999 },
		{ "i8", 0.99 } };
	double least = precision[_i % 3].least;
	enum precision p = (enum precision)(_i % 3);
	struct encoder_how how = { .isa = cpu_isa(), .normalize = -1 };
	struct encoder_out out;
	struct session s;
	char label[64];

	snprintf(
	    label, sizeof(label), "%s as %s", f->name, precision[_i % 3].name);
	open_session(&s, f->name, p, how);
	ck_assert_str_eq(encoder_info(s.x)->family, f->family);
	ck_assert_int_eq(encoder_info(s.x)->pool, f->pool);
	ck_assert_int_eq(encoder_info(s.x)->normalize, f->normalize);
	ck_assert_uint_eq(encoder_info(s.x)->max_tokens, f->max_tokens);
	ck_assert_uint_eq(encoder_info(s.x)->dim, f->dim);
	ck_assert_uint_eq(encoder_info(s.x)->vocab, 90);
	run(&s, &out);
	against(&s, &out, "pooled", least, label);
	close_session(&s);

	how.pool = POOL_NONE;
	open_session(&s, f->name, p, how);
	run(&s, &out);
	ck_assert(memcmp(out.end, s.hidden_end, s.n * sizeof(*out.end)) == 0);
	against(&s, &out, "hidden", least, label);
	close_session(&s);

	how.layer = 1;
	open_session(&s, f->name, p, how);
	run(&s, &out);
	against(&s, &out, "layer1", least, label);
	close_session(&s);
}
END_TEST

/* ---- a text that comes alone ---- */

struct alone {
	struct session *s;
	struct pool *pool;
	const uint32_t *ids;
	size_t n;
	struct encoder_out *out;
	int rc;
};

static void
encode_alone(void *arg, size_t i, int worker)
{
	struct alone *a = arg;

	(void)i;
	(void)worker;
	while (pool_spare(a->pool) < pool_idle(a->pool))
		sched_yield();
	a->rc =
	    encoder_texts(a->s->x, a->s->w, a->ids, &a->n, 1, a->out, &a->s->e);
}

/* One text, with the help of threads that have none. */
static int
alone(struct session *s, const uint32_t *ids, size_t n, struct pool *pool,
    struct encoder_out *out)
{
	struct alone a = { s, pool, ids, n, out, -1 };

	pool_run_together(pool, 1, encode_alone, &a);
	return a.rc;
}

/* Every text by itself under every instruction set and in a batch that is
 * turned around: the same bytes. */
START_TEST(same_bytes)
{
	const struct fixture *f = &fixtures[_i / 3];
	enum precision p = (enum precision)(_i % 3);
	static const enum pooling pools[] = { POOL_MODEL, POOL_NONE, POOL_MEAN,
		POOL_CLS };

	for (size_t k = 0; k < 4; k++) {
		struct encoder_how how = {
			.isa = ISA_PORTABLE, .pool = pools[k], .normalize = -1
		};
		struct pool *pool = pool_new(3, NULL);
		struct encoder_out out;
		struct session s;
		size_t P, rows;
		float *want;

		open_session(&s, f->name, p, how);
		run(&s, &out);
		P = encoder_info(s.x)->dim;
		rows = out.end[s.n - 1];
		want = mem_array(rows * P, sizeof(*want));
		ck_assert_ptr_nonnull(want);
		memcpy(want, out.v, rows * P * sizeof(*want));
		close_session(&s);
		for (int isa = 0; isa <= (int)cpu_isa(); isa++) {
			uint32_t ids[512];
			size_t end[32], at = 0, row = 0, T = 0;

			how.isa = (enum isa)isa;
			open_session(&s, f->name, p, how);
			encoder_work_share(s.w, pool);
			for (size_t i = 0; i < s.n; i++) {
				size_t from = i > 0 ? s.end[i - 1] : 0;
				size_t one = s.end[i] - from;

				ck_assert_int_eq(
				    alone(&s, s.ids + from, one, pool, &out),
				    0);
				ck_assert_msg(memcmp(out.v, want + at * P,
						  out.end[0] * P * 4) == 0,
				    "%s: text %zu alone, %s", f->name, i,
				    cpu_isa_name(how.isa));
				at += out.end[0];
			}
			for (size_t i = s.n; i-- > 0;) {
				size_t from = i > 0 ? s.end[i - 1] : 0;

				memcpy(ids + T, s.ids + from,
				    (s.end[i] - from) * sizeof(*ids));
				T += s.end[i] - from;
				end[s.n - 1 - i] = T;
			}
			ck_assert_int_eq(
			    encoder_texts(s.x, s.w, ids, end, s.n, &out, &s.e),
			    0);
			for (size_t i = 0; i < s.n; i++) {
				size_t n = out.end[i] - row;

				at -= n;
				ck_assert_msg(
				    memcmp(out.v + row * P, want + at * P,
					n * P * 4) == 0,
				    "%s: turned around, %s", f->name,
				    cpu_isa_name(how.isa));
				row += n;
			}
			close_session(&s);
		}
		free(want);
		pool_free(pool);
	}
}
END_TEST

/* From a packed file: the same bytes, and the same numbers for zero-shot. */
START_TEST(packed)
{
	const struct fixture *f = &fixtures[_i / 3];
	enum precision p = (enum precision)(_i % 3);
	struct encoder_how how = { .isa = cpu_isa(), .normalize = -1 };
	struct encoder_out out;
	struct session s;
	struct store *q;
	struct encoder *x;
	struct encoder_work *w;
	float *want, logit[4] = { 0 };
	size_t bytes;
	int has;

	open_session(&s, f->name, p, how);
	run(&s, &out);
	bytes = s.n * encoder_info(s.x)->dim * sizeof(*want);
	want = mem_array(1, bytes);
	ck_assert_ptr_nonnull(want);
	memcpy(want, out.v, bytes);
	has = encoder_logit(s.store, &logit[0], &logit[1], &s.e);
	remove("packed");
	ck_assert_msg(store_save(s.store, "packed", &s.e) == 0, "%s", s.e.text);
	q = store_open("packed", p, &s.e);
	ck_assert_msg(q != NULL, "%s", s.e.text);
	x = encoder_new(q, ENCODER_TEXT, &how, &s.e);
	ck_assert_msg(x != NULL, "%s", s.e.text);
	w = encoder_work_new(x, &s.e);
	ck_assert_ptr_nonnull(w);
	ck_assert_int_eq(encoder_texts(x, w, s.ids, s.end, s.n, &out, &s.e), 0);
	ck_assert_msg(memcmp(out.v, want, bytes) == 0, "%s", f->name);
	ck_assert_int_eq(encoder_logit(q, &logit[2], &logit[3], &s.e), has);
	ck_assert(memcmp(logit, logit + 2, 2 * sizeof(*logit)) == 0);
	encoder_work_free(w);
	encoder_free(x);
	store_free(q);
	free(want);
	close_session(&s);
}
END_TEST

START_TEST(token_beyond_the_vocabulary)
{
	struct encoder_how how = { .isa = cpu_isa(), .normalize = -1 };
	const uint32_t ids[] = { 1, 90 };
	const size_t end[] = { 2 };
	struct encoder_out out;
	struct session s;

	open_session(&s, fixtures[_i].name, PRECISION_F32, how);
	ck_assert_int_eq(encoder_texts(s.x, s.w, ids, end, 1, &out, &s.e), -1);
	ck_assert_str_eq(s.e.text, "token 90 is beyond the vocabulary of 90");
	close_session(&s);
}
END_TEST

START_TEST(logit)
{
	struct encoder_how how = { .isa = cpu_isa(), .normalize = -1 };
	float scale = 0, bias = 0;
	struct session s;

	open_session(&s, "text-siglip", PRECISION_F32, how);
	ck_assert_int_eq(encoder_logit(s.store, &scale, &bias, &s.e), 1);
	ck_assert(scale > 1 && scale < 10 && bias != 0);
	close_session(&s);
	open_session(&s, "text-clip", PRECISION_F32, how);
	ck_assert_int_eq(encoder_logit(s.store, &scale, &bias, &s.e), 1);
	ck_assert(scale > 1 && scale < 10 && bias == 0);
	close_session(&s);
	open_session(&s, "text-mpnet", PRECISION_F32, how);
	ck_assert_int_eq(encoder_logit(s.store, &scale, &bias, &s.e), 0);
	close_session(&s);
}
END_TEST

/* ---- what is refused ---- */

static void
read_all(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "rb");
	char piece[4096];
	size_t n;

	ck_assert_msg(f != NULL, "%s", path);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		ck_assert_int_eq(buf_put(b, piece, n), 0);
	fclose(f);
}

static void
write_all(const char *path, const char *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(p, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

/* A copy of a fixture's file in the folder bad, with one text in place of
 * another (or none). */
static void
copy_changed(
    const char *name, const char *file, const char *from, const char *to)
{
	struct buf b = { 0 }, c = { 0 };
	char path[1000];
	char *at;

	path_of(path, sizeof(path), name, file);
	read_all(path, &b);
	ck_assert_int_eq(buf_putc(&b, '\0'), 0);
	b.len--;
	at = from != NULL ? strstr(b.data, from) : b.data;
	ck_assert_msg(at != NULL, "%s%s has no %s", name, file, from);
	buf_put(&c, b.data, (size_t)(at - b.data));
	if (from != NULL) {
		buf_puts(&c, to);
		at += strlen(from);
	}
	buf_put(&c, at, b.len - (size_t)(at - b.data));
	snprintf(path, sizeof(path), "bad%s", file);
	write_all(path, c.data, c.len);
	buf_free(&b);
	buf_free(&c);
}

static const struct {
	const char *name, *from, *to, *says;
} lies[] = {
	{ "text-bert-f16", "\"bert\"", "\"albert\"",
	    "'bad/config.json': model_type 'albert' is not supported" },
	{ "text-bert-f16", "\"bert\"", "\"vit\"",
	    "'bad': a model of type 'vit' does not encode texts" },
	{ "text-bert-f16", "\"hidden_size\": 24", "\"hidden_size\": 48",
	    "embeddings.word_embeddings.weight" },
	{ "text-bert-f16", "\"hidden_size\": 24", "\"hidden_size\": 0",
	    "'bad/config.json': hidden_size" },
	{ "text-bert-f16", "\"hidden_size\": 24", "\"size\": 24",
	    "'bad/config.json': there is no field 'hidden_size'" },
	{ "text-bert-f16", "\"hidden_size\": 24", "\"hidden_size\": \"24\"",
	    "'bad/config.json': hidden_size" },
	{ "text-bert-f16", "\"hidden_size\": 24", "\"hidden_size\": 4294967296",
	    "'bad/config.json': hidden_size" },
	{ "text-bert-f16", "\"num_attention_heads\": 3",
	    "\"num_attention_heads\": 5",
	    "'bad/config.json': num_attention_heads: 5 heads do not divide "
	    "24" },
	{ "text-bert-f16", "\"num_hidden_layers\": 2",
	    "\"num_hidden_layers\": 4000",
	    "num_hidden_layers: 4000, but there is no array "
	    "'encoder.layer.3999.attention.self.query.weight'" },
	{ "text-bert-f16", "\"intermediate_size\": 40",
	    "\"intermediate_size\": 1000000",
	    "encoder.layer.0.intermediate.dense.weight" },
	{ "text-bert-f16", "\"vocab_size\": 90", "\"vocab_size\": 91",
	    "vocab_size: 91, but 'embeddings.word_embeddings.weight' has 90 "
	    "rows" },
	{ "text-bert-f16", "\"max_position_embeddings\": 40",
	    "\"max_position_embeddings\": 512",
	    "max_position_embeddings: 512, but" },
	{ "text-bert-f16", "\"gelu\"", "\"geglu\"",
	    "'bad/config.json': hidden_act: 'geglu' is not supported" },
	{ "text-bert-f16", "\"hidden_size\"",
	    "\"position_embedding_type\": \"relative_key\", \"hidden_size\"",
	    "position_embedding_type 'relative_key' is not supported" },
	{ "text-bert-f16", "\"is_decoder\": false", "\"is_decoder\": true",
	    "is_decoder: a decoder is not supported" },
	{ "text-bert-f16", "{", "{{", "config.json" },
	{ "text-roberta", "\"pad_token_id\": 1", "\"pad_token_id\": 41",
	    "pad_token_id: 41 leaves no position of 42" },
	{ "text-mpnet", "\"relative_attention_num_buckets\": 32",
	    "\"relative_attention_num_buckets\": 64",
	    "encoder.relative_attention_bias.weight" },
	{ "text-distilbert", "\"n_layers\": 2", "\"n_layers\": 3",
	    "n_layers: 3, but there is no array" },
	{ "text-clip", "\"hidden_size\": 24", "\"hidden_size\": 48",
	    "token_embedding" },
	{ "text-clip", "\"num_attention_heads\": 3",
	    "\"num_attention_heads\": 7",
	    "text_config.num_attention_heads: 7 heads do not divide 24" },
	{ "text-clip", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3",
	    "encoder.layers.2" },
	{ "text-siglip", "\"pad_token_id\": 1", "\"pad_token_id\": 100",
	    "pad_token_id" },
	{ "text-siglip", "\"max_position_embeddings\": 16",
	    "\"max_position_embeddings\": 64", "position_embedding" },
};

START_TEST(configurations_that_lie)
{
	struct encoder_how how = { .isa = cpu_isa(), .normalize = -1 };
	struct encoder *x = NULL;
	struct error e = { 0 };
	struct store *s;

	mkdir("bad", 0777);
	copy_changed(lies[_i].name, "/config.json", lies[_i].from, lies[_i].to);
	copy_changed(lies[_i].name, "/model.safetensors", NULL, NULL);
	s = store_open("bad", PRECISION_F32, &e);
	if (s != NULL)
		x = encoder_new(s, ENCODER_TEXT, &how, &e);
	ck_assert_msg(x == NULL, "%s was taken", lies[_i].to);
	ck_assert_msg(strstr(e.text, lies[_i].says) != NULL, "%s: %s",
	    lies[_i].to, e.text);
	store_free(s);
}
END_TEST

static const struct {
	const char *file, *text, *says;
} odd_modules[] = {
	{ "/modules.json", "[{\"path\": \"2_Dense\", \"type\": \"x.Dense\"}]",
	    "'bad/modules.json': module 'x.Dense' is not supported" },
	{ "/modules.json", "[{\"path\": 3}]", "'bad/modules.json'" },
	{ "/modules.json", "[1]", "'bad/modules.json'" },
	{ "/1_Pooling/config.json",
	    "{\"pooling_mode_cls_token\": true, "
	    "\"pooling_mode_mean_tokens\": true}",
	    "'bad/1_Pooling/config.json': pooling_mode_mean_tokens is not "
	    "supported beside another" },
	{ "/1_Pooling/config.json",
	    "{\"pooling_mode_weightedmean_tokens\": true}",
	    "pooling_mode_weightedmean_tokens is not supported" },
	{ "/1_Pooling/config.json", "{\"pooling_mode\": \"median\"}",
	    "pooling_mode: 'median' is not supported" },
};

START_TEST(modules_that_are_odd)
{
	struct encoder_how how = { .isa = cpu_isa(), .normalize = -1 };
	const char *name = "text-bert-f16";
	struct error e = { 0 };
	struct encoder *x;
	struct store *s;
	char path[100];

	mkdir("bad", 0777);
	mkdir("bad/1_Pooling", 0777);
	copy_changed(name, "/config.json", NULL, NULL);
	copy_changed(name, "/model.safetensors", NULL, NULL);
	copy_changed(name, "/modules.json", NULL, NULL);
	copy_changed(name, "/1_Pooling/config.json", NULL, NULL);
	snprintf(path, sizeof(path), "bad%s", odd_modules[_i].file);
	write_all(path, odd_modules[_i].text, strlen(odd_modules[_i].text));
	s = store_open("bad", PRECISION_F32, &e);
	ck_assert_msg(s != NULL, "%s", e.text);
	x = encoder_new(s, ENCODER_TEXT, &how, &e);
	ck_assert_msg(x == NULL, "%s was taken", odd_modules[_i].text);
	ck_assert_msg(strstr(e.text, odd_modules[_i].says) != NULL, "%s: %s",
	    odd_modules[_i].text, e.text);
	store_free(s);
}
END_TEST

START_TEST(layer_that_is_not_there)
{
	struct encoder_how how = { .isa = cpu_isa(), .layer = 3 };
	struct error e = { 0 };
	struct store *s;
	char path[1000];

	path_of(path, sizeof(path), fixtures[_i].name, "");
	s = store_open(path, PRECISION_F32, &e);
	ck_assert_msg(s != NULL, "%s", e.text);
	ck_assert_ptr_null(encoder_new(s, ENCODER_TEXT, &how, &e));
	ck_assert_msg(
	    strstr(e.text, "there is no layer 3 of 2") != NULL, "%s", e.text);
	store_free(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("text_encoders");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, as_transformers, 0, FIXTURES * 3);
	tcase_add_loop_test(t, same_bytes, 0, FIXTURES * 3);
	tcase_add_loop_test(t, packed, 0, FIXTURES * 3);
	tcase_add_loop_test(t, token_beyond_the_vocabulary, 0, FIXTURES);
	tcase_add_test(t, logit);
	tcase_add_loop_test(
	    t, configurations_that_lie, 0, (int)(sizeof(lies) / sizeof(*lies)));
	tcase_add_loop_test(t, modules_that_are_odd, 0,
	    (int)(sizeof(odd_modules) / sizeof(*odd_modules)));
	tcase_add_loop_test(t, layer_that_is_not_there, 0, FIXTURES);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return unit_main(s);
}
