#include "vec/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The bytes of a record, in the machine's own order because they never leave
 * the process:
 *
 *	u64 length of all that follows
 *	u32 id, bytes; u32 group, bytes; u32 labels, each u32 and bytes
 *	f64 target, f64 weight, u64 source, u32 flags
 *	each part: u8 mask; u32 error, bytes; and where mask is 1
 *	    dense:    f32 [D]
 *	    sparse:   u64 pairs, u32 [pairs], f32 [pairs]
 *	    sequence: u64 rows, f32 [rows, D], f64 [rows, 2]
 */

enum { LATE_MAX = 1 << 18 }; /* bytes collected for one write */

void
spool_init(struct spool *s, size_t limit)
{
	*s = (struct spool){ .limit = limit, .fd = -1 };
}

void
spool_free(struct spool *s)
{
	for (size_t i = 0; i < s->nchunks; i++)
		free(s->chunks[i]);
	free(s->chunks);
	free(s->at);
	buf_free(&s->bytes);
	buf_free(&s->late);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct spool){ .fd = -1 };
}

/* ---- writing ---- */

static int
put_u32(struct buf *b, size_t n)
{
	uint32_t x = (uint32_t)n;

	return buf_put(b, &x, sizeof(x));
}

static int
put_u64(struct buf *b, uint64_t x)
{
	return buf_put(b, &x, sizeof(x));
}

static int
put_str(struct buf *b, struct str s)
{
	return put_u32(b, s.len) | buf_put(b, s.s, s.len);
}

static int
put_part(struct buf *b, const struct part *part, const struct part_column *c,
    size_t i)
{
	size_t D = part->dim, first, n;
	int bad = buf_putc(b, (char)c->mask[i]);

	bad |= put_str(b, strs_get(&c->error, i));
	if (!c->mask[i])
		return bad;
	if (part->kind == PART_DENSE)
		return bad | buf_put(b, c->dense + i * D, D * sizeof(float));
	n = batch_range(c->end, i, &first);
	bad |= put_u64(b, n);
	if (n == 0)
		return bad;
	if (part->kind == PART_SPARSE) {
		bad |= buf_put(b, c->index + first, n * sizeof(*c->index));
		bad |= buf_put(b, c->value + first, n * sizeof(float));
	} else {
		bad |= buf_put(b, c->value + first * D, n * D * sizeof(float));
		bad |= buf_put(b, c->time + 2 * first, 2 * n * sizeof(double));
	}
	return bad;
}

static int
put_record(struct buf *o, const struct batch *b, size_t i)
{
	size_t first, labels = batch_range(b->label_end, i, &first);
	uint64_t len;
	int bad = put_u64(o, 0);

	bad |= put_str(o, strs_get(&b->id, i));
	bad |= put_str(o, strs_get(&b->group, i));
	bad |= put_u32(o, labels);
	for (size_t k = 0; k < labels; k++)
		bad |= put_str(o, strs_get(&b->label, first + k));
	bad |= buf_put(o, &b->target[i], sizeof(b->target[i]));
	bad |= buf_put(o, &b->weight[i], sizeof(b->weight[i]));
	bad |= put_u64(o, b->source[i]);
	bad |= put_u32(o, b->flags[i]);
	for (size_t p = 0; p < b->schema->n; p++)
		bad |= put_part(o, &b->schema->parts[p], &b->parts[p], i);
	if (bad == 0) {
		len = o->len - sizeof(len);
		memcpy(o->data, &len, sizeof(len));
	}
	return bad;
}

/* Copy between p: [n] and the bytes from ${at} on that are in memory. */
static void
copy(struct spool *s, uint64_t at, char *p, size_t n, int in)
{
	while (n > 0) {
		char *chunk = s->chunks[at / SPOOL_CHUNK];
		size_t from = (size_t)(at % SPOOL_CHUNK);
		size_t some = SPOOL_CHUNK - from < n ? SPOOL_CHUNK - from : n;

		if (in)
			memcpy(chunk + from, p, some);
		else
			memcpy(p, chunk + from, some);
		at += some;
		p += some;
		n -= some;
	}
}

static int
put_in_memory(struct spool *s, const struct buf *b, struct error *e)
{
	while ((uint64_t)s->nchunks * SPOOL_CHUNK < s->memory + b->len) {
		char *chunk = malloc(SPOOL_CHUNK);

		if (chunk == NULL ||
		    mem_grow(&s->chunks, &s->chunks_cap, s->nchunks + 1,
			sizeof(*s->chunks)) < 0) {
			free(chunk);
			return error_memory(e);
		}
		s->chunks[s->nchunks++] = chunk;
	}
	copy(s, s->memory, b->data, b->len, 1);
	s->memory += b->len;
	return 0;
}

static const char *
temp_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir != NULL && dir[0] != '\0' ? dir : "/tmp";
}

static int
open_file(struct spool *s, struct error *e)
{
	struct buf path = { 0 };

	if (buf_printf(&path, "%s/vecpipe-XXXXXX", temp_dir()) < 0)
		return error_memory(e);
	s->fd = mkstemp(path.data);
	if (s->fd < 0)
		error_sys(
		    e, "cannot make a temporary file in '%s'", temp_dir());
	else
		unlink(path.data);
	buf_free(&path);
	return s->fd < 0 ? -1 : 0;
}

/* Write what is late to the end of the file. */
static int
catch_up(struct spool *s, struct error *e)
{
	for (size_t done = 0; done < s->late.len;) {
		ssize_t n = pwrite(s->fd, s->late.data + done,
		    s->late.len - done, (off_t)s->written);

		if (n < 0 && errno != EINTR)
			return error_sys(e,
			    "cannot write a temporary file in '%s'",
			    temp_dir());
		if (n > 0) {
			done += (size_t)n;
			s->written += (uint64_t)n;
		}
	}
	s->late.len = 0;
	return 0;
}

static int
put_in_file(struct spool *s, const struct buf *b, struct error *e)
{
	if (s->fd < 0 && open_file(s, e) < 0)
		return -1;
	if (buf_put(&s->late, b->data, b->len) < 0)
		return error_memory(e);
	return s->late.len >= LATE_MAX ? catch_up(s, e) : 0;
}

int
spool_put(struct spool *s, const struct batch *b, size_t i, struct error *e)
{
	s->bytes.len = 0;
	if (put_record(&s->bytes, b, i) != 0 ||
	    mem_grow(&s->at, &s->at_cap, s->n + 1, sizeof(*s->at)) < 0)
		return error_memory(e);
	s->closed |= s->memory + s->bytes.len > s->limit;
	if ((s->closed ? put_in_file : put_in_memory)(s, &s->bytes, e) < 0)
		return -1;
	s->at[s->n++] = s->len;
	s->len += s->bytes.len;
	return 0;
}

/* ---- reading ---- */

static int
read_file(struct spool *s, uint64_t at, char *p, size_t n, struct error *e)
{
	for (size_t done = 0; done < n;) {
		ssize_t got =
		    pread(s->fd, p + done, n - done, (off_t)(at + done));

		if (got < 0 && errno != EINTR)
			return error_sys(e,
			    "cannot read a temporary file in '%s'", temp_dir());
		if (got == 0)
			return error_set(
			    e, "a temporary file in '%s' was cut", temp_dir());
		if (got > 0)
			done += (size_t)got;
	}
	return 0;
}

static int
read_at(struct spool *s, uint64_t at, char *p, size_t n, struct error *e)
{
	if (at < s->memory) {
		copy(s, at, p, n, 0);
		return 0;
	}
	return read_file(s, at - s->memory, p, n, e);
}

static uint32_t
get_u32(const char **p)
{
	uint32_t x;

	memcpy(&x, *p, sizeof(x));
	*p += sizeof(x);
	return x;
}

static uint64_t
get_u64(const char **p)
{
	uint64_t x;

	memcpy(&x, *p, sizeof(x));
	*p += sizeof(x);
	return x;
}

static double
get_f64(const char **p)
{
	double x;

	memcpy(&x, *p, sizeof(x));
	*p += sizeof(x);
	return x;
}

struct str
record_label(const char **at)
{
	struct str s;

	s.len = get_u32(at);
	s.s = *at;
	*at += s.len;
	return s;
}

/* The views of a record's bytes behind their length. */
static void
parse(const char *p, struct record *r)
{
	r->id = record_label(&p);
	r->group = record_label(&p);
	r->labels = get_u32(&p);
	r->label = p;
	for (size_t i = 0; i < r->labels; i++)
		record_label(&p);
	r->target = get_f64(&p);
	r->weight = get_f64(&p);
	r->source = get_u64(&p);
	r->flags = get_u32(&p);
	r->parts = p;
}

int
spool_get(struct spool *s, size_t k, struct buf *bytes, struct record *r,
    struct error *e)
{
	uint64_t len;

	if (s->late.len > 0 && catch_up(s, e) < 0)
		return -1;
	if (read_at(s, s->at[k], (char *)&len, sizeof(len), e) < 0)
		return -1;
	bytes->len = 0;
	if (buf_reserve(bytes, (size_t)len) < 0)
		return error_memory(e);
	if (read_at(s, s->at[k] + sizeof(len), bytes->data, (size_t)len, e) < 0)
		return -1;
	bytes->len = (size_t)len;
	parse(bytes->data, r);
	return 0;
}

int
record_of(const struct batch *b, size_t i, struct buf *bytes, struct record *r,
    struct error *e)
{
	bytes->len = 0;
	if (put_record(bytes, b, i) != 0)
		return error_memory(e);
	parse(bytes->data + sizeof(uint64_t), r);
	return 0;
}

int
record_begin(struct batch *b, const struct record *r, struct error *e)
{
	const char *at = r->label;

	if (batch_add(b, r->id.s, r->id.len, e) < 0)
		return -1;
	for (size_t k = 0; k < r->labels; k++) {
		struct str s = record_label(&at);

		if (batch_label(b, s.s, s.len, e) < 0)
			return -1;
	}
	if (r->group.len > 0 && batch_group(b, r->group.s, r->group.len, e) < 0)
		return -1;
	b->target[b->n - 1] = r->target;
	b->weight[b->n - 1] = r->weight;
	b->source[b->n - 1] = r->source;
	b->flags[b->n - 1] = r->flags;
	return 0;
}

static void
take(void *to, const char **p, size_t n)
{
	if (n > 0)
		memcpy(to, *p, n);
	*p += n;
}

static int
take_values(struct batch *b, size_t to, const struct part *part, const char **p,
    struct error *e)
{
	size_t D = part->dim, n;
	uint32_t *index;
	double *time;
	float *x;

	if (part->kind == PART_DENSE) {
		if ((x = batch_dense(b, to)) == NULL)
			return error_memory(e);
		take(x, p, D * sizeof(*x));
		return 0;
	}
	n = (size_t)get_u64(p);
	if (part->kind == PART_SPARSE) {
		if (batch_sparse(b, to, n, &index, &x) < 0)
			return error_memory(e);
		take(index, p, n * sizeof(*index));
		take(x, p, n * sizeof(*x));
		return 0;
	}
	if ((x = batch_sequence(b, to, n, &time)) == NULL)
		return error_memory(e);
	take(x, p, n * D * sizeof(*x));
	take(time, p, 2 * n * sizeof(*time));
	return 0;
}

int
record_parts(struct batch *b, size_t first, const struct record *r,
    const struct schema *s, struct error *e)
{
	const char *p = r->parts;

	for (size_t k = 0; k < s->n; k++) {
		int mask = *p++;
		struct str why = record_label(&p);

		if (mask && take_values(b, first + k, &s->parts[k], &p, e) < 0)
			return -1;
		if (!mask && why.len > 0 &&
		    batch_error_str(b, first + k, why.s, why.len, e) < 0)
			return -1;
	}
	return 0;
}

int
record_append(struct batch *b, const struct record *r, struct error *e)
{
	if (record_begin(b, r, e) < 0)
		return -1;
	return record_parts(b, 0, r, b->schema, e);
}
