#include "base/utf8.h"
#include "fuzz.h"

/* Cleaned text is valid, and the same where nothing was wrong. */
static void
fuzz_one(const unsigned char *data, size_t n)
{
	const char *s = (const char *)data;
	size_t good = utf8_valid(s, n), bad, at = 0;
	struct buf b = { 0 };
	uint32_t cp;

	FUZZ_MUST(utf8_clean(&b, s, n, &bad) == 0);
	FUZZ_MUST(utf8_valid(b.data, b.len) == b.len);
	FUZZ_MUST((good == n) == (bad == 0));
	FUZZ_MUST(b.len >= good);
	FUZZ_MUST(good == 0 || memcmp(b.data, s, good) == 0);
	FUZZ_MUST(utf8_ascii(s, n) <= good);
	while (at < n) {
		int k = utf8_decode(s + at, n - at, &cp);

		FUZZ_MUST(k != 0 && k >= -3 && k <= 4);
		FUZZ_MUST(k > 0 || at >= good);
		at += (size_t)(k > 0 ? k : -k);
	}
	FUZZ_MUST(at == n);
	buf_free(&b);
}
