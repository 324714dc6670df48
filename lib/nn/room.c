#include "nn/room.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int
room_grow(void *p, size_t *cap, size_t n, size_t size, struct error *e)
{
	void *old, *fresh;

	if (n <= *cap)
		return 0;
	memcpy(&old, p, sizeof(old));
	free(old);
	*cap = 0;
	fresh = mem_aligned(n, size);
	memcpy(p, &fresh, sizeof(fresh));
	if (fresh == NULL)
		return error_memory(e);
	*cap = n;
	return 0;
}
