#include "base/walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* The names in a folder, sorted; the folder is closed again, so a deep tree
 * needs no more than one descriptor. */
static int
read_names(const char *dir, char ***out, size_t *n, struct error *e)
{
	char **names = NULL;
	size_t count = 0, cap = 0;
	struct dirent *entry;
	DIR *d = opendir(dir);

	if (d == NULL)
		return error_sys(e, "'%s'", dir);
	while (errno = 0, (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (mem_grow(&names, &cap, count + 1, sizeof(*names)) == -1)
			goto nomem;
		names[count] =
		    mem_strndup(entry->d_name, strlen(entry->d_name));
		if (names[count] == NULL)
			goto nomem;
		count++;
	}
	if (errno != 0) {
		error_sys(e, "'%s': read error", dir);
		goto fail;
	}
	closedir(d);
	if (count > 0)
		qsort(names, count, sizeof(*names), by_bytes);
	*out = names;
	*n = count;
	return 0;
nomem:
	error_memory(e);
fail:
	closedir(d);
	names_free(names, count);
	return -1;
}

struct walk {
	struct buf path; /* of the entry at hand, NUL-terminated */
	size_t base;     /* where the relative part begins */
	struct strs *paths;
	size_t *skipped;
	struct error *e;
};

static int walk_folder(struct walk *w);

/* The entry w->path: a file is noted, a folder entered. */
static int
walk_entry(struct walk *w)
{
	struct stat st;
	int link;

	if (lstat(w->path.data, &st) == -1)
		return error_sys(w->e, "'%s'", w->path.data);
	link = S_ISLNK(st.st_mode);
	if (link && stat(w->path.data, &st) == -1)
		st.st_mode = 0; /* leads nowhere */
	if (S_ISDIR(st.st_mode) && !link)
		return walk_folder(w);
	if (!S_ISREG(st.st_mode)) {
		(*w->skipped)++;
		return 0;
	}
	if (strs_add(w->paths, w->path.data + w->base,
		w->path.len - 1 - w->base) == -1)
		return error_memory(w->e);
	return 0;
}

static int
walk_folder(struct walk *w)
{
	size_t n = 0, len = w->path.len - 1;
	char **names = NULL;
	int rc = read_names(w->path.data, &names, &n, w->e);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		w->path.len = len;
		if (w->path.data[len - 1] != '/' &&
		    buf_putc(&w->path, '/') == -1)
			rc = error_memory(w->e);
		if (w->base == 0)
			w->base = w->path.len;
		if (rc == 0 &&
		    buf_put(&w->path, names[i], strlen(names[i]) + 1) == -1)
			rc = error_memory(w->e);
		if (rc == 0)
			rc = walk_entry(w);
	}
	names_free(names, n);
	return rc;
}

int
walk_files(
    const char *dir, struct strs *paths, size_t *skipped, struct error *e)
{
	struct walk w = { .paths = paths, .skipped = skipped, .e = e };
	size_t before = paths->n;
	int rc;

	*skipped = 0;
	if (dir[0] == '\0') {
		errno = ENOENT;
		return error_sys(e, "''");
	}
	if (buf_put(&w.path, dir, strlen(dir) + 1) == -1)
		return error_memory(e);
	rc = walk_folder(&w);
	if (rc == -1)
		strs_cut(paths, before);
	buf_free(&w.path);
	return rc;
}

int
walk_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
