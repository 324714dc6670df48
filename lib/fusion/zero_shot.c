#include "fusion/zero_shot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/intern.h"
#include "base/io.h"
#include "base/json.h"
#include "base/utf8.h"

enum { TEXTS = 64 }; /* embedded at a time */

/* The labels, and the texts that stand for them. */
struct prompts {
	struct intern label;
	struct strs text;
	uint32_t *of; /* [text.n] the text's label */
	size_t cap;
};

static void
prompts_free(struct prompts *p)
{
	intern_free(&p->label);
	strs_free(&p->text);
	free(p->of);
}

static int
add_prompt(struct prompts *p, uint32_t label, const char *s, size_t n)
{
	if (mem_grow(&p->of, &p->cap, p->text.n + 1, sizeof(*p->of)) == -1 ||
	    strs_add(&p->text, s, n) == -1)
		return -1;
	p->of[p->text.n - 1] = label;
	return 0;
}

/* The label in the place of the first {}. */
static int
add_template(
    struct prompts *p, uint32_t label, const char *template, struct str s)
{
	const char *at = strstr(template, "{}");
	struct buf b = { 0 };
	int rc;

	rc = buf_put(&b, template, (size_t)(at - template)) == -1 ||
		     buf_put(&b, s.s, s.len) == -1 ||
		     buf_puts(&b, at + 2) == -1 ||
		     add_prompt(p, label, b.data, b.len) == -1
		 ? -1
		 : 0;
	buf_free(&b);
	return rc;
}

static int
add_label(struct prompts *p, const struct zero_shot_options *o, struct str line,
    struct error *e)
{
	static const char *const common[] = { ZERO_SHOT_TEMPLATE };
	const char *const *template =
	    o->templates > 0 ? (const char *const *)o->template : common;
	size_t n = o->templates > 0 ? o->templates : 1;
	const char *tab = memchr(line.s, '\t', line.len);
	struct str s = { line.s,
		tab != NULL ? (size_t)(tab - line.s) : line.len };
	uint32_t label;

	if (s.len == 0)
		return error_set(e, "an empty label");
	if (p->label.names.n >= ZERO_SHOT_LABELS)
		return error_set(e, "more than %d labels", ZERO_SHOT_LABELS);
	if (intern_add(&p->label, s.s, s.len, &label) == -1)
		return error_memory(e);
	if (tab != NULL) {
		tab++;
		return add_prompt(p, label, tab,
			   (size_t)(line.s + line.len - tab)) == 0
			   ? 0
			   : error_memory(e);
	}
	for (size_t i = 0; i < n; i++)
		if (add_template(p, label, template[i], s) == -1)
			return error_memory(e);
	return 0;
}

static int
read_prompts(
    struct prompts *p, const struct zero_shot_options *o, struct error *e)
{
	struct buf b = { 0 };
	size_t number = 0;
	int rc = io_read_file(o->labels, ZERO_SHOT_FILE, &b, e);

	for (size_t at = 0; rc == 0 && at < b.len;) {
		const char *end = memchr(b.data + at, '\n', b.len - at);
		struct str line = { b.data + at,
			end != NULL ? (size_t)(end - b.data) - at
				    : b.len - at };

		at += line.len + 1;
		number++;
		if (line.len > 0 && line.s[line.len - 1] == '\r')
			line.len--;
		if (line.len == 0)
			continue;
		rc = utf8_valid(line.s, line.len) < line.len
			 ? error_set(e, "ill-formed UTF-8")
			 : add_label(p, o, line, e);
		if (rc == -1 && !e->memory)
			error_at(e, "'%s': line %zu", o->labels, number);
	}
	buf_free(&b);
	if (rc == 0 && p->label.names.n == 0)
		return error_set(e, "'%s': no labels", o->labels);
	return rc;
}

/* ---- their vectors ---- */

/* Add the unit vectors of some texts to their labels' rows.  V: [C, dim] */
static int
add_vectors(const struct zero_shot *z, const struct text_model *m,
    struct text_worker *w, const struct prompts *p, size_t first, size_t n,
    float *V, struct error *e)
{
	size_t dim = text_model_info(m)->dim;
	struct text_vector x[TEXTS];
	struct str text[TEXTS];

	for (size_t i = 0; i < n; i++)
		text[i] = strs_get(&p->text, first + i);
	if (text_model_encode(m, w, text, n, x, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint32_t label = p->of[first + i];
		struct str s = strs_get(&p->label.names, label);

		if (x[i].rows == 0)
			return error_set(
			    e, "label '%.*s': empty text", (int)s.len, s.s);
		z->la->axpy(V + label * dim, 1, x[i].v, dim);
	}
	return 0;
}

/* The weights: the labels' vectors, of unit length, times the scale. */
static void
fill_weights(struct zero_shot *z, const float *V, size_t C, size_t dim,
    float scale, float bias)
{
	for (size_t c = 0; c < C; c++) {
		const float *v = V + c * dim;
		float length = sqrtf(z->la->norm2(v, dim));

		for (size_t j = 0; j < dim; j++)
			z->weight[j * C + c] =
			    length > 0 ? scale * (v[j] / length) : 0;
		z->bias[c] = bias;
	}
	for (size_t j = 0; j < dim; j++)
		z->factor[j] = 1;
}

static int
embed(struct zero_shot *z, const struct text_model *m, const struct prompts *p,
    struct error *e)
{
	size_t dim = text_model_info(m)->dim, C = p->label.names.n;
	struct text_worker *w = text_worker_new(m, e);
	float *V = NULL, scale, bias;
	int rc = w != NULL ? 0 : -1;

	if (rc == 0) {
		V = mem_array(C, dim * sizeof(*V));
		z->weight = mem_aligned(C, dim * sizeof(*z->weight));
		z->bias = mem_array(C, sizeof(*z->bias));
		z->missing = mem_array(C, sizeof(*z->missing));
		z->zero = mem_array(C, sizeof(*z->zero));
		z->shift = mem_array(dim, sizeof(*z->shift));
		z->factor = mem_array(dim, sizeof(*z->factor));
		if (V == NULL || z->weight == NULL || z->bias == NULL ||
		    z->missing == NULL || z->zero == NULL || z->shift == NULL ||
		    z->factor == NULL)
			rc = error_memory(e);
	}
	for (size_t i = 0; rc == 0 && i < p->text.n; i += TEXTS) {
		size_t n = p->text.n - i < TEXTS ? p->text.n - i : TEXTS;

		rc = add_vectors(z, m, w, p, i, n, V, e);
	}
	if (rc == 0) {
		text_model_logit(m, &scale, &bias);
		fill_weights(z, V, C, dim, scale, bias);
	}
	free(V);
	text_worker_free(w);
	return rc;
}

/* ---- the part that they are for ---- */

/* Whether a string field of a space has that value; -1 when memory is out. */
static int
field_is(const struct part *part, const char *name, const char *value,
    struct error *e)
{
	char want[128];
	struct str raw;
	int rc = 0;

	if (part->space != NULL)
		rc = json_find_path(
		    part->space, strlen(part->space), name, &raw, e);
	if (rc < 1)
		return rc;
	snprintf(want, sizeof(want), "\"%s\"", value);
	return str_is(raw, want);
}

static int
find_part(const struct text_model *m, const struct zero_shot_options *o,
    const struct schema *s, struct error *e)
{
	const struct encoder_info *info = text_model_info(m);
	char hash[17];
	int same, text;

	snprintf(hash, sizeof(hash), "%016" PRIx64, text_model_hash(m));
	for (size_t p = 0; p < s->n; p++) {
		const struct part *part = &s->parts[p];

		same = field_is(part, "model", hash, e);
		text = field_is(part, "encoder", info->family, e);
		if (same < 0 || text < 0)
			return -1;
		if (part->kind == PART_DENSE && part->dim == info->dim &&
		    same && !text)
			return (int)p;
	}
	return error_set(e,
	    "no part of the stream holds vectors of pictures, of %u numbers, "
	    "by '%s' (model %s); part '%s' has dim %u and space %s",
	    info->dim, o->model.encoder.model, hash, s->parts[0].name,
	    s->parts[0].dim,
	    s->parts[0].space != NULL ? s->parts[0].space : "{}");
}

/* The labels' vectors as a linear model of that part. */
static int
make_member(struct zero_shot *z, const struct part *part, struct error *e)
{
	static const float one[] = { 1 };
	struct predictor *to = &z->predictor;
	struct scaling *s = &to->scaling;

	s->part = mem_array(1, sizeof(*s->part));
	to->member = mem_array(1, sizeof(*to->member));
	to->set = mem_array(1, sizeof(*to->set));
	if (s->part == NULL || to->member == NULL || to->set == NULL)
		return error_memory(e);
	s->n = to->members = to->sets = 1;
	s->part[0] = (struct scaled_part){ .kind = part->kind,
		.dim = part->dim,
		.active = part->dim,
		.shift = z->shift,
		.factor = z->factor };
	scaling_look(s);
	if (member_linear(&to->member[0], "labels", 1, 1, e) < 0)
		return -1;
	to->member[0].weight[0] = z->weight;
	to->member[0].bias = z->bias;
	to->member[0].missing = z->missing;
	to->set[0] =
	    (struct part_set){ .parts = 1, .mix = one, .shift = z->zero };
	return 0;
}

static int
make_predictor(struct zero_shot *z, const struct zero_shot_options *o,
    const struct prompts *p, const struct part *part, struct error *e)
{
	struct predictor *to = &z->predictor;
	size_t dim = part->dim, C = p->label.names.n;
	struct hash h;

	to->task = z->sigmoid && o->independent ? TASK_MULTILABEL : TASK_CLASS;
	to->C = C;
	hash_init(&h, 0);
	for (size_t c = 0; c < C; c++) {
		struct str s = strs_get(&p->label.names, c);

		if (strs_add(&to->classes, s.s, s.len) == -1)
			return error_memory(e);
		hash_update(&h, s.s, s.len);
		hash_update(&h, "", 1);
	}
	hash_update(&h, z->weight, dim * C * sizeof(*z->weight));
	hash_update(&h, z->bias, C * sizeof(*z->bias));
	z->hash = hash_final(&h);
	if (schema_add(&to->schema, part->name, part->kind, part->dim,
		part->space, part->run, e) == -1)
		return -1;
	return make_member(z, part, e);
}

int
zero_shot_open(struct zero_shot *z, const struct zero_shot_options *o,
    const struct schema *s, struct error *e)
{
	struct prompts p = { 0 };
	struct text_model *m;
	float scale, bias;
	int part = -1, rc = -1, pair;

	*z = (struct zero_shot){ .la = linalg_get(cpu_isa()) };
	m = text_model_open(&o->model, e);
	if (m == NULL)
		return -1;
	pair = text_model_logit(m, &scale, &bias);
	z->sigmoid = pair == 2;
	if (pair == 0)
		error_set(e,
		    "'%s': no 'logit_scale': not a pair of towers for texts "
		    "and pictures",
		    o->model.encoder.model);
	else if (read_prompts(&p, o, e) == 0)
		part = find_part(m, o, s, e);
	if (part >= 0 && embed(z, m, &p, e) == 0)
		rc = make_predictor(z, o, &p, &s->parts[part], e);
	prompts_free(&p);
	text_model_free(m);
	return rc;
}

void
zero_shot_free(struct zero_shot *z)
{
	predictor_free(&z->predictor);
	free(z->weight);
	free(z->bias);
	free(z->missing);
	free(z->zero);
	free(z->shift);
	free(z->factor);
	memset(z, 0, sizeof(*z));
}

void
zero_shot_unit(const struct zero_shot *z, struct batch *b, int p)
{
	size_t dim = z->predictor.schema.parts[0].dim;

	for (size_t i = 0; i < b->n; i++) {
		float *x = b->parts[p].dense + i * dim;
		float length = sqrtf(z->la->norm2(x, dim));

		if (b->parts[p].mask[i] && length > 0)
			z->la->scale(x, 1 / length, x, dim);
	}
}

void
zero_shot_link(const struct zero_shot *z, float *F, size_t n)
{
	size_t C = z->predictor.C;

	if (z->sigmoid)
		z->la->sigmoid(F, F, n * C);
	else
		predictor_link(&z->predictor, z->la, F, n);
}
