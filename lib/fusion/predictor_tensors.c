#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/predictor_file.h"

char *
predictor_name(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = n < 0 ? NULL : mem_array((size_t)n + 1, 1);
	if (s == NULL)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

/*
 * The tensor of that name, which is freed: [n] or, with C, [n, C]; n is found
 * when it is 0 and ${find}.  Its numbers are finite.  NULL with a sentence.
 */
static const void *
take(const struct predictor *p, char *name, enum tensor_type type, uint64_t *n,
    uint64_t C, int find, struct error *e)
{
	uint64_t shape[TENSOR_MAX_RANK] = { *n, C };
	const void *data = NULL;

	if (name == NULL) {
		error_memory(e);
		return NULL;
	}
	data = model_tensor(&p->model, name, type, C > 0 ? 2 : 1, shape, e);
	if (data != NULL && !find && shape[0] != *n) {
		error_set(e,
		    "tensor '%s': shape[0] is %" PRIu64 ", not %" PRIu64, name,
		    shape[0], *n);
		data = NULL;
	}
	if (data != NULL &&
	    !tensor_finite(type, data,
		(size_t)(shape[0] * (C > 0 ? C : 1)) * tensor_size(type))) {
		error_set(e, "tensor '%s': a number is not finite", name);
		data = NULL;
	}
	*n = shape[0];
	free(name);
	return data;
}

static const float *
take_floats(const struct predictor *p, char *name, uint64_t n, uint64_t C,
    struct error *e)
{
	return take(p, name, TENSOR_F32, &n, C, 0, e);
}

/* ---- scaling ---- */

static int
load_dense(struct predictor *p, size_t k, struct error *e)
{
	const char *name = p->schema.parts[k].name;
	struct scaled_part *s = &p->scaling.part[k];
	uint64_t D = p->schema.parts[k].dim;

	s->active = (size_t)D;
	s->shift = take(
	    p, predictor_name("part.%s.shift", name), TENSOR_F64, &D, 0, 0, e);
	if (s->shift == NULL)
		return -1;
	s->factor = take(
	    p, predictor_name("part.%s.factor", name), TENSOR_F64, &D, 0, 0, e);
	return s->factor != NULL ? 0 : -1;
}

static int
load_sparse(struct predictor *p, size_t k, struct error *e)
{
	const char *name = p->schema.parts[k].name;
	struct scaled_part *s = &p->scaling.part[k];
	uint64_t A = 0;

	s->column = take(
	    p, predictor_name("part.%s.column", name), TENSOR_U32, &A, 0, 1, e);
	if (s->column == NULL)
		return -1;
	s->active = (size_t)A;
	for (size_t i = 0; i < s->active; i++)
		if (s->column[i] >= s->dim ||
		    (i > 0 && s->column[i] <= s->column[i - 1]))
			return error_set(e,
			    "tensor 'part.%s.column': its columns do not rise "
			    "below %" PRIu32,
			    name, s->dim);
	s->idf = take(
	    p, predictor_name("part.%s.idf", name), TENSOR_F32, &A, 0, 0, e);
	return s->idf != NULL ? 0 : -1;
}

static int
load_scaling(struct predictor *p, struct error *e)
{
	struct scaling *s = &p->scaling;

	s->part = mem_array(p->schema.n, sizeof(*s->part));
	if (s->part == NULL)
		return error_memory(e);
	s->n = p->schema.n;
	for (size_t k = 0; k < s->n; k++) {
		s->part[k].kind = p->schema.parts[k].kind;
		s->part[k].dim = p->schema.parts[k].dim;
		if ((s->part[k].kind == PART_SPARSE ? load_sparse(p, k, e)
						    : load_dense(p, k, e)) < 0)
			return -1;
	}
	scaling_look(s);
	return 0;
}

/* ---- members ---- */

static int
load_linear(struct predictor *p, size_t k, struct error *e)
{
	struct member *m = &p->member[k];
	size_t P = p->schema.n;

	m->weight = mem_array(P, sizeof(*m->weight));
	if (m->weight == NULL)
		return error_memory(e);
	for (size_t q = 0; q < P; q++) {
		if (!(m->parts >> q & 1))
			continue;
		m->weight[q] = take_floats(p,
		    predictor_name(
			"member.%zu.%s.weight", k, p->schema.parts[q].name),
		    p->scaling.part[q].active, p->C, e);
		if (m->weight[q] == NULL)
			return -1;
	}
	m->bias =
	    take_floats(p, predictor_name("member.%zu.bias", k), p->C, 0, e);
	if (m->bias == NULL)
		return -1;
	m->missing =
	    take_floats(p, predictor_name("member.%zu.missing", k), P, p->C, e);
	return m->missing != NULL ? 0 : -1;
}

static int
load_net(struct predictor *p, size_t k, const struct net_shape *shape,
    struct error *e)
{
	char *prefix = predictor_name("member.%zu.net.", k);

	if (prefix == NULL)
		return error_memory(e);
	p->member[k].net = net_load(shape, &p->scaling, &p->model, prefix, e);
	free(prefix);
	return p->member[k].net != NULL ? 0 : -1;
}

/* ---- the rest ---- */

/* Each class has some of it, and they leave some over. */
static int
load_chance(struct predictor *p, struct part_set *s, size_t k, struct error *e)
{
	char *name = predictor_name("set.%zu.chance", k);
	double sum = 0, least = 1;

	if (name == NULL)
		return error_memory(e);
	if (p->task != TASK_CLASS || model_find(&p->model, name) == NULL) {
		free(name);
		return 0;
	}
	s->chance = take_floats(p, name, p->C, 0, e);
	if (s->chance == NULL)
		return -1;
	for (size_t c = 0; c < p->C; c++) {
		sum += (double)s->chance[c];
		if ((double)s->chance[c] < least)
			least = (double)s->chance[c];
	}
	return least > 0 && sum < 1
		   ? 0
		   : error_set(e,
			 "tensor 'set.%zu.chance': not all above 0, or their "
			 "sum not below 1",
			 k);
}

static int
load_set(struct predictor *p, size_t k, struct error *e)
{
	struct part_set *s = &p->set[k];
	uint64_t n = 0;

	s->mix =
	    take_floats(p, predictor_name("set.%zu.mix", k), p->members, 0, e);
	if (s->mix == NULL)
		return -1;
	s->shift =
	    take_floats(p, predictor_name("set.%zu.shift", k), p->C, 0, e);
	if (s->shift == NULL || load_chance(p, s, k, e) < 0)
		return -1;
	s->doubt = take(
	    p, predictor_name("set.%zu.doubt", k), TENSOR_F32, &n, 0, 1, e);
	s->doubts = (size_t)n;
	for (size_t i = 0; s->doubt != NULL && i < s->doubts; i++)
		if (s->doubt[i] < 0 || (i > 0 && s->doubt[i] < s->doubt[i - 1]))
			return error_set(e,
			    "tensor 'set.%zu.doubt': it does not rise from 0",
			    k);
	return s->doubt != NULL ? 0 : -1;
}

static const uint64_t *
load_hashes(struct predictor *p, const char *name, size_t *n, struct error *e)
{
	uint64_t shape = 0;
	const uint64_t *h =
	    take(p, predictor_name("%s", name), TENSOR_U64, &shape, 0, 1, e);

	*n = (size_t)shape;
	for (size_t i = 1; h != NULL && i < *n; i++)
		if (h[i] < h[i - 1]) {
			error_set(e, "tensor '%s': not in order", name);
			return NULL;
		}
	return h;
}

int
predictor_tensors(struct predictor *p, const struct net_shape *net,
    enum impute_kind impute, struct error *e)
{
	if (load_scaling(p, e) < 0)
		return -1;
	for (size_t m = 0; m < p->members; m++)
		if ((p->member[m].kind == MEMBER_NET
			    ? load_net(p, m, &net[m], e)
			    : load_linear(p, m, e)) < 0)
			return -1;
	for (size_t s = 0; s < p->sets; s++)
		if (load_set(p, s, e) < 0)
			return -1;
	if (impute != IMPUTE_NONE) {
		p->impute =
		    impute_load(impute, &p->scaling, &p->model, "impute.", e);
		if (p->impute == NULL)
			return -1;
	}
	if (p->task == TASK_MULTILABEL &&
	    model_find(&p->model, "threshold") != NULL) {
		p->threshold =
		    take_floats(p, predictor_name("threshold"), p->C, 0, e);
		if (p->threshold == NULL)
			return -1;
	}
	p->ids = load_hashes(p, "train.ids", &p->nids, e);
	if (p->ids == NULL)
		return -1;
	p->groups = load_hashes(p, "train.groups", &p->ngroups, e);
	return p->groups != NULL ? 0 : -1;
}
