#ifndef LINALG_MATHD_H
#define LINALG_MATHD_H

/*
 * Elementary functions in double that give the same bytes on every machine,
 * which libm does not.  Errors are in units of the last place of the exact
 * result, the largest found by tests/check_mathd.c.  NaN in, NaN out;
 * infinities, zeros and signs as in C.
 */

double mathd_exp(double x);
double mathd_expm1(double x);
double mathd_log(double x); /* x < 0: NaN; 0: -inf */
double mathd_log1p(double x);
double mathd_pow(double x, double y);

/* mathd_sin, mathd_cos: of x in radians, |x| <= 2^20; beyond that, NaN. */
double mathd_sin(double x);
double mathd_cos(double x);

/* mathd_atan2: the angle of the point (x, y) in [-pi, pi]. */
double mathd_atan2(double y, double x);

/* mathd_normal_cdf: P(Z <= x) for a standard normal Z; relative accuracy
 * holds in the lower tail too. */
double mathd_normal_cdf(double x);

/* mathd_normal_quantile: x with normal_cdf(x) = p, 0 <= p <= 1, else NaN. */
double mathd_normal_quantile(double p);

#endif
