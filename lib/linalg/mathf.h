#ifndef LINALG_MATHF_H
#define LINALG_MATHF_H

/*
 * Elementary functions in float32 that give the same bytes on every machine,
 * which libm does not.  The array forms are in struct linalg.  Errors are the
 * largest over all 2^32 arguments, in units of the last place of the exact
 * result, subnormal results included.  NaN in, NaN out.
 */

float mathf_exp(float x);
float mathf_log(float x); /* x < 0: NaN; 0: -inf */
float mathf_tanh(float x);
float mathf_erf(float x);

/* mathf_sigmoid: 1 / (1 + exp(-x)). */
float mathf_sigmoid(float x);

/* mathf_gelu: x * normal_cdf(x), the exact one. */
float mathf_gelu(float x);

/* mathf_softplus: log(1 + exp(x)), the loss of a logistic unit. */
float mathf_softplus(float x);

/* mathf_atan2: the angle of the point (x, y) in [-pi, pi], signs of zero as
 * in C. */
float mathf_atan2(float y, float x);

#endif
