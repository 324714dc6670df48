#ifndef VEC_SUMMARY_H
#define VEC_SUMMARY_H

#include <stdint.h>

#include "base/error.h"
#include "base/intern.h"
#include "vec/batch.h"

/*
 * What can be said of many records in few numbers, batch by batch.  Memory
 * grows with the distinct labels and groups, not with the records.
 * Functions return 0, or -1 when memory is out; the struct is the caller's.
 */

struct part_summary {
	uint64_t present, errors;
	uint64_t values;        /* sparse: pairs; sequence: rows */
	struct buf first_error; /* "'id': why" */
};

struct summary {
	uint64_t records, bad;   /* bad: with an error in some part */
	uint64_t labelled, many; /* with a label; with more than one */
	uint64_t targets, weights, grouped, sources;
	uint64_t flags[32]; /* by bit */
	double target_min, target_max;
	struct intern labels, groups;
	uint64_t *label_count; /* [labels.names.n] records of that label */
	size_t label_cap;
	struct part_summary *parts; /* [schema->n] */
	size_t n;
};

int summary_init(
    struct summary *s, const struct schema *schema, struct error *e);
int summary_add(struct summary *s, const struct batch *b, struct error *e);
void summary_free(struct summary *s);

#endif
