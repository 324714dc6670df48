#include "fusion/conformal.h"

#include <math.h>

float
conformal_doubt(float p)
{
	return (float)(1 - (double)p);
}

float
conformal_quantile(const float *doubt, size_t k, double P)
{
	/* (k + 1) P may come out a rounding above a whole number. */
	double rank = ceil((double)(k + 1) * P * (1 - 1e-12));

	if (rank < 1)
		rank = 1;
	return rank > (double)k ? INFINITY : doubt[(size_t)rank - 1];
}
