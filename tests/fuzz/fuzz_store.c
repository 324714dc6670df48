#include "fuzz.h"
#include "nn/encoder.h"
#include "nn/store_impl.h"
#include "vec/le.h"
#include "vec/model.h"

/*
 * A model: a byte of flags; config.json; a NUL; and the header of its
 * safetensors file; or, with PACKED, flags and the header of a packed file,
 * which is signed here.  The data is made up, as much of it as the header's
 * largest number says (a packed file's last one, which ends its last array),
 * so the corpus is small and every change hits what is parsed.
 */
enum {
	PRECISION = 3,
	PICTURE = 4,
	LAYER = 8,
	PACKED = 16,
	SEQUENCE = 32,
	DATA_MAX = 1 << 20
};

static size_t
data_size(const unsigned char *p, size_t n, int packed)
{
	size_t best = 0, x = 0;

	for (size_t i = 0; i < n; i++) {
		x = p[i] >= '0' && p[i] <= '9' ? x * 10 + p[i] - '0' : 0;
		if (x > DATA_MAX)
			x = 0;
		best = x > best || (packed && x > 0) ? x : best;
	}
	return best;
}

/* The file: length, header, spaces up to a 64-byte boundary, data. */
static unsigned char *
make_file(const unsigned char *header, size_t n, size_t *len, int packed)
{
	size_t head = (8 + n + 63) / 64 * 64;
	unsigned char *p;

	*len = head + data_size(header, n, packed);
	p = mem_aligned(1, *len);
	if (p == NULL)
		exit(1);
	le64_put(p, head - 8);
	memset(p + 8, ' ', head - 8);
	memcpy(p + 8, header, n);
	/* As f32, f16 and bf16 it is small and positive. */
	memset(p + head, 0x3c, *len - head);
	if (packed && model_is_packed(p, head) && head > 64)
		model_sign(p, head);
	return p;
}

static void
check_out(const struct encoder_info *info, const struct encoder_out *out,
    size_t n, int sequence)
{
	float sum = 0;

	for (size_t i = 0; i < n; i++) {
		size_t from = i > 0 ? out->end[i - 1] : 0;

		FUZZ_MUST(out->end[i] > from);
		FUZZ_MUST(sequence || out->end[i] == from + 1);
	}
	for (size_t i = 0; i < out->end[n - 1] * info->dim; i++)
		sum += out->v[i];
	FUZZ_MUST(sum == sum || sum != sum); /* all of it was read */
}

/* Run what is small enough for a fuzzer. */
static void
run(const struct encoder *x, int sequence)
{
	const struct encoder_info *info = encoder_info(x);
	size_t pixels = (size_t)info->pixels.width * info->pixels.height;
	size_t tokens = info->max_tokens < 5 ? info->max_tokens : 5;
	struct encoder_work *w = NULL;
	struct encoder_out out;
	struct error e;

	FUZZ_MUST(info->dim > 0 && info->family != NULL);
	FUZZ_MUST(info->pool != POOL_MODEL || info->kind == ENCODER_PICTURE);
	if (pixels > 1 << 14 || encoder_macs(x, tokens) > 1 << 22)
		return;
	if ((w = encoder_work_new(x, &e)) == NULL)
		return;
	if (info->kind == ENCODER_PICTURE) {
		float *px = mem_array(pixels * 3, sizeof(*px));

		FUZZ_MUST(px != NULL);
		if (encoder_pictures(x, w, px, 1, &out, &e) == 0)
			check_out(info, &out, 1, sequence);
		free(px);
	} else {
		uint32_t ids[10];
		size_t end[2] = { 1, 1 + tokens };

		FUZZ_MUST(info->vocab > 0 && info->max_tokens > 0);
		for (size_t i = 0; i < 10; i++)
			ids[i] = (uint32_t)((i * 7 + 1) % info->vocab);
		if (encoder_texts(x, w, ids, end, 2, &out, &e) == 0)
			check_out(info, &out, 2, sequence);
	}
	encoder_work_free(w);
}

static void
fuzz_one(const unsigned char *data, size_t n)
{
	struct encoder_how how = { .isa = cpu_isa(), .normalize = -1 };
	const unsigned char *at;
	struct str config = { NULL, 0 };
	struct error e = { 0 };
	struct encoder *x;
	struct store *s;
	unsigned char *file, flags;
	size_t len;

	if (n < 1)
		return;
	flags = *data++;
	n--;
	if (!(flags & PACKED)) {
		if ((at = memchr(data, '\0', n)) == NULL)
			return;
		config =
		    (struct str){ (const char *)data, (size_t)(at - data) };
		n -= config.len + 1;
		data = at + 1;
	}
	if (n > 1 << 18)
		return;
	how.layer = flags & LAYER ? 1 : 0;
	how.pool = flags & SEQUENCE ? POOL_NONE : POOL_MODEL;
	file = make_file(data, n, &len, flags & PACKED);
	s = store_open_memory(
	    config, file, len, (enum precision)((flags & PRECISION) % 3), &e);
	if (s == NULL) {
		FUZZ_MUST(e.text[0] != '\0');
		free(file);
		return;
	}
	x = encoder_new(
	    s, flags & PICTURE ? ENCODER_PICTURE : ENCODER_TEXT, &how, &e);
	FUZZ_MUST(x != NULL || e.text[0] != '\0');
	if (x != NULL)
		run(x, flags & SEQUENCE);
	store_hash(s);
	encoder_free(x);
	store_free(s);
	free(file);
}
