#include <inttypes.h>

#include "fusion/join.h"

static int
each_stream(struct buf *out, const struct join_counts *c,
    const struct join_source *s, size_t n)
{
	int bad = buf_printf(out, "%" PRIu64 " ids, %" PRIu64 " in all %zu",
	    c->ids, c->in_all, n);

	for (size_t k = 0; k < n; k++)
		bad |=
		    buf_printf(out, "; '%s' has %" PRIu64 ", %" PRIu64 " alone",
			s[k].label, c->have[k], c->alone[k]);
	return bad;
}

int
join_sentence(struct buf *out, const struct join_counts *c,
    const struct join_source *s, size_t n)
{
	int bad = 0;

	if (n == 1)
		bad |= buf_printf(out, "%" PRIu64 " records", c->out);
	else if (n == 2)
		bad |= buf_printf(out,
		    "%" PRIu64 " in both, %" PRIu64 " only in '%s', %" PRIu64
		    " only in '%s'",
		    c->in_all, c->alone[0], s[0].label, c->alone[1],
		    s[1].label);
	else
		bad |= each_stream(out, c, s, n);
	if (c->out < c->ids)
		bad |=
		    buf_printf(out, "; %" PRIu64 " left out", c->ids - c->out);
	if (c->errors > 0)
		bad |= buf_printf(out, "; %" PRIu64 " carry errors", c->errors);
	if (c->rejected > 0)
		bad |= buf_printf(out, "; %" PRIu64 " rejected", c->rejected);
	return (bad | buf_putc(out, '\0')) == 0 ? 0 : -1;
}
