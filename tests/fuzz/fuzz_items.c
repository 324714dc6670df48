/* Any bytes as a manifest, a list or lines: every item has a sound id, and
 * whatever cannot have one is told. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "vec/batch.h"
#include "vec/items.h"

static void
on_rejected(void *arg, const char *why)
{
	FUZZ_MUST(why[0] != '\0');
	++*(size_t *)arg;
}

static void
read_all(const struct items_options *o, const char *path)
{
	size_t rejected = 0, n = 0;
	struct items_calls calls = { .arg = &rejected,
		.rejected = on_rejected };
	char copy[32], *paths[] = { copy };
	struct error e;
	struct item it;
	struct items *items;
	int rc;

	snprintf(copy, sizeof(copy), "%s", path);
	items = items_open(o, paths, o->list == NULL, &calls, &e);
	FUZZ_MUST(items != NULL);
	while ((rc = items_next(items, &it, &e)) == 1) {
		n++;
		FUZZ_MUST(batch_check_id(it.id.s, it.id.len, &e) == 0);
		FUZZ_MUST((it.path != NULL) + (it.text.s != NULL) + it.missing +
			      (it.error != NULL) ==
			  1);
		for (size_t i = 0; i < it.labels->n; i++)
			FUZZ_MUST(strs_get(it.labels, i).len > 0);
	}
	FUZZ_MUST(rc == 0 || e.text[0] != '\0');
	items_close(items);
}

static void
fuzz_one(const unsigned char *data, size_t n)
{
	static const struct items_options ways[] = {
		{ .text = "t,u.v", .id = "id", .label = "l", .group = "g" },
		{ .file = "f", .id = "id", .base = "b" },
		{ .file = "f", .id_from = ITEMS_ID_STEM, .label_dir = 1 },
		{ .lines = 1, .id_from = ITEMS_ID_LINE },
		{ .list = "", .list_nul = 1, .id_from = ITEMS_ID_NAME },
		{ .list = "", .shards = 2, .shard = 1 },
	};
	int fd = memfd_create("fuzz", 0);
	char path[32];

	FUZZ_MUST(fd != -1 && write(fd, data, n) == (ssize_t)n);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct items_options o = ways[i];

		if (o.list != NULL)
			o.list = path;
		lseek(fd, 0, SEEK_SET);
		read_all(&o, path);
	}
	close(fd);
}
