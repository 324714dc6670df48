#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void *
mem_array(size_t n, size_t size)
{
	return calloc(n > 0 ? n : 1, size > 0 ? size : 1);
}

void *
mem_aligned(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - 64)
		return NULL;
	bytes = (bytes + 63) / 64 * 64;
	if (bytes == 0)
		bytes = 64;
	p = aligned_alloc(64, bytes);
	if (p != NULL)
		memset(p, 0, bytes);
	return p;
}

int
mem_grow(void *p, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap < 8 ? 8 : *cap, bytes;
	void *old, *grown;

	if (need <= *cap)
		return 0;
	while (want < need)
		if (__builtin_mul_overflow(want, (size_t)2, &want))
			return -1;
	if (__builtin_mul_overflow(want, size, &bytes))
		return -1;
	memcpy(&old, p, sizeof(old));
	grown = realloc(old, bytes);
	if (grown == NULL)
		return -1;
	memcpy(p, &grown, sizeof(grown));
	*cap = want;
	return 0;
}

void
mem_give_back(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

char *
mem_strndup(const char *s, size_t n)
{
	char *p = mem_array(n + 1, 1);

	if (p != NULL && n > 0)
		memcpy(p, s, n);
	return p;
}

int
buf_reserve(struct buf *b, size_t more)
{
	size_t need;

	if (__builtin_add_overflow(b->len, more, &need))
		return -1;
	return mem_grow(&b->data, &b->cap, need, 1);
}

int
buf_put(struct buf *b, const void *p, size_t n)
{
	if (buf_reserve(b, n) == -1)
		return -1;
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	return 0;
}

int
buf_puts(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

int
buf_putc(struct buf *b, char c)
{
	return buf_put(b, &c, 1);
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || buf_reserve(b, (size_t)n + 1) == -1)
		return -1;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

void
buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

int
strs_add(struct strs *c, const char *s, size_t len)
{
	if (mem_grow(&c->end, &c->cap, c->n + 1, sizeof(*c->end)) == -1)
		return -1;
	/* Never without memory, so that an empty string has an address too. */
	if (buf_reserve(&c->bytes, len + 1) == -1 ||
	    buf_put(&c->bytes, s, len) == -1)
		return -1;
	c->end[c->n++] = c->bytes.len;
	return 0;
}

void
strs_clear(struct strs *c)
{
	c->bytes.len = 0;
	c->n = 0;
}

void
strs_cut(struct strs *c, size_t n)
{
	if (n >= c->n)
		return;
	c->n = n;
	c->bytes.len = n > 0 ? c->end[n - 1] : 0;
}

void
strs_free(struct strs *c)
{
	buf_free(&c->bytes);
	free(c->end);
	*c = (struct strs){ 0 };
}

int
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n > 0 ? memcmp(a.s, b.s, n) : 0;

	if (c != 0)
		return c;
	return (a.len > b.len) - (a.len < b.len);
}
