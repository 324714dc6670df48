#ifndef NN_CARD_H
#define NN_CARD_H

#include "base/error.h"
#include "base/mem.h"
#include "nn/encoder.h"

/*
 * What a pretrained model is and what it costs, for people who ask before they
 * run it: sizes, parameters, memory of the weights in each precision,
 * multiply-adds for a record, and records a second on this machine, which are
 * measured here and now by running it for a quarter of a second on one thread.
 */

struct card_how {
	enum isa isa;
	int json;   /* one object on one line, else lines for people */
	int quick;  /* measure nothing */
	int verify; /* read all of it: checksum, finite numbers */
};

/*
 * card_put(out, path, how, e): append the card of a model's directory or
 * packed file.  0, also when the model is one that cannot be run, which the
 * card then says with the reason; -1 when it is not sound, or memory is out.
 */
int card_put(struct buf *out, const char *path, const struct card_how *how,
    struct error *e);

#endif
