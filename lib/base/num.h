#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Numbers in and out of text, exactly and without a locale.  Reading rounds
 * correctly (to nearest, ties to even), floats directly and not through
 * double; printing gives the fewest digits that read back to the same bits.
 * Nothing here allocates.
 *
 * The parse functions take a whole NUL-terminated option argument; the read
 * functions take the number at the start of a length-counted slice.
 */

/* The longest output of any print function, in bytes (no NUL is written). */
enum { NUM_MAX = 32 };

/*
 * num_parse_*(s, min, max, out): the whole string, in decimal, finite, within
 * [min, max].  No spaces, no leading '+', nothing behind it.  0; or -1, and
 * *out is untouched.  num_parse_double takes what a JSON number may look like
 * and also ".5" and "5.".
 */
int num_parse_long(const char *s, long min, long max, long *out);
int num_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out);
int num_parse_double(const char *s, double min, double max, double *out);

/*
 * num_scan(s, n): length of the JSON number (RFC 8259, section 6) at the
 * start of s, 0 if there is none.  "01" is the number "0" followed by "1":
 * whoever reads a whole value checks what comes next.
 */
size_t num_scan(const char *s, size_t n);

/*
 * num_read_*(s, n, out): read the JSON number at the start of s: [n].
 * Returns the bytes used, or 0 if there is no number (*out is untouched).
 * Too large for the type gives infinity with the sign: the caller refuses it.
 * Too small gives a subnormal or zero with the sign.
 * Method: Clinger 1990 for small powers, else Lemire, "Number Parsing at a
 * Gigabyte per Second" (2021), else the exact digits through strtod.
 */
size_t num_read_double(const char *s, size_t n, double *out);
size_t num_read_float(const char *s, size_t n, float *out);

/*
 * num_print_*(out, x): x as a JSON number, shortest that reads back exactly
 * and of those the closest: 0.1, 12345, 1e-7, -0.0.  Plain notation from
 * 1e-6 to below 1e21, else with an exponent.  out: [NUM_MAX].  Returns the
 * bytes written; 0 for NaN and infinity, which JSON cannot say.
 * Method: Giulietti, "The Schubfach way to render doubles" (2020).
 */
size_t num_print_float(char *out, float x);
size_t num_print_double(char *out, double x);
size_t num_print_u64(char *out, uint64_t x);
size_t num_print_i64(char *out, int64_t x);

#endif
