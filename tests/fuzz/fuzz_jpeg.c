/* Any bytes as a JPEG picture: an answer, no crash, no leak, bounded memory. */
#include "fuzz_image.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	return fuzz_image(IMAGE_JPEG, p, n);
}
