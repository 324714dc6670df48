#include "fusion/net_impl.h"

#include <string.h>

void
net_feed_part(const struct net *net, size_t q, const struct inputs *in,
    size_t first, size_t n, struct feed_part *f)
{
	const struct scaled_part *s = &net->scaling->part[net->part[q].p];
	const struct input_part *x = &in->part[net->part[q].p];
	size_t from =
	    first > 0 && s->kind != PART_DENSE ? x->end[first - 1] : 0;

	memset(f, 0, sizeof(*f));
	if (s->kind == PART_SPARSE) {
		f->sparse = (struct sparse_rows){ n, from, x->end + first,
			x->index, x->value };
		f->table = net->w + net->param[net->part[q].weight].at;
		f->table_rows = s->active;
		return;
	}
	f->dense = x->dense + first * s->dim;
	if (s->kind == PART_SEQUENCE) {
		f->end = x->end + first;
		f->first = from;
		f->rows = x->value;
	}
}

struct var *
net_param_var(
    const struct net *net, struct tape *t, const struct net_feed *f, size_t k)
{
	const struct net_param *p = &net->param[k];

	return tape_leaf(t, p->rows, p->cols, net->w + p->at,
	    f->g != NULL ? f->g + p->at : NULL);
}

/*
 * The inputs of a dense part.  Of a wide one, columns are dropped out in
 * training, as hidden units are, but so that WIDE of them stay on average: a
 * few columns may each be all that tells something.
 */
enum { WIDE = 64 };

static struct var *
columns(
    const struct net *net, struct tape *t, const struct net_feed *f, size_t q)
{
	const struct net_part *part = &net->part[q];
	struct var *x = tape_leaf(
	    t, f->n, net->scaling->part[part->p].dim, f->part[q].dense, NULL);
	double most = 1 - WIDE / ((double)part->gain * (double)part->gain);

	if (f->rng == NULL || !(most > 0))
		return x;
	return tape_dropout(
	    t, x, f->dropout < most ? f->dropout : most, f->rng);
}

struct var *
net_project(
    const struct net *net, struct tape *t, const struct net_feed *f, size_t q)
{
	const struct net_part *part = &net->part[q];
	const struct scaled_part *s = &net->scaling->part[part->p];
	const struct feed_part *x = &f->part[q];

	if (s->kind == PART_SPARSE)
		return tape_sparse(t, &x->sparse,
		    tape_leaf(t, x->table_rows, net->param[part->weight].cols,
			x->table, x->table_g),
		    part->gain);
	return tape_product(t, columns(net, t, f, q),
	    net_param_var(net, t, f, part->weight), part->gain);
}

struct var *
net_encode(
    const struct net *net, struct tape *t, const struct net_feed *f, size_t q)
{
	const struct net_part *part = &net->part[q];
	struct var *h = tape_bias(
	    t, net_project(net, t, f, q), net_param_var(net, t, f, part->bias));

	return tape_select(t, tape_tanh(t, h),
	    net_param_var(net, t, f, part->absent), f->has, (unsigned)part->p);
}
