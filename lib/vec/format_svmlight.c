#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "vec/format_private.h"

/*
 * One record a line, as SVMlight and LIBSVM read them:
 *
 *	LABEL[,LABEL] [qid:GROUP] INDEX:VALUE INDEX:VALUE ... # ID
 *
 * Labels are numbers, or one target; indices increase and begin with the
 * base, 1 or 0.  Everything behind '#' is the id.  Blank lines and lines that
 * begin with '#' are passed over.
 */

struct lines {
	struct buf text;
	size_t at;
	uint64_t line;
};

/* One line, cut up. */
struct fields {
	struct str labels, group, pairs, id;
};

static void
free_lines(void *state)
{
	struct lines *l = state;

	buf_free(&l->text);
	free(l);
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* word: the next one, or an empty one at the end. */
static struct str
word(struct str *s)
{
	struct str w;

	while (s->len > 0 && is_blank(s->s[0])) {
		s->s++;
		s->len--;
	}
	w = (struct str){ s->s, 0 };
	while (w.len < s->len && !is_blank(w.s[w.len]))
		w.len++;
	s->s += w.len;
	s->len -= w.len;
	return w;
}

/* next_line: cut the next line that holds a record: 1, or 0 at the end. */
static int
next_line(struct lines *l, struct fields *f)
{
	while (l->at < l->text.len) {
		const char *s = l->text.data + l->at, *lf, *hash;
		size_t n = l->text.len - l->at;
		struct str rest, first;

		lf = memchr(s, '\n', n);
		if (lf != NULL)
			n = (size_t)(lf - s);
		l->at += n + (lf != NULL);
		l->line++;
		if (n > 0 && s[n - 1] == '\r')
			n--;
		*f = (struct fields){ .labels = { "", 0 }, .group = { "", 0 } };
		hash = memchr(s, '#', n);
		if (hash != NULL) {
			f->id.s = hash + 1;
			f->id.len = (size_t)(s + n - f->id.s);
			if (f->id.len > 0 && f->id.s[0] == ' ') {
				f->id.s++;
				f->id.len--;
			}
			n = (size_t)(hash - s);
		}
		rest = (struct str){ s, n };
		first = word(&rest);
		if (first.len == 0)
			continue;
		/* A line of several labels may have none of them. */
		if (is_blank(s[0]) && memchr(first.s, ':', first.len) != NULL)
			rest = (struct str){ s, n };
		else
			f->labels = first;
		f->pairs = rest;
		first = word(&rest);
		if (first.len > 4 && memcmp(first.s, "qid:", 4) == 0) {
			f->group = (struct str){ first.s + 4, first.len - 4 };
			f->pairs = rest;
		}
		return 1;
	}
	return 0;
}

/* pair: INDEX:VALUE.  NULL, or what is wrong. */
static const char *
pair(struct str w, uint32_t base, int64_t before, uint32_t *index, float *value)
{
	const char *colon = memchr(w.s, ':', w.len);
	size_t n = colon != NULL ? (size_t)(colon - w.s) : 0;
	uint64_t i = 0;

	if (n == 0 || n > 10)
		return "no index before a colon";
	for (size_t k = 0; k < n; k++) {
		if (w.s[k] < '0' || w.s[k] > '9')
			return "an index is no number";
		i = 10 * i + (uint64_t)(w.s[k] - '0');
	}
	if (i < base)
		return "index 0 (--base 0 counts from there)";
	i -= base;
	if (i >= VEC_MAX_SPARSE)
		return "an index is too large";
	if ((int64_t)i <= before)
		return "indices do not increase";
	w.s += n + 1;
	w.len -= n + 1;
	if (w.len > 1 && w.s[0] == '+' && w.s[1] != '-') {
		w.s++;
		w.len--;
	}
	if (num_read_float(w.s, w.len, value) != w.len || w.len == 0 ||
	    !isfinite(*value))
		return "a value is no finite number";
	*index = (uint32_t)i;
	return NULL;
}

/* scan: how many pairs there are and how large the last index is; NULL, or
 * what is wrong. */
static const char *
scan(struct str pairs, uint32_t base, size_t *n, int64_t *last)
{
	struct str w;
	uint32_t index;
	float value;
	const char *why;

	*n = 0;
	*last = -1;
	while ((w = word(&pairs)).len > 0) {
		why = pair(w, base, *last, &index, &value);
		if (why != NULL)
			return why;
		*last = index;
		++*n;
	}
	return NULL;
}

/* ---- labels ---- */

/* class_of: the name of the class whose number stands there, or NULL. */
static struct str
class_of(const struct format_options *o, struct str s)
{
	char text[16];
	uint64_t k;

	if (s.len > 0 && s.s[0] == '+') {
		s.s++;
		s.len--;
	}
	if (o->classes == NULL)
		return num_scan(s.s, s.len) == s.len ? s
						     : (struct str){ NULL, 0 };
	if (s.len == 0 || s.len >= sizeof(text))
		return (struct str){ NULL, 0 };
	memcpy(text, s.s, s.len);
	text[s.len] = '\0';
	if (o->classes->names.n == 0 ||
	    num_parse_u64(text, 0, o->classes->names.n - 1, &k) == -1)
		return (struct str){ NULL, 0 };
	return intern_get(o->classes, (size_t)k);
}

/* take_labels: of the last record, or only check them (b = NULL). */
static const char *
take_labels(const struct format_options *o, struct str s, struct batch *b,
    struct error *e)
{
	while (s.len > 0) {
		const char *comma = memchr(s.s, ',', s.len);
		size_t n = comma != NULL ? (size_t)(comma - s.s) : s.len;
		struct str label = class_of(o, (struct str){ s.s, n });

		if (label.s == NULL || label.len == 0)
			return "a label is no number, or none of the classes";
		if (batch_check_string("label", label.s, label.len, NULL) == -1)
			return "a label is not valid UTF-8";
		if (b != NULL && batch_label(b, label.s, label.len, e) == -1)
			return "out of memory";
		s.s += n + (comma != NULL);
		s.len -= n + (comma != NULL);
	}
	return NULL;
}

/* ---- records ---- */

static int
fill(struct format_reader *r, const struct fields *f, struct batch *b,
    double target, struct error *e)
{
	struct str pairs = f->pairs, w;
	int64_t before = -1;
	uint32_t *index;
	float *value;
	size_t n;

	b->target[b->n - 1] = target;
	if (!r->o->regress && take_labels(r->o, f->labels, b, e) != NULL)
		return -1;
	if (f->group.len > 0 &&
	    batch_group(b, f->group.s, f->group.len, e) == -1)
		return -1;
	if (scan(pairs, r->o->base, &n, &before) != NULL)
		return 0;
	if (before >= r->schema.parts[0].dim)
		return batch_error(b, 0, "an index is beyond --dim", e);
	if (batch_sparse(b, 0, n, &index, &value) == -1)
		return error_memory(e);
	before = -1;
	for (size_t k = 0; (w = word(&pairs)).len > 0; k++) {
		pair(w, r->o->base, before, &index[k], &value[k]);
		before = index[k];
	}
	return 0;
}

static int
read_line(struct format_reader *r, struct lines *l, const struct fields *f,
    struct batch *b, struct error *e)
{
	const char *why = NULL;
	double target = NAN;
	int64_t last;
	struct error at;
	size_t n;
	int rc;

	if (!r->o->regress)
		why = take_labels(r->o, f->labels, NULL, NULL);
	else if (f->labels.len > 0 &&
		 (num_read_double(f->labels.s + (f->labels.s[0] == '+'),
		      f->labels.len - (f->labels.s[0] == '+'), &target) +
			     (f->labels.s[0] == '+') !=
			 f->labels.len ||
		     !isfinite(target)))
		why = "the target is no finite number";
	if (why == NULL &&
	    batch_check_string("group", f->group.s, f->group.len, NULL) == -1)
		why = "qid is not valid UTF-8";
	if (why != NULL) {
		error_set(&at, "line %" PRIu64 ": %s", l->line, why);
		format_reject(r, &at);
		return 0;
	}
	rc = format_row(r, b, f->id, e);
	if (rc == 1)
		rc = fill(r, f, b, target, e);
	if (rc != 0)
		return rc;
	why = scan(f->pairs, r->o->base, &n, &last);
	if (why == NULL || b->n == 0)
		return 0;
	error_set(&at, "line %" PRIu64 ": %s", l->line, why);
	return batch_error(b, 0, at.text, e);
}

static int
next_svmlight(struct format_reader *r, struct batch *b, struct error *e)
{
	struct lines *l = r->state;
	struct fields f;

	while (b->n < FORMAT_BLOCK) {
		if (!next_line(l, &f))
			return b->n > 0;
		if (read_line(r, l, &f, b, e) == -1)
			return -1;
	}
	return 1;
}

int
format_open_svmlight(struct format_reader *r, const char *path, struct error *e)
{
	struct lines *l = mem_array(1, sizeof(*l));
	int64_t largest = -1, last;
	struct fields f;
	size_t n;

	if (l == NULL)
		return error_memory(e);
	r->state = l;
	r->free = free_lines;
	r->next = next_svmlight;
	if (format_read_all(path, &l->text, e) == -1)
		return -1;
	while (r->o->dim == 0 && next_line(l, &f))
		if (scan(f.pairs, r->o->base, &n, &last) == NULL &&
		    last > largest)
			largest = last;
	l->at = 0;
	l->line = 0;
	return schema_add(&r->schema, r->o->part != NULL ? r->o->part : "svm",
	    PART_SPARSE,
	    r->o->dim > 0 ? r->o->dim
			  : (uint32_t)(largest < 0 ? 1 : largest + 1),
	    NULL, NULL, e);
}

/* ---- writing ---- */

/* number_of: what stands for the label: itself where it is a number, or its
 * number among the classes. */
static int
number_of(struct format_writer *w, struct str label, struct error *e)
{
	char text[NUM_MAX];
	uint32_t k;
	int bad;

	if (w->o->classes != NULL) {
		bad = intern_add(w->o->classes, label.s, label.len, &k) == -1 ||
		      buf_put(&w->text, text, num_print_u64(text, k)) == -1;
		return bad ? error_memory(e) : 0;
	}
	if (label.len == 0 || num_scan(label.s, label.len) != label.len)
		return error_set(e,
		    "label '%.*s' is no number (--classes FILE numbers the "
		    "labels)",
		    (int)(label.len < 80 ? label.len : 80), label.s);
	return buf_put(&w->text, label.s, label.len) == -1 ? error_memory(e)
							   : 0;
}

static int
put_labels(
    struct format_writer *w, const struct batch *b, size_t i, struct error *e)
{
	size_t first, n = batch_range(b->label_end, i, &first);
	char text[NUM_MAX];

	if (n == 0 && !isnan(b->target[i]))
		return buf_put(&w->text, text,
			   num_print_double(text, b->target[i])) == -1
			   ? error_memory(e)
			   : 0;
	if (n == 0) {
		/* The format demands a number. */
		w->lost.unlabelled++;
		return buf_putc(&w->text, '0') == -1 ? error_memory(e) : 0;
	}
	if (!isnan(b->target[i]))
		w->lost.n[FIELD_TARGET]++;
	for (size_t k = first; k < first + n; k++) {
		if (k > first && buf_putc(&w->text, ',') == -1)
			return error_memory(e);
		if (number_of(w, strs_get(&b->label, k), e) == -1)
			return -1;
	}
	return 0;
}

static int
put_pair(struct format_writer *w, uint32_t index, float value)
{
	char text[2 * NUM_MAX + 2] = " ";
	size_t n = 1 + num_print_u64(text + 1, (uint64_t)index + w->o->base);

	text[n++] = ':';
	n += num_print_float(text + n, value);
	return buf_put(&w->text, text, n);
}

static int
put_values(struct format_writer *w, const struct batch *b, size_t i)
{
	const struct part_column *c = &b->parts[0];
	uint32_t dim = b->schema->parts[0].dim;
	size_t first, n;
	int bad = 0;

	if (!c->mask[i])
		return 0;
	if (b->schema->parts[0].kind == PART_DENSE) {
		const float *x = c->dense + i * dim;

		for (uint32_t k = 0; k < dim; k++)
			if (x[k] < 0 || x[k] > 0)
				bad |= put_pair(w, k, x[k]);
		return bad;
	}
	n = batch_range(c->end, i, &first);
	for (size_t k = first; k < first + n; k++)
		bad |= put_pair(w, c->index[k], c->value[k]);
	return bad;
}

static int
put_line(
    struct format_writer *w, const struct batch *b, size_t i, struct error *e)
{
	struct str id = strs_get(&b->id, i);

	if (put_labels(w, b, i, e) == -1)
		return error_at(e, "record '%.*s'", (int)id.len, id.s);
	if (put_values(w, b, i) == -1 || buf_puts(&w->text, " # ") == -1 ||
	    buf_put(&w->text, id.s, id.len) == -1 ||
	    buf_putc(&w->text, '\n') == -1)
		return error_memory(e);
	return format_put_text(w, e);
}

int
format_create_svmlight(struct format_writer *w, struct error *e)
{
	w->holds = 1 << FIELD_ID | 1 << FIELD_LABEL | 1 << FIELD_LABELS |
		   1 << FIELD_TARGET;
	w->put = put_line;
	if (w->o->missing == MISSING_NAN)
		return error_set(
		    e, "--missing nan: svmlight holds no such values");
	return 0;
}
