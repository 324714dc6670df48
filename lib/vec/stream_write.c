#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "vec/le.h"
#include "vec/stream.h"

const char stream_magic[8] = { '\x89', 'V', 'P', 'S', '\r', '\n', '\x1a',
	'\n' };

const char stream_tags[STREAM_COLUMNS][5] = { "IDS ", "LABL", "TRGT", "WGHT",
	"GRUP", "srce", "flag", "MASK", "ERRS", "CNTS", "INDX", "VALS",
	"TIME" };

/* What goes into one block: records [first, first + n) of b.  A piece of a
 * record that takes several blocks has n = 1 and the rows
 * [row[p], row[p] + rows[p]) of each sequence part p. */
struct cut {
	const struct batch *b;
	size_t first, n;
	const size_t *row, *rows; /* [parts], or NULL: all rows */
	int later;                /* a piece after the record's first */
};

static int
to_writer(struct stream_writer *s, const void *p, size_t n, struct error *e)
{
	hash_update(&s->hash, p, n);
	return io_put(s->to, p, n, e);
}

/* pad: zeros until the buffer's length is ${rest} modulo STREAM_ALIGN. */
static int
pad(struct buf *b, size_t rest)
{
	static const char zeros[STREAM_ALIGN];

	return buf_put(b, zeros,
	    (STREAM_ALIGN + rest - b->len % STREAM_ALIGN) % STREAM_ALIGN);
}

static int
put_u32(struct buf *b, uint32_t x)
{
	unsigned char p[4];

	le32_put(p, x);
	return buf_put(b, p, 4);
}

int
stream_begin(struct stream_writer *s, struct writer *to,
    const struct schema *schema, struct error *e)
{
	unsigned char head[STREAM_HEAD] = { 0 };
	size_t json;

	*s = (struct stream_writer){ .to = to, .schema = schema };
	hash_init(&s->hash, 0);
	if (schema_json(&s->out, schema, e) == -1)
		return -1;
	json = s->out.len;
	memcpy(head, stream_magic, 8);
	le16_put(head + 8, STREAM_VERSION);
	le32_put(head + 20, (uint32_t)json);
	le32_put(head + 28, crc32c(0, head, 28));
	if (pad(&s->out, STREAM_ALIGN - STREAM_HEAD - 4) == -1 ||
	    put_u32(&s->out, crc32c(0, s->out.data, s->out.len)) == -1)
		return error_memory(e);
	if (to_writer(s, head, sizeof(head), e) == -1)
		return -1;
	return to_writer(s, s->out.data, s->out.len, e);
}

/* ---- columns ---- */

/* values_of: pairs or rows of part p in this cut; *from is the first. */
static size_t
values_of(const struct cut *c, size_t p, size_t *from)
{
	const size_t *end = c->b->parts[p].end;

	*from = c->first > 0 ? end[c->first - 1] : 0;
	if (c->rows != NULL && c->b->schema->parts[p].kind == PART_SEQUENCE) {
		*from += c->row[p];
		return c->rows[p];
	}
	return end[c->first + c->n - 1] - *from;
}

static int
any_string(const struct strs *s, size_t first, size_t n)
{
	return s->end[first + n - 1] > (first > 0 ? s->end[first - 1] : 0);
}

static int
any_label(const struct cut *c)
{
	const size_t *end = c->b->label_end;

	return end[c->first + c->n - 1] >
	       (c->first > 0 ? end[c->first - 1] : 0);
}

static int
any_time(const struct cut *c, size_t p)
{
	size_t from, n = values_of(c, p, &from);

	for (size_t k = 2 * from; k < 2 * (from + n); k++)
		if (!isnan(c->b->parts[p].time[k]))
			return 1;
	return 0;
}

/* wanted: does the block need this column? */
static int
wanted(const struct cut *c, enum stream_column column, size_t p)
{
	const struct batch *b = c->b;
	size_t i = c->first, to = c->first + c->n;

	if (column >= COLUMN_MASK) {
		enum part_kind kind = b->schema->parts[p].kind;

		if (c->later &&
		    (kind != PART_SEQUENCE || column < COLUMN_COUNT))
			return 0;
		switch (column) {
		case COLUMN_MASK:
			return memchr(b->parts[p].mask + i, 0, c->n) != NULL;
		case COLUMN_ERROR:
			return any_string(&b->parts[p].error, i, c->n);
		case COLUMN_COUNT:
			return kind != PART_DENSE;
		case COLUMN_INDEX:
			return kind == PART_SPARSE;
		case COLUMN_TIME:
			return kind == PART_SEQUENCE && any_time(c, p);
		default:
			return 1;
		}
	}
	if (column == COLUMN_ID)
		return 1;
	if (c->later)
		return 0;
	switch (column) {
	case COLUMN_LABEL:
		return any_label(c);
	case COLUMN_GROUP:
		return any_string(&b->group, i, c->n);
	case COLUMN_TARGET:
		while (i < to && isnan(b->target[i]))
			i++;
		return i < to;
	case COLUMN_WEIGHT:
		while (i < to && b->weight[i] == 1)
			i++;
		return i < to;
	case COLUMN_SOURCE:
		while (i < to && b->source[i] == 0)
			i++;
		return i < to;
	default:
		while (i < to && b->flags[i] == 0)
			i++;
		return i < to;
	}
}

static int
put_array(struct buf *out, const void *x, size_t n, size_t size)
{
	if (buf_reserve(out, n * size) == -1)
		return -1;
	le_put_array((unsigned char *)out->data + out->len, x, n, size);
	out->len += n * size;
	return 0;
}

/* put_doubles: every NaN gets the same bits, so that equal records make equal
 * bytes wherever their NaN came from. */
static int
put_doubles(struct buf *out, const double *x, size_t n)
{
	if (buf_reserve(out, 8 * n) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint64_t u = UINT64_C(0x7ff8000000000000);

		if (!isnan(x[i]))
			memcpy(&u, &x[i], 8);
		le64_put((unsigned char *)out->data + out->len, u);
		out->len += 8;
	}
	return 0;
}

static int
put_strings(struct buf *out, const struct strs *s, size_t first, size_t n)
{
	size_t from = first > 0 ? s->end[first - 1] : 0;

	for (size_t i = first; i < first + n; i++)
		if (put_u32(out, (uint32_t)strs_get(s, i).len) == -1)
			return -1;
	if (n == 0)
		return 0;
	return buf_put(out, s->bytes.data + from, s->end[first + n - 1] - from);
}

/* put_counts: how many each record has, from the running sums. */
static int
put_counts(struct buf *out, const size_t *end, size_t first, size_t n)
{
	size_t from;

	for (size_t i = first; i < first + n; i++)
		if (put_u32(out, (uint32_t)batch_range(end, i, &from)) == -1)
			return -1;
	return 0;
}

static int
put_values(struct buf *out, const struct cut *c, size_t p, struct error *e)
{
	const struct part *part = &c->b->schema->parts[p];
	const struct part_column *v = &c->b->parts[p];
	size_t from, n, width = part->kind == PART_SPARSE ? 1 : part->dim;
	const float *x;

	if (part->kind == PART_DENSE) {
		from = c->first;
		n = c->n;
		x = v->dense;
	} else {
		n = values_of(c, p, &from);
		x = v->value;
	}
	if (n == 0)
		return 0;
	x += from * width;
	if (!le_all_finite(x, n * width))
		return error_set(e, "part '%s': non-finite value", part->name);
	return put_array(out, x, n * width, sizeof(float)) == 0
		   ? 0
		   : error_memory(e);
}

static int
put_column(struct buf *out, const struct cut *c, enum stream_column column,
    size_t p, struct error *e)
{
	const struct batch *b = c->b;
	const struct part_column *v = &b->parts[p];
	size_t i = c->first, n = c->n, from, rows;
	int bad = 0;

	switch (column) {
	case COLUMN_ID:
		bad = put_strings(out, &b->id, i, n);
		break;
	case COLUMN_LABEL:
		from = i > 0 ? b->label_end[i - 1] : 0;
		bad = put_counts(out, b->label_end, i, n) |
		      put_strings(
			  out, &b->label, from, b->label_end[i + n - 1] - from);
		break;
	case COLUMN_TARGET:
		bad = put_doubles(out, b->target + i, n);
		break;
	case COLUMN_WEIGHT:
		bad = put_doubles(out, b->weight + i, n);
		break;
	case COLUMN_GROUP:
		bad = put_strings(out, &b->group, i, n);
		break;
	case COLUMN_SOURCE:
		bad = put_array(out, b->source + i, n, 8);
		break;
	case COLUMN_FLAGS:
		bad = put_array(out, b->flags + i, n, 4);
		break;
	case COLUMN_MASK:
		bad = put_array(out, v->mask + i, n, 1);
		break;
	case COLUMN_ERROR:
		bad = put_strings(out, &v->error, i, n);
		break;
	case COLUMN_COUNT:
		if (c->rows != NULL &&
		    b->schema->parts[p].kind == PART_SEQUENCE)
			bad = put_u32(out, (uint32_t)c->rows[p]);
		else
			bad = put_counts(out, v->end, i, n);
		break;
	case COLUMN_INDEX:
		rows = values_of(c, p, &from);
		bad = put_array(out, v->index + from, rows, 4);
		break;
	case COLUMN_VALUE:
		return put_values(out, c, p, e);
	case COLUMN_TIME:
		rows = values_of(c, p, &from);
		bad = put_doubles(out, v->time + 2 * from, 2 * rows);
		break;
	case STREAM_COLUMNS:
		break;
	}
	return bad ? error_memory(e) : 0;
}

/* column_after: the next column that the block needs, after (*column, *p),
 * record columns first and then part by part.  0 when there is none. */
static int
column_after(const struct cut *c, int *column, size_t *p)
{
	for (;;) {
		if (++*column == COLUMN_MASK && c->b->schema->n == 0)
			return 0;
		if (*column == STREAM_COLUMNS) {
			if (++*p >= c->b->schema->n)
				return 0;
			*column = COLUMN_MASK;
		}
		if (wanted(c, (enum stream_column) * column, *p))
			return 1;
	}
}

/* make_payload: the whole payload of one block, in s->out. */
static int
make_payload(struct stream_writer *s, const struct cut *c, struct error *e)
{
	struct buf *out = &s->out;
	uint32_t columns = 0;
	unsigned char *entry;
	size_t p = 0, start;
	int column = -1;

	while (column_after(c, &column, &p))
		columns++;
	out->len = 0;
	if (put_u32(out, columns) == -1 || put_u32(out, 0) == -1 ||
	    buf_reserve(out, 16 * columns) == -1)
		return error_memory(e);
	out->len += 16 * columns;
	column = -1;
	p = 0;
	for (uint32_t k = 0; column_after(c, &column, &p); k++) {
		if (pad(out, 0) == -1)
			return error_memory(e);
		start = out->len;
		if (put_column(out, c, (enum stream_column)column, p, e) == -1)
			return -1;
		if (out->len > VEC_MAX_PAYLOAD)
			return error_set(e, "more than a block holds (%d MiB)",
			    VEC_MAX_PAYLOAD >> 20);
		entry = (unsigned char *)out->data + 8 + 16 * (size_t)k;
		memcpy(entry, stream_tags[column], 4);
		le32_put(entry + 4, column < COLUMN_MASK ? 0 : (uint32_t)p + 1);
		le32_put(entry + 8, (uint32_t)(out->len - start));
		le32_put(entry + 12, 0);
	}
	if (pad(out, STREAM_ALIGN - 4) == -1)
		return error_memory(e);
	if (out->len > VEC_MAX_PAYLOAD)
		return error_set(e, "more than a block holds (%d MiB)",
		    VEC_MAX_PAYLOAD >> 20);
	return 0;
}

static int
put_block(struct stream_writer *s, const struct cut *c, uint32_t flags,
    uint64_t row, struct error *e)
{
	unsigned char head[STREAM_FRAME] = { 'B', 'L', 'K', '1' };
	size_t payload;

	if (make_payload(s, c, e) == -1) {
		struct str id = strs_get(&c->b->id, c->first);

		return error_at(e,
		    c->n == 1 ? "record '%.*s'"
			      : "block that begins with record '%.*s'",
		    (int)id.len, id.s);
	}
	payload = s->out.len;
	if (put_u32(&s->out, crc32c(0, s->out.data, payload)) == -1)
		return error_memory(e);
	le32_put(head + 4, (uint32_t)payload);
	le64_put(head + 8, s->seq);
	le64_put(head + 16, s->records);
	le32_put(head + 24, (uint32_t)c->n);
	le32_put(head + 28, flags);
	le64_put(head + 32, row);
	le32_put(head + 60, crc32c(0, head, 60));
	if (to_writer(s, head, sizeof(head), e) == -1 ||
	    to_writer(s, s->out.data, s->out.len, e) == -1)
		return -1;
	s->seq++;
	if ((flags & STREAM_GOES_ON) == 0)
		s->records += c->n;
	return 0;
}

/* ---- records that take several blocks ---- */

/* most_bytes: at most so many bytes of payload record i takes, and at most
 * so many of them that are not rows. */
static size_t
most_bytes(const struct batch *b, size_t i, size_t *fixed)
{
	size_t size = batch_size(b, i) +
		      (STREAM_ALIGN + 16 + 12) * 7 * (b->schema->n + 1);
	size_t from;

	*fixed = size;
	for (size_t p = 0; p < b->schema->n; p++)
		if (b->schema->parts[p].kind == PART_SEQUENCE)
			*fixed -= batch_range(b->parts[p].end, i, &from) *
				  (4 * (size_t)b->schema->parts[p].dim + 16);
	return size;
}

/* next_piece: rows[p] of each sequence part, after row[p], as many as fit
 * ${room} bytes.  Returns 1 when rows are left over. */
static int
next_piece(const struct batch *b, size_t i, const size_t *row, size_t *rows,
    size_t room)
{
	size_t from, left, width;
	int more = 0;

	for (size_t p = 0; p < b->schema->n; p++) {
		rows[p] = 0;
		if (b->schema->parts[p].kind != PART_SEQUENCE)
			continue;
		left = batch_range(b->parts[p].end, i, &from) - row[p];
		width = 4 * (size_t)b->schema->parts[p].dim + 16;
		rows[p] = more ? 0 : room / width < left ? room / width : left;
		room -= rows[p] * width;
		more |= rows[p] < left;
	}
	return more;
}

static int
put_pieces(struct stream_writer *s, const struct batch *b, size_t i,
    size_t fixed, struct error *e)
{
	size_t parts = s->schema->n;
	size_t *row = mem_array(2 * parts, sizeof(*row)), *rows;
	struct cut c = { .b = b, .first = i, .n = 1 };
	uint64_t before = 0;
	int more = 1, rc = 0;

	if (row == NULL)
		return error_memory(e);
	rows = row + parts;
	c.row = row;
	c.rows = rows;
	while (more && rc == 0) {
		uint64_t now = 0;

		more = next_piece(b, i, row, rows, VEC_MAX_PAYLOAD - fixed);
		for (size_t p = 0; p < parts; p++)
			now += rows[p];
		if (more && now == 0) {
			struct str id = strs_get(&b->id, i);

			rc = error_set(e,
			    "record '%.*s': more than a block holds (%d MiB)",
			    (int)id.len, id.s, VEC_MAX_PAYLOAD >> 20);
			break;
		}
		rc = put_block(s, &c,
		    (c.later ? STREAM_CONTINUES : 0) |
			(more ? STREAM_GOES_ON : 0),
		    before, e);
		for (size_t p = 0; p < parts; p++)
			row[p] += rows[p];
		before += now;
		c.later = 1;
	}
	free(row);
	return rc;
}

int
stream_put(struct stream_writer *s, const struct batch *b, size_t first,
    size_t n, struct error *e)
{
	struct cut c = { .b = b, .first = first, .n = n };
	size_t fixed;

	if (n == 1 && most_bytes(b, first, &fixed) > VEC_MAX_PAYLOAD &&
	    fixed < VEC_MAX_PAYLOAD)
		return put_pieces(s, b, first, fixed, e);
	return put_block(s, &c, 0, 0, e);
}

int
stream_end(struct stream_writer *s, enum stream_status status,
    uint64_t rejected, const char *tool, struct error *e)
{
	unsigned char end[STREAM_FRAME] = { 'E', 'N', 'D', '1' };

	le32_put(end + 4, status);
	le64_put(end + 8, s->seq);
	le64_put(end + 16, s->records);
	le64_put(end + 24, rejected);
	le64_put(end + 32, hash_final(&s->hash));
	for (size_t i = 0; tool != NULL && i < STREAM_TOOL && tool[i] != '\0';
	     i++)
		end[40 + i] = (unsigned char)tool[i];
	le32_put(end + 60, crc32c(0, end, 60));
	return io_put(s->to, end, sizeof(end), e);
}

void
stream_free_writer(struct stream_writer *s)
{
	buf_free(&s->out);
}
