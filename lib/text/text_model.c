#include "text/text_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "linalg/mathf.h"
#include "text/text_model_impl.h"

/* ---- opening ---- */

static int
take_block(struct text_model *m, struct str block, struct error *e)
{
	m->tokenizer = tokenizer_map(block.s, block.len, e);
	return m->tokenizer != NULL
		   ? 0
		   : error_at(e, "'%s': tokenizer", store_path(m->pre.store));
}

static int
build_tokenizer(struct text_model *m, struct error *e)
{
	static const char *const names[] = { "tokenizer.json", "vocab.txt",
		"tokenizer_config.json" };
	struct store *s = m->pre.store;
	struct buf b[3] = { { 0 }, { 0 }, { 0 } };
	struct tokenizer_files files;
	struct str block;
	int rc = 0;

	for (int i = 0; i < 3 && rc >= 0; i++)
		/* The words of vocab.txt are in tokenizer.json too. */
		if (i != 1 || b[0].len == 0)
			rc = store_bytes(s, names[i], &b[i], e);
	m->file = names[b[0].len == 0];
	files = (struct tokenizer_files){ { b[0].data, b[0].len },
		{ b[1].data, b[1].len }, { b[2].data, b[2].len } };
	if (rc >= 0 && b[0].len + b[1].len == 0)
		rc = error_set(e, "'%s': neither '%s' nor '%s' is there",
		    store_path(s), names[0], names[1]);
	if (rc >= 0) {
		m->tokenizer = tokenizer_build(&files, e);
		if (m->tokenizer == NULL)
			rc = error_at(e, "'%s'", store_path(s));
	}
	for (int i = 0; i < 3; i++)
		buf_free(&b[i]);
	if (rc < 0)
		return -1;
	block = tokenizer_block(m->tokenizer);
	return store_put(s, "tokenizer", block.s, block.len, e);
}

static int
open_tokenizer(struct text_model *m, struct error *e)
{
	const struct store *s = m->pre.store;
	uint32_t vocab = encoder_info(m->pre.encoder)->vocab;
	struct str block;
	int rc;

	m->file = "tokenizer";
	if (store_block(s, "tokenizer", &block))
		rc = take_block(m, block, e);
	else if (store_packed(s))
		rc = error_set(e, "'%s': it has no tokenizer", store_path(s));
	else
		rc = build_tokenizer(m, e);
	if (rc == -1)
		return -1;
	if (tokenizer_vocab(m->tokenizer) > vocab)
		return error_set(e,
		    "'%s': '%s' has ids of tokens up to %u, 'config.json' a "
		    "vocab_size of %u",
		    store_path(s), m->file, tokenizer_vocab(m->tokenizer) - 1,
		    vocab);
	m->special = tokenizer_special(m->tokenizer);
	return 0;
}

/* How many tokens a text may have: as the reference does, from the file of
 * sentence-transformers, or else the tokenizer's. */
static int
find_max_tokens(struct text_model *m, struct error *e)
{
	const struct store *s = m->pre.store;
	uint32_t most = encoder_info(m->pre.encoder)->max_tokens;
	uint32_t max = most, wanted = m->options->max_tokens;
	double length = most;
	int rc = store_field_u32(s, "sentence_bert_config.json",
	    "max_seq_length", 1, UINT32_MAX, &max, e);

	if (rc == 0) {
		rc = store_field_double(s, "tokenizer_config.json",
		    "model_max_length", 1, INFINITY, &length, e);
		if (length < max)
			max = (uint32_t)length;
	}
	if (rc == -1)
		return -1;
	if (wanted > most)
		return error_set(e,
		    "'%s': the model takes at most %u tokens, not %u",
		    store_path(s), most, wanted);
	max = max < most ? max : most;
	if (wanted > 0)
		max = wanted;
	if (max <= m->special + m->prompt_n)
		return error_set(e,
		    "'%s': %u tokens leave no room for a text beside %zu "
		    "special ones and %zu of the prompt",
		    store_path(s), max, m->special, m->prompt_n);
	m->max_tokens = max;
	return 0;
}

/* The prompt of that name, in config_sentence_transformers.json. */
static int
named_prompt(struct text_model *m, const char *name, struct error *e)
{
	static const char file[] = "config_sentence_transformers.json";
	struct buf path = { 0 };
	struct json j = { 0 };
	struct str text, raw = { 0 };
	int rc = 0;

	if (buf_printf(&path, "prompts.%s", name) == -1) {
		buf_free(&path);
		return error_memory(e);
	}
	if (store_text(m->pre.store, file, &text))
		rc = json_find_path(text.s, text.len, path.data, &raw, e);
	if (rc == 1) {
		json_init(&j, raw.s, raw.len);
		if (json_string(&j, &m->prefix) == -1)
			rc = json_error(&j, e);
		json_free(&j);
	} else if (rc == 0) {
		rc = error_set(e, "no prompt '%s'", name);
	}
	buf_free(&path);
	return rc == 1 ? 0
		       : error_at(e, "'%s/%s'", store_path(m->pre.store), file);
}

static int
find_prompt(struct text_model *m, struct error *e)
{
	const struct text_model_options *o = m->options;
	char name[256];
	int rc;

	if (o->prompt != NULL)
		return named_prompt(m, o->prompt, e);
	if (o->prefix != NULL)
		return buf_puts(&m->prefix, o->prefix) == 0 ? 0
							    : error_memory(e);
	rc = store_field_string(m->pre.store,
	    "config_sentence_transformers.json", "default_prompt_name", name,
	    sizeof(name), e);
	return rc == 1 ? named_prompt(m, name, e) : rc;
}

/* The prefix as tokens, which each window of a long text is given. */
static int
make_prompt(struct text_model *m, struct error *e)
{
	const uint32_t *ids;
	struct tokens *w;
	ptrdiff_t n = -1;

	if (m->prefix.len == 0)
		return 0;
	w = tokens_new(m->tokenizer, e);
	if (w == NULL)
		return -1;
	n = tokenizer_run(
	    m->tokenizer, w, m->prefix.data, m->prefix.len, &ids, e);
	if (n > 0) {
		m->prompt = mem_array((size_t)n, sizeof(*m->prompt));
		if (m->prompt != NULL) {
			memcpy(m->prompt, ids, (size_t)n * sizeof(*ids));
			m->prompt_n = (size_t)n;
		} else {
			n = error_memory(e);
		}
	}
	tokens_free(w);
	return n < 0 ? -1 : 0;
}

/* One number of a pair of towers, a scalar or an array of one. */
static int
take_scalar(struct store *s, const char *name, float *out, struct error *e)
{
	uint64_t shape[1] = { 1 };
	const float *p;

	if (store_shape(s, name, 1, shape, NULL) == 0)
		p = store_raw(s, name, 1, shape, e);
	else
		p = store_raw(s, name, 0, shape, e);
	if (p != NULL)
		*out = *p;
	store_done(s);
	return p != NULL ? 0 : -1;
}

static int
find_logit(struct text_model *m, struct error *e)
{
	struct store *s = m->pre.store;
	void *p;
	int rc;

	if (!store_has(s, "logit_scale"))
		return 0;
	m->biased = store_has(s, "logit_bias");
	rc = store_room(s, "logit", 2 * sizeof(float), &p, e);
	if (rc == -1)
		return -1;
	m->logit = p;
	if (rc == 1)
		return 0;
	m->logit[1] = 0;
	if (take_scalar(s, "logit_scale", &m->logit[0], e) == -1)
		return -1;
	m->logit[0] = mathf_exp(m->logit[0]);
	if (!isfinite(m->logit[0]))
		return error_set(
		    e, "'%s': logit_scale is too large", store_path(s));
	return m->biased ? take_scalar(s, "logit_bias", &m->logit[1], e) : 0;
}

struct text_model *
text_model_open(const struct text_model_options *o, struct error *e)
{
	struct text_model *m = mem_array(1, sizeof(*m));
	enum isa isa;

	if (m == NULL) {
		error_memory(e);
		return NULL;
	}
	m->options = o;
	if (pretrained_open(&m->pre, &o->encoder, ENCODER_TEXT, e) == -1 ||
	    cpu_isa_from_env(&isa, e) == -1 || open_tokenizer(m, e) == -1 ||
	    find_prompt(m, e) == -1 || make_prompt(m, e) == -1 ||
	    find_max_tokens(m, e) == -1 || find_logit(m, e) == -1) {
		text_model_free(m);
		return NULL;
	}
	m->la = linalg_get(isa);
	return m;
}

void
text_model_free(struct text_model *m)
{
	if (m == NULL)
		return;
	tokenizer_free(m->tokenizer);
	pretrained_free(&m->pre);
	buf_free(&m->prefix);
	free(m->prompt);
	free(m);
}

int
text_model_save(const struct text_model *m, struct error *e)
{
	return pretrained_save(&m->pre, e);
}

/* ---- what it is ---- */

const struct encoder_info *
text_model_info(const struct text_model *m)
{
	return encoder_info(m->pre.encoder);
}

uint64_t
text_model_hash(const struct text_model *m)
{
	return store_hash(m->pre.store);
}

uint32_t
text_model_tokens(const struct text_model *m)
{
	return (uint32_t)m->max_tokens;
}

int
text_model_logit(const struct text_model *m, float *scale, float *bias)
{
	if (m->logit == NULL)
		return 0;
	*scale = m->logit[0];
	*bias = m->logit[1];
	return 1 + m->biased;
}

int
text_model_space(const struct text_model *m, struct buf *b)
{
	const char *prompt = m->options->prompt;
	struct buf more = { 0 };
	int rc = 0;

	if (prompt != NULL)
		rc =
		    buf_puts(&more, ",\"prompt\":") == -1 ||
			    json_put_string(&more, prompt, strlen(prompt)) == -1
			? -1
			: 0;
	if (rc == 0)
		rc = buf_putc(&more, '\0');
	if (rc == 0)
		rc = pretrained_space(&m->pre, b, more.data);
	buf_free(&more);
	return rc;
}

int
text_model_run(const struct text_model *m, struct buf *b)
{
	struct buf more = { 0 };
	int rc = buf_printf(&more, ",\"max_tokens\":%zu,\"long\":\"%s\"",
	    m->max_tokens,
	    m->options->longer == TEXT_LONG_MEAN ? "mean" : "cut");

	if (rc == 0 && m->prefix.len > 0)
		rc = buf_puts(&more, ",\"prefix\":") == -1 ||
			     json_put_string(
				 &more, m->prefix.data, m->prefix.len) == -1
			 ? -1
			 : 0;
	if (rc == 0)
		rc = buf_putc(&more, '\0');
	if (rc == 0)
		rc = pretrained_run(&m->pre, b, more.data);
	buf_free(&more);
	return rc;
}
