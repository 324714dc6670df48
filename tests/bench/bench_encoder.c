/*
 * An encoder in a process of its own, that runs when it is told to, so that
 * encoders.py can let it and its peers take turns:
 *
 *	bench_encoder text|picture MODEL f32|f16|int8 THREADS
 *
 * Lines in, one number out for each:
 *	texts N T       seconds for N texts of T tokens
 *	pictures N      seconds for N pictures
 *	macs T          multiply-adds of one record
 *	peak            GFLOP/s of fused multiply-adds on one core, right now
 *	memory          largest resident size so far, MB
 *
 * Seconds are of processor time with one thread, because others may use the
 * machine too, and of the clock with more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "nn/encoder.h"
#include "probe.h"

static double
now(int threads)
{
	struct timespec t;

	clock_gettime(
	    threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the work ---- */

enum { RECORDS = 4096, TOKENS = 1 << 20 };

struct bench {
	struct encoder *encoder;
	struct encoder_work **work; /* [threads] */
	struct pool *pool;
	uint32_t *ids;
	size_t *end;
	float *px;
	size_t n, each, floats; /* records, of a share, of a picture */
	int bad;
};

static void
run_share(void *arg, size_t i, int worker)
{
	struct bench *b = arg;
	size_t from = i * b->each;
	size_t n = b->n - from < b->each ? b->n - from : b->each;
	struct encoder_out out;
	struct error e;
	int rc;

	/* The ends of the first share fit all others: texts are equally long.
	 */
	if (b->px == NULL)
		rc = encoder_texts(b->encoder, b->work[worker],
		    b->ids + (from > 0 ? b->end[from - 1] : 0), b->end, n, &out,
		    &e);
	else
		rc = encoder_pictures(b->encoder, b->work[worker],
		    b->px + from * b->floats, n, &out, &e);
	if (rc == -1)
		b->bad = 1;
}

/* At most 1,024 tokens or 8 pictures a call, as the commands do.  Several
 * threads have a few shares each, as long as these are not too small: who is
 * held up, or wakes late, then does fewer. */
static double
run(struct bench *b, size_t n, size_t least, size_t most, int threads)
{
	size_t shares = threads == 1 ? 1 : 4 * (size_t)threads;
	double t;

	b->n = n;
	b->each = (n + shares - 1) / shares;
	if (b->each < least)
		b->each = least;
	if (b->each > most)
		b->each = most;
	t = now(threads);
	pool_run_together(b->pool, (n + b->each - 1) / b->each, run_share, b);
	return now(threads) - t;
}

static void
make_ids(struct bench *b, size_t n, size_t tokens, uint32_t vocab)
{
	uint32_t x = 1;

	for (size_t i = 0; i < n * tokens; i++) {
		x = x * 1664525 + 1013904223;
		b->ids[i] = (x >> 8) % vocab;
	}
	for (size_t i = 0; i < n; i++)
		b->end[i] = (i + 1) * tokens;
}

/* Since exec; getrusage counts from before. */
static double
resident(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	double kb = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmHWM: %lf", &kb) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kb / 1024;
}

static double
answer(struct bench *b, const char *line, int threads, enum isa isa)
{
	const struct encoder_info *info = encoder_info(b->encoder);
	size_t n = 0, t = 0;

	if (sscanf(line, "texts %zu %zu", &n, &t) == 2 && n > 0 &&
	    n <= RECORDS && t > 0 && t <= info->max_tokens && n * t <= TOKENS &&
	    b->px == NULL) {
		make_ids(b, n, t, info->vocab);
		return run(
		    b, n, (128 + t - 1) / t, (1024 + t - 1) / t, threads);
	}
	if (sscanf(line, "pictures %zu", &n) == 1 && n > 0 && n <= 64 &&
	    b->px != NULL)
		return run(b, n, 2, 8, threads);
	if (sscanf(line, "macs %zu", &t) == 1)
		return (double)encoder_macs(b->encoder, t);
	if (strncmp(line, "peak", 4) == 0)
		return peak(isa) * 1e-9;
	return strncmp(line, "memory", 6) == 0 ? resident() : -1;
}

static int
find(const char *word, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

int
main(int argc, char **argv)
{
	static const char *const kinds[] = { "text", "picture", NULL };
	static const char *const precisions[] = { "f32", "f16", "int8", NULL };
	struct encoder_how how = { .normalize = -1 };
	struct bench b = { 0 };
	const struct encoder_info *info;
	struct store *s;
	struct error e;
	char line[256];
	int kind, precision, threads;

	if (argc != 5 || (kind = find(argv[1], kinds)) < 0 ||
	    (precision = find(argv[3], precisions)) < 0 ||
	    (threads = atoi(argv[4])) < 1) {
		fprintf(stderr, "usage: bench_encoder text|picture MODEL "
				"f32|f16|int8 THREADS\n");
		return 2;
	}
	(void)median; /* probe.h's; bench-encoders takes its own */
	mem_give_back();
	if (cpu_isa_from_env(&how.isa, &e) == -1)
		goto fail;
	s = store_open(argv[2], (enum precision)precision, &e);
	if (s == NULL)
		goto fail;
	b.encoder = encoder_new(s, (enum encoder_kind)kind, &how, &e);
	b.pool = pool_new(threads, &e);
	if (b.encoder == NULL || b.pool == NULL)
		goto fail;
	info = encoder_info(b.encoder);
	threads = pool_threads(b.pool);
	b.work = mem_array((size_t)threads, sizeof(*b.work));
	for (int i = 0; i < threads; i++) {
		if ((b.work[i] = encoder_work_new(b.encoder, &e)) == NULL)
			goto fail;
		encoder_work_share(b.work[i], b.pool);
	}
	if (kind == ENCODER_PICTURE) {
		b.floats = (size_t)info->pixels.width * info->pixels.height * 3;
		b.px = mem_array(64 * b.floats, sizeof(*b.px));
		for (size_t i = 0; b.px != NULL && i < 64 * b.floats; i++)
			b.px[i] = (float)(i % 509) * 0x1p-8f - 1;
	} else {
		b.ids = mem_array(TOKENS, sizeof(*b.ids));
		b.end = mem_array(RECORDS, sizeof(*b.end));
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		printf("%.9g\n", answer(&b, line, threads, how.isa));
		fflush(stdout);
		if (b.bad)
			return 1;
	}
	return 0;
fail:
	fprintf(stderr, "bench_encoder: %s\n", e.text);
	return 1;
}
