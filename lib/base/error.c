#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
error_set(struct error *e, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return -1;
	e->memory = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
error_sys(struct error *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	size_t n;

	if (e == NULL)
		return -1;
	va_start(ap, fmt);
	e->memory = saved == ENOMEM;
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s",
	    saved == ENOMEM ? "out of memory" : strerror(saved));
	return -1;
}

int
error_at(struct error *e, const char *fmt, ...)
{
	char place[ERROR_MAX];
	va_list ap;
	size_t n, rest;

	if (e == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(place, sizeof(place) - 2, fmt, ap);
	va_end(ap);
	strcat(place, ": ");
	n = strlen(place);
	rest = strlen(e->text);
	if (rest > sizeof(e->text) - 1 - n)
		rest = sizeof(e->text) - 1 - n;
	memmove(e->text + n, e->text, rest);
	memcpy(e->text, place, n);
	e->text[n + rest] = '\0';
	return -1;
}

int
error_memory(struct error *e)
{
	error_set(e, "out of memory");
	if (e != NULL)
		e->memory = 1;
	return -1;
}
