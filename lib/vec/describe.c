#include "vec/describe.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "vec/jsonl.h"

/* What is appended to, and whether memory was out. */
struct page {
	struct buf *out;
	int bad;
};

#define SAY(p, ...) ((p)->bad |= buf_printf((p)->out, __VA_ARGS__))

static void
say_string(struct page *p, const char *s, size_t n)
{
	p->bad |= json_put_string(p->out, s, n);
}

/* say_words: text from outside, safe for a terminal. */
static void
say_words(struct page *p, struct str s)
{
	p->bad |= batch_path_id(p->out, s.s, s.len);
}

static void
say_name(struct page *p, const char *name)
{
	say_words(p, (struct str){ name, strlen(name) });
}

static void
say_count(struct page *p, uint64_t n, const char *what)
{
	if (n > 0)
		SAY(p, ", %llu %s", (unsigned long long)n, what);
}

static void
say_key(struct page *p, const char *key, const char *value)
{
	SAY(p, ",\"%s\":", key);
	say_string(p, value, strlen(value));
}

static const char *
status_of(const struct input *in, const struct error *why)
{
	if (why->text[0] != '\0')
		return "not sound";
	return input_end(in)->partial ? "partial" : "ok";
}

/* ---- labels ---- */

struct counted {
	struct str label;
	uint64_t count;
};

/* The commonest first, then by bytes. */
static int
by_count(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return str_cmp(x->label, y->label);
}

/* labels_in_order: [labels.names.n], to free; NULL when memory is out. */
static struct counted *
labels_in_order(const struct summary *s)
{
	size_t n = s->labels.names.n;
	struct counted *order = mem_array(n, sizeof(*order));

	if (order == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		order[i] = (struct counted){ intern_get(&s->labels, i),
			s->label_count[i] };
	if (n > 0)
		qsort(order, n, sizeof(*order), by_count);
	return order;
}

static void
say_labels(struct page *p, const struct summary *s, int all)
{
	size_t n = s->labels.names.n, shown = n > 10 && !all ? 10 : n;
	struct counted *order = labels_in_order(s);

	if (order == NULL)
		p->bad = -1;
	if (order == NULL || n == 0) {
		free(order);
		return;
	}
	SAY(p, "  labels: %llu of %llu", (unsigned long long)s->labelled,
	    (unsigned long long)s->records);
	say_count(p, s->many, "with more than one");
	SAY(p, "; %zu different:", n);
	for (size_t i = 0; i < shown; i++) {
		SAY(p, i > 0 ? ", " : " ");
		say_words(p, order[i].label);
		SAY(p, " %llu", (unsigned long long)order[i].count);
	}
	SAY(p, shown < n ? ", ...\n" : "\n");
	free(order);
}

/* ---- streams ---- */

static void
say_part(struct page *p, const struct part *part, const struct part_summary *s,
    uint64_t records, int all)
{
	SAY(p, "  ");
	say_name(p, part->name);
	SAY(p, ": %s, dim %lu, %llu present", part_kind_name(part->kind),
	    (unsigned long)part->dim, (unsigned long long)s->present);
	say_count(p, records - s->present - s->errors, "missing");
	say_count(p, s->errors, "in error");
	if (part->kind != PART_DENSE && s->present > 0)
		SAY(p, ", %.1f %s each", (double)s->values / (double)s->present,
		    part->kind == PART_SPARSE ? "pairs" : "rows");
	SAY(p, "\n");
	if (strcmp(part->space, "{}") != 0)
		SAY(p, "    space %s\n", part->space);
	if (strcmp(part->run, "{}") != 0 && all)
		SAY(p, "    run %s\n", part->run);
	if (s->errors == 0)
		return;
	SAY(p, "    first error: ");
	say_words(p, (struct str){ s->first_error.data, s->first_error.len });
	SAY(p, "\n");
}

int
describe_stream(struct buf *out, const char *name, const struct input *in,
    const struct summary *s, const struct error *why, int all)
{
	const struct schema *schema = input_schema(in);
	struct page p = { .out = out };

	say_name(&p, name);
	SAY(&p, ": %llu record%s", (unsigned long long)s->records,
	    s->records == 1 ? "" : "s");
	say_count(&p, input_end(in)->rejected, "rejected");
	say_count(&p, s->bad, "with errors");
	SAY(&p, ", %s\n", status_of(in, why));
	for (size_t k = 0; k < schema->n; k++)
		say_part(&p, &schema->parts[k], &s->parts[k], s->records, all);
	say_labels(&p, s, all);
	if (s->targets > 0)
		SAY(&p, "  targets: %llu of %llu, from %.6g to %.6g\n",
		    (unsigned long long)s->targets,
		    (unsigned long long)s->records, s->target_min,
		    s->target_max);
	if (s->grouped > 0)
		SAY(&p, "  groups: %llu of %llu; %zu different\n",
		    (unsigned long long)s->grouped,
		    (unsigned long long)s->records, s->groups.names.n);
	if (s->weights > 0)
		SAY(&p, "  weights: %llu of %llu\n",
		    (unsigned long long)s->weights,
		    (unsigned long long)s->records);
	for (int k = 0; k < JSONL_FLAGS; k++)
		if (s->flags[k] > 0)
			SAY(&p, "  flagged %s: %llu\n", jsonl_flags[k],
			    (unsigned long long)s->flags[k]);
	if (schema->task != NULL)
		SAY(&p, "  task %s\n", schema->task);
	if (all && why->text[0] == '\0')
		SAY(&p, "  hash %016llx\n",
		    (unsigned long long)input_end(in)->hash);
	return p.bad;
}

static void
say_part_json(
    struct page *p, const struct part *part, const struct part_summary *s)
{
	SAY(p, "{\"name\":");
	say_string(p, part->name, strlen(part->name));
	SAY(p, ",\"kind\":\"%s\",\"dim\":%lu,\"present\":%llu,\"errors\":%llu",
	    part_kind_name(part->kind), (unsigned long)part->dim,
	    (unsigned long long)s->present, (unsigned long long)s->errors);
	if (part->kind != PART_DENSE)
		SAY(p, ",\"%s\":%llu",
		    part->kind == PART_SPARSE ? "pairs" : "rows",
		    (unsigned long long)s->values);
	SAY(p, ",\"space\":%s,\"run\":%s}", part->space, part->run);
}

static void
say_counts_json(struct page *p, const struct summary *s)
{
	struct counted *order = labels_in_order(s);

	if (order == NULL)
		p->bad = -1;
	SAY(p, ",\"labelled\":%llu,\"labels\":{",
	    (unsigned long long)s->labelled);
	for (size_t i = 0; order != NULL && i < s->labels.names.n; i++) {
		SAY(p, "%s", i > 0 ? "," : "");
		say_string(p, order[i].label.s, order[i].label.len);
		SAY(p, ":%llu", (unsigned long long)order[i].count);
	}
	free(order);
	SAY(p,
	    "},\"targets\":%llu,\"grouped\":%llu,\"groups\":%zu,"
	    "\"weights\":%llu,\"flags\":{",
	    (unsigned long long)s->targets, (unsigned long long)s->grouped,
	    s->groups.names.n, (unsigned long long)s->weights);
	for (int k = 0; k < JSONL_FLAGS; k++)
		SAY(p, "%s\"%s\":%llu", k > 0 ? "," : "", jsonl_flags[k],
		    (unsigned long long)s->flags[k]);
	SAY(p, "}");
}

int
describe_stream_json(struct buf *out, const char *name, const struct input *in,
    const struct summary *s, const struct error *why)
{
	const struct schema *schema = input_schema(in);
	struct page p = { .out = out };

	SAY(&p, "{\"name\":");
	say_string(&p, name, strlen(name));
	SAY(&p,
	    ",\"type\":\"stream\",\"records\":%llu,\"rejected\":%llu,"
	    "\"errors\":%llu",
	    (unsigned long long)s->records,
	    (unsigned long long)input_end(in)->rejected,
	    (unsigned long long)s->bad);
	say_key(&p, "status", status_of(in, why));
	if (why->text[0] != '\0')
		say_key(&p, "why", why->text);
	else
		SAY(&p, ",\"hash\":\"%016llx\"",
		    (unsigned long long)input_end(in)->hash);
	SAY(&p, ",\"parts\":[");
	for (size_t k = 0; k < schema->n; k++) {
		SAY(&p, "%s", k > 0 ? "," : "");
		say_part_json(&p, &schema->parts[k], &s->parts[k]);
	}
	SAY(&p, "]");
	say_counts_json(&p, s);
	if (schema->task != NULL)
		SAY(&p, ",\"task\":%s", schema->task);
	SAY(&p, "}\n");
	return p.bad;
}

/* ---- models ---- */

static uint64_t
parameters(const struct model *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->tensors[i].bytes / tensor_size(m->tensors[i].type);
	return n;
}

static void
say_shape(struct page *p, const struct tensor *t)
{
	SAY(p, "[");
	for (int i = 0; i < t->rank; i++)
		SAY(p, "%s%llu", i > 0 ? "," : "",
		    (unsigned long long)t->shape[i]);
	SAY(p, "]");
}

int
describe_model(struct buf *out, const char *name, const struct model *m,
    const char *about, int all)
{
	size_t shown = m->n > 20 && !all ? 20 : m->n;
	struct page p = { .out = out };

	say_name(&p, name);
	SAY(&p, ": %s, %zu tensors, %llu parameters, %zu bytes\n",
	    m->config != NULL ? "model" : "safetensors", m->n,
	    (unsigned long long)parameters(m), m->map.len);
	if (about != NULL)
		SAY(&p, "%s", about);
	if (m->config != NULL && (about == NULL || all))
		SAY(&p, "  config %s\n", m->config);
	for (size_t i = 0; i < shown; i++) {
		SAY(&p, "  %-4s ", tensor_type_name(m->tensors[i].type));
		say_name(&p, m->tensors[i].name);
		SAY(&p, " ");
		say_shape(&p, &m->tensors[i]);
		SAY(&p, "\n");
	}
	if (shown < m->n)
		SAY(&p, "  and %zu more (-v lists all)\n", m->n - shown);
	return p.bad;
}

int
describe_model_json(struct buf *out, const char *name, const struct model *m)
{
	struct page p = { .out = out };

	SAY(&p, "{\"name\":");
	say_string(&p, name, strlen(name));
	SAY(&p,
	    ",\"type\":\"%s\",\"parameters\":%llu,\"bytes\":%zu,"
	    "\"hash\":\"%016llx\"",
	    m->config != NULL ? "model" : "safetensors",
	    (unsigned long long)parameters(m), m->map.len,
	    (unsigned long long)model_hash(m));
	if (m->config != NULL)
		SAY(&p, ",\"config\":%s", m->config);
	SAY(&p, ",\"tensors\":[");
	for (size_t i = 0; i < m->n; i++) {
		const struct tensor *t = &m->tensors[i];

		SAY(&p, i > 0 ? ",{\"name\":" : "{\"name\":");
		say_string(&p, t->name, strlen(t->name));
		SAY(&p,
		    ",\"dtype\":\"%s\",\"shape\":", tensor_type_name(t->type));
		say_shape(&p, t);
		SAY(&p, "}");
	}
	SAY(&p, "]}\n");
	return p.bad;
}

int
describe_config(struct buf *out, const char *name, const char *text, size_t n,
    struct error *e)
{
	struct page p = { .out = out };
	struct json j = { 0 };
	struct str key, raw;
	int rc = 0;

	say_name(&p, name);
	SAY(&p, ":\n");
	json_init(&j, text, n);
	json_object(&j);
	while (json_object_next(&j, &key) > 0) {
		SAY(&p, "  ");
		say_words(&p, key);
		if (json_raw(&j, &raw) == 0)
			SAY(&p, " %.*s\n", (int)raw.len, raw.s);
	}
	if (json_end(&j) == -1)
		rc = json_error(&j, e);
	else if (p.bad)
		rc = error_memory(e);
	json_free(&j);
	return rc;
}
