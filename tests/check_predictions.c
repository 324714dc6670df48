#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "learn/labels.h"
#include "learn/predictions.h"
#include "learn/report.h"
#include "learn/scoring.h"
#include "unit.h"

static struct error e;

static void
put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void
fine(int rc)
{
	if (rc < 0)
		ck_abort_msg("%s", e.text);
}

static void
has(const char *what)
{
	if (strstr(e.text, what) == NULL)
		ck_abort_msg("no '%s' in: %s", what, e.text);
}

/* ---- labels files ---- */

START_TEST(labels_have_columns_and_escapes)
{
	struct labels l = { 0 };
	size_t first;

	put_file("l.tsv", "id\tlabel\na\tx\nb\ty\tz\t\n\nc\nd\\te\ta\\nb\r\n");
	fine(labels_read(&l, "l.tsv", 1, &e));
	ck_assert_uint_eq(l.id.names.n, 4);
	ck_assert_uint_eq(l.most, 2);
	ck_assert_int_eq(labels_of(&l, (struct str){ "b", 1 }, &first), 2);
	ck_assert(
	    str_eq(strs_get(&l.label, first + 1), (struct str){ "z", 1 }));
	ck_assert_int_eq(labels_of(&l, (struct str){ "c", 1 }, &first), 0);
	ck_assert_int_eq(labels_of(&l, (struct str){ "d\te", 3 }, &first), 1);
	ck_assert(str_eq(strs_get(&l.label, first), (struct str){ "a\nb", 3 }));
	ck_assert_int_eq(labels_of(&l, (struct str){ "e", 1 }, &first), -1);
	labels_free(&l);
}
END_TEST

START_TEST(bad_labels_are_refused_with_their_line)
{
	static const char *const bad[][2] = {
		{ "a\tx\nb\ty\na\tz\n", "line 3: id 'a' came before" },
		{ "a\tx\n\ty\n", "line 2: the id is empty" },
	};
	struct labels l = { 0 };

	put_file("l.tsv", bad[_i][0]);
	ck_assert_int_eq(labels_read(&l, "l.tsv", 0, &e), -1);
	has(bad[_i][1]);
	has("'l.tsv'");
	labels_free(&l);
}
END_TEST

/* ---- predictions ---- */

static const char *const bad_lines[][2] = {
	{ "{\"id\":\"a\",\"label\":\"x\"}\n{\"id\":\"a\",", "line 2" },
	{ "{\"label\":\"x\"}", "no id" },
	{ "{\"id\":\"\",\"label\":\"x\"}", "line 1" },
	{ "{\"id\":\"a\\n\",\"label\":\"x\"}", "line 1" },
	{ "{\"id\":\"a\"}", "no prediction" },
	{ "{\"id\":\"a\",\"label\":\"x\",\"value\":1}", "more than one of" },
	{ "{\"id\":\"a\",\"label\":\"x\"}\n{\"id\":\"b\",\"value\":1}",
	    "different tasks" },
	{ "{\"id\":\"a\",\"label\":\"x\"}\n"
	  "{\"id\":\"a\",\"label\":\"x\"}",
	    "line 2: id 'a' came before" },
	{ "{\"id\":\"a\",\"label\":\"x\",\"p\":1.5}", "within 0..1" },
	{ "{\"id\":\"a\",\"label\":\"x\",\"probs\":{\"x\":-1}}",
	    "within 0..1" },
	{ "{\"id\":\"a\",\"label\":\"\"}", "bytes" },
	{ "{\"id\":\"a\",\"label\":\"x\",\"truth\":[\"x\",\"y\"]}",
	    "2 true values" },
	{ "{\"id\":\"a\",\"value\":1,\"truth\":\"much\"}", "not a number" },
	{ "{\"id\":\"a\",\"value\":1e999}", "line 1" },
	{ "{\"id\":\"a\",\"value\":NaN}", "line 1" },
	{ "{\"id\":\"a\",\"vec\":{\"x\":[1]}}", "a vector" },
	{ "{\"id\":\"a\",\"label\":\"x\",\"set\":[\"\"]}", "bytes" },
	{ "{\"id\":\"a\",\"label\":\"x\",\"set\":\"x\"}", "column" },
	{ "{\"id\":\"a\",\"label\":\"x\",\"interval\":[0,1]}",
	    "an interval, of labels" },
	{ "{\"id\":\"a\",\"value\":1,\"set\":[\"x\"]}",
	    "a set of labels, of a number" },
	{ "{\"id\":\"a\",\"value\":1,\"interval\":[1]}", "without two bounds" },
	{ "{\"id\":\"a\",\"value\":1,\"interval\":[1,2,3]}",
	    "of three bounds" },
	{ "{\"id\":\"a\",\"value\":1,\"interval\":[2,1]}", "not in order" },
	{ "{\"id\":\"a\",\"value\":1,\"interval\":[1,1e999]}", "column" },
	{ "{\"id\":\"a\",\"value\":1,\"interval\":{}}", "column" },
	{ "{\"id\":\"a\",\"label\":null,\"rejected\":1}", "column" },
	{ "[1]", "line 1" },
	{ "{\"id\":\"a\",\"label\":\"\xff\"}", "not UTF-8" },
};

START_TEST(bad_lines_are_refused_with_their_place)
{
	struct predictions p = { 0 };

	put_file("p.jsonl", bad_lines[_i][0]);
	ck_assert_int_eq(predictions_read(&p, "p.jsonl", &e), -1);
	has(bad_lines[_i][1]);
	has("'p.jsonl'");
	predictions_free(&p);
}
END_TEST

static const char *const lines[] = {
	"{\"id\":\"a\",\"label\":\"x\",\"p\":0.7,\"truth\":\"x\","
	"\"probs\":{\"x\":0.7,\"y\":0.3},\"group\":\"g\"}\n",
	"{\"id\":\"b\",\"label\":\"y\",\"p\":0.6,\"truth\":\"x\","
	"\"probs\":{\"y\":0.6,\"x\":0.4},\"group\":\"g\"}\n",
	"{\"id\":\"c\",\"label\":\"x\",\"p\":1,\"truth\":[\"x\"],"
	"\"probs\":{\"y\":0,\"x\":1},\"train\":true}\n",
	"{\"id\":\"d\",\"label\":null,\"errors\":{\"text\":\"cut\"}}\n",
	"{\"id\":\"e\",\"label\":\"y\",\"p\":0.9,\"truth\":null,"
	"\"probs\":{\"y\":0.9,\"x\":0.1}}\n",
	"{\"id\":\"f\",\"label\":\"y\",\"p\":0.9,\"truth\":\"y\","
	"\"probs\":{\"y\":0.9,\"x\":0.1},\"note\":[1,{\"a\":2}]}\n",
};
enum { LINES = 6 };

/* The lines from number ${from} on, then those before. */
static void
read_lines(struct predictions *p, int from)
{
	struct buf text = { 0 };

	for (int i = 0; i < LINES; i++)
		buf_puts(&text, lines[(from + i) % LINES]);
	buf_putc(&text, '\0');
	put_file("p.jsonl", text.data);
	buf_free(&text);
	*p = (struct predictions){ 0 };
	fine(predictions_read(p, "p.jsonl", &e));
}

static void
score(struct scoring *g, struct figures *f, const struct predictions *a,
    const struct predictions *b, const struct scoring_options *o)
{
	const struct predictions *both[2] = { a, b };

	fine(scoring_make(g, both, b != NULL ? 2 : 1, o, &e));
	fine(scoring_figures(g, 50, 1, NULL, f, &e));
}

START_TEST(who_counts_and_who_does_not)
{
	struct scoring_options o = { 0 };
	struct predictions p;
	struct scoring g;
	struct figures f;

	read_lines(&p, 0);
	score(&g, &f, &p, NULL, &o);
	ck_assert_uint_eq(g.n, 3);
	ck_assert_uint_eq(g.count[0].records, 6);
	ck_assert_uint_eq(g.count[0].trained, 1);
	ck_assert_uint_eq(g.count[0].errors, 1);
	ck_assert_uint_eq(g.count[0].no_truth, 1);
	ck_assert_uint_eq(g.units, 2);
	ck_assert(fabs(f.value[0][CLASS_ACCURACY] - 2. / 3) < 1e-15);
	/* Brier with two classes: (.3^2 + .6^2 + .1^2) / 3. */
	ck_assert(fabs(f.value[0][CLASS_BRIER] - .46 / 3) < 1e-15);
	scoring_free(&g);
	o.resubstitution = 1;
	score(&g, &f, &p, NULL, &o);
	ck_assert_uint_eq(g.n, 4);
	ck_assert(fabs(f.value[0][CLASS_ACCURACY] - 3. / 4) < 1e-15);
	scoring_free(&g);
	predictions_free(&p);
}
END_TEST

START_TEST(order_of_lines_does_not_matter)
{
	struct scoring_options o = { .resubstitution = 1 };
	struct predictions p, q;
	struct scoring g, h;
	struct figures f, k;
	struct buf a = { 0 }, b = { 0 };
	struct report r = { .f = &f, .name = { "x", "x" }, .chosen = ~0u };

	read_lines(&p, 0);
	read_lines(&q, 1 + _i);
	score(&g, &f, &p, NULL, &o);
	score(&h, &k, &q, NULL, &o);
	r.g = &g;
	fine(report_json(&a, &r));
	r.g = &h;
	r.f = &k;
	fine(report_json(&b, &r));
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_int_eq(memcmp(a.data, b.data, a.len), 0);
	scoring_free(&g);
	scoring_free(&h);
	predictions_free(&p);
	predictions_free(&q);
	buf_free(&a);
	buf_free(&b);
}
END_TEST

/* Without every probability the figures that need them have no value. */
START_TEST(short_probabilities_leave_figures_undefined)
{
	static const char *const probs[] = { "", ",\"probs\":{\"x\":0.7}",
		",\"probs\":null", ",\"probs\":{\"x\":0.7,\"y\":0.7}" };
	struct scoring_options o = { 0 };
	struct predictions p = { 0 };
	struct scoring g;
	struct figures f;
	struct buf text = { 0 };
	struct report r = {
		.g = &g, .f = &f, .name = { "x", "x" }, .chosen = ~0u
	};

	for (int i = 0; i < 4; i++)
		buf_printf(&text,
		    "{\"id\":\"%d\",\"label\":\"x\",\"p\":0.7,"
		    "\"truth\":\"%c\"%s}\n",
		    i, "xy"[i % 2], probs[_i]);
	put_file("p.jsonl", text.data);
	fine(predictions_read(&p, "p.jsonl", &e));
	score(&g, &f, &p, NULL, &o);
	ck_assert(isnan(f.value[0][CLASS_LOG_LOSS]));
	ck_assert(isnan(f.value[0][CLASS_BRIER]));
	ck_assert(isnan(f.value[0][CLASS_AUC]));
	ck_assert(!isnan(f.value[0][CLASS_ECE]));
	ck_assert_int_eq(report_undefined(&r), 3);
	r.chosen = 1u << CLASS_ACCURACY;
	ck_assert_int_eq(report_undefined(&r), 0);
	r.chosen = ~0u;
	text.len = 0;
	fine(report_json(&text, &r));
	fine(report_text(&text, &r));
	buf_putc(&text, '\0');
	ck_assert_ptr_nonnull(strstr(text.data, "\"auc\":null"));
	ck_assert_ptr_nonnull(strstr(text.data, "undefined"));
	ck_assert_ptr_null(strstr(text.data, "nan"));
	scoring_free(&g);
	predictions_free(&p);
	buf_free(&text);
}
END_TEST

START_TEST(truth_from_a_labels_file_replaces_that_of_the_lines)
{
	struct scoring_options o = { .resubstitution = 1 };
	struct predictions p;
	struct labels l = { 0 };
	struct scoring g;
	struct figures f;

	read_lines(&p, 0);
	put_file("l.tsv", "a\ty\nb\ty\nc\tx\nzz\tx\n");
	fine(labels_read(&l, "l.tsv", 0, &e));
	fine(predictions_labels(&p, &l, &e));
	score(&g, &f, &p, NULL, &o);
	ck_assert_uint_eq(g.n, 3);
	ck_assert_uint_eq(g.count[0].no_truth, 2);
	ck_assert(fabs(f.value[0][CLASS_ACCURACY] - 2. / 3) < 1e-15);
	scoring_free(&g);
	labels_free(&l);
	put_file("l.tsv", "a\tx\ty\n");
	fine(labels_read(&l, "l.tsv", 0, &e));
	ck_assert_int_eq(predictions_labels(&p, &l, &e), -1);
	has("record 'a'");
	labels_free(&l);
	predictions_free(&p);
}
END_TEST

START_TEST(two_systems_must_match)
{
	struct scoring_options o = { 0 };
	struct predictions p, q = { 0 };
	const struct predictions *both[2] = { &p, &q };
	struct scoring g;
	struct figures f;

	read_lines(&p, 0);
	put_file("q.jsonl", "{\"id\":\"a\",\"label\":\"x\",\"truth\":\"x\"}\n");
	fine(predictions_read(&q, "q.jsonl", &e));
	ck_assert_int_eq(scoring_make(&g, both, 2, &o, &e), -1);
	has("record 'b' is missing in the second file");
	scoring_free(&g);
	both[0] = &q;
	both[1] = &p;
	ck_assert_int_eq(scoring_make(&g, both, 2, &o, &e), -1);
	has("record 'b' is missing in the first file");
	scoring_free(&g);
	predictions_free(&q);
	put_file("q.jsonl", "{\"id\":\"a\",\"label\":\"x\",\"truth\":\"y\"}\n"
			    "{\"id\":\"b\",\"label\":\"x\",\"truth\":\"x\"}\n"
			    "{\"id\":\"c\",\"label\":\"x\",\"truth\":\"x\"}\n"
			    "{\"id\":\"d\",\"label\":\"x\",\"truth\":\"x\"}\n"
			    "{\"id\":\"e\",\"label\":\"x\",\"truth\":\"x\"}\n"
			    "{\"id\":\"f\",\"label\":\"x\",\"truth\":\"y\"}\n");
	fine(predictions_read(&q, "q.jsonl", &e));
	ck_assert_int_eq(scoring_make(&g, both, 2, &o, &e), -1);
	has("record 'a' has another truth");
	scoring_free(&g);
	predictions_forget(&q);
	ck_assert_int_eq(scoring_make(&g, both, 2, &o, &e), -1);
	has("no records");
	scoring_free(&g);
	score(&g, &f, &p, &p, &o);
	ck_assert_uint_eq(f.only_a + f.only_b, 0);
	scoring_free(&g);
	predictions_free(&p);
	predictions_free(&q);
}
END_TEST

START_TEST(several_labels_and_numbers)
{
	struct scoring_options o = { 0 };
	struct predictions p = { 0 };
	struct scoring g;
	struct figures f;

	put_file("p.jsonl",
	    "{\"id\":\"a\",\"labels\":[\"x\",\"y\"],\"truth\":[\"y\",\"x\"]}\n"
	    "{\"id\":\"b\",\"labels\":[],\"truth\":[]}\n"
	    "{\"id\":\"c\",\"labels\":[\"x\"],\"truth\":[\"z\"]}\n"
	    "{\"id\":\"d\",\"labels\":[\"x\"],\"truth\":\"x\"}\n");
	fine(predictions_read(&p, "p.jsonl", &e));
	score(&g, &f, &p, NULL, &o);
	ck_assert_uint_eq(g.n, 4);
	ck_assert_uint_eq(g.s.K, 3);
	ck_assert(fabs(f.value[0][MULTI_SUBSET_ACCURACY] - .75) < 1e-15);
	ck_assert(fabs(f.value[0][MULTI_HAMMING_LOSS] - 2. / 12) < 1e-15);
	scoring_free(&g);
	predictions_free(&p);

	put_file("p.jsonl", "{\"id\":\"1\",\"value\":1.5,\"truth\":1}\n"
			    "{\"id\":\"2\",\"value\":2,\"truth\":\"2.5\"}\n"
			    "{\"id\":\"3\",\"value\":4,\"truth\":3}\n");
	fine(predictions_read(&p, "p.jsonl", &e));
	score(&g, &f, &p, NULL, &o);
	ck_assert(fabs(f.value[0][REGRESS_MAE] - 2. / 3) < 1e-15);
	ck_assert(fabs(f.value[0][REGRESS_SPEARMAN] - 1) < 1e-15);
	scoring_free(&g);
	predictions_free(&p);
}
END_TEST

/* The table keeps the most frequent classes and counts the others as one. */
/* Coverage is of records that were not rejected; a name that a set has twice
 * counts once; the empty set holds nothing but no labels. */
static const struct {
	const char *text;
	size_t n, rejected, accepted;
	int coverage, size; /* their numbers among the figures */
	double covered, mean;
} with_sets[] = {
	{ "{\"id\":\"a\",\"label\":\"x\",\"truth\":\"x\",\"set\":[\"x\",\"y\"]}"
	  "\n"
	  "{\"id\":\"b\",\"label\":\"x\",\"truth\":\"z\","
	  "\"set\":[\"y\",\"x\",\"y\"]}\n"
	  "{\"id\":\"c\",\"label\":null,\"truth\":\"z\",\"rejected\":true,"
	  "\"set\":[]}\n"
	  "{\"id\":\"d\",\"label\":\"x\",\"truth\":\"x\",\"set\":[]}\n"
	  "{\"id\":\"e\",\"label\":\"y\",\"truth\":\"y\",\"set\":[\"y\"],"
	  "\"rejected\":false}\n",
	    4, 1, 4, CLASS_COVERAGE, CLASS_SET_SIZE, .5, 5. / 4 },
	{ "{\"id\":\"a\",\"labels\":[],\"truth\":[\"x\",\"y\"],"
	  "\"set\":[\"x\",\"y\",\"z\"]}\n"
	  "{\"id\":\"b\",\"labels\":[],\"truth\":[\"x\",\"w\"],"
	  "\"set\":[\"x\"]}\n"
	  "{\"id\":\"c\",\"labels\":[],\"truth\":[],\"set\":[]}\n",
	    3, 0, 3, MULTI_COVERAGE, MULTI_SET_SIZE, 2. / 3, 4. / 3 },
	{ "{\"id\":\"a\",\"value\":1,\"truth\":2,\"interval\":[0,2]}\n"
	  "{\"id\":\"b\",\"value\":1,\"truth\":3,\"interval\":[0,2.5]}\n"
	  "{\"id\":\"c\",\"value\":null,\"truth\":3,\"rejected\":true,"
	  "\"interval\":[0,9]}\n",
	    2, 1, 2, REGRESS_COVERAGE, REGRESS_WIDTH, .5, 4.5 / 2 },
	/* An open interval holds all and has no width. */
	{ "{\"id\":\"a\",\"value\":1,\"truth\":2,\"interval\":[null,null]}\n"
	  "{\"id\":\"b\",\"value\":1,\"truth\":3,\"interval\":[0,null]}\n",
	    2, 0, 2, REGRESS_COVERAGE, REGRESS_WIDTH, 1, NAN },
	/* Not every record has a set. */
	{ "{\"id\":\"a\",\"label\":\"x\",\"truth\":\"x\",\"set\":[\"x\"]}\n"
	  "{\"id\":\"b\",\"label\":\"x\",\"truth\":\"x\",\"set\":null}\n",
	    2, 0, 2, CLASS_COVERAGE, CLASS_SET_SIZE, NAN, NAN },
};

START_TEST(sets_and_intervals_are_scored)
{
	struct scoring_options o = { 0 };
	struct predictions p = { 0 };
	double covered = with_sets[_i].covered, mean = with_sets[_i].mean;
	struct scoring g;
	struct figures f;
	double got;

	put_file("p.jsonl", with_sets[_i].text);
	fine(predictions_read(&p, "p.jsonl", &e));
	score(&g, &f, &p, NULL, &o);
	ck_assert_uint_eq(g.n, with_sets[_i].n);
	ck_assert_uint_eq(g.count[0].rejected, with_sets[_i].rejected);
	ck_assert_uint_eq(g.count[0].accepted, with_sets[_i].accepted);
	ck_assert_uint_eq(g.count[0].errors, 0);
	got = f.value[0][with_sets[_i].coverage];
	ck_assert(isnan(covered) ? isnan(got) : fabs(got - covered) < 1e-15);
	got = f.value[0][with_sets[_i].size];
	ck_assert(isnan(mean) ? isnan(got) : fabs(got - mean) < 1e-15);
	ck_assert_int_eq(
	    scores_has(&g.s) >> with_sets[_i].coverage & 1, !isnan(covered));
	scoring_free(&g);
	predictions_free(&p);
}
END_TEST

START_TEST(many_classes_fit_the_table)
{
	struct scoring_options o = { 0 };
	struct predictions p = { 0 };
	struct scoring g;
	struct figures f;
	struct buf text = { 0 };
	struct report r = {
		.g = &g, .f = &f, .name = { "x", "x" }, .chosen = ~0u
	};

	for (int i = 0; i < 400; i++)
		buf_printf(&text,
		    "{\"id\":\"%d\",\"label\":\"class \\u001b %d\","
		    "\"truth\":\"class \\u001b %d\"}\n",
		    i, i * i % 37, i % 37);
	put_file("p.jsonl", text.data);
	fine(predictions_read(&p, "p.jsonl", &e));
	score(&g, &f, &p, NULL, &o);
	text.len = 0;
	fine(report_text(&text, &r));
	buf_putc(&text, '\0');
	ck_assert_ptr_nonnull(strstr(text.data, "(other)"));
	ck_assert_ptr_nonnull(strstr(text.data, "class \\x1B 5"));
	ck_assert_ptr_null(strchr(text.data, '\x1b'));
	/* Every record is in one cell. */
	{
		char *line = strstr(text.data, "truth \\ predicted");
		long sum = 0;

		while ((line = strchr(line, '\n')) != NULL && *++line != '\0')
			for (char *at = line + 24; *at != '\n';)
				sum += strtol(at, &at, 10);
		ck_assert_int_eq(sum, 400);
	}
	scoring_free(&g);
	predictions_free(&p);
	buf_free(&text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("predictions");
	TCase *t = tcase_create("core");

	tcase_add_test(t, labels_have_columns_and_escapes);
	tcase_add_loop_test(t, bad_labels_are_refused_with_their_line, 0, 2);
	tcase_add_loop_test(t, bad_lines_are_refused_with_their_place, 0,
	    sizeof(bad_lines) / sizeof(bad_lines[0]));
	tcase_add_test(t, who_counts_and_who_does_not);
	tcase_add_loop_test(t, order_of_lines_does_not_matter, 0, LINES - 1);
	tcase_add_loop_test(
	    t, short_probabilities_leave_figures_undefined, 0, 4);
	tcase_add_test(t, truth_from_a_labels_file_replaces_that_of_the_lines);
	tcase_add_test(t, two_systems_must_match);
	tcase_add_test(t, several_labels_and_numbers);
	tcase_add_loop_test(t, sets_and_intervals_are_scored, 0,
	    sizeof(with_sets) / sizeof(with_sets[0]));
	tcase_add_test(t, many_classes_fit_the_table);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return unit_main(s);
}
