#include "vec/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "vec/le.h"
#include "vec/sniff.h"

static const struct {
	const char *name;
	size_t size;
} types[] = {
	[TENSOR_BOOL] = { "BOOL", 1 },
	[TENSOR_U8] = { "U8", 1 },
	[TENSOR_I8] = { "I8", 1 },
	[TENSOR_I16] = { "I16", 2 },
	[TENSOR_U16] = { "U16", 2 },
	[TENSOR_F16] = { "F16", 2 },
	[TENSOR_BF16] = { "BF16", 2 },
	[TENSOR_I32] = { "I32", 4 },
	[TENSOR_U32] = { "U32", 4 },
	[TENSOR_F32] = { "F32", 4 },
	[TENSOR_F64] = { "F64", 8 },
	[TENSOR_I64] = { "I64", 8 },
	[TENSOR_U64] = { "U64", 8 },
};

enum { NTYPES = sizeof(types) / sizeof(types[0]) };

size_t
tensor_size(enum tensor_type type)
{
	return types[type].size;
}

const char *
tensor_type_name(enum tensor_type type)
{
	return types[type].name;
}

/* What __metadata__ says about a file of ours. */
struct ours {
	char *version, *checksum, *needs;
};

/* How a packed file begins behind the header's length: the sum of all that
 * the header says, then the rest of it. */
static const char packed_start[] = "{\"__metadata__\":{\"vecpipe.packed\":\"";
enum { PACKED_SUM = 8 + sizeof(packed_start) - 1 };

static int
header_error(const struct json *j, struct error *e)
{
	json_error(j, e);
	return error_at(e, "header");
}

/* A name is printed in messages and compared as a C string. */
static int
check_name(struct str s, struct error *e)
{
	if (s.len == 0)
		return error_set(e, "header: a tensor has an empty name");
	if (utf8_valid(s.s, s.len) != s.len)
		return error_set(e, "header: a tensor's name is not UTF-8");
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.s[i] < 0x20 || s.s[i] == 0x7f)
			return error_set(e, "header: a tensor's name holds a "
					    "control character");
	return 0;
}

/* Take the string that comes next; a NUL in it would hide the rest. */
static int
take_string(struct json *j, char **out, struct error *e)
{
	struct str s;

	if (json_str(j, &s) < 0)
		return header_error(j, e);
	if (s.len > 0 && memchr(s.s, '\0', s.len) != NULL)
		return error_set(e, "__metadata__: a string holds a NUL");
	*out = mem_strndup(s.s, s.len);
	return *out == NULL ? error_memory(e) : 0;
}

static int
read_metadata(struct model *m, struct ours *o, struct json *j, struct error *e)
{
	struct str key, s;
	int r;

	if (json_object(j) < 0)
		return header_error(j, e);
	while ((r = json_object_next(j, &key)) > 0) {
		char **to = str_is(key, "vecpipe")            ? &m->config
			    : str_is(key, "vecpipe.version")  ? &o->version
			    : str_is(key, "vecpipe.checksum") ? &o->checksum
			    : str_is(key, "vecpipe.requires") ? &o->needs
							      : NULL;

		if (to != NULL) {
			if (take_string(j, to, e) < 0)
				return -1;
		} else if (json_str(j, &s) < 0) {
			return header_error(j, e);
		}
	}
	return r < 0 ? header_error(j, e) : 0;
}

static int
read_dtype(struct tensor *t, struct json *j, struct error *e)
{
	struct str s;

	if (json_str(j, &s) < 0)
		return header_error(j, e);
	for (int i = 0; i < NTYPES; i++)
		if (str_is(s, types[i].name)) {
			t->type = (enum tensor_type)i;
			return 0;
		}
	if (s.len > 16 || utf8_valid(s.s, s.len) != s.len)
		return error_set(e, "tensor '%s': unknown dtype", t->name);
	return error_set(e, "tensor '%s': dtype '%.*s' is not supported",
	    t->name, (int)s.len, s.s);
}

/* Numbers of an array into out: [max].  Their count, or -1. */
static int
read_numbers(struct json *j, uint64_t *out, int max, struct error *e)
{
	int64_t x;
	int n = 0, r;

	if (json_array(j) < 0)
		return header_error(j, e);
	while ((r = json_array_next(j)) > 0) {
		if (n == max) {
			json_refuse(j, "the array is too long");
			return header_error(j, e);
		}
		if (json_integer(j, 0, INT64_MAX, &x) < 0)
			return header_error(j, e);
		out[n++] = (uint64_t)x;
	}
	return r < 0 ? header_error(j, e) : n;
}

/* Bytes that the shape demands, or -1 when that is no size. */
static int
shape_bytes(const struct tensor *t, size_t *bytes, struct error *e)
{
	size_t n = tensor_size(t->type);
	int zero = 0;

	for (int i = 0; i < t->rank; i++) {
		if (t->shape[i] == 0)
			zero = 1;
		else if (t->shape[i] > SIZE_MAX / n)
			return error_set(
			    e, "tensor '%s': shape overflows", t->name);
		else
			n *= (size_t)t->shape[i];
	}
	*bytes = zero ? 0 : n;
	return 0;
}

/* One entry of the header; ${len} bytes of data follow the header. */
static int
read_tensor(struct tensor *t, const unsigned char *data, size_t len,
    struct json *j, struct error *e)
{
	enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4 };
	uint64_t at[2] = { 0, 0 };
	struct str key;
	int got = 0, r, n;

	if (json_object(j) < 0)
		return header_error(j, e);
	while ((r = json_object_next(j, &key)) > 0) {
		if (str_is(key, "dtype")) {
			got |= DTYPE;
			if (read_dtype(t, j, e) < 0)
				return -1;
		} else if (str_is(key, "shape")) {
			got |= SHAPE;
			t->rank = read_numbers(j, t->shape, TENSOR_MAX_RANK, e);
			if (t->rank < 0)
				return error_at(
				    e, "tensor '%s': shape", t->name);
		} else if (str_is(key, "data_offsets")) {
			got |= OFFSETS;
			if ((n = read_numbers(j, at, 2, e)) < 0)
				return error_at(
				    e, "tensor '%s': data_offsets", t->name);
			if (n != 2)
				return error_set(e,
				    "tensor '%s': data_offsets are not two",
				    t->name);
		} else {
			return error_set(
			    e, "tensor '%s': unknown field", t->name);
		}
	}
	if (r < 0)
		return header_error(j, e);
	if (got != (DTYPE | SHAPE | OFFSETS))
		return error_set(e, "tensor '%s': no %s", t->name,
		    !(got & DTYPE)   ? "dtype"
		    : !(got & SHAPE) ? "shape"
				     : "data_offsets");
	if (shape_bytes(t, &t->bytes, e) < 0)
		return -1;
	if (at[0] > at[1] || at[1] - at[0] != t->bytes)
		return error_set(e,
		    "tensor '%s': data_offsets do not fit dtype and shape",
		    t->name);
	if (at[1] > len)
		return error_set(e,
		    "tensor '%s': data_offsets beyond the end of the file",
		    t->name);
	t->data = data + at[0];
	return 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct tensor *x = a, *y = b;

	if (x->data != y->data)
		return (const char *)x->data < (const char *)y->data ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The tensors, sorted by place, must fill [at, end) without gap or overlap. */
static int
check_places(const struct model *m, const unsigned char *at,
    const unsigned char *end, struct error *e)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct tensor *t = &m->tensors[i];
		const unsigned char *data = t->data;

		if (data < at)
			return error_set(e,
			    "tensor '%s': data_offsets overlap those of '%s'",
			    t->name, m->tensors[i - 1].name);
		if (data > at)
			return error_set(e,
			    "tensor '%s': data_offsets leave a hole before it",
			    t->name);
		at += t->bytes;
	}
	if (at != end)
		return error_set(
		    e, "%td bytes after the last tensor", end - at);
	return 0;
}

static int
read_header(struct model *m, struct ours *o, const unsigned char *p, size_t n,
    struct error *e)
{
	const unsigned char *data = p + n;
	size_t len = m->map.len - 8 - n;
	struct json j = { 0 };
	struct str key;
	int r;

	json_init(&j, (const char *)p, n);
	if (json_object(&j) < 0)
		goto bad;
	while ((r = json_object_next(&j, &key)) > 0) {
		struct tensor *t;

		if (str_is(key, "__metadata__")) {
			if (read_metadata(m, o, &j, e) < 0)
				goto fail;
			continue;
		}
		if (check_name(key, e) < 0)
			goto fail;
		if (m->n == MODEL_MAX_TENSORS) {
			error_set(e, "header: more than %d tensors",
			    MODEL_MAX_TENSORS);
			goto fail;
		}
		if (mem_grow(&m->tensors, &m->cap, m->n + 1, sizeof(*t)) < 0)
			goto memory;
		t = &m->tensors[m->n];
		*t = (struct tensor){ 0 };
		if ((t->name = mem_strndup(key.s, key.len)) == NULL)
			goto memory;
		m->n++;
		if (read_tensor(t, data, len, &j, e) < 0)
			goto fail;
	}
	if (r < 0 || json_end(&j) < 0)
		goto bad;
	json_free(&j);
	if (m->n > 0)
		qsort(m->tensors, m->n, sizeof(*m->tensors), by_place);
	return check_places(m, data, data + len, e);
bad:
	header_error(&j, e);
	goto fail;
memory:
	error_memory(e);
fail:
	json_free(&j);
	return -1;
}

/* The keys of a file of ours: all three, the version first.  A packed file
 * may be large, and its data is not read here. */
static int
check_ours(
    const struct model *m, const struct ours *o, int packed, struct error *e)
{
	char want[17], version[12];

	if (m->config == NULL && o->version == NULL && o->checksum == NULL)
		return 0;
	if (m->config == NULL || o->version == NULL || o->checksum == NULL)
		return error_set(e, "__metadata__: no '%s'",
		    m->config == NULL    ? "vecpipe"
		    : o->version == NULL ? "vecpipe.version"
					 : "vecpipe.checksum");
	snprintf(version, sizeof(version), "%d", MODEL_VERSION);
	if (strcmp(o->version, version) != 0) {
		size_t n = strspn(o->version, "0123456789");

		if (n == 0 || n > 9 || o->version[n] != '\0' ||
		    o->version[0] == '0')
			return error_set(
			    e, "__metadata__: vecpipe.version is no version");
		return error_set(e, "needs version %s", o->version);
	}
	if (packed && o->needs != NULL && strcmp(o->needs, "packed") == 0)
		return 0;
	if (packed || (o->needs != NULL && o->needs[0] != '\0'))
		return error_set(e, "__metadata__: vecpipe.requires '%.200s'",
		    o->needs != NULL ? o->needs : "");
	snprintf(want, sizeof(want), "%016" PRIx64,
	    model_checksum(m->config, m->tensors, m->n));
	if (strcmp(o->checksum, want) != 0)
		return error_set(e, "checksum mismatch");
	return 0;
}

int
model_is_packed(const void *p, size_t len)
{
	return len > PACKED_SUM &&
	       memcmp((const char *)p + 8, packed_start, PACKED_SUM - 8) == 0;
}

/* Of the length and the header: [n], but for the sum itself. */
static void
header_sum(char sum[17], const unsigned char *p, size_t n)
{
	struct hash h;

	hash_init(&h, 0);
	hash_update(&h, p, PACKED_SUM);
	hash_update(&h, p + PACKED_SUM + 16, n - PACKED_SUM - 16);
	snprintf(sum, 17, "%016" PRIx64, hash_final(&h));
}

void
model_sign(unsigned char *header, size_t n)
{
	char sum[17];

	header_sum(sum, header, n);
	memcpy(header + PACKED_SUM, sum, 16);
}

/* The first n bytes, length and all, are what was written. */
static int
check_packed(const unsigned char *p, size_t n, struct error *e)
{
	char want[17];

	if (!model_is_packed(p, n) || n < PACKED_SUM + 16)
		return error_set(e, "not a packed file");
	header_sum(want, p, n);
	if (memcmp(p + PACKED_SUM, want, 16) != 0)
		return error_set(e, "header: checksum mismatch");
	return 0;
}

static int
read_model(struct model *m, int packed, struct error *e)
{
	const unsigned char *p = m->map.data;
	size_t len = m->map.len;
	struct ours o = { 0 };
	uint64_t n;
	int r;

	if (!LE_NATIVE)
		return error_set(
		    e, "models are read on little-endian machines only");
	if (len == 0)
		return error_set(e, "empty file");
	n = len > 8 ? le64_get(p) : 0;
	if (len <= 8 || p[8] != '{' || n > MODEL_MAX_HEADER) {
		const char *what = sniff(p, len);

		if (what == NULL || strcmp(what, "safetensors") == 0)
			return error_set(e, "not a safetensors file");
		return error_set(e, "unsupported (looks like %s)", what);
	}
	if (n > len - 8)
		return error_set(e,
		    "header length %" PRIu64 " in a file of %zu bytes", n, len);
	r = packed ? check_packed(p, (size_t)n + 8, e) : 0;
	if (r == 0)
		r = read_header(m, &o, p + 8, (size_t)n, e);
	if (r == 0)
		r = check_ours(m, &o, packed, e);
	free(o.version);
	m->checksum = o.checksum;
	free(o.needs);
	return r;
}

int
model_read(struct model *m, const void *p, size_t len, struct error *e)
{
	*m = (struct model){ .map = { p, len } };
	if (read_model(m, 0, e) < 0) {
		model_close(m);
		return -1;
	}
	return 0;
}

int
model_read_packed(struct model *m, const void *p, size_t len, struct error *e)
{
	*m = (struct model){ .map = { p, len } };
	if (read_model(m, 1, e) < 0) {
		model_close(m);
		return -1;
	}
	return 0;
}

int
model_open(struct model *m, const char *path, struct error *e)
{
	*m = (struct model){ 0 };
	if (io_map(&m->map, path, e) < 0)
		return -1;
	m->owned = 1;
	if (read_model(m, 0, e) < 0) {
		model_close(m);
		return error_at(e, "'%s'", path);
	}
	return 0;
}

void
model_close(struct model *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->tensors[i].name);
	free(m->tensors);
	free(m->config);
	free(m->checksum);
	if (m->owned)
		io_unmap(&m->map);
	*m = (struct model){ 0 };
}

const struct tensor *
model_find(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->tensors[i].name, name) == 0)
			return &m->tensors[i];
	return NULL;
}

const void *
model_tensor(const struct model *m, const char *name, enum tensor_type type,
    int rank, uint64_t *shape, struct error *e)
{
	const struct tensor *t = model_find(m, name);

	if (t == NULL) {
		error_set(e, "no tensor '%s'", name);
		return NULL;
	}
	if (t->type != type) {
		error_set(e, "tensor '%s': dtype %s, not %s", name,
		    tensor_type_name(t->type), tensor_type_name(type));
		return NULL;
	}
	if (t->rank != rank) {
		error_set(
		    e, "tensor '%s': rank %d, not %d", name, t->rank, rank);
		return NULL;
	}
	for (int i = 0; i < rank; i++)
		if (shape[i] != 0 && shape[i] != t->shape[i]) {
			error_set(e,
			    "tensor '%s': shape[%d] is %" PRIu64
			    ", not %" PRIu64,
			    name, i, t->shape[i], shape[i]);
			return NULL;
		}
	if ((uintptr_t)t->data % tensor_size(t->type) != 0) {
		error_set(e, "tensor '%s': data_offsets are not aligned", name);
		return NULL;
	}
	if (rank > 0)
		memcpy(shape, t->shape, (size_t)rank * sizeof(*shape));
	return t->data;
}

uint64_t
model_hash(const struct model *m)
{
	return hash_bytes(m->map.data, m->map.len, 0);
}

int
model_sound(const struct model *m)
{
	char want[17];

	if (m->config == NULL || m->checksum == NULL)
		return 1;
	snprintf(want, sizeof(want), "%016" PRIx64,
	    model_checksum(m->config, m->tensors, m->n));
	return strcmp(m->checksum, want) == 0;
}

/* n numbers of 2, 4 or 8 bytes: none has all bits of the exponent set.  Of
 * what is wrong a carry into the top bit is kept. */
static int
finite16(const unsigned char *p, size_t n, uint16_t exponent)
{
	uint16_t bad[32] = { 0 }, u[32], any = 0;
	uint16_t last = (uint16_t)(0x8000 - exponent);
	size_t i = 0;

	for (; i + 32 <= n; i += 32) {
		memcpy(u, p + 2 * i, sizeof(u));
		for (int k = 0; k < 32; k++)
			bad[k] =
			    (uint16_t)(bad[k] | ((u[k] & exponent) + last));
	}
	for (; i < n; i++) {
		memcpy(u, p + 2 * i, sizeof(*u));
		any = (uint16_t)(any | ((u[0] & exponent) + last));
	}
	for (int k = 0; k < 32; k++)
		any |= bad[k];
	return any >> 15 == 0;
}

/* In groups that compilers vectorise. */
static int
finite32(const unsigned char *p, size_t n)
{
	uint32_t bad[16] = { 0 }, u[16], any = 0;
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		memcpy(u, p + 4 * i, sizeof(u));
		for (int k = 0; k < 16; k++)
			bad[k] |= (u[k] & 0x7f800000u) + 0x00800000u;
	}
	for (; i < n; i++) {
		memcpy(u, p + 4 * i, sizeof(*u));
		any |= (u[0] & 0x7f800000u) + 0x00800000u;
	}
	for (int k = 0; k < 16; k++)
		any |= bad[k];
	return any >> 31 == 0;
}

static int
finite64(const unsigned char *p, size_t n)
{
	const uint64_t exponent = UINT64_C(0x7ff) << 52;

	for (size_t i = 0; i < n; i++)
		if ((le64_get(p + 8 * i) & exponent) == exponent)
			return 0;
	return 1;
}

int
tensor_finite(enum tensor_type type, const void *p, size_t bytes)
{
	switch (type) {
	case TENSOR_F16:
		return finite16(p, bytes / 2, 0x7c00);
	case TENSOR_BF16:
		return finite16(p, bytes / 2, 0x7f80);
	case TENSOR_F32:
		return finite32(p, bytes / 4);
	case TENSOR_F64:
		return finite64(p, bytes / 8);
	default:
		return 1;
	}
}

uint64_t
model_checksum(const char *config, const struct tensor *t, size_t n)
{
	struct hash h;

	hash_init(&h, 0);
	hash_update(&h, config, strlen(config) + 1);
	for (; n > 0; n--, t++) {
		const char *type = tensor_type_name(t->type);
		unsigned char shape[8 * (1 + TENSOR_MAX_RANK)];

		hash_update(&h, t->name, strlen(t->name) + 1);
		hash_update(&h, type, strlen(type) + 1);
		le64_put(shape, (uint64_t)t->rank);
		for (int i = 0; i < t->rank; i++)
			le64_put(shape + 8 * (i + 1), t->shape[i]);
		hash_update(&h, shape, 8 * (1 + (size_t)t->rank));
		if (t->bytes > 0)
			hash_update(&h, t->data, t->bytes);
	}
	return hash_final(&h);
}
