/*
 * Which candidates make the model.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/trainer_impl.h"

/* Whether there are two parts or more to stack. */
static int
can_stack(const struct learner *l)
{
	size_t n = 0;

	for (size_t s = 1; s < l->sets; s++)
		n += l->fallback[s] >= 0 && (l->set[s] & (l->set[s] - 1)) == 0;
	return n > 1;
}

int
choose_method(struct learner *l, struct error *e)
{
	double *base = mem_array(l->cands + 32, sizeof(*base));
	int late = l->t->method == FUSION_LATE && can_stack(l), rc;

	if (base == NULL)
		return error_memory(e);
	base[0] = 1;
	rc = table_make(l, base, late, e);
	free(base);
	return rc;
}
