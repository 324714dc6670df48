#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * Bytes in and out over file descriptors.  Every read and write resumes after
 * EINTR and short counts, and waits with poll(2) on EAGAIN, so a non-blocking
 * pipe loses nothing; a broken pipe and a full disk are errors with a
 * sentence.  stdio is not used for data: it does none of this.
 *
 * Functions return -1 with a sentence in ${e}; objects belong to the caller
 * and are released by their close or free function, which accept an object
 * that failed.
 */

enum {
	IO_BUFFER = 1 << 18,  /* bytes of a reader's or writer's buffer */
	IO_MAX_FILE = 1 << 28 /* default limit of io_read_file */
};

/* io_fd_check(): a command started with fd 0, 1 or 2 closed must not open a
 * data file in its place.  Puts /dev/null on each closed one, opened the wrong
 * way round, so that reading 0 and writing 1 or 2 still fail with "Bad file
 * descriptor".  Call first in main (options_start does). */
int io_fd_check(struct error *e);

/*
 * io_signals(): what a command does about signals, once, from its first
 * thread.  SIGXFSZ is ignored, so a file too large is a write error with a
 * sentence.  SIGINT, SIGTERM, SIGHUP and SIGPIPE remove the temporary files of
 * unfinished writers and then do what they always do, so make and shells see
 * the signal; where the parent ignored one it stays ignored, and a broken pipe
 * is then a write error.  exit(3) removes those files too.
 * The list of temporary names is the one piece of state of the process that
 * the library keeps; writers are opened and closed by one thread only.
 */
void io_signals(void);

/* io_descriptor: the descriptor that "/dev/stdin", "/dev/stdout",
 * "/dev/stderr" or "/dev/fd/N" names, or -1 for any other path. */
int io_descriptor(const char *path);

/* ---- reading ---- */

struct reader {
	int fd;
	const char *name; /* for messages, borrowed; "<stdin>" for "-" */
	char *data;       /* [IO_BUFFER] */
	size_t pos, len;  /* unread bytes are data[pos .. len) */
	uint64_t offset;  /* of data[len] in the input */
	int eof;
	int owned; /* io_close closes fd */
};

/* io_open(r, path): "-" and "/dev/stdin" are standard input; "/dev/fd/N",
 * which shells make of <(command), is the open descriptor N.  These may be
 * anything.  Of other paths, directories, FIFOs, devices and sockets are
 * refused ("Is a directory", "not a regular file"); it never hangs on a FIFO.
 * io_open_fd: read the descriptor, which stays the caller's to close. */
int io_open(struct reader *r, const char *path, struct error *e);
int io_open_fd(struct reader *r, int fd, const char *name, struct error *e);
void io_close(struct reader *r);

/* io_place: put the reader's name before the sentence in ${e}. -1. */
int io_place(const struct reader *r, struct error *e);

/* io_fill: read more after the unread bytes (moved to the front first).
 * 1 more came, 0 at the end of input, -1 error. */
int io_fill(struct reader *r, struct error *e);

/* io_peek: make at least n <= IO_BUFFER unread bytes available at
 * data + pos.  1, or 0 when the input ends before, or -1. */
int io_peek(struct reader *r, size_t n, struct error *e);

/* io_read: exactly n bytes to p.  1; 0 when the input ended before the first
 * byte; -1 on error or when it ended in between ("unexpected end of file"). */
int io_read(struct reader *r, void *p, size_t n, struct error *e);

/* io_read_line: the next line without its LF or CRLF into ${line} (cleared
 * first), at most ${max} bytes.  1 a line; 0 end of input; -1 error;
 * 2 longer than max: the line's first max bytes are in ${line}, the rest of
 * it has been skipped.  ${ended}, where given, tells whether an LF was seen. */
int io_read_line(struct reader *r, struct buf *line, size_t max, int *ended,
    struct error *e);

/* io_read_until: the same with another end mark, and no thought of CR. */
int io_read_until(struct reader *r, char mark, struct buf *line, size_t max,
    int *ended, struct error *e);

/* io_would_block: 1 when there is nothing unread and a read now would wait
 * (for --live), else 0.  io_line_would_block: the same for a whole line. */
int io_would_block(struct reader *r);
int io_line_would_block(struct reader *r);

/* io_read_file(path, max, out): a whole file (what io_open opens), at most max
 * bytes, a regular file's size checked before reading.  Appends to out.
 * A file that shrinks meanwhile is "file truncated while reading". */
int io_read_file(
    const char *path, size_t max, struct buf *out, struct error *e);

/* ---- writing ---- */

/*
 * A writer goes to standard output or to -o FILE.  A regular FILE is written
 * beside itself as a temporary file (removed on failure, on SIGINT, SIGTERM
 * and SIGHUP), synced, given mode 0666 & ~umask and renamed by io_commit:
 * the final name is whole or absent.  A device, FIFO or socket is written
 * directly; a symbolic link's target is replaced and the link kept.
 */
struct writer {
	int fd;
	char *name; /* for messages, "<stdout>" or the path */
	char *data; /* [IO_BUFFER] */
	size_t len;
	uint64_t total; /* bytes taken so far */
	char *path;     /* final name, NULL for fd or direct writing */
	char *temp;     /* its temporary name */
};

/* io_create(w, path): path NULL or "-" is standard output. */
int io_create(struct writer *w, const char *path, struct error *e);

/* io_put: take n bytes, which go out when the buffer is full.  io_flush: send
 * them now.  "write error: No space left on device", with the file's name
 * before it where there is one. */
int io_put(struct writer *w, const void *p, size_t n, struct error *e);
int io_flush(struct writer *w, struct error *e);

/* io_commit: flush, sync, close, rename; what was written is now final.
 * io_abandon: drop it; the old file under that name is untouched.  Both
 * release the writer; io_abandon accepts one that failed or was never opened
 * (all zero).  Standard output stays open. */
int io_commit(struct writer *w, struct error *e);
void io_abandon(struct writer *w);

/* io_same_file(path, fd): 1 when the path is the open regular file fd. */
int io_same_file(const char *path, int fd);

/* ---- mapping ---- */

/* A file mapped read-only: models only, never inputs (FAULTS: SIGBUS). */
struct mapping {
	const unsigned char *data;
	size_t len;
};
int io_map(struct mapping *m, const char *path, struct error *e);
void io_unmap(struct mapping *m);

#endif
