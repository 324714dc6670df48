#ifndef VEC_ARRAY_H
#define VEC_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * Arrays as numpy writes them: one in an .npy file, several by name in an
 * .npz file, which is a zip archive of them.
 *
 *	0x93 "NUMPY", version, header length (u16, from version 2 on u32),
 *	{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } and spaces,
 *	data
 *
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * The header is read by a fixed grammar, never evaluated, and is at most
 * NPY_MAX_HEADER bytes long; objects, which are pickles, and structures are
 * refused.  The data must be as long as the shape says, to the byte.
 *
 * Functions return 0 or -1 with a sentence.  An array only points to its data.
 */

enum { NPY_MAX_HEADER = 10000, ARRAY_MAX_RANK = 8 };

enum array_kind {
	ARRAY_BOOL,
	ARRAY_INT,
	ARRAY_UINT,
	ARRAY_FLOAT,
	ARRAY_BYTES, /* strings of bytes, padded with NUL */
	ARRAY_TEXT   /* strings of UCS-4, padded with NUL */
};

struct array {
	const char *name; /* borrowed, NULL for none */
	enum array_kind kind;
	size_t size; /* bytes of an element */
	int big;     /* big-endian */
	int fortran; /* first index fastest */
	int rank;
	uint64_t shape[ARRAY_MAX_RANK];
	const unsigned char *data;
	size_t bytes;
};

/* npy_read: the .npy file p: [n]. */
int npy_read(struct array *a, const void *p, size_t n, struct error *e);

/* npy_header: append what stands before the data, as numpy writes it.
 * Strings of kind ARRAY_TEXT have size / 4 characters.  -1 when memory is
 * out. */
int npy_header(struct buf *out, enum array_kind kind, size_t size, int rank,
    const uint64_t *shape);

/* array_place(a, row, column): which element that is, of rank 1 or 2. */
static inline uint64_t
array_place(const struct array *a, uint64_t row, uint64_t column)
{
	return a->fortran && a->rank == 2
		   ? column * a->shape[0] + row
		   : row * (a->rank == 2 ? a->shape[1] : 1) + column;
}

/* array_number: element i of a numeric kind, rounded to double where it is a
 * large integer. */
double array_number(const struct array *a, uint64_t i);

/* array_bits: element i of an unsigned kind. */
uint64_t array_bits(const struct array *a, uint64_t i);

/* array_text: append element i as text: a string's bytes in UTF-8 without the
 * padding, a number in its shortest form, exact.  -1 when memory is out. */
int array_text(const struct array *a, uint64_t i, struct buf *out);

#endif
