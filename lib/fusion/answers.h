#ifndef FUSION_ANSWERS_H
#define FUSION_ANSWERS_H

#include "base/mem.h"
#include "fusion/neighbours.h"
#include "fusion/occlusion.h"
#include "fusion/predictor.h"
#include "fusion/shapley.h"

/*
 * Predictions as text, one line a record:
 *
 *	{"id":"a1","label":"drama","p":0.8,"truth":"comedy",
 *	    "probs":{"comedy":0.2,"drama":0.8}}
 *	{"id":"a2","labels":["x"],"truth":["x","y"],"probs":{...}}
 *	{"id":"a3","value":3.5,"truth":4}
 *	{"id":"a4","label":null,"error":"image: premature end of JPEG"}
 *
 * with "group" where the record has one, "train":true where the model was
 * trained on it, "missing":["image"] where parts of the model are missing,
 * "imputed":["image"] where the model guessed them; and where it was asked for
 *
 *	"set":["comedy","drama"], "interval":[3,4]     conformal.h; a bound
 *	                                               that is null is none
 *	"label":null,"rejected":true                   too little is likely
 *	"why":{"base":-1.2,"text":0.8,"image":1.3}     shapley.h; of labels
 *	                                               {"x":{...},...}
 *	"near":[{"id":"b7","cosine":0.9},...]          neighbours.h
 *
 * and of occluded parts
 *
 *	"pieces":{"text":[{"from":0,"to":4,"share":0.5},...]}  occlusion.h
 *
 * or tab-separated: id, label (labels joined by commas, or the value), p,
 * truth, error, and then for each thing that was asked for: set, or lo and hi;
 * rejected; imputed, of a model that guesses; why.base and why.PART for each
 * part; near and cosine, joined by commas.
 */

enum { /* what was asked for */
	ANSWER_COVER = 1 << 0,
	ANSWER_REJECT = 1 << 1,
	ANSWER_WHY = 1 << 2,
	ANSWER_NEAR = 1 << 3
};

struct answer {
	const struct predictor *predictor;
	const struct batch *batch;
	const int *map; /* [parts of the model] as predictor_bind made it */
	size_t record;
	const float *P;    /* [C] after predictor_link, or NULL: an error */
	const char *error; /* when P is NULL */
	size_t most;       /* how many probs are written, highest first;
			    * 0: all, in the order of the classes */
	uint64_t filled;   /* parts that were guessed */
	unsigned asked;
	float q;                  /* _COVER: the largest doubt that is in */
	double reject;            /* _REJECT: class: the least p */
	const struct shares *why; /* _WHY, and which record of it */
	size_t why_record;
	const struct occlusion *without; /* of occluded parts, or NULL */
	size_t without_record;
	const struct neighbours *neighbours; /* _NEAR */
	const uint32_t *near;                /* [found] */
	const float *cosine;                 /* [found] */
	size_t found;
};

/* answer_jsonl, answer_tsv: append the line to ${out}.  0, or -1 when memory
 * is out. */
int answer_jsonl(struct buf *out, const struct answer *a);
int answer_tsv(struct buf *out, const struct answer *a);

/* answer_tsv_header: the line of names, for answers of this model of which so
 * much is asked. */
int answer_tsv_header(
    struct buf *out, const struct predictor *p, unsigned asked);

/*
 * As vectors: answer_schema: a dense part 'probs', with the classes as names of
 * its columns, or 'value'; _COVER: 'set', zeros and ones, or 'interval', lo and
 * hi; _WHY: 'why', base and the parts.  hash: what the space says of the model.
 * The shares of several labels are refused; _REJECT and _NEAR are not there.
 * answer_batch: append the record, with what it carries but its vectors.
 */
int answer_schema(struct schema *to, const struct predictor *p, unsigned asked,
    uint64_t hash, struct error *e);
int answer_batch(struct batch *to, const struct answer *a, struct error *e);

/* answer_said: whether class or label c is said.  answer_in_set: whether it is
 * in the set.  answer_rejected: whether nothing is said for want of
 * probability. */
int answer_said(const struct answer *a, size_t c);
int answer_in_set(const struct answer *a, size_t c);
int answer_rejected(const struct answer *a);

/* answer_interval: lo and hi of a regression; 0 when there is none. */
int answer_interval(const struct answer *a, float *lo, float *hi);

/* answer_share: the number as it is written: log-odds to 1e-7. */
int answer_share(struct buf *out, const struct predictor *p, double share);

#endif
