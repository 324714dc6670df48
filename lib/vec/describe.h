#ifndef VEC_DESCRIBE_H
#define VEC_DESCRIBE_H

#include "base/error.h"
#include "base/mem.h"
#include "vec/input.h"
#include "vec/model.h"
#include "vec/summary.h"

/*
 * What is in a stream or a model, in words for people or as a JSON object on
 * one line for programs.  Appended to a buffer; 0, or -1 when memory is out.
 * In words, control characters of names and labels are written \xHH, and long
 * lists are cut unless ${all}.
 */

/* describe_stream: ${why}: what was wrong with it, "" when nothing was. */
int describe_stream(struct buf *out, const char *name, const struct input *in,
    const struct summary *s, const struct error *why, int all);
int describe_stream_json(struct buf *out, const char *name,
    const struct input *in, const struct summary *s, const struct error *why);

/* describe_model: ${about}: lines that say what the configuration does, in its
 * place unless ${all}; NULL when there are none. */
int describe_model(struct buf *out, const char *name, const struct model *m,
    const char *about, int all);
int describe_model_json(
    struct buf *out, const char *name, const struct model *m);

/* describe_config: the values of a JSON object, text: [n], one a line. */
int describe_config(struct buf *out, const char *name, const char *text,
    size_t n, struct error *e);

#endif
