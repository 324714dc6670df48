#include "linalg/linear.h"

#include <string.h>

#include "linalg/half.h"
#include "linalg/linalg.h"
#include "linalg/linear_i8.h"
#include "linalg/linear_kernels.h"

const struct linear_kernels *
linear_kernels(enum isa isa)
{
#if defined(__x86_64__)
	if (isa >= ISA_AVX512)
		return &linear_avx512;
	if (isa == ISA_AVX2)
		return &linear_avx2;
	if (cpu_has_fma())
		return &linear_fma;
#endif
	(void)isa;
	return &linear_portable;
}

size_t
linear_size(enum precision precision, uint32_t in, uint32_t out)
{
	size_t one =
	    precision == PRECISION_F16 ? sizeof(uint16_t) : sizeof(float);

	if (precision == PRECISION_I8)
		return linear_i8_size(in, out);
	return linear_columns(out) * in * one;
}

/* One panel: rows of W: [rows, in]. */
static void
pack_panel(enum isa isa, void *packed, enum precision precision, const float *W,
    size_t ldw, size_t in, size_t rows)
{
	enum { PART = 128 };
	_Alignas(64) float part[PART * LINALG_PANEL];
	const struct linalg *la = linalg_get(isa);
	uint16_t *h = packed;

	if (precision == PRECISION_F32) {
		la->gemm_pack(packed, mat_cols(W, ldw), in, rows);
		return;
	}
	for (size_t k = 0, n; k < in; k += n) {
		n = in - k < PART ? in - k : PART;
		la->gemm_pack(part, mat_cols(W + k, ldw), n, rows);
		half_from_floats(
		    isa, h + k * LINALG_PANEL, part, n * LINALG_PANEL);
	}
}

void
linear_pack(void *packed, enum precision precision, const float *W, size_t ldw,
    uint32_t in, uint32_t out)
{
	size_t size = linear_size(precision, in, out), panel;
	enum isa isa = cpu_isa();
	char *p = packed;

	if (precision == PRECISION_I8) {
		linear_i8_pack(packed, W, ldw, in, out);
		return;
	}
	if (size == 0)
		return;
	panel = size / (linear_columns(out) / LINALG_PANEL);
	for (size_t j = 0; j < out; j += LINALG_PANEL, p += panel)
		pack_panel(isa, p, precision, W + j * ldw, ldw, in,
		    out - j < LINALG_PANEL ? out - j : LINALG_PANEL);
	memset(p, 0, (size_t)((char *)packed + size - p));
}

size_t
linear_room(const struct linear *l, size_t rows)
{
	size_t floats;

	if (l->precision == PRECISION_I8)
		return linear_i8_room(l->in, rows);
	floats = (size_t)LINEAR_MROWS * LINALG_KBLOCK;
	if (l->in > LINALG_KBLOCK)
		floats += LINEAR_MROWS * linear_part_step(l->out);
	return floats * sizeof(float);
}

void
linear_run(enum isa isa, float *y, size_t ldy, const float *x, size_t ldx,
    size_t rows, const struct linear *l, const struct linear_after *after,
    void *room)
{
	struct after a = after_of(l, after);

	if (l->precision == PRECISION_I8)
		linear_i8_run(isa, y, ldy, x, ldx, rows, l, after, room);
	else
		linear_kernels(isa)->run(y, ldy, x, ldx, rows, l, &a, room);
}

void
linear_run_part(enum isa isa, float *y, size_t ldy, const float *x, size_t ldx,
    size_t rows, const struct linear *l, const struct linear_after *after,
    uint32_t from, uint32_t n, void *room)
{
	struct after a = after_at(after_of(l, after), 0, from);
	size_t before = linear_size(l->precision, l->in, from);
	struct linear part = { l->precision, l->in, n,
		(const char *)l->packed + before, a.bias };
	struct linear_after rest = { a.act, a.gamma, a.residual, a.ldr };

	linear_run(isa, y + from, ldy, x, ldx, rows, &part, &rest, room);
}

void
linear_activate(enum isa isa, enum activation act, float *y, size_t n)
{
	linear_kernels(isa)->activate(act, y, n);
}
