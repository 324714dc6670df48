#include "nn/encoder_options.h"

#include <inttypes.h>
#include <string.h>

#include "base/message.h"

/* As long as any network's, and far below what an int holds. */
enum { LAYERS_MAX = 10000 };

static const char *const precision_names[] = { "f32", "f16", "int8" };
static const char *const pool_names[] = { "model", "mean", "cls", "last", "max",
	"none" };

void
encoder_options_need(const struct options *opt, struct encoder_options *o)
{
	if (o->needs == NULL)
		o->needs = opt->shown;
}

int
encoder_option(const struct options *opt, int key, struct encoder_options *o)
{
	static const enum pooling pools[] = { POOL_MEAN, POOL_CLS, POOL_LAST,
		POOL_LARGEST, POOL_NONE };

	switch (key) {
	case 'm':
		o->model = opt->arg;
		return 1;
	case ENCODER_KEY_PACKED:
		o->packed = opt->arg;
		break;
	case ENCODER_KEY_LAYER:
		o->layer = (int)options_long(opt, 1, LAYERS_MAX);
		break;
	case ENCODER_KEY_POOL:
		o->pool = pools[options_choice(opt, "mean|cls|last|max|none")];
		break;
	case ENCODER_KEY_NORMALIZE:
		o->normalize = NORMALIZE_YES;
		break;
	case ENCODER_KEY_NO_NORMALIZE:
		o->normalize = NORMALIZE_NO;
		break;
	case ENCODER_KEY_PRECISION:
		o->precision =
		    (enum precision)options_choice(opt, "f32|f16|int8");
		break;
	default:
		return 0;
	}
	encoder_options_need(opt, o);
	return 1;
}

void
encoder_options_check(const struct encoder_options *o)
{
	if (o->model == NULL && o->needs != NULL)
		usage_error("%s needs -m, a pretrained encoder", o->needs);
}

/* The encoder on the store.  Weights that come from a directory are packed by
 * all threads. */
static int
build(struct pretrained *p, enum encoder_kind kind,
    const struct encoder_how *how, struct error *e)
{
	struct pool *pool = NULL;

	if (!store_packed(p->store)) {
		pool = pool_new(p->options->threads, e);
		if (pool == NULL)
			return -1;
	}
	store_help(p->store, pool);
	p->encoder = encoder_new(p->store, kind, how, e);
	store_help(p->store, NULL);
	pool_free(pool);
	return p->encoder != NULL ? 0 : -1;
}

int
pretrained_open(struct pretrained *p, const struct encoder_options *o,
    enum encoder_kind kind, struct error *e)
{
	struct encoder_how how = { .layer = o->layer, .pool = o->pool };

	*p = (struct pretrained){ .options = o };
	how.normalize = o->normalize == NORMALIZE_MODEL
			    ? -1
			    : o->normalize == NORMALIZE_YES;
	if (cpu_isa_from_env(&how.isa, e) == -1)
		return -1;
	p->store = o->packed != NULL
		       ? store_open_packed(o->model, o->packed, o->precision, e)
		       : store_open(o->model, o->precision, e);
	if (p->store == NULL)
		return -1;
	if (build(p, kind, &how, e) == 0)
		return 0;
	if (o->packed != NULL && store_packed(p->store) && !e->memory) {
		/* It was packed for something else: fewer layers, or the other
		 * half of a pair.  It is made anew. */
		store_free(p->store);
		p->store = store_open(o->model, o->precision, e);
		if (p->store == NULL)
			return -1;
		return build(p, kind, &how, e);
	}
	return -1;
}

void
pretrained_free(struct pretrained *p)
{
	encoder_free(p->encoder);
	store_free(p->store);
	memset(p, 0, sizeof(*p));
}

int
pretrained_save(const struct pretrained *p, struct error *e)
{
	if (p->options->packed == NULL || store_packed(p->store))
		return 0;
	return store_save(p->store, p->options->packed, e) == 0 ? 1 : -1;
}

int
pretrained_space(const struct pretrained *p, struct buf *b, const char *more)
{
	const struct encoder_info *info = encoder_info(p->encoder);

	if (buf_printf(b,
		"{\"encoder\":\"%s\",\"version\":%d,\"model\":\"%016" PRIx64
		"\",\"pool\":\"%s\",\"normalize\":%s",
		info->family, ENCODER_VERSION, store_hash(p->store),
		pool_names[info->pool],
		info->normalize ? "true" : "false") == -1)
		return -1;
	if (p->options->layer > 0 &&
	    buf_printf(b, ",\"layer\":%d", p->options->layer) == -1)
		return -1;
	return buf_printf(b, "%s}", more);
}

int
pretrained_run(const struct pretrained *p, struct buf *b, const char *more)
{
	return buf_printf(b, "{\"precision\":\"%s\"%s}",
	    precision_names[p->options->precision], more);
}
