#include "vec/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "vec/jsonl.h"
#include "vec/stream.h"

struct output {
	enum vec_format format;
	struct writer w;
	struct schema schema;
	struct stream_writer s;
	struct batch pending; /* records of the block that is open */
	size_t bytes;         /* their batch_size */
	struct buf line;      /* JSON Lines: one record */
	uint64_t records, rejected;
	int partial;
};

static void
output_free(struct output *o)
{
	stream_free_writer(&o->s);
	batch_free(&o->pending);
	schema_free(&o->schema);
	buf_free(&o->line);
	free(o);
}

/* flush_line: what is in o->line goes to the writer. */
static int
flush_line(struct output *o, struct error *e)
{
	int rc = io_put(&o->w, o->line.data, o->line.len, e);

	o->line.len = 0;
	return rc;
}

static int
begin(struct output *o, struct error *e)
{
	if (o->format == FORMAT_VP)
		return stream_begin(&o->s, &o->w, &o->schema, e);
	if (o->format == FORMAT_JSONL)
		return 0;
	if (jsonl_put_header(&o->line, &o->schema, e) == -1)
		return -1;
	return flush_line(o, e);
}

struct output *
output_open(const char *path, enum vec_format format, const struct schema *s,
    struct error *e)
{
	struct output *o = mem_array(1, sizeof(*o));
	int terminal;

	if (o == NULL) {
		error_memory(e);
		return NULL;
	}
	if (io_create(&o->w, path, e) == -1) {
		free(o);
		return NULL;
	}
	terminal = isatty(o->w.fd);
	o->format = format;
	if (format == FORMAT_AUTO)
		o->format = terminal ? FORMAT_JSONL : FORMAT_VP;
	if (terminal && o->format == FORMAT_VP) {
		error_set(e, "a binary stream is not written to a terminal "
			     "(-f jsonl is)");
		goto fail;
	}
	if (schema_copy(&o->schema, s, e) == -1 ||
	    batch_init(&o->pending, &o->schema, e) == -1 || begin(o, e) == -1)
		goto fail;
	return o;
fail:
	io_abandon(&o->w);
	output_free(o);
	return NULL;
}

/* ---- blocks ---- */

static int
close_block(struct output *o, struct error *e)
{
	int rc = 0;

	if (o->pending.n > 0)
		rc = stream_put(&o->s, &o->pending, 0, o->pending.n, e);
	batch_clear(&o->pending);
	o->bytes = 0;
	return rc;
}

/* A block closes before a record that is large by itself, and after the
 * record that fills it. */
static int
closes_before(size_t n, size_t size)
{
	return n > 0 && size >= STREAM_BYTES;
}

static int
closes_after(size_t n, size_t bytes)
{
	return n >= STREAM_RECORDS || bytes >= STREAM_BYTES;
}

static int
put_pending(struct output *o, const struct batch *b, size_t i, struct error *e)
{
	size_t size = batch_size(b, i);

	if (closes_before(o->pending.n, size) && close_block(o, e) == -1)
		return -1;
	if (batch_copy(&o->pending, b, i, e) == -1)
		return -1;
	o->bytes += size;
	if (closes_after(o->pending.n, o->bytes))
		return close_block(o, e);
	return 0;
}

/* whole_block: how many records from i on make a block that closes, 0 when
 * the batch ends before. */
static size_t
whole_block(const struct batch *b, size_t i)
{
	size_t n = 0, bytes = 0, size;

	for (; i < b->n; i++) {
		size = batch_size(b, i);
		if (closes_before(n, size))
			return n;
		n++;
		bytes += size;
		if (closes_after(n, bytes))
			return n;
	}
	return 0;
}

static int
put_line(struct output *o, const struct batch *b, size_t i, struct error *e)
{
	if (jsonl_put(&o->line, b, i, e) == -1)
		return -1;
	return flush_line(o, e);
}

int
output_put(struct output *o, const struct batch *b, size_t i, struct error *e)
{
	o->records++;
	if (o->format == FORMAT_VP)
		return put_pending(o, b, i, e);
	return put_line(o, b, i, e);
}

int
output_put_all(struct output *o, const struct batch *b, struct error *e)
{
	size_t i = 0, n;

	while (i < b->n) {
		/* Blocks that begin and close in this batch need no copy. */
		if (o->format == FORMAT_VP && o->pending.n == 0 &&
		    (n = whole_block(b, i)) > 0) {
			if (stream_put(&o->s, b, i, n, e) == -1)
				return -1;
			o->records += n;
			i += n;
			continue;
		}
		do {
			if (output_put(o, b, i++, e) == -1)
				return -1;
		} while (i < b->n && o->pending.n > 0);
	}
	return 0;
}

void
output_reject(struct output *o, uint64_t n)
{
	o->rejected += n;
}

void
output_partial(struct output *o)
{
	o->partial = 1;
}

int
output_live(struct output *o, struct error *e)
{
	if (o->format == FORMAT_VP && close_block(o, e) == -1)
		return -1;
	return io_flush(&o->w, e);
}

/* end: the end mark, where the format has one. */
static int
end(struct output *o, enum stream_status status, const char *tool,
    struct error *e)
{
	if (o->format == FORMAT_VP)
		return stream_end(&o->s, status, o->rejected, tool, e);
	if (o->format == FORMAT_JSONL)
		return 0;
	if (jsonl_put_end(&o->line, status, o->records, o->rejected, tool, e) ==
	    -1)
		return -1;
	return flush_line(o, e);
}

int
output_close(struct output *o, struct error *e)
{
	int rc = 0;

	if (o->format == FORMAT_VP)
		rc = close_block(o, e);
	if (rc == 0)
		rc = end(o, o->partial ? STREAM_PARTIAL : STREAM_OK, NULL, e);
	if (rc == 0)
		rc = io_commit(&o->w, e);
	else
		io_abandon(&o->w);
	output_free(o);
	return rc;
}

void
output_abort(struct output *o, const char *tool)
{
	if (o == NULL)
		return;
	/* A reader of a pipe gets the records that were whole, and the news. */
	if (o->w.temp == NULL &&
	    (o->format != FORMAT_VP || close_block(o, NULL) == 0) &&
	    end(o, STREAM_ABORTED, tool, NULL) == 0)
		io_flush(&o->w, NULL);
	io_abandon(&o->w);
	output_free(o);
}
