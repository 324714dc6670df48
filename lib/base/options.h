#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Command options from one table, which makes the parser, --help and the
 * completions, so that they cannot disagree.
 *
 *	static const struct option_row rows[] = {
 *		{ 'o', "output", "FILE", "write to FILE, whole or not at all" },
 *		{ 256, "dim", "N", "length of the vector (1024)" },
 *		OPTIONS_COMMON,
 *		{ 0 }
 *	};
 *	static const struct command self = {
 *		"embed-text", "[options] [FILE ...]", "Text to vectors.", rows
 *	};
 *	options_start(&o, &self, argc, argv);
 *	while ((key = options_next(&o)) != -1)
 *		switch (key) {
 *		case 'o': output = o.arg; break;
 *
 * -h/--help prints the table to standard output and exits 0; -V/--version
 * likewise; an unknown option, a missing or an extra argument is a usage
 * error (exit 2) that names the option.  In long names '_' is taken for '-';
 * abbreviations are refused.  Options may follow operands; "--" ends them.
 */

struct option_row {
	int key;          /* the letter, or a number above 255; 0 ends */
	const char *name; /* long name, or NULL */
	const char *arg;  /* its argument's name, or NULL for none; "[=NAME]"
			   * where it may be left out: --why, --why=NAME */
	const char *help; /* one line, with the default in brackets */
};

struct command {
	const char *name;     /* "embed-text" */
	const char *synopsis; /* "[options] [FILE ...]" */
	const char *purpose;  /* one sentence for --help */
	const struct option_row *rows;
};

struct options {
	const struct command *command;
	int argc;
	char **argv;       /* operands are moved to the front as they come */
	const char *arg;   /* of the option that options_next gave, or NULL */
	const char *shown; /* that option as typed: "--dim" or "-k" */
	int next, cluster, noperands, ended;
	char letter[3];
};

/* options_start: ${argv}[0] is the program's name.  Also names the messages
 * (message.h), checks the three standard descriptors (io.h) and VECPIPE_ISA.
 * Exits on failure, as the other functions here may. */
void options_start(
    struct options *o, const struct command *c, int argc, char *argv[]);

/* options_next: the key of the next option, or -1 when only operands are
 * left: o->argv[0 .. o->argc). */
int options_next(struct options *o);

/* The argument of the current option as a number in [min, max], whole, or a
 * usage error that names the option and the range. */
long options_long(const struct options *o, long min, long max);
uint64_t options_u64(const struct options *o, uint64_t min, uint64_t max);
double options_double(const struct options *o, double min, double max);

/* options_choice(o, "never|auto|json"): the index of the word that the
 * argument is, or a usage error that lists them. */
int options_choice(const struct options *o, const char *words);

/* options_size: a number of bytes, as "4096" or "512M" (K, M, G: 2^10, 2^20,
 * 2^30). */
size_t options_size(const struct options *o);

/* How many records in error a command puts up with and still ends with 0
 * (--max-errors): "N", or "P%" of all records.  Zeroed: none. */
struct tolerance {
	double limit;
	int percent;
};
struct tolerance options_tolerance(const struct options *o);

/* tolerance_status: EXIT_OK or EXIT_SOME (message.h) for so many bad records
 * among all. */
int tolerance_status(const struct tolerance *t, uint64_t bad, uint64_t records);

/* The rows that every command has; handled inside options_next except for
 * the letters q and v, which it returns. */
#define OPTIONS_COMMON                                                         \
	{ 'q', "quiet", NULL, "say only what is wrong" },                      \
	    { 'v', "verbose", NULL, "say more" },                              \
	    { 'V', "version", NULL, "print the version and exit" },            \
	{                                                                      \
		'h', "help", NULL, "print this and exit"                       \
	}

#endif
