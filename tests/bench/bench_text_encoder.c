/*
 * How fast an encoder of texts is, tokens to vectors, on one thread:
 * bench_text_encoder DIRECTORY [f32|f16|i8 [portable|avx2|avx512]]
 *
 * First what stands between the linear layers, by itself.  Then batches of 32
 * texts of 16, 64 and 128 tokens, and of mixed lengths, and one warm text of
 * 16; beside each the share of the peak of multiply-adds, probed before and
 * after every run.  Medians of the thread's own time.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/rowwise.h"
#include "nn/encoder.h"
#include "probe.h"

enum { RUNS = 9, BATCH = 32, TOKENS = 16384 };

struct bench {
	enum isa isa;
	struct encoder *x;
	struct encoder_work *w;
	uint32_t ids[TOKENS];
};

static void
batch(struct bench *b, const char *what, const size_t *end, size_t n)
{
	double rate[RUNS], share[RUNS], flops = 0, before;
	struct encoder_out out;
	struct error e;
	int repeat;

	for (size_t i = 0; i < n; i++)
		flops += 2 * (double)encoder_macs(
				 b->x, end[i] - (i > 0 ? end[i - 1] : 0));
	repeat = flops > 1e9 ? 1 : (int)(1e9 / flops);
	encoder_texts(b->x, b->w, b->ids, end, n, &out, &e);
	before = peak(b->isa);
	for (int i = 0; i < RUNS; i++) {
		double t = seconds(), next;

		for (int r = 0; r < repeat; r++)
			encoder_texts(b->x, b->w, b->ids, end, n, &out, &e);
		t = (seconds() - t) / repeat;
		next = peak(b->isa);
		rate[i] = (double)n / t;
		share[i] = flops / t / (before > next ? before : next);
		before = next;
	}
	printf("%-22s %8.1f texts/s %7.2f ms %6.1f %% of the peak\n", what,
	    median(rate, RUNS), 1e3 * (double)n / median(rate, RUNS),
	    100 * median(share, RUNS));
	fflush(stdout);
}

static void
texts(struct bench *b)
{
	static const size_t lengths[] = { 16, 64, 128 };
	const struct encoder_info *info = encoder_info(b->x);
	size_t end[BATCH], T = 0;
	char what[40];

	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; i < BATCH; i++)
			end[i] = (i + 1) * lengths[k];
		if (lengths[k] > info->max_tokens)
			continue;
		snprintf(what, sizeof(what), "32 of %zu tokens", lengths[k]);
		batch(b, what, end, BATCH);
	}
	for (size_t i = 0; i < BATCH; i++) {
		T += 5 + i * i * 7 % 120;
		end[i] = T;
	}
	if (info->max_tokens >= 125)
		batch(b, "32 of 5 to 124 tokens", end, BATCH);
	end[0] = 16;
	batch(b, "1 of 16 tokens", end, 1);
}

static void
between(struct bench *b)
{
	static const size_t lengths[] = { 16, 64, 128, 512 };
	const struct encoder_info *info = encoder_info(b->x);
	const struct rowwise *rk = rowwise_get(b->isa);
	size_t D = info->hidden, d = D / info->heads;
	float *qkv = mem_aligned(512 * 3 * D, sizeof(float));
	float *y = mem_aligned(512 * D, sizeof(float));
	float *room =
	    mem_aligned(rowwise_attention_room(512, d), sizeof(float));
	double time[RUNS];

	for (size_t i = 0; i < 512 * 3 * D; i++)
		qkv[i] = (float)(i * 2654435761u % 1000) * 1e-3f - 0.5f;
	for (size_t k = 0; k < 4; k++) {
		size_t n = lengths[k];
		double flops = 4.0 * (double)(n * n * D), top = peak(b->isa);
		struct attention a = { qkv, qkv + D, qkv + 2 * D, 3 * D, 3 * D,
			3 * D, y, D, n, n, 0, info->heads, d,
			1 / sqrtf((float)d), 0, NULL, 0, room };

		for (int i = 0; i < RUNS; i++) {
			double t = seconds();

			for (size_t r = 0; r < 1024 / n; r++)
				rk->attention(&a);
			time[i] = (seconds() - t) / (double)(1024 / n);
		}
		printf("attention, %4zu tokens  %8.2f us a token %6.1f %% of "
		       "the peak\n",
		    n, 1e6 * median(time, RUNS) / (double)n,
		    100 * flops / median(time, RUNS) / top);
	}
	for (int i = 0; i < RUNS; i++) {
		double t = seconds();

		for (int r = 0; r < 10; r++)
			rk->layer_norm(
			    y, D, y, D, 128, D, qkv, qkv + D, 1e-12f);
		time[i] = (seconds() - t) / 10;
	}
	fflush(stdout);
	printf("layer norm             %8.2f us a token\n",
	    1e6 * median(time, RUNS) / 128);
	free(qkv);
	free(y);
	free(room);
}

int
main(int argc, char **argv)
{
	static const char *const precisions[] = { "f32", "f16", "i8" };
	static struct bench b;
	enum precision p = PRECISION_F32;
	struct encoder_how how = { .normalize = -1 };
	struct error e = { 0 };
	struct store *s;

	b.isa = cpu_isa();
	for (int i = 0; i < 3 && argc > 2; i++)
		if (strcmp(argv[2], precisions[i]) == 0)
			p = (enum precision)i;
	for (int i = 0; i < ISA_COUNT && argc > 3; i++)
		if (strcmp(argv[3], cpu_isa_name((enum isa)i)) == 0)
			b.isa = (enum isa)i;
	if (argc < 2) {
		fputs(
		    "usage: bench_text_encoder DIRECTORY [f32|f16|i8 [ISA]]\n",
		    stderr);
		return 2;
	}
	how.isa = b.isa;
	s = store_open(argv[1], p, &e);
	b.x = s != NULL ? encoder_new(s, ENCODER_TEXT, &how, &e) : NULL;
	b.w = b.x != NULL ? encoder_work_new(b.x, &e) : NULL;
	if (b.w == NULL) {
		fprintf(stderr, "bench_text_encoder: %s\n", e.text);
		return 1;
	}
	for (size_t i = 0; i < TOKENS; i++)
		b.ids[i] =
		    (uint32_t)(i * 2654435761u % encoder_info(b.x)->vocab);
	printf("%s, %s, %s, peak %.1f GFLOP/s\n", encoder_info(b.x)->family,
	    precisions[p], cpu_isa_name(b.isa), 1e-9 * peak(b.isa));
	between(&b);
	texts(&b);
	encoder_work_free(b.w);
	encoder_free(b.x);
	store_free(s);
	return 0;
}
