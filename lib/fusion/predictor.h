#ifndef FUSION_PREDICTOR_H
#define FUSION_PREDICTOR_H

#include "base/mem.h"
#include "fusion/impute.h"
#include "fusion/net.h"
#include "learn/dataset.h"
#include "learn/inputs.h"
#include "linalg/linalg.h"
#include "vec/batch.h"
#include "vec/model.h"

/*
 * A trained model: members, which are linear models or nets over some of the
 * parts, and a table that says how their scores are mixed for each set of
 * parts that a record may have.
 *
 *	n = records, P = parts, M = members, C = outputs, S = sets in the table
 *
 *	F = shift[s] + sum_m mix[s][m] F_m
 *
 * and of classes, where the set has chance (learn/loss.h),
 *
 *	F = log((1 - sum chance[s]) softmax(F) + chance[s])
 *
 * where s is the set of parts that the record has.  A set that the table does
 * not know is treated like the first one, whose members then do with what is
 * there.  One linear model over all parts, one model for each part, nets and
 * ensembles are all of this shape, and so is a model that falls back on
 * another one where a part is missing.
 *
 *	linear   F_m = bias + sum over its parts of z W, or of the row of
 *	         ${missing} where the part is not there
 *	net      fusion/net.h
 *
 * Classes: softmax; labels: 1 / (1 + exp -F), said where it reaches the
 * label's threshold; regression: mean + scale * F.
 *
 * As a file, tensors by name:
 *
 *	part.NAME.shift      f64 [D]     dense, sequence (learn/inputs.h)
 *	part.NAME.factor     f64 [D]
 *	part.NAME.column     u32 [A]     sparse
 *	part.NAME.idf        f32 [A]
 *	member.K.NAME.weight f32 [A, C]  linear, of each part that it reads
 *	member.K.bias        f32 [C]
 *	member.K.missing     f32 [P, C]
 *	member.K.net...                  a net's own
 *	impute...            what impute.h keeps
 *	set.K.mix            f32 [M]
 *	set.K.shift          f32 [C]
 *	set.K.chance         f32 [C]     classes; may be left out
 *	set.K.doubt          f32 [k]     rising; see predictor_cover
 *	threshold            f32 [C]     multilabel
 *	train.ids            u64 [n]     hashes of the training ids, rising
 *	train.groups         u64 [g]     of their groups, where they had any
 *
 * The configuration names method, task, classes, parts with dim and space,
 * members, sets, and holds the report of the training.  A file of version 1,
 * which had one linear model and nothing else, is refused; one of version 2 has
 * no chance.
 *
 * Functions return 0 or -1 with a sentence.  Arrays of numbers belong to
 * whoever made them; of a loaded predictor to its file.  All else is freed by
 * predictor_free, which takes any state.
 */

enum member_kind { MEMBER_LINEAR, MEMBER_NET };

enum { PREDICTOR_MAX = 4096 }; /* members, sets: from outside */

struct member {
	enum member_kind kind;
	char *name;     /* "concat", "text", "gated": for people */
	uint64_t parts; /* that it reads */
	/* linear */
	const float **weight; /* [P] each [A, C]; NULL where it does not read */
	const float *bias;    /* [C] */
	const float *missing; /* [P, C] */
	/* net */
	struct net *net;
};

/* How records with this set of parts are predicted. */
struct part_set {
	uint64_t parts;
	const float *mix;    /* [M] */
	const float *shift;  /* [C] */
	const float *chance; /* [C], or NULL: none */
	const float *doubt;  /* [doubts] rising: 1 - p of the truth (labels: of
			      * the least likely true one; regression: the
			      * absolute error) of records that the members had
			      * not seen */
	size_t doubts;
};

struct predictor {
	enum task task;
	size_t C;
	struct strs classes;    /* C names; none for regression */
	const float *threshold; /* multilabel: [C], or NULL: 0.5 */
	double mean, scale;     /* regression */
	struct schema schema;
	struct scaling scaling; /* of its parts, in the order of the schema */
	struct impute *impute;  /* or NULL */
	struct member *member;  /* [members] */
	size_t members;
	struct part_set *set; /* [sets], one at least */
	size_t sets;
	const uint64_t *ids, *groups;
	size_t nids, ngroups;
	char *method;       /* "concat", "late", ... */
	char *report;       /* JSON object, or NULL */
	struct model model; /* the file, when loaded */
};

/* member_linear: name it, and make room for its weights, all NULL.
 * member_free takes any state. */
int member_linear(struct member *m, const char *name, uint64_t parts, size_t P,
    struct error *e);
void member_free(struct member *m);

/* predictor_save: whole or not at all. */
int predictor_save(
    const struct predictor *p, const char *path, struct error *e);

/* predictor_load: everything in the file is checked: shapes against each
 * other, columns rising, numbers finite. */
int predictor_load(struct predictor *p, const char *path, struct error *e);
void predictor_free(struct predictor *p);

/*
 * predictor_bind: which part of the stream each part of the model is:
 * map: [schema.n], -1 where the stream has none (it is then missing in every
 * record).  Refuses a part that the model does not know, and one of other
 * kind, dim or space, naming what differs; also a stream without any.
 */
int predictor_bind(const struct predictor *p, const struct schema *s, int *map,
    struct error *e);

/* Scratch of one thread. */
struct predictor_room; /* opaque */
struct predictor_room *predictor_room_new(
    const struct predictor *p, struct error *e);
void predictor_room_free(struct predictor_room *room); /* NULL is fine */

/* member_scores: F: [n, C] of one member.  in->has says what is there; parts
 * that the member does not read are passed over.  0, or -1 when memory is out.
 */
int member_scores(const struct predictor *p, const struct member *m,
    const struct linalg *la, const struct inputs *in, float *F,
    struct predictor_room *room, struct error *e);

/*
 * predictor_scores: F: [n, C] for records [first, first + n) of a batch, of
 * whose parts only those in ${keep} count (all: ~0).  Records do not influence
 * each other.  predictor_mix: the same of inputs; parts that are to be guessed
 * are guessed in a copy.  predictor_link then makes them probabilities or
 * values.
 */
int predictor_scores(const struct predictor *p, const struct linalg *la,
    const struct batch *b, const int *map, size_t first, size_t n,
    uint64_t keep, float *F, struct predictor_room *room, struct error *e);
int predictor_mix(const struct predictor *p, const struct linalg *la,
    const struct inputs *in, float *F, struct predictor_room *room,
    struct error *e);
void predictor_link(
    const struct predictor *p, const struct linalg *la, float *F, size_t n);

/*
 * Of the records that predictor_scores, _mix or _vector took last with this
 * room, [n]: predictor_has, the parts that they were taken with, guessed ones
 * among them; predictor_filled, those that were guessed.
 */
const uint64_t *predictor_has(const struct predictor_room *room);
const uint64_t *predictor_filled(const struct predictor_room *room);

/*
 * predictor_vector: the joint representation, x: [n, predictor_vector_size]:
 * the hidden layers of its nets one after another; of a model without nets the
 * scores of all of its members.  Zeros where none of these reads a part that
 * the record has: predictor_sees(p, has) is then 0.
 */
size_t predictor_vector_size(const struct predictor *p);
int predictor_sees(const struct predictor *p, uint64_t has);
int predictor_vector(const struct predictor *p, const struct linalg *la,
    const struct batch *b, const int *map, size_t first, size_t n, float *x,
    struct predictor_room *room, struct error *e);

/* predictor_set(p, has): the row of the table for records that have these
 * parts; those that are not live do not count. */
const struct part_set *predictor_set(const struct predictor *p, uint64_t has);

/* predictor_threshold: from which probability on label c is said. */
double predictor_threshold(const struct predictor *p, size_t c);

/* predictor_can: 1 when record i can be predicted: the parts that it has are
 * finite, and where it has none, none is in error.  Else 0, and *why says it.
 */
int predictor_can(const struct predictor *p, const struct batch *b,
    const int *map, size_t i, struct error *why);

/* predictor_finite: whether scores, or what was made of them, P: [n], are
 * numbers; else 0, and *why says it: values far from those of the training may
 * leave what floats hold. */
int predictor_finite(const float *P, size_t n, struct error *why);

/* predictor_knows: the record was trained on: by its id, or by its group. */
int predictor_knows(const struct predictor *p, struct str id, struct str group);

#endif
