/* vec-diff: how far the vectors of two streams differ, record by record. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/io.h"
#include "base/json.h"
#include "base/message.h"
#include "base/num.h"
#include "base/options.h"
#include "vec/compare.h"
#include "vec/input.h"

enum { KEY_PART = 256, KEY_COSINE, MAX_WORST = 10000 };

static const struct option_row rows[] = {
	{ 't', "threshold", "X",
	    "values may differ by up to X (0, or any with --cosine)" },
	{ KEY_COSINE, "cosine", "X", "1 - cosine may be up to X (any)" },
	{ KEY_PART, "part", "NAME", "compare this part alone (all)" },
	{ 'k', "worst", "K", "name the K vectors furthest apart (5)" },
	{ 'f', "format", "FORMAT", "text|json (text)" },
	{ 'o', "output", "FILE", "write to FILE, whole or not at all" },
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "vec-diff", "[options] A B",
	"Compare the vectors of two streams by id.", rows };

struct options_of_diff {
	const char *output, *part;
	double max, cosine; /* largest that is not called a difference */
	int by_cosine, json, quiet;
	size_t k;
};

/* A part that both streams have, or only one of them. */
struct pair {
	const char *name;
	int a, b;           /* index in each stream, -1 when not there */
	struct error other; /* why they cannot be compared, or "" */
	struct error space; /* another space, or "" */
	uint64_t compared, differ, masked, shapes;
	double cosines, least, max;
};

struct worst {
	uint32_t id, part;
	struct distance d;
};

/* A few ids as examples, and how many there are. */
struct some {
	uint64_t n;
	struct strs ids;
};

enum { SOME = 3 };

struct diff {
	const struct options_of_diff *opt;
	const char *names[2];
	struct batch a;
	struct intern ids; /* of a: number i is record i */
	uint8_t *seen;     /* [a.n] */
	uint64_t n[2], both, rejected;
	int moved; /* the order of ids differs */
	struct pair *pairs;
	size_t npairs;
	struct some only[2], columns[DIFF_COLUMNS];
	struct worst *worst; /* [nworst] the worst first */
	size_t nworst;
};

static const char *const column_names[DIFF_COLUMNS] = { "label", "target",
	"weight", "group", "flags" };

static void
parse_options(
    struct options_of_diff *opt, struct options *o, int argc, char *argv[])
{
	int c, given = 0;

	options_start(o, &self, argc, argv);
	while ((c = options_next(o)) != -1)
		switch (c) {
		case 't':
			opt->max = options_double(o, 0, 1e300);
			given = 1;
			break;
		case KEY_COSINE:
			opt->cosine = options_double(o, 0, 2);
			opt->by_cosine = 1;
			break;
		case KEY_PART:
			opt->part = o->arg;
			break;
		case 'k':
			opt->k = (size_t)options_long(o, 0, MAX_WORST);
			break;
		case 'f':
			opt->json = options_choice(o, "text|json");
			break;
		case 'o':
			opt->output = o->arg;
			break;
		case 'q':
			opt->quiet = 1;
			break;
		}
	if (opt->by_cosine && !given)
		opt->max = 1e300;
	if (o->argc != 2)
		usage_error("two streams are compared");
	if (strcmp(o->argv[0], "-") == 0 && strcmp(o->argv[1], "-") == 0)
		usage_error("standard input cannot be both");
}

static void
note(struct some *s, struct str id)
{
	if (s->n++ < SOME && strs_add(&s->ids, id.s, id.len) == -1)
		die("out of memory");
}

/* ---- parts ---- */

static void
add_pair(struct diff *d, const char *name, int a, int b,
    const struct schema *sa, const struct schema *sb)
{
	struct pair *p = &d->pairs[d->npairs++];

	*p = (struct pair){ .name = name, .a = a, .b = b, .least = 1 };
	if (a == -1 || b == -1) {
		error_set(&p->other, "only in '%s'", d->names[a == -1]);
		return;
	}
	const struct part *x = &sa->parts[a], *y = &sb->parts[b];

	if (x->kind != y->kind)
		error_set(&p->other, "%s and %s", part_kind_name(x->kind),
		    part_kind_name(y->kind));
	else if (x->dim != y->dim)
		error_set(
		    &p->other, "dim %" PRIu32 " and %" PRIu32, x->dim, y->dim);
	else
		part_meets(x, y, &p->space);
}

static void
pair_parts(struct diff *d, const struct schema *sa, const struct schema *sb)
{
	const char *only = d->opt->part;

	d->pairs = mem_array(sa->n + sb->n, sizeof(*d->pairs));
	if (d->pairs == NULL)
		die("out of memory");
	for (size_t i = 0; i < sa->n; i++)
		if (only == NULL || strcmp(only, sa->parts[i].name) == 0)
			add_pair(d, sa->parts[i].name, (int)i,
			    schema_find(sb, sa->parts[i].name), sa, sb);
	for (size_t i = 0; i < sb->n; i++)
		if (schema_find(sa, sb->parts[i].name) == -1 &&
		    (only == NULL || strcmp(only, sb->parts[i].name) == 0))
			add_pair(d, sb->parts[i].name, -1, (int)i, sa, sb);
	if (only != NULL && d->npairs == 0)
		die("no part '%s' in either", only);
}

/* ---- records ---- */

static int
is_worse(
    const struct diff *d, const struct distance *x, const struct distance *y)
{
	if (d->opt->by_cosine && x->cosine != y->cosine)
		return x->cosine < y->cosine;
	return x->max > y->max;
}

/* Keep it where it belongs; the first come stays before its equals. */
static void
keep_worst(struct diff *d, uint32_t id, uint32_t part, struct distance x)
{
	size_t i = d->nworst;

	if (x.max == 0 && !x.shape)
		return;
	if (i == d->opt->k) {
		if (i == 0 || !is_worse(d, &x, &d->worst[i - 1].d))
			return;
		i--;
	} else {
		d->nworst++;
	}
	for (; i > 0 && is_worse(d, &x, &d->worst[i - 1].d); i--)
		d->worst[i] = d->worst[i - 1];
	d->worst[i] = (struct worst){ id, part, x };
}

static void
compare_part(
    struct diff *d, size_t k, uint32_t i, const struct batch *b, size_t j)
{
	struct pair *p = &d->pairs[k];
	const struct part_column *x, *y;
	struct distance dist;

	if (p->other.text[0] != '\0')
		return;
	x = &d->a.parts[p->a];
	y = &b->parts[p->b];
	if (x->mask[i] != y->mask[j]) {
		p->masked++;
		return;
	}
	if (!x->mask[i])
		return;
	compare_vectors(&d->a.schema->parts[p->a], x, i, y, j, &dist);
	p->compared++;
	p->cosines += dist.cosine;
	p->shapes += (uint64_t)dist.shape;
	if (dist.cosine < p->least)
		p->least = dist.cosine;
	if (dist.max > p->max)
		p->max = dist.max;
	if (dist.shape || dist.max > d->opt->max ||
	    (d->opt->by_cosine && 1 - dist.cosine > d->opt->cosine))
		p->differ++;
	keep_worst(d, i, (uint32_t)k, dist);
}

static int
compare_record(struct diff *d, const struct batch *b, size_t j, struct error *e)
{
	struct str id = strs_get(&b->id, j);
	int64_t i = intern_find(&d->ids, id.s, id.len);
	int columns;

	d->n[1]++;
	if (i == -1) {
		note(&d->only[1], id);
		return 0;
	}
	if (d->seen[i])
		return error_set(
		    e, "'%s': id '%.*s' twice", d->names[1], (int)id.len, id.s);
	d->seen[i] = 1;
	d->both++;
	columns = compare_columns(&d->a, (size_t)i, b, j);
	for (int c = 0; c < DIFF_COLUMNS; c++)
		if (columns & 1 << c)
			note(&d->columns[c], id);
	for (size_t k = 0; k < d->npairs; k++)
		compare_part(d, k, (uint32_t)i, b, j);
	return 0;
}

/* The first stream into memory, its ids numbered. */
static int
read_first(struct diff *d, struct input *in, struct error *e)
{
	uint32_t number;

	if (batch_init(&d->a, input_schema(in), e) == -1 ||
	    input_read_all(in, &d->a, e) == -1)
		return -1;
	if (d->a.n > UINT32_MAX)
		return error_set(e, "'%s': too many records", d->names[0]);
	d->n[0] = d->a.n;
	d->seen = mem_array(d->a.n + 1, 1);
	d->worst = mem_array(d->opt->k + 1, sizeof(*d->worst));
	if (d->seen == NULL || d->worst == NULL)
		return error_memory(e);
	for (size_t i = 0; i < d->a.n; i++) {
		struct str id = strs_get(&d->a.id, i);
		int rc = intern_add(&d->ids, id.s, id.len, &number);

		if (rc == -1)
			return error_memory(e);
		if (rc == 0)
			return error_set(e, "'%s': id '%.*s' twice",
			    d->names[0], (int)id.len, id.s);
	}
	return 0;
}

/* The second as it comes. */
static int
read_second(struct diff *d, struct input *in, struct error *e)
{
	struct batch b = { 0 };
	int64_t before = -1;
	int rc = batch_init(&b, input_schema(in), e);

	while (rc == 0 && (rc = input_next(in, &b, e)) == 1) {
		rc = 0;
		for (size_t j = 0; j < b.n && rc == 0; j++) {
			struct str id = strs_get(&b.id, j);
			int64_t i = intern_find(&d->ids, id.s, id.len);

			if (i != -1 && i < before)
				d->moved = 1;
			if (i != -1)
				before = i;
			rc = compare_record(d, &b, j, e);
		}
	}
	batch_free(&b);
	for (size_t i = 0; i < d->a.n && rc == 0; i++)
		if (!d->seen[i])
			note(&d->only[0], strs_get(&d->a.id, i));
	return rc;
}

/* ---- the verdict ---- */

static int
differs(const struct diff *d)
{
	uint64_t n = d->only[0].n + d->only[1].n + d->rejected;

	for (int c = 0; c < DIFF_COLUMNS; c++)
		n += d->columns[c].n;
	for (size_t k = 0; k < d->npairs; k++)
		n += d->pairs[k].differ + d->pairs[k].masked +
		     (d->pairs[k].other.text[0] != '\0');
	return n > 0;
}

static double
mean_cosine(const struct pair *p)
{
	return p->cosines / (double)p->compared;
}

/* ---- for people ---- */

/* ": a, b, c, ..." */
static int
put_some(struct buf *o, const struct some *s)
{
	int bad = 0;

	for (size_t i = 0; i < s->ids.n; i++) {
		struct str id = strs_get(&s->ids, i);

		bad |= buf_puts(o, i > 0 ? ", " : ": ");
		bad |= buf_put(o, id.s, id.len);
	}
	return bad | buf_puts(o, s->n > s->ids.n ? ", ...\n" : "\n");
}

static int
put_pair(struct buf *o, const struct pair *p)
{
	int bad = 0;

	if (p->other.text[0] != '\0')
		return buf_printf(
		    o, "part '%s': not compared: %s\n", p->name, p->other.text);
	bad |= buf_printf(
	    o, "part '%s': %" PRIu64 " compared", p->name, p->compared);
	if (p->compared > 0)
		bad |= buf_printf(o,
		    ", %" PRIu64 " differ; cosine mean %.9g, least %.9g; "
		    "largest difference %.9g",
		    p->differ, mean_cosine(p), p->least, p->max);
	if (p->shapes > 0)
		bad |=
		    buf_printf(o, "; %" PRIu64 " have other rows", p->shapes);
	if (p->masked > 0)
		bad |= buf_printf(
		    o, "; %" PRIu64 " missing in one of them", p->masked);
	bad |= buf_puts(o, "\n");
	if (p->space.text[0] != '\0')
		bad |= buf_printf(o, "%s\n", p->space.text);
	return bad;
}

static int
put_text(struct buf *o, const struct diff *d)
{
	int bad = buf_printf(o,
	    "%" PRIu64 " records in '%s', %" PRIu64 " in '%s', %" PRIu64
	    " in both%s\n",
	    d->n[0], d->names[0], d->n[1], d->names[1], d->both,
	    d->moved ? ", in another order" : "");

	for (size_t k = 0; k < d->npairs; k++)
		bad |= put_pair(o, &d->pairs[k]);
	if (d->rejected > 0)
		bad |= buf_printf(
		    o, "%" PRIu64 " inputs were rejected\n", d->rejected);
	for (int s = 0; s < 2; s++)
		if (d->only[s].n > 0) {
			bad |= buf_printf(o, "%" PRIu64 " only in '%s'",
			    d->only[s].n, d->names[s]);
			bad |= put_some(o, &d->only[s]);
		}
	for (int c = 0; c < DIFF_COLUMNS; c++)
		if (d->columns[c].n > 0) {
			bad |= buf_printf(o, "%s differs in %" PRIu64,
			    column_names[c], d->columns[c].n);
			bad |= put_some(o, &d->columns[c]);
		}
	for (size_t i = 0; i < d->nworst; i++) {
		const struct worst *w = &d->worst[i];
		struct str id = strs_get(&d->a.id, w->id);

		bad |= buf_printf(o, "cosine %.9g, difference %.9g: '%s' of ",
		    w->d.cosine, w->d.max, d->pairs[w->part].name);
		bad |= buf_put(o, id.s, id.len);
		bad |= buf_putc(o, '\n');
	}
	return bad;
}

/* ---- for programs ---- */

static int
put_string(struct buf *o, const char *key, const char *s)
{
	return buf_printf(o, "\"%s\":", key) | json_put_string(o, s, strlen(s));
}

static int
put_number(struct buf *o, const char *key, double x)
{
	return buf_printf(o, ",\"%s\":", key) | json_put_double(o, x);
}

static int
put_some_json(struct buf *o, const struct some *s)
{
	int bad = buf_printf(o, "{\"count\":%" PRIu64 ",\"first\":[", s->n);

	for (size_t i = 0; i < s->ids.n; i++) {
		struct str id = strs_get(&s->ids, i);

		bad |= buf_puts(o, i > 0 ? "," : "");
		bad |= json_put_string(o, id.s, id.len);
	}
	return bad | buf_puts(o, "]}");
}

static int
put_pair_json(struct buf *o, const struct pair *p)
{
	int bad = buf_putc(o, '{');

	bad |= put_string(o, "name", p->name);
	if (p->other.text[0] != '\0') {
		bad |= buf_putc(o, ',');
		bad |= put_string(o, "not_compared", p->other.text);
		return bad | buf_putc(o, '}');
	}
	if (p->space.text[0] != '\0') {
		bad |= buf_putc(o, ',');
		bad |= put_string(o, "space", p->space.text);
	}
	bad |= buf_printf(o,
	    ",\"compared\":%" PRIu64 ",\"differ\":%" PRIu64
	    ",\"missing_in_one\":%" PRIu64 ",\"other_rows\":%" PRIu64,
	    p->compared, p->differ, p->masked, p->shapes);
	if (p->compared > 0) {
		bad |= put_number(o, "mean_cosine", mean_cosine(p));
		bad |= put_number(o, "least_cosine", p->least);
		bad |= put_number(o, "largest_difference", p->max);
	}
	return bad | buf_putc(o, '}');
}

static int
put_json(struct buf *o, const struct diff *d)
{
	int bad =
	    buf_printf(o, "{\"differs\":%s,", differs(d) ? "true" : "false");

	bad |= put_string(o, "a", d->names[0]) | buf_putc(o, ',');
	bad |= put_string(o, "b", d->names[1]);
	bad |= buf_printf(o,
	    ",\"records\":[%" PRIu64 ",%" PRIu64 "],\"both\":%" PRIu64
	    ",\"rejected\":%" PRIu64 ",\"same_order\":%s,\"parts\":[",
	    d->n[0], d->n[1], d->both, d->rejected,
	    d->moved ? "false" : "true");
	for (size_t k = 0; k < d->npairs; k++) {
		bad |= buf_puts(o, k > 0 ? "," : "");
		bad |= put_pair_json(o, &d->pairs[k]);
	}
	bad |= buf_puts(o, "],\"only_in_a\":");
	bad |= put_some_json(o, &d->only[0]);
	bad |= buf_puts(o, ",\"only_in_b\":");
	bad |= put_some_json(o, &d->only[1]);
	for (int c = 0; c < DIFF_COLUMNS; c++) {
		bad |= buf_printf(o, ",\"%s\":", column_names[c]);
		bad |= put_some_json(o, &d->columns[c]);
	}
	bad |= buf_puts(o, ",\"worst\":[");
	for (size_t i = 0; i < d->nworst; i++) {
		const struct worst *w = &d->worst[i];
		struct str id = strs_get(&d->a.id, w->id);

		bad |= buf_puts(o, i > 0 ? ",{\"id\":" : "{\"id\":");
		bad |= json_put_string(o, id.s, id.len) | buf_putc(o, ',');
		bad |= put_string(o, "part", d->pairs[w->part].name);
		bad |= put_number(o, "cosine", w->d.cosine);
		bad |= put_number(o, "difference", w->d.max);
		bad |= buf_putc(o, '}');
	}
	return bad | buf_puts(o, "]}\n");
}

static int
print(const struct diff *d, struct error *e)
{
	struct buf o = { 0 };
	struct writer w = { 0 };
	int rc = -1;

	if ((d->opt->json ? put_json(&o, d) : put_text(&o, d)) != 0)
		error_memory(e);
	else if (io_create(&w, d->opt->output, e) == 0 &&
		 io_put(&w, o.data, o.len, e) == 0)
		rc = io_commit(&w, e);
	io_abandon(&w);
	buf_free(&o);
	return rc;
}

static int
diff(const struct options_of_diff *opt, char *paths[])
{
	struct diff d = { .opt = opt, .names = { paths[0], paths[1] } };
	struct input *in[2];
	struct error e = { 0 };
	int rc;

	for (int s = 0; s < 2; s++)
		if ((in[s] = input_open(&paths[s], 1, &e)) == NULL)
			die("%s", e.text);
	pair_parts(&d, input_schema(in[0]), input_schema(in[1]));
	if (read_first(&d, in[0], &e) == -1 || read_second(&d, in[1], &e) == -1)
		die("%s", e.text);
	for (int s = 0; s < 2; s++)
		d.rejected += input_end(in[s])->rejected;
	if (!opt->quiet && print(&d, &e) == -1)
		die("%s", e.text);
	for (int s = 0; s < 2; s++)
		if (input_end(in[s])->bad.text[0] != '\0')
			warn("%s", input_end(in[s])->bad.text);
	rc = differs(&d);
	batch_free(&d.a);
	intern_free(&d.ids);
	for (int s = 0; s < 2; s++) {
		strs_free(&d.only[s].ids);
		input_close(in[s]);
	}
	for (int c = 0; c < DIFF_COLUMNS; c++)
		strs_free(&d.columns[c].ids);
	free(d.seen);
	free(d.pairs);
	free(d.worst);
	return rc ? EXIT_SOME : EXIT_OK;
}

int
main(int argc, char *argv[])
{
	struct options_of_diff opt = { .k = 5 };
	struct options o;

	parse_options(&opt, &o, argc, argv);
	return diff(&opt, o.argv);
}
