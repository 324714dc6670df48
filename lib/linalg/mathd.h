#ifndef LINALG_MATHD_H
#define LINALG_MATHD_H

/*
 * Elementary functions in double that give the same bytes on every machine,
 * which libm does not.  Errors are in units of the last place of the exact
 * result (ulp), the largest found by tests/check_mathd.c.  NaN in, NaN out;
 * infinities, zeros and signs as in C.
 */

double mathd_exp(double x);           /* 0.85 ulp */
double mathd_expm1(double x);         /* 1.4 ulp */
double mathd_log(double x);           /* 0.85 ulp; x < 0: NaN; 0: -inf */
double mathd_log1p(double x);         /* 0.85 ulp */
double mathd_pow(double x, double y); /* 0.87 ulp */

/* mathd_sin, mathd_cos: of x in radians, |x| <= 2^20; beyond that, NaN.
 * 0.8 ulp. */
double mathd_sin(double x);
double mathd_cos(double x);

/* mathd_atan2: the angle of the point (x, y) in [-pi, pi].  0.7 ulp. */
double mathd_atan2(double y, double x);

/* mathd_normal_cdf: P(Z <= x) for a standard normal Z; relative accuracy
 * holds in the lower tail too: 8 ulp. */
double mathd_normal_cdf(double x);

/* mathd_normal_quantile: x with normal_cdf(x) = p, 0 <= p <= 1, else NaN.
 * 16 ulp. */
double mathd_normal_quantile(double p);

#endif
