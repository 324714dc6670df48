#ifndef LEARN_GATHER_H
#define LEARN_GATHER_H

#include <stdint.h>

#include "base/error.h"
#include "learn/dataset.h"
#include "vec/batch.h"

/*
 * Records with their labels, from files into a dataset: what every command
 * that learns begins with.
 *
 * Functions return 0 or -1 with a sentence; the caller frees dataset and
 * schema, also after a failure.
 */

struct gather_options {
	const char *labels; /* a labels file, in place of the streams'; NULL */
	int header;         /* its first line is one */
	int task;           /* 1 + enum task; 0: class, or multilabel where a
			     * record has several labels */
};

/* What became of the records. */
struct gathered {
	uint64_t records, errors, no_label, no_part, no_weight, not_finite;
	uint64_t targets; /* of those without a label, where one was wanted */
	char first_bad[VEC_MAX_ID + 1]; /* id of the first non-finite one */
	int partial;                    /* some stream says so of itself */
	struct error rejected;          /* why the first line was, or "" */
};

/* gather: everything of the input; its buffers are gone afterwards.
 * dataset_finish is the caller's. */
int gather(struct dataset *ds, struct schema *schema, char *const *paths, int n,
    const struct gather_options *o, struct gathered *c, struct error *e);

/* gathered_notes: what the user should hear of it, one sentence after another;
 * with ${quiet} only what is wrong.  0, or -1 when memory is out. */
int gathered_notes(const struct gathered *c, const struct dataset *ds,
    int quiet, struct strs *notes);

/* What the user says that a part weighs: "text=2". */
struct given_weight {
	const char *part;
	size_t len;
	double weight;
};

/* given_weight: take PART=X apart, X from 0 to 1e6; w->part points into it.
 * 0 or -1. */
int given_weight(struct given_weight *w, const char *text);

/* given_weights: in the order of the parts, NaN where none of the n is given:
 * [parts], to be freed.  NULL with a sentence where there is no such part. */
double *given_weights(const struct dataset *ds, const struct given_weight *w,
    size_t n, struct error *e);

#endif
