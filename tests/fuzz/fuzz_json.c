#include "base/json.h"
#include "fuzz.h"

/* What is taken has one canonical spelling, which is its own. */
static void
fuzz_one(const unsigned char *data, size_t n)
{
	const char *s = (const char *)data;
	struct buf a = { 0 }, b = { 0 };
	struct str raw[2], paths[2] = { { "a", 1 }, { "text.Title", 10 } };
	struct json j = { 0 };
	struct error e;
	float x[8];
	size_t k;

	if (json_canonical(&a, s, n, &e) == 0) {
		FUZZ_MUST(json_canonical(&b, a.data, a.len, &e) == 0);
		FUZZ_MUST(a.len == b.len);
		FUZZ_MUST(memcmp(a.data, b.data, a.len) == 0);
		json_init(&j, s, n);
		json_skip(&j);
		FUZZ_MUST(json_end(&j) == 0);
	}
	json_init(&j, s, n);
	if (json_find_paths(&j, paths, 2, raw) == 0)
		for (int i = 0; i < 2; i++)
			FUZZ_MUST(
			    raw[i].s == NULL ||
			    (raw[i].s >= s && raw[i].s + raw[i].len <= s + n));
	if (json_end(&j) < 0)
		json_error(&j, &e);
	json_init(&j, s, n);
	json_floats(&j, x, 8, &k);
	json_free(&j);
	buf_free(&a);
	buf_free(&b);
}
