#ifndef LEARN_PREDICTIONS_H
#define LEARN_PREDICTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/intern.h"
#include "base/io.h"
#include "base/json.h"
#include "learn/labels.h"
#include "learn/scores.h"
#include "vec/batch.h"

/*
 * Predictions as predict writes them, one JSON object a line:
 *
 *	{"id":"a1","label":"drama","p":0.8,"truth":"drama","probs":{...}}
 *	{"id":"a2","labels":["x","y"],"truth":["x"],"probs":{...}}
 *	{"id":"a3","value":3.5,"truth":4}
 *	{"id":"a4","label":null,"error":"premature end of JPEG"}
 *
 * and optionally "group":"p7", "train":true (it was among the model's training
 * records), "set":["drama","x"] or "interval":[3,4.5] (where the truth lies
 * with the probability that predict was told; a bound that is null is none),
 * and "rejected":true (the model declined; there is no prediction, and no
 * error).  Other fields are passed over.  All lines of all files
 * must be of one task.  Labels may be written as numbers; they are then the
 * text of the number.
 *
 * Functions return 0 or -1 with a sentence that names file, line and column;
 * the caller owns the struct and frees it with predictions_free, also after a
 * failure.  A zeroed struct is valid and empty.
 */

enum { PREDICTION_MAX_LINE = 64 << 20 }; /* bytes */
#define PREDICTION_NONE UINT32_MAX

enum {
	PREDICTION_ERROR = 1 << 0,   /* there is no prediction */
	PREDICTION_TRAINED = 1 << 1, /* the model has seen this record */
	PREDICTION_TRUTH = 1 << 2,   /* the truth is known */
	PREDICTION_REJECTED = 1 << 3,
	PREDICTION_SET = 1 << 4 /* a set or an interval is given */
};

/* Numbers of names are those of predictions.name. */
struct prediction {
	unsigned flags;
	uint32_t guess;  /* class, or PREDICTION_NONE */
	uint32_t group;  /* number in predictions.group, or _NONE */
	double p;        /* of the guess, NaN where it is not given */
	double value;    /* regression */
	double target;   /* its truth */
	double lo, hi;   /* the interval, infinite where it is open */
	size_t said_end; /* multilabel: labels up to and with this record */
	size_t prob_end;
	size_t set_end;
	size_t truth, truths; /* truth_name[truth .. truth + truths) */
};

struct predictions {
	int known; /* the task is known: some line had one */
	enum score_task task;
	struct intern id;   /* row i has the id of number i */
	struct intern name; /* classes or labels, guessed and true */
	struct intern group;
	struct prediction *rows; /* [id.names.n] */
	uint32_t *said;          /* names */
	uint32_t *prob_name;
	double *prob;
	uint32_t *set; /* names */
	uint32_t *truth_name;
	size_t nsaid, nprob, nset, ntruth;
	size_t rows_cap, said_cap, prob_name_cap, prob_cap, set_cap, truth_cap;
};

/* predictions_read: add the lines of a file ("-": standard input). */
int predictions_read(struct predictions *p, const char *path, struct error *e);

/* predictions_parse: the same from an open reader. */
int predictions_parse(
    struct predictions *p, struct reader *in, struct error *e);

/*
 * predictions_add: one more, that is made here and not read.  The task is set
 * and the C names are those of the classes, before the first.
 *   P: [C] probabilities of classes or labels; regression: the value; NULL with
 *   PREDICTION_ERROR among the flags
 *   threshold: [C] from which probability on a label is said; NULL: 0.5
 */
int predictions_add(struct predictions *p, struct str id, struct str group,
    unsigned flags, const float *P, size_t C, const float *threshold,
    struct error *e);

/*
 * The truth from elsewhere, in place of what the lines say.
 * predictions_labels: from a labels file; a record that it does not know has
 * no truth then.  predictions_batch: from records of a stream, labels and
 * targets, and groups where the record has one; *strange counts records
 * without a prediction.  For a regression a label must be a number.
 */
int predictions_labels(
    struct predictions *p, const struct labels *l, struct error *e);
int predictions_batch(struct predictions *p, const struct batch *b,
    uint64_t *strange, struct error *e);

/* predictions_forget: no record has a truth. */
void predictions_forget(struct predictions *p);

/* predictions_said, _probs, _set: slots of row i in said, prob, set are
 * [*first, *first + n) where n is the result. */
static inline size_t
predictions_said(const struct predictions *p, size_t i, size_t *first)
{
	*first = i > 0 ? p->rows[i - 1].said_end : 0;
	return p->rows[i].said_end - *first;
}

static inline size_t
predictions_probs(const struct predictions *p, size_t i, size_t *first)
{
	*first = i > 0 ? p->rows[i - 1].prob_end : 0;
	return p->rows[i].prob_end - *first;
}

static inline size_t
predictions_set(const struct predictions *p, size_t i, size_t *first)
{
	*first = i > 0 ? p->rows[i - 1].set_end : 0;
	return p->rows[i].set_end - *first;
}

void predictions_free(struct predictions *p);

#endif
