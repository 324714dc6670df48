/* Any bytes as EXIF: an answer, no crash, no leak, bounded memory. */
#include <stddef.h>
#include <stdint.h>

#include "image/exif.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct exif x;

	exif_read(&x, p, n);
	return x.orientation < 1 || x.orientation > 8 ? 1 : 0;
}
