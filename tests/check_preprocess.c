#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/error.h"
#include "image/preprocess.h"
#include "nn/pixels.h"
#include "pictures.h"
#include "unit.h"

static const uint8_t white[3] = { 255, 255, 255 };

static void
put(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(p, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

/* A model of one number with this file beside it. */
static struct store *
model_with(const char *file, const char *text)
{
	static const char tensors[] = "\x40\0\0\0\0\0\0\0"
				      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],"
				      "\"data_offsets\":[0,4]}}          "
				      "\0\0\0\0";
	struct error e = { { 0 }, 0 };
	struct store *s;

	mkdir("m", 0777);
	unlink("m/preprocessor_config.json");
	put("m/config.json", "{}", 2);
	put("m/model.safetensors", tensors, 8 + 64 + 4);
	chdir("m");
	put(file, text, strlen(text));
	chdir("..");
	s = store_open("m", PRECISION_F32, &e);
	ck_assert_msg(s != NULL, "%s", e.text);
	return s;
}

/* The hash of what becomes of a picture below the root of the source. */
static uint64_t
hash_of(const struct pixels *p, const char *picture)
{
	size_t n = (size_t)p->width * p->height * 3;
	float *out = calloc(n, sizeof(*out));
	char path[256];
	struct bytes file;
	struct image im;
	struct error e;
	uint64_t h;

	snprintf(path, sizeof(path), "../../%s", picture);
	file = load(path);
	ck_assert_int_eq(image_decode(&im, file.p, file.n, NULL, &e), 0);
	ck_assert_int_eq(preprocess(p, white, &im, out, &e), 0);
	h = fnv((const uint8_t *)out, n * sizeof(*out));
	image_free(&im);
	free(file.p);
	free(out);
	return h;
}

/* tests/data/pixels.tsv, see tools/record-pixels.py. */
START_TEST(pixels_are_the_references)
{
	static const struct pixels none = { 0 };
	struct bytes list = load("pixels.tsv");
	char *at = (char *)list.p, *end = at + list.n;
	int i = 0;

	ck_assert_int_eq(setenv("VECPIPE_ISA", _i ? "avx2" : "portable", 1), 0);
	for (; at < end; i++) {
		char *field[6];
		struct pixels p;
		struct store *s;
		struct error e;

		for (int k = 0; k < 6; k++) {
			field[k] = at;
			at =
			    memchr(at, k < 5 ? '\t' : '\n', (size_t)(end - at));
			*at++ = '\0';
		}
		s = model_with(field[0], field[1]);
		ck_assert_msg(pixels_read(s, &none, &p, &e) == 0, "%s", e.text);
		ck_assert_uint_eq(p.width, (uint32_t)atoi(field[3]));
		ck_assert_uint_eq(p.height, (uint32_t)atoi(field[4]));
		ck_assert_msg(
		    hash_of(&p, field[2]) == strtoull(field[5], NULL, 16),
		    "line %d: %s %s", i + 1, field[1], field[2]);
		store_free(s);
	}
	ck_assert_int_eq(i, 140);
	free(list.p);
}
END_TEST

#define PRE "preprocessor_config.json"
static const struct {
	const char *file, *text, *why;
} refused[] = {
	{ PRE, "{}", "'m/" PRE "': image_processor_type is not there" },
	{ PRE, "{\"image_processor_type\":\"OneFormerImageProcessor\"}",
	    "'m/" PRE "': image_processor_type 'OneFormerImageProcessor' is "
	    "not supported" },
	{ PRE, "{\"feature_extractor_type\":\"ViT\"}",
	    "'m/" PRE "': feature_extractor_type 'ViT' is not supported" },
	{ PRE,
	    "{\"image_processor_type\":\"ViTImageProcessor\",\"do_pad\":true}",
	    "'m/" PRE "': do_pad is not supported" },
	{ PRE,
	    "{\"image_processor_type\":\"ViTImageProcessor\","
	    "\"size\":{\"longest_edge\":9}}",
	    "'m/" PRE "': size.longest_edge is not supported" },
	{ PRE,
	    "{\"image_processor_type\":\"ViTImageProcessor\","
	    "\"size\":{\"height\":9}}",
	    "'m/" PRE "': size has one of height and width" },
	{ PRE,
	    "{\"image_processor_type\":\"CLIPImageProcessor\","
	    "\"do_center_crop\":false}",
	    "'m/" PRE "': do_center_crop is false, so pictures have no one "
	    "size" },
	{ PRE,
	    "{\"image_processor_type\":\"ConvNextImageProcessor\","
	    "\"do_center_crop\":true}",
	    "'m/" PRE "': do_center_crop is not supported for ConvNext" },
	{ PRE,
	    "{\"image_processor_type\":\"ConvNextImageProcessor\","
	    "\"size\":{\"height\":9,\"width\":9}}",
	    "'m/" PRE "': size has no shortest_edge, which ConvNext wants" },
	{ PRE,
	    "{\"image_processor_type\":\"ViTImageProcessor\","
	    "\"image_std\":[0.5,0,0.5]}",
	    "'m/" PRE "': image_std is 0" },
	{ PRE,
	    "{\"image_processor_type\":\"ViTImageProcessor\","
	    "\"image_mean\":[0.5]}",
	    "'m/" PRE "': image_mean is not three numbers" },
	{ "config.json", "{\"input_size\":[1,9,9]}",
	    "'m/config.json': input_size is not 3, height, width" },
	{ "config.json",
	    "{\"pretrained_cfg\":{\"input_size\":[3,9,9],"
	    "\"interpolation\":\"random\"}}",
	    "'m/config.json': pretrained_cfg.interpolation is not a known "
	    "filter" },
	{ "config.json",
	    "{\"pretrained_cfg\":{\"input_size\":[3,9,9],"
	    "\"crop_mode\":\"border\"}}",
	    "'m/config.json': pretrained_cfg.crop_mode is not supported" },
	{ "config.json", "{\"pretrained_cfg\":{\"input_size\":[3,9,8]}}",
	    "'m/config.json': pretrained_cfg.crop_mode is not supported" },
};

START_TEST(what_is_not_done_is_refused)
{
	static const struct pixels none = { 0 };
	struct store *s = model_with(refused[_i].file, refused[_i].text);
	struct pixels p;
	struct error e;

	ck_assert_int_eq(pixels_read(s, &none, &p, &e), -1);
	ck_assert_str_eq(e.text, refused[_i].why);
	store_free(s);
}
END_TEST

START_TEST(without_a_file_the_fallback_holds)
{
	const struct pixels own = { .width = 9, .height = 8, .scale = 2 };
	struct store *s = model_with("config.json", "{}");
	struct buf tag = { 0 };
	struct pixels p;
	struct error e;

	ck_assert_int_eq(pixels_read(s, &own, &p, &e), 0);
	ck_assert_mem_eq(&p, &own, sizeof(p));
	ck_assert_int_eq(pixels_tag(&p, &tag), 0);
	ck_assert_str_eq(tag.data,
	    "{\"crop_round\":0,\"filter\":0,\"height\":8,\"mean\":[0,0,0],"
	    "\"resize\":\"keep\",\"resize_h\":0,\"resize_w\":0,\"scale\":2,"
	    "\"std\":[0,0,0],\"width\":9}");
	buf_free(&tag);
	store_free(s);
}
END_TEST

/* The part that a crop keeps is all that is resized, so a picture of 1 x
 * 16384 pixels is no special case. */
START_TEST(thin_pictures_are_cropped)
{
	const struct pixels p = { .width = 224,
		.height = 224,
		.resize = PIXELS_SHORTEST,
		.resize_w = 256,
		.resize_h = 256,
		.filter = PIXELS_BICUBIC,
		.scale = 1,
		.std = { 1, 1, 1 } };
	float *out = calloc(224 * 224 * 3, sizeof(*out));

	for (int turn = 0; turn < 2; turn++) {
		struct image im;
		struct error e;

		ck_assert_int_eq(
		    image_alloc(&im, turn ? 1 : 16384, turn ? 16384 : 1, 1, &e),
		    0);
		memset(im.px, 7, 16384);
		ck_assert_msg(
		    preprocess(&p, white, &im, out, &e) == 0, "%s", e.text);
		for (int i = 0; i < 224 * 224 * 3; i++)
			ck_assert(out[i] == 7);
		image_free(&im);
	}
	free(out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("preprocess");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(
	    t, pixels_are_the_references, 0, cpu_isa() >= ISA_AVX2 ? 2 : 1);
	tcase_add_loop_test(t, what_is_not_done_is_refused, 0,
	    (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(t, without_a_file_the_fallback_holds);
	tcase_add_test(t, thin_pictures_are_cropped);
	suite_add_tcase(s, t);
	return unit_main(s);
}
