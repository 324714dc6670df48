#include "fuzz.h"
#include "vec/model.h"

/* What is taken lies inside the file, end to end, and its bytes are there. */
static void
fuzz_one(const unsigned char *data, size_t n)
{
	struct error e = { 0 };
	struct model m;
	uint64_t sum = 0;
	size_t total = 0;

	if (model_read(&m, data, n, &e) < 0) {
		FUZZ_MUST(e.text[0] != '\0');
		return;
	}
	for (size_t i = 0; i < m.n; i++) {
		const struct tensor *t = &m.tensors[i];
		const unsigned char *p = t->data;
		uint64_t shape[TENSOR_MAX_RANK] = { 0 };

		FUZZ_MUST(model_find(&m, t->name) == t);
		FUZZ_MUST(
		    (model_tensor(&m, t->name, t->type, t->rank, shape, NULL) !=
			NULL) == ((uintptr_t)p % tensor_size(t->type) == 0));
		for (size_t k = 0; k < t->bytes; k++)
			sum += p[k];
		total += t->bytes;
	}
	FUZZ_MUST(total <= n);
	FUZZ_MUST(sum <= 255 * (uint64_t)total);
	model_close(&m);
}
