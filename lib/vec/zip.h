#ifndef VEC_ZIP_H
#define VEC_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/io.h"
#include "base/mem.h"

/*
 * Zip archives, as far as .npz files need them (APPNOTE 6.3.3): members that
 * are stored or deflated, below 4 GiB, without encryption.
 *
 * Read as hostile input: the directory at the end leads, members lie inside
 * the file, one behind the other, and what a member says of its length is
 * believed only up to what deflate can make of its bytes.
 *
 * Functions return 0 or -1 with a sentence.
 */

enum { ZIP_MAX_MEMBERS = 4096 };

struct zip_member {
	char *name;
	int deflated;
	size_t at, packed, bytes; /* data begins at ${at} of the file */
	uint32_t crc;
};

struct zip {
	const unsigned char *file; /* [len], the caller's */
	size_t len;
	size_t n;
	struct zip_member *members; /* [n] */
};

/* zip_open: read the directory of the archive p: [len], which must stay. */
int zip_open(struct zip *z, const void *p, size_t len, struct error *e);
void zip_close(struct zip *z);

/* zip_read: append member i's bytes to ${out}, checked by length and CRC. */
int zip_read(const struct zip *z, size_t i, struct buf *out, struct error *e);

/* ---- writing: members are stored ---- */

struct zip_writer {
	struct writer *to;
	struct buf directory;
	uint64_t at;
	uint16_t n;
};

/* zip_put: one member, of two pieces of bytes.  zip_end: the directory. */
int zip_put(struct zip_writer *z, const char *name, const void *head,
    size_t nhead, const void *p, size_t n, struct error *e);
int zip_end(struct zip_writer *z, struct error *e);
void zip_free_writer(struct zip_writer *z);

#endif
