#include "fuzz.h"
#include "learn/labels.h"

/* Every id that is read is found again, with labels within the column. */
static void
fuzz_one(const unsigned char *data, size_t n)
{
	struct buf copy = { 0 };
	struct error e;

	if (buf_put(&copy, data, n) < 0)
		return;
	for (int header = 0; header < 2; header++) {
		struct reader in = { .fd = -1,
			.name = "fuzz",
			.data = copy.data,
			.len = n,
			.eof = 1 };
		struct labels l = { 0 };
		int rc = labels_parse(&l, &in, header, &e);

		for (size_t i = 0; rc == 0 && i < l.id.names.n; i++) {
			size_t first;
			int64_t have =
			    labels_of(&l, intern_get(&l.id, i), &first);

			FUZZ_MUST(have >= 0);
			FUZZ_MUST((size_t)have <= l.most);
			FUZZ_MUST(first + (size_t)have <= l.label.n);
		}
		labels_free(&l);
	}
	buf_free(&copy);
}
