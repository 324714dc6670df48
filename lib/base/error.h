#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/*
 * How the library says no.  A function that can fail takes a struct error,
 * returns -1 (or NULL) and leaves one sentence there, without a final period
 * or newline, that begins with the place where it is known:
 *
 *	'a/b.jpg': premature end of JPEG file
 *
 * Nothing in lib/ prints or exits; commands print the sentence (message.h).
 * The caller owns the struct; passing NULL means "I need no reason".
 */

enum { ERROR_MAX = 1024 };

struct error {
	char text[ERROR_MAX]; /* always NUL-terminated, "" when none */
	int memory;           /* 1 when memory was out: not the input's fault */
};

/* error_set: write the sentence, cut at ERROR_MAX - 1 bytes.  Returns -1. */
int error_set(struct error *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* error_sys: the same with ": " and strerror(errno) behind it. */
int error_sys(struct error *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* error_at: put a place before the sentence that is there: "place: text".
 * Returns -1. */
int error_at(struct error *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* error_memory: "out of memory".  Returns -1. */
int error_memory(struct error *e);

#endif
