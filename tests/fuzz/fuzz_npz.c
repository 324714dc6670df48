#include "format.h"

/* By what the file itself says, and as if it held no ids. */
static void
fuzz_one(const unsigned char *data, size_t n)
{
	static const struct format_options own, numbered = { .number = 1 };

	read_format(data, n, FILE_NPZ, &own);
	read_format(data, n, FILE_NPZ, &numbered);
	read_format(data, n, FILE_SAFETENSORS, &numbered);
}
