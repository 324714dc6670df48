#include <math.h>

#include "fuzz.h"
#include "text/fold.h"
#include "text/ngrams.h"

/* Both ways of folding agree; vectors are of unit length, or nothing. */
static void
fuzz_one(const unsigned char *data, size_t n)
{
	struct ngrams *dense, *sparse;
	struct fold f[2] = { { 0 }, { .plain = 1 } };
	const char *s = (const char *)data;
	const uint32_t *index;
	const float *value;
	float x[64];
	double norm = 0;
	struct error e;
	ptrdiff_t k;
	int some;

	fold_start(&f[0], s, n);
	fold_start(&f[1], s, n);
	if (n < FOLD_CHUNK) {
		FUZZ_MUST(fold_next(&f[0]) == fold_next(&f[1]));
		FUZZ_MUST(f[0].n == f[1].n && f[0].bad == f[1].bad);
		FUZZ_MUST(f[0].n == 0 || memcmp(f[0].out, f[1].out,
					     f[0].n * sizeof(*f[0].out)) == 0);
	}
	fold_free(&f[0]);
	fold_free(&f[1]);
	dense = ngrams_new(64, 0, &e);
	sparse = ngrams_new(1 << 12, 1, &e);
	FUZZ_MUST(dense != NULL && sparse != NULL);
	some = ngrams_dense(dense, s, n, x, &e);
	k = ngrams_sparse(sparse, s, n, &index, &value, &e);
	FUZZ_MUST(some >= 0 && k >= 0);
	for (int i = 0; i < 64; i++)
		norm += (double)x[i] * x[i];
	FUZZ_MUST(some == 0 ? norm == 0 : fabs(norm - 1) < 1e-5);
	norm = 0;
	for (ptrdiff_t i = 0; i < k; i++) {
		FUZZ_MUST(index[i] < 1 << 12);
		FUZZ_MUST(i == 0 || index[i] > index[i - 1]);
		norm += (double)value[i] * value[i];
	}
	FUZZ_MUST(k == 0 ? norm == 0 : fabs(norm - 1) < 1e-5);
	ngrams_free(dense);
	ngrams_free(sparse);
}
