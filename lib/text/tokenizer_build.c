#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "text/tokenizer_impl.h"

/*
 * From what the readers found to the block.
 */

void
draft_free(struct draft *d)
{
	strs_free(&d->tokens);
	buf_free(&d->strings);
	buf_free(&d->charsmap);
	buf_free(&d->unk);
	buf_free(&d->text);
	free(d->ids);
	free(d->file_scores);
	free(d->merges);
	free(d->added);
	free(d->order);
	free(d->ends);
	free(d->slots);
	free(d->reach);
	free(d->scores);
}

const char *
draft_name(char out[NAME_MAX_BYTES + 1], struct str s)
{
	size_t n = s.len < NAME_MAX_BYTES ? s.len : NAME_MAX_BYTES;

	for (size_t i = 0; i < n; i++)
		out[i] =
		    (unsigned char)s.s[i] < 32 || s.s[i] == 127 ? '?' : s.s[i];
	out[utf8_valid(out, n)] = '\0';
	return out;
}

int
draft_string(struct draft *d, struct str s, uint32_t out[2])
{
	out[0] = (uint32_t)d->strings.len;
	out[1] = (uint32_t)s.len;
	return buf_put(&d->strings, s.s, s.len);
}

static int
check_text(struct str s, struct error *e)
{
	char name[NAME_MAX_BYTES + 1];

	if (s.len == 0)
		return error_set(e, "an empty token");
	if (s.len > TOKEN_BYTES_MAX)
		return error_set(e, "a token of %zu bytes, at most %d: '%s'...",
		    s.len, TOKEN_BYTES_MAX, draft_name(name, s));
	return 0;
}

int
draft_token(struct draft *d, struct str s, int64_t id, struct error *e)
{
	char name[NAME_MAX_BYTES + 1];

	if (check_text(s, e) < 0)
		return -1;
	if (id < 0 || id >= TOKEN_IDS_MAX)
		return error_set(e, "id %lld of token '%s' is out of range",
		    (long long)id, draft_name(name, s));
	if (d->tokens.n >= TOKEN_IDS_MAX)
		return error_set(e, "more than %d tokens", TOKEN_IDS_MAX);
	if (mem_grow(&d->ids, &d->ids_cap, d->tokens.n + 1, sizeof(*d->ids)) <
		0 ||
	    strs_add(&d->tokens, s.s, s.len) < 0)
		return error_memory(e);
	d->ids[d->tokens.n - 1] = (uint32_t)id;
	return 0;
}

int
draft_step(struct draft *d, const struct token_step *s, struct error *e)
{
	if (d->n_steps == TOKEN_STEPS_MAX)
		return error_set(e, "more than %d steps", TOKEN_STEPS_MAX);
	d->steps[d->n_steps++] = *s;
	return 0;
}

int
draft_frame(struct draft *d, int64_t id, struct error *e)
{
	if (id < 0 || id >= d->set.tokens)
		return error_set(e,
		    "post_processor: id %lld is not in the vocabulary",
		    (long long)id);
	if (d->n_frame == TOKEN_FRAME_MAX)
		return error_set(
		    e, "post_processor: more than %d tokens", TOKEN_FRAME_MAX);
	d->frame[d->n_frame++] = (uint32_t)id;
	return 0;
}

/*
 * The vocabulary.
 */

/* Put token id, which is the last of text, into the tables. */
static int
index_token(struct draft *d, uint32_t id, struct error *e)
{
	struct str s = token_text(&d->view, id);
	char name[NAME_MAX_BYTES + 1];
	uint64_t h = TOKEN_HASH_START;
	size_t mask = d->n_slots - 1, at;
	uint8_t len = (uint8_t)(s.len < REACH_FAR ? s.len : REACH_FAR);
	uint32_t tag;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t *r;

		h = token_hash_byte(h, (unsigned char)s.s[i]);
		if ((i + 1) % REACH_STEP != 0)
			continue;
		r = &d->reach[token_hash_end(h) >> 20 & (d->n_reach - 1)];
		*r = *r > len ? *r : len;
	}
	h = token_hash_end(h);
	at = (size_t)h & mask;
	tag = (uint32_t)(h >> 56) << 24;
	for (int k = 0; k < TOKEN_PROBES_MAX; k++, at = (at + 1) & mask) {
		uint32_t slot = d->slots[at];

		if (slot == 0) {
			d->slots[at] = tag | (id + 1);
			return 0;
		}
		if ((slot ^ tag) >> 24 == 0 &&
		    str_eq(token_text(&d->view, (slot & 0xFFFFFF) - 1), s))
			return error_set(
			    e, "token '%s' twice", draft_name(name, s));
	}
	return error_set(
	    e, "too many tokens of one hash: '%s'", draft_name(name, s));
}

static int
put_text(struct draft *d, uint32_t id, struct str s)
{
	if (buf_put(&d->text, s.s, s.len) < 0)
		return -1;
	d->ends[id] = (uint32_t)d->text.len;
	d->view.text = d->text.data;
	if (s.len > d->set.longest)
		d->set.longest = (uint32_t)s.len;
	return 0;
}

/* Each id once, from 0 on. */
static int
order_ids(struct draft *d, struct error *e)
{
	size_t n = d->tokens.n;
	char name[NAME_MAX_BYTES + 1], other[NAME_MAX_BYTES + 1];

	for (size_t i = 0; i < n; i++)
		d->order[i] = TOKEN_NONE;
	for (size_t i = 0; i < n; i++) {
		uint32_t id = d->ids[i];

		draft_name(name, strs_get(&d->tokens, i));
		if (id >= n)
			return error_set(e,
			    "id %u of token '%s', where %zu tokens have the "
			    "ids below %zu",
			    id, name, n, n);
		if (d->order[id] != TOKEN_NONE)
			return error_set(e, "id %u twice: '%s' and '%s'", id,
			    draft_name(
				other, strs_get(&d->tokens, d->order[id])),
			    name);
		d->order[id] = (uint32_t)i;
	}
	return 0;
}

int
draft_index(struct draft *d, size_t more, struct error *e)
{
	size_t n = d->tokens.n, all = n + more;

	if (n == 0)
		return error_set(e, "no tokens");
	if (more > TOKEN_ADDED_MAX || all > TOKEN_IDS_MAX)
		return error_set(e, "too many tokens");
	for (d->n_slots = 64; d->n_slots < 2 * all;)
		d->n_slots *= 2;
	d->n_reach = d->n_slots * 2;
	d->order = mem_array(n, sizeof(*d->order));
	d->ends = mem_array(all, sizeof(*d->ends));
	d->slots = mem_array(d->n_slots, sizeof(*d->slots));
	d->reach = mem_array(d->n_reach, 1);
	if (d->file_scores != NULL)
		d->scores = mem_array(n, sizeof(*d->scores));
	if (d->order == NULL || d->ends == NULL || d->slots == NULL ||
	    d->reach == NULL || (d->file_scores != NULL && d->scores == NULL) ||
	    buf_reserve(&d->text, d->tokens.bytes.len) < 0)
		return error_memory(e);
	if (order_ids(d, e) < 0)
		return -1;
	d->view.head = &d->head;
	d->view.set = &d->head.set;
	d->view.ends = d->ends;
	d->view.slots = d->slots;
	d->view.n_slots = d->n_slots;
	for (uint32_t id = 0; id < n; id++) {
		if (put_text(d, id, strs_get(&d->tokens, d->order[id])) < 0)
			return error_memory(e);
		if (d->scores != NULL)
			d->scores[id] = d->file_scores[d->order[id]];
		if (index_token(d, id, e) < 0)
			return -1;
	}
	d->set.tokens = d->set.model_tokens = (uint32_t)n;
	d->set.unk = TOKEN_NONE;
	d->head.set = d->set;
	if (d->has_unk) {
		char name[NAME_MAX_BYTES + 1];
		struct str unk = { d->unk.data, d->unk.len };

		d->set.unk = token_model_id(&d->view, unk.s, unk.len);
		if (d->set.unk == TOKEN_NONE)
			return error_set(e,
			    "unk_token '%s' is not in the vocabulary",
			    draft_name(name, unk));
	}
	return 0;
}

int
draft_added(
    struct draft *d, struct str s, int64_t id, uint32_t flags, struct error *e)
{
	char name[NAME_MAX_BYTES + 1];
	uint32_t found, at[2];

	if (check_text(s, e) < 0)
		return -1;
	found = token_find_string(&d->view, s.s, s.len);
	if (found == TOKEN_NONE) {
		found = d->set.tokens;
		if (put_text(d, found, s) < 0)
			return error_memory(e);
		if (index_token(d, found, e) < 0)
			return -1;
		d->set.tokens++;
	}
	if (id >= 0 && id != found)
		return error_set(e,
		    "id %lld of '%s', which has the id %u by its place",
		    (long long)id, draft_name(name, s), found);
	if (mem_grow(&d->added, &d->added_cap, d->n_added + 1,
		sizeof(*d->added)) < 0 ||
	    draft_string(d, s, at) < 0)
		return error_memory(e);
	d->added[d->n_added++] =
	    (struct token_added){ at[0], at[1], found, flags };
	return 0;
}

int
draft_merge(struct draft *d, struct str a, struct str b, struct error *e)
{
	char name[NAME_MAX_BYTES + 1];
	char both[2 * TOKEN_BYTES_MAX];
	size_t skip = d->set.prefix[1];
	struct token_merge m;

	m.a = token_model_id(&d->view, a.s, a.len);
	if (m.a == TOKEN_NONE)
		return error_set(e, "merge %zu: no token '%s'", d->n_merges,
		    draft_name(name, a));
	m.b = token_model_id(&d->view, b.s, b.len);
	if (m.b == TOKEN_NONE || b.len < skip)
		return error_set(e, "merge %zu: no token '%s'", d->n_merges,
		    draft_name(name, b));
	/* Both are tokens, hence short. */
	memcpy(both, a.s, a.len);
	memcpy(both + a.len, b.s + skip, b.len - skip);
	m.made = token_model_id(&d->view, both, a.len + b.len - skip);
	if (m.made == TOKEN_NONE)
		return error_set(e, "merge %zu: no token '%s'", d->n_merges,
		    draft_name(
			name, (struct str){ both, a.len + b.len - skip }));
	if (mem_grow(&d->merges, &d->merges_cap, d->n_merges + 1,
		sizeof(*d->merges)) < 0)
		return error_memory(e);
	d->merges[d->n_merges++] = m;
	return 0;
}

/*
 * Added tokens that are found in normalized text are sought as the normalizer
 * makes them.
 */

static int
normalize_added(struct draft *d, struct error *e)
{
	struct tokenizer *v = &d->view;
	struct tokens *w = mem_array(1, sizeof(*w));
	int r = 0;

	if (w == NULL)
		return error_memory(e);
	for (size_t i = 0; i < d->n_added && r == 0; i++) {
		struct token_added *x = &d->added[i];
		struct str in, out;
		size_t zero;
		char name[NAME_MAX_BYTES + 1];
		uint32_t at[2] = { 0, 0 };

		if ((x->flags & ADDED_NORMALIZED) == 0)
			continue;
		in = (struct str){ d->strings.data + x->at, x->len };
		v->strings = d->strings.data;
		v->n_strings = d->strings.len;
		if (normalize(v, w, in, 0, &out, &zero) < 0)
			r = w->grew ? error_set(e,
					  "added_tokens: token %u grows too "
					  "long in the normalizer",
					  x->id)
				    : error_memory(e);
		else if (draft_string(d, out, at) < 0)
			r = error_memory(e);
		else if (out.len == 0 || out.len > TOKEN_BYTES_MAX)
			r = error_set(e,
			    "added_tokens: token %u '%s' is normalized to "
			    "nothing, or too much",
			    x->id,
			    draft_name(
				name, (struct str){
					  d->strings.data + x->at, x->len }));
		x->at = at[0];
		x->len = at[1];
	}
	tokens_free(w);
	return r;
}

struct by_bytes {
	struct token_added x;
	const char *s;
	int normalized;
};

static int
compare_added(const void *a, const void *b)
{
	const struct by_bytes *x = a, *y = b;

	if (x->normalized != y->normalized)
		return x->normalized - y->normalized;
	return str_cmp(
	    (struct str){ x->s, x->x.len }, (struct str){ y->s, y->x.len });
}

static int
sort_added(struct draft *d, struct error *e)
{
	struct by_bytes *all = mem_array(d->n_added, sizeof(*all));
	int r = 0;

	if (all == NULL)
		return error_memory(e);
	for (size_t i = 0; i < d->n_added; i++)
		all[i] = (struct by_bytes){ d->added[i],
			d->strings.data + d->added[i].at,
			(d->added[i].flags & ADDED_NORMALIZED) != 0 };
	if (d->n_added > 1)
		qsort(all, d->n_added, sizeof(*all), compare_added);
	d->set.added_raw = 0;
	for (size_t i = 0; i < d->n_added; i++) {
		char name[NAME_MAX_BYTES + 1];

		if (r == 0 && i > 0 && compare_added(&all[i - 1], &all[i]) == 0)
			r = error_set(e, "added_tokens: '%s' twice",
			    draft_name(
				name, (struct str){ all[i].s, all[i].x.len }));
		d->set.added_raw += !all[i].normalized;
		d->added[i] = all[i].x;
		d->added[i].flags &= ADDED_NORMALIZED - 1;
	}
	free(all);
	return r;
}

/*
 * The block.
 */

struct piece {
	const void *p;
	size_t len;
};

static struct tokenizer *
lay_out(struct draft *d, const struct piece piece[PARTS], struct error *e)
{
	struct token_head h = { .order = 0x01020304, .version = TOKEN_VERSION };
	size_t at = sizeof(h);
	struct tokenizer *t;
	char *block;

	memcpy(h.magic, "VPTOKEN", 8);
	h.set = d->set;
	for (int i = 0; i < PARTS; i++) {
		at = (at + TOKEN_ALIGN - 1) / TOKEN_ALIGN * TOKEN_ALIGN;
		h.part[i].at = at;
		h.part[i].len = piece[i].len;
		at += piece[i].len;
	}
	h.size = at;
	block = mem_aligned(at, 1);
	if (block == NULL) {
		error_memory(e);
		return NULL;
	}
	memcpy(block, &h, sizeof(h));
	for (int i = 0; i < PARTS; i++)
		if (piece[i].len > 0)
			memcpy(block + h.part[i].at, piece[i].p, piece[i].len);
	t = tokenizer_map(block, at, e);
	if (t == NULL)
		free(block);
	else
		t->own = block;
	return t;
}

/* The table of merges; of two of the same pair, the later counts. */
static uint32_t *
index_merges(struct draft *d, size_t *n, struct error *e)
{
	uint32_t *pairs;

	for (*n = 64; *n < 2 * d->n_merges;)
		*n *= 2;
	pairs = mem_array(*n, sizeof(*pairs));
	if (pairs == NULL) {
		error_memory(e);
		return NULL;
	}
	d->view.merges = d->merges;
	for (uint32_t i = 0; i < d->n_merges; i++) {
		const struct token_merge *m = &d->merges[i];
		size_t at = hash_mix((uint64_t)m->a << 32 | m->b) & (*n - 1);
		int k;

		for (k = 0; k < TOKEN_PROBES_MAX; k++) {
			const struct token_merge *o;

			if (pairs[at] == 0)
				break;
			o = &d->merges[pairs[at] - 1];
			if (o->a == m->a && o->b == m->b)
				break;
			at = (at + 1) & (*n - 1);
		}
		if (k == TOKEN_PROBES_MAX) {
			error_set(e, "too many merges of one hash");
			free(pairs);
			return NULL;
		}
		pairs[at] = i + 1;
	}
	return pairs;
}

struct tokenizer *
draft_finish(struct draft *d, struct error *e)
{
	struct tokenizer *v = &d->view, *t;
	struct piece piece[PARTS] = { 0 };
	uint32_t *pairs = NULL, units = 0;
	size_t n_pairs = 0;

	if (d->charsmap.len >= 4)
		memcpy(&units, d->charsmap.data, 4);
	if (units > 0) {
		piece[PART_TRIE] =
		    (struct piece){ d->charsmap.data + 4, units / 4 * 4 };
		piece[PART_FORMS] =
		    (struct piece){ d->charsmap.data + 4 + units,
			    d->charsmap.len - 4 - units };
	}
	d->head.set = d->set;
	v->steps = d->steps;
	v->trie = piece[PART_TRIE].p;
	v->n_trie = piece[PART_TRIE].len / 4;
	v->forms = piece[PART_FORMS].p;
	v->n_forms = piece[PART_FORMS].len;
	if (normalize_added(d, e) < 0 || sort_added(d, e) < 0)
		return NULL;
	if (d->set.model == MODEL_BPE) {
		pairs = index_merges(d, &n_pairs, e);
		if (pairs == NULL)
			return NULL;
	}
	piece[PART_STEPS] =
	    (struct piece){ d->steps, d->n_steps * sizeof(*d->steps) };
	piece[PART_ADDED] =
	    (struct piece){ d->added, d->n_added * sizeof(*d->added) };
	piece[PART_FRAME] = (struct piece){ d->frame, d->n_frame * 4 };
	piece[PART_STRINGS] = (struct piece){ d->strings.data, d->strings.len };
	piece[PART_ENDS] = (struct piece){ d->ends, d->set.tokens * 4 };
	piece[PART_TEXT] = (struct piece){ d->text.data, d->text.len };
	piece[PART_SLOTS] = (struct piece){ d->slots, d->n_slots * 4 };
	piece[PART_REACH] = (struct piece){ d->reach, d->n_reach };
	if (d->scores != NULL)
		piece[PART_SCORES] = (struct piece){ d->scores,
			d->tokens.n * sizeof(*d->scores) };
	piece[PART_MERGES] =
	    (struct piece){ d->merges, d->n_merges * sizeof(*d->merges) };
	piece[PART_PAIRS] = (struct piece){ pairs, n_pairs * 4 };
	t = lay_out(d, piece, e);
	free(pairs);
	return t;
}
