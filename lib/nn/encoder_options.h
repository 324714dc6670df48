#ifndef NN_ENCODER_OPTIONS_H
#define NN_ENCODER_OPTIONS_H

#include "base/mem.h"
#include "base/options.h"
#include "nn/encoder.h"

/*
 * The options of commands that run a pretrained encoder (-m), and the model
 * that they name, opened.  For commands: a bad option is a usage error.
 *
 *	struct encoder_options eo = { 0 };
 *	...	default: if (!encoder_option(&o, key, &eo)) ...
 *	encoder_options_check(&eo);
 *	if (eo.model != NULL) {
 *		pretrained_open(&p, &eo, ENCODER_PICTURE, &e)
 *		...what else is to be in a packed file is asked of p.store...
 *		pretrained_save(&p, &e)
 *		pretrained_space(&p, &space, "")
 */

/* ENCODER_VERSION: in every part's space; raised by whatever changes the
 * numbers of any encoder. */
enum { ENCODER_VERSION = 1 };

enum encoder_normalize { NORMALIZE_MODEL, NORMALIZE_YES, NORMALIZE_NO };

/* Filled from the command line by encoder_option; zero is the default. */
struct encoder_options {
	const char *model;  /* a directory or packed file; NULL: not asked */
	const char *packed; /* --packed, or NULL */
	int layer;          /* 0: the last */
	enum pooling pool;
	enum encoder_normalize normalize;
	enum precision precision;
	int threads;       /* that pack the weights; 0: all processors */
	const char *needs; /* the first option that needs -m, as typed */
};

enum {
	ENCODER_KEY_FIRST = 1200,
	ENCODER_KEY_PACKED = ENCODER_KEY_FIRST,
	ENCODER_KEY_LAYER,
	ENCODER_KEY_POOL,
	ENCODER_KEY_NORMALIZE,
	ENCODER_KEY_NO_NORMALIZE,
	ENCODER_KEY_PRECISION
};

// clang-format off
#define ENCODER_OPTIONS \
	{ 'm', "model", "DIR|FILE", \
	  "a pretrained encoder: its folder, or a packed file" }, \
	{ ENCODER_KEY_PACKED, "packed", "FILE", \
	  "with -m DIR: keep the weights there, ready to use" }, \
	{ ENCODER_KEY_PRECISION, "precision", "WHAT", \
	  "with -m: f32, f16 or int8 (f32)" }, \
	{ ENCODER_KEY_POOL, "pool", "HOW", \
	  "with -m: mean, cls, max, last, or none: a sequence (the model's)" }, \
	{ ENCODER_KEY_LAYER, "layer", "N", \
	  "with -m: take the output of layer N (the last)" }, \
	{ ENCODER_KEY_NORMALIZE, "normalize", NULL, \
	  "with -m: vectors of unit length (as the model says)" }, \
	{ ENCODER_KEY_NO_NORMALIZE, "no-normalize", NULL, \
	  "with -m: vectors as they come" }
// clang-format on

/* encoder_option(opt, key, o): take the option that options_next gave.  1, or
 * 0 when the key is none of the above. */
int encoder_option(
    const struct options *opt, int key, struct encoder_options *o);

/* encoder_options_need(opt, o): the current option, one of the command's own,
 * makes sense with -m only. */
void encoder_options_need(const struct options *opt, struct encoder_options *o);

/* encoder_options_check: after the last option: one that needs -m without it
 * is a usage error. */
void encoder_options_check(const struct encoder_options *o);

/* A model, opened as the options say. */
struct pretrained {
	const struct encoder_options *options;
	struct store *store;
	struct encoder *encoder;
};

/* pretrained_open: the store, from the packed file where that fits, and the
 * encoder on it.  0, or -1 with a sentence; pretrained_free accepts both, and
 * zeroes. */
int pretrained_open(struct pretrained *p, const struct encoder_options *o,
    enum encoder_kind kind, struct error *e);
void pretrained_free(struct pretrained *p);

/* pretrained_save: write the packed file, if one was asked for and the store
 * did not come from it.  1 when it was written, 0, -1. */
int pretrained_save(const struct pretrained *p, struct error *e);

/* pretrained_space, pretrained_run: append what a stream's header says about
 * such vectors, as JSON objects; ${more} are further members, each with a
 * comma before it (",\"prompt\":\"query\""), or "".  0 or -1 (memory). */
int pretrained_space(
    const struct pretrained *p, struct buf *b, const char *more);
int pretrained_run(const struct pretrained *p, struct buf *b, const char *more);

#endif
