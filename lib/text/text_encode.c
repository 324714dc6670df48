#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text/text_model_impl.h"

/* One call of the network takes about so many tokens: enough rows for its
 * matrix products, and few enough that a layer's results stay in the cache. */
enum { CALL_TOKENS = 512 };

struct text_worker {
	struct tokens *tokens;
	struct encoder_work *encoder;
	struct buf text; /* prefix and text */
	uint32_t *ids;   /* [n] of all windows, framed */
	size_t *end;     /* [windows] of their ids */
	size_t *row;     /* [windows] end of their rows */
	float *v;        /* [rows, dim] */
	struct place {   /* [texts] the windows of a text */
		size_t first, n;
	} * place;
	size_t n, windows, rows;
	size_t cap_ids, cap_end, cap_row, cap_v, cap_place;
};

struct text_worker *
text_worker_new(const struct text_model *m, struct error *e)
{
	struct text_worker *w = mem_array(1, sizeof(*w));

	if (w == NULL) {
		error_memory(e);
		return NULL;
	}
	w->tokens = tokens_new(m->tokenizer, e);
	if (w->tokens != NULL)
		w->encoder = encoder_work_new(m->pre.encoder, e);
	if (w->encoder != NULL)
		return w;
	text_worker_free(w);
	return NULL;
}

void
text_worker_free(struct text_worker *w)
{
	if (w == NULL)
		return;
	tokens_free(w->tokens);
	encoder_work_free(w->encoder);
	buf_free(&w->text);
	free(w->ids);
	free(w->end);
	free(w->row);
	free(w->v);
	free(w->place);
	free(w);
}

void
text_worker_share(struct text_worker *w, struct pool *pool)
{
	encoder_work_share(w->encoder, pool);
}

/* A window of ids: [n], after the prompt if it is not the first. */
static int
add_window(const struct text_model *m, struct text_worker *w,
    const uint32_t *ids, size_t n, int prompt, struct error *e)
{
	size_t k = prompt ? m->prompt_n : 0;
	uint32_t *to;

	/* The body is laid where its frame can be put around it. */
	if (mem_grow(&w->ids, &w->cap_ids, w->n + 2 * (k + n) + m->special,
		sizeof(*w->ids)) == -1 ||
	    mem_grow(&w->end, &w->cap_end, w->windows + 1, sizeof(*w->end)) ==
		-1)
		return error_memory(e);
	to = w->ids + w->n;
	if (k > 0) {
		uint32_t *body = to + k + n + m->special;

		memcpy(body, m->prompt, k * sizeof(*body));
		memcpy(body + k, ids, n * sizeof(*body));
		ids = body;
	}
	w->n += tokenizer_frame(m->tokenizer, ids, k + n, to);
	w->end[w->windows++] = w->n;
	return 0;
}

/* A text's tokens, as one window or several. */
static int
add_text(const struct text_model *m, struct text_worker *w, struct str s,
    struct text_vector *out, struct place *place, struct error *e)
{
	size_t room = m->max_tokens - m->special, prompt = 0, parts, at, left;
	const uint32_t *ids;
	ptrdiff_t got;

	*out = (struct text_vector){ 0 };
	*place = (struct place){ .first = w->windows };
	if (m->prefix.len > 0) {
		w->text.len = 0;
		if (buf_put(&w->text, m->prefix.data, m->prefix.len) == -1 ||
		    buf_put(&w->text, s.s, s.len) == -1)
			return error_memory(e);
		s = (struct str){ w->text.data, w->text.len };
	}
	got = tokenizer_run(m->tokenizer, w->tokens, s.s, s.len, &ids, e);
	if (got < 0)
		return -1;
	left = (size_t)got;
	if (m->prompt_n > 0 && left >= m->prompt_n &&
	    memcmp(ids, m->prompt, m->prompt_n * sizeof(*ids)) == 0)
		prompt = m->prompt_n;
	if (left == prompt)
		return 0; /* nothing but the prompt */
	if (left <= room || m->options->longer == TEXT_LONG_CUT) {
		out->cut = left > room;
		place->n = 1;
		return add_window(m, w, ids, out->cut ? room : left, 0, e);
	}
	/* Where the text runs into its prompt, the windows go without it. */
	ids += prompt;
	left -= prompt;
	parts = (left - 1) / (room - prompt) + 1;
	for (at = 0; place->n < parts; place->n++) {
		size_t n = (left - at) / (parts - place->n);

		if (add_window(m, w, ids + at, n, prompt > 0, e) == -1)
			return -1;
		at += n;
	}
	return 0;
}

/* How many windows from the first one on make a call. */
static size_t
call_windows(const struct text_worker *w, size_t first, size_t share)
{
	size_t from = first > 0 ? w->end[first - 1] : 0, n = 1;

	for (; first + n < w->windows; n++) {
		size_t end = w->end[first + n],
		       len = end - w->end[first + n - 1];

		if (end - len / 2 - from > share)
			break;
	}
	return n;
}

/* Run the network on n windows; their rows come behind those that are there,
 * and w->row says where they end. */
static int
call(const struct text_model *m, struct text_worker *w, size_t first, size_t n,
    struct error *e)
{
	size_t dim = encoder_info(m->pre.encoder)->dim, rows;
	size_t from = first > 0 ? w->end[first - 1] : 0;
	size_t *end = w->end + first;
	struct encoder_out out;
	int rc;

	for (size_t i = 0; i < n; i++)
		end[i] -= from;
	rc = encoder_texts(
	    m->pre.encoder, w->encoder, w->ids + from, end, n, &out, e);
	for (size_t i = 0; i < n; i++)
		end[i] += from;
	if (rc == -1)
		return -1;
	rows = out.end[n - 1];
	if (mem_grow(&w->v, &w->cap_v, (w->rows + rows) * dim, sizeof(*w->v)) ==
	    -1)
		return error_memory(e);
	memcpy(w->v + w->rows * dim, out.v, rows * dim * sizeof(*out.v));
	for (size_t i = 0; i < n; i++)
		w->row[first + i] = w->rows + out.end[i];
	w->rows += rows;
	return 0;
}

static int
call_all(const struct text_model *m, struct text_worker *w, struct error *e)
{
	size_t calls = (w->n + CALL_TOKENS - 1) / CALL_TOKENS, n;

	w->rows = 0;
	if (mem_grow(&w->row, &w->cap_row, w->windows, sizeof(*w->row)) == -1)
		return error_memory(e);
	for (size_t first = 0; first < w->windows; first += n) {
		n = call_windows(w, first, (w->n + calls - 1) / calls);
		if (call(m, w, first, n, e) == -1)
			return -1;
	}
	return 0;
}

/* The mean of a text's windows, in the first one's place. */
static void
mean_windows(const struct text_model *m, struct text_worker *w, size_t first,
    size_t n, float *y)
{
	const struct encoder_info *info = encoder_info(m->pre.encoder);
	size_t from = first > 0 ? w->end[first - 1] : 0;
	size_t all = w->end[first + n - 1] - from;
	float length;

	for (size_t k = 0; k < n; k++) {
		size_t tokens = w->end[first + k] - from;
		float share = (float)tokens / (float)all;

		from += tokens;
		if (k == 0)
			m->la->scale(y, share, y, info->dim);
		else
			m->la->axpy(y, share, y + k * info->dim, info->dim);
	}
	length = m->la->norm2(y, info->dim);
	if (info->normalize && length > 0)
		m->la->scale(y, 1 / sqrtf(length), y, info->dim);
}

int
text_model_encode(const struct text_model *m, struct text_worker *w,
    const struct str *texts, size_t n, struct text_vector *out, struct error *e)
{
	size_t dim = encoder_info(m->pre.encoder)->dim;

	w->n = w->windows = 0;
	if (mem_grow(&w->place, &w->cap_place, n, sizeof(*w->place)) == -1)
		return error_memory(e);
	for (size_t i = 0; i < n; i++)
		if (add_text(m, w, texts[i], &out[i], &w->place[i], e) == -1)
			return -1;
	if (call_all(m, w, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t first = w->place[i].first, count = w->place[i].n, row;

		if (count == 0)
			continue;
		row = first > 0 ? w->row[first - 1] : 0;
		out[i].v = w->v + row * dim;
		out[i].rows = w->row[first] - row;
		if (count > 1)
			mean_windows(m, w, first, count, w->v + row * dim);
	}
	return 0;
}
