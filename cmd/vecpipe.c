/* vecpipe: run any of the commands by one name. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/message.h"
#include "base/options.h"

static const struct {
	const char *verb, *what;
} verbs[] = {
	{ "embed-text", "texts to vectors" },
	{ "extract-img", "pictures to vectors" },
	{ "img-meta", "what picture files say of themselves" },
	{ "fuse", "join streams by id" },
	{ "vec-split", "training and test parts, folds, selections" },
	{ "train", "learn a classifier or a regression" },
	{ "predict", "apply it: labels, probabilities, values" },
	{ "evaluate", "score predictions against the truth" },
	{ "suspect", "labels that are likely to be wrong" },
	{ "vec-info", "what is in a stream or a model; is it sound?" },
	{ "vec-convert", "other formats in and out" },
	{ "vec-diff", "how far two streams differ" },
	{ "vec-cat", "take, rename and drop parts" },
	{ "vec-head", "the first records" },
};

static const struct option_row rows[] = {
	{ 'V', "version", NULL, "print the version and exit" },
	{ 'h', "help", NULL, "print this and exit" },
	{ 0 },
};
static const struct command self = { "vecpipe", "VERB [ARGUMENT ...]",
	"Run the command VERB that is installed beside this one.", rows };

/*
 * Where the other commands are: the folder of this program and what it has
 * before its own name there (make install PROGPREFIX=vp-), "/usr/bin/vp-".
 * Empty where the system does not tell; PATH is searched then.
 */
static void
find_beside(struct buf *beside, const char *argv0)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	size_t len = strlen(self.name);

	if (n <= 0 || (size_t)n == sizeof(path)) {
		n = (ssize_t)strlen(argv0);
		if (strchr(argv0, '/') == NULL || (size_t)n > sizeof(path))
			return;
		memcpy(path, argv0, (size_t)n);
	}
	if ((size_t)n < len ||
	    memcmp(path + (size_t)n - len, self.name, len) != 0)
		return;
	if (buf_put(beside, path, (size_t)n - len) == -1)
		die("out of memory");
}

/* The path of a verb; valid until the next call. */
static const char *
verb_path(struct buf *b, const struct buf *beside, const char *verb)
{
	b->len = 0;
	if (buf_put(b, beside->data, beside->len) == -1 ||
	    buf_put(b, verb, strlen(verb) + 1) == -1)
		die("out of memory");
	return b->data;
}

static void
list(const struct buf *beside)
{
	struct buf path = { 0 }, out = { 0 };
	struct writer w;
	struct error e;
	int rc = 0;

	rc |= buf_printf(
	    &out, "usage: vecpipe %s\n%s\n\n", self.synopsis, self.purpose);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (beside->len == 0 ||
		    access(verb_path(&path, beside, verbs[i].verb), X_OK) == 0)
			rc |= buf_printf(
			    &out, "  %-12s %s\n", verbs[i].verb, verbs[i].what);
	rc |= buf_puts(&out, "\n  -V, --version  print the version and exit\n"
			     "  -h, --help     print this and exit\n");
	if (rc != 0)
		die("out of memory");
	if (io_create(&w, NULL, &e) == -1 ||
	    io_put(&w, out.data, out.len, &e) == -1 || io_commit(&w, &e) == -1)
		die("%s", e.text);
	buf_free(&path);
	buf_free(&out);
}

int
main(int argc, char *argv[])
{
	struct buf beside = { 0 }, path = { 0 };
	struct options o;

	options_start(&o, &self, argc, argv);
	find_beside(&beside, argc > 0 ? argv[0] : "");
	if (argc < 2)
		usage_error("which command?");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		list(&beside);
		buf_free(&beside);
		return EXIT_OK;
	}
	if (argv[1][0] == '-' || strchr(argv[1], '/') != NULL) {
		while (options_next(&o) != -1)
			;
		usage_error("'%s' is no command", argv[1]);
	}
	argv[1] = (char *)(uintptr_t)verb_path(&path, &beside, argv[1]);
	execvp(argv[1], argv + 1);
	if (errno == ENOENT)
		usage_error("'%s' is no command", argv[1] + beside.len);
	die("'%s': %s", argv[1], strerror(errno));
}
