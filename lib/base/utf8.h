#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/*
 * UTF-8 as RFC 3629 and Unicode define it: no overlong forms, no surrogates,
 * nothing above U+10FFFF.  What is ill-formed becomes one U+FFFD for each
 * maximal subpart (Unicode 15, section 3.9; the same as the WHATWG decoder),
 * so the result does not depend on how the input was cut into reads.
 * All input is length-counted; NUL is a character like any other.
 */

enum { UTF8_REPLACEMENT = 0xFFFD, UTF8_MAX_BYTES = 4 };

/* utf8_ascii(s, n): bytes before the first one >= 0x80; n if there is none. */
size_t utf8_ascii(const char *s, size_t n);

/* utf8_valid(s, n): bytes before the first ill-formed one; n if all is well. */
size_t utf8_valid(const char *s, size_t n);

/*
 * utf8_decode(s, n, cp): the character at the start of s: [n], n > 0.
 * Returns its length 1..4; or, for an ill-formed start, minus the length of
 * the maximal subpart (-1..-3) with *cp = U+FFFD.
 */
int utf8_decode(const char *s, size_t n, uint32_t *cp);

/* utf8_encode(out, cp): write cp (a Unicode scalar value), return 1..4.
 * out: [UTF8_MAX_BYTES]. */
size_t utf8_encode(char *out, uint32_t cp);

/*
 * utf8_clean(out, s, n, bad): append s to out with every ill-formed sequence
 * replaced.  *bad (may be NULL) gets the number of replacements.  0, or -1
 * when memory is out.
 */
int utf8_clean(struct buf *out, const char *s, size_t n, size_t *bad);

#endif
