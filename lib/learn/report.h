#ifndef LEARN_REPORT_H
#define LEARN_REPORT_H

#include "base/mem.h"
#include "learn/scoring.h"

/*
 * What scoring found, as words for people or as JSON for programs.  A figure
 * without a value is the word "undefined", or null.
 *
 * Functions append to a buffer and return 0, or -1 when memory is out.
 */

struct report {
	const struct scoring *g;
	const struct figures *f;
	const char *name[2]; /* of the systems: their files */
	unsigned chosen;     /* bit k: figure number k is wanted */
#define REPORT_ALL ~0u       /* all that there are */
	int summary;         /* no tables of classes */
};

/*
 * report_text: the figures with their intervals, a line for each class, and
 * for classes the table of truth against prediction (of the REPORT_CLASSES
 * most frequent, where there are more).  With two systems their figures, the
 * difference, and p.
 */
enum { REPORT_CLASSES = 12 };
int report_text(struct buf *out, const struct report *r);

/* report_json: one object on one line; evaluate(1) says what is in it. */
int report_json(struct buf *out, const struct report *r);

/*
 * report_row_json: the figures of A and their intervals alone, to go on in an
 * object that has begun; with two systems also the difference, its interval
 * and p.
 */
int report_row_json(struct buf *out, const struct report *r);

/* report_undefined: how many of the chosen figures have no value. */
int report_undefined(const struct report *r);

#endif
