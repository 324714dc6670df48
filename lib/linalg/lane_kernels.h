#ifndef LINALG_LANE_KERNELS_H
#define LINALG_LANE_KERNELS_H

/*
 * LANE ORDER: as many vectors as make 16 lanes, and their fold, in the words of
 * a simd_*.h that is included before.
 */

enum { LANES = 16, LF = LANES / VF_N };

static inline float
fold_f(const vf *acc)
{
	float lane[LANES];

	for (int i = 0; i < LF; i++)
		vf_store(lane + i * VF_N, acc[i]);
	for (int h = LANES / 2; h > 0; h /= 2)
		for (int i = 0; i < h; i++)
			lane[i] += lane[i + h];
	return lane[0];
}

/* The elements of one vector from i on: n is the length of the array. */
static inline size_t
span_f(size_t n, size_t i)
{
	return n - i < VF_N ? n - i : VF_N;
}

#endif
