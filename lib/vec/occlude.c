#include "vec/occlude.h"

#include <string.h>

#include "base/json.h"

int
occlude_mark(struct buf *run, const char *pieces)
{
	if (run->len > 0 && run->data[run->len - 1] == '}')
		run->len--;
	return buf_printf(
	    run, "%s\"occluded\":\"%s\"}", run->len > 1 ? "," : "", pieces);
}

int
occlude_marked(const struct part *p)
{
	struct str found;
	struct error e;

	return p->kind == PART_SEQUENCE &&
	       json_find_path(p->run, strlen(p->run), "occluded", &found, &e) ==
		   1;
}
