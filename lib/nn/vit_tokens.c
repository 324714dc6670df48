#include <math.h>
#include <string.h>

#include "nn/vit_read.h"

/* What a family's pictures are where no file says it. */
static struct pixels
usual_pixels(const struct vit_reader *r)
{
	static const struct pixels vit = { .resize = PIXELS_STRETCH,
		.filter = PIXELS_BILINEAR,
		.mean = { .5f, .5f, .5f },
		.std = { .5f, .5f, .5f } },
				   siglip = { .resize = PIXELS_STRETCH,
					   .filter = PIXELS_BICUBIC,
					   .mean = { .5f, .5f, .5f },
					   .std = { .5f, .5f, .5f } },
				   clip = { .resize = PIXELS_SHORTEST,
					   .filter = PIXELS_BICUBIC,
					   .mean = { 0.48145466f, 0.4578275f,
					       0.40821073f },
					   .std = { 0.26862954f, 0.26130258f,
					       0.27577711f } },
				   imagenet = { .resize = PIXELS_SHORTEST,
					   .filter = PIXELS_BICUBIC,
					   .mean = { 0.485f, 0.456f, 0.406f },
					   .std = { 0.229f, 0.224f, 0.225f } };
	struct pixels p = r->n->head                               ? siglip
			  : r->n->project != NULL                  ? clip
			  : r->n == &vit_timm || r->n->interpolate ? imagenet
								   : vit;

	p.scale = 1.0 / 255;
	p.width = p.resize_w = r->image_w;
	p.height = p.resize_h = r->image_h;
	if (r->n == &vit_timm || r->n->interpolate) {
		p.width = p.height = 224;
		p.resize_w = p.resize_h = 256;
	}
	return p;
}

int
vit_pixels(struct vit_reader *r)
{
	struct vit *v = r->v;
	struct pixels *p = &v->base.info.pixels, usual = usual_pixels(r);

	if (pixels_read(r->s, &usual, p, r->e) == -1)
		return -1;
	v->rows = p->height / v->patch;
	v->cols = p->width / v->patch;
	if (r->image_w > 0 && !r->interpolate &&
	    (p->width != r->image_w || p->height != r->image_h))
		return error_set(r->e,
		    "'%s/preprocessor_config.json': pictures of %u x %u, but "
		    "image_size is %u x %u",
		    store_path(r->s), p->width, p->height, r->image_w,
		    r->image_h);
	if (v->rows == 0 || v->cols == 0 ||
	    (uint64_t)v->rows * v->cols > VIT_TOKENS_MAX)
		return error_set(r->e,
		    "'%s': pictures of %u x %u are not supported by patches "
		    "of %u",
		    store_path(r->s), p->width, p->height, v->patch);
	return 0;
}

/* The tokens before the patches, and how many rows of numbers each array
 * has; 0: there is none. */
struct tokens {
	const char *name[3]; /* class, distillation, registers */
	uint32_t n[3];
	const char *positions;
	uint32_t rows, placed;   /* the first so many tokens have positions */
	uint32_t grid_h, grid_w; /* and then so many patches */
};

/* The shape of an array of tokens: [1, n, D], [n, D] or [D]. */
static int
rank_of(const struct vit_reader *r, const char *name, uint64_t shape[3])
{
	for (int rank = 3; rank > 0; rank--) {
		for (int i = 0; i < 3; i++)
			shape[i] = 0;
		shape[rank - 1] = r->hidden;
		if (rank == 3)
			shape[0] = 1;
		if (store_shape(r->s, name, rank, shape, NULL) == 0)
			return rank;
	}
	return 0;
}

static int
count_tokens(struct vit_reader *r, const char *name, uint32_t *n)
{
	uint64_t shape[3];
	int rank = rank_of(r, name, shape);
	uint64_t rows = rank == 3 ? shape[1] : rank == 2 ? shape[0] : 1;

	if (rank == 0) {
		/* For its sentence. */
		shape[0] = 1;
		shape[1] = 0;
		shape[2] = r->hidden;
		return store_shape(r->s, name, 3, shape, r->e) == -1
			   ? -1
			   : error_set(r->e, "'%s': tensor '%s' is odd",
				 store_path(r->s), name);
	}
	if (rows > VIT_TOKENS_MAX)
		return error_set(r->e, "'%s': tensor '%s' has %llu rows",
		    store_path(r->s), name, (unsigned long long)rows);
	*n = (uint32_t)rows;
	return 0;
}

/* Which of the patches the positions are for; the rest of the rows are for
 * the tokens. */
static int
find_grid(struct vit_reader *r, struct tokens *t)
{
	uint32_t first = t->n[0] + t->n[1], p = r->v->patch;
	uint32_t side = (uint32_t)sqrt((double)(t->rows - first));

	t->placed = first;
	if (r->image_w > 0) {
		t->grid_h = r->image_h / p;
		t->grid_w = r->image_w / p;
		if ((uint64_t)t->grid_h * t->grid_w + first != t->rows)
			return vit_lie(r, "image_size", r->image_h,
			    t->positions, (uint64_t)side * p);
		return 0;
	}
	/* timm's: for the patches alone, or for all tokens too. */
	t->grid_h = r->v->rows;
	t->grid_w = r->v->cols;
	if (t->grid_h * t->grid_w == t->rows)
		t->placed = 0;
	else if (t->grid_h * t->grid_w + first + t->n[2] == t->rows)
		t->placed = first + t->n[2];
	else if (r->interpolate && side * side + first == t->rows)
		t->grid_h = t->grid_w = side;
	else if (t->grid_h * t->grid_w + first != t->rows)
		return vit_lie(r, "input_size", r->v->base.info.pixels.height,
		    t->positions, (uint64_t)side * p);
	return 0;
}

static int
find_tokens(struct vit_reader *r, struct tokens *t)
{
	const char *names[3] = { r->n->cls, r->n->dist, r->n->registers };
	uint32_t said = 0;

	*t = (struct tokens){ 0 };
	if (r->n == &vit_timm && !store_has(r->s, names[2]))
		names[2] = "register_tokens";
	for (int i = 0; i < 3; i++) {
		if (names[i] == NULL)
			continue;
		t->name[i] = vit_array(r, names[i]);
		if (r->n == &vit_timm && !store_has(r->s, t->name[i]))
			continue;
		if (count_tokens(r, t->name[i], &t->n[i]) == -1)
			return -1;
		if (i < 2 && t->n[i] != 1)
			return error_set(r->e, "'%s': tensor '%s' has %u rows",
			    store_path(r->s), t->name[i], t->n[i]);
	}
	if (r->n->registers != NULL && r->n != &vit_timm) {
		said = t->n[2];
		if (vit_u32(r, "num_register_tokens", VIT_TOKENS_MAX, &said) ==
		    -1)
			return -1;
		if (said != t->n[2])
			return vit_lie(r, "num_register_tokens", said,
			    t->name[2], t->n[2]);
	}
	t->positions = vit_array(r, r->n->positions);
	if (count_tokens(r, t->positions, &t->rows) == -1)
		return -1;
	if (t->rows <= t->n[0] + t->n[1])
		return error_set(r->e, "'%s': tensor '%s' has %u rows",
		    store_path(r->s), t->positions, t->rows);
	r->v->classes = t->n[0];
	r->v->first = t->n[0] + t->n[1] + t->n[2];
	return find_grid(r, t);
}

/* An array of tokens or positions as rows. */
static const float *
raw_rows(struct vit_reader *r, const char *name)
{
	uint64_t shape[3];
	int rank = rank_of(r, name, shape);

	return store_raw(r->s, name, rank, shape, r->e);
}

/* to: [T, D] */
static int
fill_positions(struct vit_reader *r, const struct tokens *t, float *to)
{
	const struct vit *v = r->v;
	size_t D = r->hidden, n = (size_t)v->rows * v->cols, at = 0;
	const float *positions = raw_rows(r, t->positions);

	if (positions == NULL)
		return -1;
	for (int i = 0; i < 3; i++) {
		const float *token;

		if (t->n[i] == 0)
			continue;
		if ((token = raw_rows(r, t->name[i])) == NULL)
			return -1;
		for (size_t j = 0; j < t->n[i]; j++, at++)
			for (size_t d = 0; d < D; d++)
				to[at * D + d] = at < t->placed
						     ? token[j * D + d] +
							   positions[at * D + d]
						     : token[j * D + d];
	}
	to += at * D;
	positions += t->placed * D;
	if (t->grid_h == v->rows && t->grid_w == v->cols)
		memcpy(to, positions, n * D * sizeof(*to));
	else if (vit_positions(to, positions, t->grid_h, v->rows, v->cols,
		     r->interpolate == 2, D) == -1)
		return error_memory(r->e);
	return 0;
}

int
vit_tokens(struct vit_reader *r)
{
	struct vit *v = r->v;
	struct tokens t;
	void *p;
	int rc;

	if (find_tokens(r, &t) == -1)
		return -1;
	if ((t.grid_h != v->rows || t.grid_w != v->cols) &&
	    t.grid_h != t.grid_w)
		return error_set(r->e,
		    "'%s': tensor '%s' is not for a square, and pictures of "
		    "another size are not supported",
		    store_path(r->s), t.positions);
	rc = store_room(r->s, "positions",
	    ((size_t)v->rows * v->cols + v->first) * r->hidden * sizeof(float),
	    &p, r->e);
	v->positions = p;
	if (rc != 0)
		return rc == -1 ? -1 : 0;
	rc = fill_positions(r, &t, p);
	store_done(r->s);
	return rc;
}
