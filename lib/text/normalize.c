#include <string.h>

#include "base/utf8.h"
#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/*
 * The normalizers of tokenizer.json, each a pass from one buffer to the
 * other, linear in the text.  Text is well-formed UTF-8 throughout.
 *
 * ${zero} counts the bytes at the front that stem from the first character of
 * the text: a character that takes another's place stands where that stood.
 */

int
buf_put_char(struct buf *b, uint32_t c)
{
	if (buf_reserve(b, UTF8_MAX_BYTES) < 0)
		return -1;
	b->len += utf8_encode(b->data + b->len, c);
	return 0;
}

int
norm_put(struct tokens *w, struct buf *out, const char *s, size_t n)
{
	if (out->len > w->most) {
		w->grew = 1;
		return -1;
	}
	return buf_put(out, s, n);
}

uint32_t
byte_char(unsigned char c)
{
	if ((c >= '!' && c <= '~') || (c >= 0xA1 && c != 0xAD))
		return c;
	/* The others, in order: 0..32, 127..160, 173. */
	return 256u + (c <= ' ' ? c : c < 0xAD ? c - 127u + 33 : 67u);
}

int
bytes_put(struct buf *b, const char *s, size_t n)
{
	if (buf_reserve(b, 2 * n) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		b->len += utf8_encode(
		    b->data + b->len, byte_char((unsigned char)s[i]));
	return 0;
}

/* The small letters of ASCII text, eight bytes at once, up to the first
 * control character; how many bytes that were. */
static size_t
lower_plain(char *out, const char *s, size_t n)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	size_t i = 0;

	for (uint64_t x; n - i >= 8; i += 8) {
		uint64_t big;

		memcpy(&x, s + i, 8);
		if (((x + ones * (128 - ' ')) & ~(x + ones) & tops) != tops)
			break;
		big = (x + ones * (128 - 'A')) & ~(x + ones * (127 - 'Z'));
		x |= (big & tops) >> 2;
		memcpy(out + i, &x, 8);
	}
	return i;
}

/*
 * BERT.
 */

static int
is_chinese(uint32_t c)
{
	return c >= 0x3400 && ((c >= 0x4E00 && c <= 0x9FFF) || c <= 0x4DBF ||
				  (c >= 0xF900 && c <= 0xFAFF) ||
				  (c >= 0x20000 && c <= 0x2A6DF) ||
				  (c >= 0x2A700 && c <= 0x2B73F) ||
				  (c >= 0x2B740 && c <= 0x2B81F) ||
				  (c >= 0x2B920 && c <= 0x2CEAF) ||
				  (c >= 0x2F800 && c <= 0x2FA1F));
}

static int
bert_put(struct buf *out, uint32_t flags, uint32_t c)
{
	uint32_t low[2] = { c, 0 };
	size_t n = (flags & BERT_LOWER) != 0 ? unicode_lower(c, low) : 1;

	for (size_t i = 0; i < n; i++)
		if (buf_put_char(out, low[i]) < 0)
			return -1;
	return 0;
}

static int
bert_flush(struct tokens *w, struct buf *out, uint32_t flags)
{
	if (marks_sort(w) < 0)
		return -1;
	for (size_t i = 0; i < w->n_wait; i++)
		if (bert_put(out, flags, w->wait[i] & 0x1FFFFF) < 0)
			return -1;
	w->n_wait = 0;
	return 0;
}

/* One character that was cleaned: accents, case. */
static int
bert_char(struct tokens *w, struct buf *out, uint32_t flags, uint32_t c)
{
	uint32_t parts[UNICODE_PARTS_MAX];
	size_t n;

	if ((flags & BERT_ACCENTS) == 0)
		return bert_put(out, flags, c);
	n = unicode_decompose(c, 0, parts);
	for (size_t i = 0; i < n; i++) {
		uint32_t f = unicode_flags(parts[i]);
		unsigned class = unicode_combining(parts[i]);

		if (class == 0 && w->n_wait > 0 &&
		    bert_flush(w, out, flags) < 0)
			return -1;
		if ((f & UNICODE_MN) != 0)
			continue;
		if (class != 0) {
			if (marks_add(w, parts[i], class) < 0)
				return -1;
		} else if (bert_put(out, flags, parts[i]) < 0) {
			return -1;
		}
	}
	return 0;
}

static int
bert_long_way(struct tokens *w, struct buf *out, uint32_t flags, uint32_t c)
{
	int spaced = (flags & BERT_CHINESE) != 0 && is_chinese(c);

	if ((flags & BERT_CLEAN) != 0) {
		uint32_t f = unicode_flags(c);

		if ((f & UNICODE_DROP) != 0)
			return 0;
		if ((f & UNICODE_WHITE) != 0)
			c = ' ';
	}
	if (spaced && bert_char(w, out, flags, ' ') < 0)
		return -1;
	if (bert_char(w, out, flags, c) < 0)
		return -1;
	return spaced ? bert_char(w, out, flags, ' ') : 0;
}

/* ASCII: 0 for what is dropped. */
static void
bert_ascii(unsigned char table[128], uint32_t flags)
{
	for (unsigned c = 0; c < 128; c++) {
		unsigned low = c;

		if ((flags & BERT_LOWER) != 0 && c - 'A' < 26)
			low = c + 32;
		if ((flags & BERT_CLEAN) != 0 && (c < 32 || c == 127))
			low = c == '\t' || c == '\n' || c == '\r' ? ' ' : 0;
		table[c] = (unsigned char)low;
	}
}

static int
norm_bert(struct tokens *w, uint32_t flags, struct str s, struct buf *out,
    size_t zero, size_t *out_zero)
{
	unsigned char table[128];
	int clean = (flags & BERT_CLEAN) != 0;

	bert_ascii(table, flags);
	*out_zero = 0;
	if (buf_reserve(out, s.len + TOKEN_PAD) < 0)
		return -1;
	for (size_t i = 0, len; i < s.len; i += len) {
		uint32_t c = unicode_next(s.s + i, &len);

		if (c >= 128) {
			if (bert_long_way(w, out, flags, c) < 0)
				return -1;
		} else {
			size_t to = i + utf8_ascii(s.s + i, s.len - i);
			char *p;

			/* The first character alone: zero ends behind it. */
			if (i < zero)
				to = i + 1;
			if (w->n_wait > 0 && bert_flush(w, out, flags) < 0)
				return -1;
			if (buf_reserve(out, s.len - i + TOKEN_PAD) < 0)
				return -1;
			p = out->data + out->len;
			len = (flags & BERT_LOWER) != 0
				  ? lower_plain(p, s.s + i, to - i)
				  : 0;
			p += len;
			for (; i + len < to; len++) {
				unsigned char low =
				    table[(unsigned char)s.s[i + len]];

				*p = (char)low;
				p += low != 0 || !clean;
			}
			out->len = (size_t)(p - out->data);
		}
		if (i + len == zero)
			*out_zero = out->len;
	}
	return bert_flush(w, out, flags);
}

/*
 * The simple ones.
 */

static int
norm_strip(uint32_t flags, struct str s, struct buf *out, size_t zero,
    size_t *out_zero)
{
	size_t from = 0, to = s.len, len;

	while ((flags & 1) != 0 && from < to &&
	       (unicode_flags(unicode_next(s.s + from, &len)) &
		   UNICODE_WHITE) != 0)
		from += len;
	while ((flags & 2) != 0 && to > from) {
		size_t at = to - 1;

		while (at > from && (s.s[at] & 0xC0) == 0x80)
			at--;
		if ((unicode_flags(unicode_next(s.s + at, &len)) &
			UNICODE_WHITE) == 0)
			break;
		to = at;
	}
	*out_zero = zero > from ? zero - from : 0;
	if (*out_zero > to - from)
		*out_zero = to - from;
	return buf_put(out, s.s + from, to - from);
}

static int
is_nmt_space(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\f' || c == '\r' ||
	       c == 0x1680 || (c >= 0x200B && c <= 0x200F) || c == 0x2028 ||
	       c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
}

static int
is_nmt_control(uint32_t c)
{
	return (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) ||
	       c == 0x7F || c == 0x8F || c == 0x9F;
}

/* Character by character: StripAccents, Lowercase, Nmt, ByteLevel. */
static int
norm_chars(
    uint32_t op, struct str s, struct buf *out, size_t zero, size_t *out_zero)
{
	*out_zero = 0;
	if (buf_reserve(out, s.len) < 0)
		return -1;
	for (size_t i = 0, len; i < s.len; i += len) {
		uint32_t c, low[2] = { 0, 0 };
		size_t n = 1;

		if (op == NORM_LOWER && i >= zero && s.len - i >= 8) {
			if (buf_reserve(out, s.len - i) < 0)
				return -1;
			len = lower_plain(
			    out->data + out->len, s.s + i, s.len - i);
			out->len += len;
			if (len > 0)
				continue;
		}
		c = low[0] = unicode_next(s.s + i, &len);
		if (op == NORM_BYTES) {
			if (bytes_put(out, s.s + i, len) < 0)
				return -1;
			n = 0;
		} else if (op == NORM_LOWER) {
			n = unicode_lower(c, low);
		} else if (op == NORM_ACCENTS) {
			n = (unicode_flags(c) & UNICODE_MARK) == 0;
		} else {
			n = !is_nmt_control(c);
			if (is_nmt_space(c))
				low[0] = ' ';
		}
		for (size_t k = 0; k < n; k++)
			if (buf_put_char(out, low[k]) < 0)
				return -1;
		if (i + len == zero)
			*out_zero = out->len;
	}
	return 0;
}

/* The length of what the pattern of the step finds at s: [n], or 0. */
static size_t
replace_match(struct str a, uint32_t pattern, const char *s, size_t n)
{
	size_t i = 0, len;

	if (pattern == PATTERN_NONE)
		return n >= a.len && memcmp(s, a.s, a.len) == 0 ? a.len : 0;
	if (pattern == PATTERN_BLANKS) {
		while (i < n && s[i] == ' ')
			i++;
		return i >= 2 ? i : 0;
	}
	for (; i < n; i += len)
		if ((unicode_flags(unicode_next(s + i, &len)) &
			UNICODE_SPACE) == 0)
			break;
	return i;
}

/* Where it is found from i on, n if nowhere; *len gets its length. */
static size_t
replace_next(struct str a, uint32_t pattern, const char *s, size_t i, size_t n,
    size_t *len)
{
	int first = pattern == PATTERN_NONE ? a.s[0] : ' ';

	for (; i < n; i += unicode_len(s[i])) {
		if (pattern != PATTERN_SPACES) {
			const char *p = memchr(s + i, first, n - i);

			if (p == NULL)
				break;
			i = (size_t)(p - s);
		}
		*len = replace_match(a, pattern, s + i, n - i);
		if (*len > 0)
			return i;
	}
	return n;
}

static int
norm_replace(const struct tokenizer *t, struct tokens *w,
    const struct token_step *step, struct str s, struct buf *out, size_t zero,
    size_t *out_zero)
{
	struct str a = token_string(t, step->a), b = token_string(t, step->b);

	*out_zero = 0;
	if (buf_reserve(out, s.len + TOKEN_PAD) < 0)
		return -1;
	for (size_t at = 0, len = 0, i; at < s.len; at = i + len) {
		i = replace_next(a, step->flags, s.s, at, s.len, &len);
		if (norm_put(w, out, s.s + at, i - at) < 0)
			return -1;
		if (zero > at && zero <= i)
			*out_zero = out->len - (i - zero);
		if (i == s.len)
			break;
		if (norm_put(w, out, b.s, b.len) < 0)
			return -1;
		if (i + len <= zero)
			*out_zero = out->len;
	}
	return 0;
}

static int
norm_step(const struct tokenizer *t, struct tokens *w,
    const struct token_step *step, struct str s, struct buf *out, size_t zero,
    size_t *out_zero)
{
	struct str a = token_string(t, step->a);

	switch (step->op) {
	case NORM_BERT:
		return norm_bert(w, step->flags, s, out, zero, out_zero);
	case NORM_STRIP:
		return norm_strip(step->flags, s, out, zero, out_zero);
	case NORM_NFC:
	case NORM_NFD:
	case NORM_NFKC:
	case NORM_NFKD:
		return norm_form(w, step->op, s, out, zero, out_zero);
	case NORM_CHARSMAP:
		return charsmap_apply(t, w, s, out, zero, out_zero);
	case NORM_REPLACE:
		return norm_replace(t, w, step, s, out, zero, out_zero);
	case NORM_PREPEND:
		*out_zero = zero > 0 ? zero + a.len : 0;
		if (s.len == 0)
			return 0;
		if (buf_put(out, a.s, a.len) < 0)
			return -1;
		return buf_put(out, s.s, s.len);
	default:
		return norm_chars(step->op, s, out, zero, out_zero);
	}
}

int
normalize(const struct tokenizer *t, struct tokens *w, struct str s,
    size_t zero, struct str *out, size_t *out_zero)
{
	struct buf *b = &w->norm[0];

	b->len = 0;
	w->n_wait = 0;
	w->most = TOKEN_GROWTH * s.len + 65536;
	if (t->set->normalizers == 0 && buf_put(b, s.s, s.len) < 0)
		return -1;
	for (uint32_t i = 0; i < t->set->normalizers; i++) {
		b = &w->norm[i & 1];
		b->len = 0;
		if (norm_step(t, w, &t->steps[i], s, b, zero, &zero) < 0 ||
		    norm_put(w, b, "", 0) < 0)
			return -1;
		s = (struct str){ b->data, b->len };
	}
	if (buf_reserve(b, TOKEN_PAD) < 0)
		return -1;
	memset(b->data + b->len, 0, TOKEN_PAD);
	*out = (struct str){ b->data, b->len };
	*out_zero = zero;
	return 0;
}
