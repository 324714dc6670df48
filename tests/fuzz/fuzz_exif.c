/* Any bytes as EXIF: strings and numbers within what was given. */
#include "fuzz.h"
#include "image/exif.h"

static void
fuzz_one(const unsigned char *data, size_t n)
{
	struct exif x;

	exif_read(&x, data, n);
	FUZZ_MUST(x.orientation >= 1 && x.orientation <= 8);
	FUZZ_MUST(x.lat >= -90 && x.lat <= 90);
	FUZZ_MUST(x.lon >= -180 && x.lon <= 180);
	FUZZ_MUST(x.artist.s == NULL || x.artist.n <= n);
}
