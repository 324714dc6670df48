#include "base/message.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

enum { MESSAGE_MAX = 2 * ERROR_MAX };

static const char *tool = "vecpipe";

const char *
message_name(const char *argv0)
{
	const char *slash;

	if (argv0 == NULL || argv0[0] == '\0')
		return tool;
	slash = strrchr(argv0, '/');
	tool = slash != NULL ? slash + 1 : argv0;
	if (strncmp(tool, "vp-", 3) == 0 && tool[3] != '\0')
		tool += 3;
	return tool;
}

/* Write bytes to standard error.  Nobody can be told when that fails. */
static void
say(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t put = write(STDERR_FILENO, p, n);

		if (put == -1 && errno != EINTR)
			return;
		if (put > 0) {
			p += put;
			n -= (size_t)put;
		}
	}
}

/* Copy s: [n] to out: [max], escaping what a terminal might act on. */
static size_t
escape(char *out, size_t max, const char *s, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n;) {
		uint32_t cp;
		int used = utf8_decode(s + i, n - i, &cp);
		int bad = used < 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
		size_t step = (size_t)(used < 0 ? -used : used);

		if (len + 4 * step + 1 > max)
			break;
		for (; step > 0; step--, i++)
			if (bad)
				len += (size_t)snprintf(out + len, 5, "\\x%02x",
				    (unsigned)(unsigned char)s[i]);
			else
				out[len++] = s[i];
	}
	return len;
}

/* One line in one write, so that lines of two tools do not mix. */
static void
message(const char *fmt, va_list ap)
{
	char text[MESSAGE_MAX], line[4 * MESSAGE_MAX + 256];
	size_t len;
	int n;

	len = (size_t)snprintf(line, 256, "%.200s: ", tool);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof(text))
		n = (int)sizeof(text) - 1;
	len += escape(line + len, sizeof(line) - len - 1, text, (size_t)n);
	line[len++] = '\n';
	say(line, len);
}

void
warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	exit(EXIT_FATAL);
}

void
usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	warn("'%s --help' lists the options", tool);
	exit(EXIT_USAGE);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void
progress_start(struct progress *p, enum progress_mode mode, const char *unit,
    uint64_t total)
{
	*p = (struct progress){ .mode = mode, .unit = unit, .total = total };
	if (mode == PROGRESS_AUTO && !isatty(STDERR_FILENO))
		p->mode = PROGRESS_NEVER;
	p->started = p->shown = now();
}

/* Three significant digits or none after the point. */
static int
places(double x)
{
	return x < 10 ? 2 : x < 100 ? 1 : 0;
}

static void
show(struct progress *p, uint64_t done, double t)
{
	double took = t - p->started;
	double rate = took > 0 ? (double)done / took : 0;
	char line[256];
	int n;

	if (p->mode == PROGRESS_JSON) {
		n = snprintf(line, sizeof(line),
		    "{\"unit\":\"%s\",\"done\":%llu,\"total\":%llu,"
		    "\"rate\":%.*f,\"seconds\":%.1f}\n",
		    p->unit, (unsigned long long)done,
		    (unsigned long long)p->total, places(rate), rate, took);
	} else if (p->total > 0 && rate > 0) {
		n = snprintf(line, sizeof(line),
		    "\r%llu of %llu %s, %.*f/s, %.0f s left\033[K",
		    (unsigned long long)done, (unsigned long long)p->total,
		    p->unit, places(rate), rate,
		    ceil((double)(p->total - done) / rate));
	} else {
		n = snprintf(line, sizeof(line), "\r%llu %s, %.*f/s\033[K",
		    (unsigned long long)done, p->unit, places(rate), rate);
	}
	if (n > 0 && (size_t)n < sizeof(line))
		say(line, (size_t)n);
	p->shown = t;
	p->live = p->mode == PROGRESS_AUTO;
}

void
progress_at(struct progress *p, uint64_t done)
{
	double t;

	if (p->mode == PROGRESS_NEVER)
		return;
	t = now();
	if (t - p->shown >= 1)
		show(p, done, t);
}

void
progress_end(struct progress *p)
{
	if (p->live)
		say("\r\033[K", 4);
	p->live = 0;
}
