#include "vec/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "vec/jsonl.h"
#include "vec/sniff.h"
#include "vec/stream.h"

enum form { FORM_NONE, FORM_VP, FORM_JSONL };

struct input {
	char *const *paths; /* [n], borrowed */
	int n, at;          /* the operand that is being read */
	struct reader r;
	int open;        /* r is */
	enum form first; /* of the operand's streams */
	int streams;     /* begun in this operand */
	uint64_t line;   /* lines of it before the frame at hand */
	enum form form;
	struct stream_reader vp;
	struct jsonl_reader jsonl;
	struct schema schema; /* of the first stream */
	int known;            /* the schema is */
	struct input_end end;
};

static char *const standard_input[] = { (char[]){ "-" } };

static const char *
path_of(const struct input *in)
{
	return in->paths[in->at < in->n ? in->at : in->n - 1];
}

const char *
input_name(const struct input *in)
{
	const char *path = path_of(in);

	return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

/* place: name the operand, unless the sentence begins with it already. */
static int
place(const struct input *in, struct error *e)
{
	const char *name = input_name(in);
	int quoted = name[0] != '<';

	if (e == NULL || strncmp(e->text + quoted, name, strlen(name)) == 0)
		return -1;
	return error_at(e, quoted ? "'%s'" : "%s", name);
}

/* close_form: end the stream at hand. */
static void
close_form(struct input *in)
{
	if (in->form == FORM_VP)
		stream_free_reader(&in->vp);
	if (in->form == FORM_JSONL)
		jsonl_free(&in->jsonl);
	in->form = FORM_NONE;
}

/* take_schema: the parts of the stream that was opened must be those of the
 * first one. */
static int
take_schema(struct input *in, const struct schema *s, struct error *e)
{
	if (in->known)
		return schema_meets(&in->schema, s, e) == -1
			   ? error_at(e, "differs from what came before")
			   : 0;
	if (schema_copy(&in->schema, s, e) == -1)
		return -1;
	in->known = 1;
	return 0;
}

/* strange: the sentence for a beginning that is neither form. */
static int
strange(const struct input *in, struct error *e)
{
	const char *looks =
	    sniff(in->r.data + in->r.pos, in->r.len - in->r.pos);

	if (in->streams > 0)
		return error_set(e, "bytes after the end mark that are no "
				    "stream");
	if (in->r.len == in->r.pos)
		return error_set(e, "empty: stream truncated after 0 records "
				    "(no end mark)");
	if (looks == NULL)
		return error_set(e, "not a vecpipe stream");
	return error_set(e, "not a vecpipe stream (looks like %s)", looks);
}

/* open_form: begin the stream that comes next in the operand: 1; 0 when
 * nothing more is there; -1. */
static int
open_form(struct input *in, struct error *e)
{
	const char *p;
	size_t n;
	int rc = io_peek(&in->r, sizeof(stream_magic), e);

	if (rc == -1)
		return -1;
	p = in->r.data + in->r.pos;
	n = in->r.len - in->r.pos;
	if (n == 0)
		return in->streams > 0 ? 0 : strange(in, e);
	if (n > sizeof(stream_magic))
		n = sizeof(stream_magic);
	if (memcmp(p, stream_magic, n) == 0 && in->first != FORM_JSONL) {
		in->form = FORM_VP;
		rc = stream_open(&in->vp, &in->r, e);
		if (rc == 1 && take_schema(in, &in->vp.schema, e) == -1)
			return -1;
	} else if (memchr("{ \t\r\n\xef", p[0], 6) != NULL &&
		   in->first != FORM_VP) {
		in->form = FORM_JSONL;
		rc = jsonl_open(&in->jsonl, &in->r, in->line,
		    in->known ? &in->schema : NULL, e);
		if (rc == 0)
			return in->streams > 0 ? 0 : strange(in, e);
		if (rc == 1 && take_schema(in, &in->jsonl.schema, e) == -1)
			return -1;
	} else
		return strange(in, e);
	if (rc == 1) {
		in->streams++;
		in->first = in->form;
	}
	return rc;
}

/* end_form: the stream at hand is over; what its end mark said is added. */
static void
end_form(struct input *in)
{
	uint64_t sum;
	int partial;

	if (in->form == FORM_VP) {
		sum = in->vp.sum;
		partial = in->vp.status == STREAM_PARTIAL;
		in->end.records += in->vp.records;
		in->end.rejected += in->vp.rejected;
	} else {
		sum = hash_final(&in->jsonl.hash);
		partial = in->jsonl.status == STREAM_PARTIAL;
		in->line = in->jsonl.line;
		in->end.records += in->jsonl.records;
		in->end.rejected += in->jsonl.rejected;
		if (in->end.bad.text[0] == '\0' &&
		    in->jsonl.bad.text[0] != '\0') {
			in->end.bad = in->jsonl.bad;
			place(in, &in->end.bad);
		}
	}
	in->end.partial |= partial;
	in->end.hash = hash_mix(in->end.hash ^ sum);
	close_form(in);
}

/* advance: have a stream at hand: 1, or 0 after the last operand, or -1. */
static int
advance(struct input *in, struct error *e)
{
	int rc;

	while (in->form == FORM_NONE && in->at < in->n) {
		if (!in->open) {
			if (io_open(&in->r, path_of(in), e) == -1)
				return -1;
			if (strcmp(path_of(in), "-") == 0 &&
			    io_same_file("/dev/stdin", STDOUT_FILENO))
				return error_set(e, "input is the output file");
			in->open = 1;
			in->streams = 0;
			in->first = FORM_NONE;
			in->line = 0;
		}
		rc = open_form(in, e);
		if (rc == -1)
			return -1;
		if (rc == 0) {
			close_form(in);
			io_close(&in->r);
			in->open = 0;
			in->at++;
		}
	}
	return in->at < in->n;
}

struct input *
input_open(char *const *paths, int n, struct error *e)
{
	struct input *in = mem_array(1, sizeof(*in));

	if (in == NULL) {
		error_memory(e);
		return NULL;
	}
	in->paths = n > 0 ? paths : standard_input;
	in->n = n > 0 ? n : 1;
	/* What is not there is told at once, not after hours. */
	for (int i = 0; i < in->n; i++) {
		if (strcmp(in->paths[i], "-") == 0)
			continue;
		if (access(in->paths[i], R_OK) == -1)
			error_sys(e, "'%s'", in->paths[i]);
		else if (io_same_file(in->paths[i], STDOUT_FILENO))
			error_set(
			    e, "'%s': input is the output file", in->paths[i]);
		else
			continue;
		free(in);
		return NULL;
	}
	if (advance(in, e) == -1) {
		place(in, e);
		input_close(in);
		return NULL;
	}
	return in;
}

void
input_close(struct input *in)
{
	if (in == NULL)
		return;
	close_form(in);
	if (in->open)
		io_close(&in->r);
	schema_free(&in->schema);
	free(in);
}

const struct schema *
input_schema(const struct input *in)
{
	return &in->schema;
}

const struct input_end *
input_end(const struct input *in)
{
	return &in->end;
}

/* append: like input_next without clearing ${b}. */
static int
append(struct input *in, struct batch *b, struct error *e)
{
	int rc;

	for (;;) {
		rc = advance(in, e);
		if (rc != 1)
			break;
		rc = in->form == FORM_VP ? stream_next(&in->vp, b, e)
					 : jsonl_next(&in->jsonl, b, e);
		if (rc != 0)
			break;
		end_form(in);
	}
	return rc == -1 ? place(in, e) : rc;
}

int
input_next(struct input *in, struct batch *b, struct error *e)
{
	batch_clear(b);
	return append(in, b, e);
}

int
input_read_all(struct input *in, struct batch *b, struct error *e)
{
	int rc;

	while ((rc = append(in, b, e)) == 1)
		continue;
	return rc;
}
