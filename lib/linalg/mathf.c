#include "linalg/mathf.h"

#include "linalg/simd_portable.h"

#include "linalg/mathf_kernels.h"

float
mathf_exp(float x)
{
	return exp_f(x);
}

float
mathf_log(float x)
{
	return log_f(x);
}

float
mathf_tanh(float x)
{
	return tanh_f(x);
}

float
mathf_erf(float x)
{
	return erf_f(x);
}

float
mathf_sigmoid(float x)
{
	return sigmoid_f(x);
}

float
mathf_gelu(float x)
{
	return gelu_f(x);
}

float
mathf_softplus(float x)
{
	return softplus_f(x);
}

float
mathf_atan2(float y, float x)
{
	return atan2_f(y, x);
}
