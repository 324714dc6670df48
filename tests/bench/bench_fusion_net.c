/*
 * How long a step of training a net takes: bench_fusion_net KIND HIDDEN
 *
 * Random records of two dense parts, 384 and 1280 columns, as MiniLM and
 * EfficientNet-Lite0 give; 15 classes, batches of 64, one thread.  For each
 * line on standard input, trains an epoch and prints the milliseconds a step of
 * this thread's own time; bench_fusion_net.py asks in turns with PyTorch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "fusion/net.h"
#include "learn/scale.h"

enum { N = 1280, BATCH = 64, CLASSES = 15, PARTS = 2 };

/* Of this thread. */
static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int
make(struct dataset *ds, struct schema *s, struct error *e)
{
	static const uint32_t dims[PARTS] = { 384, 1280 };
	struct batch b = { 0 };
	struct rng r;
	int rc = -1;

	if (schema_add(s, "text", PART_DENSE, dims[0], NULL, NULL, e) < 0 ||
	    schema_add(s, "image", PART_DENSE, dims[1], NULL, NULL, e) < 0 ||
	    batch_init(&b, s, e) < 0 ||
	    dataset_init(ds, s, TASK_CLASS, 0, e) < 0)
		return -1;
	rng_seed(&r, 1);
	for (size_t i = 0; i < N; i++) {
		enum dataset_taken taken;
		char id[32], name[32];
		struct str label = { name, 0 };

		snprintf(id, sizeof(id), "%zu", i);
		label.len =
		    (size_t)snprintf(name, sizeof(name), "c%zu", i % CLASSES);
		batch_clear(&b);
		if (batch_add(&b, id, strlen(id), e) < 0)
			goto done;
		for (size_t p = 0; p < PARTS; p++) {
			float *x = batch_dense(&b, p);

			for (size_t j = 0; x != NULL && j < dims[p]; j++)
				x[j] = (float)(rng_double(&r) +
					       (j % CLASSES == i % CLASSES));
		}
		if (dataset_add(ds, &b, 0, &label, 1, 1, 0, &taken, e) < 0)
			goto done;
	}
	rc = dataset_finish(ds, 1, 0, e);
done:
	batch_free(&b);
	return rc;
}

static int
answer(struct net_run *run, const struct linalg *la, struct error *e)
{
	char line[8];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		double loss, t = seconds();

		if (net_run_epoch(run, la, NULL, &loss, e) < 0)
			return -1;
		printf("%.5f %.5f\n", 1e3 * (seconds() - t) * BATCH / N, loss);
		fflush(stdout);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const struct linalg *la = linalg_get(cpu_isa());
	struct net_options o = { .dropout = 0.5,
		.batch = BATCH,
		.epochs = 1000,
		.weight_decay = 0.01 };
	struct net_shape shape = { .C = CLASSES, .seed = 1 };
	struct str kind = { argc > 1 ? argv[1] : "mlp", 0 };
	struct schema schema = { 0 };
	struct scaling scaling = { 0 };
	struct dataset ds;
	struct error e = { 0 };
	struct truth truth;
	struct rows all;
	struct net *net = NULL;
	struct net_run *run = NULL;
	int k;

	kind.len = strlen(kind.s);
	k = net_kind_of(kind);
	if (k < 0 || argc != 3) {
		fprintf(stderr, "usage: bench_fusion_net KIND HIDDEN\n");
		return 2;
	}
	shape.kind = (enum net_kind)k;
	shape.hidden = (size_t)strtoul(argv[2], NULL, 10);
	if (make(&ds, &schema, &e) == 0) {
		all = dataset_rows(&ds);
		truth = dataset_truth(&ds, ds.weight);
		if (dataset_scale(la, NULL, &ds, &all, &e) == 0 &&
		    scaling_take(&scaling, &ds, &e) == 0 &&
		    (net = net_new(&shape, &scaling, &e)) != NULL)
			run = net_run_new(net, &o, &ds, &all, &truth, &e);
	}
	if (run == NULL || answer(run, la, &e) < 0) {
		fprintf(stderr, "bench_fusion_net: %s\n", e.text);
		return 1;
	}
	net_run_free(run);
	net_free(net);
	scaling_free(&scaling);
	dataset_free(&ds);
	schema_free(&schema);
	return 0;
}
