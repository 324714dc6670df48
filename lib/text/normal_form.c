#include <string.h>

#include "base/utf8.h"
#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/*
 * The normal forms of Unicode (Unicode Standard Annex 15), as the reference's
 * version of Unicode has them.
 */

/*
 * Canonical order: marks wait until a character of class 0 comes, and are
 * then sorted by class, stably, in linear time.
 */

int
marks_add(struct tokens *w, uint32_t c, unsigned class)
{
	if (mem_grow(&w->wait, &w->wait_cap, w->n_wait + 1, sizeof(*w->wait)) <
	    0)
		return -1;
	w->wait[w->n_wait++] = c | (uint32_t) class << 24;
	return 0;
}

int
marks_sort(struct tokens *w)
{
	size_t start[257] = { 0 };

	if (w->n_wait < 2)
		return 0;
	if (mem_grow(
		&w->sorted, &w->sorted_cap, w->n_wait, sizeof(*w->sorted)) < 0)
		return -1;
	for (size_t i = 0; i < w->n_wait; i++)
		start[(w->wait[i] >> 24) + 1]++;
	for (int k = 0; k < 256; k++)
		start[k + 1] += start[k];
	for (size_t i = 0; i < w->n_wait; i++)
		w->sorted[start[w->wait[i] >> 24]++] = w->wait[i];
	memcpy(w->wait, w->sorted, w->n_wait * sizeof(*w->wait));
	return 0;
}

/* Give out what waits: a character of class 0 and its marks, composed. */
static int
form_flush(struct tokens *w, struct buf *out, int compose)
{
	uint32_t *p = w->wait, kept = 0;
	unsigned last = 0;

	if (w->n_wait == 0)
		return 0;
	/* Marks only: the first, of class 0, is class 0's first anyway. */
	if (marks_sort(w) < 0)
		return -1;
	p = w->wait;
	kept = 1;
	if (!compose || p[0] >> 24 != 0)
		kept = (uint32_t)w->n_wait;
	for (size_t i = kept; i < w->n_wait; i++) {
		unsigned class = p[i] >> 24;
		uint32_t made = 0;

		/* Blocked by one of the same class, or another letter. */
		if (last < class)
			made =
			    unicode_compose(p[0] & 0x1FFFFF, p[i] & 0x1FFFFF);
		if (made != 0) {
			p[0] = made;
			continue;
		}
		last = class;
		p[kept++] = p[i];
	}
	for (size_t i = 0; i < kept; i++)
		if (buf_put_char(out, p[i] & 0x1FFFFF) < 0)
			return -1;
	w->n_wait = 0;
	return 0;
}

/*
 * A character of class 0 waits too, at the front, for its marks; where forms
 * compose, the next of class 0 may join it while nothing stands between.
 */
static int
form_char(struct tokens *w, struct buf *out, int compose, uint32_t c)
{
	unsigned class = unicode_combining(c);
	uint32_t made;

	if (class != 0)
		return marks_add(w, c, class);
	if (compose && w->n_wait > 0 && w->wait[0] >> 24 == 0) {
		/* Marks may have been taken up: settle them first. */
		size_t before = out->len;

		if (w->n_wait > 1) {
			char last[UTF8_MAX_BYTES];
			size_t len;

			made = w->wait[0];
			if (form_flush(w, out, compose) < 0)
				return -1;
			/* All composed into one? Then it goes on waiting. */
			len = unicode_len(out->data[before]);
			if (out->len == before + len) {
				memcpy(last, out->data + before, len);
				out->len = before;
				made = unicode_next(last, &len);
				if (marks_add(w, made, 0) < 0)
					return -1;
			}
		}
		if (w->n_wait == 1) {
			made = unicode_compose(w->wait[0], c);
			if (made != 0) {
				w->wait[0] = made;
				return 0;
			}
		}
	}
	if (form_flush(w, out, compose) < 0)
		return -1;
	return marks_add(w, c, 0);
}

int
norm_form(struct tokens *w, uint32_t op, struct str s, struct buf *out,
    size_t zero, size_t *out_zero)
{
	int compat = op == NORM_NFKD || op == NORM_NFKC;
	int compose = op == NORM_NFC || op == NORM_NFKC;
	uint32_t parts[UNICODE_PARTS_MAX];

	*out_zero = 0;
	for (size_t i = 0, len; i < s.len; i += len) {
		size_t n, plain = utf8_ascii(s.s + i, s.len - i);

		/* Only the last of ASCII may have to wait for a mark. */
		if (plain > 1 && i >= zero) {
			len = plain - 1;
			if (form_flush(w, out, compose) < 0 ||
			    buf_put(out, s.s + i, len) < 0)
				return -1;
			continue;
		}
		n = unicode_decompose(
		    unicode_next(s.s + i, &len), compat, parts);
		for (size_t k = 0; k < n; k++) {
			if (form_char(w, out, compose, parts[k]) < 0)
				return -1;
			if (i < zero)
				*out_zero += parts[k] < 0x80    ? 1
					     : parts[k] < 0x800 ? 2
					     : parts[k] < 65536 ? 3
								: 4;
		}
		if (compose && i < zero && n > 1)
			*out_zero = 1; /* of the first character, at least */
	}
	return form_flush(w, out, compose);
}
