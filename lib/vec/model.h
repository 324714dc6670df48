#ifndef VEC_MODEL_H
#define VEC_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/io.h"

/*
 * A model is one safetensors file: named arrays, and in __metadata__ its
 * configuration ("vecpipe": a JSON object as a string) and a checksum over
 * all tensor bytes and the configuration.  Read as hostile input: every
 * length is compared with the file's size, tensors may neither overlap nor
 * leave holes, names are unique, no allocation exceeds the file.
 * Format: https://github.com/huggingface/safetensors (8-byte little-endian
 * header length, JSON header, data).
 */

enum tensor_type {
	TENSOR_F32,
	TENSOR_F64,
	TENSOR_F16,
	TENSOR_BF16,
	TENSOR_I8,
	TENSOR_U8,
	TENSOR_I32,
	TENSOR_U32,
	TENSOR_I64,
	TENSOR_U64,
	TENSOR_I16,
	TENSOR_U16,
	TENSOR_BOOL
};

enum {
	TENSOR_MAX_RANK = 8,
	MODEL_MAX_TENSORS = 1 << 20,
	MODEL_MAX_HEADER = 100 << 20
};

struct tensor {
	char *name;
	enum tensor_type type;
	int rank;
	uint64_t shape[TENSOR_MAX_RANK];
	size_t bytes;
	const void *data; /* in the file's mapping, or the caller's */
};

/* tensor_type_name: "F32" and so on, as in the file. */
const char *tensor_type_name(enum tensor_type type);

/* ---- reading ---- */

struct model {
	struct mapping map;
	char *config; /* the "vecpipe" metadata, or NULL when the
		       * file is not ours */
	size_t n;
	struct tensor *tensors; /* [n] in file order */
};

/* model_open: map and check the file, and for our own files their checksum.
 * "needs version 2", "unsupported (looks like a pickle)", and the like. */
int model_open(struct model *m, const char *path, struct error *e);
void model_close(struct model *m);

/* model_tensor(m, name, type, rank, shape): the tensor of that name; its type
 * and rank must be these, and each shape[i] where it is not 0 (where it is, the
 * file's value is stored there).  NULL with a sentence otherwise.  Data is
 * aligned to its element size. */
const void *model_tensor(const struct model *m, const char *name,
    enum tensor_type type, int rank, uint64_t *shape, struct error *e);

/* model_hash: 64 bits of the whole file's content, for a part's space. */
uint64_t model_hash(const struct model *m);

/* ---- writing ---- */

/* model_save: write tensors (data in host order) and the configuration to
 * ${path}, whole or not at all; config NULL makes a file of
 * tensors without metadata.  Tensor order in the file is by type,
 * wide ones first, then by name, as the reference implementation writes it; the
 * bytes depend on the arguments alone. */
int model_save(const char *path, const char *config,
    const struct tensor *tensors, size_t n, struct error *e);

#endif
