#include <math.h>
#include <string.h>

#include "base/num.h"
#include "vec/jsonl.h"

const char *const jsonl_flags[JSONL_FLAGS] = { "cut", "bad-utf8", "damaged",
	"imputed", "trained", "no-label" };
const char *const jsonl_status[3] = { "ok", "partial", "aborted" };

/* What goes wrong while a line is made: memory, or a value that JSON cannot
 * say.  Counted with |=, looked at once. */
enum { NO_MEMORY = 1, NOT_FINITE = 2 };

static int
put(struct buf *out, const char *s)
{
	return buf_puts(out, s) == 0 ? 0 : NO_MEMORY;
}

static int
put_str(struct buf *out, struct str s)
{
	return json_put_string(out, s.s, s.len) == 0 ? 0 : NO_MEMORY;
}

static int
put_floats(struct buf *out, const float *x, size_t n)
{
	size_t len;

	if (n > SIZE_MAX / (NUM_MAX + 1) - 2 ||
	    buf_reserve(out, n * (NUM_MAX + 1) + 2) == -1)
		return NO_MEMORY;
	out->data[out->len++] = '[';
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			out->data[out->len++] = ',';
		len = num_print_float(out->data + out->len, x[i]);
		if (len == 0)
			return NOT_FINITE;
		out->len += len;
	}
	out->data[out->len++] = ']';
	return 0;
}

static int
put_double(struct buf *out, double x)
{
	char digits[NUM_MAX];
	size_t n = num_print_double(digits, x);

	if (n == 0)
		return isnan(x) ? put(out, "null") : NOT_FINITE;
	return buf_put(out, digits, n) == 0 ? 0 : NO_MEMORY;
}

static int
put_sparse(struct buf *out, const struct part_column *c, uint32_t dim,
    size_t from, size_t n)
{
	char digits[NUM_MAX];
	int bad = buf_printf(out, "{\"dim\":%lu,\"idx\":[", (unsigned long)dim);

	for (size_t k = from; k < from + n; k++) {
		if (k > from)
			bad |= buf_putc(out, ',');
		bad |= buf_put(out, digits, num_print_u64(digits, c->index[k]));
	}
	bad |= buf_puts(out, "],\"val\":");
	if (bad)
		return NO_MEMORY;
	return put_floats(out, n > 0 ? c->value + from : NULL, n) |
	       put(out, "}");
}

static int
put_sequence(struct buf *out, const struct part_column *c, uint32_t dim,
    size_t from, size_t n)
{
	int bad = 0, times = 0;

	if (buf_printf(out, "{\"dim\":%lu,\"rows\":[", (unsigned long)dim) ==
	    -1)
		return NO_MEMORY;
	for (size_t r = from; r < from + n; r++) {
		bad |= put(out, r > from ? "," : "");
		bad |= put_floats(out, c->value + r * dim, dim);
		times |= !isnan(c->time[2 * r]) || !isnan(c->time[2 * r + 1]);
	}
	bad |= put(out, times ? "],\"time\":[" : "]");
	for (size_t r = from; times && r < from + n; r++) {
		bad |= put(out, r > from ? ",[" : "[");
		bad |= put_double(out, c->time[2 * r]);
		bad |= put(out, ",");
		bad |= put_double(out, c->time[2 * r + 1]);
		bad |= put(out, "]");
	}
	return bad | put(out, times ? "]}" : "}");
}

static int
put_part(struct buf *out, const struct batch *b, size_t p, size_t i)
{
	const struct part *part = &b->schema->parts[p];
	const struct part_column *c = &b->parts[p];
	size_t from, n;

	if (!c->mask[i])
		return put(out, "null");
	if (part->kind == PART_DENSE)
		return put_floats(out, c->dense + i * part->dim, part->dim);
	n = batch_range(c->end, i, &from);
	if (part->kind == PART_SPARSE)
		return put_sparse(out, c, part->dim, from, n);
	return put_sequence(out, c, part->dim, from, n);
}

static int
put_labels(struct buf *out, const struct batch *b, size_t i)
{
	size_t from, n = batch_range(b->label_end, i, &from);
	int bad;

	if (n == 0)
		return b->flags[i] & FLAG_NO_LABEL ? put(out, ",\"labels\":[]")
						   : 0;
	if (n == 1)
		return put(out, ",\"label\":") |
		       put_str(out, strs_get(&b->label, from));
	bad = put(out, ",\"labels\":[");
	for (size_t k = from; k < from + n; k++)
		bad |= put(out, k > from ? "," : "") |
		       put_str(out, strs_get(&b->label, k));
	return bad | put(out, "]");
}

static int
put_flags(struct buf *out, uint32_t flags)
{
	int bad = put(out, ",\"flags\":["), some = 0;

	for (int k = 0; k < 32; k++) {
		if ((flags >> k & 1) == 0)
			continue;
		if (buf_printf(out, "%s\"", some ? "," : "") == -1 ||
		    (k < JSONL_FLAGS ? buf_puts(out, jsonl_flags[k])
				     : buf_printf(out, "bit%d", k)) == -1 ||
		    buf_putc(out, '"') == -1)
			bad |= NO_MEMORY;
		some = 1;
	}
	return bad | put(out, "]");
}

static int
put_errors(struct buf *out, const struct batch *b, size_t i)
{
	int bad = 0, some = 0;

	for (size_t p = 0; p < b->schema->n; p++) {
		const char *name = b->schema->parts[p].name;
		struct str why = strs_get(&b->parts[p].error, i);

		if (why.len == 0)
			continue;
		bad |= put(out, some ? "," : ",\"errors\":{");
		bad |= put_str(out, (struct str){ name, strlen(name) });
		bad |= put(out, ":");
		bad |= put_str(out, why);
		some = 1;
	}
	return bad | put(out, some ? "}" : "");
}

static int
put_record(struct buf *out, const struct batch *b, size_t i)
{
	struct str group = strs_get(&b->group, i);
	uint32_t flags = b->flags[i];
	size_t from;
	int bad = put(out, "{\"id\":") | put_str(out, strs_get(&b->id, i));

	bad |= put_labels(out, b, i);
	if (!isnan(b->target[i]))
		bad |= put(out, ",\"target\":") | put_double(out, b->target[i]);
	if (b->weight[i] != 1)
		bad |= put(out, ",\"weight\":") | put_double(out, b->weight[i]);
	if (group.len > 0)
		bad |= put(out, ",\"group\":") | put_str(out, group);
	if (b->source[i] != 0)
		bad |= buf_printf(out, ",\"source\":\"%016llx\"",
			   (unsigned long long)b->source[i]) == -1;
	if (batch_range(b->label_end, i, &from) == 0)
		flags &= ~(uint32_t)FLAG_NO_LABEL; /* "labels":[] says it */
	if (flags != 0)
		bad |= put_flags(out, flags);
	bad |= put(out, ",\"vec\":{");
	for (size_t p = 0; p < b->schema->n; p++) {
		const char *name = b->schema->parts[p].name;

		bad |= put(out, p > 0 ? "," : "");
		bad |= put_str(out, (struct str){ name, strlen(name) });
		bad |= put(out, ":");
		bad |= put_part(out, b, p, i);
	}
	bad |= put(out, "}");
	bad |= put_errors(out, b, i);
	return bad | put(out, "}\n");
}

int
jsonl_put(struct buf *out, const struct batch *b, size_t i, struct error *e)
{
	size_t before = out->len;
	int bad = put_record(out, b, i);
	struct str id = strs_get(&b->id, i);

	if (bad == 0)
		return 0;
	out->len = before;
	if (bad & NO_MEMORY)
		return error_memory(e);
	return error_set(
	    e, "record '%.*s': non-finite value", (int)id.len, id.s);
}

int
jsonl_put_header(struct buf *out, const struct schema *s, struct error *e)
{
	size_t at;

	if (buf_printf(out, "{\"vecpipe\":%d,", JSONL_VERSION) == -1)
		return error_memory(e);
	at = out->len;
	if (schema_json(out, s, e) == -1)
		return -1;
	/* Two objects become one. */
	memmove(out->data + at, out->data + at + 1, out->len - at - 1);
	out->len--;
	return buf_putc(out, '\n') == 0 ? 0 : error_memory(e);
}

int
jsonl_put_end(struct buf *out, enum stream_status status, uint64_t records,
    uint64_t rejected, const char *tool, struct error *e)
{
	int bad = buf_printf(out,
	    "{\"end\":true,\"records\":%llu,\"rejected\":%llu,\"status\":\"%"
	    "s\"",
	    (unsigned long long)records, (unsigned long long)rejected,
	    jsonl_status[status]);

	if (tool != NULL) {
		bad |= buf_puts(out, ",\"tool\":");
		bad |= json_put_string(out, tool, strlen(tool));
	}
	bad |= buf_puts(out, "}\n");
	return bad ? error_memory(e) : 0;
}
