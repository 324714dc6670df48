#ifndef FUZZ_RECORDS_H
#define FUZZ_RECORDS_H

/* What the fuzzers of streams share: bytes as a reader, and what must hold of
 * every record that was taken. */
#include <math.h>

#include "base/io.h"
#include "fuzz.h"
#include "vec/batch.h"
#include "vec/le.h"

/* memory_reader: read n < IO_BUFFER bytes; nothing is copied or changed. */
static inline struct reader
memory_reader(const unsigned char *p, size_t n)
{
	return (struct reader){ .fd = -1,
		.name = "fuzz",
		.data = (char *)(uintptr_t)p,
		.len = n,
		.offset = n,
		.eof = 1 };
}

static inline void
must_be_part(const struct batch *b, size_t p)
{
	const struct part *part = &b->schema->parts[p];
	const struct part_column *c = &b->parts[p];
	size_t from, n;

	for (size_t i = 0; i < b->n; i++) {
		FUZZ_MUST(c->mask[i] <= 1);
		FUZZ_MUST(!c->mask[i] || strs_get(&c->error, i).len == 0);
		if (part->kind == PART_DENSE) {
			FUZZ_MUST(
			    le_all_finite(c->dense + i * part->dim, part->dim));
			continue;
		}
		n = batch_range(c->end, i, &from);
		FUZZ_MUST(c->mask[i] || n == 0);
		for (size_t k = from; part->kind == PART_SPARSE && k < from + n;
		     k++) {
			FUZZ_MUST(c->index[k] < part->dim);
			FUZZ_MUST(k == from || c->index[k - 1] < c->index[k]);
			FUZZ_MUST(isfinite(c->value[k]));
		}
		if (part->kind == PART_SEQUENCE && n > 0)
			FUZZ_MUST(le_all_finite(
			    c->value + from * part->dim, n * part->dim));
	}
}

static inline void
must_be_records(const struct batch *b)
{
	size_t from;

	FUZZ_MUST(b->id.n == b->n && b->group.n == b->n);
	for (size_t i = 0; i < b->n; i++) {
		struct str id = strs_get(&b->id, i);

		FUZZ_MUST(batch_check_id(id.s, id.len, NULL) == 0);
		FUZZ_MUST(
		    batch_range(b->label_end, i, &from) <= VEC_MAX_LABELS);
		FUZZ_MUST(isfinite(b->weight[i]));
		FUZZ_MUST(!isinf(b->target[i]));
	}
	FUZZ_MUST(b->label.n == (b->n > 0 ? b->label_end[b->n - 1] : 0));
	for (size_t p = 0; p < b->schema->n; p++) {
		FUZZ_MUST(b->parts[p].error.n == b->n);
		must_be_part(b, p);
	}
}

#endif
