/* What pieces of an item contribute: against models asked one variation at a
 * time, and how items are taken apart. */
#include "base/pool.h"
#include "fusion/asking.h"
#include "image/cells.h"
#include "learn/loss.h"
#include "mixture.h"
#include "text/pieces.h"
#include "unit.h"

static const struct error no_error;

/* ---- marks ---- */

START_TEST(a_run_says_what_is_occluded)
{
	static const char *const run[] = { "{}", "{\"a\":1}" };
	struct error e = no_error;

	for (int i = 0; i < 2; i++) {
		struct buf b = { 0 };
		struct schema s = { 0 };

		buf_puts(&b, run[i]);
		ck_assert_int_eq(occlude_mark(&b, "3x3"), 0);
		buf_putc(&b, '\0');
		ck_assert_int_eq(
		    schema_add(&s, "x", PART_SEQUENCE, 2, NULL, b.data, &e), 0);
		ck_assert_int_eq(
		    schema_add(&s, "y", PART_SEQUENCE, 2, NULL, run[i], &e), 0);
		ck_assert_int_eq(
		    schema_add(&s, "z", PART_DENSE, 2, NULL, b.data, &e), 0);
		ck_assert(occlude_marked(&s.parts[0]));
		ck_assert(!occlude_marked(&s.parts[1]));
		ck_assert(!occlude_marked(&s.parts[2]));
		schema_free(&s);
		buf_free(&b);
	}
}
END_TEST

/* ---- shares ---- */

enum { N = 70, MOST_ROWS = 90 }; /* more than a worker takes at once */

/* Rows of the occluded parts a and c of record i. */
static size_t
rows_of(size_t i, size_t q)
{
	return q == 0 ? 1 + i % 5 : i == 3 ? MOST_ROWS : i % 3;
}

/* The records of ${from} with parts a and c as sequences, of which the first
 * row is what was there. */
static void
occlude(struct batch *to, struct schema *s, const struct batch *from)
{
	struct error e = no_error;
	struct rng r;

	rng_seed(&r, 9);
	for (size_t q = 0; q < PARTS; q++)
		ck_assert_int_eq(
		    schema_add(s, from->schema->parts[q].name,
			q % 2 == 0 ? PART_SEQUENCE : PART_DENSE, mixture_dim[q],
			NULL, q % 2 == 0 ? "{\"occluded\":\"words\"}" : NULL,
			&e),
		    0);
	ck_assert_int_eq(batch_init(to, s, &e), 0);
	for (size_t i = 0; i < from->n; i++) {
		ck_assert_int_eq(batch_carry(to, from, i, &e), 0);
		for (size_t q = 0; q < PARTS; q++) {
			size_t D = mixture_dim[q], rows = rows_of(i, q);
			const float *x = from->parts[q].dense + i * D;
			double *time;
			float *v;

			if (!from->parts[q].mask[i])
				continue;
			if (q % 2 == 1) {
				memcpy(batch_dense(to, q), x, D * sizeof(*x));
				continue;
			}
			v = batch_sequence(to, q, rows, &time);
			for (size_t k = 0; k < rows; k++) {
				time[2 * k] = (double)(10 * k);
				time[2 * k + 1] = (double)(10 * k + i);
				for (size_t j = 0; j < D; j++)
					v[k * D + j] =
					    k == 0 ? x[j] : mixture_number(&r);
			}
		}
	}
}

/* v of the likeliest output, and which that is, of a record that lies in a
 * batch of its own, in double from the scores. */
static double
value_of(const struct mixture *m, const struct batch *b, size_t *output)
{
	struct error e = no_error;
	struct predictor_room *room = predictor_room_new(&m->p, &e);
	float F[MOST_C];
	double sum = 0;

	ck_assert_int_eq(predictor_scores(&m->p, mixture_la(), b, mixture_map,
			     0, 1, ~UINT64_C(0), F, room, &e),
	    0);
	predictor_room_free(room);
	if (m->p.task == TASK_REGRESS)
		return m->p.mean + m->p.scale * (double)F[0];
	if (*output == SIZE_MAX)
		*output = loss_best(F, m->p.C);
	if (m->p.task == TASK_MULTILABEL)
		return (double)F[*output];
	for (size_t c = 0; c < m->p.C; c++)
		if (c != *output)
			sum += exp((double)F[c]);
	return (double)F[*output] - log(sum);
}

/* Record i with row k of part q in place of the first, k 0: as it is. */
static double
varied(const struct mixture *m, const struct batch *dense,
    const struct batch *given, size_t i, size_t q, size_t k, size_t *output)
{
	struct batch one = { 0 };
	struct error e = no_error;
	size_t D = mixture_dim[q], at;
	double v;

	ck_assert_int_eq(batch_init(&one, dense->schema, &e), 0);
	ck_assert_int_eq(batch_copy(&one, dense, i, &e), 0);
	/* A sequence without rows is missing. */
	for (size_t p = 0; p < PARTS; p += 2)
		if (given->parts[p].mask[i] &&
		    batch_range(given->parts[p].end, i, &at) == 0)
			one.parts[p].mask[0] = 0;
	batch_range(given->parts[q].end, i, &at);
	if (k > 0)
		memcpy(one.parts[q].dense, given->parts[q].value + (at + k) * D,
		    D * sizeof(float));
	v = value_of(m, &one, output);
	batch_free(&one);
	return v;
}

static struct asking *
ask(const struct mixture *m, struct pool *pool, const struct batch *b)
{
	static const struct question q;
	struct error e = no_error;
	struct asking *a =
	    asking_new(&m->p, mixture_la(), pool, b->schema, &q, &e);

	ck_assert_msg(a != NULL, "%s", e.text);
	ck_assert_int_eq(asking_batch(a, b, &e), 0);
	return a;
}

START_TEST(shares_are_what_is_lost_without_the_piece)
{
	struct mixture m;
	struct batch dense, given = { 0 };
	struct schema s = { 0 };
	struct error why;
	struct answer one, other;
	struct asking *a, *b;
	struct pool *pool = pool_new(3, &why);
	size_t seen = 0;

	mixture_make(&m, (enum task)_i);
	mixture_batch(&dense, &m.p.schema, N);
	occlude(&given, &s, &dense);
	a = ask(&m, NULL, &given);
	b = ask(&m, pool, &given);
	for (size_t i = 0; i < N; i++) {
		size_t at, n, output = SIZE_MAX, k = 1, last = 0;
		double whole = varied(&m, &dense, &given, i, 0, 0, &output);

		asking_answer(a, i, &one, &why);
		asking_answer(b, i, &other, &why);
		n = batch_range(one.without->end, one.without_record, &at);
		for (size_t x = at; x < at + n; x++, k++) {
			const struct occlusion_piece *p =
			    &one.without->piece[x];

			if (p->part != last)
				k = 1;
			last = p->part;
			ck_assert_double_eq_tol(p->share,
			    whole - varied(&m, &dense, &given, i, p->part, k,
					&output),
			    2e-5);
			ck_assert(p->from == (double)(10 * k));
			ck_assert(p->to == (double)(10 * k + i));
			ck_assert_mem_eq(p,
			    &other.without->piece
				 [x - at +
				     (other.without_record > 0
					     ? other.without->end
						   [other.without_record - 1]
					     : 0)],
			    sizeof(*p));
		}
		/* All pieces of the parts that are there. */
		for (size_t q = 0; q < PARTS; q += 2)
			if (dense.parts[q].mask[i] && rows_of(i, q) > 0)
				n -= rows_of(i, q) - 1;
		ck_assert_uint_eq(n, 0);
		seen += k;
	}
	ck_assert_uint_gt(seen, N);
	asking_free(a);
	asking_free(b);
	pool_free(pool);
	batch_free(&dense);
	batch_free(&given);
	schema_free(&s);
	predictor_free(&m.p);
}
END_TEST

/* ---- words ---- */

START_TEST(words_are_what_blanks_part)
{
	static const char text[] = "  one two\tthr\xC3\xA9"
				   "e\n four ";
	struct str s = { text, sizeof(text) - 1 };
	struct text_piece p[4];
	struct buf b = { 0 };

	ck_assert_uint_eq(text_pieces(s, p, 4), 4);
	ck_assert_mem_eq(text + p[2].from,
	    "thr\xC3\xA9"
	    "e",
	    6);
	ck_assert_uint_eq(p[2].to - p[2].from, 6);
	ck_assert_int_eq(text_without(&b, s, &p[1]), 0);
	ck_assert_int_eq(buf_putc(&b, '\0'), 0);
	ck_assert_str_eq(b.data, "  one \tthr\xC3\xA9"
				 "e\n four ");
	/* Two and two. */
	ck_assert_uint_eq(text_pieces(s, p, 3), 2);
	ck_assert_uint_eq(p[0].from, 2);
	ck_assert_uint_eq(p[0].to, 9);
	ck_assert_uint_eq(p[1].to, s.len - 1);
	s.len = 2;
	ck_assert_uint_eq(text_pieces(s, p, 4), 0);
	buf_free(&b);
}
END_TEST

/* ---- cells ---- */

START_TEST(cells_cover_a_picture_once)
{
	static const uint32_t size[][2] = { { 7, 5 }, { 3, 9 }, { 1, 1 },
		{ 16, 16 } };
	uint32_t w = size[_i][0], h = size[_i][1];
	struct error e = no_error;
	struct image im;
	struct cells c;
	size_t n, hidden = 0;
	uint8_t before[16 * 16 * 3];

	ck_assert_int_eq(image_alloc(&im, w, h, 3, &e), 0);
	n = (size_t)w * h * 3;
	for (size_t i = 0; i < n; i++)
		im.px[i] = (uint8_t)(i * 37 % 251);
	memcpy(before, im.px, n);
	ck_assert_int_eq(cells_init(&c, &im, 4, &e), 0);
	/* Marks that no pixel has. */
	memset(c.mean, 255, sizeof(c.mean));
	for (uint32_t k = 0; k < 16; k++) {
		cells_hide(&c, k);
		for (size_t i = 0; i < n; i++) {
			hidden += im.px[i] == 255;
			ck_assert(im.px[i] == 255 || im.px[i] == before[i]);
		}
		cells_show(&c, k);
		ck_assert_mem_eq(im.px, before, n);
	}
	ck_assert_uint_eq(hidden, n);
	cells_free(&c);
	image_free(&im);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("occlusion");
	TCase *t = tcase_create("core");

	tcase_add_test(t, a_run_says_what_is_occluded);
	tcase_add_loop_test(t, shares_are_what_is_lost_without_the_piece, 0, 3);
	tcase_add_test(t, words_are_what_blanks_part);
	tcase_add_loop_test(t, cells_cover_a_picture_once, 0, 4);
	suite_add_tcase(s, t);
	return unit_main(s);
}
