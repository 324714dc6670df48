/* Fields of the configuration texts. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "nn/store_impl.h"

/* A value to be taken, and the words for what it must be. */
struct field {
	const struct store *s;
	const char *file, *path;
	struct json j;
};

/* Find it and stand before it.  1, 0 when it is not there, or -1. */
static int
find(struct field *f, struct error *e)
{
	struct str text, raw;
	int r;

	if (!store_text(f->s, f->file, &text))
		return 0;
	r = json_find_path(text.s, text.len, f->path, &raw, e);
	if (r < 0) {
		if (e != NULL && e->memory)
			return -1;
		return error_at(e, "'%s/%s'", f->s->path, f->file);
	}
	if (r == 0)
		return 0;
	json_init(&f->j, raw.s, raw.len);
	if (json_peek(&f->j) != JSON_NULL)
		return 1;
	json_free(&f->j);
	return 0;
}

static int
wrong(struct field *f, struct error *e, const char *what)
{
	int starved = json_starved(&f->j);

	json_free(&f->j);
	if (starved)
		return error_memory(e);
	return error_set(
	    e, "'%s/%s': %s: %s", f->s->path, f->file, f->path, what);
}

int
store_field_u32(const struct store *s, const char *file, const char *path,
    uint32_t min, uint32_t max, uint32_t *out, struct error *e)
{
	struct field f = { s, file, path, { 0 } };
	int r = find(&f, e);
	int64_t x;

	if (r <= 0)
		return r;
	if (json_integer(&f.j, 0, UINT32_MAX, &x) < 0)
		return wrong(&f, e, "not a whole number from 0 to 4294967295");
	json_free(&f.j);
	if (x < min || x > max)
		return error_set(e,
		    "'%s/%s': %s: %" PRId64 " is not from %" PRIu32
		    " to %" PRIu32,
		    s->path, file, path, x, min, max);
	*out = (uint32_t)x;
	return 1;
}

int
store_field_double(const struct store *s, const char *file, const char *path,
    double min, double max, double *out, struct error *e)
{
	struct field f = { s, file, path, { 0 } };
	int r = find(&f, e);
	double x;

	if (r <= 0)
		return r;
	if (json_double(&f.j, &x) < 0)
		return wrong(&f, e, "not a number");
	json_free(&f.j);
	if (!(x >= min && x <= max))
		return error_set(e, "'%s/%s': %s: %g is not from %g to %g",
		    s->path, file, path, x, min, max);
	*out = x;
	return 1;
}

int
store_field_bool(const struct store *s, const char *file, const char *path,
    int *out, struct error *e)
{
	struct field f = { s, file, path, { 0 } };
	int r = find(&f, e), x;

	if (r <= 0)
		return r;
	if (json_bool(&f.j, &x) < 0)
		return wrong(&f, e, "neither true nor false");
	json_free(&f.j);
	*out = x;
	return 1;
}

int
store_field_string(const struct store *s, const char *file, const char *path,
    char *out, size_t size, struct error *e)
{
	struct field f = { s, file, path, { 0 } };
	int r = find(&f, e);
	struct str x;
	size_t n;

	if (r <= 0)
		return r;
	if (json_str(&f.j, &x) < 0)
		return wrong(&f, e, "not a string");
	n = x.len < size - 1 ? x.len : size - 1;
	if (n > 0)
		memcpy(out, x.s, n);
	out[n] = '\0';
	json_free(&f.j);
	return 1;
}

int
store_field_floats(const struct store *s, const char *file, const char *path,
    float *out, size_t max, size_t *n, struct error *e)
{
	struct field f = { s, file, path, { 0 } };
	int r = find(&f, e);

	if (r <= 0)
		return r;
	if (json_floats(&f.j, out, max, n) < 0)
		return wrong(&f, e, "not an array of numbers, or too many");
	json_free(&f.j);
	return 1;
}
