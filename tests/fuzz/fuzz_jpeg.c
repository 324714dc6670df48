/* Any bytes as a JPEG picture: an answer, no crash, no leak, bounded memory. */
#include "fuzz_image.h"

static void
fuzz_one(const unsigned char *data, size_t n)
{
	fuzz_image(IMAGE_JPEG, data, n);
}
