/* clang-format off */

/*
 * The matrix product for one type of number; gemm_kernels.h includes this
 * twice.  It defines before, and this ends with undefining:
 *
 *	REAL, MAT, V	float or double, its matrix, its vector of WIDTH
 *	V_(op), F_(f)	the vector word vf_op or vd_op; the function f_f or f_d
 *	PANEL, KBLOCK	columns of a packed panel; values of k in a block
 *	TURN		values of k that vf_turn or vd_turn takes at once
 *
 * A tile is at most ROWS rows by two vectors of outputs, whose sums stay in
 * registers while k runs over a block.  Its A comes as [len, rows] (packed) or
 * as the rows themselves (direct); its B as one or two panels, or as the rows
 * of B themselves, ${step} apart.
 */

/*
 * t[r * 2 * WIDTH + j] = sum over k of A(r, k) B(k, j).  rows, wide (two
 * vectors, or one), direct and panels (step is PANEL) are constants wherever
 * this is inlined, so that the sums get names, and with them registers: gcc
 * leaves an array of them in memory.  Rows are reached from every third one,
 * because addresses can add one or two strides and no more.  Columns of A come
 * by fours, whose places are then offsets: the fewer instructions there are
 * beside the multiplications, the less it matters who else uses the core.
 */
static inline __attribute__((always_inline)) void
F_(tile)(size_t rows, int wide, int direct, int panels, REAL *t, const REAL *a,
    size_t ar, const REAL *b, const REAL *b2, size_t any_step, size_t len)
{
	enum { LINE = 64 / sizeof(REAL), UNTIL = 4 };
	size_t stride = direct ? ar : 1, next = direct ? 1 : rows;
	size_t step = panels ? PANEL : any_step;
	const REAL *a3 = a + 3 * stride, *a6 = a + 6 * stride;
	const REAL *a9 = a + 9 * stride;
	/* In panels B goes on behind.  In rows the next tile is to the right,
	 * and where it begins in a line of this one, its end does not. */
	size_t ahead = panels ? 8 * PANEL : 4 * WIDTH - 1;
	int both = 2 * WIDTH > LINE;
#define START(r) V c##r = V_(set)(0), d##r = V_(set)(0);
#define STEP(r, from)                                                          \
	if (r < rows) {                                                        \
		V x = V_(set)(from[r % 3 * stride + k * next]);                \
		c##r = V_(fma)(x, p, c##r);                                    \
		if (wide)                                                      \
			d##r = V_(fma)(x, q, d##r);                            \
	}
#define COLUMN                                                                 \
	{                                                                      \
		V p = V_(load)(b + k * step);                                  \
		V q = wide ? V_(load)(b2 + k * step) : p;                      \
                                                                               \
		__builtin_prefetch(b + k * step + ahead);                      \
		if (wide && both)                                              \
			__builtin_prefetch(b2 + k * step + ahead);             \
		STEP(0, a)                                                     \
		STEP(1, a)                                                     \
		STEP(2, a)                                                     \
		STEP(3, a3)                                                    \
		STEP(4, a3)                                                    \
		STEP(5, a3)                                                    \
		STEP(6, a6)                                                    \
		STEP(7, a6)                                                    \
		STEP(8, a6)                                                    \
		STEP(9, a9)                                                    \
		STEP(10, a9)                                                   \
		STEP(11, a9)                                                   \
	}
#define AHEAD(r)                                                               \
	if (r < rows)                                                          \
		__builtin_prefetch(then + r * stride);
#define END(r)                                                                 \
	if (r < rows) {                                                        \
		V_(store)(t + r * 2 * WIDTH, c##r);                            \
		if (wide)                                                      \
			V_(store)(t + r * 2 * WIDTH + WIDTH, d##r);            \
	}
#define EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11)
#define GO(n)                                                                  \
	b += n * step;                                                         \
	b2 += n * step;                                                        \
	a += n * next;                                                         \
	a3 += n * next;                                                        \
	a6 += n * next;                                                        \
	a9 += n * next;

	EACH(START)
	for (; len >= UNTIL; len -= UNTIL) {
		const REAL *then = a + rows * stride;

		if (direct && len % LINE < UNTIL) {
			EACH(AHEAD)
		}
		UNROLL
		for (size_t k = 0; k < UNTIL; k++)
			COLUMN
		GO(UNTIL)
	}
	for (size_t k = 0; len > 0; len--) {
		COLUMN
		GO(1)
	}
	EACH(END)
#undef START
#undef STEP
#undef COLUMN
#undef AHEAD
#undef END
#undef EACH
#undef GO
}

/* The tile of that many rows; the rest are still constants. */
static inline __attribute__((always_inline)) void
F_(choose)(size_t rows, int wide, int direct, int panels, REAL *t,
    const REAL *a, size_t ar, const REAL *b, const REAL *b2, size_t step,
    size_t len)
{
#define CASE(r)                                                                \
	case r:                                                                \
		if (r <= ROWS)                                                 \
			F_(tile)(r, wide, direct, panels, t, a, ar, b, b2,     \
			    step, len);                                        \
		break;

	switch (rows) {
		CASE(1)
		CASE(2)
		CASE(3)
		CASE(4)
		CASE(5)
		CASE(6)
		CASE(7)
		CASE(8)
		CASE(9)
		CASE(10)
		CASE(11)
		CASE(12)
	}
#undef CASE
}

static __attribute__((noinline)) void
F_(packed_wide)(size_t rows, REAL *t, const REAL *a, const REAL *b,
    const REAL *b2, size_t len)
{
	F_(choose)(rows, 1, 0, 1, t, a, 0, b, b2, 0, len);
}

static __attribute__((noinline)) void
F_(packed_rows)(size_t rows, REAL *t, const REAL *a, const REAL *b,
    const REAL *b2, size_t step, size_t len)
{
	F_(choose)(rows, 1, 0, 0, t, a, 0, b, b2, step, len);
}

static __attribute__((noinline)) void
F_(packed_slim)(
    size_t rows, REAL *t, const REAL *a, const REAL *b, size_t step, size_t len)
{
	F_(choose)(rows, 0, 0, 0, t, a, 0, b, b, step, len);
}

static __attribute__((noinline)) void
F_(direct_wide)(size_t rows, REAL *t, const REAL *a, size_t ar, const REAL *b,
    const REAL *b2, size_t len)
{
	F_(choose)(rows, 1, 1, 1, t, a, ar, b, b2, 0, len);
}

static __attribute__((noinline)) void
F_(direct_slim)(
    size_t rows, REAL *t, const REAL *a, size_t ar, const REAL *b, size_t len)
{
	F_(choose)(rows, 0, 1, 1, t, a, ar, b, b, 0, len);
}

/* What a row of tiles has in common: A's part, and how it lies. */
struct F_(strip) {
	const REAL *a;
	size_t rows, ar, len;
	int direct;
};

/* Sums of one tile, at most n columns, into t. */
static void
F_(sums)(REAL *t, const struct F_(strip) * s, const REAL *b, const REAL *b2,
    size_t step, size_t n)
{
	if (s->direct && n > WIDTH)
		F_(direct_wide)(s->rows, t, s->a, s->ar, b, b2, s->len);
	else if (s->direct)
		F_(direct_slim)(s->rows, t, s->a, s->ar, b, s->len);
	else if (n > WIDTH && step == PANEL)
		F_(packed_wide)(s->rows, t, s->a, b, b2, s->len);
	else if (n > WIDTH)
		F_(packed_rows)(s->rows, t, s->a, b, b2, step, s->len);
	else
		F_(packed_slim)(s->rows, t, s->a, b, step, s->len);
}

/* c[j] = t[j], c[j] + t[j] or c[j] - t[j] by sign, for j < n */
static inline void
F_(put_row)(REAL *c, const REAL *t, size_t n, int sign)
{
	size_t j = 0;

	for (; n - j >= WIDTH; j += WIDTH) {
		V x = V_(load)(t + j);

		if (sign > 0)
			x = V_(add)(V_(load)(c + j), x);
		else if (sign < 0)
			x = V_(sub)(V_(load)(c + j), x);
		V_(store)(c + j, x);
	}
	for (; j < n; j++)
		c[j] = sign > 0 ? c[j] + t[j] : sign < 0 ? c[j] - t[j] : t[j];
}

/* The tile's place in C: element (r, j) at C[r * ldc + j], or with swap, when
 * the product was turned around, at C[j * ldc + r]. */
static void
F_(put)(REAL *C, size_t ldc, const REAL *t, size_t rows, size_t n, int sign,
    int swap)
{
	if (!swap) {
		for (size_t r = 0; r < rows; r++)
			F_(put_row)(C + r * ldc, t + r * 2 * WIDTH, n, sign);
		return;
	}
	for (size_t j = 0; j < n; j++)
		for (size_t r = 0; r < rows; r++) {
			REAL *c = C + j * ldc + r, x = t[r * 2 * WIDTH + j];

			*c = sign > 0 ? *c + x : sign < 0 ? *c - x : x;
		}
}

/* d[k * step + i] = s[i * row + k] for i < 4, k < len.  Rows further down,
 * which come soon, are asked for. */
static void
F_(turn)(REAL *d, size_t step, const REAL *s, size_t row, size_t len)
{
	size_t k = 0;

	for (; len - k >= TURN; k += TURN) {
		for (size_t i = 8; i < 12; i++)
			__builtin_prefetch(s + k + i * row);
		V_(turn)(d + k * step, step, s + k, row);
	}
	for (; k < len; k++)
		for (size_t i = 0; i < 4; i++)
			d[k * step + i] = s[i * row + k];
}

/*
 * d[k * step + r] = s[r * row + k * col] for r < w, and 0 for w <= r < step;
 * k < len.  Up to WIDTH - 1 elements behind the end may be overwritten.  Rows
 * are turned by fours, of which the last may begin before the end of those
 * before it, and ${NEAR} values of k, so that d stays in the first cache.
 */
static void
F_(pack)(REAL *d, size_t step, const REAL *s, size_t row, size_t col, size_t w,
    size_t len)
{
	size_t done = 0;

	if (row == 1) {
		for (size_t k = 0; k < len; k++, d += step, s += col)
			for (size_t r = 0; r < step; r += WIDTH) {
				V x = V_(set)(0);

				if (w >= r + WIDTH)
					x = V_(load)(s + r);
				else if (w > r)
					x = V_(load_n)(s + r, w - r);
				V_(store)(d + r, x);
			}
		return;
	}
	if (col == 1 && w >= 4) {
		for (size_t k = 0, n; k < len; k += n) {
			REAL *to = d + k * step;
			const REAL *from = s + k;

			n = len - k < NEAR ? len - k : NEAR;
			for (size_t r = 0; w - r >= 4; r += 4)
				F_(turn)(to + r, step, from + r * row, row, n);
			if (w % 4 != 0)
				F_(turn)(to + w - 4, step,
				    from + (w - 4) * row, row, n);
		}
		done = w;
	}
	for (size_t k = 0; done < step && k < len; k++) {
		for (size_t r = done; r < w; r++)
			d[k * step + r] = s[r * row + k * col];
		for (size_t r = w; r < step; r++)
			d[k * step + r] = 0;
	}
}

/* The panels of w columns of B: [len, ...] from column j on. */
static void
F_(panels)(REAL *d, MAT B, size_t j, size_t w, size_t len)
{
	for (size_t c = 0; c < w; c += PANEL) {
		F_(pack)(d, PANEL, B.p + (j + c) * B.col, B.col, B.row,
		    w - c < PANEL ? w - c : PANEL, len);
		d += len * PANEL;
	}
}

/* Rows of the next strip, when m are left: as even as can be, for a strip of
 * few rows wastes the time its sums take to arrive. */
static inline size_t
F_(strip_rows)(size_t m, size_t most)
{
	size_t strips = (m + most - 1) / most;

	return (m + strips - 1) / strips;
}

/* Ask for a tile of C before its sums are there. */
static inline void
F_(expect)(const REAL *C, size_t ldc, size_t rows)
{
	for (size_t r = 0; r < rows; r++) {
		__builtin_prefetch(C + r * ldc, 1);
		__builtin_prefetch(C + r * ldc + WIDTH, 1);
	}
}

/*
 * One K block of C's columns with a packed b: panels of [len, PANEL].  A is
 * packed strip by strip; but where few columns would use it and its rows are
 * whole, they are read as they are, by six when their distance puts them all
 * into one set of the first cache.
 */
static void
F_(block)(REAL *C, size_t ldc, MAT A, const REAL *b, size_t m, size_t n,
    size_t len, int sign)
{
	_Alignas(64) REAL a[KBLOCK * ROWS + WIDTH], t[ROWS * 2 * WIDTH];
	size_t panels = 2 * WIDTH / PANEL;
	int direct = A.col == 1 && n <= CHUNK;
	size_t most = direct && A.row * sizeof(REAL) % 4096 == 0 ? 6 : ROWS;

	for (size_t i = 0, rows; i < m; i += rows) {
		struct F_(strip) s = { a, 0, A.row, len, direct };
		const REAL *p = b,
			   *p2 = b + (panels == 2 ? len * PANEL : WIDTH);

		s.rows = rows = F_(strip_rows)(m - i, most);
		if (direct)
			s.a = A.p + i * A.row;
		else
			F_(pack)(a, rows, A.p + i * A.row, A.row, A.col, rows, len);
		for (size_t j = 0; j < n; j += 2 * WIDTH) {
			size_t w = n - j < 2 * WIDTH ? n - j : 2 * WIDTH;

			F_(expect)(C + i * ldc + j, ldc, rows);
			F_(sums)(t, &s, p, p2, PANEL, w);
			F_(put)(C + i * ldc + j, ldc, t, rows, w, sign, 0);
			p += len * PANEL * panels;
			p2 += len * PANEL * panels;
		}
	}
}

/*
 * One K block for few rows, at most FEW strips, all of them packed first.
 * B: [len, n] comes from memory once, tile by tile: its rows are read as they
 * are when they are whole, its columns are turned first.
 */
static void
F_(thin)(REAL *C, size_t ldc, MAT A, MAT B, size_t m, size_t n, size_t len,
    int sign, int swap)
{
	_Alignas(64) REAL a[KBLOCK * ROWS * FEW + WIDTH], b[KBLOCK * 2 * WIDTH];
	_Alignas(64) REAL t[ROWS * 2 * WIDTH];
	struct F_(strip) s[FEW];
	size_t strips = 0;

	for (size_t i = 0; i < m; i += s[strips++].rows) {
		size_t rows = F_(strip_rows)(m - i, ROWS);

		s[strips] = (struct F_(strip)){ a + i * len, rows, 0, len, 0 };
		F_(pack)(a + i * len, rows, A.p + i * A.row, A.row, A.col,
		    rows, len);
	}
	for (size_t j = 0; j < n; j += 2 * WIDTH) {
		size_t w = n - j < 2 * WIDTH ? n - j : 2 * WIDTH;
		const REAL *p = B.p + j;
		size_t step = B.row, i = 0;

		if (B.col != 1 || w < 2 * WIDTH) {
			F_(pack)(b, 2 * WIDTH, B.p + j * B.col, B.col, B.row,
			    w, len);
			p = b;
			step = 2 * WIDTH;
		}
		for (size_t k = 0; k < strips; i += s[k++].rows) {
			F_(sums)(t, s + k, p, p + WIDTH, step, w);
			F_(put)(swap ? C + j * ldc + i : C + i * ldc + j, ldc,
			    t, s[k].rows, w, sign, swap);
		}
	}
}

/* One K block of the product, by the way that reads least. */
static void
F_(product_block)(REAL *C, size_t ldc, MAT A, MAT B, size_t m, size_t n,
    size_t len, int sign)
{
	_Alignas(64) REAL b[KBLOCK * CHUNK + WIDTH];

	if (m <= ROWS * FEW) {
		F_(thin)(C, ldc, A, B, m, n, len, sign, 0);
		return;
	}
	if (n <= ROWS * FEW && A.row == 1) {
		/* C' = B' A': the long rows of A' are vectors as they lie. */
		F_(thin)(C, ldc, (MAT){ B.p, B.col, B.row },
		    (MAT){ A.p, A.col, A.row }, n, m, len, sign, 1);
		return;
	}
	for (size_t j = 0, w; j < n; j += CHUNK) {
		w = n - j < CHUNK ? n - j : CHUNK;
		F_(panels)(b, B, j, w, len);
		F_(block)(C + j, ldc, A, b, m, w, len, sign);
	}
}

/* C = A B (sign 0), C += A B or C -= A B */
static void
F_(product)(REAL *C, size_t ldc, MAT A, MAT B, size_t m, size_t n, size_t k,
    int sign)
{
	for (size_t i = 0; k == 0 && sign == 0 && i < m; i++)
		memset(C + i * ldc, 0, n * sizeof(*C));
	for (size_t from = 0, len; from < k; from += len) {
		len = k - from < KBLOCK ? k - from : KBLOCK;
		F_(product_block)(C, ldc, A, B, m, n, len, sign);
		A.p += len * A.col;
		B.p += len * B.row;
		sign = sign == 0 ? 1 : sign;
	}
}

#undef REAL
#undef MAT
#undef V
#undef V_
#undef F_
#undef WIDTH
#undef PANEL
#undef KBLOCK
#undef TURN
