#include "learn/scoring_impl.h"

#include <stdlib.h>
#include <string.h>

static void
selection_free(struct selection *q)
{
	free(q->rows[0]);
	free(q->rows[1]);
}

static int
says(struct error *e, struct str id, const char *what)
{
	return error_set(e, "record '%.*s' %s", (int)id.len, id.s, what);
}

/* Every id that is asked for must have been predicted. */
static int
check_asked(
    const struct predictions *p, const struct intern *ids, struct error *e)
{
	for (size_t i = 0; i < ids->names.n; i++) {
		struct str id = intern_get(ids, i);

		if (intern_find(&p->id, id.s, id.len) < 0)
			return says(e, id, "has no prediction");
	}
	return 0;
}

static int
asked(const struct scoring_options *o, struct str id)
{
	return o->ids == NULL || intern_find(o->ids, id.s, id.len) >= 0;
}

/* Whether the row can be scored; counts why not. */
static int
usable(const struct prediction *row, const struct scoring_options *o,
    struct scoring_count *c)
{
	size_t before = c->accepted;

	c->records++;
	if (row->flags & PREDICTION_ERROR)
		c->errors++;
	else if ((row->flags & PREDICTION_TRAINED) && !o->resubstitution)
		c->trained++;
	else if (!(row->flags & PREDICTION_TRUTH))
		c->no_truth++;
	else if (row->flags & PREDICTION_REJECTED)
		c->rejected++;
	else
		c->accepted++;
	return c->accepted > before;
}

/* An id and its row in A. */
struct entry {
	struct str id;
	uint32_t row;
};

static int
by_id(const void *a, const void *b)
{
	return str_cmp(
	    ((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

/* The rows of A that are asked for, sorted by id. */
static struct entry *
sorted_rows(
    const struct predictions *p, const struct scoring_options *o, size_t *n)
{
	size_t all = p->id.names.n;
	struct entry *list = mem_array(all, sizeof(*list));

	*n = 0;
	for (size_t i = 0; list != NULL && i < all; i++) {
		struct str id = intern_get(&p->id, i);

		if (asked(o, id))
			list[(*n)++] = (struct entry){ id, (uint32_t)i };
	}
	if (list != NULL)
		qsort(list, *n, sizeof(*list), by_id);
	return list;
}

static int
select_rows(struct scoring *g, struct selection *q,
    const struct predictions *const *p, const struct scoring_options *o,
    struct error *e)
{
	size_t n;
	struct entry *list = sorted_rows(p[0], o, &n);
	int rc = 0;

	q->rows[0] = mem_array(n, sizeof(uint32_t));
	q->rows[1] = mem_array(n, sizeof(uint32_t));
	if (list == NULL || q->rows[0] == NULL || q->rows[1] == NULL) {
		free(list);
		return error_memory(e);
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct str id = list[i].id;
		int64_t other = 0;
		int use = usable(&p[0]->rows[list[i].row], o, &g->count[0]);

		if (g->systems == 2) {
			other = intern_find(&p[1]->id, id.s, id.len);
			if (other < 0) {
				rc = says(
				    e, id, "is missing in the second file");
				break;
			}
			use &= usable(&p[1]->rows[other], o, &g->count[1]);
		}
		if (!use)
			continue;
		q->rows[0][q->n] = list[i].row;
		q->rows[1][q->n++] = (uint32_t)other;
	}
	free(list);
	return rc;
}

/* And what B has, A must have. */
static int
check_other_way(const struct predictions *const *p,
    const struct scoring_options *o, struct error *e)
{
	for (size_t i = 0; i < p[1]->id.names.n; i++) {
		struct str id = intern_get(&p[1]->id, i);

		if (asked(o, id) && intern_find(&p[0]->id, id.s, id.len) < 0)
			return says(e, id, "is missing in the first file");
	}
	return 0;
}

/* ---- names ---- */

static int
use_name(struct scoring *g, const struct predictions *p, uint32_t *map,
    uint32_t name)
{
	struct str s = intern_get(&p->name, name);

	if (map[name] != PREDICTION_NONE)
		return 0;
	return intern_add(&g->name, s.s, s.len, &map[name]) < 0 ? -1 : 0;
}

/* Every name that a row mentions joins g->name. */
static int
use_names(
    struct scoring *g, const struct predictions *p, uint32_t *map, size_t i)
{
	const struct prediction *row = &p->rows[i];
	size_t first, n;
	int rc = 0;

	if (row->guess != PREDICTION_NONE)
		rc |= use_name(g, p, map, row->guess);
	n = predictions_said(p, i, &first);
	for (size_t k = 0; k < n; k++)
		rc |= use_name(g, p, map, p->said[first + k]);
	n = predictions_probs(p, i, &first);
	for (size_t k = 0; k < n; k++)
		rc |= use_name(g, p, map, p->prob_name[first + k]);
	n = predictions_set(p, i, &first);
	for (size_t k = 0; k < n; k++)
		rc |= use_name(g, p, map, p->set[first + k]);
	for (size_t k = 0; k < row->truths; k++)
		rc |= use_name(g, p, map, p->truth_name[row->truth + k]);
	return rc;
}

static int
collect_names(struct scoring *g, const struct predictions *const *p,
    const struct selection *q, struct name_map *map)
{
	uint32_t *order;
	int rc = 0;

	for (int x = 0; x < g->systems; x++) {
		size_t names = p[x]->name.names.n;

		map[x].to = mem_array(names, sizeof(uint32_t));
		if (map[x].to == NULL)
			return -1;
		for (size_t k = 0; k < names; k++)
			map[x].to[k] = PREDICTION_NONE;
		for (size_t r = 0; r < q->n; r++)
			rc |= use_names(g, p[x], map[x].to, q->rows[x][r]);
	}
	order = mem_array(g->name.names.n, sizeof(*order));
	if (rc < 0 || order == NULL || intern_sort(&g->name, order) < 0) {
		free(order);
		return -1;
	}
	for (int x = 0; x < g->systems; x++)
		for (size_t k = 0; k < p[x]->name.names.n; k++)
			if (map[x].to[k] != PREDICTION_NONE)
				map[x].to[k] = order[map[x].to[k]];
	free(order);
	return 0;
}

/* Both systems must have been asked the same thing. */
static int
check_truths(const struct scoring *g, const struct predictions *p,
    const uint32_t *rows, struct error *e)
{
	const struct scores *s = &g->s;

	for (size_t r = 0; r < g->n; r++) {
		int differs = 0;

		if (s->task == SCORE_CLASS)
			differs = s->truth[r] != s->truth[g->n + r];
		else if (s->task == SCORE_REGRESS)
			differs = s->y[r] < s->y[g->n + r] ||
				  s->y[r] > s->y[g->n + r];
		for (size_t k = 0; s->task == SCORE_MULTILABEL && k < s->K; k++)
			differs |=
			    s->is[k * s->n + r] != s->is[k * s->n + g->n + r];
		if (differs)
			return says(e, intern_get(&p->id, rows[r]),
			    "has another truth in the second file");
	}
	return 0;
}

/* Records of one group are one unit; a record without group is its own. */
static int
make_units(struct scoring *g, const struct predictions *p, const uint32_t *rows)
{
	uint32_t *of_group = mem_array(p->group.names.n, sizeof(*of_group));

	g->unit = mem_array(g->n, sizeof(*g->unit));
	if (of_group == NULL || g->unit == NULL) {
		free(of_group);
		return -1;
	}
	for (size_t r = 0; r < g->n; r++) {
		uint32_t group = p->rows[rows[r]].group;

		if (group == PREDICTION_NONE) {
			g->unit[r] = (uint32_t)g->units++;
			continue;
		}
		g->grouped = 1;
		if (of_group[group] == 0)
			of_group[group] = (uint32_t)++g->units;
		g->unit[r] = of_group[group] - 1;
	}
	free(of_group);
	return 0;
}

static int
build(struct scoring *g, const struct predictions *const *p,
    const struct selection *q, struct error *e)
{
	struct name_map map[2] = { { NULL }, { NULL } };
	int rc;

	g->n = q->n;
	g->s.task = p[0]->task;
	g->s.n = (size_t)g->systems * g->n;
	rc = g->s.task == SCORE_REGRESS ? 0 : collect_names(g, p, q, map);
	g->s.K = g->name.names.n;
	if (rc == 0)
		rc = scoring_fill(g, p, q, map);
	if (rc == 0)
		rc = make_units(g, p[0], q->rows[0]);
	if (rc == 0)
		rc = scores_prepare(&g->s);
	free(map[0].to);
	free(map[1].to);
	if (rc < 0)
		return error_memory(e);
	return g->systems == 2 ? check_truths(g, p[0], q->rows[0], e) : 0;
}

int
scoring_make(struct scoring *g, const struct predictions *const *p, int systems,
    const struct scoring_options *o, struct error *e)
{
	struct selection q = { { NULL, NULL }, 0 };
	int rc = 0;

	memset(g, 0, sizeof(*g));
	g->systems = systems;
	g->s.only = o->only;
	for (int x = 0; x < systems && o->ids != NULL && rc == 0; x++)
		rc = check_asked(p[x], o->ids, e);
	if (rc == 0 && systems == 2 && p[0]->known && p[1]->known &&
	    p[0]->task != p[1]->task)
		rc = error_set(e, "the two files are of different tasks");
	if (rc == 0)
		rc = select_rows(g, &q, p, o, e);
	if (rc == 0 && systems == 2)
		rc = check_other_way(p, o, e);
	if (rc == 0 && q.n == 0)
		rc = error_set(e, "no records to score");
	if (rc == 0)
		rc = build(g, p, &q, e);
	selection_free(&q);
	return rc;
}

void
scoring_free(struct scoring *g)
{
	scores_free(&g->s);
	intern_free(&g->name);
	free(g->unit);
	memset(g, 0, sizeof(*g));
}
