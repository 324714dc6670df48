#include "base/flate.h"

#include <string.h>

/*
 * An entry of a table: what the next bits mean.
 *
 *	bits 0-4	length of the code (of what is left of it, in a second
 *			level)
 *	bits 5-9	extra bits that follow, or bits that index the second
 *			level
 *	bits 10-13	kind, one of the flags below; 0 a length or distance
 *	bits 16-31	literal, base of length or distance, second level
 */
enum { LITERAL = 1 << 10, LEVEL = 1 << 11, END = 1 << 12, BAD = 1 << 13 };

enum { LITS = 288, DISTS = 32, MAX_CODE = 15 };

static uint32_t
entry(uint32_t value, uint32_t extra)
{
	return value << 16 | extra << 5;
}

/* What symbol s of the alphabet of literals and lengths means (RFC 1951,
 * section 3.2.5). */
static uint32_t
lit_entry(unsigned s)
{
	static const uint16_t base[] = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15,
		17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163,
		195, 227, 258 };

	if (s < 256)
		return entry(s, 0) | LITERAL;
	if (s == 256)
		return END;
	if (s > 285)
		return BAD;
	s -= 257;
	return entry(base[s], s < 8 || s == 28 ? 0 : s / 4 - 1);
}

static uint32_t
dist_entry(unsigned s)
{
	if (s > 29)
		return BAD;
	if (s < 4)
		return entry(s + 1, 0);
	return entry(((2 + s % 2) << (s / 2 - 1)) + 1, s / 2 - 1);
}

static uint32_t
code_entry(unsigned s)
{
	return entry(s, 0);
}

static unsigned
reversed(unsigned code, unsigned len)
{
	unsigned r = 0;

	while (len-- > 0) {
		r = r << 1 | (code & 1);
		code >>= 1;
	}
	return r;
}

/* Bits of the second level that begins with a code of this length, where
 * count[] codes are left of each. */
static unsigned
level_bits(const unsigned *count, unsigned len, unsigned root)
{
	unsigned bits = len - root, room = 1u << bits;

	while (bits + root < MAX_CODE && count[bits + root] < room) {
		room = (room - count[bits + root]) << 1;
		bits++;
	}
	return bits;
}

/*
 * Fill a table from the lengths of n codes.  Codes are given out by length,
 * then by symbol, and come with their first bit lowest.  Codes must be
 * complete; ${lone} allows a single one of one bit, or none, as the distances
 * may have.  0 or -1.
 */
static int
make_table(uint32_t *table, unsigned root, const uint8_t *len, unsigned n,
    uint32_t (*meaning)(unsigned), int lone)
{
	unsigned count[MAX_CODE + 1] = { 0 }, next[MAX_CODE + 1];
	unsigned code = 0, used = 0, end = 1u << root, bits = 0;
	unsigned prefix = ~0u;
	uint32_t level = 0;

	for (unsigned s = 0; s < n; s++)
		count[len[s]]++;
	count[0] = 0;
	for (unsigned l = 1; l <= MAX_CODE; l++) {
		code = (code + count[l - 1]) << 1;
		next[l] = code;
		used += count[l];
	}
	if (code + count[MAX_CODE] != 1u << MAX_CODE) {
		if (!lone || used > 1 || (used == 1 && count[1] != 1))
			return -1;
		for (unsigned i = 0; i < end; i++)
			table[i] = BAD;
	}
	for (unsigned l = 1; l <= MAX_CODE; l++)
		for (unsigned s = 0; s < n; s++) {
			unsigned at;

			if (len[s] != l)
				continue;
			at = reversed(next[l]++, l);
			if (l <= root) {
				for (; at < 1u << root; at += 1u << l)
					table[at] = meaning(s) | l;
				count[l]--;
				continue;
			}
			if ((at & ((1u << root) - 1)) != prefix) {
				prefix = at & ((1u << root) - 1);
				bits = level_bits(count, l, root);
				level = end;
				end += 1u << bits;
				table[prefix] =
				    entry(level, bits) | LEVEL | root;
			}
			for (at >>= root; at < 1u << bits;
			     at += 1u << (l - root))
				table[level + at] = meaning(s) | (l - root);
			count[l]--;
		}
	return 0;
}

/* ---- bits ---- */

static uint64_t
load64(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	       (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
	       (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

/* Have at least 56 bits; those behind the data are whatever is there. */
static inline void
refill(struct flate_bits *b)
{
	b->bits |= load64(b->in) << b->n;
	b->in += (63 - b->n) >> 3;
	b->n |= 56;
}

static inline unsigned
take(struct flate_bits *b, unsigned n)
{
	unsigned v = (unsigned)(b->bits & ((1ull << n) - 1));

	b->bits >>= n;
	b->n -= n;
	return v;
}

/* More bits were taken than there are. */
static inline int
overrun(const struct flate *f)
{
	return f->b.in - f->b.n / 8 > f->end;
}

/* ---- blocks ---- */

static int
fixed_tables(struct flate *f)
{
	uint8_t len[LITS];

	for (unsigned s = 0; s < LITS; s++)
		len[s] = s < 144 ? 8 : s < 256 ? 9 : s < 280 ? 7 : 8;
	if (make_table(f->lit, FLATE_ROOT, len, LITS, lit_entry, 0) == -1)
		return -1;
	memset(len, 5, DISTS);
	return make_table(f->dist, FLATE_ROOT_DIST, len, DISTS, dist_entry, 0);
}

/* RFC 1951, section 3.2.7. */
static int
dynamic_tables(struct flate *f)
{
	static const uint8_t order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11,
		4, 12, 3, 13, 2, 14, 1, 15 };
	uint8_t len[LITS + DISTS] = { 0 }, code_len[19] = { 0 };
	unsigned lits, dists, codes;
	uint32_t codes_table[128];

	refill(&f->b);
	lits = take(&f->b, 5) + 257;
	dists = take(&f->b, 5) + 1;
	codes = take(&f->b, 4) + 4;
	if (lits > 286 || dists > 30)
		return -1;
	for (unsigned i = 0; i < codes; i++) {
		refill(&f->b);
		code_len[order[i]] = (uint8_t)take(&f->b, 3);
	}
	if (make_table(codes_table, 7, code_len, 19, code_entry, 0) == -1)
		return -1;
	for (unsigned i = 0; i < lits + dists;) {
		unsigned s, times = 1;
		uint8_t value;

		refill(&f->b);
		s = codes_table[f->b.bits & 127];
		take(&f->b, s & 31);
		s >>= 16;
		value = (uint8_t)s;
		if (s == 16) {
			if (i == 0)
				return -1;
			value = len[i - 1];
			times = 3 + take(&f->b, 2);
		} else if (s > 16) {
			value = 0;
			times =
			    s == 17 ? 3 + take(&f->b, 3) : 11 + take(&f->b, 7);
		}
		if (times > lits + dists - i || overrun(f))
			return -1;
		while (times-- > 0)
			len[i++] = value;
	}
	if (len[256] == 0 ||
	    make_table(f->lit, FLATE_ROOT, len, lits, lit_entry, 0) == -1)
		return -1;
	return make_table(
	    f->dist, FLATE_ROOT_DIST, len + lits, dists, dist_entry, 1);
}

static int
begin_stored(struct flate *f)
{
	unsigned len, check;

	take(&f->b, f->b.n % 8);
	refill(&f->b);
	len = take(&f->b, 16);
	check = take(&f->b, 16);
	if (len != (~check & 0xffff) || overrun(f))
		return -1;
	/* Give back the bytes that are in bits. */
	f->b.in -= f->b.n / 8;
	f->b.bits = 0;
	f->b.n = 0;
	f->stored = len;
	f->state = FLATE_STORED;
	return 0;
}

static int
begin_block(struct flate *f)
{
	unsigned type;

	if (f->last) {
		f->state = FLATE_DONE;
		return 0;
	}
	refill(&f->b);
	f->last = (int)take(&f->b, 1);
	type = take(&f->b, 2);
	if (overrun(f) || type == 3)
		return -1;
	if (type == 0)
		return begin_stored(f);
	f->state = FLATE_CODES;
	return type == 1 ? fixed_tables(f) : dynamic_tables(f);
}

static void
copy_stored(struct flate *f, const uint8_t *limit)
{
	size_t n = f->stored;

	if (n > (size_t)(limit - f->to))
		n = (size_t)(limit - f->to);
	if (n > (size_t)(f->end - f->b.in)) {
		f->state = FLATE_BAD;
		return;
	}
	memcpy(f->to, f->b.in, n);
	f->to += n;
	f->b.in += n;
	f->stored -= (uint32_t)n;
	if (f->stored == 0)
		f->state = FLATE_BLOCK;
}

/*
 * Copy len <= 258 bytes from ${back} before; the two may overlap, and then
 * what is copied repeats.  Writes up to 15 bytes beyond.
 */
static inline void
copy_match(uint8_t *to, size_t back, size_t len)
{
	const uint8_t *from = to - back;
	uint8_t *end = to + len;

	if (back == 1) {
		memset(to, *from, len);
		return;
	}
	if (back < 16) {
		/* Spread it until it repeats at 16 bytes or more. */
		size_t spread = back * ((15 + back) / back);

		for (size_t i = 0; i < spread; i++)
			to[i] = from[i];
		from = to;
		to += spread;
	}
	for (; to < end; to += 16, from += 16)
		memcpy(to, from, 16);
}

/* Decode symbols until the block or the room ends. */
static void
decode_codes(struct flate *f, const uint8_t *limit)
{
	struct flate_bits s = f->b; /* stays in registers */
	uint8_t *to = f->to;
	const uint8_t *last = f->end + 8;

	while (to < limit) {
		uint32_t e, d;
		size_t len, back;

		if (s.in > last)
			goto bad;
		refill(&s);
		e = f->lit[s.bits & ((1u << FLATE_ROOT) - 1)];
		if (e & LITERAL) {
			take(&s, e & 31);
			*to++ = (uint8_t)(e >> 16);
			e = f->lit[s.bits & ((1u << FLATE_ROOT) - 1)];
			if (e & LITERAL) {
				take(&s, e & 31);
				*to++ = (uint8_t)(e >> 16);
				continue;
			}
			refill(&s);
		}
		if (e & LEVEL) {
			take(&s, FLATE_ROOT);
			e = f->lit[(e >> 16) +
				   (s.bits & ((1u << (e >> 5 & 31)) - 1))];
		}
		take(&s, e & 31);
		if (e & (LITERAL | END | BAD)) {
			if (e & LITERAL) {
				*to++ = (uint8_t)(e >> 16);
				continue;
			}
			if (e & BAD)
				goto bad;
			f->state = FLATE_BLOCK;
			break;
		}
		len = (e >> 16) + take(&s, e >> 5 & 31);
		d = f->dist[s.bits & ((1u << FLATE_ROOT_DIST) - 1)];
		if (d & LEVEL) {
			take(&s, FLATE_ROOT_DIST);
			d = f->dist[(d >> 16) +
				    (s.bits & ((1u << (d >> 5 & 31)) - 1))];
		}
		take(&s, d & 31);
		back = (d >> 16) + take(&s, d >> 5 & 31);
		if (d & BAD || back > (size_t)(to - f->room))
			goto bad;
		copy_match(to, back, len);
		to += len;
	}
	f->b = s;
	f->to = to;
	if (overrun(f))
		f->state = FLATE_BAD;
	return;
bad:
	f->state = FLATE_BAD;
}

/* RFC 1950: deflate, a window of at most 32 KiB, no dictionary. */
static int
read_head(struct flate *f)
{
	unsigned cmf, flg;

	refill(&f->b);
	cmf = take(&f->b, 8);
	flg = take(&f->b, 8);
	f->state = FLATE_BLOCK;
	if (overrun(f) || (cmf & 15) != 8 || cmf >> 4 > 7 || flg & 32 ||
	    (cmf * 256 + flg) % 31 != 0)
		return -1;
	return 0;
}

/* Make room and decode until it is full or the data ends. */
static void
fill(struct flate *f)
{
	size_t left = (size_t)(f->to - f->from);
	size_t behind = (size_t)(f->from - f->room);
	const uint8_t *limit;
	uint8_t *begin;

	if (behind > FLATE_WINDOW)
		behind = FLATE_WINDOW;
	memmove(f->room, f->from - behind, behind + left);
	f->from = f->room + behind;
	f->to = f->from + left;
	begin = f->to;
	limit = f->room + sizeof(f->room) - FLATE_SLACK;
	while (f->to < limit && f->state < FLATE_DONE)
		switch (f->state) {
		case FLATE_HEAD:
			if (read_head(f) == -1)
				f->state = FLATE_BAD;
			break;
		case FLATE_BLOCK:
			if (begin_block(f) == -1)
				f->state = FLATE_BAD;
			break;
		case FLATE_STORED:
			copy_stored(f, limit);
			break;
		default:
			decode_codes(f, limit);
		}
	f->sum = flate_adler(f->sum, begin, (size_t)(f->to - begin));
}

void
flate_init(struct flate *f, const uint8_t *p, size_t n)
{
	f->b = (struct flate_bits){ .in = p };
	f->end = p + n;
	f->sum = 1;
	f->state = FLATE_HEAD;
	f->last = 0;
	f->from = f->to = f->room;
}

const uint8_t *
flate_take(struct flate *f, size_t n)
{
	const uint8_t *p;

	if ((size_t)(f->to - f->from) < n) {
		if (n > FLATE_MAX || f->state >= FLATE_DONE)
			return NULL;
		fill(f);
		if (f->state == FLATE_BAD || (size_t)(f->to - f->from) < n)
			return NULL;
	}
	p = f->from;
	f->from += n;
	return p;
}

int
flate_done(struct flate *f)
{
	const uint8_t *p;

	/* The end of the last block may not have been read yet. */
	if (f->from == f->to && f->state < FLATE_DONE)
		fill(f);
	if (f->state != FLATE_DONE || f->from != f->to)
		return 0;
	p = f->b.in - f->b.n / 8;
	return f->end - p == 4 &&
	       f->sum == ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			     (uint32_t)p[2] << 8 | p[3]);
}

/*
 * a = 1 + sum of bytes, b = sum of the a's, both modulo 65521 (RFC 1950).
 * Rows of 16 bytes are added by column: with c[j] the sum of column j and d
 * the sum, before each row, of all c[j], n bytes add
 *
 *	to a	sum of c[j]
 *	to b	n a + 16 d + sum of (16 - j) c[j]
 *
 * Of 128 rows, two columns fit 16 bits, and the rest fits 32.
 */
uint32_t
flate_adler(uint32_t sum, const uint8_t *p, size_t n)
{
	typedef uint8_t u8x8 __attribute__((vector_size(8)));
	typedef uint16_t u16x8 __attribute__((vector_size(16)));
	typedef uint32_t u32x4 __attribute__((vector_size(16)));
	enum { BASE = 65521, ROWS = 128 };
	uint32_t a = sum & 0xffff, b = sum >> 16;

	while (n >= 16) {
		size_t rows = n / 16 < ROWS ? n / 16 : ROWS;
		u16x8 c[2] = { { 0 }, { 0 } };
		u32x4 d = { 0 };

		n -= 16 * rows;
		b += (uint32_t)(16 * rows) * a;
		for (; rows > 0; rows--, p += 16) {
			u32x4 two = (u32x4)(c[0] + c[1]);
			u8x8 x, y;

			d += (two & 0xffff) + (two >> 16);
			memcpy(&x, p, sizeof(x));
			memcpy(&y, p + 8, sizeof(y));
			c[0] += __builtin_convertvector(x, u16x8);
			c[1] += __builtin_convertvector(y, u16x8);
		}
		for (unsigned j = 0; j < 16; j++) {
			a += c[j / 8][j % 8];
			b += (16 - j) * c[j / 8][j % 8];
		}
		b += 16 * (d[0] + d[1] + d[2] + d[3]);
		a %= BASE;
		b %= BASE;
	}
	for (; n > 0; n--) {
		a += *p++;
		b += a;
	}
	return b % BASE << 16 | a % BASE;
}
