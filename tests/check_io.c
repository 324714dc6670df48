#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "unit.h"

static void
spit(const char *path, const char *s, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq((int)write(fd, s, n), (int)n);
	close(fd);
}

static size_t
slurp(const char *path, struct buf *b)
{
	struct error e;

	b->len = 0;
	ck_assert_msg(
	    io_read_file(path, IO_MAX_FILE, b, &e) == 0, "%s", e.text);
	return b->len;
}

/* Every line of ${text}: [n] joined by '|', a line over ${max} marked '!', a
 * last line without its end marked '~'. */
static void
lines(const char *text, size_t n, size_t max, const char *want)
{
	struct buf got = { 0 }, line = { 0 };
	struct reader r;
	struct error e;
	int rc, ended;

	spit("lines", text, n);
	ck_assert_int_eq(io_open(&r, "lines", &e), 0);
	while ((rc = io_read_line(&r, &line, max, &ended, &e)) > 0) {
		buf_put(&got, line.data, line.len);
		buf_puts(&got, rc == 2 ? "!" : "");
		buf_puts(&got, ended ? "|" : "~");
	}
	ck_assert_int_eq(rc, 0);
	buf_putc(&got, '\0');
	ck_assert_str_eq(got.data, want);
	buf_free(&got);
	buf_free(&line);
	io_close(&r);
}

START_TEST(lines_end_with_lf_or_crlf)
{
	lines("", 0, 10, "");
	lines("\n", 1, 10, "|");
	lines("a\nb", 3, 10, "a|b~");
	lines("a\r\n\r\nb\r", 7, 10, "a||b\r~");
	lines("a\rb\n", 4, 10, "a\rb|");
	lines("12345\n123456\n1234567\nx\n", 23, 6, "12345|123456|123456!|x|");
	lines("123456\r\n1234567\r\n", 17, 6, "123456|123456!|");
	lines("1234567", 7, 6, "123456!~");
}
END_TEST

START_TEST(line_across_buffers)
{
	size_t n = 3 * (size_t)IO_BUFFER + 7;
	char *text = malloc(n);
	struct buf line = { 0 };
	struct reader r;
	struct error e;

	memset(text, 'x', n);
	text[IO_BUFFER - 1] = '\r'; /* the pair stands across the edge */
	text[IO_BUFFER] = '\n';
	spit("long", text, n);
	ck_assert_int_eq(io_open(&r, "long", &e), 0);
	ck_assert_int_eq(io_read_line(&r, &line, n, NULL, &e), 1);
	ck_assert_uint_eq(line.len, IO_BUFFER - 1);
	ck_assert_int_eq(io_read_line(&r, &line, n, NULL, &e), 1);
	ck_assert_uint_eq(line.len, n - IO_BUFFER - 1);
	ck_assert_int_eq(io_read_line(&r, &line, n, NULL, &e), 0);
	buf_free(&line);
	free(text);
	io_close(&r);
}
END_TEST

START_TEST(names_end_with_nul)
{
	struct buf line = { 0 };
	struct reader r;
	struct error e;
	int ended;

	spit("nul", "a\nb\r\0\0tail", 10);
	ck_assert_int_eq(io_open(&r, "nul", &e), 0);
	ck_assert_int_eq(io_read_until(&r, '\0', &line, 9, &ended, &e), 1);
	ck_assert_uint_eq(line.len, 4);
	ck_assert_int_eq(io_read_until(&r, '\0', &line, 9, &ended, &e), 1);
	ck_assert_uint_eq(line.len, 0);
	ck_assert_int_eq(ended, 1);
	ck_assert_int_eq(io_read_until(&r, '\0', &line, 3, &ended, &e), 2);
	ck_assert_int_eq(ended, 0);
	ck_assert_int_eq(memcmp(line.data, "tai", 3), 0);
	ck_assert_int_eq(io_read_until(&r, '\0', &line, 3, &ended, &e), 0);
	buf_free(&line);
	io_close(&r);
}
END_TEST

START_TEST(read_and_peek_know_the_end)
{
	struct reader r;
	struct error e;
	char p[8];

	spit("ten", "0123456789", 10);
	ck_assert_int_eq(io_open(&r, "ten", &e), 0);
	ck_assert_int_eq(io_peek(&r, 10, &e), 1);
	ck_assert_int_eq(io_peek(&r, 11, &e), 0);
	ck_assert_int_eq(io_read(&r, p, 8, &e), 1);
	ck_assert_int_eq(memcmp(p, "01234567", 8), 0);
	ck_assert_int_eq(io_read(&r, p, 3, &e), -1);
	ck_assert_str_eq(e.text, "'ten': unexpected end of file");
	ck_assert_int_eq(io_read(&r, p, 3, &e), 0);
	ck_assert_uint_eq(r.offset, 10);
	io_close(&r);
}
END_TEST

START_TEST(only_regular_files_are_opened_by_name)
{
	struct buf b = { 0 };
	struct reader r;
	struct error e;

	mkfifo("fifo", 0666);
	mkdir("dir", 0777);
	ck_assert_int_eq(io_open(&r, "fifo", &e), -1);
	ck_assert_str_eq(e.text, "'fifo': not a regular file");
	ck_assert_int_eq(io_open(&r, "/dev/zero", &e), -1);
	ck_assert_str_eq(e.text, "'/dev/zero': not a regular file");
	ck_assert_int_eq(io_read_file("dir", 9, &b, &e), -1);
	ck_assert_str_eq(e.text, "'dir': Is a directory");
	ck_assert_int_eq(io_open(&r, "none", &e), -1);
	ck_assert_str_eq(e.text, "'none': No such file or directory");
	ck_assert_int_eq(io_open(&r, "/dev/fd/99", &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "Bad file descriptor"));
	buf_free(&b);
}
END_TEST

START_TEST(descriptor_paths)
{
	ck_assert_int_eq(io_descriptor("/dev/stdin"), 0);
	ck_assert_int_eq(io_descriptor("/dev/fd/63"), 63);
	ck_assert_int_eq(io_descriptor("/dev/fd/"), -1);
	ck_assert_int_eq(io_descriptor("/dev/fd/1x"), -1);
	ck_assert_int_eq(io_descriptor("/dev/fd/99999999999"), -1);
	ck_assert_int_eq(io_descriptor("-"), -1);
}
END_TEST

START_TEST(a_whole_file_has_a_limit)
{
	struct buf b = { 0 };
	struct error e;

	spit("ten", "0123456789", 10);
	buf_puts(&b, "<");
	ck_assert_int_eq(io_read_file("ten", 10, &b, &e), 0);
	ck_assert_uint_eq(b.len, 11);
	ck_assert_int_eq(memcmp(b.data, "<0123456789", 11), 0);
	ck_assert_int_eq(io_read_file("ten", 9, &b, &e), -1);
	ck_assert_str_eq(e.text, "'ten': larger than the limit of 9 bytes");
	ck_assert_uint_eq(b.len, 11);
	buf_free(&b);
}
END_TEST

/* A slow end of a non-blocking pipe: bytes go by in small pieces. */
struct end {
	int fd;
	struct buf got;
};

static void *
drain(void *arg)
{
	struct end *end = arg;
	char p[777];
	ssize_t n;

	while ((n = read(end->fd, p, sizeof(p))) > 0) {
		buf_put(&end->got, p, (size_t)n);
		if (end->got.len < 20000)
			poll(NULL, 0, 1);
	}
	return NULL;
}

static void *
trickle(void *arg)
{
	struct end *end = arg;

	for (size_t i = 0; i < end->got.len; i += 4099) {
		size_t n = end->got.len - i < 4099 ? end->got.len - i : 4099;

		if (write(end->fd, end->got.data + i, n) != (ssize_t)n)
			break;
		if (i < 50000)
			poll(NULL, 0, 1);
	}
	close(end->fd);
	return NULL;
}

START_TEST(a_slow_pipe_loses_nothing)
{
	size_t n = (1 << 20) + 13;
	struct end end = { 0 };
	struct writer w;
	struct error e;
	pthread_t t;
	char *text = malloc(n);
	int p[2], out = dup(1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)(i * 7 + i / 251);
	ck_assert_int_eq(pipe(p), 0);
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	end.fd = p[0];
	pthread_create(&t, NULL, drain, &end);
	dup2(p[1], 1);
	close(p[1]);
	ck_assert_int_eq(io_create(&w, NULL, &e), 0);
	for (size_t i = 0; i < n; i += 1013)
		ck_assert_int_eq(
		    io_put(&w, text + i, n - i < 1013 ? n - i : 1013, &e), 0);
	ck_assert_uint_eq(w.total, n);
	ck_assert_int_eq(io_commit(&w, &e), 0);
	dup2(out, 1);
	pthread_join(t, NULL);
	ck_assert_uint_eq(end.got.len, n);
	ck_assert_int_eq(memcmp(end.got.data, text, n), 0);
	free(text);
	buf_free(&end.got);
}
END_TEST

START_TEST(a_slow_input_loses_nothing)
{
	size_t n = (1 << 19) + 13;
	struct end end = { 0 };
	struct reader r;
	struct error e;
	pthread_t t;
	char *got = malloc(n + 1);
	int p[2];

	for (size_t i = 0; i < n; i++)
		buf_putc(&end.got, (char)(i * 7 + i / 251));
	ck_assert_int_eq(pipe(p), 0);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	end.fd = p[1];
	ck_assert_int_eq(io_open_fd(&r, p[0], "pipe", &e), 0);
	ck_assert_int_eq(io_would_block(&r), 1);
	pthread_create(&t, NULL, trickle, &end);
	ck_assert_int_eq(io_read(&r, got, n, &e), 1);
	ck_assert_int_eq(io_read(&r, got + n, 1, &e), 0);
	ck_assert_int_eq(io_would_block(&r), 0);
	pthread_join(t, NULL);
	ck_assert_int_eq(memcmp(end.got.data, got, n), 0);
	free(got);
	buf_free(&end.got);
	io_close(&r);
	close(p[0]);
}
END_TEST

START_TEST(a_line_in_parts_would_block)
{
	struct reader r;
	struct error e;
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(io_open_fd(&r, p[0], "pipe", &e), 0);
	ck_assert_int_eq((int)write(p[1], "one\ntw", 6), 6);
	ck_assert_int_eq(io_peek(&r, 1, &e), 1);
	ck_assert_int_eq(io_line_would_block(&r), 0);
	r.pos += 4;
	ck_assert_int_eq(io_line_would_block(&r), 1);
	ck_assert_int_eq(io_would_block(&r), 0);
	close(p[1]);
	ck_assert_int_eq(io_line_would_block(&r), 0);
	io_close(&r);
	close(p[0]);
}
END_TEST

START_TEST(a_file_is_whole_or_absent)
{
	struct buf b = { 0 };
	struct writer w;
	struct error e;

	spit("final", "old", 3);
	ck_assert_int_eq(io_create(&w, "final", &e), 0);
	ck_assert_int_eq(io_put(&w, "new!", 4, &e), 0);
	ck_assert_int_eq(io_flush(&w, &e), 0);
	slurp("final", &b);
	ck_assert_int_eq(memcmp(b.data, "old", 3), 0);
	io_abandon(&w);
	ck_assert_uint_eq(slurp("final", &b), 3);
	ck_assert_int_eq(io_create(&w, "final", &e), 0);
	ck_assert_int_eq(io_put(&w, "new!", 4, &e), 0);
	ck_assert_int_eq(io_commit(&w, &e), 0);
	ck_assert_uint_eq(slurp("final", &b), 4);
	ck_assert_int_eq(system("test -z \"$(ls -A | grep vecpipe-)\""), 0);
	buf_free(&b);
}
END_TEST

START_TEST(mode_is_what_the_umask_leaves)
{
	static const mode_t masks[] = { 022, 027, 077, 0 };
	struct writer w;
	struct error e;
	struct stat st;

	umask(masks[_i]);
	ck_assert_int_eq(io_create(&w, "f", &e), 0);
	ck_assert_int_eq(io_commit(&w, &e), 0);
	ck_assert_int_eq(stat("f", &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0666 & ~masks[_i]);
}
END_TEST

START_TEST(links_stay_and_devices_stay)
{
	struct writer w;
	struct error e;
	struct stat st;
	struct buf b = { 0 };

	mkdir("sub", 0777);
	spit("sub/real", "old", 3);
	ck_assert_int_eq(symlink("sub/hop", "link"), 0);
	ck_assert_int_eq(symlink("real", "sub/hop"), 0);
	ck_assert_int_eq(symlink("absent", "dangling"), 0);
	ck_assert_int_eq(symlink("circle", "circle"), 0);
	for (int i = 0; i < 2; i++) {
		const char *name = i == 0 ? "link" : "dangling";

		ck_assert_int_eq(io_create(&w, name, &e), 0);
		ck_assert_int_eq(io_put(&w, "new!", 4, &e), 0);
		ck_assert_int_eq(io_commit(&w, &e), 0);
		ck_assert_int_eq(lstat(name, &st), 0);
		ck_assert(S_ISLNK(st.st_mode));
	}
	ck_assert_uint_eq(slurp("sub/real", &b), 4);
	ck_assert_uint_eq(slurp("absent", &b), 4);
	ck_assert_int_eq(io_create(&w, "circle", &e), -1);
	ck_assert_int_eq(io_create(&w, "/dev/null", &e), 0);
	ck_assert_ptr_null(w.temp);
	ck_assert_int_eq(io_commit(&w, &e), 0);
	ck_assert_int_eq(stat("/dev/null", &st), 0);
	ck_assert(S_ISCHR(st.st_mode));
	buf_free(&b);
}
END_TEST

START_TEST(places_that_take_no_file)
{
	struct writer w;
	struct error e;

	mkdir("dir", 0777);
	ck_assert_int_eq(io_create(&w, "dir", &e), -1);
	ck_assert_str_eq(e.text, "'dir': Is a directory");
	ck_assert_int_eq(io_create(&w, "none/f", &e), -1);
	ck_assert_str_eq(e.text, "'none/f': No such file or directory");
	ck_assert_int_eq(io_create(&w, "/dev/full", &e), 0);
	ck_assert_int_eq(io_put(&w, "x", 1, &e), 0);
	ck_assert_int_eq(io_commit(&w, &e), -1);
	ck_assert_str_eq(
	    e.text, "'/dev/full': write error: No space left on device");
}
END_TEST

START_TEST(a_signal_removes_the_temporary_file)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	int p[2], status;
	char c;
	pid_t pid;

	mkdir("d", 0777);
	ck_assert_int_eq(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		struct writer w;

		for (int i = 0; i < 4; i++)
			signal(signals[i], SIG_DFL);
		io_signals();
		if (io_create(&w, "d/f", NULL) == -1 ||
		    write(p[1], "x", 1) != 1)
			_exit(9);
		for (;;)
			pause();
	}
	ck_assert_int_eq((int)read(p[0], &c, 1), 1);
	ck_assert_int_ne(rmdir("d"), 0);
	kill(pid, signals[_i]);
	ck_assert_int_eq((int)waitpid(pid, &status, 0), (int)pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), signals[_i]);
	ck_assert_int_eq(rmdir("d"), 0);
}
END_TEST

START_TEST(exit_removes_the_temporary_file)
{
	int status;
	pid_t pid;

	mkdir("d", 0777);
	pid = fork();
	if (pid == 0) {
		struct writer w;

		io_signals();
		exit(io_create(&w, "d/f", NULL) == -1 ? 9 : 0);
	}
	ck_assert_int_eq((int)waitpid(pid, &status, 0), (int)pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(rmdir("d"), 0);
}
END_TEST

START_TEST(closed_descriptors_take_no_file)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct buf b = { 0 };
		struct writer w;
		struct error e;
		int ok = 1;

		close(0);
		close(1);
		close(2);
		ok = ok && io_fd_check(&e) == 0;
		ok = ok && open("/dev/null", O_RDONLY) > 2;
		ok = ok && io_read_file("-", 10, &b, &e) == -1;
		ok = ok && strcmp(e.text, "<stdin>: read error: Bad file "
					  "descriptor") == 0;
		ok = ok && io_create(&w, NULL, &e) == 0;
		ok = ok && io_put(&w, "x", 1, &e) == 0;
		ok = ok && io_commit(&w, &e) == -1;
		ok = ok &&
		     strcmp(e.text, "write error: Bad file descriptor") == 0;
		buf_free(&b);
		_exit(!ok);
	}
	ck_assert_int_eq((int)waitpid(pid, &status, 0), (int)pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(same_file_and_mapping)
{
	struct mapping m;
	struct error e;
	int fd;

	spit("a", "abc", 3);
	spit("b", "", 0);
	ck_assert_int_eq(link("a", "a2"), 0);
	fd = open("a", O_RDONLY);
	ck_assert_int_eq(io_same_file("a2", fd), 1);
	ck_assert_int_eq(io_same_file("b", fd), 0);
	ck_assert_int_eq(io_same_file("none", fd), 0);
	close(fd);
	ck_assert_int_eq(io_map(&m, "a", &e), 0);
	ck_assert_uint_eq(m.len, 3);
	ck_assert_int_eq(memcmp(m.data, "abc", 3), 0);
	io_unmap(&m);
	ck_assert_int_eq(io_map(&m, "b", &e), 0);
	ck_assert_uint_eq(m.len, 0);
	io_unmap(&m);
	ck_assert_int_eq(io_map(&m, "/dev/zero", &e), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("io");
	TCase *t = tcase_create("core");

	tcase_add_test(t, lines_end_with_lf_or_crlf);
	tcase_add_test(t, line_across_buffers);
	tcase_add_test(t, names_end_with_nul);
	tcase_add_test(t, read_and_peek_know_the_end);
	tcase_add_test(t, only_regular_files_are_opened_by_name);
	tcase_add_test(t, descriptor_paths);
	tcase_add_test(t, a_whole_file_has_a_limit);
	tcase_add_test(t, a_slow_pipe_loses_nothing);
	tcase_add_test(t, a_slow_input_loses_nothing);
	tcase_add_test(t, a_line_in_parts_would_block);
	tcase_add_test(t, a_file_is_whole_or_absent);
	tcase_add_loop_test(t, mode_is_what_the_umask_leaves, 0, 4);
	tcase_add_test(t, links_stay_and_devices_stay);
	tcase_add_test(t, places_that_take_no_file);
	tcase_add_loop_test(t, a_signal_removes_the_temporary_file, 0, 4);
	tcase_add_test(t, exit_removes_the_temporary_file);
	tcase_add_test(t, closed_descriptors_take_no_file);
	tcase_add_test(t, same_file_and_mapping);
	suite_add_tcase(s, t);
	return unit_main(s);
}
