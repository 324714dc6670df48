#ifndef FUSION_ASKING_H
#define FUSION_ASKING_H

#include "base/pool.h"
#include "fusion/answers.h"

/*
 * A model asked about records, batch after batch, by all workers of a pool:
 * probabilities, and what else is wanted.  Answers do not depend on the number
 * of workers, nor on how records are spread over batches.
 *
 * Functions return 0 or -1 with a sentence.
 */

struct question {
	unsigned asked;         /* ANSWER_... */
	double cover;           /* _COVER: how often the truth is in the set */
	double reject;          /* _REJECT */
	size_t near;            /* _NEAR: how many */
	const char *neighbours; /* and the stream they are chosen from */
	size_t most;            /* probs, as in struct answer */
	/* NULL: predictor_link. */
	void (*link)(const void *ctx, float *F, size_t n);
	const void *ctx;
};

struct asking; /* opaque */

/* asking_new: of streams with this schema.  Everything is borrowed.  Refuses
 * what the model cannot answer.  Of occluded parts (vec/occlude.h), unless
 * there is a link, answers say what each piece contributes. */
struct asking *asking_new(const struct predictor *p, const struct linalg *la,
    struct pool *pool, const struct schema *s, const struct question *q,
    struct error *e);
void asking_free(struct asking *a); /* NULL is fine */

/* asking_map: [parts of the model] as predictor_bind made it. */
const int *asking_map(const struct asking *a);

/* asking_batch: about all records of it. */
int asking_batch(struct asking *a, const struct batch *b, struct error *e);

/* asking_answer: about record i of that batch; why: where the sentence of one
 * that cannot be predicted goes.  Both are valid until the next batch. */
void asking_answer(
    const struct asking *a, size_t i, struct answer *to, struct error *why);

#endif
