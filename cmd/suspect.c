/* suspect: labels that are likely to be wrong. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "fusion/learning.h"
#include "fusion/suspect.h"

static const struct option_row rows[] = {
	LEARNING_FROM,
	{ 'k', "top", "K", "only the K most doubtful (all)" },
	{ 'f', "format", "FORMAT", "jsonl|tsv (jsonl)" },
	{ 'o', "output", "FILE", "write to FILE, whole or not at all" },
	{ LEARNING_KEY_CV, "cv", "K", "folds of the cross-validation (5)" },
	{ LEARNING_KEY_LAMBDA, "lambda", "X", "penalty (chosen)" },
	LEARNING_WEIGHTS,
	LEARNING_FUSION,
	LEARNING_RUN,
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "suspect", "[options] [FILE ...]",
	"Name the labels that are likely to be wrong, most doubtful first.",
	rows };

enum format { FORMAT_LINES, FORMAT_TSV };

struct settings {
	struct learning learning;
	const char *output;
	size_t most; /* 0: all */
	enum format format;
};

static void
take_option(struct settings *set, const struct options *o, int key)
{
	if (learning_option(&set->learning, o, key))
		return;
	switch (key) {
	case 'k':
		set->most = (size_t)options_long(o, 1, INT32_MAX);
		break;
	case 'f':
		set->format = (enum format)options_choice(o, "jsonl|tsv");
		break;
	case 'o':
		set->output = o->arg;
		break;
	}
}

static int
write_lines(
    const struct settings *set, const struct suspects *s, struct error *e)
{
	size_t n = set->most > 0 && set->most < s->n ? set->most : s->n;
	struct writer out = { 0 };
	struct buf text = { 0 };
	int rc = io_create(&out, set->output, e), bad = 0;

	if (set->format == FORMAT_TSV)
		bad = suspect_tsv_header(&text, s);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		bad |= set->format == FORMAT_TSV ? suspect_tsv(&text, s, i)
						 : suspect_jsonl(&text, s, i);
		if (bad)
			rc = error_memory(e);
		else if (text.len >= 1 << 16 || i + 1 == n) {
			rc = io_put(&out, text.data, text.len, e);
			text.len = 0;
		}
	}
	if (rc == 0)
		rc = io_commit(&out, e);
	else
		io_abandon(&out);
	buf_free(&text);
	return rc;
}

static int
suspect(struct settings *set, char *const *paths, int n)
{
	struct learning *l = &set->learning;
	struct trainer t = { .keep = 1, .tolerance = TRAINER_SEARCH_TOLERANCE };
	struct suspects s = { 0 };
	struct intern ids;
	struct error e = { 0 };

	if (learning_gather(l, paths, n, &e) < 0)
		die("%s", e.text);
	/* dataset_finish forgets the ids; their hashes stay with the rows. */
	ids = l->ds.id;
	l->ds.id = (struct intern){ 0 };
	if (learning_run(l, &t, &e) < 0 ||
	    suspects_find(&s, &l->ds, &t, &ids, &e) < 0 ||
	    write_lines(set, &s, &e) < 0)
		die("%s", e.text);
	suspects_free(&s);
	intern_free(&ids);
	trainer_free(&t);
	return learning_status(l);
}

int
main(int argc, char *argv[])
{
	struct settings set = { .learning = LEARNING_DEFAULTS };
	struct options o;
	int key, rc;

	mem_give_back();
	options_start(&o, &self, argc, argv);
	while ((key = options_next(&o)) != -1)
		take_option(&set, &o, key);
	learning_check(&set.learning);
	rc = suspect(&set, o.argv, o.argc);
	learning_free(&set.learning);
	return rc;
}
