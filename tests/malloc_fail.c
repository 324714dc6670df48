/*
 * A library to preload: allocation number FAILN fails, and with FAILSTICKY all
 * after it.  Built as malloc_fail.so; used by tests/cli/every-tool-memory.sh.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

/* glibc's own names behind the public ones. */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

static atomic_long count;

/* getenv allocates nothing; it is asked each time, as constructors of other
 * libraries may run before ours. */
static int
fails(void)
{
	const char *n = getenv("FAILN");
	long at = n != NULL ? strtol(n, NULL, 10) : 0;
	long i = atomic_fetch_add(&count, 1) + 1;

	if (at <= 0 || i < at || (i > at && getenv("FAILSTICKY") == NULL))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

void *
aligned_alloc(size_t align, size_t n)
{
	return fails() ? NULL : __libc_memalign(align, n);
}

int
posix_memalign(void **p, size_t align, size_t n)
{
	if (fails())
		return ENOMEM;
	*p = __libc_memalign(align, n);
	return *p != NULL ? 0 : ENOMEM;
}
