#include "nn/encoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "linalg/mathd.h"
#include "nn/encoder_impl.h"

/* ---- which family ---- */

typedef struct encoder *family_new(struct store *s, const char *type,
    const struct encoder_how *how, struct error *e);

static const struct family {
	const char *type; /* model_type of config.json */
	family_new *text, *picture;
} families[] = {
	{ "bert", bert_new, NULL },
	{ "roberta", bert_new, NULL },
	{ "xlm-roberta", bert_new, NULL },
	{ "camembert", bert_new, NULL },
	{ "distilbert", bert_new, NULL },
	{ "mpnet", bert_new, NULL },
	{ "clip", clip_text_new, vit_new },
	{ "clip_text_model", clip_text_new, NULL },
	{ "clip_vision_model", NULL, vit_new },
	{ "siglip", clip_text_new, vit_new },
	{ "siglip_text_model", clip_text_new, NULL },
	{ "siglip_vision_model", NULL, vit_new },
	{ "vit", NULL, vit_new },
	{ "deit", NULL, vit_new },
	{ "dinov2", NULL, vit_new },
	{ "dinov2_with_registers", NULL, vit_new },
	{ "resnet", NULL, cnn_new },
	{ "convnext", NULL, cnn_new },
	{ "mobilenet_v3", NULL, cnn_new },
	{ "efficientnet", NULL, cnn_new },
	{ "efficientnet-lite0", NULL, cnn_new },
};

/* Where config.json has no model_type: arrays by which a family is known,
 * after any prefix that checkpoints have. */
static const struct {
	const char *array, *type;
} known[] = {
	{ "transformer.layer.0.attention.q_lin.weight", "distilbert" },
	{ "distilbert.transformer.layer.0.attention.q_lin.weight",
	    "distilbert" },
	{ "encoder.layer.0.attention.attn.q.weight", "mpnet" },
	{ "mpnet.encoder.layer.0.attention.attn.q.weight", "mpnet" },
	{ "roberta.embeddings.word_embeddings.weight", "roberta" },
	{ "embeddings.word_embeddings.weight", "bert" },
	{ "bert.embeddings.word_embeddings.weight", "bert" },
	{ "text_model.embeddings.token_embedding.weight", "clip" },
	{ "patch_embed.proj.weight", "vit" },
};

static const struct family *
find_family(const char *type)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (strcmp(families[i].type, type) == 0)
			return &families[i];
	return NULL;
}

/* The type of a model without model_type: timm's architecture, or what its
 * arrays tell. */
static int
guess(struct store *s, char *type, size_t size, struct error *e)
{
	int r =
	    store_field_string(s, "config.json", "architecture", type, size, e);

	if (r != 0)
		return r;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (store_has(s, known[i].array)) {
			strcpy(type, known[i].type);
			return 1;
		}
	return 0;
}

struct encoder *
encoder_new(struct store *s, enum encoder_kind kind,
    const struct encoder_how *how, struct error *e)
{
	char type[64] = "";
	const struct family *f;
	family_new *make;
	int r = store_field_string(s, "config.json", "model_type", type, 64, e);
	int named = r > 0;

	if (r == 0)
		r = guess(s, type, sizeof(type), e);
	if (r < 0)
		return NULL;
	f = find_family(type);
	if (f != NULL)
		make = kind == ENCODER_TEXT ? f->text : f->picture;
	else if (named) {
		error_set(e,
		    "'%s/config.json': model_type '%s' is not supported",
		    store_path(s), type);
		return NULL;
	} else if (kind == ENCODER_PICTURE)
		/* timm's architectures are many: their families know them */
		make = strncmp(type, "vit_", 4) == 0 ||
			       strncmp(type, "deit", 4) == 0
			   ? vit_new
			   : cnn_new;
	else {
		error_set(e,
		    "'%s': neither config.json nor the arrays say what "
		    "kind of model it is",
		    store_path(s));
		return NULL;
	}
	if (make == NULL) {
		error_set(e, "'%s': a model of type '%s' does not encode %s",
		    store_path(s), type,
		    kind == ENCODER_TEXT ? "texts" : "pictures");
		return NULL;
	}
	return make(s, type, how, e);
}

/* ---- calls ---- */

void
encoder_free(struct encoder *x)
{
	if (x != NULL)
		x->ops->free(x);
}

const struct encoder_info *
encoder_info(const struct encoder *x)
{
	return &x->info;
}

uint64_t
encoder_macs(const struct encoder *x, size_t tokens)
{
	return x->ops->macs(x, tokens);
}

struct encoder_work *
encoder_work_new(const struct encoder *x, struct error *e)
{
	struct encoder_work *w = x->ops->work_new(x, e);

	if (w != NULL)
		w->x = x;
	return w;
}

void
encoder_work_free(struct encoder_work *w)
{
	if (w != NULL)
		w->x->ops->work_free(w);
}

void
encoder_work_share(struct encoder_work *w, struct pool *pool)
{
	w->pool = pool;
}

int
encoder_texts(const struct encoder *x, struct encoder_work *w,
    const uint32_t *ids, const size_t *end, size_t n, struct encoder_out *out,
    struct error *e)
{
	if (x->ops->texts == NULL)
		return error_set(e, "this model does not encode texts");
	return x->ops->texts(x, w, ids, end, n, out, e);
}

int
encoder_pictures(const struct encoder *x, struct encoder_work *w,
    const float *px, size_t n, struct encoder_out *out, struct error *e)
{
	if (x->ops->pictures == NULL)
		return error_set(e, "this model does not encode pictures");
	return x->ops->pictures(x, w, px, n, out, e);
}

/* ---- what families share ---- */

static const struct {
	const char *name;
	enum activation act;
} activations[] = {
	{ "gelu", ACT_GELU },
	{ "gelu_python", ACT_GELU },
	{ "gelu_new", ACT_GELU_TANH },
	{ "gelu_fast", ACT_GELU_TANH },
	{ "gelu_pytorch_tanh", ACT_GELU_TANH },
	{ "gelu_accurate", ACT_GELU_TANH },
	{ "quick_gelu", ACT_QUICK_GELU },
	{ "relu", ACT_RELU },
	{ "relu6", ACT_RELU6 },
	{ "silu", ACT_SILU },
	{ "swish", ACT_SILU },
	{ "hardswish", ACT_HARDSWISH },
	{ "sigmoid", ACT_SIGMOID },
	{ "tanh", ACT_TANH },
	{ "linear", ACT_NONE },
};

int
encoder_activation(const struct store *s, const char *file, const char *path,
    enum activation *act, struct error *e)
{
	char name[32];
	int r = store_field_string(s, file, path, name, sizeof(name), e);

	if (r <= 0)
		return r;
	for (size_t i = 0; i < sizeof(activations) / sizeof(*activations); i++)
		if (strcmp(activations[i].name, name) == 0) {
			*act = activations[i].act;
			return 0;
		}
	return error_set(e, "'%s/%s': %s: '%s' is not supported", store_path(s),
	    file, path, name);
}

int
encoder_layers(const struct store *s, const char *file, const char *path,
    const struct encoder_how *how, uint32_t *layers, struct error *e)
{
	if (how->layer > 0 && (uint32_t)how->layer > *layers)
		return error_set(e, "'%s/%s': %s: there is no layer %d of %u",
		    store_path(s), file, path, how->layer, (unsigned)*layers);
	if (how->layer > 0)
		*layers = (uint32_t)how->layer;
	return 0;
}

/* The modules that sentence-transformers runs one after the other. */
struct modules {
	char pooling[256]; /* path of the pooling's config.json, or "" */
	char odd[64];      /* a module that we do not know, or "" */
	int normalize;
};

/* a ends with z */
static int
ends(struct str a, const char *z)
{
	size_t n = strlen(z);

	return a.len >= n && memcmp(a.s + a.len - n, z, n) == 0;
}

static void
keep_str(char *out, size_t size, struct str a, const char *more)
{
	size_t n = strlen(more);

	if (a.len + n < size) {
		if (a.len > 0)
			memcpy(out, a.s, a.len);
		memcpy(out + a.len, more, n + 1);
	}
}

static void
read_module(struct json *j, struct modules *m)
{
	char path[200] = "", type[128] = "";
	struct str key, x;

	json_object(j);
	while (json_object_next(j, &key) > 0) {
		int is_path = str_is(key, "path"),
		    is_type = str_is(key, "type");

		if (!is_path && !is_type)
			json_skip(j);
		else if (json_str(j, &x) == 0)
			keep_str(is_path ? path : type,
			    is_path ? sizeof(path) : sizeof(type), x, "");
	}
	x = (struct str){ type, strlen(type) };
	if (ends(x, ".Pooling"))
		keep_str(m->pooling, sizeof(m->pooling),
		    (struct str){ path, strlen(path) },
		    path[0] != '\0' ? "/config.json" : "config.json");
	else if (ends(x, ".Normalize"))
		m->normalize = 1;
	else if (!ends(x, ".Transformer") && !ends(x, ".Dropout") &&
		 !ends(x, ".CLIPModel") && m->odd[0] == '\0')
		keep_str(m->odd, sizeof(m->odd), x, "");
}

static int
read_modules(const struct store *s, struct modules *m, struct error *e)
{
	struct json j = { 0 };
	struct str text;
	int r = 0;

	memset(m, 0, sizeof(*m));
	if (!store_text(s, "modules.json", &text))
		return 0;
	json_init(&j, text.s, text.len);
	json_array(&j);
	while (json_array_next(&j) > 0)
		read_module(&j, m);
	if (json_end(&j) < 0) {
		json_error(&j, e);
		r = error_at(e, "'%s/modules.json'", store_path(s));
	}
	json_free(&j);
	return r;
}

/* One way of pooling, from the flags of sentence-transformers or from its
 * newer single field. */
static int
read_pooling(const struct store *s, const char *file, enum pooling *pool,
    struct error *e)
{
	static const struct {
		const char *flag, *name;
		enum pooling pool;
	} ways[] = {
		{ "pooling_mode_cls_token", "cls", POOL_CLS },
		{ "pooling_mode_mean_tokens", "mean", POOL_MEAN },
		{ "pooling_mode_max_tokens", "max", POOL_LARGEST },
		{ "pooling_mode_lasttoken", "lasttoken", POOL_LAST },
		{ "pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens",
		    POOL_MODEL },
		{ "pooling_mode_weightedmean_tokens", "weightedmean",
		    POOL_MODEL },
	};
	char mode[32];
	int r =
	    store_field_string(s, file, "pooling_mode", mode, sizeof(mode), e);
	int found = 0;

	if (r < 0)
		return -1;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		int on = 0;

		if (r > 0)
			on = strcmp(mode, ways[i].name) == 0;
		else if (store_field_bool(s, file, ways[i].flag, &on, e) < 0)
			return -1;
		if (!on)
			continue;
		if (found++ > 0 || ways[i].pool == POOL_MODEL)
			return error_set(e, "'%s/%s': %s is not supported%s",
			    store_path(s), file, ways[i].flag,
			    found > 1 ? " beside another" : "");
		*pool = ways[i].pool;
	}
	if (r > 0 && !found)
		return error_set(e,
		    "'%s/%s': pooling_mode: '%s' is not supported",
		    store_path(s), file, mode);
	return 0;
}

int
encoder_pooling(const struct store *s, const struct encoder_how *how,
    enum pooling fallback, struct encoder_info *info, struct error *e)
{
	struct modules m;

	if (read_modules(s, &m, e) < 0)
		return -1;
	info->pool = how->pool;
	if (how->pool == POOL_MODEL) {
		info->pool = fallback;
		if (m.odd[0] != '\0')
			return error_set(e,
			    "'%s/modules.json': module '%s' is not supported",
			    store_path(s), m.odd);
		if (m.pooling[0] != '\0' &&
		    read_pooling(s, m.pooling, &info->pool, e) < 0)
			return -1;
	}
	info->normalize = how->normalize;
	if (how->normalize < 0)
		info->normalize = m.normalize && info->pool != POOL_NONE;
	return 0;
}

/* ---- pairs of encoders ---- */

int
encoder_logit(struct store *s, float *scale, float *bias, struct error *e)
{
	static const char *const names[] = { "logit_scale", "logit_bias" };
	float x[2] = { 0, 0 };

	for (int i = 0; i < 2; i++) {
		uint64_t one[1] = { 1 };
		/* CLIP's is a single number, SigLIP's an array of one. */
		int rank = store_shape(s, names[i], 0, NULL, NULL) == 0 ? 0 : 1;
		const float *from;
		void *p;
		int r;

		if (!store_has(s, names[i])) {
			if (i == 0)
				return 0;
			continue;
		}
		r = store_room(s, names[i], sizeof(float), &p, e);
		if (r < 0)
			return -1;
		if (r == 0) {
			from = store_raw(s, names[i], rank, one, e);
			if (from == NULL)
				return -1;
			memcpy(p, from, sizeof(float));
			store_done(s);
		}
		memcpy(&x[i], p, sizeof(float));
	}
	*scale = (float)mathd_exp((double)x[0]);
	*bias = x[1];
	return 1;
}
