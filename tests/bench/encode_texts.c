/*
 * Texts to token ids and vectors, without the commands:
 * encode_texts DIRECTORY f32|f16|i8 <TEXTS >OUT
 *
 * TEXTS: each ended by a NUL.  OUT, little-endian: for each text the number of
 * its tokens (u32), their ids (u32), then the vector (f32).  Texts are cut to
 * what the model takes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/encoder.h"
#include "text/tokenizer.h"

enum { BATCH = 32 };

static void
die(const char *why)
{
	fprintf(stderr, "encode_texts: %s\n", why);
	exit(1);
}

static struct tokenizer *
read_tokenizer(struct store *s, struct error *e)
{
	static const char *const names[] = { "tokenizer.json", "vocab.txt",
		"tokenizer_config.json" };
	struct buf b[3] = { { 0 } };
	struct tokenizer_files f;
	struct tokenizer *t;

	for (int i = 0; i < 3; i++)
		if (store_bytes(s, names[i], &b[i], e) < 0)
			return NULL;
	f.tokenizer = (struct str){ b[0].data, b[0].len };
	f.vocab = (struct str){ b[1].data, b[1].len };
	f.config = (struct str){ b[2].data, b[2].len };
	t = tokenizer_build(&f, e);
	for (int i = 0; i < 3; i++)
		buf_free(&b[i]);
	return t;
}

int
main(int argc, char **argv)
{
	static const char *const precisions[] = { "f32", "f16", "i8" };
	struct encoder_how how = { .isa = cpu_isa(), .normalize = -1 };
	enum precision p = PRECISION_F32;
	struct error e = { 0 };
	struct store *s;
	struct encoder *x;
	struct encoder_work *w;
	struct tokenizer *t;
	struct tokens *tw;
	size_t end[BATCH], n = 0, most, cap = 0, dim;
	uint32_t *ids, limit;
	char *line = NULL;
	ssize_t len;

	for (int i = 0; i < 3 && argc > 2; i++)
		if (strcmp(argv[2], precisions[i]) == 0)
			p = (enum precision)i;
	if (argc < 3)
		die("usage: encode_texts DIRECTORY f32|f16|i8 <TEXTS >OUT");
	if ((s = store_open(argv[1], p, &e)) == NULL ||
	    (x = encoder_new(s, ENCODER_TEXT, &how, &e)) == NULL ||
	    (w = encoder_work_new(x, &e)) == NULL ||
	    (t = read_tokenizer(s, &e)) == NULL ||
	    (tw = tokens_new(t, &e)) == NULL)
		die(e.text);
	most = limit = encoder_info(x)->max_tokens;
	if (store_field_u32(s, "sentence_bert_config.json", "max_seq_length", 3,
		UINT32_MAX, &limit, &e) < 0)
		die(e.text);
	most = limit < most ? limit : most;
	dim = encoder_info(x)->dim;
	if ((ids = mem_array(BATCH * most, sizeof(*ids))) == NULL)
		die("out of memory");
	do {
		len = getdelim(&line, &cap, '\0', stdin);
		if (len > 0) {
			const uint32_t *raw;
			ptrdiff_t k = tokenizer_run(
			    t, tw, line, (size_t)len - 1, &raw, &e);
			size_t room = most - tokenizer_special(t);
			size_t from = n > 0 ? end[n - 1] : 0;

			if (k < 0)
				die(e.text);
			end[n++] =
			    from + tokenizer_frame(t, raw,
				       (size_t)k < room ? (size_t)k : room,
				       ids + from);
		}
		if (n == BATCH || (len <= 0 && n > 0)) {
			struct encoder_out out;

			if (encoder_texts(x, w, ids, end, n, &out, &e) < 0)
				die(e.text);
			for (size_t i = 0; i < n; i++) {
				size_t from = i > 0 ? end[i - 1] : 0;
				uint32_t k = (uint32_t)(end[i] - from);

				fwrite(&k, sizeof(k), 1, stdout);
				fwrite(ids + from, sizeof(*ids), k, stdout);
				fwrite(out.v + i * dim, sizeof(float), dim,
				    stdout);
			}
			n = 0;
		}
	} while (len > 0);
	if (fflush(stdout) != 0 || ferror(stdout))
		die("write error");
	tokens_free(tw);
	tokenizer_free(t);
	encoder_work_free(w);
	encoder_free(x);
	store_free(s);
	free(ids);
	free(line);
	return 0;
}
