#ifndef TEXT_TEXT_MODEL_IMPL_H
#define TEXT_TEXT_MODEL_IMPL_H

#include "linalg/linalg.h"
#include "text/text_model.h"
#include "text/tokenizer.h"

/* The insides of a model, for text_model.c and text_encode.c alone. */

struct text_model {
	const struct text_model_options *options;
	struct pretrained pre;
	struct tokenizer *tokenizer;
	const struct linalg *la;
	const char *file; /* what the tokenizer was made of */
	struct buf prefix;
	uint32_t *prompt; /* [prompt_n] the prefix as tokens */
	size_t prompt_n, special, max_tokens;
	float *logit; /* scale, bias; or NULL */
	int biased;
};

#endif
