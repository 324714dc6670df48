#include "image/resize_passes.h"

#include <string.h>

static uint8_t
clip(int32_t v)
{
	v >>= RESIZE_FRACTION;
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* One output row along x.  The channel loops are written out so that the
 * compiler keeps the sums in registers. */
static void
row_along_x(uint8_t *out, const uint8_t *in, const struct resize_axis *a,
    uint32_t w, int channels)
{
	const int32_t half = 1 << (RESIZE_FRACTION - 1);

	for (uint32_t x = 0; x < w; x++) {
		const struct resize_span *s = &a->span[x];
		const int32_t *weight = a->weight + x * a->stride;
		const uint8_t *p = in + (size_t)s->first * (size_t)channels;
		int32_t r = half, g = half, b = half, t = half;

		if (channels == 1) {
			for (uint32_t i = 0; i < s->n; i++)
				r += p[i] * weight[i];
			*out++ = clip(r);
			continue;
		}
		for (uint32_t i = 0; i < s->n; i++, p += channels) {
			r += p[0] * weight[i];
			g += p[1] * weight[i];
			b += p[2] * weight[i];
			if (channels == 4)
				t += p[3] * weight[i];
		}
		*out++ = clip(r);
		*out++ = clip(g);
		*out++ = clip(b);
		if (channels == 4)
			*out++ = clip(t);
	}
}

static void
along_x(uint8_t *const *out, const uint8_t *const *in, int rows,
    const struct resize_axis *a, uint32_t w, int channels)
{
	for (int i = 0; i < rows; i++)
		row_along_x(out[i], in[i], a, w, channels);
}

/* Eight samples at a time, in vectors of the compiler. */
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint8_t u8x4 __attribute__((vector_size(4)));

static void
along_y(uint8_t *out, const uint8_t *in, const struct resize_axis *a,
    uint32_t y, size_t stride)
{
	const i32x4 half = (i32x4){ 0 } + (1 << (RESIZE_FRACTION - 1));
	const struct resize_span *s = &a->span[y];
	const int32_t *weight = a->weight + y * a->stride;
	const uint8_t *top = in + s->first * stride;
	size_t i = 0;

	for (; i + 8 <= stride; i += 8) {
		const uint8_t *p = top + i;
		i32x4 l = half, r = half;

		for (uint32_t j = 0; j < s->n; j++, p += stride) {
			u8x4 b, c;

			memcpy(&b, p, sizeof(b));
			memcpy(&c, p + 4, sizeof(c));
			l += __builtin_convertvector(b, i32x4) * weight[j];
			r += __builtin_convertvector(c, i32x4) * weight[j];
		}
		for (int k = 0; k < 4; k++) {
			out[i + (size_t)k] = clip(l[k]);
			out[i + (size_t)k + 4] = clip(r[k]);
		}
	}
	for (; i < stride; i++) {
		int32_t sum = 1 << (RESIZE_FRACTION - 1);

		for (uint32_t j = 0; j < s->n; j++)
			sum += top[j * stride + i] * weight[j];
		out[i] = clip(sum);
	}
}

const struct resize_passes resize_plain = { along_x, along_y };
