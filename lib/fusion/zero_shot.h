#ifndef FUSION_ZERO_SHOT_H
#define FUSION_ZERO_SHOT_H

#include "fusion/predictor.h"
#include "text/text_model.h"

/*
 * A classifier from words alone: with a pair of towers that were trained to
 * meet (CLIP, SigLIP), a picture belongs to the label whose text lies nearest.
 * The labels' vectors become the weights of a struct predictor, so that all
 * else is as with a trained one.
 *
 *	score of label c = scale * <unit picture, unit text c> + bias
 *	CLIP: softmax over the labels; SigLIP: a sigmoid for each
 *
 * Radford et al. 2021, https://arxiv.org/abs/2103.00020, section 3.1; prompts
 * of one label are averaged as unit vectors, as there.  Zhai et al. 2023,
 * https://arxiv.org/abs/2303.15343.
 */

enum { ZERO_SHOT_LABELS = 100000, ZERO_SHOT_FILE = 64 << 20 };

struct zero_shot_options {
	struct text_model_options model;
	/* One label a line, or label, tab, and the text that stands for it; a
	 * label may come again with another text.  "-": standard input. */
	const char *labels;
	/* [templates] What a label without a text becomes, {} being the label;
	 * none: ZERO_SHOT_TEMPLATE. */
	const char **template;
	size_t templates;
	int independent; /* SigLIP: every label that is likely, not the best */
};

#define ZERO_SHOT_TEMPLATE "a photo of a {}."

struct zero_shot {
	struct predictor predictor; /* of one part; its arrays lie here */
	int sigmoid;                /* the link, instead of the task's */
	uint64_t hash; /* of the labels and all that made their vectors */
	const struct linalg *la;
	float *weight, *bias, *missing, *zero; /* zero: the table's shift */
	double *shift, *factor;
};

/*
 * zero_shot_open(z, o, s, e): embed the labels for the part of ${s} that the
 * same model made of pictures.  0, or -1 with a sentence; zero_shot_free
 * accepts both.
 */
int zero_shot_open(struct zero_shot *z, const struct zero_shot_options *o,
    const struct schema *s, struct error *e);
void zero_shot_free(struct zero_shot *z);

/* zero_shot_unit: bring the vectors of part p of a batch to unit length. */
void zero_shot_unit(const struct zero_shot *z, struct batch *b, int p);

/* zero_shot_link: scores F: [n, C] to probabilities. */
void zero_shot_link(const struct zero_shot *z, float *F, size_t n);

#endif
