#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "vec/le.h"
#include "vec/model.h"

#include "records.h"

static const char config[] = "{\"kind\":\"test\",\"n\":[1,2.5]}";
static const float some[6] = { 0, 0.125f, 0.25f, 0.375f, 0.5f, 0.625f };
static const double wide[2] = { 0.1, -3 };
static const signed char narrow[7] = { -3, -2, -1, 0, 1, 2, 3 };

static struct tensor
tensor(const char *name, enum tensor_type type, const void *data, size_t bytes,
    int rank, uint64_t a, uint64_t b)
{
	return (struct tensor){ .name = (char *)(uintptr_t)name,
		.type = type,
		.rank = rank,
		.shape = { a, b },
		.bytes = bytes,
		.data = data };
}

/* save_one: a small model of ours at this path. */
static void
save_one(const char *path)
{
	struct tensor t[] = { tensor("w", TENSOR_F32, some, 24, 2, 2, 3),
		tensor("d", TENSOR_F64, wide, 16, 1, 2, 0),
		tensor("q", TENSOR_I8, narrow, 7, 1, 7, 0) };
	struct error e = { 0 };

	ck_assert_msg(model_save(path, config, t, 3, &e) == 0, "%s", e.text);
}

/* opens: 1 when the file is taken for a model; the sentence in *e. */
static int
opens(const char *path, struct error *e)
{
	struct model m;

	*e = (struct error){ 0 };
	if (model_open(&m, path, e) == -1) {
		ck_assert_uint_gt(strlen(e->text), 0);
		return 0;
	}
	model_close(&m);
	return 1;
}

START_TEST(model_survives)
{
	struct error e = { 0 };
	struct model m;
	uint64_t shape[2] = { 2, 0 }, any[1] = { 0 };
	const void *p;

	save_one("m");
	ck_assert_msg(model_open(&m, "m", &e) == 0, "%s", e.text);
	ck_assert_str_eq(m.config, config);
	p = model_tensor(&m, "w", TENSOR_F32, 2, shape, &e);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(shape[1], 3);
	ck_assert_mem_eq(p, some, sizeof(some));
	p = model_tensor(&m, "q", TENSOR_I8, 1, any, &e);
	ck_assert_mem_eq(p, narrow, sizeof(narrow));
	ck_assert_uint_eq(any[0], 7);
	ck_assert_str_eq(m.tensors[0].name, "d");

	ck_assert_ptr_null(model_tensor(&m, "x", TENSOR_F32, 1, any, &e));
	ck_assert_str_eq(e.text, "no tensor 'x'");
	ck_assert_ptr_null(model_tensor(&m, "q", TENSOR_U8, 1, any, &e));
	ck_assert_str_eq(e.text, "tensor 'q': I8 of rank 1, not U8 of rank 1");
	shape[1] = 4;
	ck_assert_ptr_null(model_tensor(&m, "w", TENSOR_F32, 2, shape, &e));
	ck_assert_str_eq(e.text, "tensor 'w': shape[1] is 3, not 4");
	model_close(&m);
}
END_TEST

START_TEST(every_prefix_and_every_flip_is_refused)
{
	struct error e;
	struct buf b;

	save_one("m");
	b = slurp("m");
	ck_assert_uint_lt(b.len, 4096);
	for (size_t n = 0; n < b.len; n++) {
		spill("cut", b.data, n);
		ck_assert_msg(!opens("cut", &e), "prefix of %zu bytes", n);
	}
	for (size_t i = 0; i < b.len; i++)
		for (int k = 0; k < 8; k++) {
			b.data[i] = (char)(b.data[i] ^ 1 << k);
			spill("flip", b.data, b.len);
			ck_assert_msg(
			    !opens("flip", &e), "bit %d of byte %zu", k, i);
			b.data[i] = (char)(b.data[i] ^ 1 << k);
		}
	ck_assert_int_eq(buf_putc(&b, 'x'), 0);
	spill("more", b.data, b.len);
	ck_assert(!opens("more", &e));
	buf_free(&b);
}
END_TEST

START_TEST(bytes_equal_the_reference)
{
	static const float a[] = { 1.5f, -0.0f };
	static const double z[] = { 0.1 }, scale[] = { 3.25 };
	static const unsigned char bytes[] = { 0, 1, 2, 3, 4 };
	static const int64_t ids[] = { 1, INT64_C(1) << 40 };
	static const uint64_t big[] = { (UINT64_C(1) << 63) + 1 };
	static const uint32_t index[] = { 7, 9 };
	static const int32_t shift[] = { -7 };
	struct tensor t[] = { tensor("b.weight", TENSOR_F32, some, 24, 2, 2, 3),
		tensor("a.weight", TENSOR_F32, a, 8, 1, 2, 0),
		tensor("z.double", TENSOR_F64, z, 8, 2, 1, 1),
		tensor("scale", TENSOR_F64, scale, 8, 0, 0, 0),
		tensor("codes", TENSOR_I8, narrow, 7, 1, 7, 0),
		tensor("bytes", TENSOR_U8, bytes, 5, 1, 5, 0),
		tensor("ids", TENSOR_I64, ids, 16, 1, 2, 0),
		tensor("big", TENSOR_U64, big, 8, 1, 1, 0),
		tensor("index", TENSOR_U32, index, 8, 2, 2, 1),
		tensor("shift", TENSOR_I32, shift, 4, 1, 1, 0),
		tensor("none", TENSOR_F32, a, 0, 2, 0, 4) };
	char peer[4096];
	struct error e = { 0 };
	struct model m;
	struct buf x, y;

	snprintf(peer, sizeof(peer), "%s/peer.safetensors", getenv("DATA"));
	ck_assert_int_eq(model_save("ours", NULL, t, 11, &e), 0);
	x = slurp("ours");
	y = slurp(peer);
	ck_assert_uint_eq(x.len, y.len);
	ck_assert_mem_eq(x.data, y.data, x.len);
	ck_assert_msg(model_open(&m, peer, &e) == 0, "%s", e.text);
	ck_assert_ptr_null(m.config);
	ck_assert_uint_eq(m.n, 11);
	model_close(&m);
	buf_free(&x);
	buf_free(&y);
}
END_TEST

/* Files that lie: a header, how many bytes of data follow, what is said. */
static const struct {
	const char *header;
	size_t data;
	const char *why;
} lies[] = {
	{ "{}", 0, NULL },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
	    NULL },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[0,9],\"data_offsets\":[0,0]}}",
	    0, NULL },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9,
	    "1 bytes behind the last tensor" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7,
	    "offsets outside the file" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8,
	    "offsets outside the file" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8,
	    "shape and offsets disagree" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
	  "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
	    6, "overlaps the one before" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
	  "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}",
	    3, "a hole lies before it" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],"
	  "\"data_offsets\":[0,0]}}",
	    0, "shape is too large" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],"
	  "\"data_offsets\":[0,1]}}",
	    1, "more than 8 dimensions" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
	  "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
	    1, "a" },
	{ "{\"a\":{\"dtype\":\"O8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
	    "dtype is not supported" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1,
	    "needs dtype, shape and data_offsets" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 1,
	    "a" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],"
	  "\"x\":1}}",
	    1, "unknown key" },
	{ "{\"__metadata__\":{\"vecpipe\":\"{}\"}}", 0, "no checksum" },
	{ "{\"__metadata__\":{\"vecpipe\":\"{}\",\"checksum\":\"2:ab\"}}", 0,
	    "needs version 2 of the model format" },
	{ "{\"__metadata__\":{\"vecpipe\":\"{}\",\"checksum\":"
	  "\"1:0000000000000000\"}}",
	    0, "checksum mismatch" },
	{ "{\"__metadata__\":{\"checksum\":\"1:0000000000000000\"}}", 0,
	    "no configuration" },
	{ "{\"__metadata__\":{\"format\":\"pt\"}}", 0, NULL },
	{ "{\"__metadata__\":{\"format\":1}}", 0, "header" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}}", 1,
	    "header" },
};

START_TEST(lying_headers_are_refused)
{
	struct buf b = { 0 };
	struct error e;
	size_t n = strlen(lies[_i].header);

	ck_assert_int_eq(buf_reserve(&b, 8 + n + lies[_i].data), 0);
	le64_put((unsigned char *)b.data, n);
	memcpy(b.data + 8, lies[_i].header, n);
	memset(b.data + 8 + n, 0, lies[_i].data);
	spill("lie", b.data, 8 + n + lies[_i].data);
	ck_assert_int_eq(opens("lie", &e), lies[_i].why == NULL);
	if (lies[_i].why != NULL)
		ck_assert_msg(
		    strstr(e.text, lies[_i].why) != NULL, "%s", e.text);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *bytes;
	size_t n;
	const char *looks;
} others[] = {
	{ "\x80\2}q\0.....", 10, "a pickle" },
	{ "PK\3\4..........", 14, "zip" },
	{ "\x93NUMPY\1\0......", 14, "npy" },
	{ "\x08\x07\x12\x07pytorch:", 12, "ONNX" },
	{ "\x1f\x8b........", 10, "gzip" },
};

START_TEST(other_formats_are_named)
{
	char want[64];
	struct error e;

	spill("other", others[_i].bytes, others[_i].n);
	ck_assert(!opens("other", &e));
	snprintf(want, sizeof(want), "'other': unsupported (looks like %s)",
	    others[_i].looks);
	ck_assert_str_eq(e.text, want);
}
END_TEST

START_TEST(strange_paths_are_refused)
{
	struct error e;

	ck_assert_int_eq(symlink("/dev/zero", "zero"), 0);
	ck_assert(!opens("zero", &e));
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert(!opens("fifo", &e));
	spill("sparse", "", 0);
	ck_assert_int_eq(truncate("sparse", (off_t)1 << 40), 0);
	ck_assert(!opens("sparse", &e));
	ck_assert(!opens("absent", &e));
	ck_assert(!opens(".", &e));
}
END_TEST

START_TEST(what_could_not_be_read_is_not_written)
{
	struct tensor two[] = { tensor("w", TENSOR_F32, some, 24, 2, 2, 3),
		tensor("w", TENSOR_I8, narrow, 7, 1, 7, 0) };
	struct error e;

	ck_assert_int_eq(model_save("never", config, two, 2, &e), -1);
	ck_assert_str_eq(e.text, "two tensors 'w'");
	two[0].bytes = 20;
	ck_assert_int_eq(model_save("never", config, two, 1, &e), -1);
	ck_assert_int_eq(model_save("never", "[1", two + 1, 1, &e), -1);
	ck_assert_int_eq(access("never", F_OK), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("model");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, model_survives);
	tcase_add_test(t, every_prefix_and_every_flip_is_refused);
	tcase_add_test(t, bytes_equal_the_reference);
	tcase_add_loop_test(
	    t, lying_headers_are_refused, 0, sizeof(lies) / sizeof(lies[0]));
	tcase_add_loop_test(
	    t, other_formats_are_named, 0, sizeof(others) / sizeof(others[0]));
	tcase_add_test(t, strange_paths_are_refused);
	tcase_add_test(t, what_could_not_be_read_is_not_written);
	suite_add_tcase(s, t);
	return unit_main(s);
}
