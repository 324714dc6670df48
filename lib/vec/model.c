#include "vec/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "vec/le.h"
#include "vec/sniff.h"

/*
 * The checksum of our own files is the project's 64-bit hash of the whole
 * file, taken with its own 16 digits as zeros; it stands in __metadata__ as
 * "checksum":"1:<16 digits>", where 1 is the version of all this.
 */
enum { MODEL_VERSION = 1, DIGITS = 16 };

/* By enum tensor_type.  rank: the reference implementation writes tensors of
 * greater rank first, so that each is aligned. */
static const struct {
	const char *name;
	size_t size;
	int rank;
} types[] = {
	[TENSOR_F32] = { "F32", 4, 10 },
	[TENSOR_F64] = { "F64", 8, 11 },
	[TENSOR_F16] = { "F16", 2, 6 },
	[TENSOR_BF16] = { "BF16", 2, 7 },
	[TENSOR_I8] = { "I8", 1, 3 },
	[TENSOR_U8] = { "U8", 1, 2 },
	[TENSOR_I32] = { "I32", 4, 8 },
	[TENSOR_U32] = { "U32", 4, 9 },
	[TENSOR_I64] = { "I64", 8, 12 },
	[TENSOR_U64] = { "U64", 8, 13 },
	[TENSOR_I16] = { "I16", 2, 4 },
	[TENSOR_U16] = { "U16", 2, 5 },
	[TENSOR_BOOL] = { "BOOL", 1, 1 },
};

enum { TYPES = sizeof(types) / sizeof(types[0]) };

const char *
tensor_type_name(enum tensor_type type)
{
	return types[type].name;
}

/* shape_bytes: the bytes of a tensor of this shape; -1 when that overflows. */
static int
shape_bytes(const struct tensor *t, size_t *bytes)
{
	uint64_t n = types[t->type].size;

	for (int i = 0; i < t->rank; i++)
		if (__builtin_mul_overflow(n, t->shape[i], &n))
			return -1;
	if (n > SIZE_MAX)
		return -1;
	*bytes = (size_t)n;
	return 0;
}

/* ---- reading ---- */

/* What the header says before it is checked. */
struct header {
	const unsigned char *data; /* behind the header: [len] */
	size_t len;
	size_t cap;          /* of the model's tensors */
	struct str checksum; /* in the mapping, or s = NULL */
};

/* take_name: a string without NUL as a C string to free; NULL with the
 * refusal in the reader. */
static char *
take_name(struct json *j, struct str s)
{
	char *name;

	if (s.len > 0 && memchr(s.s, '\0', s.len) != NULL) {
		json_refuse(j, "a NUL byte in a name");
		return NULL;
	}
	name = mem_strndup(s.s, s.len);
	if (name == NULL)
		json_refuse(j, "out of memory");
	return name;
}

static void
take_metadata(struct model *m, struct header *h, struct json *j)
{
	struct str key, s;

	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (str_is(key, "vecpipe")) {
			if (json_str(j, &s) == 0)
				m->config = take_name(j, s);
		} else if (str_is(key, "checksum")) {
			/* As it stands in the file, to know where it is. */
			if (json_raw(j, &h->checksum) == 0 &&
			    h->checksum.s[0] != '"')
				json_refuse(j, "checksum is not a string");
		} else if (json_str(j, &s) == -1)
			return;
	}
}

static void
take_shape(struct tensor *t, struct json *j)
{
	int64_t n;

	json_array(j);
	while (json_array_next(j) > 0) {
		if (t->rank == TENSOR_MAX_RANK) {
			json_refuse(j, "shape of more than 8 dimensions");
			return;
		}
		if (json_integer(j, 0, INT64_MAX, &n) == 0)
			t->shape[t->rank++] = (uint64_t)n;
	}
}

static void
take_type(struct tensor *t, struct json *j)
{
	struct str s;
	int k;

	if (json_str(j, &s) == -1)
		return;
	for (k = 0; k < TYPES && !str_is(s, types[k].name); k++)
		continue;
	if (k == TYPES)
		json_refuse(j, "dtype is not supported");
	else
		t->type = (enum tensor_type)k;
}

static void
take_tensor(struct tensor *t, const struct header *h, struct json *j)
{
	int64_t at[2] = { -1, -1 };
	int n = 0, type = 0, shape = 0;
	struct str key;

	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (str_is(key, "dtype")) {
			type = 1;
			take_type(t, j);
		} else if (str_is(key, "shape")) {
			shape = 1;
			take_shape(t, j);
		} else if (str_is(key, "data_offsets")) {
			json_array(j);
			while (json_array_next(j) > 0) {
				if (n == 2)
					json_refuse(j, "more than two offsets");
				else
					json_integer(j, 0, INT64_MAX, &at[n++]);
			}
		} else
			json_refuse(j, "unknown key");
	}
	if (j->why != NULL)
		return;
	if (!type || !shape || n != 2)
		json_refuse(j, "needs dtype, shape and data_offsets");
	else if (at[0] > at[1] || (uint64_t)at[1] > h->len)
		json_refuse(j, "offsets outside the file");
	else if (shape_bytes(t, &t->bytes) == -1)
		json_refuse(j, "shape is too large");
	else if (t->bytes != (uint64_t)(at[1] - at[0]))
		json_refuse(j, "shape and offsets disagree");
	else
		t->data = h->data + at[0];
}

static int
take_header(struct model *m, struct header *h, const char *text, size_t n,
    struct error *e)
{
	struct json j = { 0 };
	struct str key;

	json_init(&j, text, n);
	json_object(&j);
	while (json_object_next(&j, &key) > 0) {
		struct tensor t = { 0 };

		if (str_is(key, "__metadata__")) {
			take_metadata(m, h, &j);
			continue;
		}
		if (m->n == MODEL_MAX_TENSORS) {
			json_refuse(&j, "too many tensors");
			break;
		}
		if (mem_grow(&m->tensors, &h->cap, m->n + 1,
			sizeof(*m->tensors)) == -1) {
			json_refuse(&j, "out of memory");
			break;
		}
		t.name = take_name(&j, key);
		if (t.name == NULL)
			break;
		m->tensors[m->n++] = t;
		take_tensor(&m->tensors[m->n - 1], h, &j);
		if (j.why != NULL) {
			json_error(&j, e);
			error_at(e, "tensor '%s'", t.name);
			json_free(&j);
			return -1;
		}
	}
	if (json_end(&j) == -1) {
		json_error(&j, e);
		error_at(e, "header");
	}
	n = j.why != NULL;
	json_free(&j);
	return n ? -1 : 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct tensor *x = a, *y = b;

	if (x->data != y->data)
		return (const char *)x->data < (const char *)y->data ? -1 : 1;
	/* Empty ones come first, so that they neither overlap nor leave a
	 * hole; then by name, for one order. */
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* check_cover: the tensors, in file order, cover the data once. */
static int
check_cover(struct model *m, const struct header *h, struct error *e)
{
	const unsigned char *at = h->data;

	if (m->n > 0)
		qsort(m->tensors, m->n, sizeof(*m->tensors), by_place);
	for (size_t i = 0; i < m->n; i++) {
		const struct tensor *t = &m->tensors[i];
		const unsigned char *from = t->data;

		if (from != at)
			return error_set(e, "tensor '%s': %s", t->name,
			    from < at ? "overlaps the one before"
				      : "a hole lies before it");
		at = from + t->bytes;
	}
	if (at != h->data + h->len)
		return error_set(e, "%zu bytes behind the last tensor",
		    (size_t)(h->data + h->len - at));
	return 0;
}

static void
print_sum(char *out, uint64_t sum)
{
	snprintf(out, DIGITS + 1, "%016llx", (unsigned long long)sum);
}

/* check_sum: of one of our own files. */
static int
check_sum(const struct model *m, const struct header *h, struct error *e)
{
	static const char zeros[] = "0000000000000000";
	const struct str c = h->checksum;
	const unsigned char *end = m->map.data + m->map.len, *digits;
	char want[DIGITS + 1];
	struct hash hash;
	size_t i = 1;

	if (c.s == NULL)
		return error_set(e, "no checksum");
	while (i + 1 < c.len && c.s[i] >= '0' && c.s[i] <= '9')
		i++;
	if (i > 1 && c.s[i] == ':' && (i != 2 || c.s[1] != '0' + MODEL_VERSION))
		return error_set(e,
		    "needs version %.*s of the model format, "
		    "this is %d",
		    (int)(i - 1), c.s + 1, MODEL_VERSION);
	if (i != 2 || c.len != 4 + DIGITS || c.s[i] != ':')
		return error_set(e, "bad checksum");
	digits = (const unsigned char *)c.s + 3;
	hash_init(&hash, 0);
	hash_update(&hash, m->map.data, (size_t)(digits - m->map.data));
	hash_update(&hash, zeros, DIGITS);
	hash_update(&hash, digits + DIGITS, (size_t)(end - digits - DIGITS));
	print_sum(want, hash_final(&hash));
	if (memcmp(want, digits, DIGITS) != 0)
		return error_set(e, "checksum mismatch");
	return 0;
}

/* check_config: the configuration must be a JSON object. */
static int
check_config(const struct model *m, struct error *e)
{
	struct json j = { 0 };
	int rc;

	json_init(&j, m->config, strlen(m->config));
	rc = json_peek(&j) == JSON_OBJECT && json_skip(&j) == 0 &&
	     json_end(&j) == 0;
	json_free(&j);
	return rc ? 0 : error_set(e, "configuration is not a JSON object");
}

static int
check_file(struct model *m, struct error *e)
{
	const unsigned char *p = m->map.data;
	struct header h = { 0 };
	size_t file = m->map.len;
	const char *looks;
	uint64_t n;

	n = file >= 8 ? le64_get(p) : 0;
	if (file < 10 || p[8] != '{' || n > file - 8) {
		looks = sniff(p, file);
		if (looks == NULL || strcmp(looks, "safetensors") == 0)
			return error_set(e, "not a model, or cut short");
		return error_set(e, "unsupported (looks like %s)", looks);
	}
	if (n > MODEL_MAX_HEADER)
		return error_set(e, "header of %llu bytes; the limit is %d",
		    (unsigned long long)n, MODEL_MAX_HEADER);
	if (utf8_valid((const char *)p + 8, (size_t)n) != n)
		return error_set(e, "header is not valid UTF-8");
	h.data = p + 8 + n;
	h.len = file - 8 - (size_t)n;
	if (take_header(m, &h, (const char *)p + 8, (size_t)n, e) == -1 ||
	    check_cover(m, &h, e) == -1)
		return -1;
	if (m->config == NULL)
		return h.checksum.s == NULL
			   ? 0
			   : error_set(e, "a checksum and no configuration");
	if (check_sum(m, &h, e) == -1)
		return -1;
	return check_config(m, e);
}

int
model_open(struct model *m, const char *path, struct error *e)
{
	*m = (struct model){ 0 };
	if (!LE_NATIVE)
		return error_set(e,
		    "'%s': models are mapped, which needs a "
		    "little-endian machine",
		    path);
	if (io_map(&m->map, path, e) == -1)
		return -1;
	if (check_file(m, e) == 0)
		return 0;
	model_close(m);
	return error_at(e, "'%s'", path);
}

void
model_close(struct model *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->tensors[i].name);
	free(m->tensors);
	free(m->config);
	io_unmap(&m->map);
	*m = (struct model){ 0 };
}

const void *
model_tensor(const struct model *m, const char *name, enum tensor_type type,
    int rank, uint64_t *shape, struct error *e)
{
	const struct tensor *t = NULL;

	for (size_t i = 0; i < m->n && t == NULL; i++)
		if (strcmp(m->tensors[i].name, name) == 0)
			t = &m->tensors[i];
	if (t == NULL) {
		error_set(e, "no tensor '%s'", name);
		return NULL;
	}
	if (t->type != type || t->rank != rank) {
		error_set(e, "tensor '%s': %s of rank %d, not %s of rank %d",
		    name, types[t->type].name, t->rank, types[type].name, rank);
		return NULL;
	}
	for (int i = 0; i < rank; i++)
		if (shape[i] != 0 && shape[i] != t->shape[i]) {
			error_set(e, "tensor '%s': shape[%d] is %llu, not %llu",
			    name, i, (unsigned long long)t->shape[i],
			    (unsigned long long)shape[i]);
			return NULL;
		}
	if ((uintptr_t)t->data % types[type].size != 0) {
		error_set(e, "tensor '%s': not aligned", name);
		return NULL;
	}
	for (int i = 0; i < rank; i++)
		shape[i] = t->shape[i];
	return t->data;
}

uint64_t
model_hash(const struct model *m)
{
	return hash_bytes(m->map.data, m->map.len, 0);
}

/* ---- writing ---- */

static int
by_rank(const void *a, const void *b)
{
	const struct tensor *x = *(const struct tensor *const *)a;
	const struct tensor *y = *(const struct tensor *const *)b;
	int rx = types[x->type].rank, ry = types[y->type].rank;

	return rx != ry ? (rx > ry ? -1 : 1) : strcmp(x->name, y->name);
}

/* put_metadata: *digits gets the place of the checksum's digits. */
static int
put_metadata(
    struct buf *out, const char *config, size_t *digits, struct error *e)
{
	struct buf one = { 0 };
	int bad = 0;

	if (json_canonical(&one, config, strlen(config), e) == -1) {
		buf_free(&one);
		return error_at(e, "configuration");
	}
	bad |= buf_printf(
	    out, "\"__metadata__\":{\"checksum\":\"%d:", MODEL_VERSION);
	*digits = out->len;
	bad |= buf_puts(out, "0000000000000000\",\"vecpipe\":");
	bad |= json_put_string(out, one.data, one.len);
	bad |= buf_putc(out, '}');
	buf_free(&one);
	return bad ? error_memory(e) : 0;
}

static int
put_entry(struct buf *out, const struct tensor *t, uint64_t at)
{
	int bad = json_put_string(out, t->name, strlen(t->name));

	bad |= buf_printf(
	    out, ":{\"dtype\":\"%s\",\"shape\":[", types[t->type].name);
	for (int i = 0; i < t->rank; i++)
		bad |= buf_printf(out, "%s%llu", i > 0 ? "," : "",
		    (unsigned long long)t->shape[i]);
	bad |= buf_printf(out, "],\"data_offsets\":[%llu,%llu]}",
	    (unsigned long long)at, (unsigned long long)(at + t->bytes));
	return bad;
}

/* put_header: the length and the JSON header, filled up with spaces so that
 * the data begins on a multiple of 8. */
static int
put_header(struct buf *out, const char *config,
    const struct tensor *const *order, size_t n, size_t *digits,
    struct error *e)
{
	uint64_t at = 0;
	int bad = buf_put(out, "\0\0\0\0\0\0\0\0{", 9);

	if (config != NULL && put_metadata(out, config, digits, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (i > 0 || config != NULL)
			bad |= buf_putc(out, ',');
		bad |= put_entry(out, order[i], at);
		at += order[i]->bytes;
	}
	bad |= buf_putc(out, '}');
	while (!bad && out->len % 8 != 0)
		bad |= buf_putc(out, ' ');
	if (bad)
		return error_memory(e);
	if (out->len - 8 > MODEL_MAX_HEADER)
		return error_set(e, "header of %zu bytes; the limit is %d",
		    out->len - 8, MODEL_MAX_HEADER);
	le64_put((unsigned char *)out->data, out->len - 8);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* check_names: no two tensors have one name. */
static int
check_names(const struct tensor *const *order, size_t n, struct error *e)
{
	const char **names = mem_array(n, sizeof(*names));
	int rc = 0;

	if (names == NULL)
		return error_memory(e);
	for (size_t i = 0; i < n; i++)
		names[i] = order[i]->name;
	if (n > 0)
		qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 1; i < n && rc == 0; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			rc = error_set(e, "two tensors '%s'", names[i]);
	free(names);
	return rc;
}

/* check_tensors: what model_open would refuse is not written. */
static int
check_tensors(const struct tensor *const *order, size_t n, struct error *e)
{
	size_t bytes;

	for (size_t i = 0; i < n; i++) {
		const struct tensor *t = order[i];

		if (utf8_valid(t->name, strlen(t->name)) != strlen(t->name) ||
		    strcmp(t->name, "__metadata__") == 0)
			return error_set(e, "bad name of a tensor");
		if (t->rank < 0 || t->rank > TENSOR_MAX_RANK ||
		    shape_bytes(t, &bytes) == -1 || bytes != t->bytes)
			return error_set(e,
			    "tensor '%s': bytes and shape "
			    "disagree",
			    t->name);
	}
	return 0;
}

static int
put_file(struct writer *w, const struct buf *header,
    const struct tensor *const *order, size_t n, struct error *e)
{
	if (io_put(w, header->data, header->len, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (io_put(w, order[i]->data, order[i]->bytes, e) == -1)
			return -1;
	return 0;
}

int
model_save(const char *path, const char *config, const struct tensor *tensors,
    size_t n, struct error *e)
{
	const struct tensor **order = mem_array(n, sizeof(*order));
	struct buf header = { 0 };
	struct writer w;
	struct hash hash;
	char sum[DIGITS + 1];
	size_t digits = 0;
	int rc = -1;

	if (order == NULL)
		return error_memory(e);
	if (!LE_NATIVE) {
		error_set(e, "models need a little-endian machine");
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		order[i] = &tensors[i];
	if (n > 0)
		qsort(order, n, sizeof(*order), by_rank);
	if (check_tensors(order, n, e) == -1 ||
	    check_names(order, n, e) == -1 ||
	    put_header(&header, config, order, n, &digits, e) == -1)
		goto out;
	if (config != NULL) {
		hash_init(&hash, 0);
		hash_update(&hash, header.data, header.len);
		for (size_t i = 0; i < n; i++)
			hash_update(&hash, order[i]->data, order[i]->bytes);
		print_sum(sum, hash_final(&hash));
		memcpy(header.data + digits, sum, DIGITS);
	}
	if (io_create(&w, path, e) == -1)
		goto out;
	rc = put_file(&w, &header, order, n, e);
	if (rc == 0)
		rc = io_commit(&w, e);
	else
		io_abandon(&w);
out:
	buf_free(&header);
	free(order);
	return rc;
}
