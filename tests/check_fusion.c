#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/rng.h"
#include "fusion/combine.h"
#include "fusion/idtable.h"
#include "fusion/join.h"
#include "unit.h"
#include "vec/output.h"
#include "vec/spool.h"

static struct error e;

static void
fine(int rc)
{
	if (rc < 0)
		ck_abort_msg("%s", e.text);
}

/* ---- made-up records ---- */

enum { DIM = 5 };

static void
make_schema(struct schema *s, const char *prefix)
{
	char name[32];

	*s = (struct schema){ 0 };
	snprintf(name, sizeof(name), "%sdense", prefix);
	fine(schema_add(s, name, PART_DENSE, DIM, NULL, NULL, &e));
	snprintf(name, sizeof(name), "%ssparse", prefix);
	fine(schema_add(s, name, PART_SPARSE, 1000, NULL, NULL, &e));
	snprintf(name, sizeof(name), "%srows", prefix);
	fine(schema_add(s, name, PART_SEQUENCE, 3, NULL, NULL, &e));
}

/* Fill part p of the last record by chance; some are missing or in error. */
static void
make_part(struct batch *b, size_t p, struct rng *r)
{
	const struct part *part = &b->schema->parts[p];
	uint32_t n = rng_below(r, 4), *index;
	double *time;
	float *x;

	if (rng_below(r, 4) == 0) {
		if (rng_below(r, 2) == 0)
			fine(batch_error(b, p, "it is broken", &e));
		return;
	}
	if (part->kind == PART_DENSE) {
		x = batch_dense(b, p);
		n = part->dim;
	} else if (part->kind == PART_SPARSE) {
		fine(batch_sparse(b, p, n, &index, &x));
		for (uint32_t k = 0; k < n; k++)
			index[k] = 100 * k + rng_below(r, 100);
	} else {
		x = batch_sequence(b, p, n, &time);
		for (uint32_t k = 0; k < 2 * n; k++)
			time[k] = rng_double(r);
		n *= part->dim;
	}
	for (uint32_t k = 0; k < n; k++)
		x[k] = (float)(rng_double(r) - .5);
}

static void
make_record(struct batch *b, const char *id, struct rng *r)
{
	fine(batch_add(b, id, strlen(id), &e));
	for (uint32_t k = rng_below(r, 3); k > 0; k--)
		fine(batch_label(b, k == 1 ? "one" : "two", 3, &e));
	if (rng_below(r, 2) == 0)
		fine(batch_group(b, "some group", 10, &e));
	b->target[b->n - 1] = rng_below(r, 2) == 0 ? rng_double(r) : NAN;
	b->weight[b->n - 1] = 1 + rng_below(r, 3);
	b->source[b->n - 1] = rng_u64(r);
	b->flags[b->n - 1] = rng_below(r, 8);
	for (size_t p = 0; p < b->schema->n; p++)
		make_part(b, p, r);
}

/* Two batches are equal when they are written as equal bytes. */
static void
write_batch(const char *path, const struct batch *b)
{
	struct output *o = output_open(path, FORMAT_VP, b->schema, &e);

	ck_assert_ptr_nonnull(o);
	fine(output_put_all(o, b, &e));
	fine(output_close(o, &e));
}

static void
same_batches(const struct batch *a, const struct batch *b)
{
	struct buf x = { 0 }, y = { 0 };

	write_batch("a.vp", a);
	write_batch("b.vp", b);
	fine(io_read_file("a.vp", IO_MAX_FILE, &x, &e));
	fine(io_read_file("b.vp", IO_MAX_FILE, &y, &e));
	ck_assert_uint_eq(x.len, y.len);
	ck_assert_int_eq(memcmp(x.data, y.data, x.len), 0);
	buf_free(&x);
	buf_free(&y);
}

/* ---- the spool ---- */

static const size_t limits[] = { 0, 100, 20000, (size_t)1 << 30 };

START_TEST(records_come_back_from_memory_and_file)
{
	enum { N = 400 };
	struct schema s;
	struct batch all, back;
	struct spool aside;
	struct buf bytes = { 0 };
	struct record r;
	struct rng rng;
	char id[32];

	make_schema(&s, "");
	fine(batch_init(&all, &s, &e));
	fine(batch_init(&back, &s, &e));
	rng_seed(&rng, 1);
	spool_init(&aside, limits[_i]);
	for (size_t i = 0; i < N; i++) {
		snprintf(id, sizeof(id), "r%zu", i);
		make_record(&all, id, &rng);
		fine(spool_put(&aside, &all, i, &e));
		/* Taking some while others still come. */
		fine(spool_get(&aside, i / 2, &bytes, &r, &e));
		ck_assert(str_eq(r.id, strs_get(&all.id, i / 2)));
	}
	for (size_t i = N; i-- > 0;)
		fine(spool_get(&aside, i, &bytes, &r, &e));
	for (size_t i = 0; i < N; i++) {
		fine(spool_get(&aside, i, &bytes, &r, &e));
		fine(record_append(&back, &r, &e));
	}
	same_batches(&all, &back);
	spool_free(&aside);
	buf_free(&bytes);
	batch_free(&all);
	batch_free(&back);
	schema_free(&s);
}
END_TEST

START_TEST(a_spool_without_a_place_says_so)
{
	struct schema s;
	struct batch b;
	struct spool aside;
	struct rng rng;
	int rc = 0;

	make_schema(&s, "");
	fine(batch_init(&b, &s, &e));
	rng_seed(&rng, 1);
	make_record(&b, "r", &rng);
	setenv("TMPDIR", "/no/such/folder", 1);
	spool_init(&aside, 0);
	rc = spool_put(&aside, &b, 0, &e);
	unsetenv("TMPDIR");
	ck_assert_int_eq(rc, -1);
	ck_assert_ptr_nonnull(strstr(e.text, "/no/such/folder"));
	spool_free(&aside);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

START_TEST(equal_hashes_are_all_found)
{
	struct id_table t = { 0 };
	size_t at = 0, found = 0;

	for (uint64_t i = 0; i < 300; i++)
		fine(id_table_add(&t, i % 3 == 0 ? 7 : i << 32));
	while (id_table_next(&t, 7, &at) >= 0)
		found++;
	ck_assert_uint_eq(found, 100);
	at = 0;
	ck_assert_int_eq(id_table_next(&t, 12345, &at), -1);
	id_table_free(&t);
}
END_TEST

/* ---- the join ---- */

enum { STREAMS = 3, IDS = 90 };

/* Stream k holds a chance choice of the ids, in an order of its own; meta
 * data come from the first stream alone, so that none differ. */
static void
make_stream(size_t k, struct batch *b, struct schema *s, struct rng *rng)
{
	static const char *const prefix[STREAMS] = { "a.", "b.", "c." };
	static const char *const path[STREAMS] = { "0.vp", "1.vp", "2.vp" };
	uint32_t order[IDS];
	char id[32];

	make_schema(s, prefix[k]);
	fine(batch_init(b, s, &e));
	for (uint32_t i = 0; i < IDS; i++)
		order[i] = i;
	rng_shuffle(rng, order, IDS);
	for (uint32_t i = 0; i < IDS; i++) {
		if (rng_below(rng, 3) == 0)
			continue;
		snprintf(id, sizeof(id), "r%u", order[i]);
		fine(batch_add(b, id, strlen(id), &e));
		if (k == 0)
			fine(batch_label(b, id + 1, strlen(id + 1), &e));
		for (size_t p = 0; p < s->n; p++)
			make_part(b, p, rng);
	}
	write_batch(path[k], b);
}

static int64_t
find(const struct batch *b, struct str id)
{
	for (size_t i = 0; i < b->n; i++)
		if (str_eq(strs_get(&b->id, i), id))
			return (int64_t)i;
	return -1;
}

/* Copy the parts of record i to parts first... of the last record. */
static void
copy_parts(struct batch *to, size_t first, const struct batch *from, size_t i)
{
	struct buf bytes = { 0 };
	struct record r;

	fine(record_of(from, i, &bytes, &r, &e));
	fine(record_parts(to, first, &r, from->schema, &e));
	buf_free(&bytes);
}

/* The join by looking through everything. */
static void
plain_join(struct batch *out, const struct batch *in, enum join_kind kind)
{
	for (size_t k = 0; k < STREAMS; k++)
		for (size_t i = 0; i < in[k].n; i++) {
			struct str id = strs_get(&in[k].id, i);
			int64_t at[STREAMS];
			size_t have = 0, first = 0;

			for (size_t q = 0; q < STREAMS; q++) {
				at[q] = find(&in[q], id);
				have += at[q] >= 0;
				first += have == 0;
			}
			if (first < k ||
			    (kind == JOIN_INNER && have < STREAMS) ||
			    (kind == JOIN_LEFT && at[0] < 0))
				continue;
			fine(batch_add(out, id.s, id.len, &e));
			if (at[0] >= 0)
				fine(
				    batch_label(out, id.s + 1, id.len - 1, &e));
			for (size_t q = 0; q < STREAMS; q++)
				if (at[q] >= 0)
					copy_parts(
					    out, 3 * q, &in[q], (size_t)at[q]);
		}
}

static void
open_sources(struct join_source *src, size_t n)
{
	static char names[STREAMS][5] = { "0.vp", "1.vp", "2.vp" };

	for (size_t k = 0; k < n; k++) {
		char *path = names[k];

		src[k] = (struct join_source){ .label = path };
		src[k].in = input_open(&path, 1, &e);
		if (src[k].in == NULL)
			ck_abort_msg("%s", e.text);
	}
}

START_TEST(joins_are_those_of_brute_force)
{
	struct schema s[STREAMS];
	struct batch in[STREAMS], got, want, some;
	struct join_source src[STREAMS];
	struct rng rng;

	rng_seed(&rng, 20);
	for (size_t k = 0; k < STREAMS; k++)
		make_stream(k, &in[k], &s[k], &rng);
	for (int kind = 0; kind < 3; kind++) {
		struct join_options o = { .kind = (enum join_kind)kind,
			.memory = limits[_i] };
		const struct join_counts *c;
		struct join *j;
		int rc;

		open_sources(src, STREAMS);
		j = join_open(src, STREAMS, &o, &e);
		if (j == NULL)
			ck_abort_msg("%s", e.text);
		fine(batch_init(&got, join_schema(j), &e));
		fine(batch_init(&want, join_schema(j), &e));
		fine(batch_init(&some, join_schema(j), &e));
		plain_join(&want, in, o.kind);
		while ((rc = join_next(j, &some, &e)) > 0)
			for (size_t i = 0; i < some.n; i++)
				fine(batch_copy(&got, &some, i, &e));
		fine(rc);
		ck_assert_uint_gt(want.n, 10);
		same_batches(&got, &want);
		c = join_counts(j);
		ck_assert_uint_eq(c->out, want.n);
		for (size_t k = 0; k < STREAMS && kind == JOIN_OUTER; k++)
			ck_assert_uint_eq(c->have[k], in[k].n);
		batch_free(&got);
		batch_free(&want);
		batch_free(&some);
		join_free(j);
		for (size_t k = 0; k < STREAMS; k++)
			input_close(src[k].in);
	}
	for (size_t k = 0; k < STREAMS; k++) {
		batch_free(&in[k]);
		schema_free(&s[k]);
	}
}
END_TEST

/* ---- combinations ---- */

static const char *const part_names[] = { "p", "q" };

/* Parts p and q of DIM, dense or sparse; sparse ones hold the same values. */
static void
two_parts(struct schema *s, struct batch *b, int sparse, size_t n)
{
	struct rng rng;
	char id[32];

	*s = (struct schema){ 0 };
	for (int k = 0; k < 2; k++)
		fine(schema_add(s, part_names[k],
		    sparse >> k & 1 ? PART_SPARSE : PART_DENSE, DIM, NULL, NULL,
		    &e));
	fine(batch_init(b, s, &e));
	rng_seed(&rng, 5);
	for (size_t i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "r%zu", i);
		fine(batch_add(b, id, strlen(id), &e));
		for (size_t k = 0; k < 2; k++) {
			int missing = rng_below(&rng, 4) == 0;
			float v[DIM], *x = v;
			uint32_t all[DIM], *index = all;

			for (uint32_t d = 0; d < DIM; d++) {
				v[d] = (float)rng_double(&rng) - .4f;
				all[d] = d;
			}
			if (missing)
				continue;
			if (s->parts[k].kind == PART_DENSE)
				x = batch_dense(b, k);
			else
				fine(batch_sparse(b, k, DIM, &index, &x));
			memcpy(x, v, sizeof(v));
			for (uint32_t d = 0; d < DIM; d++)
				index[d] = d;
		}
	}
}

/* The values of the result as a dense row, whatever its kind. */
static void
result_row(const struct batch *b, size_t i, double *row)
{
	const struct part_column *c = &b->parts[0];
	uint32_t D = b->schema->parts[0].dim;
	size_t first, n;

	for (uint32_t d = 0; d < D; d++)
		row[d] = b->schema->parts[0].kind == PART_DENSE
			     ? (double)c->dense[i * D + d]
			     : 0;
	if (b->schema->parts[0].kind == PART_DENSE)
		return;
	n = batch_range(c->end, i, &first);
	for (size_t k = first; k < first + n; k++)
		row[c->index[k]] = (double)c->value[k];
}

/* What the page says, computed in the plainest way. */
struct plain {
	enum combine_to to;
	enum combine_norm norm;
	enum combine_missing missing;
	double w[2], mean[2][DIM], deviation[2][DIM];
};

static void
plain_statistics(struct plain *q, const struct batch *b)
{
	for (int k = 0; k < 2; k++)
		for (int d = 0; d < DIM; d++) {
			double sum = 0, square = 0, n = 0;

			for (size_t i = 0; i < b->n; i++)
				if (b->parts[k].mask[i]) {
					sum += (double)b->parts[k]
						   .dense[i * DIM + (size_t)d];
					n++;
				}
			q->mean[k][d] = sum / n;
			for (size_t i = 0; i < b->n; i++)
				if (b->parts[k].mask[i]) {
					double x =
					    (double)b->parts[k]
						.dense[i * DIM + (size_t)d];

					square += (x - q->mean[k][d]) *
						  (x - q->mean[k][d]);
				}
			q->deviation[k][d] = sqrt(square / n);
		}
}

/* Part k of record i after its norm; 0 when nothing stands there. */
static int
plain_part(
    const struct plain *q, const struct batch *b, size_t i, int k, double *y)
{
	double length = 0;
	int there = b->parts[k].mask[i];

	for (size_t d = 0; d < DIM; d++) {
		y[d] = there ? (double)b->parts[k].dense[i * DIM + d]
			     : q->mean[k][d];
		length += y[d] * y[d];
	}
	for (int d = 0; d < DIM; d++) {
		if (q->norm == COMBINE_L2)
			y[d] /= sqrt(length);
		if (q->norm == COMBINE_Z)
			y[d] = (y[d] - q->mean[k][d]) / q->deviation[k][d];
		y[d] *= q->w[k];
		if (!there && q->missing != COMBINE_FILL)
			y[d] = 0;
	}
	return there;
}

/* Record i by the book; returns the dim, 0 when there is no result. */
static int
plain_combine(
    const struct plain *q, const struct batch *b, size_t i, double *out)
{
	double y[2][DIM];
	int there[2], n;

	for (int k = 0; k < 2; k++)
		there[k] = plain_part(q, b, i, k, y[k]);
	n = there[0] + there[1];
	if (n == 0 ||
	    (q->to == COMBINE_CONCAT && n < 2 && q->missing == COMBINE_DROP))
		return 0;
	if (q->to == COMBINE_CONCAT) {
		memcpy(out, y, sizeof(y));
		out[2 * DIM] = !there[0];
		out[2 * DIM + 1] = !there[1];
		return q->missing == COMBINE_INDICATOR ? 2 * DIM + 2 : 2 * DIM;
	}
	for (int d = 0; d < DIM; d++) {
		double a = y[0][d], c = y[1][d];

		if (n == 1)
			out[d] = there[0] ? a : c;
		else if (q->to == COMBINE_MAX)
			out[d] = a > c ? a : c;
		else if (q->to == COMBINE_PRODUCT)
			out[d] = a * c;
		else
			out[d] = a + c;
		if (q->to == COMBINE_MEAN)
			out[d] /=
			    (there[0] ? q->w[0] : 0) + (there[1] ? q->w[1] : 0);
	}
	return DIM;
}

enum { COMBINED = 60 };

/* Combine, compare with the book, save where fitted, and load again. */
static void
try(struct plain *q, int sparse)
{
	struct schema s, plain_schema;
	struct batch b, plain, out, again;
	struct combine c, loaded;
	double want[2 * DIM + 2], got[2 * DIM + 2];

	two_parts(&s, &b, sparse, COMBINED);
	two_parts(&plain_schema, &plain, 0, COMBINED);
	plain_statistics(q, &plain);
	fine(combine_init(&c, &s, q->to, q->norm, q->missing, &e));
	for (int k = 0; k < 2; k++)
		fine(combine_weight(&c, part_names[k], q->w[k], &e));
	combine_fit(&c, &b);
	fine(combine_save(&c, "x.model", &e));
	fine(combine_open(&c, "both", &e));
	ck_assert_int_eq(
	    c.schema.parts[0].kind, sparse ? PART_SPARSE : PART_DENSE);
	fine(batch_init(&out, &c.schema, &e));
	fine(combine_apply(&c, &b, &out, &e));
	ck_assert_uint_eq(out.n, COMBINED);
	for (size_t i = 0; i < COMBINED; i++) {
		int dim = plain_combine(q, &plain, i, want);

		ck_assert_int_eq(out.parts[0].mask[i], dim > 0);
		if (dim == 0)
			continue;
		ck_assert_uint_eq(c.schema.parts[0].dim, (unsigned)dim);
		result_row(&out, i, got);
		for (int d = 0; d < dim; d++)
			if (!(fabs(got[d] - want[d]) <
				2e-6 * (1 + fabs(want[d]))))
				ck_abort_msg("to %d norm %d missing %d "
					     "sparse %d: %zu, %d: %g not %g",
				    q->to, q->norm, q->missing, sparse, i, d,
				    got[d], want[d]);
	}
	fine(combine_load(&loaded, "x.model", &e));
	fine(combine_bind(&loaded, &s, &e));
	fine(combine_open(&loaded, "both", &e));
	ck_assert_str_eq(loaded.schema.parts[0].space, c.schema.parts[0].space);
	fine(batch_init(&again, &loaded.schema, &e));
	fine(combine_apply(&loaded, &b, &again, &e));
	same_batches(&out, &again);
	batch_free(&b);
	batch_free(&plain);
	batch_free(&out);
	batch_free(&again);
	combine_free(&c);
	combine_free(&loaded);
	schema_free(&s);
	schema_free(&plain_schema);
}

START_TEST(combinations_are_by_the_book)
{
	static const enum combine_missing stand_in[] = { COMBINE_DROP,
		COMBINE_FILL, COMBINE_INDICATOR };
	struct plain q = { .to = (enum combine_to)_i, .w = { 2, .75 } };

	for (int norm = COMBINE_NONE; norm <= COMBINE_Z; norm++)
		for (int m = 0; m < 3; m++)
			for (int sparse = 0; sparse < 4; sparse++) {
				q.norm = (enum combine_norm)norm;
				q.missing = stand_in[m];
				if (sparse > 0 &&
				    (q.norm == COMBINE_Z || m == 1))
					continue;
				if (q.to != COMBINE_CONCAT && m > 0)
					continue;
				try(&q, sparse);
			}
}
END_TEST

START_TEST(what_cannot_be_combined_is_refused)
{
	struct schema s = { 0 };
	struct batch b;
	struct combine c;

	fine(schema_add(&s, "p", PART_DENSE, 3, NULL, NULL, &e));
	fine(schema_add(&s, "q", PART_SPARSE, 4, NULL, NULL, &e));
	ck_assert_int_eq(
	    combine_init(&c, &s, COMBINE_SUM, COMBINE_NONE, COMBINE_REFUSE, &e),
	    -1);
	ck_assert_ptr_nonnull(strstr(e.text, "dim"));
	combine_free(&c);
	ck_assert_int_eq(
	    combine_init(&c, &s, COMBINE_CONCAT, COMBINE_Z, COMBINE_REFUSE, &e),
	    -1);
	combine_free(&c);
	ck_assert_int_eq(combine_init(&c, &s, COMBINE_CONCAT, COMBINE_NONE,
			     COMBINE_FILL, &e),
	    -1);
	combine_free(&c);
	fine(combine_init(
	    &c, &s, COMBINE_CONCAT, COMBINE_NONE, COMBINE_REFUSE, &e));
	ck_assert_int_eq(combine_weight(&c, "r", 2, &e), -1);
	fine(combine_open(&c, "both", &e));
	fine(batch_init(&b, &s, &e));
	fine(batch_add(&b, "one", 3, &e));
	batch_dense(&b, 0);
	{
		struct batch out;

		fine(batch_init(&out, &c.schema, &e));
		ck_assert_int_eq(combine_apply(&c, &b, &out, &e), -1);
		ck_assert_ptr_nonnull(strstr(e.text, "'one' has no part 'q'"));
		batch_free(&out);
	}
	combine_free(&c);
	batch_free(&b);
	fine(schema_add(&s, "r", PART_SEQUENCE, 4, NULL, NULL, &e));
	ck_assert_int_eq(combine_init(&c, &s, COMBINE_CONCAT, COMBINE_NONE,
			     COMBINE_REFUSE, &e),
	    -1);
	combine_free(&c);
	schema_free(&s);
}
END_TEST

/* A model of other parts, or of another space, must not be applied. */
START_TEST(a_model_knows_its_parts)
{
	struct schema s = { 0 }, other = { 0 }, more = { 0 };
	struct combine c;

	fine(schema_add(&s, "p", PART_DENSE, 3, "{\"a\":1}", NULL, &e));
	fine(schema_add(&other, "p", PART_DENSE, 3, "{\"a\":2}", NULL, &e));
	fine(schema_add(&more, "q", PART_DENSE, 3, NULL, NULL, &e));
	fine(
	    combine_init(&c, &s, COMBINE_CONCAT, COMBINE_L2, COMBINE_DROP, &e));
	fine(combine_save(&c, "x.model", &e));
	combine_free(&c);
	fine(combine_load(&c, "x.model", &e));
	fine(combine_bind(&c, &s, &e));
	ck_assert_int_eq(combine_bind(&c, &other, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "a"));
	ck_assert_int_eq(combine_bind(&c, &more, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "knows no part 'q'"));
	combine_free(&c);
	schema_free(&s);
	schema_free(&other);
	schema_free(&more);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fusion");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, records_come_back_from_memory_and_file, 0, 4);
	tcase_add_test(t, a_spool_without_a_place_says_so);
	tcase_add_test(t, equal_hashes_are_all_found);
	tcase_add_loop_test(t, joins_are_those_of_brute_force, 0, 4);
	tcase_add_loop_test(t, combinations_are_by_the_book, 0, 5);
	tcase_add_test(t, what_cannot_be_combined_is_refused);
	tcase_add_test(t, a_model_knows_its_parts);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return unit_main(s);
}
