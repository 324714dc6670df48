#include "learn/predictions_impl.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One line while it is read: where its values stand in the text, because the
 * task is known only at its end. */
struct line {
	struct str label, labels, value, p, probs, truth, set, interval;
	int null, trained, failed, rejected; /* null: the prediction is */
};

enum { FIELDS = 8, ANSWERS = 3 }; /* of a line; the first are predictions */

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
	return predictions_name(p, s, number, e);
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
		return predictions_true(p, row, s, e);
	}
	json_array(j);
	if (p->task == SCORE_MULTILABEL)
		row->flags |= PREDICTION_TRUTH;
	for (; json_array_next(j) > 0; values++) {
		if (read_text(j, &s) < 0)
			break;
		if (predictions_true(p, row, s, e) < 0)
			return -1;
	}
	if (json_end(j) < 0)
		return json_error(j, e);
	return predictions_count(p, values, e);
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
		if (predictions_name(p, key, &name, e) < 0)
			return -1;
		if (json_double(j, &x) < 0)
			break;
		if (predictions_prob(p, name, x, e) < 0)
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
		if (read_name(p, j, &name, e) < 0 ||
		    predictions_say(p, name, e) < 0)
			return -1;
	return json_end(j) < 0 ? json_error(j, e) : 0;
}

static int
read_set(struct predictions *p, struct prediction *row, struct json *j,
    struct str text, struct error *e)
{
	uint32_t name;

	json_init(j, text.s, text.len);
	if (json_peek(j) == JSON_NULL)
		return 0;
	if (p->task == SCORE_REGRESS)
		return error_set(e, "a set of labels, of a number");
	json_array(j);
	row->flags |= PREDICTION_SET;
	while (json_array_next(j) > 0)
		if (read_name(p, j, &name, e) < 0 ||
		    predictions_hold(p, name, e) < 0)
			return -1;
	return json_end(j) < 0 ? json_error(j, e) : 0;
}

/* Two bounds; null for one that is not there. */
static int
read_interval(struct predictions *p, struct prediction *row, struct json *j,
    struct str text, struct error *e)
{
	double bound[2] = { -(double)INFINITY, (double)INFINITY };
	int n = 0;

	json_init(j, text.s, text.len);
	if (json_peek(j) == JSON_NULL)
		return 0;
	if (p->task != SCORE_REGRESS)
		return error_set(e, "an interval, of labels");
	for (json_array(j); json_array_next(j) > 0; n++) {
		if (n == 2)
			return error_set(e, "an interval of three bounds");
		if (json_peek(j) == JSON_NULL)
			json_null(j);
		else
			json_double(j, &bound[n]);
	}
	if (json_end(j) < 0)
		return json_error(j, e);
	if (n != 2 || bound[0] > bound[1])
		return error_set(
		    e, n != 2 ? "an interval without two bounds"
			      : "an interval whose bounds are not in order");
	row->flags |= PREDICTION_SET;
	row->lo = bound[0];
	row->hi = bound[1];
	return 0;
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

/* The prediction itself. */
static int
fill_answer(struct predictions *p, struct prediction *row, struct json *j,
    const struct line *l, struct error *e)
{
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
	return l->probs.s != NULL ? read_probs(p, j, l->probs, e) : 0;
}

/* Take what the line says into the last row. */
static int
fill_row(struct predictions *p, struct prediction *row, struct json *j,
    const struct line *l, struct error *e)
{
	if (l->failed || (l->null && !l->rejected)) {
		row->flags |= PREDICTION_ERROR;
		return 0;
	}
	if (settle_task(p, l, e) < 0)
		return -1;
	if (l->rejected)
		row->flags |= PREDICTION_REJECTED;
	else if (fill_answer(p, row, j, l, e) < 0)
		return -1;
	if (l->set.s != NULL && read_set(p, row, j, l->set, e) < 0)
		return -1;
	if (l->interval.s != NULL &&
	    read_interval(p, row, j, l->interval, e) < 0)
		return -1;
	return l->truth.s != NULL ? read_truth(p, row, j, l->truth, e) : 0;
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

/* Step over the value, which means something unless it is null. */
static int
take_some(struct json *j)
{
	return !take_null(j) && json_skip(j) == 0;
}

/* True, false, or null for false. */
static void
take_bool(struct json *j, int *is)
{
	if (!take_null(j))
		json_bool(j, is);
}

/* Find the fields of the line. */
static int
split_line(struct json *j, struct line *l, struct buf *id, struct buf *group,
    int *has_id)
{
	const struct {
		const char *key;
		struct str *raw;
	} fields[FIELDS] = {
		{ "label", &l->label },
		{ "labels", &l->labels },
		{ "value", &l->value },
		{ "p", &l->p },
		{ "probs", &l->probs },
		{ "truth", &l->truth },
		{ "set", &l->set },
		{ "interval", &l->interval },
	};
	struct str key;
	size_t i;

	if (json_object(j) < 0)
		return -1;
	while (json_object_next(j, &key) > 0) {
		for (i = 0; i < FIELDS; i++)
			if (str_is(key, fields[i].key))
				break;
		if (i < FIELDS) {
			l->null |= i < ANSWERS && json_peek(j) == JSON_NULL;
			json_raw(j, fields[i].raw);
		} else if (str_is(key, "id")) {
			*has_id = take_string(j, id) == 0;
		} else if (str_is(key, "group")) {
			if (!take_null(j))
				take_string(j, group);
		} else if (str_is(key, "train")) {
			take_bool(j, &l->trained);
		} else if (str_is(key, "rejected")) {
			take_bool(j, &l->rejected);
		} else if (str_is(key, "error") || str_is(key, "errors")) {
			l->failed |= take_some(j);
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
	int rc, has_id = 0;

	t->id.len = t->group.len = 0;
	json_init(&t->line, t->text.data, t->text.len);
	if (split_line(&t->line, &l, &t->id, &t->group, &has_id) < 0)
		return json_error(&t->line, e);
	if (!has_id)
		return error_set(e, "no id");
	if (batch_check_id(t->id.data, t->id.len, e) < 0)
		return -1;
	row = predictions_row(p, (struct str){ t->id.data, t->id.len },
	    (struct str){ t->group.data, t->group.len }, e);
	if (row == NULL)
		return -1;
	if (l.trained)
		row->flags |= PREDICTION_TRAINED;
	rc = fill_row(p, row, &t->value, &l, e);
	row->said_end = p->nsaid;
	row->prob_end = p->nprob;
	row->set_end = p->nset;
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
