/* What our reader of zlib data accepts, zlib accepts, with the same bytes. */
#include "base/flate.h"
#include "base/inflate.h"
#include "fuzz.h"

static void
fuzz_one(const unsigned char *data, size_t n)
{
	struct flate *f = malloc(sizeof(*f));
	unsigned char *p = malloc(n + FLATE_PAD);
	struct buf want = { 0 }, got = { 0 };
	const unsigned char *at;
	struct error e;

	FUZZ_MUST(f != NULL && p != NULL);
	memcpy(p, data, n);
	memset(p + n, 0xaa, FLATE_PAD);
	flate_init(f, p, n);
	while (got.len < 1 << 20 && (at = flate_take(f, 1)) != NULL)
		FUZZ_MUST(buf_put(&got, at, 1) == 0);
	if (flate_done(f)) {
		FUZZ_MUST(inflate_zlib(data, n, &want, 1 << 21, &e) == 0);
		FUZZ_MUST(want.len == got.len);
		FUZZ_MUST(
		    got.len == 0 || memcmp(want.data, got.data, got.len) == 0);
	}
	buf_free(&want);
	buf_free(&got);
	free(p);
	free(f);
}
