#ifndef FUZZ_FORMAT_H
#define FUZZ_FORMAT_H

/* Shared by the targets that read vectors of other formats. */
#include <math.h>
#include <unistd.h>

#include "fuzz.h"
#include "vec/format.h"

/* give: the bytes as a file that can be opened by the name returned. */
static const char *
give(const unsigned char *data, size_t n)
{
	static char name[32];
	static FILE *f;

	if (f == NULL)
		f = tmpfile();
	FUZZ_MUST(f != NULL);
	FUZZ_MUST(ftruncate(fileno(f), 0) == 0);
	FUZZ_MUST(pwrite(fileno(f), data, n, 0) == (ssize_t)n);
	FUZZ_MUST(lseek(fileno(f), 0, SEEK_SET) == 0);
	snprintf(name, sizeof(name), "/dev/fd/%d", fileno(f));
	return name;
}

static void
check_part(const struct batch *b, size_t p, size_t i)
{
	const struct part_column *c = &b->parts[p];
	const struct part *part = &b->schema->parts[p];
	const float *x = c->value;
	size_t first = 0, n = part->dim;

	FUZZ_MUST(c->mask[i] <= 1);
	FUZZ_MUST(!c->mask[i] || strs_get(&c->error, i).len == 0);
	if (part->kind == PART_SPARSE)
		n = batch_range(c->end, i, &first);
	else
		x = c->dense + i * n;
	for (size_t k = first; k < first + n && c->mask[i]; k++) {
		FUZZ_MUST(isfinite(x[k]));
		if (part->kind == PART_SPARSE) {
			FUZZ_MUST(c->index[k] < part->dim);
			FUZZ_MUST(k == first || c->index[k] > c->index[k - 1]);
		}
	}
}

/* Every record that is given is sound, and refusals say why. */
static void
read_format(const unsigned char *data, size_t n, enum file_format f,
    const struct format_options *o)
{
	struct error e = { 0 };
	struct format_reader *r = format_open(give(data, n), f, o, &e);
	struct batch b = { 0 };
	int rc;

	if (r == NULL) {
		FUZZ_MUST(e.text[0] != '\0');
		return;
	}
	FUZZ_MUST(batch_init(&b, format_schema(r), &e) == 0);
	while ((rc = format_next(r, &b, &e)) == 1)
		for (size_t i = 0; i < b.n; i++) {
			struct str id = strs_get(&b.id, i);

			FUZZ_MUST(batch_check_id(id.s, id.len, NULL) == 0);
			for (size_t p = 0; p < b.schema->n; p++)
				check_part(&b, p, i);
		}
	FUZZ_MUST(rc == 0 || e.text[0] != '\0');
	batch_free(&b);
	format_close(r);
}

#endif
