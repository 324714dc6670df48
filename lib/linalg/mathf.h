#ifndef LINALG_MATHF_H
#define LINALG_MATHF_H

/*
 * Elementary functions in float32 that give the same bytes on every machine,
 * which libm does not.  The array forms are in struct linalg.  Errors are the
 * largest over all 2^32 arguments, in units of the last place of the exact
 * result (ulp), subnormal results included.  NaN in, NaN out.
 */

float mathf_exp(float x);  /* 1.02 ulp */
float mathf_log(float x);  /* 0.93 ulp; x < 0: NaN; 0: -inf */
float mathf_tanh(float x); /* 1.07 ulp */
float mathf_erf(float x);  /* 1.41 ulp */

/* mathf_sigmoid: 1 / (1 + exp(-x)).  2.41 ulp. */
float mathf_sigmoid(float x);

/* mathf_gelu: x * normal_cdf(x), the exact one.  5.68 ulp, far below 0 too. */
float mathf_gelu(float x);

/* mathf_softplus: log(1 + exp(x)), the loss of a logistic unit.  1.78 ulp. */
float mathf_softplus(float x);

/* mathf_atan2: the angle of the point (x, y) in [-pi, pi], signs of zero as
 * in C.  1.6 ulp, the largest found by tests/check_mathf.c. */
float mathf_atan2(float y, float x);

#endif
