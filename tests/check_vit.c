#include <math.h>
#include <sched.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/error.h"
#include "image/preprocess.h"
#include "nn/encoder.h"
#include "pictures.h"
#include "unit.h"

/*
 * Every vision transformer against what its library made of the same pictures:
 * tools/record-vit-encoders.py.
 */
static const struct {
	const char *name, *family;
	uint32_t dim;
	double most; /* difference of any number */
} models[] = {
	{ "vit", "vit", 16, 1e-5 },
	{ "deit", "deit", 16, 1e-5 },
	{ "dinov2", "dinov2", 16, 1e-5 },
	{ "dinov2-registers", "dinov2", 16, 1e-5 },
	{ "clip-vision", "clip-vision", 10, 1e-5 },
	{ "clip-pair", "clip-vision", 12, 1e-5 },
	{ "siglip-pair", "siglip-vision", 16, 1e-5 },
	{ "siglip-vision", "siglip-vision", 16, 1e-5 },
	{ "timm-vit", "vit", 16, 1e-5 },
	{ "timm-avg", "vit", 16, 1e-5 },
	{ "timm-registers", "vit", 16, 1e-5 },
};

enum { MODELS = sizeof(models) / sizeof(models[0]) };

static const char *
path_of(const char *name)
{
	static char path[4096];
	const char *data = getenv("DATA");

	snprintf(path, sizeof(path), "%s/encoders/%s",
	    data != NULL ? data : "tests/data", name);
	return path;
}

static struct store *
open_store(const char *name, enum precision precision)
{
	struct error e = { { 0 }, 0 };
	struct store *s = store_open(path_of(name), precision, &e);

	ck_assert_msg(s != NULL, "%s", e.text);
	return s;
}

static enum pooling
pooling_named(const char *name)
{
	return strcmp(name, "mean") == 0   ? POOL_MEAN
	       : strcmp(name, "max") == 0  ? POOL_LARGEST
	       : strcmp(name, "none") == 0 ? POOL_NONE
					   : POOL_MODEL;
}

/* The pixels of a picture below the root of the source; free() them. */
static float *
pixels_of(const struct encoder *x, const char *picture)
{
	static const uint8_t white[3] = { 255, 255, 255 };
	const struct pixels *p = &encoder_info(x)->pixels;
	float *px = calloc((size_t)p->width * p->height * 3, sizeof(*px));
	char path[256];
	struct bytes file;
	struct image im;
	struct error e;

	snprintf(path, sizeof(path), "../../%s", picture);
	file = load(path);
	ck_assert_int_eq(image_decode(&im, file.p, file.n, NULL, &e), 0);
	ck_assert_int_eq(preprocess(p, white, &im, px, &e), 0);
	image_free(&im);
	free(file.p);
	return px;
}

/* One line of expected.tsv. */
struct expected {
	char *picture;
	struct encoder_how how;
	size_t rows, dim;
	char *numbers;
};

static char *
next_line(char *at, char *end, struct expected *x)
{
	char *f[6];

	for (int k = 0; k < 6; k++) {
		f[k] = at;
		at = memchr(at, k < 5 ? '\t' : '\n', (size_t)(end - at));
		*at++ = '\0';
	}
	x->picture = f[0];
	x->how = (struct encoder_how){ .isa = cpu_isa(),
		.layer = atoi(f[1]),
		.pool = pooling_named(f[2]),
		.normalize = -1 };
	x->rows = strtoul(f[3], NULL, 10);
	x->dim = strtoul(f[4], NULL, 10);
	x->numbers = f[5];
	return at;
}

/* Cosine of each row, and the largest difference of all. */
static void
compare(const struct expected *x, const float *v, double cosine, double most,
    const char *model)
{
	char *at = x->numbers;
	double worst = 0;

	for (size_t i = 0; i < x->rows; i++) {
		double ab = 0, aa = 0, bb = 0;

		for (size_t j = 0; j < x->dim; j++) {
			double a = strtod(at, &at);
			double b = (double)v[i * x->dim + j];

			ab += a * b;
			aa += a * a;
			bb += b * b;
			worst = fmax(worst, fabs(a - b) / fmax(1, fabs(a)));
		}
		ck_assert_msg(ab / sqrt(aa * bb) >= cosine,
		    "%s, layer %d, pool %d, row %zu: cosine %.9f", model,
		    x->how.layer, (int)x->how.pool, i, ab / sqrt(aa * bb));
	}
	ck_assert_msg(worst <= most, "%s, layer %d, pool %d: off by %g", model,
	    x->how.layer, (int)x->how.pool, worst);
}

static void
check_model(int i, enum precision precision, double cosine, double most)
{
	struct store *s;
	struct bytes list;
	char name[128];
	int n = 0;

	snprintf(
	    name, sizeof(name), "encoders/%s/expected.tsv", models[i].name);
	list = load(name);
	s = open_store(models[i].name, precision);
	for (char *at = (char *)list.p, *end = at + list.n; at < end; n++) {
		struct error e = { { 0 }, 0 };
		struct encoder_work *w;
		struct encoder_out out;
		struct expected want;
		struct encoder *x;
		float *px;

		at = next_line(at, end, &want);
		x = encoder_new(s, ENCODER_PICTURE, &want.how, &e);
		ck_assert_msg(x != NULL, "%s", e.text);
		ck_assert_str_eq(encoder_info(x)->family, models[i].family);
		ck_assert_uint_eq(encoder_info(x)->dim, want.dim);
		w = encoder_work_new(x, &e);
		ck_assert_ptr_nonnull(w);
		px = pixels_of(x, want.picture);
		ck_assert_int_eq(encoder_pictures(x, w, px, 1, &out, &e), 0);
		ck_assert_uint_eq(out.end[0], want.rows);
		compare(&want, out.v, cosine, most, models[i].name);
		free(px);
		encoder_work_free(w);
		encoder_free(x);
	}
	ck_assert_int_eq(n, 5);
	store_free(s);
	free(list.p);
}

START_TEST(vectors_are_the_references)
{
	check_model(_i, PRECISION_F32, 0.999999, models[_i].most);
}
END_TEST

/* From a packed file come the bytes that came from the directory. */
START_TEST(packed_files_are_the_same)
{
	struct encoder_how how = { .isa = cpu_isa(), .normalize = -1 };
	struct error e = { { 0 }, 0 };
	float v[64];

	for (int packed = 0; packed < 2; packed++) {
		struct store *s =
		    packed ? store_open("m.pack", PRECISION_I8, &e)
			   : open_store(models[_i].name, PRECISION_I8);
		struct encoder *x =
		    s == NULL ? NULL
			      : encoder_new(s, ENCODER_PICTURE, &how, &e);
		struct encoder_work *w;
		struct encoder_out out;
		float *px;

		ck_assert_msg(x != NULL, "%s", e.text);
		w = encoder_work_new(x, &e);
		px = pixels_of(x, "tests/data/image/restart.jpg");
		ck_assert_int_eq(encoder_pictures(x, w, px, 1, &out, &e), 0);
		if (packed)
			ck_assert_mem_eq(out.v, v, models[_i].dim * sizeof(*v));
		memcpy(v, out.v, models[_i].dim * sizeof(*v));
		if (!packed)
			ck_assert_msg(
			    store_save(s, "m.pack", &e) == 0, "%s", e.text);
		free(px);
		encoder_work_free(w);
		encoder_free(x);
		store_free(s);
	}
	unlink("m.pack");
}
END_TEST

/* Most of the files are f16 already. */
START_TEST(half_precision_is_near)
{
	check_model(_i, PRECISION_F16, 0.9999, 0.02);
}
END_TEST

START_TEST(eight_bits_are_near)
{
	check_model(_i, PRECISION_I8, 0.97, 0.6);
}
END_TEST

/* ---- a picture that comes alone ---- */

struct alone {
	struct encoder *x;
	struct encoder_work *w;
	struct pool *pool;
	const float *px;
	struct encoder_out out;
	int rc;
};

static void
encode_alone(void *arg, size_t i, int worker)
{
	struct alone *a = arg;
	struct error e;

	(void)i;
	(void)worker;
	while (pool_spare(a->pool) < pool_idle(a->pool))
		sched_yield();
	a->rc = encoder_pictures(a->x, a->w, a->px, 1, &a->out, &e);
}

/* A call of several pictures, under every instruction set, gives the bytes
 * of calls with one, and so does one with threads that have nothing to do. */
START_TEST(neighbours_do_not_matter)
{
	static const enum pooling pools[] = { POOL_MODEL, POOL_NONE,
		POOL_MEAN };

	for (int p = 0; p < 3 * 2; p++) {
		struct encoder_how how = { .isa = ISA_PORTABLE,
			.pool = pools[p % 3],
			.normalize = p < 3 };
		enum precision precision = p < 3 ? PRECISION_F32 : PRECISION_I8;
		struct store *s = open_store(models[_i].name, precision);
		struct error e = { { 0 }, 0 };
		struct encoder *x = encoder_new(s, ENCODER_PICTURE, &how, &e);
		struct encoder_work *w = encoder_work_new(x, &e);
		size_t n = (size_t)encoder_info(x)->pixels.width *
			   encoder_info(x)->pixels.height * 3;
		struct pool *pool = pool_new(3, NULL);
		struct encoder_out one, out;
		struct alone a;
		float *px = malloc(3 * n * sizeof(*px)), *v[3];
		size_t size;

		for (size_t j = 0; j < 3 * n; j++)
			px[j] = (float)(j * 7919 % 1000) / 500 - 1;
		for (size_t j = 0; j < 3; j++) {
			ck_assert_int_eq(
			    encoder_pictures(x, w, px + j * n, 1, &one, &e), 0);
			size = one.end[0] * encoder_info(x)->dim;
			v[j] = malloc(size * sizeof(**v));
			memcpy(v[j], one.v, size * sizeof(**v));
		}
		encoder_work_free(w);
		encoder_free(x);
		for (how.isa = ISA_PORTABLE; how.isa <= cpu_isa(); how.isa++) {
			x = encoder_new(s, ENCODER_PICTURE, &how, &e);
			w = encoder_work_new(x, &e);
			ck_assert_int_eq(
			    encoder_pictures(x, w, px, 3, &out, &e), 0);
			for (size_t j = 0; j < 3; j++)
				ck_assert_mem_eq(
				    out.v + j * size, v[j], size * sizeof(**v));
			encoder_work_share(w, pool);
			a = (struct alone){
				.x = x, .w = w, .pool = pool, .px = px + n
			};
			pool_run_together(pool, 1, encode_alone, &a);
			ck_assert_int_eq(a.rc, 0);
			ck_assert_mem_eq(a.out.v, v[1], size * sizeof(**v));
			encoder_work_free(w);
			encoder_free(x);
		}
		for (int j = 0; j < 3; j++)
			free(v[j]);
		free(px);
		store_free(s);
		pool_free(pool);
	}
}
END_TEST

START_TEST(unit_length_on_demand)
{
	struct encoder_how how = { .isa = cpu_isa(), .normalize = 1 };
	struct store *s = open_store("clip-vision", PRECISION_F32);
	struct error e;
	struct encoder *x = encoder_new(s, ENCODER_PICTURE, &how, &e);
	struct encoder_work *w = encoder_work_new(x, &e);
	struct encoder_out out;
	float *px = pixels_of(x, "tests/data/image/restart.jpg");
	double sum = 0;

	ck_assert_int_eq(encoder_pictures(x, w, px, 1, &out, &e), 0);
	for (int i = 0; i < 10; i++)
		sum += (double)out.v[i] * (double)out.v[i];
	ck_assert_double_eq_tol(sum, 1, 1e-6);
	ck_assert_int_eq(encoder_info(x)->normalize, 1);
	/* Patches 16 x 192 x 16; of two blocks of 17 rows the second goes on
	 * with one row; the projection. */
	ck_assert_uint_eq(encoder_macs(x, 0),
	    16 * 192 * 16 + 17 * (4 * 256 + 2 * 512) + 17 * 3 * 256 + 256 +
		1024 + (17 + 1) * 2 * 17 * 16 + 160);
	free(px);
	encoder_work_free(w);
	encoder_free(x);
	store_free(s);
}
END_TEST

/* ---- files that lie ---- */

/* A copy of a model in the test's folder, with one text replaced once in one
 * of its files, or with config.json replaced as a whole. */
static void
copy_file(const char *model, const char *file, const char *from, const char *to)
{
	char name[160];
	struct bytes b;
	FILE *f;

	snprintf(name, sizeof(name), "encoders/%s/%s", model, file);
	b = load(name);
	f = fopen(file, "wb");
	ck_assert_ptr_nonnull(f);
	if (from != NULL) {
		size_t n = strlen(from);
		uint8_t *at = b.p;

		while (at + n <= b.p + b.n && memcmp(at, from, n) != 0)
			at++;
		ck_assert_msg(at + n <= b.p + b.n, "no %s", from);
		fwrite(b.p, 1, (size_t)(at - b.p), f);
		fputs(to, f);
		fwrite(at + n, 1, (size_t)(b.p + b.n - at) - n, f);
	} else
		fwrite(b.p, 1, b.n, f);
	fclose(f);
	free(b.p);
}

static const struct {
	const char *model, *file, *from, *to, *why;
} lies[] = {
	{ "vit", "config.json", "\"hidden_size\": 16", "\"hidden_size\": 32",
	    "'./config.json': hidden_size is 32, but tensor "
	    "'vit.embeddings.patch_embeddings.projection.weight' makes it 16" },
	{ "vit", "config.json", "\"patch_size\": 8", "\"patch_size\": 4",
	    "'./config.json': patch_size is 4, but tensor "
	    "'vit.embeddings.patch_embeddings.projection.weight' makes it 8" },
	{ "vit", "config.json", "\"image_size\": 32", "\"image_size\": 48",
	    "'./preprocessor_config.json': pictures of 32 x 32, but image_size "
	    "is 48 x 48" },
	{ "dinov2", "config.json", "\"image_size\": 56", "\"image_size\": 48",
	    "'./config.json': image_size is 48, but tensor "
	    "'embeddings.position_embeddings' makes it 56" },
	{ "vit", "config.json", "\"intermediate_size\": 32",
	    "\"intermediate_size\": 64",
	    "'./config.json': intermediate_size is 64, but tensor "
	    "'vit.encoder.layer.0.intermediate.dense.weight' makes it 32" },
	{ "vit", "config.json", "\"num_hidden_layers\": 2",
	    "\"num_hidden_layers\": 3",
	    "'./config.json': num_hidden_layers is 3, but tensor "
	    "'vit.encoder.layer.2.layernorm_before.weight' makes it 2" },
	{ "vit", "config.json", "\"num_hidden_layers\": 2",
	    "\"num_hidden_layers\": 1",
	    "'./config.json': num_hidden_layers is 1, but tensor "
	    "'vit.encoder.layer.1.layernorm_before.weight' makes it 2" },
	{ "vit", "config.json", "\"num_attention_heads\": 2",
	    "\"num_attention_heads\": 3",
	    "'./config.json': num_attention_heads: 3 heads do not divide 16 "
	    "numbers" },
	{ "vit", "config.json", "\"num_channels\": 3", "\"num_channels\": 1",
	    "'./config.json': num_channels is 1, not 3" },
	{ "vit", "config.json", "\"gelu\"", "\"gulp\"",
	    "'./config.json': hidden_act: 'gulp' is not supported" },
	{ "vit", "config.json", "\"image_size\": 32", "\"image_size\": [1]",
	    "'./config.json': image_size is neither a side nor two" },
	{ "dinov2", "config.json", "\"use_swiglu_ffn\": false",
	    "\"use_swiglu_ffn\": true",
	    "'./config.json': use_swiglu_ffn is not supported" },
	{ "dinov2-registers", "config.json", "\"num_register_tokens\": 3",
	    "\"num_register_tokens\": 4",
	    "'./config.json': num_register_tokens is 4, but tensor "
	    "'embeddings.register_tokens' makes it 3" },
	{ "clip-vision", "config.json", "\"projection_dim\": 10",
	    "\"projection_dim\": 11",
	    "'./config.json': projection_dim is 11, but tensor "
	    "'visual_projection.weight' makes it 10" },
	{ "clip-pair", "config.json", "\"vision_config\": {",
	    "\"vision_config\": {\"vision_use_head\": false,",
	    "'./config.json': vision_use_head false is not supported" },
	{ "timm-vit", "config.json", "\"num_features\": 16",
	    "\"num_features\": 32",
	    "'./config.json': num_features is 32, but tensor "
	    "'patch_embed.proj.weight' makes it 16" },
	{ "timm-vit", "config.json", "\"global_pool\": \"token\"",
	    "\"global_pool\": \"map\"",
	    "'./config.json': global_pool 'map' is not supported" },
	{ "timm-vit", "config.json", "\"num_heads\": 2", "\"num_head\": 2",
	    "'./config.json': architecture: 0 heads do not divide 16 numbers" },
	{ "timm-vit", "config.json", "\"input_size\": [\n      3,\n      32,",
	    "\"input_size\": [\n      3,\n      40,",
	    "'./config.json': pretrained_cfg.crop_mode is not supported" },
	{ "timm-vit", "model.safetensors", "\"norm.weight\"", "\"mork.weight\"",
	    "'./model.safetensors': no tensor 'norm.weight'" },
};

START_TEST(lies_are_named)
{
	static const char *const files[] = { "config.json", "model.safetensors",
		"preprocessor_config.json" };
	struct encoder_how how = { .isa = cpu_isa(), .normalize = -1 };
	struct error e = { { 0 }, 0 };
	struct store *s;

	for (int i = 0; i < 3; i++) {
		int here = strcmp(files[i], lies[_i].file) == 0;

		unlink(files[i]);
		if (i == 2 && strncmp(lies[_i].model, "timm", 4) == 0)
			continue;
		copy_file(lies[_i].model, files[i], here ? lies[_i].from : NULL,
		    lies[_i].to);
	}
	s = store_open(".", PRECISION_F32, &e);
	ck_assert_msg(s != NULL, "%s", e.text);
	ck_assert_ptr_null(encoder_new(s, ENCODER_PICTURE, &how, &e));
	ck_assert_str_eq(e.text, lies[_i].why);
	store_free(s);
}
END_TEST

START_TEST(what_a_model_has_not_is_refused)
{
	static const struct {
		const char *model;
		struct encoder_how how;
		const char *why;
	} wrong[] = {
		{ "vit", { .layer = 3, .normalize = -1 },
		    "num_hidden_layers: there is no layer 3 of 2" },
		{ "vit", { .pool = POOL_LAST, .normalize = -1 },
		    "--pool last is for texts" },
		{ "siglip-vision", { .pool = POOL_CLS, .normalize = -1 },
		    "this model has no class token" },
	};

	for (int i = 0; i < 3; i++) {
		struct store *s = open_store(wrong[i].model, PRECISION_F32);
		struct error e = { { 0 }, 0 };

		ck_assert_ptr_null(
		    encoder_new(s, ENCODER_PICTURE, &wrong[i].how, &e));
		ck_assert_msg(
		    strstr(e.text, wrong[i].why) != NULL, "%s", e.text);
		store_free(s);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vit");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, vectors_are_the_references, 0, MODELS);
	tcase_add_loop_test(t, half_precision_is_near, 0, MODELS);
	tcase_add_loop_test(t, eight_bits_are_near, 0, MODELS);
	tcase_add_loop_test(t, packed_files_are_the_same, 0, MODELS);
	tcase_add_loop_test(t, neighbours_do_not_matter, 0, MODELS);
	tcase_add_test(t, unit_length_on_demand);
	tcase_add_loop_test(
	    t, lies_are_named, 0, (int)(sizeof(lies) / sizeof(lies[0])));
	tcase_add_test(t, what_a_model_has_not_is_refused);
	suite_add_tcase(s, t);
	return unit_main(s);
}
