#include "format.h"

static void
fuzz_one(const unsigned char *data, size_t n)
{
	static const struct format_options own = { .base = 1 },
					   numbered = { .number = 1,
						   .regress = 1 };

	read_format(data, n, FILE_SVMLIGHT, &own);
	read_format(data, n, FILE_SVMLIGHT, &numbered);
}
