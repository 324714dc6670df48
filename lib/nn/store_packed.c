#include "nn/store_impl.h"

int
store_read_packed(struct store *s, const char *path, struct error *e)
{
	struct mapping m;

	(void)s;
	if (io_map(&m, path, e) < 0)
		return -1;
	io_unmap(&m);
	return error_set(e, "'%s': not a packed file", path);
}

/* Until there are packed files: the directory. */
struct store *
store_open_packed(const char *dir, const char *file, enum precision precision,
    struct error *e)
{
	(void)file;
	return store_open(dir, precision, e);
}

int
store_save(const struct store *s, const char *file, struct error *e)
{
	return error_set(e, "'%s': '%s' cannot be packed yet", file, s->path);
}
