#include <string.h>

#include "fuzz.h"
#include "learn/predictions.h"
#include "learn/report.h"
#include "learn/scoring.h"

/* What is read can be scored, and no figure leaves its range. */
static void
check(const struct predictions *p)
{
	const struct predictions *both[2] = { p, p };
	struct scoring_options o = { .resubstitution = 1 };
	struct buf text = { 0 };
	struct scoring g;
	struct figures f;
	struct report r = {
		.g = &g, .f = &f, .name = { "a", "b" }, .chosen = ~0u
	};
	struct error e;

	for (int systems = 1; systems <= 2; systems++) {
		text.len = 0;
		if (scoring_make(&g, both, systems, &o, &e) == 0) {
			FUZZ_MUST(scoring_figures(&g, 3, 1, NULL, &f, &e) == 0);
			FUZZ_MUST(report_json(&text, &r) == 0);
			FUZZ_MUST(report_text(&text, &r) == 0);
			if (g.s.task == SCORE_CLASS)
				FUZZ_MUST(f.value[0][CLASS_ACCURACY] >= 0 &&
					  f.value[0][CLASS_ACCURACY] <= 1);
			FUZZ_MUST(f.only_a == 0 && f.only_b == 0);
		}
		scoring_free(&g);
	}
	buf_free(&text);
}

static void
fuzz_one(const unsigned char *data, size_t n)
{
	struct buf copy = { 0 };
	struct predictions p = { 0 };
	struct error e;

	if (buf_put(&copy, data, n) < 0)
		return;
	{
		struct reader in = { .fd = -1,
			.name = "fuzz",
			.data = copy.data,
			.len = n,
			.eof = 1 };

		if (predictions_parse(&p, &in, &e) == 0)
			check(&p);
	}
	predictions_free(&p);
	buf_free(&copy);
}
