#include "format.h"

static void
fuzz_one(const unsigned char *data, size_t n)
{
	static const struct format_options numbered = { .number = 1 };

	read_format(data, n, FILE_NPY, &numbered);
}
