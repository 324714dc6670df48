#include "base/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/message.h"
#include "base/num.h"
#include "base/version.h"

enum { HELP_WIDTH = 79, HELP_LEFT = 30 };

/* Whether the option's argument may be left out; it then stands behind a '='
 * only. */
static int
optional(const struct option_row *r)
{
	return r->arg != NULL && r->arg[0] == '[';
}

/* ---- help ---- */

/* "  -o, --output FILE" */
static int
help_left(struct buf *b, const struct option_row *r)
{
	size_t before = b->len;
	int rc = 0;

	if (r->key <= 255)
		rc |= buf_printf(
		    b, r->name != NULL ? "  -%c, " : "  -%c", r->key);
	else
		rc |= buf_puts(b, "      ");
	if (r->name != NULL)
		rc |= buf_printf(b, "--%s", r->name);
	if (r->arg != NULL)
		rc |= buf_printf(b, optional(r) ? "%s" : " %s", r->arg);
	return rc != 0 ? -1 : (int)(b->len - before);
}

/* The length of the word at the start of ${text}; one that is wider than a
 * line is cut behind a '|'. */
static size_t
help_word(const char *text, int width)
{
	size_t n = strcspn(text, " "), cut = 0;

	if (n <= (size_t)width)
		return n;
	for (size_t i = 0; i < (size_t)width; i++)
		if (text[i] == '|')
			cut = i + 1;
	return cut > 0 ? cut : n;
}

/* Append text from column ${left} on, broken between words at HELP_WIDTH;
 * ${at} is the column where the line stands now. */
static int
help_right(struct buf *b, const char *text, int left, int at)
{
	int rc = 0;

	if (at + 2 > left) {
		rc |= buf_putc(b, '\n');
		at = 0;
	}
	while (*text != '\0') {
		size_t n = help_word(text, HELP_WIDTH - left);

		if (at > left && at + 1 + (int)n > HELP_WIDTH) {
			rc |= buf_putc(b, '\n');
			at = 0;
		}
		rc |= at <= left ? buf_printf(b, "%*s", left - at, "")
				 : buf_putc(b, ' ');
		rc |= buf_put(b, text, n);
		at = (at <= left ? left : at + 1) + (int)n;
		text += n;
		if (*text != ' ' && *text != '\0')
			at = HELP_WIDTH; /* the rest of a long word */
		text += strspn(text, " ");
	}
	return rc | buf_putc(b, '\n');
}

static int
help_text(struct buf *b, const struct command *c)
{
	int left = 0, rc = 0;

	for (const struct option_row *r = c->rows; r->key != 0; r++) {
		size_t len = b->len;
		int n = help_left(b, r) + 2;

		b->len = len;
		if (n > left && n <= HELP_LEFT)
			left = n;
	}
	rc |= buf_printf(b, "usage: %s %s\n", c->name, c->synopsis);
	rc |= help_right(b, c->purpose, 0, 0);
	rc |= buf_putc(b, '\n');
	for (const struct option_row *r = c->rows; r->key != 0; r++) {
		int at = help_left(b, r);

		rc |= at == -1 ? -1 : help_right(b, r->help, left, at);
	}
	return rc;
}

/* Write what was asked for to standard output and exit. */
static void
print_and_exit(const struct command *c, int help)
{
	struct buf b = { 0 };
	struct writer w;
	struct error e;
	int rc;

	rc = help ? help_text(&b, c)
		  : buf_printf(
			&b, "%s (vecpipe) %s\n", c->name, VECPIPE_VERSION);
	if (rc == -1)
		die("out of memory");
	if (io_create(&w, NULL, &e) == -1 ||
	    io_put(&w, b.data, b.len, &e) == -1 || io_commit(&w, &e) == -1)
		die("%s", e.text);
	exit(EXIT_OK);
}

/* ---- parsing ---- */

void
options_start(
    struct options *o, const struct command *c, int argc, char *argv[])
{
	const char *isa = getenv("VECPIPE_ISA");
	struct error e;

	message_name(argc > 0 ? argv[0] : c->name);
	if (io_fd_check(&e) == -1)
		die("%s", e.text);
	io_signals();
	*o = (struct options){
		.command = c, .argc = argc, .argv = argv, .next = 1
	};
	if (isa == NULL || isa[0] == '\0')
		return;
	o->arg = isa;
	o->shown = "VECPIPE_ISA";
	options_choice(o, "portable|avx2|avx512|amx");
	o->arg = NULL;
}

/* The row of a long name s: [n], where '_' stands for '-'. */
static const struct option_row *
find_long(const struct command *c, const char *s, size_t n)
{
	for (const struct option_row *r = c->rows; r->key != 0; r++) {
		size_t i = 0;

		if (r->name == NULL || strlen(r->name) != n)
			continue;
		while (i < n && (s[i] == '_' ? '-' : s[i]) == r->name[i])
			i++;
		if (i == n)
			return r;
	}
	return NULL;
}

static const struct option_row *
find_letter(const struct command *c, int letter)
{
	for (const struct option_row *r = c->rows; r->key != 0; r++)
		if (r->key == letter && r->key <= 255)
			return r;
	return NULL;
}

/* What is common to both ways of writing an option: ${arg} is what was
 * written behind it, or NULL, and then the next argument is taken. */
static int
take(struct options *o, const struct option_row *r, char *arg)
{
	if (r->arg != NULL && arg == NULL && !optional(r)) {
		if (o->next >= o->argc)
			usage_error("option '%s' needs an argument: %s",
			    o->shown, r->arg);
		arg = o->argv[o->next++];
	}
	o->arg = arg;
	if (r->key == 'h' || r->key == 'V')
		print_and_exit(o->command, r->key == 'h');
	return r->key;
}

static int
take_long(struct options *o, char *word)
{
	char *eq = strchr(word, '=');
	size_t n = eq != NULL ? (size_t)(eq - word) : strlen(word);
	const struct option_row *r = find_long(o->command, word + 2, n - 2);

	if (r == NULL)
		usage_error("unknown option '%.*s'", (int)n, word);
	if (eq != NULL && r->arg == NULL)
		usage_error("option '%.*s' takes no argument", (int)n, word);
	/* Messages about the argument say only the option. */
	if (eq != NULL)
		*eq = '\0';
	o->shown = word;
	return take(o, r, eq != NULL ? eq + 1 : NULL);
}

static int
take_letter(struct options *o)
{
	char *word = o->argv[o->next];
	unsigned char letter = (unsigned char)word[o->cluster++];
	const struct option_row *r = find_letter(o->command, letter);
	char *rest = word + o->cluster;

	o->letter[0] = '-';
	o->letter[1] = (char)letter;
	o->letter[2] = '\0';
	o->shown = o->letter;
	if (r == NULL)
		usage_error("unknown option '%s'", o->letter);
	if (*rest == '\0' || r->arg != NULL) {
		o->next++;
		o->cluster = 0;
	}
	return take(o, r, *rest != '\0' && r->arg != NULL ? rest : NULL);
}

int
options_next(struct options *o)
{
	if (o->cluster > 0)
		return take_letter(o);
	while (o->next < o->argc) {
		char *word = o->argv[o->next];

		if (o->ended || word[0] != '-' || word[1] == '\0') {
			o->argv[1 + o->noperands++] = word;
			o->next++;
		} else if (strcmp(word, "--") == 0) {
			o->ended = 1;
			o->next++;
		} else if (word[1] == '-') {
			o->next++;
			return take_long(o, word);
		} else {
			o->cluster = 1;
			return take_letter(o);
		}
	}
	if (o->argc > 0)
		o->argv++;
	o->argc = o->noperands;
	o->next = o->argc;
	return -1;
}

/* ---- arguments ---- */

long
options_long(const struct options *o, long min, long max)
{
	long x = 0;

	if (num_parse_long(o->arg, min, max, &x) == -1)
		usage_error("%s: '%s' is not a whole number from %ld to %ld",
		    o->shown, o->arg, min, max);
	return x;
}

uint64_t
options_u64(const struct options *o, uint64_t min, uint64_t max)
{
	uint64_t x = 0;

	if (num_parse_u64(o->arg, min, max, &x) == -1)
		usage_error("%s: '%s' is not a whole number from %llu to %llu",
		    o->shown, o->arg, (unsigned long long)min,
		    (unsigned long long)max);
	return x;
}

double
options_double(const struct options *o, double min, double max)
{
	double x = 0;

	if (num_parse_double(o->arg, min, max, &x) == -1)
		usage_error("%s: '%s' is not a number from %g to %g", o->shown,
		    o->arg, min, max);
	return x;
}

int
options_choice(const struct options *o, const char *words)
{
	size_t len = strlen(o->arg);
	int i = 0;

	for (const char *w = words; *w != '\0'; i++) {
		size_t n = strcspn(w, "|");

		if (n == len && strncmp(w, o->arg, n) == 0)
			return i;
		w += n;
		w += *w == '|';
	}
	usage_error("%s: '%s' is not one of %s", o->shown, o->arg, words);
}

/* The argument without its last byte where that is one of ${units}: the
 * byte's position there, from 1, or 0.  text: [32]; "" when too long. */
static int
cut_unit(const struct options *o, const char *units, char *text)
{
	size_t n = strlen(o->arg);
	const char *unit = n > 0 ? strchr(units, o->arg[n - 1]) : NULL;

	n -= unit != NULL;
	if (n > 31)
		n = 0;
	memcpy(text, o->arg, n);
	text[n] = '\0';
	return unit != NULL ? (int)(unit - units) + 1 : 0;
}

size_t
options_size(const struct options *o)
{
	char text[32];
	int shift = 10 * cut_unit(o, "KMG", text);
	uint64_t n;

	if (num_parse_u64(text, 0, SIZE_MAX >> shift, &n) == -1)
		usage_error("%s: '%s' is not a size such as 4096 or 512M",
		    o->shown, o->arg);
	return (size_t)n << shift;
}

struct tolerance
options_tolerance(const struct options *o)
{
	struct tolerance t;
	char text[32];

	t.percent = cut_unit(o, "%", text);
	if (num_parse_double(text, 0, t.percent ? 100 : 1e15, &t.limit) == -1)
		usage_error("%s: '%s' is neither a number nor a percentage",
		    o->shown, o->arg);
	return t;
}

int
tolerance_status(const struct tolerance *t, uint64_t bad, uint64_t records)
{
	double limit = t->percent ? t->limit / 100 * (double)records : t->limit;

	return (double)bad > limit ? EXIT_SOME : EXIT_OK;
}
