#ifndef VEC_ENCODED_H
#define VEC_ENCODED_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "vec/batch.h"

/*
 * One record's result while it is between a worker and the output: what is
 * behind the functions that runner.h gives to extractors.  Owned by the
 * runner, used again for one record after another.
 */

struct encoded_part {
	int given;
	float *dense;    /* [dim], dense parts only */
	size_t n, cap;   /* pairs or rows */
	uint32_t *index; /* [cap] */
	float *value;    /* [cap] or [cap, dim] */
	double *time;    /* [cap, 2] */
	int timed;
};

struct encoded {
	const struct schema *schema; /* borrowed */
	uint32_t flags;
	struct encoded_part *parts; /* [schema->n] */
	struct buf line;
};

int encoded_init(struct encoded *out, const struct schema *s, struct error *e);
void encoded_free(struct encoded *out);

/* encoded_reset: no part given, no flags; the memory stays. */
void encoded_reset(struct encoded *out);

/* encoded_trim: give back buffers of more than ${max} bytes. */
void encoded_trim(struct encoded *out, size_t max);

/* encoded_store: copy the parts and flags to the last record of ${b}, whose
 * schema has the same parts.  0 or -1. */
int encoded_store(const struct encoded *out, struct batch *b, struct error *e);

#endif
