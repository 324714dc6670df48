#include "text/unicode.h"
#include "text/fold.h"

size_t
unicode_lower(uint32_t c, uint32_t *out)
{
	size_t low = 0, high = UNICODE_LOWERS;

	out[0] = c;
	if (c < 0x80) {
		if (c - 'A' < 26)
			out[0] = c + 32;
		return 1;
	}
	if (c == 0x130) {
		out[0] = 'i';
		out[1] = 0x307;
		return 2;
	}
	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct unicode_lower *r = &UNICODE_LOWER[mid];

		if (c > r->last) {
			low = mid + 1;
		} else if (c < r->first) {
			high = mid;
		} else {
			if ((c - r->first) % r->step == 0)
				out[0] = (uint32_t)((int32_t)c + r->add);
			break;
		}
	}
	return 1;
}

/*
 * Decompositions and combining classes of a character never change once it
 * is there, so any utf8proc knows those of the characters that the reference
 * knows; what is newer than the reference is as good as unassigned.
 */
size_t
unicode_decompose(uint32_t c, int compat, uint32_t *out)
{
	size_t n = 0;

	if (c >= 0xA0 && (unicode_flags(c) & UNICODE_NORM) != 0)
		n = fold_decompose(c, compat, out, UNICODE_PARTS_MAX);
	if (n == 0) {
		out[0] = c;
		n = 1;
	}
	return n;
}

unsigned
unicode_combining(uint32_t c)
{
	return c >= 0x300 && (unicode_flags(c) & UNICODE_NORM) != 0
		   ? fold_combining(c)
		   : 0;
}

uint32_t
unicode_compose(uint32_t a, uint32_t b)
{
	uint32_t c = b < 0x300 ? 0 : fold_compose(a, b);

	return c != 0 && (unicode_flags(c) & UNICODE_NORM) != 0 ? c : 0;
}
