#include "vec/array.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/utf8.h"
#include "vec/le.h"

/* ---- elements ---- */

/* bits: the bytes of an element of up to 8 bytes as a number. */
static uint64_t
bits(const unsigned char *p, size_t size, int big)
{
	uint64_t x = 0;

	for (size_t i = 0; i < size; i++)
		x |= (uint64_t)p[big ? size - 1 - i : i] << 8 * i;
	return x;
}

static int64_t
signed_bits(uint64_t x, size_t size)
{
	uint64_t sign = UINT64_C(1) << (8 * size - 1);

	/* Two's complement without relying on the conversion. */
	return x & sign ? -(int64_t)(2 * (sign - 1) + 1 - x) - 1 : (int64_t)x;
}

/* half: IEEE 754 binary16, exact in a double. */
static double
half(uint64_t x)
{
	int exponent = (int)(x >> 10 & 31);
	double m = (double)(x & 1023);

	if (exponent == 31)
		m = m == 0 ? (double)INFINITY : (double)NAN;
	else if (exponent == 0)
		m /= 16777216; /* 2^24 */
	else
		m = (m + 1024) * (double)(UINT64_C(1) << exponent) / 33554432;
	return x >> 15 ? -m : m;
}

static double
real(uint64_t x, size_t size)
{
	uint32_t u = (uint32_t)x;
	double d;
	float f;

	if (size == 2)
		return half(x);
	if (size == 4) {
		memcpy(&f, &u, 4);
		return (double)f;
	}
	memcpy(&d, &x, 8);
	return d;
}

uint64_t
array_bits(const struct array *a, uint64_t i)
{
	return bits(a->data + i * a->size, a->size, a->big);
}

double
array_number(const struct array *a, uint64_t i)
{
	uint64_t x = array_bits(a, i);

	switch (a->kind) {
	case ARRAY_INT:
		return (double)signed_bits(x, a->size);
	case ARRAY_FLOAT:
		return real(x, a->size);
	default:
		return (double)x;
	}
}

static int
put_ucs4(const struct array *a, const unsigned char *p, struct buf *out)
{
	size_t n = a->size / 4;

	while (n > 0 && bits(p + 4 * (n - 1), 4, a->big) == 0)
		n--;
	for (size_t k = 0; k < n; k++, p += 4) {
		uint64_t cp = bits(p, 4, a->big);
		char utf8[UTF8_MAX_BYTES];

		if (cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
			cp = UTF8_REPLACEMENT;
		if (buf_put(out, utf8, utf8_encode(utf8, (uint32_t)cp)) == -1)
			return -1;
	}
	return 0;
}

int
array_text(const struct array *a, uint64_t i, struct buf *out)
{
	const unsigned char *p = a->data + i * a->size;
	size_t n = a->size;
	char text[NUM_MAX];
	uint64_t x;
	double d;

	switch (a->kind) {
	case ARRAY_BYTES:
		while (n > 0 && p[n - 1] == '\0')
			n--;
		return buf_put(out, p, n);
	case ARRAY_TEXT:
		return put_ucs4(a, p, out);
	case ARRAY_BOOL:
	case ARRAY_UINT:
		x = bits(p, n, a->big);
		return buf_put(out, text, num_print_u64(text, x));
	case ARRAY_INT:
		x = bits(p, n, a->big);
		return buf_put(
		    out, text, num_print_i64(text, signed_bits(x, n)));
	case ARRAY_FLOAT:
		break;
	}
	d = array_number(a, i);
	if (isnan(d))
		return buf_puts(out, "nan");
	if (isinf(d))
		return buf_puts(out, d < 0 ? "-inf" : "inf");
	n = a->size == 8 ? num_print_double(text, d)
			 : num_print_float(text, (float)d);
	return buf_put(out, text, n);
}

/* ---- the header ---- */

static int
text_of(const char **at, const char *end, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(end - *at) < n || memcmp(*at, word, n) != 0)
		return 0;
	*at += n;
	return 1;
}

static void
spaces(const char **at, const char *end)
{
	while (*at < end && **at == ' ')
		++*at;
}

/* quoted: 'word' or "word", without escapes. */
static int
quoted(const char **at, const char *end, struct str *s)
{
	const char *close;

	if (*at == end || (**at != '\'' && **at != '"'))
		return 0;
	close = memchr(*at + 1, **at, (size_t)(end - *at - 1));
	if (close == NULL)
		return 0;
	*s = (struct str){ *at + 1, (size_t)(close - *at - 1) };
	*at = close + 1;
	return 1;
}

static int
read_descr(struct array *a, struct str s, struct error *e)
{
	static const struct {
		char letter;
		enum array_kind kind;
		uint64_t max;
	} kinds[] = { { 'b', ARRAY_BOOL, 1 }, { 'i', ARRAY_INT, 8 },
		{ 'u', ARRAY_UINT, 8 }, { 'f', ARRAY_FLOAT, 8 },
		{ 'S', ARRAY_BYTES, 1 << 24 }, { 'U', ARRAY_TEXT, 1 << 22 } };
	uint64_t size = 0;
	size_t k = 0;
	char digits[16];

	if (s.len < 2 || memchr("<>|=", s.s[0], 4) == NULL || s.len > 12)
		return error_set(e, "descr is no type");
	if (s.s[1] == 'O')
		return error_set(e, "unsupported: objects, which are pickles");
	while (k < 6 && kinds[k].letter != s.s[1])
		k++;
	memcpy(digits, s.s + 2, s.len - 2);
	digits[s.len - 2] = '\0';
	if (k == 6 || num_parse_u64(digits, 0, kinds[k].max, &size) == -1 ||
	    (k < 4 && size != 1 && size != 2 && size != 4 && size != 8) ||
	    (kinds[k].kind == ARRAY_FLOAT && size == 1))
		return error_set(
		    e, "descr '%.*s' is not supported", (int)s.len, s.s);
	a->kind = kinds[k].kind;
	a->size = (size_t)size * (a->kind == ARRAY_TEXT ? 4 : 1);
	a->big = s.s[0] == '>' || (s.s[0] == '=' && !LE_NATIVE);
	return 0;
}

static int
read_shape(struct array *a, const char **at, const char *end, struct error *e)
{
	if (!text_of(at, end, "("))
		return error_set(e, "shape is no tuple");
	for (a->rank = 0;; a->rank++) {
		uint64_t n = 0;

		spaces(at, end);
		if (text_of(at, end, ")"))
			return 0;
		if (a->rank == ARRAY_MAX_RANK)
			return error_set(
			    e, "shape of more than %d numbers", ARRAY_MAX_RANK);
		if (*at == end || **at < '0' || **at > '9')
			return error_set(e, "shape holds no number");
		for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
			if (n > INT64_MAX / 10 - 1)
				return error_set(e, "shape overflows");
			n = 10 * n + (uint64_t)(**at - '0');
		}
		a->shape[a->rank] = n;
		spaces(at, end);
		/* (3,) has one number, (3) is none of numpy's. */
		if (!text_of(at, end, ",") &&
		    (*at == end || **at != ')' || a->rank == 0))
			return error_set(e, "shape is no tuple");
	}
}

static int
read_dict(struct array *a, const char *at, const char *end, struct error *e)
{
	enum { DESCR = 1, FORTRAN = 2, SHAPE = 4 };
	struct str key, s;
	int got = 0, what, rc;

	if (!text_of(&at, end, "{"))
		return error_set(e, "header is no dictionary");
	for (;;) {
		spaces(&at, end);
		if (text_of(&at, end, "}"))
			break;
		if (!quoted(&at, end, &key))
			return error_set(e, "header: a key is no string");
		spaces(&at, end);
		if (!text_of(&at, end, ":"))
			return error_set(e, "header: no colon behind a key");
		spaces(&at, end);
		if (key.len == 5 && memcmp(key.s, "descr", 5) == 0) {
			what = DESCR;
			rc = quoted(&at, end, &s)
				 ? read_descr(a, s, e)
				 : error_set(e, "unsupported: a structure");
		} else if (key.len == 13 &&
			   memcmp(key.s, "fortran_order", 13) == 0) {
			what = FORTRAN;
			a->fortran = text_of(&at, end, "True");
			rc = a->fortran || text_of(&at, end, "False")
				 ? 0
				 : error_set(e, "fortran_order is no truth");
		} else if (key.len == 5 && memcmp(key.s, "shape", 5) == 0) {
			what = SHAPE;
			rc = read_shape(a, &at, end, e);
		} else {
			return error_set(e, "header: unknown key");
		}
		if (rc == -1)
			return -1;
		if (got & what)
			return error_set(e, "header: a key twice");
		got |= what;
		spaces(&at, end);
		if (!text_of(&at, end, ",") && (at == end || *at != '}'))
			return error_set(e, "header: no comma behind a value");
	}
	spaces(&at, end);
	if (!text_of(&at, end, "\n") || at != end)
		return error_set(e, "header: text behind the dictionary");
	if (got != (DESCR | FORTRAN | SHAPE))
		return error_set(e, "header: no %s",
		    !(got & DESCR)     ? "descr"
		    : !(got & FORTRAN) ? "fortran_order"
				       : "shape");
	return 0;
}

int
npy_read(struct array *a, const void *p, size_t n, struct error *e)
{
	const unsigned char *at = p;
	size_t len, head, bytes;
	int zero = 0;

	*a = (struct array){ 0 };
	if (n < 12 || memcmp(at, "\x93NUMPY", 6) != 0)
		return error_set(e, "not an npy file");
	if (at[6] < 1 || at[6] > 3 || at[7] != 0)
		return error_set(e, "needs npy version %d.%d", at[6], at[7]);
	head = at[6] == 1 ? 10 : 12;
	len = at[6] == 1 ? le16_get(at + 8) : le32_get(at + 8);
	if (len > NPY_MAX_HEADER)
		return error_set(e, "header of %zu bytes; the limit is %d", len,
		    NPY_MAX_HEADER);
	if (len > n - head)
		return error_set(e, "header is cut short");
	if (read_dict(a, (const char *)at + head, (const char *)at + head + len,
		e) == -1)
		return -1;
	bytes = a->size;
	for (int i = 0; i < a->rank; i++) {
		if (a->shape[i] == 0)
			zero = 1;
		else if (bytes > SIZE_MAX / a->shape[i])
			return error_set(e, "shape overflows");
		else
			bytes *= (size_t)a->shape[i];
	}
	a->bytes = zero ? 0 : bytes;
	a->data = at + head + len;
	if (a->bytes != n - head - len)
		return error_set(e,
		    "shape demands %zu bytes of data, there are %zu", a->bytes,
		    n - head - len);
	return 0;
}

int
npy_header(struct buf *out, enum array_kind kind, size_t size, int rank,
    const uint64_t *shape)
{
	static const char letters[] = "biufSU";
	size_t start = out->len, len;
	char first[32] = "";
	int bad = buf_put(out, "\x93NUMPY\1\0\0\0", 10);

	bad |= buf_printf(out,
	    "{'descr': '%c%c%zu', 'fortran_order': False, 'shape': (",
	    size == 1 || kind == ARRAY_BYTES ? '|' : '<', letters[kind],
	    kind == ARRAY_TEXT ? size / 4 : size);
	for (int i = 0; i < rank; i++)
		bad |=
		    buf_printf(out, "%s%" PRIu64, i > 0 ? ", " : "", shape[i]);
	bad |= buf_puts(out, rank == 1 ? ",), }" : "), }");
	/* numpy leaves room for 21 digits of the first number, so that a file
	 * can grow in place, and then begins the data on a multiple of 64. */
	if (rank > 0)
		bad |= buf_printf(out, "%*s",
		    21 - snprintf(first, sizeof(first), "%" PRIu64, shape[0]),
		    "");
	len = out->len - start;
	bad |= buf_printf(out, "%*s\n", (int)(64 - (len + 1) % 64), "");
	if (bad != 0)
		return -1;
	len = out->len - start - 10;
	out->data[start + 8] = (char)(len & 255);
	out->data[start + 9] = (char)(len >> 8);
	return 0;
}
