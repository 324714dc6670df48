#include "base/cpu.h"
#include "fusion/predictor_file.h"
#include "fuzz.h"

/*
 * A model's file without its frame, so that what lies behind the checksum is
 * reached:
 *
 *	configuration   text, then a NUL
 *	tensors         bytes in the name, name, type, rank, rank times the
 *	                shape in two bytes, data
 *
 * Whatever it holds is refused, or predicts.
 */
enum { TENSORS = 256, SHARE = 1 << 16 };

struct text {
	const unsigned char *p;
	size_t n;
};

static size_t
take_byte(struct text *t)
{
	if (t->n == 0)
		return 0;
	t->n--;
	return *t->p++;
}

/* The next tensor; 0 when there is none.  Data that is cut is zeros. */
static int
take_tensor(struct text *t, struct tensor *to)
{
	size_t len = take_byte(t), n = 1;
	unsigned char *data;

	if (len == 0 || t->n < len)
		return 0;
	to->name = mem_strndup((const char *)t->p, len);
	t->p += len;
	t->n -= len;
	to->type = (enum tensor_type)(take_byte(t) % (TENSOR_U64 + 1));
	to->rank = (int)(take_byte(t) % 3);
	for (int i = 0; i < to->rank; i++) {
		size_t low = take_byte(t);

		to->shape[i] = low | take_byte(t) << 8;
		n *= (size_t)to->shape[i];
	}
	FUZZ_MUST(to->name != NULL);
	to->bytes = n * tensor_size(to->type);
	if (n > SHARE) {
		free(to->name);
		return 0;
	}
	data = mem_aligned(to->bytes + 1, 1);
	FUZZ_MUST(data != NULL);
	n = t->n < to->bytes ? t->n : to->bytes;
	if (n > 0)
		memcpy(data, t->p, n);
	t->p += n;
	t->n -= n;
	to->data = data;
	return 1;
}

/* Two records, with all parts and with none. */
static void
predict(const struct predictor *p)
{
	const struct linalg *la = linalg_get(cpu_isa());
	struct error e = { 0 };
	struct predictor_room *room = predictor_room_new(p, &e);
	float *F = mem_array(2 * p->C, sizeof(*F));
	struct batch b = { 0 };
	int map[INPUTS_MAX_PARTS];

	FUZZ_MUST(F != NULL && room != NULL);
	FUZZ_MUST(predictor_bind(p, &p->schema, map, &e) == 0);
	FUZZ_MUST(batch_init(&b, &p->schema, &e) == 0);
	FUZZ_MUST(batch_add(&b, "a", 1, &e) == 0);
	for (size_t k = 0; k < p->schema.n; k++) {
		size_t D = p->schema.parts[k].dim, n = 2 * D;
		uint32_t *index;
		float *x;

		if (p->schema.parts[k].kind == PART_SPARSE) {
			FUZZ_MUST(batch_sparse(&b, k, 1, &index, &x) == 0);
			index[0] = (uint32_t)(D - 1);
			n = 1;
		} else if (p->schema.parts[k].kind == PART_DENSE) {
			x = batch_dense(&b, k);
			n = D;
		} else {
			x = batch_sequence(&b, k, 2, NULL);
		}
		FUZZ_MUST(x != NULL);
		for (size_t j = 0; j < n; j++)
			x[j] = (float)(j % 7) - 3;
	}
	FUZZ_MUST(batch_add(&b, "b", 1, &e) == 0);
	FUZZ_MUST(predictor_can(p, &b, map, 0, &e));
	FUZZ_MUST(predictor_scores(
		      p, la, &b, map, 0, 2, ~UINT64_C(0), F, room, &e) == 0);
	predictor_link(p, la, F, 2);
	for (size_t c = 0; c < p->C; c++)
		FUZZ_MUST(predictor_threshold(p, c) < 1e300);
	free(F);
	batch_free(&b);
	predictor_room_free(room);
}

static void
fuzz_one(const unsigned char *data, size_t n)
{
	const unsigned char *end = memchr(data, 0, n > 0 ? n : 1);
	struct predictor p = { 0 };
	struct model *m = &p.model;
	struct error e = { 0 };
	const void *held[TENSORS];
	struct text t;
	size_t some;

	if (n == 0 || end == NULL)
		return;
	t.p = end + 1;
	t.n = n - (size_t)(t.p - data);
	m->config = mem_strndup((const char *)data, (size_t)(end - data));
	m->tensors = mem_array(TENSORS, sizeof(*m->tensors));
	FUZZ_MUST(m->config != NULL && m->tensors != NULL);
	m->cap = TENSORS;
	while (m->n < TENSORS && take_tensor(&t, &m->tensors[m->n])) {
		held[m->n] = m->tensors[m->n].data;
		m->n++;
	}
	some = m->n;
	if (predictor_take(&p, &e) == 0)
		predict(&p);
	else
		FUZZ_MUST(e.text[0] != '\0');
	predictor_free(&p);
	for (size_t k = 0; k < some; k++)
		free((void *)(uintptr_t)held[k]);
}
