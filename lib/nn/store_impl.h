#ifndef NN_STORE_IMPL_H
#define NN_STORE_IMPL_H

#include "nn/store.h"
#include "vec/model.h"

/* The insides of a store, for store*.c alone. */

enum {
	STORE_TEXTS = 10,
	STORE_TEXT_MAX = 4 << 20, /* bytes of one configuration text */
	STORE_SHARDS_MAX = 1000,
	STORE_PIECE = 1 << 14 /* bytes that are hashed as one */
};

/* The texts that are kept, in the order of their list in store.c. */
extern const char *const store_text_names[STORE_TEXTS];

/* A file of arrays. */
struct shard {
	char *name; /* within the directory */
	char *path; /* for messages */
	struct mapping map;
	struct model m;
	int mapped; /* map is ours to unmap, and its pages to forget */
};

/* An array as the authors published it.  From a packed file: what there was. */
struct raw {
	const char *name;
	enum tensor_type type;
	int rank;
	const uint64_t *shape;
	const struct tensor *t; /* NULL from a packed file */
	const struct shard *in;
	int checked;     /* finite, and digest is set */
	uint64_t digest; /* of its bytes */
};

/* Memory under a key, packed or to be packed. */
struct room {
	char *key;
	uint64_t hash; /* of the key, to find it by */
	const void *p;
	size_t bytes;
};

/* An array that is lent out until store_done. */
struct loan {
	const struct raw *raw;
	float *copy; /* its values widened, or NULL */
};

struct store {
	char *path;
	char *dir; /* that a packed file was opened for, or NULL */
	enum precision precision;
	enum isa isa;
	int packed;
	struct pool *pool; /* store_help */

	struct buf text[STORE_TEXTS];
	int has[STORE_TEXTS];

	struct buf index; /* model.safetensors.index.json, or empty */
	struct shard *shards;
	size_t nshards;
	struct raw *raws; /* [nraws] by name */
	size_t nraws;
	uint64_t *shapes; /* of the raws of a packed file */
	char *names;      /* NUL-terminated, of the same */
	uint64_t parameters, fingerprint;

	struct room *rooms; /* [nrooms] as they were asked for */
	size_t nrooms, cap_rooms;
	struct loan *loans;
	size_t nloans, cap_loans;
	float *gather; /* [cap_gather] rows of the parts of a layer */
	size_t cap_gather;

	/* Room comes from large pieces, the last of which has space. */
	struct piece {
		unsigned char *p;
		size_t bytes, used;
	} * pieces;
	size_t npieces, cap_pieces;

	struct hashed { /* found when it is asked for */
		int done;
		uint64_t hash;
	} * hashed;
};

/* store_begin: a store without anything in it. */
struct store *store_begin(
    const char *path, enum precision precision, struct error *e);

/* store_error: the sentence about an array gets its file before it. -1. */
int store_error(const struct raw *r, struct error *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* store_find: the raw array of that name, or NULL. */
struct raw *store_find(const struct store *s, const char *name);

/* store_find_room: what is under a key, or NULL. */
const struct room *store_find_room(const struct store *s, const char *key);
/* store_lend_room: put memory that lives as long as the store under a key. */
int store_lend_room(struct store *s, const char *key, const void *p,
    size_t bytes, struct error *e);

/* store_check(s, r, e): the array holds finite numbers (floating types); its
 * digest is computed on the way. */
int store_check(const struct store *s, struct raw *r, struct error *e);
/* store_widen(isa, out, r, from, n): n of its values, from the from-th, as
 * f32. */
void store_widen(
    enum isa isa, float *out, const struct raw *r, size_t from, size_t n);

/* store_dir.c: the files of a directory. */
int store_find_files(struct store *s, struct error *e);
uint64_t store_fingerprint(const struct store *s);
int store_read_arrays(struct store *s, struct error *e);
/* store_tokenizer_hash: of the tokenizer's files in the directory. */
uint64_t store_tokenizer_hash(const struct store *s);

/* store_packed.c: fill ${s}, of which path and precision are set, from the
 * packed file. */
int store_read_packed(struct store *s, const char *path, struct error *e);
/* store_use_packed: the same from the file that s->shards[0] maps. */
int store_use_packed(struct store *s, struct error *e);

/*
 * store_open_memory(config, p, len, precision, e): a store of a config.json
 * and a file of arrays, or, where config.s is NULL, of a packed file, that lie
 * in memory: p on a 64-byte boundary, to outlive the store.  For fuzzing.
 */
struct store *store_open_memory(struct str config, const void *p, size_t len,
    enum precision precision, struct error *e);

#endif
