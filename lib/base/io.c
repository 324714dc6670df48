#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int
io_fd_check(struct error *e)
{
	static const int way[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		/* The lowest free descriptor is this one. */
		if (open("/dev/null", way[fd]) != fd)
			return error_sys(e, "descriptor %d is closed", fd);
	}
	return 0;
}

/* One read(2) that waits and is not disturbed: bytes, 0 at the end, -1. */
static ssize_t
read_some(int fd, void *p, size_t n)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t got;

	while ((got = read(fd, p, n)) == -1)
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			poll(&pfd, 1, -1);
		else if (errno != EINTR)
			return -1;
	return got;
}

int
io_descriptor(const char *path)
{
	static const char *const std[] = { "/dev/stdin", "/dev/stdout",
		"/dev/stderr" };
	static const char dev[] = "/dev/fd/";
	int fd = 0;

	for (int i = 0; i < 3; i++)
		if (strcmp(path, std[i]) == 0)
			return i;
	if (strncmp(path, dev, strlen(dev)) != 0 || path[strlen(dev)] == '\0')
		return -1;
	for (path += strlen(dev); *path != '\0'; path++) {
		if (*path < '0' || *path > '9' || fd > 99999)
			return -1;
		fd = fd * 10 + (*path - '0');
	}
	return fd;
}

/* Open a path that must be a regular file.  *size gets its length. */
static int
open_regular(const char *path, off_t *size, struct error *e)
{
	/* O_NONBLOCK: a FIFO without a writer must not hold us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd == -1 && errno == ENXIO)
		return error_set(e, "'%s': not a regular file", path);
	if (fd == -1)
		return error_sys(e, "'%s'", path);
	if (fstat(fd, &st) == -1) {
		error_sys(e, "'%s'", path);
		close(fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		if (S_ISDIR(st.st_mode))
			errno = EISDIR;
		return S_ISDIR(st.st_mode)
			   ? error_sys(e, "'%s'", path)
			   : error_set(e, "'%s': not a regular file", path);
	}
	*size = st.st_size;
	return fd;
}

/* Open what io_open opens; *size is -1 where it is not known beforehand. */
static int
open_any(const char *path, off_t *size, int *owned, struct error *e)
{
	struct stat st;
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : io_descriptor(path);

	*size = -1;
	*owned = fd == -1;
	if (fd == -1)
		return open_regular(path, size, e);
	if (fstat(fd, &st) == -1)
		return error_sys(e, "'%s'", path);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return error_sys(e, "'%s'", path);
	}
	return fd;
}

int
io_open_fd(struct reader *r, int fd, const char *name, struct error *e)
{
	*r = (struct reader){ .fd = fd, .name = name };
	r->data = malloc(IO_BUFFER);
	return r->data != NULL ? 0 : error_memory(e);
}

int
io_open(struct reader *r, const char *path, struct error *e)
{
	off_t size;
	int owned, fd = open_any(path, &size, &owned, e);

	*r = (struct reader){ .fd = -1 };
	if (fd == -1)
		return -1;
	if (io_open_fd(r, fd, strcmp(path, "-") == 0 ? "<stdin>" : path, e) ==
	    -1) {
		if (owned)
			close(fd);
		return -1;
	}
	r->owned = owned;
	return 0;
}

void
io_close(struct reader *r)
{
	if (r->owned && r->fd >= 0)
		close(r->fd);
	free(r->data);
	*r = (struct reader){ .fd = -1 };
}

int
io_place(const struct reader *r, struct error *e)
{
	if (r->name[0] == '<')
		return error_at(e, "%s", r->name);
	return error_at(e, "'%s'", r->name);
}

int
io_fill(struct reader *r, struct error *e)
{
	ssize_t got;

	if (r->eof)
		return 0;
	if (r->pos > 0) {
		memmove(r->data, r->data + r->pos, r->len - r->pos);
		r->len -= r->pos;
		r->pos = 0;
	}
	if (r->len == IO_BUFFER)
		return 1;
	got = read_some(r->fd, r->data + r->len, IO_BUFFER - r->len);
	if (got == -1) {
		error_sys(e, "read error");
		return io_place(r, e);
	}
	r->eof = got == 0;
	r->len += (size_t)got;
	r->offset += (uint64_t)got;
	return got > 0;
}

int
io_peek(struct reader *r, size_t n, struct error *e)
{
	while (r->len - r->pos < n) {
		int more = io_fill(r, e);

		if (more <= 0)
			return more;
	}
	return 1;
}

int
io_read(struct reader *r, void *p, size_t n, struct error *e)
{
	size_t done = 0;

	while (done < n) {
		size_t take = r->len - r->pos;

		if (take == 0) {
			int more = io_fill(r, e);

			if (more == -1 || (more == 0 && done == 0))
				return more;
			if (more == 0) {
				error_set(e, "unexpected end of file");
				return io_place(r, e);
			}
			continue;
		}
		if (take > n - done)
			take = n - done;
		memcpy((char *)p + done, r->data + r->pos, take);
		r->pos += take;
		done += take;
	}
	return 1;
}

/* The bytes up to a mark into ${line}; those beyond max are only counted.
 * *last gets the last byte before the mark.  1, 0 when nothing is left, -1. */
static int
read_marked(struct reader *r, char mark, struct buf *line, size_t max,
    int *ended, size_t *over, char *last, struct error *e)
{
	int some = 0;

	line->len = 0;
	*ended = 0;
	*over = 0;
	*last = '\0';
	while (!*ended) {
		size_t n = r->len - r->pos, room;
		char *at, *end;

		if (n == 0) {
			int more = io_fill(r, e);

			if (more == -1)
				return -1;
			if (more == 0)
				break;
			continue;
		}
		some = 1;
		at = r->data + r->pos;
		end = memchr(at, mark, n);
		*ended = end != NULL;
		if (end != NULL)
			n = (size_t)(end - at);
		room = max - line->len < n ? max - line->len : n;
		if (buf_put(line, at, room) == -1)
			return error_memory(e);
		*over += n - room;
		if (n > 0)
			*last = at[n - 1];
		r->pos += n + (size_t)*ended;
	}
	return some;
}

int
io_read_until(struct reader *r, char mark, struct buf *line, size_t max,
    int *ended, struct error *e)
{
	size_t over;
	char last;
	int seen, rc = read_marked(r, mark, line, max, &seen, &over, &last, e);

	if (ended != NULL)
		*ended = seen;
	return rc == 1 && over > 0 ? 2 : rc;
}

int
io_read_line(
    struct reader *r, struct buf *line, size_t max, int *ended, struct error *e)
{
	size_t over;
	char last;
	int seen, rc = read_marked(r, '\n', line, max, &seen, &over, &last, e);

	if (ended != NULL)
		*ended = seen;
	if (rc == 1 && seen && last == '\r') {
		/* The CR belongs to the end, even when it went over. */
		if (over > 0)
			over--;
		else
			line->len--;
	}
	return rc == 1 && over > 0 ? 2 : rc;
}

/* 1 when a read of the descriptor would wait. */
static int
would_wait(const struct reader *r)
{
	struct pollfd pfd = { .fd = r->fd, .events = POLLIN };

	return !r->eof && poll(&pfd, 1, 0) == 0;
}

int
io_would_block(struct reader *r)
{
	return r->pos == r->len && would_wait(r);
}

int
io_line_would_block(struct reader *r)
{
	size_t n = r->len - r->pos;

	if (n > 0 && memchr(r->data + r->pos, '\n', n) != NULL)
		return 0;
	return would_wait(r);
}

/* Append everything that ${fd} gives to out, refusing more than max bytes.
 * *got counts them.  0, or -1 with errno, or -2 when there is more. */
static int
slurp(int fd, size_t hint, size_t max, struct buf *out, size_t *got)
{
	*got = 0;
	for (;;) {
		/* One byte more than the file is long: the read that finds
		 * its end then needs no second buffer. */
		size_t room = hint > *got ? hint - *got + 1 : 65536;
		ssize_t n;

		if (buf_reserve(out, room) == -1) {
			errno = ENOMEM;
			return -1;
		}
		n = read_some(fd, out->data + out->len, room);
		if (n <= 0)
			return (int)n;
		out->len += (size_t)n;
		*got += (size_t)n;
		if (*got > max)
			return -2;
	}
}

int
io_read_file(const char *path, size_t max, struct buf *out, struct error *e)
{
	const char *name = strcmp(path, "-") == 0 ? "<stdin>" : path;
	size_t got = 0, before = out->len;
	off_t size;
	int rc = -2, owned, saved, fd = open_any(path, &size, &owned, e);

	if (fd == -1)
		return -1;
	if (size < 0 || (uintmax_t)size <= max)
		rc = slurp(fd, size > 0 ? (size_t)size : 0, max, out, &got);
	saved = errno;
	if (owned)
		close(fd);
	errno = saved;
	if (rc == 0 && (size <= 0 || got >= (size_t)size))
		return 0;
	out->len = before;
	if (rc == 0)
		error_set(e, "file truncated while reading");
	else if (rc == -2)
		error_set(e, "larger than the limit of %zu bytes", max);
	else if (errno == ENOMEM)
		return error_memory(e);
	else
		error_sys(e, "read error");
	return io_place(&(struct reader){ .name = name }, e);
}

int
io_same_file(const char *path, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && S_ISREG(a.st_mode) &&
	       stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

int
io_map(struct mapping *m, const char *path, struct error *e)
{
	static const unsigned char nothing[1];
	off_t size;
	int fd = open_regular(path, &size, e);
	void *p;

	*m = (struct mapping){ nothing, 0 };
	if (fd == -1)
		return -1;
	if (size == 0) {
		close(fd);
		return 0;
	}
	if ((uintmax_t)size > SIZE_MAX) {
		close(fd);
		return error_set(e, "'%s': too large for this machine", path);
	}
	p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		error_sys(e, "'%s': map", path);
	close(fd);
	if (p == MAP_FAILED)
		return -1;
	*m = (struct mapping){ p, (size_t)size };
	return 0;
}

void
io_unmap(struct mapping *m)
{
	if (m->len > 0)
		munmap((void *)(uintptr_t)m->data, m->len);
	*m = (struct mapping){ NULL, 0 };
}
