/* img-meta: what picture files say of themselves, as JSON Lines. */
#include <string.h>

#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/utf8.h"
#include "image/meta.h"
#include "vec/runner.h"

static const struct option_row rows[] = {
	ITEMS_OPTIONS,
	RUNNER_OPTIONS,
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "img-meta", "[options] [FILE ...]",
	"Write size, kind and texts of picture files as JSON Lines.", rows };

struct options_of_meta {
	struct items_options items;
	struct runner_options run;
};

static void
parse_options(
    struct options_of_meta *opt, struct options *o, int argc, char *argv[])
{
	int c;

	options_start(o, &self, argc, argv);
	while ((c = options_next(o)) != -1)
		if (!items_option(o, c, &opt->items))
			runner_option(o, c, &opt->run);
	items_options_check(o, &opt->items);
}

/* The path as it is; where it is no UTF-8, which JSON cannot hold, escaped as
 * an id would be.  Standard input has none. */
static int
put_file(struct buf *line, const char *path)
{
	struct buf name = { 0 };
	size_t n = strlen(path);
	int rc;

	if (strcmp(path, "-") == 0)
		return 0;
	rc = buf_puts(line, ",\"file\":");
	if (utf8_valid(path, n) == n)
		return rc | json_put_string(line, path, n);
	rc |= batch_path_id(&name, path, n);
	rc |= json_put_string(line, name.data, name.len);
	buf_free(&name);
	return rc;
}

static enum encode_status
encode(void *ctx, void *scratch, const struct source *in, struct encoded *out,
    struct error *e)
{
	struct buf *line = encoded_line(out);
	struct meta m;
	int rc;

	(void)ctx;
	(void)scratch;
	if (meta_read(&m, in->data, in->len, e) == -1)
		return image_type(in->data, in->len) == IMAGE_UNKNOWN
			   ? ENCODE_UNKNOWN
			   : ENCODE_BAD;
	rc = put_file(line, in->path);
	rc |= meta_put(line, &m);
	meta_free(&m);
	if (rc == 0)
		return ENCODE_OK;
	error_memory(e);
	return ENCODE_BAD;
}

int
main(int argc, char *argv[])
{
	struct options_of_meta opt = { 0 };
	const struct schema none = { 0 };
	struct options o;

	parse_options(&opt, &o, argc, argv);

	struct extractor x = { .name = "image",
		.schema = &none,
		.ctx = &opt,
		.encode = encode,
		.max_file = IMAGE_MAX_BYTES };

	return runner_run(&x, &opt.items, o.argv, o.argc, &opt.run);
}
