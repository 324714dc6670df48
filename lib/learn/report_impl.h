#ifndef LEARN_REPORT_IMPL_H
#define LEARN_REPORT_IMPL_H

#include "learn/report.h"

/* report_count: the figures of the task. */
size_t report_count(const struct report *r);

/* report_wants: whether figure k is shown.  Those that there cannot be are
 * shown where they are asked for by name. */
int report_wants(const struct report *r, size_t k);

/* report_interval: of A (0), B (1), A - B (2). */
struct interval report_interval(const struct report *r, int which, size_t k);

/* report_accepted: the share of records that the model did not decline. */
double report_accepted(const struct scoring_count *c);

/* report_tally: hits and support of the first system's predictions alone; to
 * be freed.  NULL when memory is out. */
struct tally *report_tally(const struct report *r);

#endif
