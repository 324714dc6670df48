/*
 * What the tokenizer makes of texts, and how fast; for
 * tests/bench/bench_tokenizer.py, which compares it with the reference.
 *
 *	bench_tokenizer ids FILE...  <texts >ids
 *	bench_tokenizer time FILE... <texts
 *	bench_tokenizer build FILE...
 *
 * FILE is tokenizer.json, or vocab.txt and perhaps tokenizer_config.json.
 * texts: each a u32 length and its bytes; ids: each a u32 count and the ids,
 * little-endian as the machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "text/tokenizer.h"

static void
die(const struct error *e)
{
	fprintf(stderr, "bench_tokenizer: %s\n", e->text);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct buf
load(const char *path)
{
	struct error e = { 0 };
	struct buf b = { 0 };

	if (path != NULL && io_read_file(path, IO_MAX_FILE, &b, &e) < 0)
		die(&e);
	return b;
}

static void
print_ids(const struct tokenizer *t, const struct buf *texts)
{
	struct error e = { 0 };
	struct tokens *w = tokens_new(t, &e);
	uint32_t len, count, *framed = NULL;
	size_t cap = 0;

	if (w == NULL)
		die(&e);
	for (size_t i = 0; i < texts->len; i += len) {
		const uint32_t *ids;
		ptrdiff_t n;

		memcpy(&len, texts->data + i, 4);
		i += 4;
		n = tokenizer_run(t, w, texts->data + i, len, &ids, &e);
		if (n < 0)
			die(&e);
		if (mem_grow(
			&framed, &cap, (size_t)n + tokenizer_special(t), 4) < 0)
			exit(1);
		count = (uint32_t)tokenizer_frame(t, ids, (size_t)n, framed);
		fwrite(&count, 4, 1, stdout);
		fwrite(framed, 4, count, stdout);
	}
	free(framed);
	tokens_free(w);
}

/* Seconds for all texts, the median of some rounds; a fresh worker each. */
static void
print_time(const struct tokenizer *t, const struct buf *texts)
{
	struct error e = { 0 };
	double took[9];
	size_t ids_n = 0, bytes = 0;
	uint32_t len;

	for (int k = 0; k < 9; k++) {
		struct tokens *w = tokens_new(t, &e);
		double from = now();

		if (w == NULL)
			die(&e);
		ids_n = bytes = 0;
		for (size_t i = 0; i < texts->len; i += len) {
			const uint32_t *ids;
			ptrdiff_t n;

			memcpy(&len, texts->data + i, 4);
			i += 4;
			n = tokenizer_run(t, w, texts->data + i, len, &ids, &e);
			if (n < 0)
				die(&e);
			ids_n += (size_t)n;
			bytes += len;
		}
		took[k] = now() - from;
		tokens_free(w);
	}
	qsort(took, 9, sizeof(took[0]), compare);
	printf("%.6f %zu %zu\n", took[4], bytes, ids_n);
}

/* Milliseconds to build and to map, medians. */
static void
print_build(const struct tokenizer_files *files)
{
	struct error e = { 0 };
	double build[21], map[21];
	size_t size = 0;

	for (int k = 0; k < 21; k++) {
		struct tokenizer *t, *m;
		double from = now();
		struct str block;

		t = tokenizer_build(files, &e);
		if (t == NULL)
			die(&e);
		build[k] = now() - from;
		block = tokenizer_block(t);
		size = block.len;
		from = now();
		m = tokenizer_map(block.s, block.len, &e);
		if (m == NULL)
			die(&e);
		map[k] = now() - from;
		tokenizer_free(m);
		tokenizer_free(t);
	}
	qsort(build, 21, sizeof(build[0]), compare);
	qsort(map, 21, sizeof(map[0]), compare);
	printf("%.3f %.3f %zu\n", build[10] * 1e3, map[10] * 1e3, size);
}

int
main(int argc, char *argv[])
{
	struct error e = { 0 };
	struct tokenizer_files files = { 0 };
	struct buf one, config, texts = { 0 };
	struct tokenizer *t;
	size_t len = argc > 2 ? strlen(argv[2]) : 0;

	if (argc < 3)
		return 2;
	one = load(argv[2]);
	config = load(argc > 3 ? argv[3] : NULL);
	if (len > 5 && strcmp(argv[2] + len - 5, ".json") == 0)
		files.tokenizer = (struct str){ one.data, one.len };
	else
		files.vocab = (struct str){ one.data, one.len };
	files.config = (struct str){ config.data, config.len };
	if (strcmp(argv[1], "build") == 0) {
		print_build(&files);
		return 0;
	}
	t = tokenizer_build(&files, &e);
	if (t == NULL)
		die(&e);
	texts = load("/dev/stdin");
	if (strcmp(argv[1], "ids") == 0)
		print_ids(t, &texts);
	else
		print_time(t, &texts);
	tokenizer_free(t);
	buf_free(&one);
	buf_free(&config);
	buf_free(&texts);
	return fflush(stdout) != 0;
}
