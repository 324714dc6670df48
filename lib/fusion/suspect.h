#ifndef FUSION_SUSPECT_H
#define FUSION_SUSPECT_H

#include "base/mem.h"
#include "fusion/trainer.h"
#include "learn/dataset.h"

/*
 * Labels that are likely to be wrong: those that models which had not seen the
 * record do not believe.
 *
 *	n = records, C = classes or labels, p = probabilities out of fold, after
 *	calibration, y = the label that is given
 *
 * A model is surer of some classes than of others, and where it is never sure
 * a low probability says little.  So a probability is compared with what the
 * model gives to records of that class in the mean, the class's
 * self-confidence (confident learning: Northcutt, Jiang and Chuang 2021,
 * https://arxiv.org/abs/1911.00068, equation 2):
 *
 *	t_k = (sum over records with y = k of p_k + t) / (n_k + 1)
 *	doubt = 1 - p_y / t_y
 *
 * where t is the mean self-confidence over all records; it stands for one more
 * record, so that a class of one record has a t_k at all.  Doubt is 1 where
 * nothing speaks for the label, 0 where as much does as in the mean of its
 * class, below 0 where more does.
 *
 * Of several labels, each is a question of its own with the two answers that
 * it is given and that it is not, and the record's doubt is that of its most
 * doubtful label.  Of numbers, the doubt is the distance between the given one
 * and the prediction in robust standard deviations: 1.4826 times the median of
 * these distances.
 *
 * Functions return 0 or -1 with a sentence; suspects_free takes any state.
 */

struct suspect {
	struct str id;
	size_t row;     /* in the dataset and what the trainer kept */
	uint32_t label; /* class: the given one; multilabel: the doubtful one */
	uint32_t says;  /* class: the likeliest */
	int given;      /* multilabel: the record has that label */
	double p;       /* of what is given */
	double says_p;  /* of what the model says */
	double doubt;
};

struct suspects {
	const struct dataset *ds;
	const struct trainer *t;
	struct suspect *list; /* [n] most doubtful first, then by id */
	size_t n;
	double spread; /* regress: the robust standard deviation */
};

/*
 * suspects_find: ${ids} are those of the records, in any order (take them from
 * the dataset before dataset_finish); t ran with ${keep}.  All are borrowed.
 */
int suspects_find(struct suspects *s, const struct dataset *ds,
    const struct trainer *t, const struct intern *ids, struct error *e);
void suspects_free(struct suspects *s);

/*
 * suspect_jsonl, suspect_tsv: append number i as a line.  ${by} is what each
 * part alone says, of those that the record has.  0, or -1 when memory is out.
 *
 *	{"id":"a1","label":"drama","p":0.02,"says":"comedy","says_p":0.9,
 *	    "by":{"text":"comedy","image":"drama"},"doubt":0.97}
 *	{"id":"a2","label":"x","given":true,"p":0.1,"says":false,"says_p":0.9,
 *	    "by":{"text":false},"doubt":0.93}
 *	{"id":"a3","value":3,"says":7.5,"by":{"text":7.1},"doubt":4.2}
 */
int suspect_jsonl(struct buf *out, const struct suspects *s, size_t i);
int suspect_tsv(struct buf *out, const struct suspects *s, size_t i);

/* suspect_tsv_header: the line of names. */
int suspect_tsv_header(struct buf *out, const struct suspects *s);

#endif
