#include "fusion/net_run_impl.h"

#include <string.h>

#include "base/hash.h"

/*
 * A state is: magic, the epochs done, the hash of what the run was made with,
 * weights, first moments, second moments; this machine's order of bytes, since
 * models are little-endian files alone.
 */
static const char magic[8] = "NETRUN1";

/* What must be equal for the same bytes to follow. */
static uint64_t
made_with(const struct net_run *run)
{
	const struct net_shape *s = &run->net->shape;
	const struct truth *t = run->truth;
	uint64_t words[] = { (uint64_t)s->kind, (uint64_t)s->task, s->C,
		s->hidden, s->rank, s->seed, run->net->size, run->net->live,
		run->batches, run->o.epochs, run->n };
	double reals[] = { run->o.lr, run->o.weight_decay, run->o.dropout,
		run->o.part_dropout, run->o.focal };
	uint64_t h = hash_bytes(words, sizeof(words), 0);

	h = hash_bytes(reals, sizeof(reals), h);
	h = hash_bytes(run->row, run->n * sizeof(*run->row), h);
	for (size_t i = 0; i < run->n; i++) {
		size_t r = run->row[i];

		h = hash_bytes(&t->weight[r], sizeof(float), h);
		if (t->task == TASK_CLASS)
			h = hash_bytes(&t->label[r], sizeof(uint32_t), h);
		else
			h = hash_bytes(
			    t->y + r * t->C, t->C * sizeof(float), h);
	}
	return h;
}

int
net_run_state(const struct net_run *run, struct buf *out, struct error *e)
{
	uint64_t head[2] = { run->epoch, made_with(run) };
	size_t bytes = run->net->size * sizeof(float);

	if (buf_put(out, magic, sizeof(magic)) < 0 ||
	    buf_put(out, head, sizeof(head)) < 0 ||
	    buf_put(out, run->net->w, bytes) < 0 ||
	    buf_put(out, run->m, bytes) < 0 || buf_put(out, run->v, bytes) < 0)
		return error_memory(e);
	return 0;
}

int
net_run_restore(
    struct net_run *run, const void *state, size_t bytes, struct error *e)
{
	const char *p = state;
	uint64_t head[2];
	size_t array = run->net->size * sizeof(float);

	if (bytes != sizeof(magic) + sizeof(head) + 3 * array ||
	    memcmp(p, magic, sizeof(magic)) != 0)
		return error_set(e, "not the state of such a training");
	memcpy(head, p + sizeof(magic), sizeof(head));
	p += sizeof(magic) + sizeof(head);
	if (head[1] != made_with(run) || head[0] > run->o.epochs)
		return error_set(e, "the state of another training");
	if (!tensor_finite(TENSOR_F32, p, 3 * array))
		return error_set(
		    e, "the state has numbers that are not finite");
	memcpy(run->net->w, p, array);
	memcpy(run->m, p + array, array);
	memcpy(run->v, p + 2 * array, array);
	run->epoch = head[0];
	return 0;
}
