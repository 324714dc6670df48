#ifndef FUSION_CONFORMAL_H
#define FUSION_CONFORMAL_H

#include <stddef.h>

/*
 * Sets of answers that hold the truth as often as was asked for, whatever the
 * model (split conformal prediction: Vovk, Gammerman and Shafer 2005; Lei et
 * al. 2018, https://arxiv.org/abs/1604.04173), from how doubtful the truth was
 * in records that the model had not seen.
 *
 *	doubt     class: 1 - p of the true class; multilabel: of the least
 *	          likely true label; regression: |truth - value|
 *	q         the ceil((k + 1) P)-th smallest of k doubts; infinite where
 *	          there is none of that number
 *	the set   class, multilabel: all whose doubt is at most q, and always
 *	          what is said; regression: value - q to value + q
 */

/* conformal_doubt: of an answer that has probability p. */
float conformal_doubt(float p);

/* conformal_quantile: q, of doubts that rise: [k]. */
float conformal_quantile(const float *doubt, size_t k, double P);

#endif
