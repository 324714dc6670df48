#ifndef VEC_MODEL_H
#define VEC_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/io.h"

/*
 * A model is one safetensors file: named arrays, and text in __metadata__.
 *
 *	header length   8 bytes, little-endian
 *	header          JSON: {"__metadata__": {key: string, ...},
 *	                name: {"dtype": "F32", "shape": [2, 3],
 *	                "data_offsets": [0, 24]}, ...}, then spaces
 *	data            the arrays, end to end
 *
 * Format: https://github.com/huggingface/safetensors.  Our own files carry
 * three keys in __metadata__:
 *
 *	vecpipe             the configuration, a canonical JSON object
 *	vecpipe.version     "1"; a greater number is refused
 *	vecpipe.checksum    16 hexadecimal digits, see model_checksum
 *
 * and, if a later version needs it, vecpipe.requires: a name that this
 * version does not know there is refused; other keys are ignored.
 *
 * Files are read as hostile input.  Every length is compared with the file's
 * size before it is used; arrays lie end to end, so none overlaps another or
 * leaves a hole; names are unique, printable UTF-8.  What is allocated grows
 * with the header's bytes that are there, never with a number in it, and the
 * data is used where it lies.
 *
 * Functions return -1 or NULL with a sentence.  Little-endian machines only:
 * others are refused with a sentence.
 */

enum tensor_type { /* in the reference implementation's order */
	TENSOR_BOOL,
	TENSOR_U8,
	TENSOR_I8,
	TENSOR_I16,
	TENSOR_U16,
	TENSOR_F16, /* these two are read by encoders alone (nn/store.h) */
	TENSOR_BF16,
	TENSOR_I32,
	TENSOR_U32,
	TENSOR_F32,
	TENSOR_F64,
	TENSOR_I64,
	TENSOR_U64
};

enum {
	MODEL_VERSION = 1,
	TENSOR_MAX_RANK = 8,
	MODEL_MAX_TENSORS = 1 << 20,
	MODEL_MAX_HEADER = 100 << 20 /* bytes */
};

struct tensor {
	char *name;
	enum tensor_type type;
	int rank; /* 0: a single number */
	uint64_t shape[TENSOR_MAX_RANK];
	size_t bytes;
	const void *data; /* in the file's mapping, or the caller's; a file
			   * of another program may not align it */
};

/* tensor_size: bytes of one element.  tensor_type_name: "F32". */
size_t tensor_size(enum tensor_type type);
const char *tensor_type_name(enum tensor_type type);

/* tensor_finite(type, p, bytes): 1 when no value is NaN or infinite; whole
 * numbers never are.  p need not be aligned. */
int tensor_finite(enum tensor_type type, const void *p, size_t bytes);

/* ---- reading ---- */

struct model {
	struct mapping map; /* the file, or the caller's memory */
	int owned;          /* model_close unmaps it */
	char *config;       /* "vecpipe" of __metadata__, or NULL when the
			     * file is not ours */
	char *checksum;     /* as the file says, or NULL */
	size_t n, cap;
	struct tensor *tensors; /* [n] in file order */
};

/* model_open: map and check the file, and for our own files their checksum.
 * "'x': needs version 2", "'x': unsupported (looks like a pickle)".
 * model_read: the same for a file in memory, which stays the caller's and must
 * outlive the model and begin on an 8-byte boundary; sentences have no place.
 * A model that failed need not be closed, but may be. */
int model_open(struct model *m, const char *path, struct error *e);
int model_read(struct model *m, const void *p, size_t len, struct error *e);
void model_close(struct model *m);

/*
 * A packed file is one of ours that may be large and is used without being
 * read through: vecpipe.requires is "packed", and the first key of
 * __metadata__, vecpipe.packed, is 16 hexadecimal digits: hash_bytes of the
 * header's length and text but for those digits.  model_read_packed checks it
 * and all places and sizes, and leaves the data alone; model_sound reads it.
 */
int model_is_packed(const void *p, size_t len); /* it begins like one */
int model_read_packed(
    struct model *m, const void *p, size_t len, struct error *e);
int model_sound(const struct model *m); /* 1: the checksum is the data's */

/* model_find: the tensor of that name, or NULL. */
const struct tensor *model_find(const struct model *m, const char *name);

/* model_tensor(m, name, type, rank, shape): the data of the tensor of that
 * name; its type and rank must be these, and each shape[i] where it is not 0
 * (where it is, the file's value is stored there).  NULL with a sentence
 * otherwise, also where the data is not aligned to its elements; for a tensor
 * without elements it points to nothing, but is not NULL. */
const void *model_tensor(const struct model *m, const char *name,
    enum tensor_type type, int rank, uint64_t *shape, struct error *e);

/* model_hash: 64 bits of the whole file's content, for a part's space. */
uint64_t model_hash(const struct model *m);

/*
 * model_checksum(config, t, n): hash_bytes (version 1, seed 0) of the
 * configuration and a NUL, and then, tensor by tensor in file order, of name
 * and NUL, dtype and NUL, rank and shape as 64-bit little-endian numbers, and
 * data.  It depends on what the file says, not on how the header spells it, so
 * a file that another program loads and saves again is still sound.
 */
uint64_t model_checksum(const char *config, const struct tensor *t, size_t n);

/* ---- writing ---- */

/*
 * model_save(path, config, tensors, n): write tensors (data in host order;
 * bytes is not read) and the configuration, a JSON object, to ${path}, whole
 * or not at all.  Order in the file is by descending type (as numbered above),
 * then by name, as the reference implementation writes it, which keeps every
 * tensor aligned; the bytes depend on the arguments alone.  Without a
 * configuration (NULL) the file has no __metadata__ and is byte for byte what
 * the reference writes.
 */
int model_save(const char *path, const char *config,
    const struct tensor *tensors, size_t n, struct error *e);

/* model_save_packed: the same as a packed file.  The tensors keep their order,
 * and each begins on a 64-byte boundary of the file: their sizes must be
 * multiples of 64. */
int model_save_packed(const char *path, const char *config,
    const struct tensor *tensors, size_t n, struct error *e);
/* model_sign: put the header's sum into a packed file's header. */
void model_sign(unsigned char *header, size_t n);

#endif
