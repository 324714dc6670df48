#include "nn/store_impl.h"

int
store_read_packed(struct store *s, const char *path, struct error *e)
{
	(void)s;
	return error_set(e, "'%s': not a directory", path);
}
