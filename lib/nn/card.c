#include "nn/card.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

enum { PRECISIONS = 3, LENGTHS = 2 };

static const char *const precision_names[] = { "f32", "f16", "int8" };
static const char *const pool_names[] = { "model", "mean", "cls", "last", "max",
	"none" };
static const char *const kind_names[] = { "text", "picture" };

/* What is known of one of a model's two encoders. */
struct side {
	int runs;
	struct error why; /* it does not run */
	struct encoder_info info;
	uint64_t memory[PRECISIONS]; /* 0: not known */
	uint32_t tokens[LENGTHS];    /* of the texts below; 0: none */
	uint64_t macs[LENGTHS];
	double rate[LENGTHS]; /* records a second; 0: not measured */
};

struct card {
	uint64_t parameters, hash;
	int packed;
	enum precision precision; /* that was measured */
	struct side side[2];      /* by enum encoder_kind */
};

/* ---- measuring ---- */

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Records that are run at once. */
struct batch_of {
	size_t n;
	uint32_t *ids; /* texts */
	size_t *end;
	float *px; /* pictures */
};

static int
make_batch(struct batch_of *b, const struct encoder_info *info, uint32_t tokens,
    struct error *e)
{
	size_t pixels = (size_t)info->pixels.width * info->pixels.height * 3;

	if (info->kind == ENCODER_PICTURE) {
		b->n = 1;
		b->px = mem_array(pixels, sizeof(*b->px));
		if (b->px == NULL)
			return error_memory(e);
		for (size_t i = 0; i < pixels; i++)
			b->px[i] = (float)(i % 17) / 8 - 1;
		return 0;
	}
	b->n = 1 + 512 / tokens;
	b->ids = mem_array(b->n * tokens, sizeof(*b->ids));
	b->end = mem_array(b->n, sizeof(*b->end));
	if (b->ids == NULL || b->end == NULL)
		return error_memory(e);
	/* Any words; the last is where end tokens are. */
	for (size_t i = 0; i < b->n * tokens; i++)
		b->ids[i] = (uint32_t)((i * 7919 + 3) % (info->vocab / 2 + 1));
	for (size_t i = 0; i < b->n; i++) {
		b->end[i] = (i + 1) * tokens;
		b->ids[b->end[i] - 1] = info->vocab - 1;
	}
	return 0;
}

/* Run one record, then as many at once as take a moment, again and again for
 * a while; the fastest tells least of what else the machine does. */
static int
measure(const struct encoder *x, uint32_t tokens, double *rate, struct error *e)
{
	const struct encoder_info *info = encoder_info(x);
	struct encoder_work *w = encoder_work_new(x, e);
	double start = seconds(), best = 0;
	struct batch_of b = { 0 };
	struct encoder_out out;
	int r = w == NULL ? -1 : make_batch(&b, info, tokens, e);
	size_t n = 1;

	for (int i = 0; r == 0 && (i < 2 || seconds() - start < 0.25); i++) {
		double from = seconds(), took;

		r = info->kind == ENCODER_PICTURE
			? encoder_pictures(x, w, b.px, n, &out, e)
			: encoder_texts(x, w, b.ids, b.end, n, &out, e);
		took = seconds() - from;
		if (took > 0 && (double)n / took > best)
			best = (double)n / took;
		while (i == 0 && n < b.n && took * (double)n < 0.05)
			n++;
	}
	*rate = best;
	free(b.ids);
	free(b.end);
	free(b.px);
	encoder_work_free(w);
	return r;
}

/* ---- looking ---- */

static struct encoder *
make(struct store *s, int kind, enum isa isa, struct error *e)
{
	struct encoder_how how = { .isa = isa, .normalize = -1 };

	return encoder_new(s, (enum encoder_kind)kind, &how, e);
}

static int
look_at(struct side *d, const struct encoder *x, const struct card_how *how,
    struct error *e)
{
	static const uint32_t lengths[LENGTHS] = { 16, 128 };

	d->runs = 1;
	d->info = *encoder_info(x);
	for (int i = 0; i < LENGTHS; i++) {
		uint32_t n = lengths[i];

		if (d->info.kind == ENCODER_PICTURE)
			n = 0;
		else if (n > d->info.max_tokens)
			n = d->info.max_tokens;
		if (i > 0 && n == d->tokens[i - 1])
			continue;
		d->tokens[i] = n;
		d->macs[i] = encoder_macs(x, n);
		if (!how->quick && measure(x, n, &d->rate[i], e) < 0)
			return -1;
	}
	return 0;
}

/* The weights' bytes in another precision: it is packed so, and counted. */
static int
count_memory(struct side *d, const char *path, int kind, enum precision p,
    const struct card_how *how, struct error *e)
{
	struct store *s = store_open(path, p, e);
	struct encoder *x = s != NULL ? make(s, kind, how->isa, e) : NULL;

	if (x != NULL)
		d->memory[p] = store_memory(s);
	encoder_free(x);
	store_free(s);
	return x != NULL ? 0 : -1;
}

static int
look_at_side(struct card *c, struct store *s, int kind, const char *path,
    const struct card_how *how, struct error *e)
{
	uint64_t before = c->packed ? 0 : store_memory(s);
	struct encoder *x = make(s, kind, how->isa, e);
	struct side *d = &c->side[kind];
	int r;

	if (x == NULL) {
		d->why = *e;
		return e->memory ? -1 : 0;
	}
	d->memory[c->precision] = store_memory(s) - before;
	r = look_at(d, x, how, e);
	encoder_free(x);
	for (int p = 0; r == 0 && !c->packed && p < PRECISIONS; p++)
		if (p != (int)c->precision)
			r = count_memory(
			    d, path, kind, (enum precision)p, how, e);
	return r;
}

/* A packed file says its precision itself: the one that opens it. */
static struct store *
open_any(const char *path, enum precision *p, struct error *e)
{
	struct error first = { 0 };

	for (int i = 0; i < PRECISIONS; i++) {
		struct store *s = store_open(path, (enum precision)i, e);

		if (s != NULL) {
			*p = (enum precision)i;
			return s;
		}
		if (i == 0)
			first = *e;
		if (strstr(e->text, ": packed with --precision") == NULL)
			break;
	}
	if (strstr(e->text, ": packed with --precision") != NULL)
		*e = first;
	return NULL;
}

/* ---- saying ---- */

static int
put_size(struct buf *b, uint64_t n)
{
	return n >= 10000000 ? buf_printf(b, "%.0f MB", (double)n / 1e6)
	       : n >= 100000 ? buf_printf(b, "%.1f MB", (double)n / 1e6)
			     : buf_printf(b, "%.1f kB", (double)n / 1e3);
}

static int
put_macs(struct buf *b, uint64_t n)
{
	return n >= 1000000000 ? buf_printf(b, "%.1f G", (double)n / 1e9)
	       : n >= 1000000  ? buf_printf(b, "%.0f M", (double)n / 1e6)
			       : buf_printf(b, "%" PRIu64, n);
}

static int
put_rate(struct buf *b, double x)
{
	return buf_printf(b, x < 10 ? "%.1f" : "%.0f", x);
}

static int
put_sizes(struct buf *b, const struct encoder_info *i)
{
	int bad = 0;

	bad |= buf_puts(b, "   ");
	if (i->hidden > 0)
		bad |= buf_printf(b, " hidden %u,", i->hidden);
	if (i->layers > 0)
		bad |= buf_printf(b, " %u layers,", i->layers);
	if (i->heads > 0)
		bad |= buf_printf(b, " %u heads,", i->heads);
	if (i->mlp > 0)
		bad |= buf_printf(b, " inner %u,", i->mlp);
	if (i->kind == ENCODER_TEXT)
		bad |= buf_printf(b, " vocabulary %u, at most %u tokens\n",
		    i->vocab, i->max_tokens);
	else
		bad |= buf_printf(b, " pictures of %u x %u\n", i->pixels.width,
		    i->pixels.height);
	return bad;
}

static int
put_costs(struct buf *b, const struct card *c, const struct side *d,
    const struct card_how *how)
{
	int bad = buf_puts(b, "    weights in memory:");
	const char *comma = "";

	for (int p = 0; p < PRECISIONS; p++) {
		if (d->memory[p] == 0)
			continue;
		bad |= buf_printf(b, "%s %s ", comma, precision_names[p]);
		bad |= put_size(b, d->memory[p]);
		comma = ",";
	}
	bad |= buf_puts(b, "\n    multiply-adds:");
	for (int i = 0; i < LENGTHS && d->macs[i] > 0; i++) {
		bad |= buf_puts(b, i > 0 ? ", " : " ");
		bad |= put_macs(b, d->macs[i]);
		bad |= d->tokens[i] > 0
			   ? buf_printf(b, " for %u tokens", d->tokens[i])
			   : buf_puts(b, " for a picture");
	}
	if (d->rate[0] > 0)
		bad |= buf_puts(b, "\n    speed here:");
	for (int i = 0; i < LENGTHS && d->rate[i] > 0; i++) {
		bad |= buf_puts(b, i > 0 ? ", " : " ");
		bad |= put_rate(b, d->rate[i]);
		bad |= d->tokens[i] > 0 ? buf_printf(b, " texts/s of %u tokens",
					      d->tokens[i])
					: buf_puts(b, " pictures/s");
	}
	if (d->rate[0] > 0)
		bad |= buf_printf(b, " (measured: one thread, %s, %s)",
		    precision_names[c->precision], cpu_isa_name(how->isa));
	return bad | buf_puts(b, "\n");
}

static int
put_text(struct buf *b, const char *path, const struct card *c,
    const struct card_how *how)
{
	int bad = 0;

	bad |= buf_printf(b, "%s: ", path);
	if (c->packed)
		bad |= buf_printf(
		    b, "packed, %s, ", precision_names[c->precision]);
	bad |= buf_printf(b, "%" PRIu64 " parameters, hash %016" PRIx64 "\n",
	    c->parameters, c->hash);
	for (int k = 0; k < 2; k++) {
		const struct side *d = &c->side[k];

		if (!d->runs) {
			if (d->why.text[0] != '\0')
				bad |=
				    buf_printf(b, "  cannot encode %ss: %s\n",
					kind_names[k], d->why.text);
			continue;
		}
		bad |= buf_printf(b, "  %s encoder: %s, %u numbers\n",
		    kind_names[k], d->info.family, d->info.dim);
		bad |= put_sizes(b, &d->info);
		bad |= buf_printf(b, "    pooling %s%s\n",
		    pool_names[d->info.pool],
		    d->info.normalize ? ", to unit length" : "");
		bad |= put_costs(b, c, d, how);
	}
	return bad;
}

static int
put_side_json(struct buf *b, int kind, const struct side *d)
{
	const struct encoder_info *i = &d->info;
	const char *comma = "";
	int bad = 0;

	bad |= buf_printf(b, "{\"kind\":\"%s\",\"runs\":%s", kind_names[kind],
	    d->runs ? "true" : "false");
	if (!d->runs) {
		bad |= buf_puts(b, ",\"why\":");
		bad |= json_put_string(b, d->why.text, strlen(d->why.text));
		return bad | buf_puts(b, "}");
	}
	bad |= buf_puts(b, ",\"family\":");
	bad |= json_put_string(b, i->family, strlen(i->family));
	bad |= buf_printf(b,
	    ",\"dim\":%u,\"hidden\":%u,\"layers\":%u,\"heads\":%u,\"inner\":%u",
	    i->dim, i->hidden, i->layers, i->heads, i->mlp);
	if (i->kind == ENCODER_TEXT)
		bad |= buf_printf(b, ",\"vocab\":%u,\"max_tokens\":%u",
		    i->vocab, i->max_tokens);
	else
		bad |= buf_printf(b, ",\"width\":%u,\"height\":%u",
		    i->pixels.width, i->pixels.height);
	bad |=
	    buf_printf(b, ",\"pooling\":\"%s\",\"normalize\":%s,\"memory\":{",
		pool_names[i->pool], i->normalize ? "true" : "false");
	for (int p = 0; p < PRECISIONS; p++) {
		if (d->memory[p] == 0)
			continue;
		bad |= buf_printf(b, "%s\"%s\":%" PRIu64, comma,
		    precision_names[p], d->memory[p]);
		comma = ",";
	}
	bad |= buf_puts(b, "},\"work\":[");
	for (int k = 0; k < LENGTHS && d->macs[k] > 0; k++) {
		bad |= buf_puts(b, k > 0 ? ",{" : "{");
		if (d->tokens[k] > 0)
			bad |= buf_printf(b, "\"tokens\":%u,", d->tokens[k]);
		bad |= buf_printf(b, "\"macs\":%" PRIu64, d->macs[k]);
		if (d->rate[k] > 0) {
			bad |= buf_puts(b, ",\"per_second\":");
			bad |= json_put_double(b, d->rate[k]);
		}
		bad |= buf_puts(b, "}");
	}
	return bad | buf_puts(b, "]}");
}

static int
put_json(struct buf *b, const char *path, const struct card *c,
    const struct card_how *how)
{
	const char *comma = "";
	int bad = 0;

	bad |= buf_puts(b, "{\"name\":");
	bad |= json_put_string(b, path, strlen(path));
	bad |= buf_printf(b,
	    ",\"type\":\"encoder\",\"packed\":%s,\"parameters\":%" PRIu64
	    ",\"hash\":\"%016" PRIx64
	    "\",\"measured\":{\"threads\":1,\"precision\":\"%s\",\"isa\":\"%s\""
	    "},\"encoders\":[",
	    c->packed ? "true" : "false", c->parameters, c->hash,
	    precision_names[c->precision], cpu_isa_name(how->isa));
	for (int k = 0; k < 2; k++) {
		if (!c->side[k].runs && c->side[k].why.text[0] == '\0')
			continue;
		bad |= buf_puts(b, comma);
		bad |= put_side_json(b, k, &c->side[k]);
		comma = ",";
	}
	return bad | buf_puts(b, "]}\n");
}

/* Of two reasons the one that is none when the model was made for the other
 * kind is not told. */
static void
choose_reason(struct card *c)
{
	struct side *t = &c->side[ENCODER_TEXT], *p = &c->side[ENCODER_PICTURE];
	static const char other[] = " does not encode ";
	static const char unknown[] = "': neither config.json nor the arrays ";

	if (!t->runs && (strstr(t->why.text, other) != NULL ||
			    strstr(t->why.text, unknown) != NULL))
		t->why.text[0] = '\0';
	if (!p->runs && (strstr(p->why.text, other) != NULL ||
			    strcmp(p->why.text, t->why.text) == 0))
		p->why.text[0] = '\0';
}

int
card_put(struct buf *out, const char *path, const struct card_how *how,
    struct error *e)
{
	struct card c = { 0 };
	struct store *s = open_any(path, &c.precision, e);
	int r = 0;

	if (s == NULL)
		return -1;
	if (how->verify)
		r = store_verify(s, e);
	c.packed = store_packed(s);
	c.parameters = store_parameters(s);
	c.hash = store_hash(s);
	for (int k = 0; r == 0 && k < 2; k++)
		r = look_at_side(&c, s, k, path, how, e);
	store_free(s);
	if (r < 0)
		return -1;
	choose_reason(&c);
	if (how->json ? put_json(out, path, &c, how)
		      : put_text(out, path, &c, how))
		return error_memory(e);
	return 0;
}
