/*
 * The text halves of CLIP and SigLIP.
 *
 * CLIP's is causal, so no row depends on what comes after it: tokens behind
 * the end token are never computed.  A text's vector is the end token's row.
 * SigLIP's looks both ways and was trained on texts padded to the full length
 * without a mask, so the padding belongs to its input; a vector is the last
 * row.
 *
 *	Radford et al. 2021, https://arxiv.org/abs/2103.00020
 *	Zhai et al. 2023, https://arxiv.org/abs/2303.15343
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/rowwise.h"
#include "nn/room.h"
#include "nn/text_rows.h"

static const char config[] = "config.json";

enum {
	HIDDEN_MAX = 1 << 16,
	HEADS_MAX = 1 << 12,
	MLP_MAX = 1 << 20,
	LAYERS_MAX = 1 << 12,
	POSITIONS_MAX = 1 << 16,
	TOKEN_MAX = 1 << 30
};

struct clip_text {
	struct encoder base;
	struct transformer t;
	struct table words, positions;
	struct layer_norm norm; /* behind the last block */
	struct linear project;
	int projects; /* there is a projection, and it is wanted */
	int last;     /* the last block's output goes through norm */
	int siglip;
	uint32_t pad;   /* SigLIP: fills up to max_tokens */
	uint32_t end;   /* CLIP: the end token, if its id is known */
	int end_is_top; /* CLIP: it is the largest id of a text */
	uint32_t run;   /* blocks that are run */
};

/* While it is built. */
struct build {
	struct store *s;
	int nested;         /* fields lie in text_config */
	const char *prefix; /* of arrays */
	double eps;
	struct error *e;
	char text[8][160]; /* names of arrays */
	char path[64];     /* of a field */
};

static const char *
name(struct build *b, int i, const char *part)
{
	snprintf(b->text[i], sizeof(b->text[i]), "%s%s", b->prefix, part);
	return b->text[i];
}

static int
linear_of(struct build *b, struct linear *l, const char *where,
    const char *const *part, int parts, uint32_t in, uint32_t out)
{
	const char *weight[3], *bias[3];

	for (int i = 0; i < parts; i++) {
		char *w = b->text[i], *v = b->text[3 + i];

		snprintf(w, sizeof(b->text[i]), "%s%s%s.weight", b->prefix,
		    where, part[i]);
		snprintf(v, sizeof(b->text[i]), "%s%s%s.bias", b->prefix, where,
		    part[i]);
		weight[i] = w;
		bias[i] = v;
	}
	return store_linear(b->s, l, weight, bias, parts, in, out, b->e);
}

static int
norm_of(struct build *b, struct layer_norm *n, const char *where,
    const char *part, uint32_t D)
{
	snprintf(b->text[0], sizeof(b->text[0]), "%s%s%s.weight", b->prefix,
	    where, part);
	snprintf(b->text[1], sizeof(b->text[1]), "%s%s%s.bias", b->prefix,
	    where, part);
	n->eps = (float)b->eps;
	n->weight = store_vector(b->s, b->text[0], D, b->e);
	if (n->weight == NULL)
		return -1;
	n->bias = store_vector(b->s, b->text[1], D, b->e);
	return n->bias == NULL ? -1 : 0;
}

/* ---- configuration ---- */

static const char *
path(struct build *b, const char *field, int again)
{
	snprintf(b->path, sizeof(b->path), "%s%s",
	    !b->nested ? ""
	    : again    ? "text_config_dict."
		       : "text_config.",
	    field);
	return b->path;
}

/* A field, which configurations leave out where it is ${out} already; older
 * ones say it once more in text_config_dict, which wins. */
static int
field(
    struct build *b, const char *of, uint32_t min, uint32_t max, uint32_t *out)
{
	if (store_field_u32(b->s, config, path(b, of, 0), min, max, out, b->e) <
	    0)
		return -1;
	if (b->nested && store_field_u32(b->s, config, path(b, of, 1), min, max,
			     out, b->e) < 0)
		return -1;
	return 0;
}

static int
read_config(struct build *b, struct clip_text *x, uint32_t *projection)
{
	struct encoder_info *info = &x->base.info;
	int s = x->siglip;

	info->hidden = s ? 768 : 512;
	info->heads = s ? 12 : 8;
	info->layers = 12;
	info->mlp = s ? 3072 : 2048;
	info->vocab = s ? 32000 : 49408;
	info->max_tokens = s ? 64 : 77;
	x->t.act = s ? ACT_GELU_TANH : ACT_QUICK_GELU;
	x->pad = 1;
	x->end = 49407;
	b->eps = s ? 1e-6 : 1e-5;
	if (field(b, "hidden_size", 1, HIDDEN_MAX, &info->hidden) < 0 ||
	    field(b, "num_attention_heads", 1, HEADS_MAX, &info->heads) < 0 ||
	    field(b, "num_hidden_layers", 1, LAYERS_MAX, &info->layers) < 0 ||
	    field(b, "intermediate_size", 1, MLP_MAX, &info->mlp) < 0 ||
	    field(b, "vocab_size", 1, TOKEN_MAX, &info->vocab) < 0 ||
	    field(b, "max_position_embeddings", 1, POSITIONS_MAX,
		&info->max_tokens) < 0 ||
	    field(b, "pad_token_id", 0, TOKEN_MAX, &x->pad) < 0 ||
	    field(b, "eos_token_id", 0, TOKEN_MAX, &x->end) < 0 ||
	    text_sizes(b->s, config, path(b, "num_attention_heads", 0), info,
		b->e) < 0)
		return -1;
	if (s && x->pad >= info->vocab)
		return error_set(b->e, "'%s/%s': pad_token_id: %u is beyond %u",
		    store_path(b->s), config, (unsigned)x->pad,
		    (unsigned)info->vocab);
	/* The first configurations have an end token that is none: there the
	 * largest id is meant, as transformers knows. */
	x->end_is_top = x->end == 2;
	*projection = info->hidden;
	if (s && field(b, "projection_size", 1, HIDDEN_MAX, projection) < 0)
		return -1;
	if (encoder_activation(
		b->s, config, path(b, "hidden_act", 0), &x->t.act, b->e) < 0 ||
	    store_field_double(b->s, config, path(b, "layer_norm_eps", 0), 0, 1,
		&b->eps, b->e) < 0)
		return -1;
	return 0;
}

/* ---- arrays ---- */

static int
read_embeddings(struct build *b, struct clip_text *x)
{
	struct encoder_info *info = &x->base.info;

	if (store_table(b->s, &x->words,
		name(b, 0, "embeddings.token_embedding.weight"), info->vocab,
		info->hidden, b->e) < 0 ||
	    store_table(b->s, &x->positions,
		name(b, 0, "embeddings.position_embedding.weight"),
		info->max_tokens, info->hidden, b->e) < 0)
		return -1;
	return 0;
}

static int
read_block(struct build *b, struct block *k, const struct encoder_info *info,
    uint32_t i)
{
	static const char *const qkv[] = { "self_attn.q_proj",
		"self_attn.k_proj", "self_attn.v_proj" };
	static const char *const out[] = { "self_attn.out_proj" };
	static const char *const fc1[] = { "mlp.fc1" };
	static const char *const fc2[] = { "mlp.fc2" };
	uint32_t D = info->hidden;
	char at[48];

	snprintf(at, sizeof(at), "encoder.layers.%u.", (unsigned)i);
	if (norm_of(b, &k->norm1, at, "layer_norm1", D) < 0 ||
	    linear_of(b, &k->qkv, at, qkv, 3, D, D) < 0 ||
	    linear_of(b, &k->out, at, out, 1, D, D) < 0 ||
	    norm_of(b, &k->norm2, at, "layer_norm2", D) < 0 ||
	    linear_of(b, &k->fc1, at, fc1, 1, D, info->mlp) < 0 ||
	    linear_of(b, &k->fc2, at, fc2, 1, info->mlp, D) < 0)
		return -1;
	return 0;
}

/* The projection: CLIP's lies beside the text model, where there is one. */
static int
read_projection(struct build *b, struct clip_text *x, uint32_t out)
{
	static const char *const head[] = { "head" };
	static const char *const clip[] = { "text_projection.weight" };
	uint32_t D = x->base.info.hidden;
	uint64_t shape[2] = { 0, D };

	if (x->siglip) {
		x->projects = 1;
		x->base.info.dim = out;
		return linear_of(b, &x->project, "", head, 1, D, out);
	}
	if (!store_has(b->s, clip[0]))
		return 0;
	if (store_shape(b->s, clip[0], 2, shape, b->e) < 0)
		return -1;
	if (shape[0] == 0 || shape[0] > HIDDEN_MAX)
		return error_set(b->e, "'%s': '%s' has %llu rows",
		    store_path(b->s), clip[0], (unsigned long long)shape[0]);
	x->projects = 1;
	x->base.info.dim = (uint32_t)shape[0];
	return store_linear(
	    b->s, &x->project, clip, NULL, 1, D, (uint32_t)shape[0], b->e);
}

/* ---- running ---- */

static void
clip_text_free(struct encoder *base)
{
	struct clip_text *x = (struct clip_text *)base;

	free(x->t.blocks);
	free(x);
}

static uint64_t
clip_text_macs(const struct encoder *base, size_t tokens)
{
	const struct clip_text *x = (const struct clip_text *)base;
	uint64_t D = base->info.hidden, rows, n;

	rows = x->siglip ? base->info.max_tokens : tokens;
	n = transformer_macs(&x->t, rows, x->run);
	if (rows > 0 &&
	    (base->info.pool == POOL_CLS || base->info.pool == POOL_LAST))
		n -= (rows - 1) * (D * D + 2 * D * base->info.mlp);
	return n + (x->projects ? D * base->info.dim : 0);
}

/* The place of the end token: where transformers' models look for it. */
static size_t
end_of(const struct clip_text *x, const uint32_t *ids, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (!x->end_is_top && ids[i] == x->end)
			return i;
		if (x->end_is_top && ids[i] > ids[at])
			at = i;
	}
	return at;
}

/*
 * The tokens that are computed: w->ids, and w->end: [n].  CLIP's up to the end
 * token, or all but one where there is none (then the first row counts);
 * SigLIP's with padding.
 */
static int
lay_out(const struct clip_text *x, struct text_work *w, const uint32_t *ids,
    const size_t *end, size_t n, struct error *e)
{
	size_t most = x->base.info.max_tokens, T = n > 0 ? end[n - 1] : 0;
	size_t room = x->siglip ? n * most : T, at = 0;

	if (room_grow(&w->ids, &w->cap_ids, room, sizeof(*w->ids), e) < 0 ||
	    room_grow(&w->end, &w->cap_end, n, sizeof(*w->end), e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t from = i > 0 ? end[i - 1] : 0, rows = end[i] - from;

		if (!x->siglip)
			rows = end_of(x, ids + from, rows) + 1;
		memcpy(w->ids + at, ids + from, rows * sizeof(*ids));
		at += rows;
		for (; x->siglip && rows < most; rows++)
			w->ids[at++] = x->pad;
		w->end[i] = at;
	}
	return 0;
}

/* Rows of texts that were padded, without the padding: x and w->end. */
static void
close_up(struct text_work *w, const size_t *end, size_t n, size_t D)
{
	for (size_t i = 0; i < n; i++) {
		size_t from = i > 0 ? end[i - 1] : 0;
		size_t padded = i > 0 ? w->end[0] * i : 0;

		memmove(w->x + from * D, w->x + padded * D,
		    (end[i] - from) * D * sizeof(*w->x));
	}
	memcpy(w->end, end, n * sizeof(*end));
}

static int
clip_text_texts(const struct encoder *base, struct encoder_work *work,
    const uint32_t *ids, const size_t *end, size_t n, struct encoder_out *out,
    struct error *e)
{
	const struct clip_text *x = (const struct clip_text *)base;
	const struct rowwise *rk = rowwise_get(x->t.isa);
	struct text_work *w = (struct text_work *)work;
	size_t D = base->info.hidden, P = base->info.dim, T, rows;
	const size_t *keep = NULL;

	if (text_ids(base, ids, n > 0 ? end[n - 1] : 0, e) < 0 ||
	    lay_out(x, w, ids, end, n, e) < 0)
		return -1;
	T = n > 0 ? w->end[n - 1] : 0;
	if (text_room(w, T, n, D > P ? D : P, D > P ? D : P, e) < 0)
		return -1;
	for (size_t i = 0, row = 0; i < n; i++)
		for (size_t p = 0; row < w->end[i]; row++, p++) {
			table_row(&x->words, w->ids[row], w->x + row * D);
			table_add(&x->positions, p, w->x + row * D);
		}
	keep = text_keep(w,
	    base->info.pool == POOL_CLS && !x->siglip ? POOL_LAST
						      : base->info.pool,
	    w->end, n);
	w->blocks.spread.pool = work->pool;
	if (transformer_run(
		&x->t, &w->blocks, w->x, w->end, n, x->run, keep, e) < 0)
		return -1;
	rows = keep != NULL ? n : T;
	if (x->last)
		rk->layer_norm(w->x, D, w->x, D, rows, D, x->norm.weight,
		    x->norm.bias, x->norm.eps);
	if (keep == NULL && x->siglip)
		close_up(w, end, n, D);
	if (keep != NULL && x->projects) {
		size_t room = linear_room(&x->project, n);

		if (room_grow(
			&w->blocks.room, &w->blocks.cap_room, room, 1, e) < 0)
			return -1;
		linear_run(x->t.isa, w->v, P, w->x, D, n, &x->project, NULL,
		    w->blocks.room);
		memcpy(w->x, w->v, n * P * sizeof(*w->x));
	}
	text_pool(x->t.isa, &base->info, w, keep != NULL, w->end, n, P, out);
	return 0;
}

static const struct encoder_ops ops = {
	.free = clip_text_free,
	.macs = clip_text_macs,
	.work_new = text_work_new,
	.work_free = text_work_free,
	.texts = clip_text_texts,
};

static int
build(struct build *b, struct clip_text *x)
{
	struct encoder_info *info = &x->base.info;
	const struct encoder_how *how = &x->base.how;
	enum pooling own = x->siglip ? POOL_LAST : POOL_CLS;
	uint32_t projection;

	b->prefix = "text_model.";
	if (!store_has(b->s, name(b, 0, "embeddings.token_embedding.weight")))
		b->prefix = "";
	if (read_config(b, x, &projection) < 0)
		return -1;
	x->run = info->layers;
	if (encoder_layers(b->s, config, path(b, "num_hidden_layers", 0), how,
		&x->run, b->e) < 0 ||
	    encoder_pooling(b->s, how, own, info, b->e) < 0 ||
	    read_embeddings(b, x) < 0)
		return -1;
	info->dim = info->hidden;
	x->t.hidden = info->hidden;
	x->t.heads = info->heads;
	x->t.mlp = info->mlp;
	x->t.layers = x->run;
	x->t.prenorm = 1;
	x->t.causal = !x->siglip;
	x->t.blocks = mem_array(x->run, sizeof(*x->t.blocks));
	if (x->t.blocks == NULL)
		return error_memory(b->e);
	for (uint32_t i = 0; i < x->run; i++)
		if (read_block(b, &x->t.blocks[i], info, i) < 0)
			return -1;
	x->last = how->layer == 0;
	if (!x->last)
		return 0;
	if (norm_of(b, &x->norm, "", "final_layer_norm", info->hidden) < 0)
		return -1;
	return info->pool == own ? read_projection(b, x, projection) : 0;
}

struct encoder *
clip_text_new(struct store *s, const char *type, const struct encoder_how *how,
    struct error *e)
{
	struct build b = { .s = s, .e = e };
	struct clip_text *x = mem_array(1, sizeof(*x));

	if (x == NULL) {
		error_memory(e);
		return NULL;
	}
	x->siglip = strncmp(type, "siglip", 6) == 0;
	b.nested = strchr(type, '_') == NULL;
	x->base.ops = &ops;
	x->base.how = *how;
	x->t.isa = how->isa;
	x->base.info.kind = ENCODER_TEXT;
	x->base.info.family = x->siglip ? "siglip-text" : "clip-text";
	if (build(&b, x) < 0) {
		clip_text_free(&x->base);
		return NULL;
	}
	return &x->base;
}
