#ifndef VEC_FORMAT_ARRAYS_H
#define VEC_FORMAT_ARRAYS_H

/*
 * How records are arrays in .npz and safetensors files.  n = records:
 *
 *	NAME            f32 [n, dim]  a dense part; a missing one is zeros
 *	NAME.data       f32 [pairs]   a sparse part as CSR
 *	NAME.indices    i32 [pairs], u32 where dim is beyond 2^31
 *	NAME.indptr     i64 [n + 1]
 *	NAME.shape      i64 [2]
 *	NAME.mask       bool [n]      where some record lacks the part
 *	NAME.errors     strings [n]   where some record carries one
 *	ids             strings [n]
 *	labels          strings [n], or of all records one after another, with
 *	label_counts    i64 [n]
 *	targets         f64 [n]       weights  f64 [n]
 *	groups          strings [n]
 *	sources         u64 [n]       flags  u32 [n]
 *	schema          the parts, as vecpipe-stream(5) has them, one string
 *
 * What no record has is left out.  npz holds strings as arrays of text;
 * safetensors, which has no strings, as JSON arrays in its configuration,
 * {"kind":"vectors","ids":[...],"schema":{...}}.
 */
#include "vec/array.h"
#include "vec/format_private.h"
#include "vec/model.h"

/* The arrays and strings of a file that is being read. */
struct arrays {
	struct buf file;     /* the whole file */
	struct buf *members; /* [nmembers] npz: unpacked */
	char **names;        /* [nmembers] */
	size_t nmembers;
	struct model model; /* safetensors */
	struct array *a;    /* [n] */
	size_t n, cap;
	struct buf schema; /* JSON, or empty */
	/* Strings that came as JSON: column k is called names[k]. */
	struct strs json_names;
	struct strs *json; /* [json_names.n] */
	size_t json_cap;
};

int arrays_load(
    struct arrays *s, const char *path, enum file_format f, struct error *e);
void arrays_free(struct arrays *s);

/* arrays_find: the array called NAME or NAME.SUFFIX (suffix may be NULL), or
 * NULL. */
const struct array *arrays_find(
    const struct arrays *s, const char *name, const char *suffix);

/* arrays_strings: 1 and the strings of that name as a column of texts, which
 * the caller frees; 0 when there are none; -1. */
int arrays_strings(const struct arrays *s, const char *name, const char *suffix,
    struct strs *out, struct error *e);

#endif
