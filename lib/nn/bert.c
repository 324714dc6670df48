/*
 * The BERT family: BERT (with MiniLM, BGE, E5 and GTE), RoBERTa (XLM-R,
 * CamemBERT), DistilBERT and MPNet.  They differ in the names of their arrays,
 * in where positions begin, and in MPNet's bias of attention by distance.
 *
 *	Devlin et al. 2018, https://arxiv.org/abs/1810.04805
 *	Liu et al. 2019, https://arxiv.org/abs/1907.11692
 *	Sanh et al. 2019, https://arxiv.org/abs/1910.01108
 *	Song et al. 2020, https://arxiv.org/abs/2004.09297
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/mathd.h"
#include "linalg/rowwise.h"
#include "nn/text_rows.h"

static const char config[] = "config.json";

enum {
	HIDDEN_MAX = 1 << 16,
	HEADS_MAX = 1 << 12,
	MLP_MAX = 1 << 20,
	LAYERS_MAX = 1 << 12,
	POSITIONS_MAX = 1 << 20
};

/* How one of the family spells what it has.  %u is the layer. */
struct names {
	const char *type;        /* model_type */
	const char *prefixes[4]; /* of all arrays; the first one found */
	const char *hidden, *heads, *layers, *mlp, *act, *eps; /* fields */
	const char *q, *k, *v, *out, *fc1, *fc2, *norm1, *norm2;
	int types;  /* token types are added */
	int offset; /* positions begin behind pad_token_id */
	int bias;   /* of attention by distance */
};

#define BERT_FIELDS                                                            \
	.hidden = "hidden_size", .heads = "num_attention_heads",               \
	.layers = "num_hidden_layers", .mlp = "intermediate_size",             \
	.act = "hidden_act", .eps = "layer_norm_eps"
#define BERT_LAYERS                                                            \
	.q = "encoder.layer.%u.attention.self.query",                          \
	.k = "encoder.layer.%u.attention.self.key",                            \
	.v = "encoder.layer.%u.attention.self.value",                          \
	.out = "encoder.layer.%u.attention.output.dense",                      \
	.fc1 = "encoder.layer.%u.intermediate.dense",                          \
	.fc2 = "encoder.layer.%u.output.dense",                                \
	.norm1 = "encoder.layer.%u.attention.output.LayerNorm",                \
	.norm2 = "encoder.layer.%u.output.LayerNorm"

static const struct names all[] = {
	{ .type = "bert",
	    .prefixes = { "", "bert.", "model." },
	    BERT_FIELDS,
	    BERT_LAYERS,
	    .types = 1 },
	{ .type = "roberta",
	    .prefixes = { "", "roberta.", "model." },
	    BERT_FIELDS,
	    BERT_LAYERS,
	    .types = 1,
	    .offset = 1 },
	{ .type = "xlm-roberta",
	    .prefixes = { "", "roberta.", "model." },
	    BERT_FIELDS,
	    BERT_LAYERS,
	    .types = 1,
	    .offset = 1 },
	{ .type = "camembert",
	    .prefixes = { "", "roberta.", "camembert.", "model." },
	    BERT_FIELDS,
	    BERT_LAYERS,
	    .types = 1,
	    .offset = 1 },
	{ .type = "distilbert",
	    .prefixes = { "", "distilbert.", "model." },
	    .hidden = "dim",
	    .heads = "n_heads",
	    .layers = "n_layers",
	    .mlp = "hidden_dim",
	    .act = "activation",
	    .q = "transformer.layer.%u.attention.q_lin",
	    .k = "transformer.layer.%u.attention.k_lin",
	    .v = "transformer.layer.%u.attention.v_lin",
	    .out = "transformer.layer.%u.attention.out_lin",
	    .fc1 = "transformer.layer.%u.ffn.lin1",
	    .fc2 = "transformer.layer.%u.ffn.lin2",
	    .norm1 = "transformer.layer.%u.sa_layer_norm",
	    .norm2 = "transformer.layer.%u.output_layer_norm" },
	{ .type = "mpnet",
	    .prefixes = { "", "mpnet.", "model." },
	    BERT_FIELDS,
	    .q = "encoder.layer.%u.attention.attn.q",
	    .k = "encoder.layer.%u.attention.attn.k",
	    .v = "encoder.layer.%u.attention.attn.v",
	    .out = "encoder.layer.%u.attention.attn.o",
	    .fc1 = "encoder.layer.%u.intermediate.dense",
	    .fc2 = "encoder.layer.%u.output.dense",
	    .norm1 = "encoder.layer.%u.attention.LayerNorm",
	    .norm2 = "encoder.layer.%u.output.LayerNorm",
	    .offset = 1,
	    .bias = 1 },
};

struct bert {
	struct encoder base;
	struct transformer t;
	struct table words, positions;
	float *type; /* [D]: the row of token type 0, or NULL */
	struct layer_norm norm;
	int offset;   /* positions begin behind it */
	uint32_t pad; /* a token that has no position of its own there */
	uint32_t run; /* blocks that are run */
};

/* While it is built. */
struct build {
	struct store *s;
	const struct names *names;
	const char *prefix;
	double eps;
	struct error *e;
	char text[8][160]; /* names of arrays */
};

enum { WEIGHT, BIAS };

/* The array's name, in slot i: prefix, the layer's part, weight or bias. */
static const char *
name(struct build *b, int i, const char *format, uint32_t layer, int bias)
{
	char *to = b->text[i], part[100];
	const char *at = strstr(format, "%u");

	if (at != NULL)
		snprintf(part, sizeof(part), "%.*s%u%s", (int)(at - format),
		    format, (unsigned)layer, at + 2);
	else
		snprintf(part, sizeof(part), "%s", format);
	snprintf(to, sizeof(b->text[i]), "%s%s%s", b->prefix, part,
	    bias == BIAS ? ".bias" : ".weight");
	return to;
}

static int
linear_of(struct build *b, struct linear *l, const char *const *format,
    int parts, uint32_t layer, uint32_t in, uint32_t out)
{
	const char *weight[3], *bias[3];

	for (int i = 0; i < parts; i++) {
		weight[i] = name(b, i, format[i], layer, WEIGHT);
		bias[i] = name(b, 3 + i, format[i], layer, BIAS);
	}
	return store_linear(b->s, l, weight, bias, parts, in, out, b->e);
}

/* Layer norms of old checkpoints are called gamma and beta. */
static int
norm_of(struct build *b, struct layer_norm *n, const char *format,
    uint32_t layer, uint32_t D)
{
	const char *weight = name(b, 0, format, layer, WEIGHT);
	const char *bias = name(b, 1, format, layer, BIAS);

	if (!store_has(b->s, weight)) {
		char *w = b->text[2], *v = b->text[3];

		memcpy(w, weight, sizeof(b->text[2]));
		memcpy(v, bias, sizeof(b->text[3]));
		strcpy(w + strlen(w) - strlen("weight"), "gamma");
		strcpy(v + strlen(v) - strlen("bias"), "beta");
		if (store_has(b->s, w)) {
			weight = w;
			bias = v;
		}
	}
	n->eps = (float)b->eps;
	n->weight = store_vector(b->s, weight, D, b->e);
	if (n->weight == NULL)
		return -1;
	n->bias = store_vector(b->s, bias, D, b->e);
	return n->bias == NULL ? -1 : 0;
}

/* ---- configuration ---- */

static int
find_prefix(struct build *b)
{
	static const char words[] = "embeddings.word_embeddings.weight";

	for (int i = 0; i < 4 && b->names->prefixes[i] != NULL; i++) {
		snprintf(b->text[0], sizeof(b->text[0]), "%s%s",
		    b->names->prefixes[i], words);
		if (store_has(b->s, b->text[0])) {
			b->prefix = b->names->prefixes[i];
			return 0;
		}
	}
	return error_set(
	    b->e, "'%s': there is no array '%s'", store_path(b->s), words);
}

/* A field that must be there. */
static int
need_u32(struct build *b, const char *path, uint32_t max, uint32_t *out)
{
	int r = store_field_u32(b->s, config, path, 1, max, out, b->e);

	if (r == 0)
		return error_set(b->e, "'%s/%s': there is no field '%s'",
		    store_path(b->s), config, path);
	return r < 0 ? -1 : 0;
}

static int
read_config(struct build *b, struct bert *x)
{
	const struct names *n = b->names;
	struct encoder_info *info = &x->base.info;
	char word[32] = "absolute";
	int decoder = 0;

	if (need_u32(b, n->hidden, HIDDEN_MAX, &info->hidden) < 0 ||
	    need_u32(b, n->heads, HEADS_MAX, &info->heads) < 0 ||
	    need_u32(b, n->layers, LAYERS_MAX, &info->layers) < 0 ||
	    need_u32(b, n->mlp, MLP_MAX, &info->mlp) < 0 ||
	    text_sizes(b->s, config, n->heads, info, b->e) < 0)
		return -1;
	b->eps = 1e-12;
	x->t.act = ACT_GELU;
	if (n->eps != NULL &&
	    store_field_double(b->s, config, n->eps, 0, 1, &b->eps, b->e) < 0)
		return -1;
	if (encoder_activation(b->s, config, n->act, &x->t.act, b->e) < 0 ||
	    store_field_string(b->s, config, "position_embedding_type", word,
		sizeof(word), b->e) < 0 ||
	    store_field_bool(b->s, config, "is_decoder", &decoder, b->e) < 0)
		return -1;
	if (strcmp(word, "absolute") != 0)
		return error_set(b->e,
		    "'%s/%s': position_embedding_type '%s' is not supported",
		    store_path(b->s), config, word);
	if (decoder)
		return error_set(b->e,
		    "'%s/%s': is_decoder: a decoder is not supported",
		    store_path(b->s), config);
	x->pad = 1;
	if (n->offset && store_field_u32(b->s, config, "pad_token_id", 0,
			     POSITIONS_MAX, &x->pad, b->e) < 0)
		return -1;
	return 0;
}

/* ---- MPNet's bias by distance ---- */

/*
 * The bucket of a distance key - query, as transformers'
 * relative_position_bucket: half of the buckets for either direction, of these
 * one half for each small distance, the others for logarithmic steps.  The
 * quotient of logarithms is rounded to float at each step, as there.
 */
static uint32_t
bucket_of(int64_t distance, uint32_t buckets, uint32_t most)
{
	uint32_t half = buckets / 2, exact = half / 2, step;
	uint32_t far = (uint32_t)(distance < 0 ? -distance : distance);
	uint32_t side = distance > 0 ? half : 0;
	float ratio;

	if (far < exact)
		return side + far;
	ratio = (float)mathd_log((double)((float)far / (float)exact));
	ratio /= (float)mathd_log((double)most / (double)exact);
	step = exact + (uint32_t)(ratio * (float)(half - exact));
	return side + (step < half ? step : half - 1);
}

static int
distance_bias(struct build *b, struct bert *x)
{
	static const char array[] = "encoder.relative_attention_bias";
	enum { MOST = 128 }; /* the distance from which all count the same */
	uint32_t heads = x->base.info.heads, buckets = 32;
	uint64_t shape[2] = { 0, heads };
	size_t width = 2 * MOST + 1;
	const float *from;
	void *p;
	int r;

	if (store_field_u32(b->s, config, "relative_attention_num_buckets", 4,
		1 << 10, &buckets, b->e) < 0)
		return -1;
	shape[0] = buckets;
	if (store_shape(b->s, name(b, 0, array, 0, WEIGHT), 2, shape, b->e) < 0)
		return -1;
	r = store_room(
	    b->s, "distance_bias", heads * width * sizeof(float), &p, b->e);
	if (r < 0)
		return -1;
	x->t.distance_bias = p;
	x->t.span = MOST + 1;
	if (r > 0)
		return 0;
	from = store_raw(b->s, b->text[0], 2, shape, b->e);
	if (from == NULL)
		return -1;
	for (size_t h = 0; h < heads; h++)
		for (size_t i = 0; i < width; i++)
			((float *)p)[h * width + i] =
			    from[bucket_of((int64_t)i - MOST, buckets, MOST) *
				     heads +
				 h];
	store_done(b->s);
	return 0;
}

/* ---- arrays ---- */

static int
read_embeddings(struct build *b, struct bert *x)
{
	struct encoder_info *info = &x->base.info;
	uint32_t D = info->hidden, most = 0, skip = 0;
	struct table types;

	if (store_table(b->s, &x->words,
		name(b, 0, "embeddings.word_embeddings", 0, WEIGHT), 0, D,
		b->e) < 0 ||
	    store_table(b->s, &x->positions,
		name(b, 0, "embeddings.position_embeddings", 0, WEIGHT), 0, D,
		b->e) < 0 ||
	    norm_of(b, &x->norm, "embeddings.LayerNorm", 0, D) < 0)
		return -1;
	if (x->words.rows == 0 || x->words.rows > UINT32_MAX)
		return error_set(
		    b->e, "'%s': the vocabulary is empty", store_path(b->s));
	info->vocab = (uint32_t)x->words.rows;
	if (need_u32(b, "vocab_size", UINT32_MAX, &most) < 0)
		return -1;
	if (most != info->vocab)
		return error_set(b->e,
		    "'%s/%s': vocab_size: %u, but '%s' has %u rows",
		    store_path(b->s), config, (unsigned)most,
		    name(b, 0, "embeddings.word_embeddings", 0, WEIGHT),
		    (unsigned)info->vocab);
	if (need_u32(b, "max_position_embeddings", POSITIONS_MAX, &most) < 0)
		return -1;
	if (most != x->positions.rows)
		return error_set(b->e,
		    "'%s/%s': max_position_embeddings: %u, but '%s' has %u "
		    "rows",
		    store_path(b->s), config, (unsigned)most,
		    name(b, 0, "embeddings.position_embeddings", 0, WEIGHT),
		    (unsigned)x->positions.rows);
	x->offset = b->names->offset;
	skip = x->offset ? x->pad + 1 : 0;
	if (skip >= most)
		return error_set(b->e,
		    "'%s/%s': pad_token_id: %u leaves no position of %u",
		    store_path(b->s), config, (unsigned)x->pad, (unsigned)most);
	info->max_tokens = most - skip;
	if (!b->names->types)
		return 0;
	if (store_table(b->s, &types,
		name(b, 0, "embeddings.token_type_embeddings", 0, WEIGHT), 0, D,
		b->e) < 0)
		return -1;
	if (types.rows == 0)
		return error_set(b->e, "'%s': '%s' has no rows",
		    store_path(b->s), b->text[0]);
	x->type = mem_aligned(D, sizeof(*x->type));
	if (x->type == NULL)
		return error_memory(b->e);
	table_row(&types, 0, x->type);
	return 0;
}

static int
read_block(struct build *b, struct block *k, const struct encoder_info *info,
    uint32_t i)
{
	const struct names *n = b->names;
	const char *qkv[3] = { n->q, n->k, n->v };
	uint32_t D = info->hidden;

	if (linear_of(b, &k->qkv, qkv, 3, i, D, D) < 0 ||
	    linear_of(b, &k->out, &n->out, 1, i, D, D) < 0 ||
	    norm_of(b, &k->norm1, n->norm1, i, D) < 0 ||
	    linear_of(b, &k->fc1, &n->fc1, 1, i, D, info->mlp) < 0 ||
	    linear_of(b, &k->fc2, &n->fc2, 1, i, info->mlp, D) < 0 ||
	    norm_of(b, &k->norm2, n->norm2, i, D) < 0)
		return -1;
	return 0;
}

/* ---- running ---- */

static void
bert_free(struct encoder *base)
{
	struct bert *x = (struct bert *)base;

	free(x->t.blocks);
	free(x->type);
	free(x);
}

static uint64_t
bert_macs(const struct encoder *base, size_t tokens)
{
	const struct bert *x = (const struct bert *)base;
	uint64_t D = base->info.hidden, rest = tokens > 0 ? tokens - 1 : 0;
	uint64_t n = transformer_macs(&x->t, tokens, x->run);

	/* One row of the last block's second half is enough. */
	if (base->info.pool == POOL_CLS || base->info.pool == POOL_LAST)
		n -= rest * (D * D + 2 * D * base->info.mlp + 2 * D * tokens);
	return n;
}

/* x: [T, D] = norm(word + type + position) */
static void
embed(const struct bert *x, struct text_work *w, const uint32_t *ids,
    const size_t *end, size_t n)
{
	const struct rowwise *rk = rowwise_get(x->t.isa);
	size_t D = x->base.info.hidden, row = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t p = 0, at; row < end[i]; row++) {
			float *to = w->x + row * D;

			table_row(&x->words, ids[row], to);
			if (x->type != NULL)
				rk->add(to, x->type, D);
			/* RoBERTa counts the tokens that are no padding; a
			 * padding token in a text stands at the pad's. */
			at = p;
			if (x->offset)
				at = ids[row] == x->pad ? x->pad
							: x->pad + 1 + p;
			if (!x->offset || ids[row] != x->pad)
				p++;
			table_add(&x->positions, at, to);
		}
	rk->layer_norm(w->x, D, w->x, D, row, D, x->norm.weight, x->norm.bias,
	    x->norm.eps);
}

static int
bert_texts(const struct encoder *base, struct encoder_work *work,
    const uint32_t *ids, const size_t *end, size_t n, struct encoder_out *out,
    struct error *e)
{
	const struct bert *x = (const struct bert *)base;
	struct text_work *w = (struct text_work *)work;
	size_t D = base->info.hidden, T = n > 0 ? end[n - 1] : 0;
	const size_t *keep;

	if (text_ids(base, ids, T, e) < 0 || text_room(w, T, n, D, D, e) < 0)
		return -1;
	keep = text_keep(w, base->info.pool, end, n);
	embed(x, w, ids, end, n);
	w->blocks.spread.pool = work->pool;
	if (transformer_run(&x->t, &w->blocks, w->x, end, n, x->run, keep, e) <
	    0)
		return -1;
	text_pool(x->t.isa, &base->info, w, keep != NULL, end, n, D, out);
	return 0;
}

static const struct encoder_ops ops = {
	.free = bert_free,
	.macs = bert_macs,
	.work_new = text_work_new,
	.work_free = text_work_free,
	.texts = bert_texts,
};

static int
build(struct build *b, struct bert *x)
{
	struct encoder_info *info = &x->base.info;
	uint32_t layers;

	if (find_prefix(b) < 0 || read_config(b, x) < 0)
		return -1;
	layers = info->layers;
	if (encoder_layers(b->s, config, b->names->layers, &x->base.how,
		&layers, b->e) < 0 ||
	    encoder_pooling(b->s, &x->base.how, POOL_MEAN, info, b->e) < 0 ||
	    read_embeddings(b, x) < 0 ||
	    (b->names->bias && distance_bias(b, x) < 0))
		return -1;
	if (!store_has(b->s, name(b, 0, b->names->q, info->layers - 1, WEIGHT)))
		return error_set(b->e,
		    "'%s/%s': %s: %u, but there is no array '%s'",
		    store_path(b->s), config, b->names->layers,
		    (unsigned)info->layers, b->text[0]);
	x->run = layers;
	x->t.hidden = info->hidden;
	x->t.heads = info->heads;
	x->t.mlp = info->mlp;
	x->t.layers = layers;
	x->t.blocks = mem_array(layers, sizeof(*x->t.blocks));
	if (x->t.blocks == NULL)
		return error_memory(b->e);
	for (uint32_t i = 0; i < layers; i++)
		if (read_block(b, &x->t.blocks[i], info, i) < 0)
			return -1;
	return 0;
}

struct encoder *
bert_new(struct store *s, const char *type, const struct encoder_how *how,
    struct error *e)
{
	struct build b = { .s = s, .e = e };
	struct bert *x = mem_array(1, sizeof(*x));

	if (x == NULL) {
		error_memory(e);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (strcmp(all[i].type, type) == 0)
			b.names = &all[i];
	x->base.ops = &ops;
	x->base.how = *how;
	x->t.isa = how->isa;
	x->base.info.kind = ENCODER_TEXT;
	x->base.info.family = b.names->type;
	if (build(&b, x) < 0) {
		bert_free(&x->base);
		return NULL;
	}
	x->base.info.dim = x->base.info.hidden;
	return &x->base;
}
