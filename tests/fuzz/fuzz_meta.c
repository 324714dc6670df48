/* Any bytes as a picture to say something of itself: valid JSON or no. */
#include "base/json.h"
#include "fuzz.h"
#include "image/meta.h"

static void
fuzz_one(const unsigned char *data, size_t n)
{
	struct buf out = { 0 }, again = { 0 };
	struct error e;
	struct meta m;

	if (meta_read(&m, data, n, &e) == -1)
		return;
	FUZZ_MUST(meta_put(&out, &m) == 0);
	FUZZ_MUST(m.bytes <= META_MAX_BYTES && m.n <= META_MAX_TEXTS);
	out.data[0] = '{';
	FUZZ_MUST(buf_putc(&out, '}') == 0);
	FUZZ_MUST(json_canonical(&again, out.data, out.len, &e) == 0);
	buf_free(&out);
	buf_free(&again);
	meta_free(&m);
}
