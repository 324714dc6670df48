#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fusion/predictor_file.h"

const char *const predictor_task[] = { "class", "multilabel", "regress", NULL };
const char *const predictor_kind[] = { "dense", "sparse", "sequence", NULL };
const char *const predictor_member[] = { "linear", "net", NULL };

/* ---- the configuration ---- */

static int
put_text(struct buf *b, const char *s)
{
	return json_put_string(b, s, strlen(s));
}

static int
put_number(struct buf *b, const char *key, double x)
{
	return buf_printf(b, ",\"%s\":", key) < 0 || json_put_double(b, x) < 0
		   ? -1
		   : 0;
}

static int
put_part(struct buf *b, const struct part *p)
{
	if (buf_puts(b, "{\"name\":") < 0 || put_text(b, p->name) < 0 ||
	    buf_printf(b, ",\"kind\":\"%s\",\"dim\":%" PRIu32,
		predictor_kind[p->kind], p->dim) < 0 ||
	    buf_puts(b, ",\"space\":") < 0 ||
	    buf_puts(b, p->space != NULL ? p->space : "{}") < 0 ||
	    buf_puts(b, ",\"run\":") < 0 ||
	    buf_puts(b, p->run != NULL ? p->run : "{}") < 0)
		return -1;
	return buf_putc(b, '}');
}

/* "parts":[...] of a set of them, by name. */
static int
put_parts(struct buf *b, const struct predictor *p, uint64_t parts)
{
	int some = 0, rc = buf_puts(b, "\"parts\":[");

	for (size_t k = 0; rc == 0 && k < p->schema.n; k++)
		if (parts >> k & 1)
			rc = (some++ > 0 && buf_putc(b, ',') < 0) ||
				     put_text(b, p->schema.parts[k].name) < 0
				 ? -1
				 : 0;
	return rc == 0 ? buf_putc(b, ']') : rc;
}

/* The seed is a string: JSON's numbers end at 2^53 for many readers. */
static int
put_net(struct buf *b, const struct net *net)
{
	const struct net_shape *s = net_shape(net);

	return buf_printf(b,
	    ",\"net\":{\"kind\":\"%s\",\"hidden\":%zu,\"rank\":%zu,"
	    "\"seed\":\"%" PRIu64 "\"}",
	    net_kind_name(s->kind), s->hidden, s->rank, s->seed);
}

static int
put_member(struct buf *b, const struct predictor *p, const struct member *m)
{
	if (buf_printf(b,
		"{\"kind\":\"%s\",\"name\":", predictor_member[m->kind]) < 0 ||
	    put_text(b, m->name != NULL ? m->name : "") < 0 ||
	    buf_putc(b, ',') < 0 || put_parts(b, p, m->parts) < 0 ||
	    (m->kind == MEMBER_NET && put_net(b, m->net) < 0))
		return -1;
	return buf_putc(b, '}');
}

static int
put_set(struct buf *b, const struct predictor *p, const struct part_set *s)
{
	return buf_putc(b, '{') < 0 || put_parts(b, p, s->parts) < 0
		   ? -1
		   : buf_putc(b, '}');
}

static int
put_lists(struct buf *b, const struct predictor *p)
{
	int rc = buf_puts(b, ",\"classes\":[");

	for (size_t c = 0; rc == 0 && c < p->classes.n; c++) {
		struct str s = strs_get(&p->classes, c);

		rc = (c > 0 && buf_putc(b, ',') < 0) ||
			     json_put_string(b, s.s, s.len) < 0
			 ? -1
			 : 0;
	}
	rc = rc == 0 ? buf_puts(b, "],\"parts\":[") : rc;
	for (size_t k = 0; rc == 0 && k < p->schema.n; k++)
		rc = (k > 0 && buf_putc(b, ',') < 0) ||
			     put_part(b, &p->schema.parts[k]) < 0
			 ? -1
			 : 0;
	rc = rc == 0 ? buf_puts(b, "],\"members\":[") : rc;
	for (size_t m = 0; rc == 0 && m < p->members; m++)
		rc = (m > 0 && buf_putc(b, ',') < 0) ||
			     put_member(b, p, &p->member[m]) < 0
			 ? -1
			 : 0;
	rc = rc == 0 ? buf_puts(b, "],\"sets\":[") : rc;
	for (size_t s = 0; rc == 0 && s < p->sets; s++)
		rc = (s > 0 && buf_putc(b, ',') < 0) ||
			     put_set(b, p, &p->set[s]) < 0
			 ? -1
			 : 0;
	return rc == 0 ? buf_putc(b, ']') : rc;
}

static int
put_config(struct buf *b, const struct predictor *p)
{
	int rc = buf_printf(b,
	    "{\"kind\":\"predictor\",\"version\":%d,\"task\":\"%s\","
	    "\"impute\":\"%s\",\"method\":",
	    PREDICTOR_VERSION, predictor_task[p->task],
	    impute_kind_name(impute_kind(p->impute)));

	if (rc < 0 || put_text(b, p->method != NULL ? p->method : "") < 0 ||
	    put_lists(b, p) < 0)
		return -1;
	if (p->task == TASK_REGRESS &&
	    (put_number(b, "mean", p->mean) < 0 ||
		put_number(b, "scale", p->scale) < 0))
		return -1;
	if (p->report != NULL &&
	    buf_printf(b, ",\"training\":%s", p->report) < 0)
		return -1;
	return buf_puts(b, "}");
}

/* ---- the tensors ---- */

struct list {
	struct tensor *t;
	size_t n;
	struct error *e;
};

/* One more, of rank 1, or 2 with columns; ${data} may be NULL for no
 * elements. */
static int
put_tensor(struct list *l, char *name, enum tensor_type type, const void *data,
    uint64_t n, uint64_t columns)
{
	if (name == NULL)
		return error_memory(l->e);
	l->t[l->n++] = (struct tensor){ .name = name,
		.type = type,
		.rank = columns > 0 ? 2 : 1,
		.shape = { n, columns },
		.data = data != NULL ? data : "" };
	return 0;
}

static int
put_scaled(struct list *l, const char *name, const struct scaled_part *s)
{
	uint64_t A = s->active;

	if (s->kind == PART_SPARSE)
		return put_tensor(l, predictor_name("part.%s.column", name),
			   TENSOR_U32, s->column, A, 0) < 0
			   ? -1
			   : put_tensor(l, predictor_name("part.%s.idf", name),
				 TENSOR_F32, s->idf, A, 0);
	return put_tensor(l, predictor_name("part.%s.shift", name), TENSOR_F64,
		   s->shift, A, 0) < 0
		   ? -1
		   : put_tensor(l, predictor_name("part.%s.factor", name),
			 TENSOR_F64, s->factor, A, 0);
}

static int
put_net_tensors(struct list *l, const struct member *m, size_t k)
{
	char *prefix = predictor_name("member.%zu.net.", k);
	int rc = prefix != NULL ? net_tensors(m->net, prefix, l->t + l->n, l->e)
				: error_memory(l->e);

	free(prefix);
	if (rc == 0)
		l->n += net_tensor_count(m->net);
	return rc;
}

static int
put_linear_tensors(
    struct list *l, const struct predictor *p, const struct member *m, size_t k)
{
	size_t P = p->schema.n, C = p->C;

	for (size_t q = 0; q < P; q++)
		if (m->parts >> q & 1 &&
		    put_tensor(l,
			predictor_name(
			    "member.%zu.%s.weight", k, p->schema.parts[q].name),
			TENSOR_F32, m->weight[q], p->scaling.part[q].active,
			C) < 0)
			return -1;
	return put_tensor(l, predictor_name("member.%zu.bias", k), TENSOR_F32,
		   m->bias, C, 0) < 0
		   ? -1
		   : put_tensor(l, predictor_name("member.%zu.missing", k),
			 TENSOR_F32, m->missing, P, C);
}

static int
put_set_tensors(struct list *l, const struct predictor *p, size_t k)
{
	const struct part_set *s = &p->set[k];

	if (put_tensor(l, predictor_name("set.%zu.mix", k), TENSOR_F32, s->mix,
		p->members, 0) < 0 ||
	    put_tensor(l, predictor_name("set.%zu.shift", k), TENSOR_F32,
		s->shift, p->C, 0) < 0 ||
	    (s->chance != NULL &&
		put_tensor(l, predictor_name("set.%zu.chance", k), TENSOR_F32,
		    s->chance, p->C, 0) < 0))
		return -1;
	return put_tensor(l, predictor_name("set.%zu.doubt", k), TENSOR_F32,
	    s->doubt, s->doubts, 0);
}

static size_t
count_tensors(const struct predictor *p)
{
	size_t n = 3 + 2 * p->schema.n + 4 * p->sets;

	for (size_t m = 0; m < p->members; m++)
		n += p->member[m].kind == MEMBER_NET
			 ? net_tensor_count(p->member[m].net)
			 : p->schema.n + 2;
	return n + (p->impute != NULL ? impute_tensor_count(p->impute) : 0);
}

static int
put_tensors(struct list *l, const struct predictor *p)
{
	for (size_t k = 0; k < p->schema.n; k++)
		if (put_scaled(
			l, p->schema.parts[k].name, &p->scaling.part[k]) < 0)
			return -1;
	for (size_t m = 0; m < p->members; m++)
		if ((p->member[m].kind == MEMBER_NET
			    ? put_net_tensors(l, &p->member[m], m)
			    : put_linear_tensors(l, p, &p->member[m], m)) < 0)
			return -1;
	for (size_t s = 0; s < p->sets; s++)
		if (put_set_tensors(l, p, s) < 0)
			return -1;
	if (p->impute != NULL) {
		if (impute_tensors(p->impute, "impute.", l->t + l->n, l->e) < 0)
			return -1;
		l->n += impute_tensor_count(p->impute);
	}
	if (p->task == TASK_MULTILABEL && p->threshold != NULL &&
	    put_tensor(l, predictor_name("threshold"), TENSOR_F32, p->threshold,
		p->C, 0) < 0)
		return -1;
	return put_tensor(l, predictor_name("train.ids"), TENSOR_U64, p->ids,
		   p->nids, 0) < 0
		   ? -1
		   : put_tensor(l, predictor_name("train.groups"), TENSOR_U64,
			 p->groups, p->ngroups, 0);
}

int
predictor_save(const struct predictor *p, const char *path, struct error *e)
{
	struct list l = { mem_array(count_tensors(p), sizeof(*l.t)), 0, e };
	struct buf config = { 0 };
	int rc = -1;

	if (l.t == NULL || put_config(&config, p) < 0 ||
	    buf_putc(&config, '\0') < 0)
		error_memory(e);
	else if (put_tensors(&l, p) == 0)
		rc = model_save(path, config.data, l.t, l.n, e);
	for (size_t i = 0; l.t != NULL && i < l.n; i++)
		free(l.t[i].name);
	free(l.t);
	buf_free(&config);
	return rc;
}
