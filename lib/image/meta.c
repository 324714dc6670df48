#include "image/meta.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/inflate.h"
#include "base/utf8.h"
#include "image/pnm.h"
#include "image/segments.h"

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* Append Latin-1 as UTF-8.  0 or -1. */
static int
put_latin1(struct buf *out, const uint8_t *p, size_t n)
{
	char c[UTF8_MAX_BYTES];

	for (size_t i = 0; i < n; i++)
		if (p[i] != 0 && buf_put(out, c, utf8_encode(c, p[i])) == -1)
			return -1;
	return 0;
}

/* Append UTF-8 without NUL. */
static int
put_utf8(struct buf *out, const uint8_t *p, size_t n)
{
	while (n > 0) {
		const uint8_t *nul = memchr(p, '\0', n);
		size_t k = nul != NULL ? (size_t)(nul - p) : n;

		if (utf8_clean(out, (const char *)p, k, NULL) == -1)
			return -1;
		k += nul != NULL;
		p += k;
		n -= k;
	}
	return 0;
}

static int
put_either(struct buf *out, const uint8_t *p, size_t n)
{
	return utf8_valid((const char *)p, n) == n ? put_utf8(out, p, n)
						   : put_latin1(out, p, n);
}

/* ---- PNG ---- */

enum encoding { LATIN1, UTF8 };

/* Where the value of this keyword goes; NULL when memory is out or there are
 * too many (m->cut then). */
static struct buf *
value_of(struct meta *m, const uint8_t *key, size_t n)
{
	struct buf name = { 0 };
	struct meta_text *t;

	if (put_latin1(&name, key, n) == -1)
		goto fail;
	for (size_t i = 0; i < m->n; i++) {
		t = &m->texts[i];
		if (t->key.len == name.len &&
		    memcmp(t->key.data, name.data, name.len) == 0) {
			buf_free(&name);
			return &t->value;
		}
	}
	if (m->n == META_MAX_TEXTS) {
		m->cut = true;
		goto fail;
	}
	if (mem_grow(&m->texts, &m->cap, m->n + 1, sizeof(*t)) == -1)
		goto fail;
	t = &m->texts[m->n++];
	*t = (struct meta_text){ .key = name };
	return &t->value;
fail:
	buf_free(&name);
	return NULL;
}

static int
add_text(struct meta *m, const uint8_t *key, size_t key_len, const uint8_t *p,
    size_t n, enum encoding how)
{
	struct buf *value;

	if (n > META_MAX_BYTES - m->bytes) {
		m->cut = true;
		return 0;
	}
	value = value_of(m, key, key_len);
	if (value == NULL)
		return m->cut ? 0 : -1;
	m->bytes += n;
	if (value->len > 0 && buf_putc(value, '\n') == -1)
		return -1;
	return how == UTF8 ? put_utf8(value, p, n) : put_latin1(value, p, n);
}

/* The same for compressed text.  A bomb stops at what may still be added. */
static int
add_compressed(struct meta *m, const uint8_t *key, size_t key_len,
    const uint8_t *p, size_t n, enum encoding how)
{
	struct buf text = { 0 };
	struct error e;
	int rc;

	switch (inflate_zlib(p, n, &text, META_MAX_BYTES - m->bytes, &e)) {
	case 0:
		rc = add_text(
		    m, key, key_len, (const uint8_t *)text.data, text.len, how);
		break;
	case 1:
		m->cut = true;
		rc = 0;
		break;
	default:
		m->damaged = true;
		rc = e.memory ? -1 : 0;
	}
	buf_free(&text);
	return rc;
}

/*
 * tEXt	key 0 text
 * zTXt	key 0 method text
 * iTXt	key 0 flag method language 0 translated-key 0 text
 * (PNG, section 11.3.4)
 */
static int
read_text(struct meta *m, const struct segment *s)
{
	const uint8_t *key = s->data, *end = s->data + s->n;
	const uint8_t *p, *nul, *flag;
	size_t key_len;

	nul = memchr(key, '\0', s->n);
	if (nul == NULL || nul == key)
		return 0;
	key_len = (size_t)(nul - key);
	p = nul + 1;
	if (s->tag == PNG_TAG('t', 'E', 'X', 't'))
		return add_text(m, key, key_len, p, (size_t)(end - p), LATIN1);
	if (s->tag == PNG_TAG('z', 'T', 'X', 't')) {
		if (p == end || *p++ != 0)
			return 0;
		return add_compressed(
		    m, key, key_len, p, (size_t)(end - p), LATIN1);
	}
	if (end - p < 2)
		return 0;
	flag = p;
	p += 2;
	for (int i = 0; i < 2; i++) {
		nul = memchr(p, '\0', (size_t)(end - p));
		if (nul == NULL)
			return 0;
		p = nul + 1;
	}
	if (flag[0] == 0)
		return add_text(m, key, key_len, p, (size_t)(end - p), UTF8);
	if (flag[1] != 0)
		return 0;
	return add_compressed(m, key, key_len, p, (size_t)(end - p), UTF8);
}

static bool
sound(const struct segment *s)
{
	return crc32_zip(0, s->data - 4, s->n + 4) == be32(s->data + s->n);
}

static int
read_png(struct meta *m, const uint8_t *p, size_t n, struct error *e)
{
	static const char *const colors[] = { "grey", NULL, "rgb", "palette",
		"grey-alpha", NULL, "rgba" };
	struct segments w = segments_png(p, n);
	bool ended = false;
	struct segment s;

	if (!segments_next_png(&w, &s))
		return error_set(e, "premature end of PNG file");
	if (s.tag != PNG_TAG('I', 'H', 'D', 'R') || s.n != 13 || !sound(&s) ||
	    s.data[9] > 6 || colors[s.data[9]] == NULL)
		return error_set(e, "PNG: damaged header");
	m->w = be32(s.data);
	m->h = be32(s.data + 4);
	m->depth = s.data[8];
	m->color = colors[s.data[9]];
	while (!ended && segments_next_png(&w, &s))
		switch (s.tag) {
		case PNG_TAG('t', 'E', 'X', 't'):
		case PNG_TAG('z', 'T', 'X', 't'):
		case PNG_TAG('i', 'T', 'X', 't'):
			if (!sound(&s))
				m->damaged = true;
			else if (read_text(m, &s) == -1)
				return error_memory(e);
			break;
		case PNG_TAG('I', 'E', 'N', 'D'):
			ended = true;
			break;
		}
	m->damaged |= !ended;
	return 0;
}

/* ---- JPEG and PNM ---- */

static int
add_comment(struct meta *m, const struct segment *s)
{
	if (s->n > META_MAX_BYTES - m->bytes) {
		m->cut = true;
		return 0;
	}
	m->bytes += s->n;
	if (m->comment.len > 0 && buf_putc(&m->comment, '\n') == -1)
		return -1;
	return put_either(&m->comment, s->data, s->n);
}

/* Frame headers are C0..CF but for tables, JPG and arithmetic conditions. */
static bool
is_frame(uint32_t tag)
{
	return tag >= 0xc0 && tag <= 0xcf && tag != 0xc4 && tag != 0xc8 &&
	       tag != 0xcc;
}

static int
read_jpeg(struct meta *m, const uint8_t *p, size_t n, struct error *e)
{
	struct segments w = segments_jpeg(p, n);
	struct segment s;

	while (segments_next_jpeg(&w, &s))
		if (is_frame(s.tag) && s.n >= 6 && m->color == NULL) {
			m->depth = s.data[0];
			m->h = (uint32_t)s.data[1] << 8 | s.data[2];
			m->w = (uint32_t)s.data[3] << 8 | s.data[4];
			m->color = s.data[5] == 1   ? "grey"
				   : s.data[5] == 4 ? "cmyk"
						    : "rgb";
		} else if (s.tag == 0xfe && add_comment(m, &s) == -1) {
			return error_memory(e);
		}
	if (m->color == NULL)
		return error_set(e, "premature end of JPEG file");
	return 0;
}

static int
read_pnm(struct meta *m, const uint8_t *p, size_t n, struct error *e)
{
	static const char *const colors[] = { "grey", "grey-alpha", "rgb",
		"rgba" };
	struct pnm_header h;

	if (pnm_header(&h, p, n, e) == -1)
		return -1;
	m->w = h.w;
	m->h = h.h;
	m->color = colors[h.depth - 1];
	while (h.max >> m->depth != 0)
		m->depth++;
	return 0;
}

int
meta_read(struct meta *m, const void *bytes, size_t n, struct error *e)
{
	const uint8_t *p = bytes, *tiff;
	size_t len;
	int rc;

	*m = (struct meta){ .type = image_type(p, n) };
	switch (m->type) {
	case IMAGE_PNG:
		rc = read_png(m, p, n, e);
		break;
	case IMAGE_JPEG:
		rc = read_jpeg(m, p, n, e);
		break;
	case IMAGE_PNM:
		rc = read_pnm(m, p, n, e);
		break;
	default:
		rc = error_set(e, "unknown image type");
	}
	if (rc == -1) {
		meta_free(m);
		return -1;
	}
	tiff = exif_find(p, n, &len);
	if (tiff != NULL)
		exif_read(&m->exif, tiff, len);
	return 0;
}

void
meta_free(struct meta *m)
{
	for (size_t i = 0; i < m->n; i++) {
		buf_free(&m->texts[i].key);
		buf_free(&m->texts[i].value);
	}
	free(m->texts);
	buf_free(&m->comment);
	*m = (struct meta){ 0 };
}
