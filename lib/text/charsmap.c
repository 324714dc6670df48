#include <string.h>

#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/*
 * SentencePiece's precompiled normalizer: a double array (Aoe 1989, as Darts
 * lays it out) from character sequences to offsets of strings.  The reference
 * asks it for each grapheme cluster of fewer than 6 bytes, where the shortest
 * beginning that is there decides for the whole cluster, else for each
 * character.
 */

enum { CLUSTER_MAX = 6 };

/* What stands for s: [n], or s NULL. */
static struct str
transform(const struct tokenizer *t, const char *s, size_t n)
{
	struct str none = { NULL, 0 };
	uint32_t unit = t->trie[0];
	size_t at = unit >> 10 << ((unit & 1u << 9) >> 6);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		const char *form, *end;
		uint32_t value;

		if (c == 0)
			return none;
		at ^= c;
		if (at >= t->n_trie)
			return none;
		unit = t->trie[at];
		if ((unit & (1u << 31 | 0xFF)) != c)
			return none;
		at ^= unit >> 10 << ((unit & 1u << 9) >> 6);
		if ((unit >> 8 & 1) == 0)
			continue;
		if (at >= t->n_trie)
			return none;
		value = t->trie[at] & (UINT32_MAX >> 1);
		/* Not into the middle of a character. */
		if (value >= t->n_forms || (t->forms[value] & 0xC0) == 0x80)
			return none;
		form = t->forms + value;
		end = memchr(form, 0, t->n_forms - value);
		return (struct str){ form, end != NULL ? (size_t)(end - form)
						       : t->n_forms - value };
	}
	return none;
}

/*
 * Grapheme clusters (Unicode Standard Annex 29), as far as they matter here:
 * rules that only join what is 6 bytes long already are left out.
 */
enum hangul { HANGUL_NO, HANGUL_L, HANGUL_V, HANGUL_T, HANGUL_LV, HANGUL_LVT };

static enum hangul
hangul(uint32_t c)
{
	if (c < 0x1100 || c > 0xD7FB)
		return HANGUL_NO;
	if (c <= 0x115F || (c >= 0xA960 && c <= 0xA97C))
		return HANGUL_L;
	if ((c >= 0x1160 && c <= 0x11A7) || (c >= 0xD7B0 && c <= 0xD7C6))
		return HANGUL_V;
	if ((c >= 0x11A8 && c <= 0x11FF) || c >= 0xD7CB)
		return HANGUL_T;
	if (c >= 0xAC00 && c <= 0xD7A3)
		return (c - 0xAC00) % 28 == 0 ? HANGUL_LV : HANGUL_LVT;
	return HANGUL_NO;
}

static int
hangul_joins(uint32_t a, uint32_t b)
{
	enum hangul x = hangul(a), y = hangul(b);

	if (x == HANGUL_L)
		return y == HANGUL_L || y == HANGUL_V || y >= HANGUL_LV;
	if (x == HANGUL_V || x == HANGUL_LV)
		return y == HANGUL_V || y == HANGUL_T;
	return (x == HANGUL_T || x == HANGUL_LVT) && y == HANGUL_T;
}

static int
is_control(uint32_t c)
{
	return c < 0x80 ? c < 0x20 || c == 0x7F
			: (unicode_flags(c) & UNICODE_CONTROL) != 0;
}

/* The bytes of the cluster at the start of s: [n]. */
static size_t
cluster(const char *s, size_t n)
{
	size_t len, i;
	uint32_t c = unicode_next(s, &i), next;
	int picture, consonant, linked = 0;

	if (c == '\r' && n > 1 && s[1] == '\n')
		return 2;
	if (i == n || is_control(c))
		return i;
	if (c < 0x80 && (s[i] & 0x80) == 0)
		return i;
	picture = (unicode_flags(c) & UNICODE_PICTURE) != 0;
	consonant = (unicode_flags(c) & UNICODE_CONSONANT) != 0;
	for (; i < n; i += len, c = next) {
		uint32_t f;

		next = unicode_next(s + i, &len);
		if (is_control(next))
			break;
		f = unicode_flags(next);
		if ((f & UNICODE_ATTACH) != 0) {
			linked |= (f & UNICODE_LINKER) != 0;
			continue;
		}
		if ((unicode_flags(c) & UNICODE_PREPEND) == 0 &&
		    !hangul_joins(c, next) &&
		    !(picture && c == 0x200D && (f & UNICODE_PICTURE) != 0) &&
		    !(consonant && linked && (f & UNICODE_CONSONANT) != 0))
			break;
		picture = (f & UNICODE_PICTURE) != 0;
		consonant = (f & UNICODE_CONSONANT) != 0;
		linked = 0;
	}
	return i;
}

/* The characters of ASCII that stay as they are and are clusters of their own;
 * the last may have to wait for a mark. */
static size_t
plain_text(const struct tokenizer *t, const char *s, size_t n)
{
	size_t i = 0;

	while (
	    i < n && (unsigned char)s[i] < 128 && t->plain[(unsigned char)s[i]])
		i++;
	return i < n && (s[i] & 0x80) != 0 && i > 0 ? i - 1 : i;
}

void
charsmap_start(struct tokenizer *t)
{
	for (int c = 0; c < 128; c++) {
		char s = (char)c;

		t->plain[c] = c != '\r' && transform(t, &s, 1).s == NULL;
	}
}

int
charsmap_apply(const struct tokenizer *t, struct tokens *w, struct str s,
    struct buf *out, size_t zero, size_t *out_zero)
{
	*out_zero = 0;
	if (buf_reserve(out, s.len) < 0)
		return -1;
	for (size_t i = 0, end = 0, len; i < s.len; i += len) {
		struct str form = { NULL, 0 };

		if (i >= end && i >= zero) {
			len = plain_text(t, s.s + i, s.len - i);
			if (len > 0) {
				if (norm_put(w, out, s.s + i, len) < 0)
					return -1;
				continue;
			}
		}
		len = unicode_len(s.s[i]);
		if (i >= end) {
			end = i + cluster(s.s + i, s.len - i);
			if (end - i < CLUSTER_MAX && end - i > len) {
				form = transform(t, s.s + i, end - i);
				if (form.s != NULL)
					len = end - i;
			}
		}
		if (form.s == NULL)
			form = transform(t, s.s + i, len);
		if (form.s == NULL)
			form = (struct str){ s.s + i, len };
		if (norm_put(w, out, form.s, form.len) < 0)
			return -1;
		if (i < zero)
			*out_zero = out->len;
	}
	return 0;
}
