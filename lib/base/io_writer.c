#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMP_MAX = 256, LINK_MAX_HOPS = 40 };

/*
 * Names of the temporary files that exist now.  A handler may look at any
 * moment, but only in the thread that changes it (workers block signals), and
 * signals are blocked while a name goes.  A writer beyond TEMP_MAX works, but
 * a signal leaves its temporary file behind.
 */
static char *_Atomic temps[TEMP_MAX];

static void
remove_temps(void)
{
	for (int i = 0; i < TEMP_MAX; i++)
		if (temps[i] != NULL)
			unlink(temps[i]);
}

static void
on_signal(int sig)
{
	remove_temps();
	/* SA_RESETHAND has restored the default, SA_NODEFER lets it act. */
	raise(sig);
}

void
io_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	struct sigaction old, act = { .sa_handler = on_signal };

	sigemptyset(&act.sa_mask);
	act.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_DFL)
			sigaction(signals[i], &act, NULL);
	act.sa_handler = SIG_IGN;
	act.sa_flags = 0;
	sigaction(SIGXFSZ, &act, NULL);
	atexit(remove_temps);
}

/* Put a name into the list, or take it out (and free it). */
static void
temp_add(char *name)
{
	for (int i = 0; i < TEMP_MAX; i++)
		if (temps[i] == NULL) {
			temps[i] = name;
			return;
		}
}

static void
temp_drop(char *name)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	for (int i = 0; i < TEMP_MAX; i++)
		if (temps[i] == name)
			temps[i] = NULL;
	free(name);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* The length of the folder part of a path, with its slash. */
static size_t
folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

/* The path behind symbolic links, which need not exist; free() it. */
static char *
follow(const char *path, struct error *e)
{
	struct buf b = { 0 };
	char to[4096];
	ssize_t n;
	int hops = 0;

	if (buf_put(&b, path, strlen(path) + 1) == -1)
		goto nomem;
	while ((n = readlink(b.data, to, sizeof(to))) > 0) {
		if (++hops > LINK_MAX_HOPS || n == sizeof(to)) {
			errno = n == sizeof(to) ? ENAMETOOLONG : ELOOP;
			error_sys(e, "'%s'", path);
			buf_free(&b);
			return NULL;
		}
		b.len = to[0] == '/' ? 0 : folder_len(b.data);
		if (buf_put(&b, to, (size_t)n) == -1 ||
		    buf_putc(&b, '\0') == -1)
			goto nomem;
	}
	return b.data;
nomem:
	buf_free(&b);
	error_memory(e);
	return NULL;
}

/* Open a new file of a name that is free in the folder of w->path.  The mode
 * is what the umask makes of 0666, as for any file a command makes. */
static int
open_temp(struct writer *w, struct error *e)
{
	struct buf b = { 0 };

	for (unsigned i = 0;; i++) {
		b.len = 0;
		if (buf_put(&b, w->path, folder_len(w->path)) == -1 ||
		    buf_printf(&b, ".vecpipe-%ld-%u.tmp", (long)getpid(), i) ==
			-1) {
			buf_free(&b);
			return error_memory(e);
		}
		b.data[b.len] = '\0';
		w->fd =
		    open(b.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (w->fd != -1)
			break;
		if (errno != EEXIST) {
			error_sys(e, "'%s'", w->name);
			buf_free(&b);
			return -1;
		}
	}
	w->temp = b.data;
	temp_add(w->temp);
	return 0;
}

int
io_create(struct writer *w, const char *path, struct error *e)
{
	int fd = path == NULL || strcmp(path, "-") == 0 ? STDOUT_FILENO
							: io_descriptor(path);
	struct stat st;

	*w = (struct writer){ .fd = fd };
	w->name = mem_strndup(fd == STDOUT_FILENO ? "<stdout>" : path,
	    fd == STDOUT_FILENO ? 8 : strlen(path));
	w->data = malloc(IO_BUFFER);
	if (w->name == NULL || w->data == NULL) {
		error_memory(e);
		goto fail;
	}
	if (fd != -1)
		return 0;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		/* Renaming onto a device or FIFO would destroy it. */
		w->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (w->fd != -1)
			return 0;
		error_sys(e, "'%s'", path);
		goto fail;
	}
	w->path = follow(path, e);
	if (w->path != NULL && open_temp(w, e) == 0)
		return 0;
fail:
	io_abandon(w);
	return -1;
}

/* The sentence for a failed write; the name of standard output says nothing
 * and is left out. */
static int
write_error(const struct writer *w, const char *what, struct error *e)
{
	error_sys(e, "%s", what);
	return w->fd == STDOUT_FILENO ? -1 : error_at(e, "'%s'", w->name);
}

static int
write_all(struct writer *w, const char *p, size_t n, struct error *e)
{
	while (n > 0) {
		ssize_t put = write(w->fd, p, n);

		if (put >= 0) {
			p += put;
			n -= (size_t)put;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			struct pollfd pfd = { .fd = w->fd, .events = POLLOUT };

			poll(&pfd, 1, -1);
		} else if (errno != EINTR) {
			return write_error(w, "write error", e);
		}
	}
	return 0;
}

int
io_flush(struct writer *w, struct error *e)
{
	size_t n = w->len;

	w->len = 0;
	return write_all(w, w->data, n, e);
}

int
io_put(struct writer *w, const void *p, size_t n, struct error *e)
{
	w->total += n;
	if (n > IO_BUFFER - w->len && io_flush(w, e) == -1)
		return -1;
	if (n >= IO_BUFFER)
		return write_all(w, p, n, e);
	if (n > 0)
		memcpy(w->data + w->len, p, n);
	w->len += n;
	return 0;
}

/* Make a rename in the folder of ${path} last.  Not every file system can;
 * the file itself is safe by then, so failure is no error. */
static void
sync_folder(char *path)
{
	size_t n = folder_len(path);
	char saved = path[n];
	int fd;

	path[n] = '\0';
	fd = open(n > 0 ? path : ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	path[n] = saved;
	if (fd == -1)
		return;
	fsync(fd);
	close(fd);
}

/* Close the descriptor, or for standard output a copy of it: network file
 * systems report a full disk only then. */
static int
close_checked(struct writer *w)
{
	int fd = w->fd;

	if (fd == STDOUT_FILENO)
		fd = dup(fd);
	else
		w->fd = -1;
	return fd == -1 || close(fd) == 0 || errno == EINTR ? 0 : -1;
}

int
io_commit(struct writer *w, struct error *e)
{
	int rc = io_flush(w, e);

	if (rc == 0 && w->temp != NULL && fsync(w->fd) == -1)
		rc = write_error(w, "sync", e);
	if (rc == 0 && close_checked(w) == -1)
		rc = write_error(w, "write error", e);
	if (rc == 0 && w->temp != NULL && rename(w->temp, w->path) == -1)
		rc = write_error(w, "rename", e);
	if (rc == 0 && w->temp != NULL) {
		temp_drop(w->temp);
		w->temp = NULL;
		sync_folder(w->path);
	}
	io_abandon(w);
	return rc;
}

void
io_abandon(struct writer *w)
{
	if (w->fd > STDERR_FILENO)
		close(w->fd);
	if (w->temp != NULL) {
		unlink(w->temp);
		temp_drop(w->temp);
	}
	free(w->path);
	free(w->name);
	free(w->data);
	*w = (struct writer){ .fd = -1 };
}
