/*
 * What the shell cannot do for the command tests:
 *
 *	helper nonblock COMMAND...	its output is a small non-blocking pipe,
 *					read slowly and copied to ours
 *	helper oom SHIM FILE COMMAND...	run it with allocation 1, 2, ... failing
 *					(SHIM is malloc_fail.so) until it ends
 *					with 0 or 3; FILE must be absent before
 *	helper start ROUNDS COMMAND...	milliseconds of the fastest run, and the
 *					median
 *
 * Exits with the command's status, or 1 after a complaint.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
fail(const char *what)
{
	fprintf(stderr, "helper: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Start the command with ${out} and ${err} as 1 and 2 where they are not -1. */
static pid_t
start(char *argv[], int out, int err)
{
	pid_t pid = fork();

	if (pid == -1)
		fail("fork");
	if (pid == 0) {
		if (out != -1)
			dup2(out, 1);
		if (err != -1)
			dup2(err, 2);
		execvp(argv[0], argv);
		fail(argv[0]);
	}
	return pid;
}

static int
finish(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		fail("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int
nonblock(char *argv[])
{
	struct timespec nap = { 0, 1000000 };
	char p[1000];
	ssize_t n;
	pid_t pid;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) == -1 ||
	    fcntl(fd[1], F_SETFL, O_NONBLOCK) == -1)
		fail("pipe");
	fcntl(fd[1], F_SETPIPE_SZ, 4096);
	pid = start(argv, fd[1], -1);
	close(fd[1]);
	while ((n = read(fd[0], p, sizeof(p))) > 0) {
		if (write(1, p, (size_t)n) != n)
			fail("write");
		nanosleep(&nap, NULL);
	}
	return finish(pid);
}

/* One run with allocation n failing; its words in text: [max]. */
static int
starved(char *argv[], const char *shim, long n, char *text, size_t max)
{
	char number[32];
	size_t len = 0;
	ssize_t got;
	pid_t pid;
	int fd[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null == -1 || pipe2(fd, O_CLOEXEC) == -1)
		fail("pipe");
	snprintf(number, sizeof(number), "%ld", n);
	setenv("FAILN", number, 1);
	setenv("LD_PRELOAD", shim, 1);
	pid = start(argv, null, fd[1]);
	unsetenv("LD_PRELOAD");
	close(fd[1]);
	close(null);
	while (
	    len < max - 1 && (got = read(fd[0], text + len, max - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	close(fd[0]);
	return finish(pid);
}

static int
oom(const char *shim, const char *file, char *argv[])
{
	char text[4096];

	for (long n = 1; n < 100000; n++) {
		int rc = starved(argv, shim, n, text, sizeof(text));

		if (rc == 0 || rc == 3) {
			printf("%ld allocations\n", n - 1);
			return rc;
		}
		if (rc != 1 || strstr(text, "out of memory") == NULL) {
			printf("allocation %ld: status %d, says '%s'\n", n, rc,
			    text);
			return 1;
		}
		if (access(file, F_OK) == 0) {
			printf("allocation %ld: %s exists\n", n, file);
			return 1;
		}
	}
	printf("never done\n");
	return 1;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int
start_time(int rounds, char *argv[])
{
	double *took = calloc((size_t)rounds, sizeof(*took));
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), rc = 0;

	if (took == NULL || null == -1)
		fail("start");
	for (int i = 0; i < rounds; i++) {
		struct timespec a, b;

		clock_gettime(CLOCK_MONOTONIC, &a);
		rc |= finish(start(argv, null, -1));
		clock_gettime(CLOCK_MONOTONIC, &b);
		took[i] = (double)(b.tv_sec - a.tv_sec) * 1e3 +
			  (double)(b.tv_nsec - a.tv_nsec) * 1e-6;
	}
	qsort(took, (size_t)rounds, sizeof(*took), by_size);
	printf("%.2f %.2f\n", took[0], took[rounds / 2]);
	free(took);
	return rc;
}

int
main(int argc, char *argv[])
{
	if (argc > 2 && strcmp(argv[1], "nonblock") == 0)
		return nonblock(argv + 2);
	if (argc > 4 && strcmp(argv[1], "oom") == 0)
		return oom(argv[2], argv[3], argv + 4);
	if (argc > 3 && strcmp(argv[1], "start") == 0)
		return start_time(atoi(argv[2]), argv + 3);
	fprintf(stderr, "helper: nonblock, oom or start\n");
	return 2;
}
