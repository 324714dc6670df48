#include <string.h>

#include "base/message.h"
#include "base/num.h"
#include "vec/items.h"

/* "I/N" with 1 <= I <= N. */
static void
take_shard(const struct options *opt, struct items_options *o)
{
	const char *slash = strchr(opt->arg, '/');
	char first[24];
	uint64_t i = 0, n = 0;
	size_t len = slash != NULL ? (size_t)(slash - opt->arg) : 0;

	if (len > 0 && len < sizeof(first)) {
		memcpy(first, opt->arg, len);
		first[len] = '\0';
		if (num_parse_u64(slash + 1, 1, UINT32_MAX, &n) == -1 ||
		    num_parse_u64(first, 1, n, &i) == -1)
			n = 0;
	}
	if (n == 0)
		usage_error("%s: '%s' is not I/N with I from 1 to N",
		    opt->shown, opt->arg);
	o->shard = i - 1;
	o->shards = n;
}

static void
take_list(const struct options *opt, struct items_options *o, const char *file,
    int nul)
{
	if (o->list != NULL)
		usage_error("%s: one list only", opt->shown);
	o->list = file;
	o->list_nul = nul;
}

int
items_option(const struct options *opt, int key, struct items_options *o)
{
	switch (key) {
	case '0':
		take_list(opt, o, "-", 1);
		return 1;
	case ITEMS_KEY_FILES0:
		take_list(opt, o, opt->arg, 1);
		return 1;
	case ITEMS_KEY_FILES:
		take_list(opt, o, opt->arg, 0);
		return 1;
	case ITEMS_KEY_BASE:
		o->base = opt->arg;
		return 1;
	case ITEMS_KEY_FILE:
		o->file = opt->arg;
		return 1;
	case ITEMS_KEY_TEXT:
		o->text = opt->arg;
		return 1;
	case ITEMS_KEY_ID:
		o->id = opt->arg;
		return 1;
	case ITEMS_KEY_LABEL:
		o->label = opt->arg;
		return 1;
	case ITEMS_KEY_GROUP:
		o->group = opt->arg;
		return 1;
	case ITEMS_KEY_ID_FROM:
		o->id_from = (enum items_id)(
		    ITEMS_ID_PATH +
		    options_choice(opt, "path|name|stem|line|field"));
		return 1;
	case ITEMS_KEY_LABEL_FROM:
		options_choice(opt, "dir");
		o->label_dir = 1;
		return 1;
	case ITEMS_KEY_LINES:
		o->lines = 1;
		return 1;
	case ITEMS_KEY_SHARD:
		take_shard(opt, o);
		return 1;
	default:
		return 0;
	}
}

/* What says where the id comes from must fit what is read. */
static void
check_id(const struct items_options *o, int manifest, int lines)
{
	if (o->id != NULL && !manifest)
		usage_error("--id needs a manifest: --file or --text FIELD");
	if (o->id != NULL && o->id_from != ITEMS_ID_AUTO &&
	    o->id_from != ITEMS_ID_FIELD)
		usage_error("--id and --id-from: one of the two");
	if (o->id == NULL && o->id_from == ITEMS_ID_FIELD)
		usage_error("--id-from field needs --id FIELD");
	if (o->id == NULL && o->text != NULL && o->id_from != ITEMS_ID_LINE)
		usage_error("--text needs --id FIELD (or --id-from line)");
	if (o->id_from == ITEMS_ID_LINE && !manifest && !lines &&
	    o->list == NULL)
		usage_error("--id-from line needs a manifest, a list or "
			    "lines");
	if (lines && o->id_from != ITEMS_ID_LINE)
		usage_error("lines have no ids: --id-from line numbers them "
			    "(a manifest wants --text and --id)");
}

void
items_options_check(const struct options *opt, const struct items_options *o)
{
	int manifest = o->file != NULL || o->text != NULL;
	int lines = !manifest && o->list == NULL &&
		    (o->lines || (opt->argc == 0 && o->stdin_lines));

	if (o->file != NULL && o->text != NULL)
		usage_error("--file and --text: one of the two");
	if (o->lines && (manifest || o->list != NULL))
		usage_error("--lines goes with neither a manifest nor a list");
	if (o->list != NULL && (manifest || opt->argc > 0))
		usage_error("a list of files goes with neither operands nor "
			    "a manifest");
	if (!manifest && (o->label != NULL || o->group != NULL))
		usage_error("--label and --group need a manifest: --file or "
			    "--text FIELD");
	if (o->label != NULL && o->label_dir)
		usage_error("--label and --label-from: one of the two");
	if (o->label_dir && (o->text != NULL || lines))
		usage_error("--label-from dir needs files");
	if (o->base != NULL && o->file == NULL && o->list == NULL)
		usage_error("--base needs a list or --file");
	check_id(o, manifest, lines);
	if (o->id_from == ITEMS_ID_LINE && opt->argc > 1)
		usage_error("--id-from line: one input only, for the numbers "
			    "of two would be the same");
}
