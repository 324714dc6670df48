#include "fusion/neighbours.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vec/input.h"

enum {
	ROWS = 64,   /* records that one worker takes at a time */
	BLOCK = 1024 /* neighbours that are compared at a time */
};

/* Of a record that the vector says nothing of, it is zero. */
static int
says_nothing(const struct linalg *la, const float *x, size_t V)
{
	return !(la->norm2(x, V) > 0);
}

/* x: [n, V] to unit length; one without length stays zero. */
static void
unit_rows(const struct linalg *la, float *x, size_t n, size_t V)
{
	for (size_t i = 0; i < n; i++) {
		float length = sqrtf(la->norm2(x + i * V, V));

		if (length > 0 && isfinite(length))
			la->scale(x + i * V, 1 / length, x + i * V, V);
		else
			memset(x + i * V, 0, V * sizeof(*x));
	}
}

/* ---- reading ---- */

struct reading {
	struct neighbours *nb;
	const struct predictor *p;
	const struct linalg *la;
	struct batch b;
	int *map;
	float *x; /* [b.n, V] */
	size_t x_cap;
	struct predictor_room **room; /* [threads] */
	struct error *bad;            /* [threads] */
	int threads;
};

static void
read_rows(void *arg, size_t i, int worker)
{
	struct reading *r = arg;
	size_t from = i * ROWS, V = r->nb->V;
	size_t n = r->b.n - from < ROWS ? r->b.n - from : ROWS;

	if (predictor_vector(r->p, r->la, &r->b, r->map, from, n,
		r->x + from * V, r->room[worker], &r->bad[worker]) == 0)
		unit_rows(r->la, r->x + from * V, n, V);
}

/* Keep those of the batch that can be predicted. */
static int
keep_rows(struct reading *r, struct error *e)
{
	struct neighbours *nb = r->nb;

	if (mem_grow(
		&nb->x, &nb->x_cap, nb->n + r->b.n, nb->V * sizeof(*nb->x)) < 0)
		return error_memory(e);
	for (size_t i = 0; i < r->b.n; i++) {
		struct str id = strs_get(&r->b.id, i);
		uint32_t number;
		int rc;

		if (!predictor_can(r->p, &r->b, r->map, i, NULL) ||
		    says_nothing(r->la, r->x + i * nb->V, nb->V))
			continue;
		if (nb->n == UINT32_MAX)
			return error_set(e, "too many records");
		rc = intern_add(&nb->id, id.s, id.len, &number);
		if (rc < 0)
			return error_memory(e);
		if (rc == 0)
			return error_set(
			    e, "id '%.*s' came before", (int)id.len, id.s);
		memcpy(nb->x + nb->n++ * nb->V, r->x + i * nb->V,
		    nb->V * sizeof(*nb->x));
	}
	return 0;
}

static int
read_batches(
    struct reading *r, struct input *in, struct pool *pool, struct error *e)
{
	int rc;

	while ((rc = input_next(in, &r->b, e)) > 0) {
		if (mem_grow(
			&r->x, &r->x_cap, r->b.n, r->nb->V * sizeof(*r->x)) < 0)
			return error_memory(e);
		pool_run(pool, (r->b.n + ROWS - 1) / ROWS, read_rows, r);
		for (int t = 0; t < r->threads; t++)
			if (r->bad[t].text[0] != '\0') {
				*e = r->bad[t];
				return -1;
			}
		if (keep_rows(r, e) < 0)
			return -1;
	}
	return rc;
}

static int
begin_reading(struct reading *r, const struct schema *s, struct error *e)
{
	r->map = mem_array(r->p->schema.n, sizeof(*r->map));
	r->room = mem_array((size_t)r->threads, sizeof(*r->room));
	r->bad = mem_array((size_t)r->threads, sizeof(*r->bad));
	if (r->map == NULL || r->room == NULL || r->bad == NULL)
		return error_memory(e);
	for (int t = 0; t < r->threads; t++) {
		r->room[t] = predictor_room_new(r->p, e);
		if (r->room[t] == NULL)
			return -1;
	}
	return predictor_bind(r->p, s, r->map, e) < 0 ? -1
						      : batch_init(&r->b, s, e);
}

int
neighbours_read(struct neighbours *nb, const struct predictor *p,
    const struct linalg *la, struct pool *pool, const char *path,
    struct error *e)
{
	struct reading r = { .nb = nb, .p = p, .la = la };
	char *name = mem_strndup(path, strlen(path));
	struct input *in = NULL;
	int rc = -1;

	*nb = (struct neighbours){ .V = predictor_vector_size(p) };
	r.threads = pool != NULL ? pool_threads(pool) : 1;
	if (name == NULL)
		error_memory(e);
	else
		in = input_open(&name, 1, e);
	if (in != NULL) {
		rc = begin_reading(&r, input_schema(in), e);
		if (rc < 0)
			error_at(e, "'%s'", path);
		else
			rc = read_batches(&r, in, pool, e);
	}
	for (int t = 0; r.room != NULL && t < r.threads; t++)
		predictor_room_free(r.room[t]);
	free(r.room);
	free(r.bad);
	free(r.map);
	free(r.x);
	batch_free(&r.b);
	input_close(in);
	free(name);
	return rc;
}

void
neighbours_free(struct neighbours *nb)
{
	intern_free(&nb->id);
	free(nb->x);
	memset(nb, 0, sizeof(*nb));
}

/* ---- finding ---- */

void
neighbours_room_free(struct neighbours_room *room)
{
	free(room->x);
	free(room->cosine);
	memset(room, 0, sizeof(*room));
}

/* Whether neighbour a, with that cosine, stands before b with its own. */
static int
before(const struct neighbours *nb, size_t a, float ca, size_t b, float cb)
{
	if (ca != cb)
		return ca > cb;
	return str_cmp(intern_get(&nb->id, a), intern_get(&nb->id, b)) < 0;
}

/* Put neighbour a into its place among the first *found of k. */
static void
put_near(const struct neighbours *nb, size_t a, float c, size_t k,
    uint32_t *near, float *cosine, size_t *found)
{
	size_t i = *found;

	if (i == k && !before(nb, a, c, near[k - 1], cosine[k - 1]))
		return;
	if (i < k)
		++*found;
	else
		i--;
	for (; i > 0 && before(nb, a, c, near[i - 1], cosine[i - 1]); i--) {
		near[i] = near[i - 1];
		cosine[i] = cosine[i - 1];
	}
	near[i] = (uint32_t)a;
	cosine[i] = c;
}

int
neighbours_find(const struct neighbours *nb, const struct predictor *p,
    const struct linalg *la, const struct batch *b, const int *map,
    size_t first, size_t n, size_t k, uint32_t *near, float *cosine,
    size_t *found, struct predictor_room *room, struct neighbours_room *scratch,
    struct error *e)
{
	size_t V = nb->V;

	if (mem_grow(&scratch->x, &scratch->x_cap, n, V * sizeof(*scratch->x)) <
		0 ||
	    mem_grow(&scratch->cosine, &scratch->cosine_cap, n,
		BLOCK * sizeof(*scratch->cosine)) < 0)
		return error_memory(e);
	if (predictor_vector(p, la, b, map, first, n, scratch->x, room, e) < 0)
		return -1;
	unit_rows(la, scratch->x, n, V);
	memset(found, 0, n * sizeof(*found));
	for (size_t at = 0; at < nb->n; at += BLOCK) {
		size_t N = nb->n - at < BLOCK ? nb->n - at : BLOCK;

		la->gemm(scratch->cosine, BLOCK, mat_rows(scratch->x, V),
		    mat_cols(nb->x + at * V, V), n, N, V, 0);
		for (size_t i = 0; i < n; i++) {
			struct str id = strs_get(&b->id, first + i);

			if (says_nothing(la, scratch->x + i * V, V))
				continue;
			for (size_t j = 0; j < N; j++)
				if (!str_eq(id, intern_get(&nb->id, at + j)))
					put_near(nb, at + j,
					    scratch->cosine[i * BLOCK + j], k,
					    near + i * k, cosine + i * k,
					    &found[i]);
		}
	}
	return 0;
}
