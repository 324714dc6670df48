#include "learn/predictions.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/utf8.h"

/* One line while it is read: where its values stand in the text, because the
 * task is known only at its end. */
struct line {
	struct str id, label, labels, value, p, probs, truth, group;
	int trained, failed;
};

static int
name_number(
    struct predictions *p, struct str s, uint32_t *number, struct error *e)
{
	if (utf8_valid(s.s, s.len) != s.len)
		return error_set(e, "a label is not UTF-8");
	if (s.len == 0 || s.len > VEC_MAX_STRING)
		return error_set(e, "a label has %zu bytes, not 1 to %d", s.len,
		    VEC_MAX_STRING);
	if (intern_add(&p->name, s.s, s.len, number) < 0)
		return error_memory(e);
	return 0;
}

/* A label: a string, or a number as it is written. */
static int
read_text(struct json *j, struct str *s)
{
	return json_peek(j) == JSON_NUMBER ? json_raw(j, s) : json_str(j, s);
}

static int
read_name(
    struct predictions *p, struct json *j, uint32_t *number, struct error *e)
{
	struct str s;

	if (read_text(j, &s) < 0)
		return json_error(j, e);
	return name_number(p, s, number, e);
}

static int
add_said(struct predictions *p, uint32_t name, struct error *e)
{
	if (mem_grow(&p->said, &p->said_cap, p->nsaid + 1, sizeof(*p->said)) <
	    0)
		return error_memory(e);
	p->said[p->nsaid++] = name;
	return 0;
}

static int
add_truth(struct predictions *p, struct prediction *row, uint32_t name,
    struct error *e)
{
	if (mem_grow(&p->truth_name, &p->truth_cap, p->ntruth + 1,
		sizeof(*p->truth_name)) < 0)
		return error_memory(e);
	p->truth_name[p->ntruth++] = name;
	row->truths++;
	return 0;
}

static int
add_prob(struct predictions *p, uint32_t name, double prob, struct error *e)
{
	/* Sums of rounded floats pass one by a little. */
	if (!(prob >= 0 && prob <= 1 + 1e-5))
		return error_set(e, "a probability is not within 0..1");
	if (mem_grow(&p->prob_name, &p->prob_name_cap, p->nprob + 1,
		sizeof(*p->prob_name)) < 0 ||
	    mem_grow(&p->prob, &p->prob_cap, p->nprob + 1, sizeof(*p->prob)) <
		0)
		return error_memory(e);
	p->prob_name[p->nprob] = name;
	p->prob[p->nprob++] = prob < 1 ? prob : 1;
	return 0;
}

/* The truth as a number. */
static int
target_of(struct str s, double *target, struct error *e)
{
	double x = 0;

	if (s.len == 0 || num_read_double(s.s, s.len, &x) != s.len ||
	    !isfinite(x))
		return error_set(e, "the truth '%.*s' is not a number",
		    (int)(s.len < 100 ? s.len : 100), s.s);
	*target = x;
	return 0;
}

/* One true value, from wherever it comes. */
static int
true_value(struct predictions *p, struct prediction *row, struct str s,
    struct error *e)
{
	uint32_t name;

	if (p->task == SCORE_REGRESS) {
		row->flags |= PREDICTION_TRUTH;
		return target_of(s, &row->target, e);
	}
	if (name_number(p, s, &name, e) < 0)
		return -1;
	row->flags |= PREDICTION_TRUTH;
	return add_truth(p, row, name, e);
}

/* Only a multi-label record has several true values. */
static int
check_truths(const struct predictions *p, size_t values, struct error *e)
{
	if (p->task == SCORE_MULTILABEL || values <= 1)
		return 0;
	return error_set(
	    e, "%zu true values where the prediction is one", values);
}

static int
read_truth(struct predictions *p, struct prediction *row, struct json *j,
    struct str text, struct error *e)
{
	size_t values = 0;
	struct str s;

	row->truth = p->ntruth;
	json_init(j, text.s, text.len);
	if (json_peek(j) == JSON_NULL)
		return 0;
	if (json_peek(j) != JSON_ARRAY) {
		if (read_text(j, &s) < 0)
			return json_error(j, e);
		return true_value(p, row, s, e);
	}
	json_array(j);
	if (p->task == SCORE_MULTILABEL)
		row->flags |= PREDICTION_TRUTH;
	for (; json_array_next(j) > 0; values++) {
		if (read_text(j, &s) < 0)
			break;
		if (true_value(p, row, s, e) < 0)
			return -1;
	}
	if (json_end(j) < 0)
		return json_error(j, e);
	return check_truths(p, values, e);
}

static int
read_probs(
    struct predictions *p, struct json *j, struct str text, struct error *e)
{
	struct str key;
	uint32_t name;
	double x;

	json_init(j, text.s, text.len);
	if (json_peek(j) == JSON_NULL)
		return 0;
	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (name_number(p, key, &name, e) < 0)
			return -1;
		if (json_double(j, &x) < 0)
			break;
		if (add_prob(p, name, x, e) < 0)
			return -1;
	}
	return json_end(j) < 0 ? json_error(j, e) : 0;
}

static int
read_said(
    struct predictions *p, struct json *j, struct str text, struct error *e)
{
	uint32_t name;

	json_init(j, text.s, text.len);
	json_array(j);
	while (json_array_next(j) > 0)
		if (read_name(p, j, &name, e) < 0 || add_said(p, name, e) < 0)
			return -1;
	return json_end(j) < 0 ? json_error(j, e) : 0;
}

/* Which task the line is of, from the field that holds the prediction. */
static int
settle_task(struct predictions *p, const struct line *l, struct error *e)
{
	int kinds =
	    (l->label.s != NULL) + (l->labels.s != NULL) + (l->value.s != NULL);
	enum score_task task = l->labels.s != NULL  ? SCORE_MULTILABEL
			       : l->value.s != NULL ? SCORE_REGRESS
						    : SCORE_CLASS;

	if (kinds != 1)
		return error_set(e,
		    kinds == 0
			? "no prediction (label, labels or value) and no error"
			: "more than one of label, labels and value");
	if (p->known && p->task != task)
		return error_set(e, "the lines are of different tasks");
	p->known = 1;
	p->task = task;
	return 0;
}

static int
read_number(struct json *j, struct str text, double *x, struct error *e)
{
	json_init(j, text.s, text.len);
	if (json_peek(j) == JSON_NULL)
		return 0;
	json_double(j, x);
	return json_end(j) < 0 ? json_error(j, e) : 0;
}

/* Take what the line says into the last row. */
static int
fill_row(struct predictions *p, struct prediction *row, struct json *j,
    const struct line *l, struct error *e)
{
	if (l->failed) {
		row->flags |= PREDICTION_ERROR;
		return 0;
	}
	if (settle_task(p, l, e) < 0)
		return -1;
	if (l->label.s != NULL) {
		json_init(j, l->label.s, l->label.len);
		if (read_name(p, j, &row->guess, e) < 0)
			return -1;
	}
	if (l->labels.s != NULL && read_said(p, j, l->labels, e) < 0)
		return -1;
	if (l->value.s != NULL && read_number(j, l->value, &row->value, e) < 0)
		return -1;
	if (l->p.s != NULL && read_number(j, l->p, &row->p, e) < 0)
		return -1;
	if (!isnan(row->p) && !(row->p >= 0 && row->p <= 1 + 1e-5))
		return error_set(e, "a probability is not within 0..1");
	if (l->probs.s != NULL && read_probs(p, j, l->probs, e) < 0)
		return -1;
	if (l->truth.s != NULL && read_truth(p, row, j, l->truth, e) < 0)
		return -1;
	return 0;
}

/* A string or a number as written, into text. */
static int
take_string(struct json *j, struct buf *text)
{
	struct str s;

	text->len = 0;
	if (json_peek(j) != JSON_NUMBER)
		return json_string(j, text);
	if (json_raw(j, &s) < 0)
		return -1;
	return buf_put(text, s.s, s.len) < 0 ? json_memory(j) : 0;
}

/* Step over a null; 1 when there was one. */
static int
take_null(struct json *j)
{
	return json_peek(j) == JSON_NULL && json_null(j) == 0;
}

/* Find the fields of the line. */
static int
split_line(struct json *j, struct line *l, struct buf *id, struct buf *group,
    int *has_id)
{
	const struct {
		const char *key;
		struct str *raw;
	} fields[] = {
		{ "label", &l->label },
		{ "labels", &l->labels },
		{ "value", &l->value },
		{ "p", &l->p },
		{ "probs", &l->probs },
		{ "truth", &l->truth },
	};
	struct str key;
	size_t i;

	if (json_object(j) < 0)
		return -1;
	while (json_object_next(j, &key) > 0) {
		for (i = 0; i < 6; i++)
			if (str_is(key, fields[i].key))
				break;
		if (i < 3 && take_null(j)) {
			l->failed = 1;
		} else if (i < 6) {
			json_raw(j, fields[i].raw);
		} else if (str_is(key, "id")) {
			*has_id = take_string(j, id) == 0;
		} else if (str_is(key, "group")) {
			if (!take_null(j))
				take_string(j, group);
		} else if (str_is(key, "train")) {
			if (!take_null(j))
				json_bool(j, &l->trained);
		} else if (str_is(key, "error") || str_is(key, "errors")) {
			if (!take_null(j)) {
				l->failed = 1;
				json_skip(j);
			}
		} else if (str_is(key, "vec")) {
			return json_refuse(
			    j, "a vector, where predictions are wanted");
		} else {
			json_skip(j);
		}
	}
	return json_end(j);
}

/* What reading needs again and again. */
struct scratch {
	struct json line, value;
	struct buf text, id, group;
};

static int
add_line(struct predictions *p, struct scratch *t, struct error *e)
{
	struct line l = { 0 };
	struct prediction *row;
	uint32_t number;
	int rc, has_id = 0;

	t->id.len = t->group.len = 0;
	json_init(&t->line, t->text.data, t->text.len);
	if (split_line(&t->line, &l, &t->id, &t->group, &has_id) < 0)
		return json_error(&t->line, e);
	if (!has_id)
		return error_set(e, "no id");
	if (batch_check_id(t->id.data, t->id.len, e) < 0)
		return -1;
	if (mem_grow(&p->rows, &p->rows_cap, p->id.names.n + 1,
		sizeof(*p->rows)) < 0)
		return error_memory(e);
	if ((rc = intern_add(&p->id, t->id.data, t->id.len, &number)) < 0)
		return error_memory(e);
	if (rc == 0)
		return error_set(
		    e, "id '%.*s' came before", (int)t->id.len, t->id.data);
	row = &p->rows[number];
	*row = (struct prediction){ .guess = PREDICTION_NONE,
		.group = PREDICTION_NONE,
		.p = (double)NAN,
		.value = (double)NAN,
		.target = (double)NAN };
	if (l.trained)
		row->flags |= PREDICTION_TRAINED;
	if (t->group.len > 0 &&
	    intern_add(&p->group, t->group.data, t->group.len, &row->group) < 0)
		return error_memory(e);
	rc = fill_row(p, row, &t->value, &l, e);
	row->said_end = p->nsaid;
	row->prob_end = p->nprob;
	return rc;
}

static int
blank(const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++)
		if (strchr(" \t\r", text->data[i]) == NULL)
			return 0;
	return 1;
}

int
predictions_parse(struct predictions *p, struct reader *in, struct error *e)
{
	struct scratch t = { 0 };
	uint64_t line = 0;
	int rc;

	while ((rc = io_read_line(in, &t.text, PREDICTION_MAX_LINE, NULL, e)) >
	       0) {
		line++;
		if (rc == 2)
			rc = error_set(
			    e, "longer than %d bytes", PREDICTION_MAX_LINE);
		else if (!blank(&t.text))
			rc = add_line(p, &t, e);
		if (rc < 0) {
			error_at(e, "line %" PRIu64, line);
			break;
		}
	}
	if (rc < 0)
		error_at(e, "'%s'", in->name);
	json_free(&t.line);
	json_free(&t.value);
	buf_free(&t.text);
	buf_free(&t.id);
	buf_free(&t.group);
	return rc;
}

int
predictions_read(struct predictions *p, const char *path, struct error *e)
{
	struct reader in = { 0 };
	int rc;

	if (io_open(&in, path, e) < 0)
		return -1;
	rc = predictions_parse(p, &in, e);
	io_close(&in);
	return rc;
}

void
predictions_forget(struct predictions *p)
{
	for (size_t i = 0; i < p->id.names.n; i++) {
		p->rows[i].flags &= ~(unsigned)PREDICTION_TRUTH;
		p->rows[i].truths = 0;
		p->rows[i].target = (double)NAN;
	}
	p->ntruth = 0;
}

/* The labels c[first .. first + n) are the truth of row i. */
static int
set_truth(struct predictions *p, size_t i, const struct strs *c, size_t first,
    size_t n, struct error *e)
{
	struct prediction *row = &p->rows[i];
	struct str id = intern_get(&p->id, i);

	if (row->flags & PREDICTION_ERROR)
		return 0;
	row->truth = p->ntruth;
	row->truths = 0;
	row->flags &= ~(unsigned)PREDICTION_TRUTH;
	if (p->task == SCORE_MULTILABEL)
		row->flags |= PREDICTION_TRUTH;
	if (check_truths(p, n, e) < 0)
		return error_at(e, "record '%.*s'", (int)id.len, id.s);
	for (size_t k = 0; k < n; k++)
		if (true_value(p, row, strs_get(c, first + k), e) < 0)
			return error_at(e, "record '%.*s'", (int)id.len, id.s);
	return 0;
}

int
predictions_labels(
    struct predictions *p, const struct labels *l, struct error *e)
{
	predictions_forget(p);
	for (size_t i = 0; i < p->id.names.n; i++) {
		size_t first;
		int64_t n = labels_of(l, intern_get(&p->id, i), &first);

		if (n >= 0 &&
		    set_truth(p, i, &l->label, first, (size_t)n, e) < 0)
			return -1;
	}
	return 0;
}

int
predictions_batch(struct predictions *p, const struct batch *b,
    uint64_t *strange, struct error *e)
{
	for (size_t r = 0; r < b->n; r++) {
		struct str id = strs_get(&b->id, r), group;
		int64_t i = intern_find(&p->id, id.s, id.len);
		size_t first, n = batch_range(b->label_end, r, &first);
		struct prediction *row;

		if (i < 0) {
			(*strange)++;
			continue;
		}
		row = &p->rows[i];
		group = strs_get(&b->group, r);
		if (group.len > 0 &&
		    intern_add(&p->group, group.s, group.len, &row->group) < 0)
			return error_memory(e);
		if (p->task == SCORE_REGRESS && n == 0) {
			row->target = b->target[r];
			if (!isnan(row->target))
				row->flags |= PREDICTION_TRUTH;
			continue;
		}
		if (n > 0 &&
		    set_truth(p, (size_t)i, &b->label, first, n, e) < 0)
			return -1;
	}
	return 0;
}

void
predictions_free(struct predictions *p)
{
	intern_free(&p->id);
	intern_free(&p->name);
	intern_free(&p->group);
	free(p->rows);
	free(p->said);
	free(p->prob_name);
	free(p->prob);
	free(p->truth_name);
	memset(p, 0, sizeof(*p));
}
