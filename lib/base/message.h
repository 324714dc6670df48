#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include <stdint.h>

#include "base/error.h"

/*
 * Words on standard error, for commands only.  A message is one line,
 * "tool: text"; control characters and ill-formed UTF-8 in it (a file name
 * may hold any) are written \xhh so that none reaches a terminal.  The
 * tool's name is set once, before there are threads.
 */

enum { /* exit status, the same in every command */
	EXIT_OK = 0,
	EXIT_FATAL = 1,
	EXIT_USAGE = 2,
	EXIT_SOME = 3
};

/* message_name(argv[0]): set the name that the messages begin with: its last
 * component without the prefix "vp-".  Returns it. */
const char *message_name(const char *argv0);

/* warn: one message.  die: and exit 1.  usage_error: say how to get help, and
 * exit 2. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void die(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn)); /* exit 1 */
void usage_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn)); /* exit 2 */

/*
 * Progress of long work: done, total, rate, time left on one line that is
 * rewritten, when standard error is a terminal (AUTO) and a second has
 * passed; JSON writes an object a second instead.
 */
enum progress_mode { PROGRESS_AUTO, PROGRESS_NEVER, PROGRESS_JSON };

struct progress {
	enum progress_mode mode;
	const char *unit; /* "records", "folds" */
	uint64_t total;   /* 0: unknown */
	double started, shown;
	int live; /* a line is on the terminal */
};

void progress_start(struct progress *p, enum progress_mode mode,
    const char *unit, uint64_t total);
void progress_at(struct progress *p, uint64_t done);
void progress_end(struct progress *p); /* clears the line */

#endif
