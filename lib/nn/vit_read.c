#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/vit_read.h"

static const char config[] = "config.json";

/* ---- arrays ---- */

static int
read_norm(struct vit_reader *r, struct layer_norm *n, const char *name)
{
	n->eps = r->eps;
	n->weight =
	    store_vector(r->s, vit_text(r, "%s.weight", name), r->hidden, r->e);
	if (n->weight == NULL)
		return -1;
	n->bias =
	    store_vector(r->s, vit_text(r, "%s.bias", name), r->hidden, r->e);
	return n->bias == NULL ? -1 : 0;
}

/* A layer with its bias, which may be missing with ${loose}. */
static int
read_linear(struct vit_reader *r, struct linear *l, const char *name,
    uint32_t in, uint32_t out, int loose)
{
	const char *weight = vit_text(r, "%s.weight", name);
	const char *bias = vit_text(r, "%s.bias", name);

	if (loose && !store_has(r->s, bias))
		bias = NULL;
	return store_linear(r->s, l, &weight, &bias, 1, in, out, r->e);
}

/* Queries, keys and values, in three arrays or in one. */
static int
read_qkv(struct vit_reader *r, struct linear *l, uint32_t layer)
{
	const char *weight[3], *bias[3];
	int n = r->n->qkv[1] != NULL ? 3 : 1;

	for (int i = 0; i < n; i++) {
		weight[i] = vit_part(r, layer, r->n->qkv[i], ".weight");
		bias[i] = vit_part(r, layer, r->n->qkv[i], ".bias");
		if (r->qkv_bias == 0 ||
		    (r->qkv_bias < 0 && !store_has(r->s, bias[i])))
			bias[i] = NULL;
	}
	return store_linear(r->s, l, weight, bias, n, r->hidden,
	    n == 3 ? r->hidden : 3 * r->hidden, r->e);
}

/* A layer scale; timm's may have none. */
static int
read_scale(
    struct vit_reader *r, const float **out, uint32_t layer, const char *name)
{
	const char *of;

	if (name == NULL)
		return 0;
	of = vit_part(r, layer, name, "");
	if (r->n == &vit_timm && !store_has(r->s, of))
		return 0;
	*out = store_vector(r->s, of, r->hidden, r->e);
	return *out == NULL ? -1 : 0;
}

static int
read_block(struct vit_reader *r, uint32_t i)
{
	struct block *b = &r->v->t.blocks[i];
	const struct vit_names *n = r->n;

	if (read_norm(r, &b->norm1, vit_part(r, i, n->norm1, "")) == -1 ||
	    read_qkv(r, &b->qkv, i) == -1 ||
	    read_linear(r, &b->out, vit_part(r, i, n->out, ""), r->hidden,
		r->hidden, 0) == -1 ||
	    read_scale(r, &b->ls1, i, n->ls1) == -1 ||
	    read_norm(r, &b->norm2, vit_part(r, i, n->norm2, "")) == -1 ||
	    read_linear(r, &b->fc1, vit_part(r, i, n->fc1, ""), r->hidden,
		r->mlp, 0) == -1 ||
	    read_linear(r, &b->fc2, vit_part(r, i, n->fc2, ""), r->mlp,
		r->hidden, 0) == -1)
		return -1;
	return read_scale(r, &b->ls2, i, n->ls2);
}

/* to: [D, patch, patch, 3] from the array's [D, 3, patch, patch] */
static void
turn_weights(float *to, const float *from, size_t D, size_t patch)
{
	size_t area = patch * patch;

	for (size_t d = 0; d < D; d++, from += 3 * area)
		for (size_t i = 0; i < area; i++)
			for (size_t c = 0; c < 3; c++)
				*to++ = from[c * area + i];
}

/* The patches' layer, over samples in the order kernel row, kernel column,
 * channel.  Pixels are no place to save: it stays f32 beside int8. */
static int
read_embed(struct vit_reader *r)
{
	const char *name = vit_array(r, r->n->patch);
	const char *weight = vit_text(r, "%s.weight", name);
	const char *bias = vit_text(r, "%s.bias", name);
	uint32_t patch = r->v->patch, in = patch * patch * 3;
	uint64_t shape[4] = { r->hidden, 3, patch, patch };
	struct linear *l = &r->v->embed;
	const float *raw;
	float *turned;
	void *p;
	int rc;

	l->precision = store_precision(r->s) == PRECISION_F16 ? PRECISION_F16
							      : PRECISION_F32;
	l->in = in;
	l->out = r->hidden;
	rc = store_room(r->s, "patches",
	    linear_size(l->precision, in, r->hidden), &p, r->e);
	l->packed = p;
	if (rc == -1)
		return -1;
	if (rc == 0) {
		if ((raw = store_raw(r->s, weight, 4, shape, r->e)) == NULL)
			return -1;
		turned = mem_array((size_t)r->hidden * in, sizeof(*turned));
		if (turned == NULL)
			return error_memory(r->e);
		turn_weights(turned, raw, r->hidden, patch);
		linear_pack(p, l->precision, turned, in, in, r->hidden);
		free(turned);
		store_done(r->s);
	}
	/* CLIP's has none, timm's may. */
	if (r->n->pre != NULL || (r->n == &vit_timm && !store_has(r->s, bias)))
		return 0;
	l->bias = store_vector(r->s, bias, r->hidden, r->e);
	return l->bias == NULL ? -1 : 0;
}

/* ---- what comes behind the blocks ---- */

static int
read_head(struct vit_reader *r)
{
	struct vit_head *h = &r->v->head;
	const char *weight = vit_array(r, "head.attention.in_proj_weight");
	const char *bias = vit_array(r, "head.attention.in_proj_bias");
	const char *probe = vit_array(r, "head.probe");
	uint64_t shape[3] = { 1, 1, r->hidden };
	const float *raw;
	void *p;
	int rc;

	if (store_shape(r->s, probe, 3, shape, r->e) == -1)
		return -1;
	rc = store_room(r->s, probe, r->hidden * sizeof(float), &p, r->e);
	if (rc == -1)
		return -1;
	if (rc == 0) {
		if ((raw = store_raw(r->s, probe, 3, shape, r->e)) == NULL)
			return -1;
		memcpy(p, raw, r->hidden * sizeof(float));
		store_done(r->s);
	}
	h->probe = p;
	if (store_linear(r->s, &h->qkv, &weight, &bias, 1, r->hidden,
		3 * r->hidden, r->e) == -1 ||
	    read_linear(r, &h->out, vit_array(r, "head.attention.out_proj"),
		r->hidden, r->hidden, 0) == -1 ||
	    read_norm(r, &h->norm, vit_array(r, "head.layernorm")) == -1 ||
	    read_linear(r, &h->fc1, vit_array(r, "head.mlp.fc1"), r->hidden,
		r->mlp, 0) == -1)
		return -1;
	return read_linear(
	    r, &h->fc2, vit_array(r, "head.mlp.fc2"), r->mlp, r->hidden, 0);
}

/* CLIP's projection, which CLIPVisionModel alone does not have. */
static int
read_projection(struct vit_reader *r)
{
	const char *name = vit_text(r, "%s.weight", r->n->project);
	uint32_t dim = 0;
	uint64_t shape[2] = { 0, r->hidden };

	if (!store_has(r->s, name))
		return 0;
	if (store_shape(r->s, name, 2, shape, r->e) == -1 ||
	    vit_u32(r, "projection_dim", VIT_HIDDEN_MAX, &dim) == -1)
		return -1;
	if (dim == 0)
		dim = 512;
	if (dim != shape[0])
		return vit_lie(r, "projection_dim", dim, name, shape[0]);
	return store_linear(
	    r->s, &r->v->project, &name, NULL, 1, r->hidden, dim, r->e);
}

/* How timm's global_pool is called here. */
static int
timm_pooling(struct vit_reader *r, enum pooling *pool)
{
	char name[16] = "token";

	if (store_field_string(
		r->s, config, "global_pool", name, sizeof(name), r->e) == -1)
		return -1;
	*pool = POOL_CLS;
	if (strcmp(name, "avg") == 0)
		*pool = POOL_MEAN;
	else if (strcmp(name, "max") == 0)
		*pool = POOL_LARGEST;
	else if (strcmp(name, "") == 0)
		*pool = POOL_NONE;
	else if (strcmp(name, "token") != 0)
		return error_set(r->e,
		    "'%s/%s': global_pool '%s' is not supported",
		    store_path(r->s), config, name);
	return 0;
}

/* After the blocks: norm, pooling and what is behind it. */
static int
read_end(struct vit_reader *r, const struct encoder_how *how)
{
	struct vit *v = r->v;
	struct encoder_info *info = &v->base.info;
	enum pooling own = r->n->head ? POOL_MODEL : POOL_CLS;
	int whole = how->layer == 0, fc_norm;

	if (r->n == &vit_timm && timm_pooling(r, &own) == -1)
		return -1;
	if (encoder_pooling(r->s, how, own, info, r->e) == -1)
		return -1;
	if (r->n->head && info->pool == POOL_MODEL && !whole)
		info->pool = POOL_MEAN;
	if (info->pool == POOL_LAST)
		return error_set(r->e, "--pool last is for texts");
	if (info->pool == POOL_CLS && v->classes == 0)
		return error_set(r->e, "'%s': this model has no class token",
		    store_path(r->s));
	info->dim = r->hidden;
	if (!whole)
		return 0;
	fc_norm = r->n == &vit_timm && store_has(r->s, "fc_norm.weight");
	if (read_norm(r, &v->post,
		vit_array(r, fc_norm ? "fc_norm" : r->n->post)) == -1)
		return -1;
	v->post_last = fc_norm;
	v->post_class = r->n->project != NULL;
	if (r->n->project != NULL && info->pool == POOL_CLS) {
		if (read_projection(r) == -1)
			return -1;
		if (v->project.packed != NULL)
			info->dim = v->project.out;
	}
	return info->pool == POOL_MODEL ? read_head(r) : 0;
}

/* ---- all of it ---- */

static const char *
find_prefix(struct vit_reader *r)
{
	static const char *const prefixes[] = { "", "vit.", "deit.", "dinov2.",
		"dinov2_with_registers.", "vision_model." };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (store_has(r->s,
			vit_text(r, "%s%s.weight", prefixes[i], r->n->patch)))
			return prefixes[i];
	return "";
}

int
vit_read(struct vit *v, struct store *s, const char *type,
    const struct encoder_how *how, struct error *e)
{
	struct vit_reader r = { .v = v, .s = s, .e = e, .fields = "" };
	struct encoder_info *info = &v->base.info;

	if ((r.n = vit_find_names(&r, type)) == NULL)
		return -1;
	r.prefix = find_prefix(&r);
	if (r.n->fields != NULL)
		r.fields = r.n->fields;
	if (vit_sizes(&r) == -1 || vit_pixels(&r) == -1 || vit_tokens(&r) == -1)
		return -1;
	info->kind = ENCODER_PICTURE;
	info->family = r.n->family;
	info->hidden = r.hidden;
	info->layers = v->t.layers;
	info->heads = v->t.heads;
	info->mlp = r.mlp;
	if (encoder_layers(
		s, config, "num_hidden_layers", how, &v->t.layers, e) == -1 ||
	    read_embed(&r) == -1)
		return -1;
	if (r.n->pre != NULL &&
	    read_norm(&r, &v->pre, vit_array(&r, r.n->pre)) == -1)
		return -1;
	v->t.blocks = mem_array(v->t.layers, sizeof(*v->t.blocks));
	if (v->t.blocks == NULL)
		return error_memory(e);
	for (uint32_t i = 0; i < v->t.layers; i++)
		if (read_block(&r, i) == -1)
			return -1;
	return read_end(&r, how);
}
