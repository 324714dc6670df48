/* What is asked of models besides a prediction: shares of the parts, nearest
 * records, sets that hold the truth. */
#include "fusion/asking.h"
#include "fusion/conformal.h"
#include "mixture.h"
#include "unit.h"
#include "vec/output.h"

static const struct error no_error;

enum { N = 24 };

/* F: [N, C] with only these parts, in steps of so many records. */
static float *
scores(const struct predictor *p, const struct batch *b, uint64_t keep,
    size_t step)
{
	struct error e = no_error;
	struct predictor_room *room = predictor_room_new(p, &e);
	float *F = mem_array(b->n * p->C, sizeof(*F));

	ck_assert_ptr_nonnull(room);
	for (size_t i = 0; i < b->n; i += step)
		ck_assert_int_eq(
		    predictor_scores(p, mixture_la(), b, mixture_map, i,
			b->n - i < step ? b->n - i : step, keep, F + i * p->C,
			room, &e),
		    0);
	predictor_room_free(room);
	return F;
}

/* The same from the formula of predictor.h, for record i with these parts. */
static void
by_hand(const struct mixture *m, const struct batch *b, size_t i, uint64_t keep,
    double *F)
{
	const struct predictor *p = &m->p;
	uint64_t has = 0;
	size_t s = 0, C = p->C;

	for (size_t q = 0; q < 3; q++)
		has |= (uint64_t)b->parts[q].mask[i] << q;
	has &= keep;
	for (size_t k = 0; k < SETS; k++)
		if (mixture_set[k] == has)
			s = k;
	for (size_t c = 0; c < C; c++) {
		F[c] = (double)m->set_shift[s][c];
		for (size_t k = 0; k < MEMBERS; k++) {
			double f = (double)m->bias[k][c];

			for (size_t q = 0; q < PARTS; q++) {
				size_t D = mixture_dim[q];
				const float *x = b->parts[q].dense + i * D;

				if (!(mixture_member[k] >> q & 1))
					continue;
				if (!(has >> q & 1))
					f += (double)m->missing[k][q * C + c];
				for (size_t j = 0; has >> q & 1 && j < D; j++)
					f += ((double)x[j] - m->shift[q][j]) *
					     m->factor[q][j] *
					     (double)m->weight[k][q][j * C + c];
			}
			F[c] += (double)mixture_mix[s][k] * f;
		}
	}
}

START_TEST(scores_are_mixed_as_the_header_says)
{
	struct mixture m;
	struct batch b;
	enum task task = (enum task)(_i % 3);
	uint64_t keep = (uint64_t)_i / 3;
	float *F, *G;

	mixture_make(&m, task);
	mixture_batch(&b, &m.p.schema, N);
	F = scores(&m.p, &b, keep, N);
	for (size_t i = 0; i < N; i++) {
		double want[MOST_C];

		by_hand(&m, &b, i, keep, want);
		for (size_t c = 0; c < m.p.C; c++)
			ck_assert_double_eq_tol(
			    (double)F[i * m.p.C + c], want[c], 1e-5);
	}
	for (size_t step = 1; step < N; step += 4) {
		G = scores(&m.p, &b, keep, step);
		ck_assert_mem_eq(F, G, N * m.p.C * sizeof(*F));
		free(G);
	}
	free(F);
	batch_free(&b);
	predictor_free(&m.p);
}
END_TEST

/* ---- shares ---- */

/* v(S), from scores of the model with only the parts in S. */
static double
value(const struct predictor *p, const float *F, size_t output)
{
	double odds = 0;

	if (p->task == TASK_REGRESS)
		return p->mean + p->scale * (double)F[0];
	if (p->task == TASK_MULTILABEL)
		return (double)F[output];
	for (size_t c = 0; c < p->C; c++)
		if (c != output)
			odds += exp((double)F[c] - (double)F[output]);
	return -log(odds);
}

static void
ask_shares(struct shares *s, const struct predictor *p, const struct batch *b,
    float *A)
{
	struct error e = no_error;
	struct predictor_room *room = predictor_room_new(p, &e);

	predictor_link(p, mixture_la(), A, b->n);
	ck_assert_int_eq(shares_init(s, p, &e), 0);
	ck_assert_msg(shapley_shares(s, p, mixture_la(), b, mixture_map, 0,
			  b->n, A, room, &e) == 0,
	    "%s", e.text);
	predictor_room_free(room);
}

/* Means over all orders in which the parts could come. */
START_TEST(shares_are_means_over_all_orders)
{
	static const int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct mixture m;
	struct batch b;
	struct shares s;
	float *A, *F[8];
	size_t outputs = 0, C;

	mixture_make(&m, (enum task)_i);
	mixture_batch(&b, &m.p.schema, N);
	C = m.p.C;
	for (uint64_t S = 0; S < 8; S++)
		F[S] = scores(&m.p, &b, S, N);
	A = scores(&m.p, &b, ~UINT64_C(0), N);
	ask_shares(&s, &m.p, &b, A);
	for (size_t i = 0; i < N; i++) {
		size_t at, n = batch_range(s.end, i, &at);

		ck_assert_uint_gt(n, 0);
		for (size_t o = at; o < at + n; o++) {
			double want[3] = { 0 }, sum = s.base[o];
			const double *got = s.share + o * PARTS;

			for (int k = 0; k < 6; k++)
				for (uint64_t S = 0, j = 0; j < 3; j++) {
					int q = order[k][j];
					uint64_t T = S | UINT64_C(1) << q;

					want[q] += (value(&m.p, F[T] + i * C,
							s.output[o]) -
						       value(&m.p, F[S] + i * C,
							   s.output[o])) /
						   6;
					S = T;
				}
			for (size_t q = 0; q < 3; q++) {
				ck_assert_double_eq_tol(got[q], want[q], 1e-9);
				sum += got[q];
				if (!b.parts[q].mask[i])
					ck_assert_double_eq(got[q], 0);
			}
			/* It was constant in training. */
			ck_assert_double_eq(got[3], 0);
			ck_assert_double_eq_tol(s.base[o],
			    value(&m.p, F[0] + i * C, s.output[o]), 1e-12);
			ck_assert_double_eq_tol(
			    sum, value(&m.p, F[7] + i * C, s.output[o]), 1e-9);
			outputs++;
		}
	}
	ck_assert_uint_ge(outputs, N);
	for (uint64_t S = 0; S < 8; S++)
		free(F[S]);
	free(A);
	shares_free(&s);
	batch_free(&b);
	predictor_free(&m.p);
}
END_TEST

/* One linear model whose missing parts add nothing: the share of a part is its
 * values times their weights. */
START_TEST(shares_of_a_sum_are_its_terms)
{
	static const float one[MEMBERS] = { 1, 0, 0 };
	struct mixture m;
	struct batch b;
	struct shares s;
	float *A;

	mixture_make(&m, TASK_REGRESS);
	mixture_batch(&b, &m.p.schema, N);
	m.p.sets = 1;
	m.p.set[0].mix = one;
	memset(m.missing, 0, sizeof(m.missing));
	A = scores(&m.p, &b, ~UINT64_C(0), N);
	ask_shares(&s, &m.p, &b, A);
	for (size_t i = 0; i < N; i++) {
		ck_assert_double_eq_tol(s.base[i],
		    m.p.mean +
			m.p.scale * (double)(m.bias[0][0] + m.set_shift[0][0]),
		    1e-6);
		for (size_t q = 0; q < 3; q++) {
			size_t D = mixture_dim[q];
			double want = 0;

			for (size_t j = 0; b.parts[q].mask[i] && j < D; j++)
				want += ((double)b.parts[q].dense[i * D + j] -
					    m.shift[q][j]) *
					m.factor[q][j] *
					(double)m.weight[0][q][j];
			ck_assert_double_eq_tol(
			    s.share[i * PARTS + q], m.p.scale * want, 2e-6);
		}
	}
	free(A);
	shares_free(&s);
	batch_free(&b);
	predictor_free(&m.p);
}
END_TEST

START_TEST(every_said_label_is_explained)
{
	struct mixture m;
	struct batch b;
	struct shares s;
	float *A, high[MOST_C] = { 2, 2, 2, 2 };
	size_t several = 0;

	mixture_make(&m, TASK_MULTILABEL);
	mixture_batch(&b, &m.p.schema, N);
	A = scores(&m.p, &b, ~UINT64_C(0), N);
	ask_shares(&s, &m.p, &b, A);
	for (size_t i = 0; i < N; i++) {
		size_t at, n = batch_range(s.end, i, &at), said = 0;

		for (size_t c = 0; c < MOST_C; c++)
			if (A[i * MOST_C + c] >= 0.5f)
				ck_assert_uint_eq(s.output[at + said++], c);
		ck_assert_uint_eq(n, said > 0 ? said : 1);
		several += said > 1;
	}
	ck_assert_uint_gt(several, 3);
	shares_free(&s);
	free(A);
	/* Where none is said, the likeliest. */
	m.p.threshold = high;
	A = scores(&m.p, &b, ~UINT64_C(0), N);
	ask_shares(&s, &m.p, &b, A);
	for (size_t i = 0; i < N; i++) {
		ck_assert_uint_eq(s.end[i], i + 1);
		for (size_t c = 0; c < MOST_C; c++)
			ck_assert_float_ge(
			    A[i * MOST_C + s.output[i]], A[i * MOST_C + c]);
	}
	shares_free(&s);
	free(A);
	batch_free(&b);
	predictor_free(&m.p);
}
END_TEST

START_TEST(too_many_parts_have_no_shares)
{
	struct predictor p = { .scaling = { .live = 0x3fff } };
	struct error e = no_error;
	int map[15] = { [14] = 14 };

	for (int k = 0; k < 14; k++) {
		char name[16];

		snprintf(name, sizeof(name), "p%d", k);
		ck_assert_int_eq(
		    schema_add(&p.schema, name, PART_DENSE, 1, NULL, NULL, &e),
		    0);
		map[k] = k;
	}
	ck_assert_int_eq(shapley_parts(&p, map, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "14 parts: more than 12"));
	map[0] = map[1] = -1;
	ck_assert_int_eq(shapley_parts(&p, map, &e), 0);
	map[0] = 0;
	p.scaling.live &= ~UINT64_C(4);
	ck_assert_int_eq(shapley_parts(&p, map, &e), 0);
	ck_assert_int_eq(
	    schema_add(&p.schema, "base", PART_DENSE, 1, NULL, NULL, &e), 0);
	ck_assert_int_eq(shapley_parts(&p, map, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "'base'"));
	schema_free(&p.schema);
}
END_TEST

/* ---- sets ---- */

START_TEST(quantiles_are_those_of_the_definition)
{
	float doubt[1000];
	static const double share[] = { 0.5, 0.55, 0.7, 0.9, 0.95, 0.999 };

	for (size_t k = 0; k < 1000; k++)
		doubt[k] = (float)(k + 1);
	for (size_t k = 0; k <= 1000; k++)
		for (size_t s = 0; s < 6; s++) {
			/* In whole numbers: ceil((k + 1) P). */
			size_t P = (size_t)rint(share[s] * 1000);
			size_t rank = ((k + 1) * P + 999) / 1000;
			float q = conformal_quantile(doubt, k, share[s]);

			if (rank > k)
				ck_assert_float_infinite(q);
			else
				ck_assert_float_eq(q, (float)rank);
		}
	ck_assert_float_infinite(conformal_quantile(NULL, 0, 0.5));
	ck_assert_float_eq(conformal_doubt(0.75f), 0.25f);
}
END_TEST

/* ---- lines ---- */

/* Ask for everything of a batch, and write the lines. */
static void
ask(const struct predictor *p, const struct batch *b, struct question *q,
    int tsv, struct buf *out)
{
	struct error e = no_error;
	struct asking *a = asking_new(p, mixture_la(), NULL, b->schema, q, &e);

	ck_assert_msg(a != NULL, "%s", e.text);
	ck_assert_int_eq(asking_batch(a, b, &e), 0);
	out->len = 0;
	if (tsv)
		ck_assert_int_eq(answer_tsv_header(out, p, q->asked), 0);
	for (size_t i = 0; i < b->n; i++) {
		struct answer answer;
		struct error why;

		asking_answer(a, i, &answer, &why);
		ck_assert_int_eq(
		    tsv ? answer_tsv(out, &answer) : answer_jsonl(out, &answer),
		    0);
	}
	ck_assert_int_eq(buf_putc(out, '\0'), 0);
	asking_free(a);
}

/* One of the doubts 0.1 to 0.9 and P are known, so the set is. */
START_TEST(sets_hold_what_is_likely_enough)
{
	struct mixture m;
	struct batch b;
	struct question q = { .asked = ANSWER_COVER, .cover = 0.9 };
	struct error e = no_error;
	struct asking *a;
	float lo, hi;

	mixture_make(&m, (enum task)_i);
	mixture_batch(&b, &m.p.schema, N);
	a = asking_new(&m.p, mixture_la(), NULL, &m.p.schema, &q, &e);
	ck_assert_msg(a != NULL, "%s", e.text);
	ck_assert_int_eq(asking_batch(a, &b, &e), 0);
	for (size_t i = 0; i < N; i++) {
		struct answer t;
		struct error why;
		/* (9 + 1) 0.9: the 9th.  The fourth set has none. */
		float want = i % 8 == 0 && i < 16 ? INFINITY : 0.9f;

		asking_answer(a, i, &t, &why);
		ck_assert_float_eq(t.q, want);
		if (m.p.task == TASK_REGRESS) {
			ck_assert_int_eq(
			    answer_interval(&t, &lo, &hi), isfinite(want) != 0);
			ck_assert_float_eq(lo, t.P[0] - want);
			ck_assert_float_eq(hi, t.P[0] + want);
			continue;
		}
		for (size_t c = 0; c < m.p.C; c++)
			ck_assert_int_eq(answer_in_set(&t, c),
			    (float)(1 - (double)t.P[c]) <= want ||
				answer_said(&t, c));
	}
	asking_free(a);
	for (size_t s = 0; s < SETS; s++)
		m.p.set[s].doubts = 0;
	ck_assert_ptr_null(
	    asking_new(&m.p, mixture_la(), NULL, &m.p.schema, &q, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "without cross-validation"));
	batch_free(&b);
	predictor_free(&m.p);
}
END_TEST

START_TEST(only_classes_are_rejected)
{
	struct mixture m;
	struct question q = { .asked = ANSWER_REJECT, .reject = 0.5 };
	struct error e = no_error;

	mixture_make(&m, (enum task)_i);
	ck_assert_ptr_null(
	    asking_new(&m.p, mixture_la(), NULL, &m.p.schema, &q, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "rejection is of classes"));
	predictor_free(&m.p);
}
END_TEST

/* The lines, letter by letter, from numbers that are set here. */
START_TEST(lines_say_all_that_was_asked)
{
	struct mixture m;
	struct batch b;
	struct buf out = { 0 };
	float P[MOST_C] = { 0.125f, 0.5f, 0.25f, 0.125f };
	size_t end[1] = { 1 };
	uint32_t output[2] = { 1, 3 }, near[2] = { 1, 0 };
	double base[2] = { -1.5, 2 },
	       share[2 * PARTS] = { 0.25, -0.12345678912, 0, -0.0, 1, 2, 3, 4 };
	float cosine[2] = { 0.75f, -0.5f };
	struct shares why = { .parts = PARTS,
		.n = 1,
		.end = end,
		.output = output,
		.base = base,
		.share = share };
	struct neighbours nb = { .n = 2 };
	struct answer a = { .predictor = &m.p,
		.batch = &b,
		.map = mixture_map,
		.record = 5, /* lacks b and z */
		.P = P,
		.most = 1,
		.filled = 2,
		.asked =
		    ANSWER_COVER | ANSWER_REJECT | ANSWER_WHY | ANSWER_NEAR,
		.q = 0.75f,
		.reject = 0.5,
		.why = &why,
		.neighbours = &nb,
		.near = near,
		.cosine = cosine,
		.found = 2 };
	uint32_t number;

	mixture_make(&m, TASK_CLASS);
	mixture_batch(&b, &m.p.schema, N);
	ck_assert_int_eq(intern_add(&nb.id, "n0", 2, &number), 1);
	ck_assert_int_eq(intern_add(&nb.id, "n\"1", 3, &number), 1);
#define WHY                                                                    \
	"\"why\":{\"base\":-1.5,\"a\":0.25,\"b\":-0.1234568,\"c\":0,\"z\":0}"
#define NEAR                                                                   \
	"\"near\":[{\"id\":\"n\\\"1\",\"cosine\":0.75},{\"id\":\"n0\","        \
	"\"cosine\":-0.5}]"
	ck_assert_int_eq(answer_jsonl(&out, &a), 0);
	a.reject = 0.50001;
	ck_assert_int_eq(answer_jsonl(&out, &a), 0);
	a.q = INFINITY;
	a.asked = ANSWER_COVER;
	ck_assert_int_eq(answer_jsonl(&out, &a), 0);
	a.P = NULL;
	a.error = "a: cut";
	ck_assert_int_eq(answer_jsonl(&out, &a), 0);
	buf_putc(&out, '\0');
	ck_assert_str_eq(out.data,
	    "{\"id\":\"r5\",\"label\":\"x\",\"p\":0.5,\"missing\":[\"b\",\"z\"]"
	    ","
	    "\"imputed\":[\"b\"],\"probs\":{\"x\":0.5},\"set\":[\"x\",\"y\"]"
	    "," WHY "," NEAR "}\n"
	    "{\"id\":\"r5\",\"label\":null,\"rejected\":true,\"p\":0.5,"
	    "\"missing\":[\"b\",\"z\"],\"imputed\":[\"b\"],"
	    "\"probs\":{\"x\":0.5},\"set\":[\"x\",\"y\"]," WHY "," NEAR "}\n"
	    "{\"id\":\"r5\",\"label\":\"x\",\"p\":0.5,\"missing\":[\"b\",\"z\"]"
	    ","
	    "\"imputed\":[\"b\"],\"probs\":{\"x\":0.5},"
	    "\"set\":[\"w\",\"x\",\"y\",\"z\"]}\n"
	    "{\"id\":\"r5\",\"label\":null,\"error\":\"a: cut\"}\n");
	/* The same as a table. */
	out.len = 0;
	a.asked = ANSWER_COVER | ANSWER_REJECT | ANSWER_WHY | ANSWER_NEAR;
	a.q = 0.75f;
	ck_assert_int_eq(answer_tsv_header(&out, &m.p, a.asked), 0);
	ck_assert_int_eq(answer_tsv(&out, &a), 0);
	a.P = P;
	ck_assert_int_eq(answer_tsv(&out, &a), 0);
	a.reject = 0;
	ck_assert_int_eq(answer_tsv(&out, &a), 0);
	buf_putc(&out, '\0');
	ck_assert_str_eq(out.data,
	    "id\tprediction\tp\ttruth\terror\tset\trejected\twhy.base\twhy.a\t"
	    "why.b\twhy.c\twhy.z\tnear\tcosine\n"
	    "r5\t\t\t\ta: cut\t\t\t\t\t\t\t\t\t\n"
	    "r5\t\t0.5\t\t\tx,y\ttrue\t-1.5\t0.25\t-0.1234568\t0\t0\t"
	    "n\"1,n0\t0.75,-0.5\n"
	    "r5\tx\t0.5\t\t\tx,y\t\t-1.5\t0.25\t-0.1234568\t0\t0\t"
	    "n\"1,n0\t0.75,-0.5\n");
	buf_free(&out);
	intern_free(&nb.id);
	batch_free(&b);
	predictor_free(&m.p);
}
END_TEST

START_TEST(lines_of_labels_and_values)
{
	struct mixture m;
	struct batch b;
	struct buf out = { 0 };
	float P[MOST_C] = { 0.125f, 0.5f, 0.25f, 0.75f };
	size_t end[1] = { 2 };
	uint32_t output[2] = { 1, 3 };
	double base[2] = { -1.5, 2 },
	       share[2 * PARTS] = { 0.25, -0.123456789, 0, 0, 1, 2, 3, 4 };
	struct shares why = { .parts = PARTS,
		.n = 1,
		.end = end,
		.output = output,
		.base = base,
		.share = share };
	struct answer a = { .predictor = &m.p,
		.batch = &b,
		.map = mixture_map,
		.record = 15,
		.P = P,
		.asked = ANSWER_COVER | ANSWER_WHY,
		.q = 0.25f,
		.most = 1,
		.why = &why };

	mixture_make(&m, TASK_MULTILABEL);
	mixture_batch(&b, &m.p.schema, N);
	ck_assert_int_eq(answer_jsonl(&out, &a), 0);
	ck_assert_int_eq(answer_tsv_header(&out, &m.p, a.asked), 0);
	ck_assert_int_eq(answer_tsv(&out, &a), 0);
	batch_free(&b);
	predictor_free(&m.p);
	mixture_make(&m, TASK_REGRESS);
	mixture_batch(&b, &m.p.schema, N);
	end[0] = 1;
	ck_assert_int_eq(answer_jsonl(&out, &a), 0);
	ck_assert_int_eq(answer_tsv_header(&out, &m.p, a.asked), 0);
	ck_assert_int_eq(answer_tsv(&out, &a), 0);
	a.q = INFINITY;
	a.asked = ANSWER_COVER;
	ck_assert_int_eq(answer_jsonl(&out, &a), 0);
	ck_assert_int_eq(answer_tsv(&out, &a), 0);
	buf_putc(&out, '\0');
	ck_assert_str_eq(out.data,
	    "{\"id\":\"r15\",\"labels\":[\"x\",\"z\"],\"probs\":{\"z\":0.75},"
	    "\"set\":[\"x\",\"z\"],\"why\":{"
	    "\"x\":{\"base\":-1.5,\"a\":0.25,\"b\":-0.1234568,\"c\":0,\"z\":0},"
	    "\"z\":{\"base\":2,\"a\":1,\"b\":2,\"c\":3,\"z\":4}}}\n"
	    "id\tprediction\tp\ttruth\terror\tset\twhy.base\twhy.a\twhy.b\t"
	    "why.c\twhy.z\n"
	    "r15\tx,z\t\t\t\tx,z\t-1.5,2\t0.25,1\t-0.1234568,2\t0,3\t0,4\n"
	    "{\"id\":\"r15\",\"value\":0.125,\"interval\":[-0.125,0.375],"
	    "\"why\":{\"base\":-1.5,\"a\":0.25,\"b\":-0.123456789,\"c\":0,"
	    "\"z\":0}}\n"
	    "id\tprediction\tp\ttruth\terror\tlo\thi\twhy.base\twhy.a\twhy.b\t"
	    "why.c\twhy.z\n"
	    "r15\t0.125\t\t\t\t-0.125\t0.375\t-1.5\t0.25\t-0.123456789\t0\t0\n"
	    "{\"id\":\"r15\",\"value\":0.125,\"interval\":[null,null]}\n"
	    "r15\t0.125\t\t\t\t\t\n");
	buf_free(&out);
	batch_free(&b);
	predictor_free(&m.p);
}
END_TEST

/* ---- neighbours ---- */

static void
write_stream(const struct batch *b, const char *path)
{
	struct error e = no_error;
	struct output *o = output_open(path, FORMAT_VP, b->schema, &e);

	ck_assert_msg(o != NULL, "%s", e.text);
	ck_assert_int_eq(output_put_all(o, b, &e), 0);
	ck_assert_int_eq(output_close(o, &e), 0);
}

static double
cosine(const float *x, const float *y, size_t V)
{
	double xy = 0, xx = 0, yy = 0;

	for (size_t j = 0; j < V; j++) {
		xy += (double)x[j] * (double)y[j];
		xx += (double)x[j] * (double)x[j];
		yy += (double)y[j] * (double)y[j];
	}
	return xy / sqrt(xx * yy);
}

/* The vectors are the scores of all members, where there is no net. */
/* Records without a, b and c have nothing that a member reads. */
static int
sees_something(size_t i)
{
	return i >= 16 || (i & 7) != 0;
}

START_TEST(vectors_are_the_members_scores)
{
	static const float none[8] = { 0 };
	struct mixture m;
	struct batch b;
	struct error e = no_error;
	struct predictor_room *room;
	struct inputs in;
	float *x, *F;
	size_t V;

	mixture_make(&m, (enum task)_i);
	mixture_batch(&b, &m.p.schema, N);
	V = predictor_vector_size(&m.p);
	ck_assert_uint_eq(V, MEMBERS * m.p.C);
	x = mem_array(N * V, sizeof(*x));
	F = mem_array(N * m.p.C, sizeof(*F));
	room = predictor_room_new(&m.p, &e);
	ck_assert_int_eq(predictor_vector(&m.p, mixture_la(), &b, mixture_map,
			     0, N, x, room, &e),
	    0);
	ck_assert_int_eq(inputs_init(&in, &m.p.scaling, &e), 0);
	ck_assert_int_eq(
	    inputs_batch(&in, &b, mixture_map, 0, N, ~UINT64_C(0), &e), 0);
	for (size_t k = 0; k < MEMBERS; k++) {
		ck_assert_int_eq(member_scores(&m.p, &m.p.member[k],
				     mixture_la(), &in, F, room, &e),
		    0);
		for (size_t i = 0; i < N; i++)
			ck_assert_mem_eq(x + i * V + k * m.p.C,
			    sees_something(i) ? F + i * m.p.C : none,
			    m.p.C * sizeof(*F));
	}
	inputs_free(&in);
	predictor_room_free(room);
	free(x);
	free(F);
	batch_free(&b);
	predictor_free(&m.p);
}
END_TEST

START_TEST(nearest_records_are_found)
{
	struct mixture m;
	struct batch b, from;
	struct buf out = { 0 };
	struct question q = {
		.asked = ANSWER_NEAR, .near = 3, .neighbours = "near.vp"
	};
	struct error e = no_error;
	struct predictor_room *room;
	struct asking *a;
	float *x, *y;
	size_t V, bad;

	mixture_make(&m, TASK_CLASS);
	mixture_batch(&b, &m.p.schema, N);
	mixture_batch(&from, &m.p.schema, N);
	/* Copies under other names, which are ties; one in error. */
	for (size_t i = N; i-- > 16;) {
		ck_assert_int_eq(batch_copy(&from, &b, i, &e), 0);
		from.id.bytes.data[from.id.end[from.n - 2]] = 'a';
	}
	ck_assert_int_eq(batch_add(&from, "bad", 3, &e), 0);
	ck_assert_int_eq(batch_error(&from, 0, "cut", &e), 0);
	bad = from.n - 1;
	write_stream(&from, "near.vp");
	V = predictor_vector_size(&m.p);
	x = mem_array(b.n * V, sizeof(*x));
	y = mem_array(from.n * V, sizeof(*y));
	room = predictor_room_new(&m.p, &e);
	ck_assert_int_eq(predictor_vector(&m.p, mixture_la(), &b, mixture_map,
			     0, b.n, x, room, &e),
	    0);
	ck_assert_int_eq(predictor_vector(&m.p, mixture_la(), &from,
			     mixture_map, 0, from.n, y, room, &e),
	    0);
	a = asking_new(&m.p, mixture_la(), NULL, &m.p.schema, &q, &e);
	ck_assert_msg(a != NULL, "%s", e.text);
	ck_assert_int_eq(asking_batch(a, &b, &e), 0);
	for (size_t i = 0; i < N; i++) {
		struct answer t;
		struct error why;
		struct str own = strs_get(&b.id, i);
		double last = 2;

		asking_answer(a, i, &t, &why);
		ck_assert_uint_eq(t.found, sees_something(i) ? 3 : 0);
		for (size_t k = 0; k < t.found; k++) {
			struct str id =
			    intern_get(&t.neighbours->id, t.near[k]);
			size_t at = 0, above = 0;

			while (!str_eq(id, strs_get(&from.id, at)))
				at++;
			ck_assert(!str_eq(id, own) && at != bad);
			ck_assert_double_eq_tol((double)t.cosine[k],
			    cosine(x + i * V, y + at * V, V), 1e-6);
			ck_assert_double_le((double)t.cosine[k], last);
			if (last == (double)t.cosine[k])
				ck_assert_int_lt(
				    str_cmp(intern_get(&t.neighbours->id,
						t.near[k - 1]),
					id),
				    0);
			last = (double)t.cosine[k];
			for (size_t j = 0; j < from.n; j++)
				above += j != bad &&
					 !str_eq(own, strs_get(&from.id, j)) &&
					 cosine(x + i * V, y + j * V, V) >
					     last + 1e-6;
			ck_assert_uint_le(above, k);
		}
		/* Its copy is nearest. */
		if (i >= 16) {
			ck_assert_double_eq_tol((double)t.cosine[0], 1, 1e-6);
			ck_assert_int_eq(
			    intern_get(&t.neighbours->id, t.near[0]).s[0], 'a');
		}
	}
	asking_free(a);
	/* More than there are. */
	q.near = 40;
	ask(&m.p, &b, &q, 0, &out);
	q.neighbours = "no.vp";
	ck_assert_ptr_null(
	    asking_new(&m.p, mixture_la(), NULL, &m.p.schema, &q, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "no.vp"));
	predictor_room_free(room);
	buf_free(&out);
	free(x);
	free(y);
	batch_free(&b);
	batch_free(&from);
	predictor_free(&m.p);
}
END_TEST

/* ---- vectors ---- */

START_TEST(answers_are_vectors_too)
{
	static const char *const name[3][3] = { { "probs", "set", "why" },
		{ "probs", "set", NULL }, { "value", "interval", "why" } };
	struct mixture m;
	struct batch b, out = { 0 };
	struct schema s = { 0 };
	struct question q = { .asked = ANSWER_COVER | ANSWER_WHY,
		.cover = 0.9 };
	struct error e = no_error;
	struct asking *a;

	mixture_make(&m, (enum task)_i);
	mixture_batch(&b, &m.p.schema, N);
	if (m.p.task == TASK_MULTILABEL) {
		ck_assert_int_eq(answer_schema(&s, &m.p, q.asked, 1, &e), -1);
		ck_assert_ptr_nonnull(strstr(e.text, "several labels"));
		q.asked = ANSWER_COVER;
		schema_free(&s);
	}
	ck_assert_msg(
	    answer_schema(&s, &m.p, q.asked, 1, &e) == 0, "%s", e.text);
	for (size_t k = 0; k < s.n; k++)
		ck_assert_str_eq(s.parts[k].name, name[_i][k]);
	ck_assert_int_eq(batch_init(&out, &s, &e), 0);
	a = asking_new(&m.p, mixture_la(), NULL, &m.p.schema, &q, &e);
	ck_assert_int_eq(asking_batch(a, &b, &e), 0);
	for (size_t i = 0; i < N; i++) {
		struct answer t;
		struct error why;
		float lo, hi;

		asking_answer(a, i, &t, &why);
		ck_assert_int_eq(answer_batch(&out, &t, &e), 0);
		ck_assert_int_eq((out.flags[i] & FLAG_TRAINED) != 0, i == 1);
		ck_assert_mem_eq(
		    out.parts[0].dense + i * m.p.C, t.P, m.p.C * sizeof(float));
		for (size_t c = 0; _i < 2 && c < m.p.C; c++)
			ck_assert_float_eq(out.parts[1].dense[i * m.p.C + c],
			    answer_in_set(&t, c) ? 1 : 0);
		if (_i == 2)
			ck_assert_int_eq(out.parts[1].mask[i],
			    answer_interval(&t, &lo, &hi));
		if (_i == 2 && out.parts[1].mask[i]) {
			ck_assert_float_eq(out.parts[1].dense[2 * i], lo);
			ck_assert_float_eq(out.parts[1].dense[2 * i + 1], hi);
		}
		for (size_t k = 0; _i != 1 && k <= PARTS; k++)
			ck_assert_float_eq(
			    out.parts[2].dense[i * (PARTS + 1) + k],
			    (float)(k == 0 ? t.why->base[i]
					   : t.why->share[i * PARTS + k - 1]));
	}
	asking_free(a);
	batch_free(&out);
	batch_free(&b);
	schema_free(&s);
	predictor_free(&m.p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("explain");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, scores_are_mixed_as_the_header_says, 0, 24);
	tcase_add_loop_test(t, shares_are_means_over_all_orders, 0, 3);
	tcase_add_test(t, shares_of_a_sum_are_its_terms);
	tcase_add_test(t, every_said_label_is_explained);
	tcase_add_test(t, too_many_parts_have_no_shares);
	tcase_add_test(t, quantiles_are_those_of_the_definition);
	tcase_add_loop_test(t, sets_hold_what_is_likely_enough, 0, 3);
	tcase_add_loop_test(t, only_classes_are_rejected, 1, 3);
	tcase_add_test(t, lines_say_all_that_was_asked);
	tcase_add_test(t, lines_of_labels_and_values);
	tcase_add_loop_test(t, vectors_are_the_members_scores, 0, 3);
	tcase_add_test(t, nearest_records_are_found);
	tcase_add_loop_test(t, answers_are_vectors_too, 0, 3);
	suite_add_tcase(s, t);
	return unit_main(s);
}
