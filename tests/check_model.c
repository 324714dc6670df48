#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "unit.h"
#include "vec/le.h"
#include "vec/model.h"

static void
data_path(char path[4096], const char *name)
{
	const char *data = getenv("DATA");

	snprintf(path, 4096, "%s/model/%s", data != NULL ? data : "tests/data",
	    name);
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

static void
spit(const char *path, const void *p, size_t n)
{
	struct writer w;
	struct error e;

	ck_assert_int_eq(io_create(&w, path, &e), 0);
	ck_assert_int_eq(io_put(&w, p, n, &e), 0);
	ck_assert_int_eq(io_commit(&w, &e), 0);
}

/* ---- files of the reference implementation ---- */

/* Element i of every recorded tensor is i + 1; F16 and BF16 are only listed. */
static void
check_values(const struct tensor *t)
{
	size_t size = tensor_size(t->type), n = t->bytes / size;
	const unsigned char *p = t->data;

	for (size_t i = 0; i < n; i++, p += size) {
		unsigned char want[8] = { 0 };
		float f = (float)(i + 1);
		double d = (double)(i + 1);

		switch (t->type) {
		case TENSOR_F16:
		case TENSOR_BF16:
			continue;
		case TENSOR_BOOL:
			want[0] = 1;
			break;
		case TENSOR_F32:
			le_put_array(want, &f, 1, 4);
			break;
		case TENSOR_F64:
			le_put_array(want, &d, 1, 8);
			break;
		default:
			le64_put(want, i + 1);
			break;
		}
		ck_assert_msg(
		    memcmp(p, want, size) == 0, "%s[%zu]", t->name, i);
	}
}

START_TEST(reference_files_are_read)
{
	static const char *const names[] = { "reference.safetensors",
		"metadata.safetensors" };
	char path[4096];
	struct model m;
	struct error e;

	data_path(path, names[_i]);
	ck_assert_msg(model_open(&m, path, &e) == 0, "%s", e.text);
	ck_assert_ptr_null(m.config);
	ck_assert_uint_eq(m.n, 16);
	for (int type = TENSOR_BOOL; type <= TENSOR_U64; type++) {
		enum tensor_type k = (enum tensor_type)type;
		uint64_t shape[2] = { 0, 3 };
		char name[16];

		snprintf(name, sizeof(name), "t.%s", tensor_type_name(k));
		ck_assert_msg(model_tensor(&m, name, k, 2, shape, &e) != NULL,
		    "%s", e.text);
		ck_assert_uint_ge(shape[0], 1);
		ck_assert_uint_eq(
		    shape[0] * 3 * tensor_size(k), model_find(&m, name)->bytes);
	}
	for (size_t i = 0; i < m.n; i++)
		check_values(&m.tensors[i]);
	ck_assert_int_eq(model_find(&m, "one")->rank, 0);
	ck_assert_uint_eq(model_find(&m, "none")->bytes, 0);
	ck_assert_ptr_nonnull(model_find(&m, "a \"quoted\\ \xc3\xa9 name"));
	ck_assert_ptr_null(model_find(&m, "t"));
	model_close(&m);
}
END_TEST

/* Without a configuration we write what the reference wrote, whatever the
 * order in which the tensors are given. */
START_TEST(reference_file_is_written)
{
	struct tensor shuffled[16];
	struct buf a, b;
	char path[4096];
	struct model m;
	struct error e;

	data_path(path, "reference.safetensors");
	ck_assert_int_eq(model_open(&m, path, &e), 0);
	for (size_t i = 0; i < m.n; i++)
		shuffled[i] = m.tensors[i * 5 % m.n];
	ck_assert_msg(
	    model_save("mine", NULL, shuffled, m.n, &e) == 0, "%s", e.text);
	a = slurp(path);
	b = slurp("mine");
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_mem_eq(a.data, b.data, a.len);
	buf_free(&a);
	buf_free(&b);
	model_close(&m);
}
END_TEST

START_TEST(wrong_requests_are_explained)
{
	char path[4096];
	uint64_t shape[2] = { 0, 4 };
	struct model m;
	struct error e;

	data_path(path, "reference.safetensors");
	ck_assert_int_eq(model_open(&m, path, &e), 0);
	ck_assert_ptr_null(model_tensor(&m, "x", TENSOR_F32, 2, shape, &e));
	ck_assert_str_eq(e.text, "no tensor 'x'");
	ck_assert_ptr_null(model_tensor(&m, "t.F64", TENSOR_F32, 2, shape, &e));
	ck_assert_str_eq(e.text, "tensor 't.F64': dtype F64, not F32");
	ck_assert_ptr_null(model_tensor(&m, "t.F32", TENSOR_F32, 1, shape, &e));
	ck_assert_str_eq(e.text, "tensor 't.F32': rank 2, not 1");
	ck_assert_ptr_null(model_tensor(&m, "t.F32", TENSOR_F32, 2, shape, &e));
	ck_assert_str_eq(e.text, "tensor 't.F32': shape[1] is 3, not 4");
	ck_assert_uint_eq(shape[0], 0);
	model_close(&m);
}
END_TEST

/* ---- our own files ---- */

static const float w[6] = { 1, -2, 3.5f, 0, 1e-30f, 6 };
static const double bias[3] = { 0.1, 0.2, 0.3 };
static const uint8_t bytes[5] = "\x20\x20\x20\x20\x20";

static const struct tensor mine[] = {
	{ .name = (char[]){ "W" }, TENSOR_F32, 2, { 2, 3 }, 0, w },
	{ .name = (char[]){ "bias" }, TENSOR_F64, 1, { 3 }, 0, bias },
	{ .name = (char[]){ "bytes" }, TENSOR_U8, 1, { 5 }, 0, bytes },
	{ .name = (char[]){ "none" }, TENSOR_F32, 2, { 0, 9 }, 0, NULL },
	{ .name = (char[]){ "one" }, TENSOR_F32, 0, { 0 }, 0, w + 2 },
};
static const char config[] = "{\"kind\": \"test\", \"C\": 1.5, "
			     "\"classes\": [\"a\", \"b\\n\", \"\\u00e9\"]}";

static struct buf
saved(void)
{
	struct error e;

	ck_assert_msg(model_save("m", config, mine, 5, &e) == 0, "%s", e.text);
	return slurp("m");
}

START_TEST(what_is_saved_comes_back)
{
	uint64_t shape[2] = { 0, 0 }, h;
	const double *d;
	struct model m;
	struct error e;

	struct buf b = saved();
	ck_assert_msg(model_open(&m, "m", &e) == 0, "%s", e.text);
	ck_assert_str_eq(m.config, "{\"C\":1.5,\"classes\":[\"a\",\"b\\n\","
				   "\"\xc3\xa9\"],\"kind\":\"test\"}");
	ck_assert_mem_eq(
	    model_tensor(&m, "W", TENSOR_F32, 2, shape, &e), w, sizeof(w));
	ck_assert_uint_eq(shape[0], 2);
	ck_assert_uint_eq(shape[1], 3);
	d = model_tensor(&m, "bias", TENSOR_F64, 1, (uint64_t[]){ 3 }, &e);
	ck_assert_mem_eq(d, bias, sizeof(bias));
	ck_assert_ptr_nonnull(
	    model_tensor(&m, "none", TENSOR_F32, 2, (uint64_t[]){ 0, 9 }, &e));
	ck_assert_ptr_nonnull(model_tensor(&m, "one", TENSOR_F32, 0, NULL, &e));
	h = model_hash(&m);
	model_close(&m);

	/* The same bytes from another order; the hash follows the content. */
	struct tensor other[5] = { mine[4], mine[2], mine[0], mine[3],
		mine[1] };
	ck_assert_int_eq(model_save("n", config, other, 5, &e), 0);
	struct buf c = slurp("n");
	ck_assert_uint_eq(b.len, c.len);
	ck_assert_mem_eq(b.data, c.data, b.len);
	ck_assert_int_eq(model_save("n", "{}", other, 5, &e), 0);
	ck_assert_int_eq(model_open(&m, "n", &e), 0);
	ck_assert_uint_ne(model_hash(&m), h);
	model_close(&m);
	ck_assert_int_eq(model_save("n", "{}", NULL, 0, &e), 0);
	ck_assert_int_eq(model_open(&m, "n", &e), 0);
	ck_assert_uint_eq(m.n, 0);
	model_close(&m);
	buf_free(&b);
	buf_free(&c);
}
END_TEST

static int
reads(const void *p, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);
	struct model m;
	struct error e = { 0 };
	int r;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, p, n);
	r = model_read(&m, copy, n, &e);
	ck_assert_int_eq(r < 0, e.text[0] != '\0');
	model_close(&m);
	free(copy);
	return r == 0;
}

START_TEST(every_prefix_is_refused)
{
	struct buf b = saved();

	ck_assert(reads(b.data, b.len));
	for (size_t n = 0; n < b.len; n++)
		ck_assert_msg(!reads(b.data, n), "%zu of %zu", n, b.len);
	buf_free(&b);
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
	struct buf b = saved();

	for (size_t i = 0; i < 8 * b.len; i++) {
		b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
		ck_assert_msg(!reads(b.data, b.len), "bit %zu", i);
		b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
	}
	ck_assert(reads(b.data, b.len));
	buf_free(&b);
}
END_TEST

static const struct {
	struct tensor t[2];
	size_t n;
	const char *config, *sentence;
} unwritable[] = {
	{ { { (char[]){ "" }, TENSOR_U8, 0, { 0 }, 0, w } }, 1, "{}",
	    "'x': tensor '': not a name" },
	{ { { (char[]){ "a\nb" }, TENSOR_U8, 0, { 0 }, 0, w } }, 1, "{}",
	    "'x': tensor 'a\nb': not a name" },
	{ { { (char[]){ "\xff" }, TENSOR_U8, 0, { 0 }, 0, w } }, 1, "{}",
	    "'x': tensor '\xff': not a name" },
	{ { { (char[]){ "a" }, TENSOR_U8, 9, { 0 }, 0, w } }, 1, "{}",
	    "'x': tensor 'a': rank 9" },
	{ { { (char[]){ "a" }, TENSOR_U8, 2, { UINT64_MAX / 2, 3 }, 0, w } }, 1,
	    "{}", "'x': tensor 'a': shape overflows" },
	{ { { (char[]){ "a" }, TENSOR_U8, 0, { 0 }, 0, w },
	      { (char[]){ "a" }, TENSOR_F32, 0, { 0 }, 0, w } },
	    2, "{}", "'x': two tensors 'a'" },
	{ { { (char[]){ "a" }, TENSOR_U8, 0, { 0 }, 0, w } }, 1, "[]",
	    "'x': configuration: not an object" },
	{ { { (char[]){ "a" }, TENSOR_U8, 0, { 0 }, 0, w } }, 1, "{", NULL },
};

START_TEST(what_cannot_be_read_is_not_written)
{
	struct error e = { 0 };

	ck_assert_int_eq(model_save("x", unwritable[_i].config,
			     unwritable[_i].t, unwritable[_i].n, &e),
	    -1);
	if (unwritable[_i].sentence != NULL)
		ck_assert_str_eq(e.text, unwritable[_i].sentence);
	ck_assert_int_ne(access("x", F_OK), 0);
}
END_TEST

/* ---- hostile files ---- */

/* A file with this header (padded) and n bytes of data, or its sentence. */
static void
refused(const char *header, size_t n, const char *sentence)
{
	size_t len = (strlen(header) + 7) / 8 * 8;
	unsigned char *p = calloc(1, 8 + len + n);
	struct error e = { 0 };
	struct model m;

	le64_put(p, len);
	memset(p + 8, ' ', len);
	memcpy(p + 8, header, strlen(header));
	if (sentence == NULL) {
		ck_assert_msg(model_read(&m, p, 8 + len + n, &e) == 0, "%s: %s",
		    header, e.text);
		model_close(&m);
	} else {
		ck_assert_int_eq(model_read(&m, p, 8 + len + n, &e), -1);
		ck_assert_msg(strcmp(e.text, sentence) == 0, "%s: %s\nnot: %s",
		    header, e.text, sentence);
	}
	free(p);
}

#define T(name, dtype, shape, at)                                              \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape               \
	",\"data_offsets\":" at "}"

static const struct {
	const char *header;
	size_t n;
	const char *sentence; /* NULL: it is sound */
} hostile[] = {
	{ "{}", 0, NULL },
	{ "{" T("a", "F32", "[2]", "[0,8]") "}", 8, NULL },
	{ "{" T("a", "U8", "[1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, NULL },
	{ "{" T("b", "F32", "[2]", "[8,16]") "," T(
	      "a", "F32", "[2]", "[0,8]") "}",
	    16, NULL },
	{ "{" T("a", "F32", "[2]", "[0,8]") "," T(
	      "b", "F32", "[2]", "[4,12]") "}",
	    12, "tensor 'b': data_offsets overlap those of 'a'" },
	{ "{" T("a", "F32", "[2]", "[0,8]") "," T(
	      "b", "F32", "[2]", "[0,8]") "}",
	    8, "tensor 'b': data_offsets overlap those of 'a'" },
	{ "{" T("a", "F32", "[2]", "[0,8]") "," T(
	      "b", "F32", "[2]", "[12,20]") "}",
	    20, "tensor 'b': data_offsets leave a hole before it" },
	{ "{" T("a", "F32", "[2]", "[4,12]") "}", 12,
	    "tensor 'a': data_offsets leave a hole before it" },
	{ "{" T("a", "F32", "[2]", "[0,8]") "}", 9,
	    "1 bytes after the last tensor" },
	{ "{}", 3, "3 bytes after the last tensor" },
	{ "{" T("a", "F32", "[2]", "[0,8]") "}", 7,
	    "tensor 'a': data_offsets beyond the end of the file" },
	{ "{" T("a", "F32", "[0]", "[16,16]") "}", 8,
	    "tensor 'a': data_offsets beyond the end of the file" },
	{ "{" T("a", "F32", "[2]", "[0,4]") "}", 4,
	    "tensor 'a': data_offsets do not fit dtype and shape" },
	{ "{" T("a", "F32", "[2]", "[8,0]") "}", 8,
	    "tensor 'a': data_offsets do not fit dtype and shape" },
	{ "{" T("a", "F32", "[2]", "[8]") "}", 8,
	    "tensor 'a': data_offsets are not two" },
	{ "{" T("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", 0,
	    "tensor 'a': shape overflows" },
	{ "{" T("a", "F32", "[4611686018427387905]", "[0,4]") "}", 4,
	    "tensor 'a': shape overflows" },
	{ "{" T("a", "F32", "[9223372036854775807,0]", "[0,0]") "}", 0,
	    "tensor 'a': shape overflows" },
	{ "{" T("a", "F8_E4M3", "[2]", "[0,2]") "}", 2,
	    "tensor 'a': dtype 'F8_E4M3' is not supported" },
	{ "{" T("", "U8", "[2]", "[0,2]") "}", 2,
	    "header: a tensor has an empty name" },
	{ "{" T("a\\n", "U8", "[2]", "[0,2]") "}", 2,
	    "header: a tensor's name holds a control character" },
	{ "{" T("a\\u0000", "U8", "[2]", "[0,2]") "}", 2,
	    "header: a tensor's name holds a control character" },
	{ "{" T("\xc3", "U8", "[2]", "[0,2]") "}", 2,
	    "header: a tensor's name is not UTF-8" },
	{ "{\"a\":{\"shape\":[],\"data_offsets\":[0,1]}}", 1,
	    "tensor 'a': no dtype" },
	{ "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1,
	    "tensor 'a': no shape" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", 1,
	    "tensor 'a': no data_offsets" },
	{ "{\"a\":{\"dtype\":\"U8\",\"x\":[]}}", 1,
	    "tensor 'a': unknown field" },
	{ "{\"__metadata__\":{\"format\":\"pt\"}}", 0, NULL },
	{ "{\"__metadata__\":{\"vecpipe\":\"{}\"}}", 0,
	    "__metadata__: no 'vecpipe.version'" },
	{ "{\"__metadata__\":{\"vecpipe.version\":\"1\"}}", 0,
	    "__metadata__: no 'vecpipe'" },
	{ "{\"__metadata__\":{\"vecpipe\":\"{}\",\"vecpipe.version\":\"1\"}}",
	    0, "__metadata__: no 'vecpipe.checksum'" },
	{ "{\"__metadata__\":{\"vecpipe\":\"{}\",\"vecpipe.version\":\"1\","
	  "\"vecpipe.checksum\":\"0000000000000000\"}}",
	    0, "checksum mismatch" },
	{ "{\"__metadata__\":{\"vecpipe\":\"{}\",\"vecpipe.version\":\"2\","
	  "\"vecpipe.checksum\":\"\"}}",
	    0, "needs version 2" },
	{ "{\"__metadata__\":{\"vecpipe\":\"{}\",\"vecpipe.version\":\"x\","
	  "\"vecpipe.checksum\":\"\"}}",
	    0, "__metadata__: vecpipe.version is no version" },
	{ "{\"__metadata__\":{\"vecpipe\":\"{}\",\"vecpipe.version\":\"1\","
	  "\"vecpipe.requires\":\"tiles\",\"vecpipe.checksum\":\"\"}}",
	    0, "__metadata__: vecpipe.requires 'tiles'" },
	{ "{\"__metadata__\":{\"vecpipe\":\"\\u0000\"}}", 0,
	    "__metadata__: a string holds a NUL" },
};

START_TEST(hostile_headers_are_refused)
{
	refused(hostile[_i].header, hostile[_i].n, hostile[_i].sentence);
}
END_TEST

/* Other programs write such files; their arrays can be looked at, byte by
 * byte, but not taken as numbers. */
START_TEST(what_is_not_aligned_is_not_lent)
{
	static const char header[] = "{" T("a", "U8", "[2]", "[0,2]") "," T(
	    "b", "F32", "[1]", "[2,6]") "}";
	size_t len = strlen(header);
	unsigned char *p = calloc(1, 8 + len + 6);
	uint64_t shape[1] = { 1 };
	struct error e = { 0 };
	struct model m;

	le64_put(p, len);
	memcpy(p + 8, header, len);
	ck_assert_int_eq(model_read(&m, p, 8 + len + 6, &e), 0);
	ck_assert(tensor_finite(TENSOR_F32, m.tensors[1].data, 4));
	ck_assert_ptr_nonnull(
	    model_tensor(&m, "a", TENSOR_U8, 1, (uint64_t[]){ 2 }, &e));
	if ((8 + len) % 4 != 2) {
		ck_assert_ptr_null(
		    model_tensor(&m, "b", TENSOR_F32, 1, shape, &e));
		ck_assert_str_eq(
		    e.text, "tensor 'b': data_offsets are not aligned");
	}
	model_close(&m);
	free(p);
}
END_TEST

START_TEST(values_that_are_no_numbers)
{
	static const struct {
		enum tensor_type type;
		uint64_t good, bad;
	} values[] = {
		{ TENSOR_F16, 0x7bff, 0x7c00 },
		{ TENSOR_F16, 0xfbff, 0xfe00 },
		{ TENSOR_BF16, 0x7f7f, 0xff80 },
		{ TENSOR_F32, 0x7f7fffff, 0x7fc00000 },
		{ TENSOR_F32, 0xff7fffff, 0xff800000 },
		{ TENSOR_F64, 0x7fefffffffffffff, 0x7ff0000000000000 },
		{ TENSOR_F64, 0x800fffffffffffff, 0xfff8000000000001 },
	};
	unsigned char p[8 * 37 + 1];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t size = tensor_size(values[i].type);
		unsigned char word[8];

		for (size_t k = 0; k < 37; k++) {
			memset(p, 0, sizeof(p));
			le64_put(word, values[i].good);
			memcpy(p + 1 + k * size, word, size);
			ck_assert(
			    tensor_finite(values[i].type, p + 1, 37 * size));
			le64_put(word, values[i].bad);
			memcpy(p + 1 + k * size, word, size);
			ck_assert(
			    !tensor_finite(values[i].type, p + 1, 37 * size));
		}
	}
}
END_TEST

/* Sentences that the JSON reader makes: the field is near, not exact. */
START_TEST(bad_json_is_refused)
{
	static const char *const bad[] = {
		"{" T("a", "U8", "[]", "[0,1]") "," T(
		    "a", "U8", "[]", "[1,2]") "}",
		"{" T("a", "U8", "[-1]", "[0,1]") "}",
		"{" T("a", "U8", "[1.0]", "[0,1]") "}",
		"{" T("a", "U8", "[1e0]", "[0,1]") "}",
		"{" T("a", "U8", "[18446744073709551616]", "[0,1]") "}",
		"{" T("a", "U8", "[]", "[0,1]") "}x",
		"{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}",
		"{" T("a", "F32", "[2]", "[0,8,9]") "}",
		"{\"a\":[]}",
		"{\"a\":{\"dtype\":1}}",
		"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}",
		"{\"__metadata__\":[]}",
		"{\"__metadata__\":{\"a\":1}}",
		"{\"__metadata__\":{},\"__metadata__\":{}}",
	};
	size_t len = strlen(bad[_i]);
	unsigned char *p = calloc(1, 8 + len + 2);
	struct error e = { 0 };
	struct model m;

	le64_put(p, len);
	memcpy(p + 8, bad[_i], len);
	ck_assert_int_eq(model_read(&m, p, 8 + len + 2, &e), -1);
	ck_assert_msg(strstr(e.text, "header: column") != NULL, "%s", e.text);
	free(p);
}
END_TEST

START_TEST(header_length_is_compared_with_the_file)
{
	static const uint64_t lengths[] = { 0, 1, 9, 1000, MODEL_MAX_HEADER,
		(uint64_t)MODEL_MAX_HEADER + 1, UINT32_MAX, (uint64_t)INT64_MAX,
		UINT64_MAX, UINT64_MAX - 7 };
	unsigned char p[16] = "\0\0\0\0\0\0\0\0{}      ";

	le64_put(p, 8);
	ck_assert(reads(p, 16));
	le64_put(p, lengths[_i]);
	ck_assert(!reads(p, 16));
}
END_TEST

START_TEST(too_many_tensors_are_refused)
{
	size_t n = MODEL_MAX_TENSORS + 1;
	struct buf b = { 0 };
	struct error e;
	struct model m;

	buf_put(&b, "\0\0\0\0\0\0\0\0{", 9);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b,
		    "%s\"%zx\":{\"dtype\":\"U8\",\"shape\":[0],"
		    "\"data_offsets\":[0,0]}",
		    i > 0 ? "," : "", i);
	buf_putc(&b, '}');
	le64_put((unsigned char *)b.data, b.len - 8);
	ck_assert_int_eq(model_read(&m, b.data, b.len, &e), -1);
	ck_assert_str_eq(e.text, "header: more than 1048576 tensors");
	buf_free(&b);
}
END_TEST

START_TEST(other_formats_are_named)
{
	static const struct {
		const char *p;
		size_t n;
		const char *sentence;
	} files[] = {
		{ "\x80\2}q\0.", 6, "'f': unsupported (looks like a pickle)" },
		{ "\x80\4\x95\0\0\0\0\0\0\0\0.", 12,
		    "'f': unsupported (looks like a pickle)" },
		{ "\x93NUMPY\1\0v\0{'descr'", 18,
		    "'f': unsupported (looks like npy)" },
		{ "\x08\x07\x12\x07pytorch\x1a", 12,
		    "'f': unsupported (looks like ONNX)" },
		{ "PK\3\4\0\0\0\0\0\0\0\0", 12,
		    "'f': unsupported (looks like zip)" },
		{ "\x1f\x8b\x08\0\0\0\0\0\0\0", 10,
		    "'f': unsupported (looks like gzip)" },
		{ "hello, this is text", 19,
		    "'f': unsupported (looks like text)" },
		{ "\1\2\3\4\5\6\7\1{}", 10, "'f': not a safetensors file" },
		{ "", 0, "'f': empty file" },
	};
	struct model m;
	struct error e;

	spit("f", files[_i].p, files[_i].n);
	ck_assert_int_eq(model_open(&m, "f", &e), -1);
	ck_assert_str_eq(e.text, files[_i].sentence);
	model_close(&m);
}
END_TEST

/* Lengths whose bytes are another format's magic: 0x280 is a pickle's. */
START_TEST(length_like_a_magic_is_a_length)
{
	static const size_t lengths[] = { 0x280, 0x480, 0x8b1f - 0x1f };
	size_t n = lengths[_i];
	unsigned char *p = malloc(8 + n);

	le64_put(p, n);
	memset(p + 8, ' ', n);
	memcpy(p + 8, "{}", 2);
	ck_assert(reads(p, 8 + n));
	free(p);
}
END_TEST

START_TEST(devices_and_huge_files_are_refused)
{
	struct model m;
	struct error e;
	int fd;

	ck_assert_int_eq(symlink("/dev/zero", "zero"), 0);
	ck_assert_int_eq(model_open(&m, "zero", &e), -1);
	ck_assert_str_eq(e.text, "'zero': not a regular file");
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(model_open(&m, "fifo", &e), -1);
	ck_assert_str_eq(e.text, "'fifo': not a regular file");
	ck_assert_int_eq(model_open(&m, ".", &e), -1);
	ck_assert_int_eq(model_open(&m, "absent", &e), -1);
	ck_assert_str_eq(e.text, "'absent': No such file or directory");

	fd = open("sparse", O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ne(fd, -1);
	if (ftruncate(fd, (off_t)1 << 40) == 0) {
		ck_assert_int_eq(model_open(&m, "sparse", &e), -1);
		ck_assert_str_eq(e.text, "'sparse': not a safetensors file");
		/* A header that says nothing of the terabyte behind it. */
		ck_assert_int_eq(
		    (int)write(fd, "\10\0\0\0\0\0\0\0{}      ", 16), 16);
		ck_assert_int_eq(model_open(&m, "sparse", &e), -1);
		ck_assert_str_eq(e.text,
		    "'sparse': 1099511627760 bytes after the last tensor");
	}
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("model");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, reference_files_are_read, 0, 2);
	tcase_add_test(t, reference_file_is_written);
	tcase_add_test(t, wrong_requests_are_explained);
	tcase_add_test(t, what_is_saved_comes_back);
	tcase_add_test(t, every_prefix_is_refused);
	tcase_add_test(t, every_flipped_bit_is_refused);
	tcase_add_loop_test(t, what_cannot_be_read_is_not_written, 0, 8);
	tcase_add_loop_test(t, hostile_headers_are_refused, 0,
	    (int)(sizeof(hostile) / sizeof(hostile[0])));
	tcase_add_test(t, what_is_not_aligned_is_not_lent);
	tcase_add_test(t, values_that_are_no_numbers);
	tcase_add_loop_test(t, bad_json_is_refused, 0, 14);
	tcase_add_loop_test(t, header_length_is_compared_with_the_file, 0, 10);
	tcase_add_test(t, too_many_tensors_are_refused);
	tcase_add_loop_test(t, other_formats_are_named, 0, 9);
	tcase_add_loop_test(t, length_like_a_magic_is_a_length, 0, 3);
	tcase_add_test(t, devices_and_huge_files_are_refused);
	suite_add_tcase(s, t);
	return unit_main(s);
}
