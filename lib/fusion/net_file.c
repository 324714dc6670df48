#include "fusion/net_impl.h"

#include <stdlib.h>
#include <string.h>

/* Vectors have rank 1 in a file. */
static int
file_shape(const struct net_param *p, uint64_t *shape)
{
	if (p->decay) {
		shape[0] = p->rows;
		shape[1] = p->cols;
		return 2;
	}
	shape[0] = p->cols;
	return 1;
}

static char *
file_name(const char *prefix, const struct net_param *p)
{
	struct buf b = { 0 };

	if (buf_puts(&b, prefix) < 0 || buf_puts(&b, p->name) < 0 ||
	    buf_putc(&b, '\0') < 0) {
		buf_free(&b);
		return NULL;
	}
	return b.data;
}

size_t
net_tensor_count(const struct net *net)
{
	return net->params;
}

int
net_tensors(const struct net *net, const char *prefix, struct tensor *t,
    struct error *e)
{
	memset(t, 0, net->params * sizeof(*t));
	for (size_t k = 0; k < net->params; k++) {
		const struct net_param *p = &net->param[k];

		t[k].name = file_name(prefix, p);
		if (t[k].name == NULL) {
			while (k > 0)
				free(t[--k].name);
			return error_memory(e);
		}
		t[k].type = TENSOR_F32;
		t[k].rank = file_shape(p, t[k].shape);
		t[k].bytes = p->rows * p->cols * sizeof(float);
		t[k].data = net->w + p->at;
	}
	return 0;
}

static int
load_param(struct net *net, const struct net_param *p, const struct model *m,
    const char *prefix, struct error *e)
{
	uint64_t shape[2];
	int rank = file_shape(p, shape);
	char *name = file_name(prefix, p);
	const void *data;
	size_t bytes = p->rows * p->cols * sizeof(float);

	if (name == NULL)
		return error_memory(e);
	/* model_tensor takes a 0 for "any"; no weight is empty but a table
	 * without columns. */
	data = model_tensor(m, name, TENSOR_F32, rank, shape, e);
	if (data != NULL &&
	    shape[0] * (rank > 1 ? shape[1] : 1) != p->rows * p->cols)
		data =
		    (error_set(e, "tensor '%s': has another size", name), NULL);
	if (data != NULL && !tensor_finite(TENSOR_F32, data, bytes))
		data = (error_set(e, "tensor '%s': not finite", name), NULL);
	free(name);
	if (data == NULL)
		return -1;
	if (bytes > 0)
		memcpy(net->w + p->at, data, bytes);
	return 0;
}

struct net *
net_load(const struct net_shape *shape, const struct scaling *s,
    const struct model *m, const char *prefix, struct error *e)
{
	struct net *net = net_lay_out(shape, s, e);

	for (size_t k = 0; net != NULL && k < net->params; k++)
		if (load_param(net, &net->param[k], m, prefix, e) < 0) {
			net_free(net);
			return NULL;
		}
	return net;
}
