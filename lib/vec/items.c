#include "vec/items.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/utf8.h"
#include "base/walk.h"
#include "vec/batch.h"
#include "vec/manifest.h"

/* Fields of a manifest, in the order in which they are asked for. */
enum { MAX_FIELDS = 64 };

enum source_kind {
	SOURCE_NONE,
	SOURCE_WALK,
	SOURCE_LIST,
	SOURCE_LINES,
	SOURCE_TABLE
};

struct items {
	const struct items_options *o;
	struct items_calls calls;
	char *const *paths; /* operands: [n], at: the next one */
	int n, at;
	uint64_t index; /* inputs so far, for --shard */
	uint64_t skipped;

	enum source_kind kind; /* what is being read now */
	struct strs walked;    /* paths below the operand */
	size_t walk_at;
	const char *dir;
	struct reader in; /* a list, or lines */
	struct manifest *table;
	uint64_t line;
	const char *fields[MAX_FIELDS]; /* of a manifest */
	size_t nfields, text_first, ntext;
	char *text_names;
	ptrdiff_t id_field, file_field, label_field, group_field;

	/* What the item points into. */
	struct buf id, path, text;
	struct strs labels;
};

/* ---- ids and labels ---- */

static const char *
last_component(const char *path, size_t *len)
{
	size_t end = *len, from;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (from = end; from > 0 && path[from - 1] != '/'; from--)
		;
	*len = end - from;
	return path + from;
}

/* The id of a path, or the number of its line where the options say so. */
static int
make_id(struct items *it, const char *path, size_t len)
{
	enum items_id from = it->o->id_from;

	it->id.len = 0;
	if (from == ITEMS_ID_LINE)
		return buf_printf(
		    &it->id, "%llu", (unsigned long long)it->line);
	if (from == ITEMS_ID_NAME || from == ITEMS_ID_STEM)
		path = last_component(path, &len);
	if (from == ITEMS_ID_STEM)
		for (size_t i = len; i > 1; i--)
			if (path[i - 1] == '.') {
				len = i - 1;
				break;
			}
	return batch_path_id(&it->id, path, len);
}

/* The first folder of the path is the label. */
static int
label_from_dir(struct items *it, const char *path, size_t len)
{
	struct buf name = { 0 };
	const char *slash;
	int rc;

	while (len > 0 && (*path == '/' ||
			      (len > 1 && path[0] == '.' && path[1] == '/'))) {
		path++;
		len--;
	}
	slash = memchr(path, '/', len);
	if (slash == NULL)
		return 0;
	rc = batch_path_id(&name, path, (size_t)(slash - path));
	if (rc == 0)
		rc = strs_add(&it->labels, name.data, name.len);
	buf_free(&name);
	return rc;
}

/* ---- one item ---- */

/* An input without an id: told, and passed over. */
static void
reject(struct items *it, struct error *e)
{
	if (it->calls.rejected != NULL)
		it->calls.rejected(it->calls.arg, e->text);
}

/* The place of the item at hand, before the sentence in *e. */
static void
place(const struct items *it, struct error *e)
{
	if (it->kind == SOURCE_TABLE) {
		manifest_place(it->table, e);
	} else if (it->kind == SOURCE_LIST || it->kind == SOURCE_LINES) {
		error_at(e, "line %llu", (unsigned long long)it->line);
		io_place(&it->in, e);
	} else {
		error_at(e, "'%s'", it->path.data);
	}
}

/* Hand out what has been prepared: 1, or 2 when its id is no good. */
static int
hand_out(struct items *it, struct item *item, struct error *e)
{
	item->id = (struct str){ it->id.data, it->id.len };
	item->labels = &it->labels;
	if (batch_check_id(item->id.s, item->id.len, e) == -1) {
		place(it, e);
		reject(it, e);
		return 2;
	}
	return 1;
}

/* Is the next input in our shard?  Counts it. */
static int
wanted(struct items *it)
{
	uint64_t i = it->index++;

	return it->o->shards == 0 || i % it->o->shards == it->o->shard;
}

/*
 * A file by name: ${name} is what the id is made of, ${dir} is put before it
 * (where the name is relative) to open it.
 */
static int
file_item(struct items *it, struct item *item, const char *dir,
    const char *name, size_t len, struct error *e)
{
	int prefix = dir != NULL && (len == 0 || name[0] != '/');

	it->path.len = 0;
	if (prefix &&
	    (buf_puts(&it->path, dir) == -1 || buf_putc(&it->path, '/') == -1))
		return error_memory(e);
	if (buf_put(&it->path, name, len) == -1 ||
	    buf_putc(&it->path, '\0') == -1)
		return error_memory(e);
	if (it->id.len == 0 && make_id(it, name, len) == -1)
		return error_memory(e);
	if (it->o->label_dir && label_from_dir(it, name, len) == -1)
		return error_memory(e);
	item->path = it->path.data;
	if (memchr(name, '\0', len) != NULL) {
		item->path = NULL;
		item->error = "a file's name with a NUL byte";
	}
	return hand_out(it, item, e);
}

/* ---- the kinds of sources ---- */

static int
next_walked(struct items *it, struct item *item, struct error *e)
{
	struct str name;

	if (it->walk_at == it->walked.n)
		return 0;
	name = strs_get(&it->walked, it->walk_at++);
	if (!wanted(it))
		return 2;
	item->walked = 1;
	return file_item(it, item, it->dir, name.s, name.len, e);
}

/* Read a line or a name; also tells the caller when that would block. */
static int
read_line(struct items *it, int nul, size_t max, struct error *e)
{
	if (it->calls.waits != NULL &&
	    (nul ? io_would_block(&it->in) : io_line_would_block(&it->in)) &&
	    it->calls.waits(it->calls.arg, e) == -1)
		return -1;
	it->line++;
	if (nul)
		return io_read_until(&it->in, '\0', &it->text, max, NULL, e);
	return io_read_line(&it->in, &it->text, max, NULL, e);
}

static int
next_listed(struct items *it, struct item *item, struct error *e)
{
	int rc = read_line(it, it->o->list_nul, ITEMS_MAX_LIST_NAME, e);

	if (rc <= 0)
		return rc;
	if (!wanted(it))
		return 2;
	item->line = it->line;
	if (rc == 2 || it->text.len == 0) {
		error_set(e, rc == 2 ? "name too long" : "empty name");
		place(it, e);
		reject(it, e);
		return 2;
	}
	/* A list names files: "-" is one of that name. */
	return file_item(it, item,
	    it->text.len == 1 && it->text.data[0] == '-' && it->o->base == NULL
		? "."
		: it->o->base,
	    it->text.data, it->text.len, e);
}

static int
next_text(struct items *it, struct item *item, struct error *e)
{
	static const char bom[] = "\xef\xbb\xbf";
	int rc = read_line(it, 0, ITEMS_MAX_LINE, e);
	size_t skip = 0;

	if (rc <= 0)
		return rc;
	if (!wanted(it))
		return 2;
	if (it->line == 1 && it->text.len >= 3 &&
	    memcmp(it->text.data, bom, 3) == 0)
		skip = 3;
	if (it->line == 1 && !it->o->lines && it->text.len > skip &&
	    it->text.data[skip] == '{') {
		error_set(e, "looks like JSON Lines: name the field of the "
			     "text with --text (or say --lines)");
		return io_place(&it->in, e);
	}
	item->line = it->line;
	item->text = (struct str){ "", 0 };
	if (it->text.len > skip)
		item->text =
		    (struct str){ it->text.data + skip, it->text.len - skip };
	if (rc == 2) {
		item->text = (struct str){ NULL, 0 };
		item->error = "line longer than 16 MiB";
	}
	if (make_id(it, "", 0) == -1)
		return error_memory(e);
	return hand_out(it, item, e);
}

/* Put the texts of a row together, with newlines between them. */
static int
row_text(struct items *it, struct item *item)
{
	int some = 0;

	it->text.len = 0;
	for (size_t f = 0; f < it->ntext; f++) {
		const struct manifest_value *v =
		    manifest_field(it->table, it->text_first + f);

		if (v->odd)
			item->error = "the text is neither a string nor a list "
				      "of strings";
		if (v->lone > 0)
			item->flags |= FLAG_BAD_UTF8;
		for (size_t i = 0; i < v->text.n; i++) {
			struct str s = strs_get(&v->text, i);

			if (some++ > 0 && buf_putc(&it->text, '\n') == -1)
				return -1;
			if (buf_put(&it->text, s.s, s.len) == -1)
				return -1;
		}
	}
	item->text = (struct str){ it->text.data, it->text.len };
	if (!some || item->error != NULL)
		item->text = (struct str){ NULL, 0 };
	item->missing = !some && item->error == NULL;
	return 0;
}

/* Labels and group of a row. */
static int
row_labels(struct items *it, struct item *item)
{
	const struct manifest_value *v;

	if (it->label_field >= 0) {
		v = manifest_field(it->table, (size_t)it->label_field);
		if (v->odd)
			item->error = "the label is neither a string nor a "
				      "list of strings";
		for (size_t i = 0; i < v->text.n; i++) {
			struct str s = strs_get(&v->text, i);

			if (s.len == 0)
				continue;
			if (utf8_valid(s.s, s.len) < s.len)
				item->error = "the label is not valid UTF-8";
			else if (strs_add(&it->labels, s.s, s.len) == -1)
				return -1;
		}
	}
	if (it->group_field >= 0) {
		v = manifest_field(it->table, (size_t)it->group_field);
		if (v->odd || v->text.n > 1)
			item->error = "the group is not a string";
		else if (v->text.n == 1)
			item->group = strs_get(&v->text, 0);
		if (utf8_valid(item->group.s, item->group.len) <
		    item->group.len) {
			item->group = (struct str){ NULL, 0 };
			item->error = "the group is not valid UTF-8";
		}
	}
	return 0;
}

/* The id of a row by its field: 1, or 2 when there is none. */
static int
row_id(struct items *it, struct error *e)
{
	const struct manifest_value *v =
	    manifest_field(it->table, (size_t)it->id_field);
	struct str s;

	if (v->odd || v->text.n != 1) {
		error_set(e,
		    v->odd || v->text.n > 1 ? "the id '%s' is no string"
					    : "no id: '%s' is absent or empty",
		    it->o->id);
		manifest_place(it->table, e);
		reject(it, e);
		return 2;
	}
	s = strs_get(&v->text, 0);
	return buf_put(&it->id, s.s, s.len) == -1 ? error_memory(e) : 1;
}

static int
next_row(struct items *it, struct item *item, struct error *e)
{
	const struct manifest_value *v;
	struct str name = { "", 0 };
	int rc = manifest_next(it->table, e);

	for (size_t f = 0; rc == MANIFEST_END && f < it->nfields; f++)
		if (it->calls.noted != NULL && manifest_lacks(it->table, f, e))
			it->calls.noted(it->calls.arg, e->text);
	if (rc == MANIFEST_FATAL || rc == MANIFEST_END)
		return rc;
	it->line = manifest_line(it->table);
	item->line = it->line;
	if (!wanted(it))
		return 2;
	if (rc == MANIFEST_BAD) {
		reject(it, e);
		return 2;
	}
	if (it->id_field >= 0 && (rc = row_id(it, e)) != 1)
		return rc;
	if (row_labels(it, item) == -1 ||
	    (it->ntext > 0 && row_text(it, item) == -1))
		return error_memory(e);
	if (it->file_field >= 0) {
		v = manifest_field(it->table, (size_t)it->file_field);
		item->missing = !v->odd && v->text.n == 0;
		if (v->odd || v->text.n > 1)
			item->error = "the file's name is not a string";
		else if (v->text.n == 1)
			name = strs_get(&v->text, 0);
	}
	if (name.len > 0) {
		rc = file_item(it, item, it->o->base, name.s, name.len, e);
		if (item->error != NULL)
			item->path = NULL;
		return rc;
	}
	if (it->id.len == 0 && it->o->id_from == ITEMS_ID_LINE &&
	    make_id(it, "", 0) == -1)
		return error_memory(e);
	return hand_out(it, item, e);
}

/* ---- opening ---- */

static void
close_source(struct items *it)
{
	if (it->kind == SOURCE_LIST || it->kind == SOURCE_LINES)
		io_close(&it->in);
	if (it->kind == SOURCE_TABLE)
		manifest_close(it->table);
	it->kind = SOURCE_NONE;
}

/* Ask for one more field; -1 for NULL. */
static ptrdiff_t
ask(struct items *it, const char *field)
{
	if (field == NULL)
		return -1;
	it->fields[it->nfields] = field;
	return (ptrdiff_t)it->nfields++;
}

/* Take the options' field names apart. */
static int
name_fields(struct items *it, struct error *e)
{
	const struct items_options *o = it->o;

	it->id_field = ask(it, o->id);
	it->file_field = ask(it, o->file);
	it->label_field = ask(it, o->label);
	it->group_field = ask(it, o->group);
	it->text_first = it->nfields;
	if (o->text == NULL)
		return 0;
	it->text_names = mem_strndup(o->text, strlen(o->text));
	if (it->text_names == NULL)
		return error_memory(e);
	for (char *s = it->text_names; s != NULL;) {
		char *comma = strchr(s, ',');

		if (comma != NULL)
			*comma = '\0';
		if (it->nfields == MAX_FIELDS)
			return error_set(
			    e, "more than %d fields", (int)MAX_FIELDS);
		ask(it, s);
		s = comma != NULL ? comma + 1 : NULL;
	}
	it->ntext = it->nfields - it->text_first;
	return 0;
}

struct items *
items_open(const struct items_options *o, char *const *paths, int n,
    const struct items_calls *calls, struct error *e)
{
	struct items *it = mem_array(1, sizeof(*it));

	if (it == NULL) {
		error_memory(e);
		return NULL;
	}
	it->o = o;
	if (calls != NULL)
		it->calls = *calls;
	it->paths = paths;
	it->n = n;
	if (name_fields(it, e) == -1) {
		items_close(it);
		return NULL;
	}
	return it;
}

void
items_close(struct items *it)
{
	if (it == NULL)
		return;
	close_source(it);
	strs_free(&it->walked);
	strs_free(&it->labels);
	buf_free(&it->id);
	buf_free(&it->path);
	buf_free(&it->text);
	free(it->text_names);
	free(it);
}

/*
 * Begin with the next operand.  1 it is open; 2 it is a file, and *item is
 * it; 0 there is none; -1.
 */
static int
open_next(struct items *it, struct item *item, struct error *e)
{
	const struct items_options *o = it->o;
	int last = it->n > 0 && o->list == NULL ? it->n : 1;
	const char *path;
	size_t skipped;

	if (it->at == last)
		return 0;
	path = o->list != NULL ? o->list : it->n > 0 ? it->paths[it->at] : "-";
	it->at++;
	if (o->file != NULL || o->text != NULL) {
		it->table = manifest_open(path, it->fields, it->nfields,
		    it->calls.waits, it->calls.arg, e);
		it->kind = it->table != NULL ? SOURCE_TABLE : SOURCE_NONE;
		return it->table != NULL ? 1 : -1;
	}
	it->line = 0;
	if (o->list != NULL || o->lines || (it->n == 0 && o->stdin_lines)) {
		if (io_open(&it->in, path, e) == -1)
			return -1;
		it->kind = o->list != NULL ? SOURCE_LIST : SOURCE_LINES;
		return 1;
	}
	if (walk_is_dir(path)) {
		strs_clear(&it->walked);
		it->walk_at = 0;
		it->dir = path;
		if (walk_files(path, &it->walked, &skipped, e) == -1)
			return -1;
		it->skipped += skipped;
		it->kind = SOURCE_WALK;
		return 1;
	}
	if (!wanted(it))
		return 1;
	switch (file_item(it, item, NULL, path, strlen(path), e)) {
	case 1:
		return 2;
	case 2:
		return 1;
	default:
		return -1;
	}
}

int
items_next(struct items *it, struct item *item, struct error *e)
{
	int rc;

	for (;;) {
		*item = (struct item){ 0 };
		it->id.len = 0;
		strs_clear(&it->labels);
		switch (it->kind) {
		case SOURCE_WALK:
			rc = next_walked(it, item, e);
			break;
		case SOURCE_LIST:
			rc = next_listed(it, item, e);
			break;
		case SOURCE_LINES:
			rc = next_text(it, item, e);
			break;
		case SOURCE_TABLE:
			rc = next_row(it, item, e);
			break;
		default:
			rc = open_next(it, item, e);
			if (rc == 2)
				return 1;
			if (rc <= 0)
				return rc;
			continue;
		}
		if (rc == 1 || rc == -1)
			return rc;
		if (rc == 0)
			close_source(it);
	}
}

uint64_t
items_skipped(const struct items *it)
{
	return it->skipped;
}

uint64_t
items_total(const struct items *it)
{
	return it->kind == SOURCE_WALK && it->n == 1 && it->o->shards == 0
		   ? it->walked.n
		   : 0;
}
