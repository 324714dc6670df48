#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "vec/le.h"
#include "vec/model.h"

/* What a reader would refuse is not written. */
static int
check_tensor(struct tensor *t, struct error *e)
{
	size_t n = tensor_size(t->type), len = strlen(t->name);

	if (len == 0 || strcmp(t->name, "__metadata__") == 0 ||
	    utf8_valid(t->name, len) != len)
		return error_set(e, "tensor '%s': not a name", t->name);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)t->name[i] < 0x20 || t->name[i] == 0x7f)
			return error_set(e, "tensor '%s': not a name", t->name);
	if (t->rank < 0 || t->rank > TENSOR_MAX_RANK)
		return error_set(e, "tensor '%s': rank %d", t->name, t->rank);
	for (int i = 0; i < t->rank; i++) {
		if (t->shape[i] > 0 && n > SIZE_MAX / t->shape[i])
			return error_set(
			    e, "tensor '%s': shape overflows", t->name);
		n *= (size_t)t->shape[i];
	}
	t->bytes = n;
	return 0;
}

/* Large elements first keeps all aligned; names make the order total. */
static int
by_type(const void *a, const void *b)
{
	const struct tensor *x = a, *y = b;

	if (x->type != y->type)
		return x->type > y->type ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* "__metadata__":{...},  with the checksum of the sorted tensors, and room for
 * the header's own in a packed file. */
static int
put_metadata(struct buf *b, const char *config, const struct tensor *t,
    size_t n, int packed, struct error *e)
{
	struct buf c = { 0 };
	int r = -1;

	if (json_canonical(&c, config, strlen(config), e) < 0) {
		error_at(e, "configuration");
		goto done;
	}
	if (c.data[0] != '{') {
		error_set(e, "configuration: not an object");
		goto done;
	}
	if (buf_putc(&c, '\0') < 0 ||
	    buf_printf(b, "\"__metadata__\":{%s\"vecpipe\":",
		packed ? "\"vecpipe.packed\":\"0000000000000000\"," : "") < 0 ||
	    json_put_string(b, c.data, c.len - 1) < 0 ||
	    buf_printf(b,
		",\"vecpipe.checksum\":\"%016" PRIx64
		"\",%s\"vecpipe.version\":\"%d\"}%s",
		model_checksum(c.data, t, n),
		packed ? "\"vecpipe.requires\":\"packed\"," : "", MODEL_VERSION,
		n > 0 ? "," : "") < 0)
		error_memory(e);
	else
		r = 0;
done:
	buf_free(&c);
	return r;
}

static int
put_tensor(struct buf *b, const struct tensor *t, uint64_t at)
{
	if (json_put_string(b, t->name, strlen(t->name)) < 0 ||
	    buf_printf(b, ":{\"dtype\":\"%s\",\"shape\":[",
		tensor_type_name(t->type)) < 0)
		return -1;
	for (int i = 0; i < t->rank; i++)
		if (buf_printf(b, "%s%" PRIu64, i > 0 ? "," : "", t->shape[i]) <
		    0)
			return -1;
	return buf_printf(b, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}",
	    at, at + t->bytes);
}

/* Header length and header; ${t} is in the file's order. */
static int
put_header(struct buf *b, const char *config, const struct tensor *t, size_t n,
    int packed, struct error *e)
{
	size_t align = packed ? 64 : 8;
	uint64_t at = 0;

	if (buf_put(b, "\0\0\0\0\0\0\0\0{", 9) < 0)
		return error_memory(e);
	if (config != NULL && put_metadata(b, config, t, n, packed, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if ((i > 0 && buf_putc(b, ',') < 0) ||
		    put_tensor(b, &t[i], at) < 0)
			return error_memory(e);
		at += t[i].bytes;
	}
	if (buf_putc(b, '}') < 0)
		return error_memory(e);
	while (b->len % align != 0)
		if (buf_putc(b, ' ') < 0)
			return error_memory(e);
	if (b->len - 8 > MODEL_MAX_HEADER)
		return error_set(
		    e, "header of more than %d bytes", MODEL_MAX_HEADER);
	le64_put((unsigned char *)b->data, b->len - 8);
	if (packed)
		model_sign((unsigned char *)b->data, b->len);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct tensor *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Check and sort ${t}, a copy of what the caller gave. */
static int
prepare(struct tensor *t, size_t n, int packed, struct error *e)
{
	if (n > MODEL_MAX_TENSORS)
		return error_set(e, "more than %d tensors", MODEL_MAX_TENSORS);
	for (size_t i = 0; i < n; i++)
		if (check_tensor(&t[i], e) < 0)
			return -1;
	if (packed) {
		for (size_t i = 0; i < n; i++)
			if (t[i].bytes == 0 || t[i].bytes % 64 != 0)
				return error_set(e, "tensor '%s': %zu bytes",
				    t[i].name, t[i].bytes);
		return 0;
	}
	qsort(t, n, sizeof(*t), by_name);
	for (size_t i = 1; i < n; i++)
		if (by_name(&t[i - 1], &t[i]) == 0)
			return error_set(e, "two tensors '%s'", t[i].name);
	qsort(t, n, sizeof(*t), by_type);
	return 0;
}

static int
save(const char *path, const char *config, const struct tensor *tensors,
    size_t n, int packed, struct error *e)
{
	struct tensor *t = mem_array(n > 0 ? n : 1, sizeof(*t));
	struct writer w = { 0 };
	struct buf b = { 0 };
	int r = -1;

	if (t == NULL)
		return error_memory(e);
	if (!LE_NATIVE) {
		error_set(
		    e, "models are written on little-endian machines only");
		goto done;
	}
	if (n > 0)
		memcpy(t, tensors, n * sizeof(*t));
	if (prepare(t, n, packed, e) < 0 ||
	    put_header(&b, config, t, n, packed, e) < 0) {
		error_at(e, "'%s'", path);
		goto done;
	}
	if (io_create(&w, path, e) < 0 || io_put(&w, b.data, b.len, e) < 0)
		goto done;
	for (size_t i = 0; i < n; i++)
		if (t[i].bytes > 0 && io_put(&w, t[i].data, t[i].bytes, e) < 0)
			goto done;
	r = io_commit(&w, e);
done:
	io_abandon(&w);
	buf_free(&b);
	free(t);
	return r;
}

int
model_save(const char *path, const char *config, const struct tensor *tensors,
    size_t n, struct error *e)
{
	return save(path, config, tensors, n, 0, e);
}

int
model_save_packed(const char *path, const char *config,
    const struct tensor *tensors, size_t n, struct error *e)
{
	return save(path, config, tensors, n, 1, e);
}
