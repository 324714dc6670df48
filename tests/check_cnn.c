#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/linear.h"
#include "nn/encoder.h"
#include "unit.h"
#include "vec/model.h"

/*
 * Small convolutional encoders of tools/record-cnn-encoders.py against what
 * timm, torchvision and transformers made of the same weights; every
 * instruction set, neighbours, packed files; and models that are wrong.
 */

static const char *const names[] = { "convnext", "convnext-hf", "convnext-tv",
	"efficientnet", "efficientnet-lite", "efficientnet-pytorch",
	"efficientnet-tv", "mobilenetv3-large", "mobilenetv3-tf",
	"mobilenetv3-tv-large", "mobilenetv3-tv-small", "resnet-basic",
	"resnet-bottleneck", "resnet-groups", "resnet-hf-basic",
	"resnet-hf-bottleneck" };
enum { MODELS = sizeof(names) / sizeof(*names) };

struct run {
	struct store *s;
	struct encoder *x;
	struct encoder_work *w;
	const struct encoder_info *info;
	float *px; /* two pictures */
	size_t size;
};

static char *
model_path(const char *name, const char *file)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/encoders/cnn-%s%s", getenv("DATA"),
	    name, file);
	return path;
}

/* The numbers that pixels() of the script makes. */
static float *
pixels(size_t n)
{
	float *x = mem_array(n, sizeof(*x));

	ck_assert_ptr_nonnull(x);
	for (size_t i = 0; i < n; i++) {
		uint32_t u = (uint32_t)(i * 2654435761u) >> 8;

		x[i] = (float)u * 0x1p-22f - 2.0f;
	}
	return x;
}

static void
begin(struct run *r, const char *path, enum precision precision,
    const struct encoder_how *how)
{
	struct error e = { "", 0 };

	r->s = store_open(path, precision, &e);
	ck_assert_msg(r->s != NULL, "%s", e.text);
	r->x = encoder_new(r->s, ENCODER_PICTURE, how, &e);
	ck_assert_msg(r->x != NULL, "%s", e.text);
	r->info = encoder_info(r->x);
	r->w = encoder_work_new(r->x, &e);
	ck_assert_msg(r->w != NULL, "%s", e.text);
	r->size = (size_t)r->info->pixels.width * r->info->pixels.height * 3;
	r->px = pixels(2 * r->size);
}

static struct encoder_out
answer(struct run *r, size_t from, size_t n)
{
	struct encoder_out out;
	struct error e;

	ck_assert_int_eq(
	    encoder_pictures(r->x, r->w, r->px + from * r->size, n, &out, &e),
	    0);
	return out;
}

static void
end(struct run *r)
{
	encoder_work_free(r->w);
	encoder_free(r->x);
	store_free(r->s);
	free(r->px);
}

static double
cosine(const float *a, const float *b, size_t n)
{
	double ab = 0, aa = 0, bb = 0;

	for (size_t i = 0; i < n; i++) {
		ab += (double)a[i] * (double)b[i];
		aa += (double)a[i] * (double)a[i];
		bb += (double)b[i] * (double)b[i];
	}
	return ab / sqrt(aa * bb);
}

/* Rows of v against the array ${name}: [rows, dim]. */
static void
compare(const struct model *m, const char *model, const char *name,
    const float *v, uint64_t rows, uint64_t dim, double least)
{
	uint64_t shape[2] = { rows, dim };
	struct error e;
	const float *want = model_tensor(m, name, TENSOR_F32, 2, shape, &e);

	ck_assert_msg(want != NULL, "%s: %s", model, e.text);
	for (size_t i = 0; i < rows; i++) {
		const float *a = v + i * dim, *b = want + i * dim;
		double c = cosine(a, b, dim), far = 0, top = 0;

		ck_assert_msg(
		    c >= least, "%s: %s %zu: cosine %.8f", model, name, i, c);
		for (size_t j = 0; j < dim; j++) {
			far = fmax(far, fabs((double)a[j] - (double)b[j]));
			top = fmax(top, fabs((double)b[j]));
		}
		ck_assert_msg(least < 0.99999 || far <= 2e-5 * top,
		    "%s: %s %zu: a difference of %g, of %g", model, name, i,
		    far, top);
	}
}

static struct encoder_how
how_of(int layer, enum pooling pool)
{
	return (struct encoder_how){ cpu_isa(), layer, pool, -1 };
}

START_TEST(answers)
{
	const char *name = names[_i];
	struct encoder_how how = how_of(0, POOL_MODEL);
	struct encoder_out out;
	struct model m;
	struct error e = { "", 0 };
	struct run r;

	ck_assert_msg(
	    model_open(&m, model_path(name, "/expected.safetensors"), &e) == 0,
	    "%s", e.text);
	begin(&r, model_path(name, ""), PRECISION_F32, &how);
	ck_assert_int_eq(r.info->kind, ENCODER_PICTURE);
	ck_assert_int_eq(r.info->pool, POOL_MEAN);
	ck_assert_int_eq(r.info->normalize, 0);
	ck_assert(strncmp(r.info->family, name, strlen("conv")) == 0);
	ck_assert_uint_gt(encoder_macs(r.x, 0), 100000);
	out = answer(&r, 0, 2);
	ck_assert_uint_eq(out.end[1], 2);
	compare(&m, name, "vectors", out.v, 2, r.info->dim, 0.99999);
	end(&r);

	how = how_of(1, POOL_MEAN);
	begin(&r, model_path(name, ""), PRECISION_F32, &how);
	out = answer(&r, 0, 2);
	compare(&m, name, "layer1", out.v, 2, r.info->dim, 0.99999);
	end(&r);

	how = how_of(0, POOL_NONE);
	begin(&r, model_path(name, ""), PRECISION_F32, &how);
	out = answer(&r, 1, 1);
	compare(&m, name, "rows", out.v, out.end[0], r.info->dim, 0.99999);
	end(&r);
	model_close(&m);
}
END_TEST

/* Weights of fewer bits: near, and as near under every instruction set. */
START_TEST(precisions)
{
	const char *name = names[_i];
	struct encoder_how how = how_of(0, POOL_MODEL);
	struct model m;
	struct error e;
	struct run r;

	ck_assert_int_eq(
	    model_open(&m, model_path(name, "/expected.safetensors"), &e), 0);
	begin(&r, model_path(name, ""), PRECISION_F16, &how);
	compare(
	    &m, name, "vectors", answer(&r, 0, 2).v, 2, r.info->dim, 0.9999);
	end(&r);
	begin(&r, model_path(name, ""), PRECISION_I8, &how);
	compare(&m, name, "vectors", answer(&r, 0, 2).v, 2, r.info->dim, 0.97);
	end(&r);
	model_close(&m);
}
END_TEST

/* The bytes depend on the picture and the model alone. */
START_TEST(same_bytes)
{
	const char *name = names[_i];
	struct encoder_how how = how_of(0, POOL_LARGEST);
	struct run best, r;
	struct encoder_out want, out;
	size_t bytes;

	how.normalize = 1;
	begin(&best, model_path(name, ""), PRECISION_F32, &how);
	want = answer(&best, 0, 2);
	bytes = best.info->dim * sizeof(float);
	for (int isa = ISA_PORTABLE; isa <= (int)cpu_isa(); isa++) {
		how.isa = (enum isa)isa;
		begin(&r, model_path(name, ""), PRECISION_F32, &how);
		out = answer(&r, 1, 1);
		ck_assert_mem_eq(out.v, want.v + best.info->dim, bytes);
		out = answer(&r, 0, 1);
		ck_assert_mem_eq(out.v, want.v, bytes);
		end(&r);
	}
	ck_assert_double_eq_tol(
	    cosine(want.v, want.v, best.info->dim), 1, 1e-6);
	end(&best);
}
END_TEST

/* A packed file gives what the directory gives. */
START_TEST(packed)
{
	const char *name = names[_i];
	enum precision p = _i % 2 == 0 ? PRECISION_F32 : PRECISION_I8;
	struct encoder_how how = how_of(0, POOL_MODEL);
	struct error e = { "", 0 };
	struct run r, again;

	begin(&r, model_path(name, ""), p, &how);
	ck_assert_msg(store_save(r.s, "packed", &e) == 0, "%s", e.text);
	begin(&again, "packed", p, &how);
	ck_assert(store_packed(again.s));
	ck_assert_mem_eq(answer(&r, 0, 2).v, answer(&again, 0, 2).v,
	    2 * r.info->dim * sizeof(float));
	end(&r);
	end(&again);
	remove("packed");
}
END_TEST

/* ---- what is refused ---- */

/* A copy of a model in the folder "model", with the array ${name} left out
 * (rank 0) or made of another shape, full of ${value}. */
static void
damage(const char *model, const char *name, int rank, const uint64_t *shape,
    float value)
{
	struct model m;
	struct error e = { "", 0 };
	struct tensor *t;
	float *x;
	size_t n = 1, k = 0;

	ck_assert_int_eq(system("rm -rf model && mkdir model"), 0);
	ck_assert_msg(
	    model_open(&m, model_path(model, "/model.safetensors"), &e) == 0,
	    "%s", e.text);
	t = mem_array(m.n, sizeof(*t));
	ck_assert_ptr_nonnull(t);
	for (int i = 0; i < rank; i++)
		n *= shape[i];
	x = mem_array(n, sizeof(*x));
	ck_assert_ptr_nonnull(x);
	for (size_t i = 0; i < n; i++)
		x[i] = value;
	for (size_t i = 0; i < m.n; i++) {
		t[k] = m.tensors[i];
		if (strcmp(t[k].name, name) == 0) {
			if (rank == 0)
				continue;
			t[k].type = TENSOR_F32;
			t[k].rank = rank;
			memcpy(t[k].shape, shape, (size_t)rank * 8);
			t[k].data = x;
		}
		k++;
	}
	ck_assert_msg(
	    model_save("model/model.safetensors", NULL, t, k, &e) == 0, "%s",
	    e.text);
	free(t);
	free(x);
	model_close(&m);
}

static void
refused(const char *path, const struct encoder_how *how, const char *sentence)
{
	struct error e = { "", 0 };
	struct store *s = store_open(path, PRECISION_F32, &e);

	ck_assert_msg(s != NULL, "%s", e.text);
	ck_assert_ptr_null(encoder_new(s, ENCODER_PICTURE, how, &e));
	ck_assert_msg(
	    strstr(e.text, sentence) != NULL, "%s\nnot: %s", e.text, sentence);
	store_free(s);
}

static const struct bad {
	const char *model, *array;
	int rank;
	uint64_t shape[4];
	float value;
	const char *sentence;
} bads[] = {
	{ "resnet-basic", "layer1.0.bn1.running_var", 0, { 0 }, 0,
	    "no tensor 'layer1.0.bn1.running_var'" },
	{ "resnet-basic", "bn1.running_var", 1, { 64 }, -1,
	    "tensor 'bn1.running_var': a variance of -1" },
	{ "resnet-basic", "bn1.running_mean", 1, { 64 }, 3.4e38f,
	    "tensor 'conv1.weight': too large a number" },
	{ "resnet-basic", "layer2.0.conv1.weight", 4, { 12, 5, 3, 3 }, 1,
	    "tensor 'layer2.0.conv1.weight': 5 channels in, not 8" },
	{ "resnet-basic", "layer2.0.conv1.weight", 4, { 12, 8, 3, 2 }, 1,
	    "tensor 'layer2.0.conv1.weight': not a square kernel" },
	{ "resnet-basic", "layer2.0.conv1.weight", 4, { 12, 8, 65, 65 }, 1,
	    "tensor 'layer2.0.conv1.weight': too large" },
	{ "resnet-basic", "layer4.0.downsample.0.weight", 0, { 0 }, 0,
	    "'layer4.0.conv2.weight': does not fit what it is added to" },
	{ "resnet-basic", "layer3.0.conv1.weight", 0, { 0 }, 0,
	    "no tensor 'layer3.0.conv1.weight'" },
	{ "resnet-basic", "layer1.0.conv1.weight", 0, { 0 }, 0,
	    "no convolutional network that is known" },
	{ "convnext", "stages.3.downsample.1.weight", 4, { 20, 16, 64, 64 }, 1,
	    "tensor 'stages.3.downsample.1.weight': larger than what" },
	{ "efficientnet-lite", "blocks.1.0.conv_dw.weight", 4, { 16, 2, 3, 3 },
	    1, "blocks.1.0.conv_dw.weight" },
	{ "efficientnet-lite", "blocks.4.0.conv_pwl.weight", 0, { 0 }, 0,
	    "no tensor 'blocks.4.0.conv_pwl.weight'" },
	{ "efficientnet", "blocks.2.0.se.conv_expand.weight", 4,
	    { 20, 6, 1, 1 }, 1, "blocks.2.0.se.conv_expand.weight" },
	{ "mobilenetv3-large", "blocks.6.0.conv.weight", 0, { 0 }, 0,
	    "no tensor 'blocks.6.0.conv.weight'" },
	{ "mobilenetv3-large", "blocks.2.0.se.conv_reduce.weight", 0, { 0 }, 0,
	    "without squeeze-excite" },
	{ "mobilenetv3-large", "conv_head.weight", 4, { 0, 40, 1, 1 }, 1,
	    "tensor 'conv_head.weight': of an odd size" },
	{ "convnext", "stages.1.blocks.0.norm.bias", 1, { 3 }, 1,
	    "stages.1.blocks.0.norm.bias" },
	{ "convnext", "stages.1.blocks.0.mlp.fc2.weight", 2, { 13, 48 }, 1,
	    "tensor 'stages.1.blocks.0.mlp.fc2.bias'" },
	{ "convnext-tv", "features.1.0.layer_scale", 3, { 9, 1, 1 }, 1,
	    "features.1.0.layer_scale" },
};

START_TEST(wrong_arrays)
{
	const struct bad *b = bads + _i;
	struct encoder_how how = how_of(0, POOL_MODEL);

	damage(b->model, b->array, b->rank, b->shape, b->value);
	refused("model", &how, b->sentence);
}
END_TEST

START_TEST(wrong_wishes)
{
	struct encoder_how how = how_of(5, POOL_MODEL);

	refused(
	    model_path("resnet-basic", ""), &how, "there is no layer 5 of 4");
	how = how_of(0, POOL_CLS);
	refused(model_path("resnet-basic", ""), &how,
	    "is pooled by mean, max or none");
}
END_TEST

/* Where no file says it: what the authors did. */
START_TEST(defaults)
{
	static const struct {
		const char *model, *array;
		enum pixels_resize resize;
		uint32_t size;
		enum pixels_filter filter;
	} cases[] = {
		{ "resnet-basic", "fc", PIXELS_SHORTEST, 256, PIXELS_BILINEAR },
		{ "efficientnet-tv", "", PIXELS_SHORTEST, 256, PIXELS_BICUBIC },
		{ "convnext-tv", "", PIXELS_SHORTEST, 236, PIXELS_BILINEAR },
	};
	uint64_t none[1] = { 0 };
	struct encoder_how how = how_of(0, POOL_MODEL);
	struct run r;
	float first;

	damage(cases[_i].model, cases[_i].array, 0, none, 0);
	begin(&r, "model", PRECISION_F32, &how);
	ck_assert_uint_eq(r.info->pixels.width, 224);
	ck_assert_uint_eq(r.info->pixels.height, 224);
	ck_assert_uint_eq(r.info->pixels.resize_w, cases[_i].size);
	ck_assert_int_eq(r.info->pixels.resize, cases[_i].resize);
	ck_assert_int_eq(r.info->pixels.filter, cases[_i].filter);
	ck_assert_float_eq(r.info->pixels.mean[0], 0.485f);
	first = answer(&r, 0, 2).v[0];
	ck_assert(isfinite(first));
	end(&r);
}
END_TEST

static Suite *
cnn_suite(void)
{
	Suite *s = suite_create("cnn");
	TCase *t = tcase_create("cnn");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, answers, 0, MODELS);
	tcase_add_loop_test(t, precisions, 0, MODELS);
	tcase_add_loop_test(t, same_bytes, 0, MODELS);
	tcase_add_loop_test(t, packed, 0, MODELS);
	tcase_add_loop_test(t, wrong_arrays, 0, sizeof(bads) / sizeof(*bads));
	tcase_add_test(t, wrong_wishes);
	tcase_add_loop_test(t, defaults, 0, 3);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return unit_main(cnn_suite());
}
