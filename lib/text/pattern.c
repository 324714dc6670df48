#include <string.h>

#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/*
 * The regular expressions that byte-level models split text with, by hand:
 * each finds what the expression, tried at that place, would take.  Runs of
 * one kind are stepped over once, so time is linear.
 */

static int
is_a(const char *s, size_t i, size_t n, uint32_t flags)
{
	size_t len;

	return i < n && (unicode_flags(unicode_next(s + i, &len)) & flags) != 0;
}

/* The letters of ASCII at s, at most 8, as plain_run. */
static size_t
letter_run(const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t x, small, letter;

	memcpy(&x, s, 8);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	small = (x | ones * 0x20) & ~tops;
	letter = (small + ones * (128 - 'a')) & ~(small + ones * (127 - 'z'));
	x = (~letter | x) & tops;
	return x == 0 ? 8 : (size_t)__builtin_ctzll(x) / 8;
}

/* Past the run of characters with one of the flags (or, where not, with
 * none of them). */
static size_t
run_end(const char *s, size_t i, size_t n, uint32_t flags, int with)
{
	while (i < n) {
		size_t len =
		    flags == UNICODE_LETTER && with ? letter_run(s + i) : 0;

		if (len == 0) {
			if (is_a(s, i, n, flags) != with)
				return i;
			len = unicode_len(s[i]);
		}
		i += len;
	}
	return n;
}

/* 's|'t|'re|'ve|'m|'ll|'d at i; with fold, in capitals too, and with the long
 * s, which folds to s. */
static size_t
contraction(const char *s, size_t i, size_t n, int fold)
{
	char a, b;

	if (n - i < 2 || s[i] != '\'')
		return 0;
	a = s[i + 1];
	b = n - i > 2 ? s[i + 2] : 0;
	if (fold) {
		if (n - i > 2 && memcmp(s + i + 1, "\xc5\xbf", 2) == 0)
			return 3;
		a |= a >= 'A' && a <= 'Z' ? 32 : 0;
		b |= b >= 'A' && b <= 'Z' ? 32 : 0;
	}
	if (a == 's' || a == 't' || a == 'm' || a == 'd')
		return 2;
	if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') ||
	    (a == 'l' && b == 'l'))
		return 3;
	return 0;
}

enum {
	LETTER = UNICODE_LETTER,
	NUMBER = UNICODE_NUMBER,
	SPACE = UNICODE_SPACE
};

/* \s+(?!\S)|\s+: the space before something else is left to it, unless it is
 * all there is. */
static size_t
match_space(const char *s, size_t i, size_t n)
{
	size_t to = run_end(s, i, n, SPACE, 1), last = i;

	if (to == n)
		return to;
	for (size_t k = i; k < to; k += unicode_len(s[k]))
		last = k;
	return last > i ? last : to;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t
match_gpt2(const char *s, size_t i, size_t n)
{
	size_t used = contraction(s, i, n, 0), at;

	if (used > 0)
		return i + used;
	at = i + (s[i] == ' ');
	if (is_a(s, at, n, LETTER))
		return run_end(s, at, n, LETTER, 1);
	if (is_a(s, at, n, NUMBER))
		return run_end(s, at, n, NUMBER, 1);
	if (at < n && !is_a(s, at, n, SPACE))
		return run_end(s, at, n, LETTER | NUMBER | SPACE, 0);
	return match_space(s, i, n);
}

/* 's|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+, with the special
 * tokens before it or not.  i where nothing matches. */
static size_t
match_clip(const char *s, size_t i, size_t n, int special)
{
	static const struct str NAMES[] = { { "<|startoftext|>", 15 },
		{ "<|endoftext|>", 13 } };
	size_t used;

	for (int k = 0; special && k < 2; k++)
		if (n - i >= NAMES[k].len &&
		    memcmp(s + i, NAMES[k].s, NAMES[k].len) == 0)
			return i + NAMES[k].len;
	used = contraction(s, i, n, 0);
	if (used > 0)
		return i + used;
	if (is_a(s, i, n, LETTER))
		return run_end(s, i, n, LETTER, 1);
	if (is_a(s, i, n, NUMBER))
		return i + unicode_len(s[i]);
	if (!is_a(s, i, n, SPACE))
		return run_end(s, i, n, LETTER | NUMBER | SPACE, 0);
	return i;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
 *  ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * with up to ${digits} digits. */
static size_t
match_cl100k(const char *s, size_t i, size_t n, int digits)
{
	size_t at = contraction(s, i, n, 1), last = i, to;

	if (at > 0)
		return i + at;
	at = i;
	if (s[i] != '\r' && s[i] != '\n' && !is_a(s, i, n, LETTER | NUMBER))
		at += unicode_len(s[i]);
	if (is_a(s, at, n, LETTER))
		return run_end(s, at, n, LETTER, 1);
	for (at = i; at < n && digits > 0 && is_a(s, at, n, NUMBER); digits--)
		at += unicode_len(s[at]);
	if (at > i)
		return at;
	at = i + (s[i] == ' ');
	if (at < n && !is_a(s, at, n, LETTER | NUMBER | SPACE)) {
		at = run_end(s, at, n, LETTER | NUMBER | SPACE, 0);
		while (at < n && (s[at] == '\r' || s[at] == '\n'))
			at++;
		return at;
	}
	to = run_end(s, i, n, SPACE, 1);
	for (at = i; at < to; at++)
		if (s[at] == '\r' || s[at] == '\n')
			last = at + 1;
	return last > i ? last : match_space(s, i, n);
}

size_t
pattern_match(uint32_t pattern, const char *s, size_t i, size_t n)
{
	switch (pattern) {
	case PATTERN_GPT2:
		return match_gpt2(s, i, n);
	case PATTERN_CLIP:
		return match_clip(s, i, n, 0);
	case PATTERN_CLIP_SPECIAL:
		return match_clip(s, i, n, 1);
	default:
		return match_cl100k(s, i, n, pattern == PATTERN_CL100K ? 3 : 1);
	}
}
