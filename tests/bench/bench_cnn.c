/*
 * How fast a convolutional encoder is: bench_cnn MODEL [-v]
 *
 * Pictures a second of one thread, in batches of 16, and the share of the
 * peak, which is probed beside each run; medians, and the best.  With -v also
 * each chain of joined operations by itself, again and again, so that its
 * weights are near.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cnn.h"
#include "probe.h"

enum { RUNS = 15, BATCH = 16 };

static uint64_t
op_macs(const struct cnn_op *op)
{
	uint64_t pixels = (uint64_t)op->win.oh * op->win.ow;

	if (op->kind == CNN_CONV)
		return conv_macs(&op->conv);
	if (op->kind == CNN_DEPTH)
		return pixels * op->c * op->win.kh * op->win.kw;
	return 0;
}

/* The chain of n operations from i on, in a network of its own. */
static void
bench_chain(const struct cnn *x, struct cnn_work *w, const float *px, size_t i,
    size_t n)
{
	static const char *const kinds[] = { "conv", "depth", "max", "norm",
		"squeeze" };
	struct cnn one = *x;
	double times[RUNS], share[RUNS], flops = 0, middle;

	one.ops += i;
	one.n = n;
	for (size_t k = 0; k < n; k++)
		flops += 2 * (double)op_macs(one.ops + k);
	for (int r = 0; r < RUNS; r++) {
		double top = peak(x->base.how.isa), t = seconds();

		for (int again = 0; again < 8; again++)
			cnn_run(&one, w, px);
		times[r] = (seconds() - t) / 8;
		share[r] = 100 * flops / times[r] / top;
	}
	middle = median(times, RUNS);
	printf("%7.1f us, best %7.1f; %5.1f M, %3.0f %%", middle * 1e6,
	    times[0] * 1e6, flops * 0.5e-6, median(share, RUNS));
	printf(", best %3.0f; %2u rows", share[RUNS - 1], one.ops[n - 1].keep);
	for (size_t k = 0; k < n; k++) {
		const struct cnn_op *op = one.ops + k;

		printf(" %s %ux%u/%u %ux%ux%u", kinds[op->kind], op->win.kh,
		    op->win.kw, op->win.stride, op->win.oh, op->win.ow, op->c);
	}
	putchar('\n');
}

int
main(int argc, char **argv)
{
	struct encoder_how how = { cpu_isa(), 0, POOL_MODEL, -1 };
	struct error e = { "", 0 };
	struct store *s;
	struct encoder *x = NULL;
	struct encoder_work *w = NULL;
	const struct encoder_info *info;
	struct encoder_out out;
	double rate[RUNS], share[RUNS], middle;
	float *px;
	size_t size;

	if (argc < 2)
		return 2;
	s = store_open(argv[1], PRECISION_F32, &e);
	if (s == NULL ||
	    (x = encoder_new(s, ENCODER_PICTURE, &how, &e)) == NULL ||
	    (w = encoder_work_new(x, &e)) == NULL) {
		fprintf(stderr, "bench_cnn: %s\n", e.text);
		return 1;
	}
	info = encoder_info(x);
	size = (size_t)info->pixels.width * info->pixels.height * 3;
	px = mem_array(BATCH * size, sizeof(*px));
	if (px == NULL)
		return 1;
	for (size_t i = 0; i < BATCH * size; i++)
		px[i] = (float)(i * 2654435761u % 1021) * 0x1p-9f - 1;
	for (int r = 0; r < RUNS; r++) {
		double top = peak(how.isa), t = seconds();

		if (encoder_pictures(x, w, px, BATCH, &out, &e) == -1)
			return 1;
		rate[r] = BATCH / (seconds() - t);
		share[r] = 100 * rate[r] * 2 * (double)encoder_macs(x, 0) / top;
	}
	middle = median(rate, RUNS);
	printf("%s: %.1f pictures a second, best %.1f; %.0f %% of the peak, "
	       "best %.0f\n",
	    info->family, middle, rate[RUNS - 1], median(share, RUNS),
	    share[RUNS - 1]);
	for (size_t i = 0, n; argc > 2 && i < ((struct cnn *)x)->n; i += n) {
		const struct cnn *c = (const struct cnn *)x;

		for (n = 1; i + n < c->n && c->ops[i + n].joined;)
			n++;
		bench_chain(c, (struct cnn_work *)w, px, i, n);
	}
	encoder_work_free(w);
	encoder_free(x);
	store_free(s);
	free(px);
	return 0;
}
