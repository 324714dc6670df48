/* For MAP_ANONYMOUS and madvise(2). */
#define _DEFAULT_SOURCE
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LARGE = 2 << 20 };

static size_t
whole(size_t bytes)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t p = page > 0 ? (size_t)page : 4096;

	return (bytes + p - 1) / p * p;
}

void *
pages_new(size_t bytes)
{
	size_t all = bytes + LARGE, before;
	unsigned char *p;

	if (bytes == 0 || all < bytes)
		return NULL;
	p = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	/* Large pages want their own boundary: cut off what is before it, and
	 * the rest behind. */
	before = (LARGE - (uintptr_t)p % LARGE) % LARGE;
	if (before > 0)
		munmap(p, before);
	p += before;
	bytes = whole(bytes);
	if (all - before > bytes)
		munmap(p + bytes, all - before - bytes);
#ifdef MADV_HUGEPAGE
	madvise(p, bytes, MADV_HUGEPAGE);
#endif
	return p;
}

void
pages_free(void *p, size_t bytes)
{
	if (p != NULL)
		munmap(p, whole(bytes));
}

void
pages_forget(const void *p, size_t bytes)
{
	long page = sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)p, to = from + bytes;

	if (page <= 0 || bytes == 0)
		return;
	from = from / (uintptr_t)page * (uintptr_t)page;
	madvise((void *)from, to - from, MADV_DONTNEED);
}
