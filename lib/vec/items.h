#ifndef VEC_ITEMS_H
#define VEC_ITEMS_H

#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/options.h"

/*
 * What an extractor is to read, one item after another, the same for all of
 * them.  Inputs come as
 *
 *	operands   files, and directories with all that is below them;
 *	lists      files named in a file, one a line or ended by NUL;
 *	manifests  JSON Lines, CSV or TSV with a field for the id and one for
 *	           the file's name (--file) or for the text itself (--text);
 *	lines      each line is a text (--lines).
 *
 * Without operands or a list, standard input is read: as a manifest where
 * --file or --text is given, else as lines or as one file, as the extractor
 * says.  An item has an id, and a file's path or a text; reading the file is
 * left to the caller (runner.h does it).
 *
 * Ids follow the record contract: the path below a directory operand, the path
 * as given for files named or listed by themselves (both escaped as
 * batch_path_id does), the field of a manifest; --id-from chooses otherwise.
 * Lines have no id of their own and want --id-from line, which numbers them.
 *
 * Functions return -1 with a sentence for what ends the work: a manifest or
 * folder that cannot be read, memory.  A bad item is an item.
 */

enum { ITEMS_MAX_LINE = 16 << 20, ITEMS_MAX_LIST_NAME = 1 << 16 };

enum items_id {
	ITEMS_ID_AUTO,
	ITEMS_ID_PATH,
	ITEMS_ID_NAME,
	ITEMS_ID_STEM,
	ITEMS_ID_LINE,
	ITEMS_ID_FIELD
};

/* Filled from the command line by items_option; zero is the default. */
struct items_options {
	int stdin_lines;  /* set by the command: its standard input is texts,
			   * one a line, and not one file */
	const char *list; /* a file of names, "-", or NULL */
	int list_nul;     /* its names end with NUL */
	const char *base; /* where relative names of lists and manifests
			   * begin, or NULL */
	const char *file; /* fields of a manifest, or NULL; ${text} may be */
	const char *text; /* several, between commas */
	const char *id;
	const char *label;
	const char *group;
	enum items_id id_from;
	int label_dir;          /* the first folder of the path is the label */
	int lines;              /* operands are texts, one a line */
	uint64_t shard, shards; /* take item shard, shard + shards, ...; from
				 * 0; shards = 0 takes all */
};

enum {
	ITEMS_KEY_FIRST = 1000,
	ITEMS_KEY_FILES0 = ITEMS_KEY_FIRST,
	ITEMS_KEY_FILES,
	ITEMS_KEY_BASE,
	ITEMS_KEY_FILE,
	ITEMS_KEY_TEXT,
	ITEMS_KEY_ID,
	ITEMS_KEY_LABEL,
	ITEMS_KEY_GROUP,
	ITEMS_KEY_ID_FROM,
	ITEMS_KEY_LABEL_FROM,
	ITEMS_KEY_LINES,
	ITEMS_KEY_SHARD
};

/* The rows for a command's table; ITEMS_TEXT_OPTIONS for those that read
 * texts, before the others. */
// clang-format off
#define ITEMS_TEXT_OPTIONS \
	{ ITEMS_KEY_TEXT, "text", "FIELD[,FIELD]", \
	  "read a manifest (JSON Lines, CSV, TSV); its text is in FIELD" }, \
	{ ITEMS_KEY_LINES, "lines", NULL, \
	  "each line of the input is a text (with --id-from line)" }
#define ITEMS_OPTIONS \
	{ ITEMS_KEY_FILE, "file", "FIELD", \
	  "read a manifest; the name of the file is in FIELD" }, \
	{ ITEMS_KEY_ID, "id", "FIELD", "the id is in FIELD" }, \
	{ ITEMS_KEY_LABEL, "label", "FIELD", \
	  "the label, or a list of labels, is in FIELD" }, \
	{ ITEMS_KEY_GROUP, "group", "FIELD", \
	  "what must stay together in splits is in FIELD" }, \
	{ ITEMS_KEY_FILES, "files-from", "FILE", \
	  "read the names in FILE, one a line" }, \
	{ ITEMS_KEY_FILES0, "files0-from", "FILE", \
	  "read the names in FILE, each ended by NUL" }, \
	{ '0', NULL, NULL, "the same from standard input" }, \
	{ ITEMS_KEY_BASE, "base", "DIR", \
	  "where relative names of a list or manifest begin" }, \
	{ ITEMS_KEY_ID_FROM, "id-from", "WHAT", \
	  "path, name, stem, line or field" }, \
	{ ITEMS_KEY_LABEL_FROM, "label-from", "dir", \
	  "the label is the first folder of the path" }, \
	{ ITEMS_KEY_SHARD, "shard", "I/N", \
	  "take input I, I + N, I + 2 N, ... (from 1)" }
// clang-format on

/* items_option(opt, key, o): take the option that options_next gave.  1, or
 * 0 when the key is none of the above.  A bad argument is a usage error. */
int items_option(const struct options *opt, int key, struct items_options *o);

/* items_options_check: after the last option: what does not go together is a
 * usage error.  ${opt} holds the operands. */
void items_options_check(
    const struct options *opt, const struct items_options *o);

struct item {
	struct str id;    /* checked (batch_check_id) */
	const char *path; /* the file to read, "-" for standard input, or NULL
			   * for a text, and for what is missing or in error */
	struct str text;  /* several fields are joined by newlines */
	const struct strs *labels;
	struct str group;  /* empty: none */
	uint64_t line;     /* of the manifest, list or text; 0: none */
	int walked;        /* found below a directory: may be passed over */
	uint32_t flags;    /* FLAG_BAD_UTF8: a lone surrogate was replaced */
	int missing;       /* a null, empty or absent field */
	const char *error; /* why it cannot be encoded, or NULL */
};

struct items; /* opaque */

/*
 * What is asked and told on the way; each may be NULL.
 * rejected: this input has no id and is no record; ${why} is a sentence
 *	with its place, "'a.csv': line 12: no field 'id'".
 * noted: a sentence that may matter: a field that no line of JSON Lines has,
 *	which makes every record's missing.
 * waits: the next read would block.  Returns 0, or -1 to end the work.
 */
struct items_calls {
	void *arg;
	void (*rejected)(void *arg, const char *why);
	void (*noted)(void *arg, const char *why);
	int (*waits)(void *arg, struct error *e);
};

/* items_open(o, paths, n): the operands are borrowed until items_close, as
 * ${o} is.  NULL on error. */
struct items *items_open(const struct items_options *o, char *const *paths,
    int n, const struct items_calls *calls, struct error *e);
void items_close(struct items *it); /* NULL is fine */

/* items_next: 1 and the next item, valid until the next call; 0 at the end;
 * -1. */
int items_next(struct items *it, struct item *item, struct error *e);

/* items_skipped: directory entries passed over so far because they are no
 * files. */
uint64_t items_skipped(const struct items *it);

/* items_total: how many items there will be where that is known, else 0. */
uint64_t items_total(const struct items *it);

#endif
