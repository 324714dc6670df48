#include "vec/sniff.h"

#include <string.h>

static const struct {
	const char *magic;
	size_t n;
	const char *what;
} known[] = {
	{ "\x89VPS\r\n\x1a\n", 8, "a vecpipe stream" },
	{ "\x89VPS", 4, "a vecpipe stream that was changed as text" },
	{ "\x1f\x8b", 2, "gzip" },
	{ "\x28\xb5\x2f\xfd", 4, "zstd" },
	{ "\xfd"
	  "7zXZ",
	    5, "xz" },
	{ "BZh", 3, "bzip2" },
	{ "PK\3\4", 4, "zip" },
	{ "PK\5\6", 4, "zip" },
	{ "\x89PNG", 4, "PNG" },
	{ "\xff\xd8\xff", 3, "JPEG" },
	{ "GIF8", 4, "GIF" },
	{ "RIFF", 4, "RIFF" },
	{ "\x93NUMPY", 6, "npy" },
	{ "ARROW1", 6, "Arrow" },
	{ "PAR1", 4, "Parquet" },
	{ "\x89HDF", 4, "HDF5" },
	{ "GGUF", 4, "GGUF" },
	{ "\177ELF", 4, "ELF" },
	{ "%PDF", 4, "PDF" },
	{ "\x80\2", 2, "a pickle" },
	{ "\x80\3", 2, "a pickle" },
	{ "\x80\4", 2, "a pickle" },
	{ "\x80\5", 2, "a pickle" },
};

/* printable: text as people write it, in ASCII or UTF-8. */
static int
printable(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 && p[i] != '\t' && p[i] != '\n' && p[i] != '\r')
			return 0;
	return n > 0;
}

const char *
sniff(const void *p, size_t n)
{
	const unsigned char *s = p;

	/* A length below 2^32 and then an object; before the rest, because the
	 * length's bytes may be another format's magic. */
	if (n > 8 && s[8] == '{' && s[4] == 0 && s[5] == 0 && s[6] == 0 &&
	    s[7] == 0)
		return "safetensors";
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (n >= known[i].n &&
		    memcmp(p, known[i].magic, known[i].n) == 0)
			return known[i].what;
	/* Protocol buffers: ir_version, then the producer's name. */
	if (n > 3 && s[0] == 8 && s[1] < 16 && s[2] == 0x12)
		return "ONNX";
	return printable(s, n < 64 ? n : 64) ? "text" : NULL;
}
