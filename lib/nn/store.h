#ifndef NN_STORE_H
#define NN_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/pool.h"
#include "linalg/linear.h"

/*
 * The files of a pretrained model: the texts that say what it is, and its
 * arrays in the form that the kernels want them.  A store is opened from
 *
 *	a directory   config.json and its companions, and model.safetensors or
 *	              the shards that model.safetensors.index.json lists, all
 *	              mapped read-only and checked as hostile input;
 *	a packed file what store_save wrote: the same texts and the arrays as
 *	              they were packed, mapped and used where they lie.
 *
 * An encoder is built by the same calls in both cases.  It asks for room
 * under a key; from a packed file the room is filled already, and from a
 * directory the encoder fills it from the raw arrays:
 *
 *	r = store_room(s, "layer.0.qkv", linear_size(...), &p, e);
 *	if (r == 0) { W = store_raw(s, "...weight", 2, shape, e); ...
 *		linear_pack((void *)p, ..., W, ...); store_done(s); }
 *
 * What is given out lives until store_free.  A store is built by one thread
 * and read by any number.  Functions return -1 or NULL with a sentence that
 * names the file and the array or field.
 */

struct store; /* opaque */

/* store_open(path, precision, e): a directory, or a packed file, whose
 * precision must be this one. */
struct store *store_open(
    const char *path, enum precision precision, struct error *e);
void store_free(struct store *s); /* NULL is fine */

/* store_open_packed(dir, file, precision, e): the packed file where it is
 * there and fits the directory's files (fingerprint, precision, version), else
 * the directory; store_packed says which it became.  A file that is there and
 * is not a packed one is an error, so that store_save never replaces it. */
struct store *store_open_packed(const char *dir, const char *file,
    enum precision precision, struct error *e);
int store_packed(const struct store *s);

/* store_help: threads that share the reading and packing of weights, or NULL;
 * borrowed.  The packed bytes are the same. */
void store_help(struct store *s, struct pool *pool);

/* store_save(s, file, e): write what was asked for so far as a packed file,
 * whole or not at all. */
int store_save(const struct store *s, const char *file, struct error *e);

/* store_verify(s, e): read all of it: the checksum of a packed file's data;
 * whether all numbers in a directory's arrays are finite.  The builder's. */
int store_verify(const struct store *s, struct error *e);

/* store_hash: 64 bits of the content of the weights, the configuration texts
 * and the tokenizer; the same from a directory and from its packed file, and
 * however many files the arrays lie in.  For a part's space.  The first call
 * reads what has not been read, and is the builder's. */
uint64_t store_hash(const struct store *s);
enum precision store_precision(const struct store *s);
const char *store_path(const struct store *s);    /* as it was opened */
uint64_t store_parameters(const struct store *s); /* numbers in all arrays */
/* store_memory: bytes of what was asked for so far; of a packed file, of all
 * that is in it. */
uint64_t store_memory(const struct store *s);

/* store_text(s, name, out): the text of a file, "config.json",
 * "1_Pooling/config.json"; 1, or 0 when there is none.  The files that are
 * kept are listed in store.c.  store_bytes: the same for any file, read from
 * the directory (tokenizer.json, vocab.txt); 0 from a packed file that was
 * opened without its directory. */
int store_text(const struct store *s, const char *name, struct str *out);
int store_bytes(
    struct store *s, const char *name, struct buf *out, struct error *e);

/* store_has(s, name): there is a raw array of that name, or, in a packed
 * file, there was one. */
int store_has(const struct store *s, const char *name);

/* store_shape(s, name, rank, shape, e): the shape of the raw array ${name},
 * which must have that rank; each shape[i] that is not 0 must agree, each 0
 * is set.  Works from a packed file too.  0 or -1. */
int store_shape(const struct store *s, const char *name, int rank,
    uint64_t *shape, struct error *e);

/*
 * store_raw(s, name, rank, shape, e): the values of a raw array as f32, from
 * f32, f16 or bf16, in row-major order; shape as in store_shape.  Non-finite
 * values are an error.  Valid until store_done, which also gives the pages
 * back to the system.
 */
const float *store_raw(struct store *s, const char *name, int rank,
    uint64_t *shape, struct error *e);
void store_done(struct store *s);

/* store_room(s, key, bytes, p, e): room of that size, 64-byte aligned, under a
 * key.  1: *p is filled already and read-only; 0: the
 * caller fills it now (it is zeroed); -1. */
int store_room(
    struct store *s, const char *key, size_t bytes, void **p, struct error *e);

/*
 * store_put(s, key, p, bytes, e): bytes that somebody else made from the
 * model's files (the tokenizer's block) and that go into the packed file too;
 * borrowed until store_free.  store_block(s, key, out): what a packed file
 * holds under that key, on a 64-byte boundary; 1, or 0 when there is none.
 */
int store_put(struct store *s, const char *key, const void *p, size_t bytes,
    struct error *e);
int store_block(const struct store *s, const char *key, struct str *out);

/* ---- the common arrays, in terms of the above ---- */

/* store_vector: a raw array of rank 1, as [n] floats. */
const float *store_vector(
    struct store *s, const char *name, size_t n, struct error *e);

/*
 * store_linear(s, l, weight, bias, parts, in, out, e): a linear layer from
 * ${parts} raw arrays weight[i]: [out, in], one below the other (queries, keys
 * and values), and their biases, each [out]; bias NULL, or bias[i] NULL, means
 * none (zeros where others have one).  l->out = parts * out.
 */
int store_linear(struct store *s, struct linear *l, const char *const *weight,
    const char *const *bias, int parts, uint32_t in, uint32_t out,
    struct error *e);

/*
 * A table of rows that are looked up, never multiplied: embeddings.  It stays
 * where it lies in the file, in the type it has there; with i8 or f16 it is
 * kept as f16.
 */
struct table {
	const void *p;
	int type; /* enum tensor_type: F32, F16 or BF16 */
	uint64_t rows, dim;
};

/* rows or dim 0: as the file says, and set. */
int store_table(struct store *s, struct table *t, const char *name,
    uint64_t rows, uint64_t dim, struct error *e);

/* table_row(t, i, out): row i < rows as f32, out: [dim].  table_add: added. */
void table_row(const struct table *t, uint64_t i, float *out);
void table_add(const struct table *t, uint64_t i, float *out);

/* ---- fields of config texts ---- */

/*
 * Fields of a JSON text by path ("vision_config.hidden_size").  1 when the
 * field is there, 0 when it is not or is null (then *out stays as it was), -1
 * when it has another type or is out of range, with the file and field named.
 */
int store_field_u32(const struct store *s, const char *file, const char *path,
    uint32_t min, uint32_t max, uint32_t *out, struct error *e);
int store_field_double(const struct store *s, const char *file,
    const char *path, double min, double max, double *out, struct error *e);
int store_field_bool(const struct store *s, const char *file, const char *path,
    int *out, struct error *e);
/* The string, cut to size - 1 bytes and ended by NUL. */
int store_field_string(const struct store *s, const char *file,
    const char *path, char *out, size_t size, struct error *e);
/* An array of numbers: at most max of them; *n gets their count. */
int store_field_floats(const struct store *s, const char *file,
    const char *path, float *out, size_t max, size_t *n, struct error *e);

#endif
