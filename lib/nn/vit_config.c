#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nn/vit_read.h"

static const char config[] = "config.json";

#define VIT_OUTER                                                              \
	.cls = "embeddings.cls_token",                                         \
	.positions = "embeddings.position_embeddings",                         \
	.patch = "embeddings.patch_embeddings.projection",                     \
	.post = "layernorm", .block = "encoder.layer",                         \
	.qkv = { "attention.attention.query", "attention.attention.key",       \
		"attention.attention.value" },                                 \
	.out = "attention.output.dense", .act = ACT_GELU
#define VIT_LAYERS                                                             \
	.norm1 = "layernorm_before", .norm2 = "layernorm_after",               \
	.fc1 = "intermediate.dense", .fc2 = "output.dense", .eps = 1e-12,      \
	.patch_size = 16
#define DINOV2_LAYERS                                                          \
	.norm1 = "norm1", .norm2 = "norm2", .fc1 = "mlp.fc1",                  \
	.fc2 = "mlp.fc2", .ls1 = "layer_scale1.lambda1",                       \
	.ls2 = "layer_scale2.lambda1", .eps = 1e-6, .patch_size = 14,          \
	.mlp_ratio = 1
#define CLIP_NAMES                                                             \
	.patch = "embeddings.patch_embedding",                                 \
	.positions = "embeddings.position_embedding.weight",                   \
	.post = "post_layernorm", .block = "encoder.layers",                   \
	.qkv = { "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj" }, \
	.out = "self_attn.out_proj", .norm1 = "layer_norm1",                   \
	.norm2 = "layer_norm2", .fc1 = "mlp.fc1", .fc2 = "mlp.fc2"
#define CLIP                                                                   \
	.family = "clip-vision", CLIP_NAMES,                                   \
	.cls = "embeddings.class_embedding", .pre = "pre_layrnorm",            \
	.project = "visual_projection", .act = ACT_QUICK_GELU, .eps = 1e-5,    \
	.patch_size = 32
#define SIGLIP                                                                 \
	.family = "siglip-vision", CLIP_NAMES, .act = ACT_GELU_TANH,           \
	.eps = 1e-6, .patch_size = 16, .head = 1

static const struct vit_names all[] = {
	{ .type = "vit", .family = "vit", VIT_OUTER, VIT_LAYERS },
	{ .type = "deit",
	    .family = "deit",
	    VIT_OUTER,
	    VIT_LAYERS,
	    .dist = "embeddings.distillation_token" },
	{ .type = "dinov2",
	    .family = "dinov2",
	    VIT_OUTER,
	    DINOV2_LAYERS,
	    .interpolate = 1 },
	{ .type = "dinov2_with_registers",
	    .family = "dinov2",
	    VIT_OUTER,
	    DINOV2_LAYERS,
	    .registers = "embeddings.register_tokens",
	    .interpolate = 2 },
	{ .type = "clip", .fields = "vision_config", CLIP },
	{ .type = "clip_vision_model", CLIP },
	{ .type = "siglip", .fields = "vision_config", SIGLIP },
	{ .type = "siglip_vision_model", SIGLIP },
};

/* timm's, which the original code of DINOv2 shares. */
const struct vit_names vit_timm = { .type = "",
	.family = "vit",
	.cls = "cls_token",
	.dist = "dist_token",
	.registers = "reg_token",
	.positions = "pos_embed",
	.patch = "patch_embed.proj",
	.post = "norm",
	.block = "blocks",
	.qkv = { "attn.qkv" },
	.out = "attn.proj",
	.norm1 = "norm1",
	.norm2 = "norm2",
	.fc1 = "mlp.fc1",
	.fc2 = "mlp.fc2",
	.ls1 = "ls1.gamma",
	.ls2 = "ls2.gamma",
	.act = ACT_GELU,
	.eps = 1e-6 };

/* A name that lives until VIT_NAMES_KEPT others were made. */
const char *
vit_text(struct vit_reader *r, const char *fmt, ...)
{
	char *out = r->text[r->next++ % VIT_NAMES_KEPT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, VIT_NAME, fmt, ap);
	va_end(ap);
	return out;
}

const char *
vit_array(struct vit_reader *r, const char *name)
{
	return vit_text(r, "%s%s", r->prefix, name);
}

const char *
vit_part(
    struct vit_reader *r, uint32_t layer, const char *name, const char *tail)
{
	return vit_text(
	    r, "%s%s.%u.%s%s", r->prefix, r->n->block, layer, name, tail);
}

const char *
vit_field(struct vit_reader *r, const char *name)
{
	return vit_text(
	    r, "%s%s%s", r->fields, *r->fields != '\0' ? "." : "", name);
}

/* The configuration and an array disagree.  -1 */
int
vit_lie(struct vit_reader *r, const char *name, uint64_t said, const char *of,
    uint64_t is)
{
	return error_set(r->e,
	    "'%s/%s': %s is %llu, but tensor '%s' makes it %llu",
	    store_path(r->s), config, vit_field(r, name),
	    (unsigned long long)said, of, (unsigned long long)is);
}

int
vit_u32(struct vit_reader *r, const char *name, uint32_t max, uint32_t *out)
{
	return store_field_u32(r->s, config, name, 1, max, out, r->e);
}

/* A side, or [height, width]. */
static int
get_sides(struct vit_reader *r, const char *name, uint32_t *h, uint32_t *w)
{
	float two[2];
	size_t n = 0;
	int rc;

	if (store_field_floats(r->s, config, name, two, 2, &n, NULL) == 1) {
		if (n != 2 || !(two[0] >= 1 && two[0] <= VIT_SIDE_MAX) ||
		    !(two[1] >= 1 && two[1] <= VIT_SIDE_MAX))
			return error_set(r->e,
			    "'%s/%s': %s is neither a side nor two",
			    store_path(r->s), config, name);
		*h = (uint32_t)two[0];
		*w = (uint32_t)two[1];
		return 0;
	}
	rc = vit_u32(r, name, VIT_SIDE_MAX, w);
	*h = *w;
	return rc == -1 ? -1 : 0;
}

/* ---- sizes ---- */

/* The patches' layer: [hidden, 3, patch, patch]. */
static int
size_patches(struct vit_reader *r, uint32_t hidden, uint32_t patch)
{
	const char *name = vit_text(r, "%s%s.weight", r->prefix, r->n->patch);
	uint64_t shape[4] = { 0 };

	if (store_shape(r->s, name, 4, shape, r->e) == -1)
		return -1;
	if (hidden != 0 && shape[0] != hidden)
		return vit_lie(r, "hidden_size", hidden, name, shape[0]);
	if (patch != 0 && shape[2] != patch)
		return vit_lie(r, "patch_size", patch, name, shape[2]);
	if (shape[1] != 3 || shape[2] != shape[3] || shape[2] < 1 ||
	    shape[2] > VIT_PATCH_MAX || shape[0] < 1 ||
	    shape[0] > VIT_HIDDEN_MAX)
		return error_set(r->e,
		    "'%s': tensor '%s' has an unsupported shape [%llu, %llu, "
		    "%llu, %llu]",
		    store_path(r->s), name, (unsigned long long)shape[0],
		    (unsigned long long)shape[1], (unsigned long long)shape[2],
		    (unsigned long long)shape[3]);
	r->hidden = r->v->t.hidden = (uint32_t)shape[0];
	r->v->patch = (uint32_t)shape[2];
	return 0;
}

static int
size_mlp(struct vit_reader *r, const char *name, uint32_t mlp)
{
	const char *of = vit_part(r, 0, r->n->fc1, ".weight");
	uint64_t shape[2] = { 0 };

	if (store_shape(r->s, of, 2, shape, r->e) == -1)
		return -1;
	if (mlp != 0 && shape[0] != mlp)
		return vit_lie(r, name, mlp, of, shape[0]);
	if (shape[0] < 1 || shape[0] > VIT_MLP_MAX)
		return error_set(r->e, "'%s': tensor '%s' has %llu rows",
		    store_path(r->s), of, (unsigned long long)shape[0]);
	r->mlp = r->v->t.mlp = (uint32_t)shape[0];
	return 0;
}

/* Blocks are counted; ${said} is 0 where no field says how many. */
static int
size_layers(struct vit_reader *r, const char *name, uint32_t said)
{
	uint32_t n = 0;

	while (n < VIT_LAYERS_MAX &&
	       store_has(r->s, vit_part(r, n, r->n->norm1, ".weight")))
		n++;
	if (said != 0 && said != n)
		return vit_lie(r, name, said,
		    vit_part(r, said < n ? said : n, r->n->norm1, ".weight"),
		    n);
	if (n == 0)
		return error_set(r->e, "'%s': there is no tensor '%s'",
		    store_path(r->s), vit_part(r, 0, r->n->norm1, ".weight"));
	r->v->t.layers = n;
	return 0;
}

static int
size_heads(struct vit_reader *r, const char *name, uint32_t heads)
{
	if (heads == 0 || r->hidden % heads != 0)
		return error_set(r->e,
		    "'%s/%s': %s: %u heads do not divide %u numbers",
		    store_path(r->s), config, vit_field(r, name), heads,
		    r->hidden);
	r->v->t.heads = heads;
	return 0;
}

/* What transformers' configurations say. */
static int
read_config(struct vit_reader *r)
{
	static const char *const odd[] = { "use_swiglu_ffn", "vision_use_head",
		"qkv_bias" };
	uint32_t hidden = 768, layers = 12, heads = 12, mlp = 3072, ratio = 4;
	uint32_t patch = r->n->patch_size, channels = 3;
	const char *mlp_field =
	    r->n->mlp_ratio ? "mlp_ratio" : "intermediate_size";
	int use[3] = { 0, 1, 1 };
	double eps = r->n->eps;

	r->image_w = r->image_h = 224;
	r->v->t.act = r->n->act;
	if (vit_u32(r, vit_field(r, "hidden_size"), VIT_HIDDEN_MAX, &hidden) ==
		-1 ||
	    vit_u32(r, vit_field(r, "num_hidden_layers"), VIT_LAYERS_MAX,
		&layers) == -1 ||
	    vit_u32(r, vit_field(r, "num_attention_heads"), VIT_HIDDEN_MAX,
		&heads) == -1 ||
	    vit_u32(r, vit_field(r, "patch_size"), VIT_PATCH_MAX, &patch) ==
		-1 ||
	    vit_u32(r, vit_field(r, "num_channels"), 1024, &channels) == -1 ||
	    get_sides(r, vit_field(r, "image_size"), &r->image_h,
		&r->image_w) == -1 ||
	    store_field_double(r->s, config, vit_field(r, "layer_norm_eps"), 0,
		1, &eps, r->e) == -1 ||
	    encoder_activation(r->s, config, vit_field(r, "hidden_act"),
		&r->v->t.act, r->e) == -1)
		return -1;
	for (int i = 0; i < 3; i++)
		if (store_field_bool(r->s, config, vit_field(r, odd[i]),
			&use[i], r->e) == -1)
			return -1;
	if (use[0])
		return error_set(r->e, "'%s/%s': %s is not supported",
		    store_path(r->s), config, odd[0]);
	if (channels != 3)
		return error_set(r->e, "'%s/%s': num_channels is %u, not 3",
		    store_path(r->s), config, channels);
	if (!use[1])
		return error_set(r->e, "'%s/%s': %s false is not supported",
		    store_path(r->s), config, odd[1]);
	if (r->n->mlp_ratio) {
		if (vit_u32(r, vit_field(r, mlp_field), 64, &ratio) == -1)
			return -1;
		mlp = ratio * hidden;
	} else if (vit_u32(r, vit_field(r, mlp_field), VIT_MLP_MAX, &mlp) == -1)
		return -1;
	r->eps = (float)eps;
	r->qkv_bias = use[2];
	r->interpolate = r->n->interpolate;
	if (size_patches(r, hidden, patch) == -1 ||
	    size_layers(r, "num_hidden_layers", layers) == -1 ||
	    size_mlp(r, mlp_field, mlp) == -1)
		return -1;
	return size_heads(r, "num_attention_heads", heads);
}

/* timm's say hardly more than a name: heads of 64 numbers, but for some. */
static uint32_t
timm_heads(const char *architecture, uint32_t hidden)
{
	static const char *const sixteen[] = { "_huge_", "_giant_",
		"_gigantic_", "_so400m_" };

	for (int i = 0; i < 4; i++)
		if (strstr(architecture, sixteen[i]) != NULL && hidden != 1536)
			return 16;
	return hidden % 64 == 0 ? hidden / 64 : 0;
}

static int
read_timm(struct vit_reader *r, const char *architecture)
{
	/* Arrays of variants that are not here. */
	static const char *const odd[] = { "norm_pre.weight",
		"attn_pool.latent", "blocks.0.attn.q_norm.weight",
		"blocks.0.attn.norm.weight", "blocks.0.mlp.norm.weight",
		"blocks.0.mlp.fc1_g.weight", "blocks.0.mlp.w12.weight",
		"patch_embed.backbone.conv1.weight",
		"blocks.0.attn.rel_pos.relative_position_bias_table" };
	uint32_t hidden, heads;
	double eps = r->n->eps;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (store_has(r->s, odd[i]))
			return error_set(r->e,
			    "'%s': tensor '%s' is of a variant that is not "
			    "supported",
			    store_path(r->s), odd[i]);
	r->v->t.act = strstr(architecture, "quickgelu") != NULL ? ACT_QUICK_GELU
								: ACT_GELU;
	r->eps = (float)eps;
	if (size_patches(r, 0, 0) == -1 || size_layers(r, "", 0) == -1 ||
	    size_mlp(r, "", 0) == -1)
		return -1;
	hidden = r->hidden;
	if (vit_u32(r, "num_features", VIT_HIDDEN_MAX, &hidden) == -1)
		return -1;
	if (hidden != r->hidden)
		return vit_lie(r, "num_features", hidden,
		    vit_array(r, "patch_embed.proj.weight"), r->hidden);
	heads = timm_heads(architecture, hidden);
	if (vit_u32(r, "model_args.num_heads", VIT_HIDDEN_MAX, &heads) == -1)
		return -1;
	r->qkv_bias = -1;
	/* DINOv2's own files have no configuration; its positions are for
	 * 518 pixels, but 224 are what everyone gives it. */
	if (*architecture == '\0')
		r->interpolate = store_has(r->s, "register_tokens") ? 2 : 1;
	return size_heads(r, "architecture", heads);
}

const struct vit_names *
vit_find_names(struct vit_reader *r, const char *type)
{
	if (store_has(r->s, "patch_embed.proj.weight"))
		return &vit_timm;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i].type, type) == 0)
			return &all[i];
	error_set(r->e, "'%s': there is no tensor 'patch_embed.proj.weight'",
	    store_path(r->s));
	return NULL;
}

int
vit_sizes(struct vit_reader *r)
{
	char architecture[64] = "";

	if (r->n != &vit_timm)
		return read_config(r);
	if (store_field_string(r->s, config, "architecture", architecture,
		sizeof(architecture), r->e) == -1)
		return -1;
	return read_timm(r, architecture);
}
