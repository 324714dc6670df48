#ifndef FUSION_ANSWERS_H
#define FUSION_ANSWERS_H

#include "base/mem.h"
#include "fusion/predictor.h"

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
 * trained on it, "missing":["image"] where parts of the model are missing; or
 *tab-separated: id, label (labels joined by commas, or the value), p, truth,
 *error.
 */

struct answer {
	const struct predictor *predictor;
	const struct batch *batch;
	const int *map; /* [parts of the model] as predictor_bind made it */
	size_t record;
	const float *P;    /* [C] after predictor_link, or NULL: an error */
	const char *error; /* when P is NULL */
	size_t most;       /* how many probs are written, highest first;
			    * 0: all, in the order of the classes */
};

/* answer_jsonl, answer_tsv: append the line to ${out}.  0, or -1 when memory
 * is out. */
int answer_jsonl(struct buf *out, const struct answer *a);
int answer_tsv(struct buf *out, const struct answer *a);

/* answer_tsv_header: the line of names. */
int answer_tsv_header(struct buf *out);

/* answer_best: the class of the highest probability, the first of equals. */
size_t answer_best(const float *P, size_t C);

#endif
