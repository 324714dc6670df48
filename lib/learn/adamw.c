#include "learn/adamw.h"

#include <math.h>

#include "linalg/mathd.h"

#define BETA1 0.9
#define BETA2 0.999

struct adamw
adamw_step(double lr, size_t t)
{
	double c1 = 1 - mathd_pow(BETA1, (double)t);
	double c2 = 1 - mathd_pow(BETA2, (double)t);

	return (
	    struct adamw){ (float)(lr / c1), (float)(1 / sqrt(c2)), (float)lr };
}

void
adamw_update(const struct adamw *a, float decay, float *restrict w,
    float *restrict m, float *restrict v, const float *restrict g, size_t n)
{
	const float k1 = (float)(1 - BETA1), b2 = (float)BETA2;
	const float k2 = (float)(1 - BETA2), eps = 1e-8f;
	float keep = 1 - a->lr * decay, rate = a->rate, root = a->root;

	for (size_t i = 0; i < n; i++) {
		m[i] += k1 * (g[i] - m[i]);
		v[i] = b2 * v[i] + k2 * (g[i] * g[i]);
		w[i] = keep * w[i] - rate * (m[i] / (sqrtf(v[i]) * root + eps));
	}
}

double
adamw_rate(double lr, size_t t, size_t warm, size_t total)
{
	double pi = 3.14159265358979323846;

	if (t < warm)
		return lr * (double)(t + 1) / (double)warm;
	if (t >= total)
		return 0;
	return lr * 0.5 *
	       (1 +
		   mathd_cos(pi * (double)(t - warm) / (double)(total - warm)));
}
