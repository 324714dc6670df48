#include "linalg/linear_i8_kernels.h"

#if defined(__x86_64__)

#include "linalg/linear_i8_zmm.h"

/* A group is a tile of 16 rows of 64 columns; a block of a panel is one too. */
enum { GROUP = 16, RECORD = 72 * GROUP };

static void
quantize(uint8_t *q, const float *x, size_t ldx, size_t rows, size_t in)
{
	for (size_t i = 0; i < rows; i += GROUP)
		for (size_t k = 0; k < in; k += 64, q += RECORD) {
			float scale[GROUP] = { 0 };
			int32_t zero[GROUP] = { 0 };

			for (size_t r = 0; r < GROUP; r++) {
				__m512i t = _mm512_setzero_si512();

				if (i + r < rows)
					t = quantize_block(scale + r, zero + r,
					    x + (i + r) * ldx + k,
					    in - k < 64 ? in - k : 64);
				_mm512_storeu_si512(q + 64 * r, t);
			}
			memcpy(q + 64 * GROUP, scale, sizeof(scale));
			memcpy(q + 68 * GROUP, zero, sizeof(zero));
		}
}

static void
begin(void)
{
	/* Palette 1: 8 tiles of 16 rows of 64 bytes. */
	struct {
		uint8_t palette, start, none[14];
		uint16_t bytes[16];
		uint8_t rows[16];
	} config = { 1, 0, { 0 }, { 0 }, { 0 } };

	for (int t = 0; t < 8; t++) {
		config.bytes[t] = 64;
		config.rows[t] = 16;
	}
	_tile_loadconfig(&config);
}

static void
end(void)
{
	_tile_release();
}

/* 16 rows and one panel: while the tile of one block is multiplied, that of
 * the block before is converted and added in the registers. */
static void
tile(float *t, const uint8_t *q, const uint8_t *w, size_t blocks, size_t rows)
{
	_Alignas(64) int32_t c[2][GROUP * I8_PANEL];
	__m512 sum[GROUP];

	UNROLL
	for (int r = 0; r < GROUP; r++)
		sum[r] = _mm512_setzero_ps();
	for (size_t b = 0; b <= blocks; b++) {
		const int32_t *done = c[(b + 1) % 2];

		if (b < blocks) {
			_tile_zero(0);
			_tile_loadd(1, q + b * RECORD, 64);
			_tile_loadd(2, w + b * I8_BLOCK, 64);
			_tile_dpbusd(0, 1, 2);
			_tile_stored(0, c[b % 2], 64);
		}
		if (b > 0) {
			const uint8_t *v = w + (b - 1) * I8_BLOCK;
			const uint8_t *x = q + (b - 1) * RECORD + 64 * GROUP;
			__m512i minus = panel_sums(v);
			__m512 sw = panel_scales(v);

			UNROLL
			for (int r = 0; r < GROUP; r++)
				sum[r] = add_block(sum[r],
				    _mm512_load_si512(done + r * I8_PANEL),
				    x + 4 * r, x + 4 * (GROUP + r), minus, sw);
		}
	}
	UNROLL
	for (size_t r = 0; r < GROUP; r++)
		if (r < rows)
			_mm512_storeu_ps(t + r * I8_WIDE, sum[r]);
}

static void
product(float *t, const uint8_t *q, size_t rows, const uint8_t *w,
    size_t blocks, size_t panels)
{
	for (size_t p = 0; p < panels; p++, w += blocks * I8_BLOCK)
		for (size_t i = 0; i < rows; i += GROUP)
			tile(t + i * I8_WIDE + p * I8_PANEL,
			    q + i * blocks * 72, w, blocks, rows - i);
}

const struct i8_kernels i8_amx = { "amx", GROUP, quantize, product, begin,
	end };

#endif
