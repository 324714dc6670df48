#include "base/json.h"
#include "base/utf8.h"
#include "image/meta.h"

static int
put_member(struct buf *out, const char *name, const struct buf *value)
{
	int rc = buf_printf(out, ",\"%s\":", name);

	return rc | json_put_string(out, value->data, value->len);
}

static int
put_texts(struct buf *out, const struct meta *m)
{
	int rc = buf_puts(out, ",\"text\":{");

	for (size_t i = 0; i < m->n; i++) {
		const struct meta_text *t = &m->texts[i];

		if (i > 0)
			rc |= buf_putc(out, ',');
		rc |= json_put_string(out, t->key.data, t->key.len);
		rc |= buf_putc(out, ':');
		rc |= json_put_string(out, t->value.data, t->value.len);
	}
	return rc | buf_putc(out, '}');
}

/* An EXIF string: meant to be ASCII, and often more. */
static int
put_exif_text(struct buf *out, const char *name, const struct exif_text *t)
{
	struct buf text = { 0 };
	char c[UTF8_MAX_BYTES];
	int rc = 0;

	if (t->s == NULL)
		return 0;
	if (utf8_valid(t->s, t->n) == t->n)
		rc |= buf_put(&text, t->s, t->n);
	else
		for (size_t i = 0; i < t->n; i++)
			rc |=
			    buf_put(&text, c, utf8_encode(c, (uint8_t)t->s[i]));
	rc |= put_member(out, name, &text);
	buf_free(&text);
	return rc;
}

static int
put_exif(struct buf *out, const struct exif *x)
{
	int rc =
	    buf_printf(out, ",\"exif\":{\"orientation\":%d", x->orientation);

	rc |= put_exif_text(out, "description", &x->description);
	rc |= put_exif_text(out, "make", &x->make);
	rc |= put_exif_text(out, "model", &x->model);
	rc |= put_exif_text(out, "software", &x->software);
	rc |= put_exif_text(out, "artist", &x->artist);
	rc |= put_exif_text(out, "copyright", &x->copyright);
	rc |= put_exif_text(out, "datetime", &x->datetime);
	if (x->has_gps) {
		rc |= buf_puts(out, ",\"lat\":");
		rc |= json_put_double(out, x->lat);
		rc |= buf_puts(out, ",\"lon\":");
		rc |= json_put_double(out, x->lon);
	}
	return rc | buf_putc(out, '}');
}

int
meta_put(struct buf *out, const struct meta *m)
{
	static const char *const formats[] = {
		[IMAGE_PNG] = "png", [IMAGE_JPEG] = "jpeg", [IMAGE_PNM] = "pnm"
	};
	int rc = buf_printf(out,
	    ",\"format\":\"%s\",\"width\":%u,\"height\":%u,"
	    "\"depth\":%d,\"color\":\"%s\"",
	    formats[m->type], (unsigned)m->w, (unsigned)m->h, m->depth,
	    m->color);

	if (m->n > 0)
		rc |= put_texts(out, m);
	if (m->comment.len > 0)
		rc |= put_member(out, "comment", &m->comment);
	if (m->exif.present)
		rc |= put_exif(out, &m->exif);
	if (m->cut)
		rc |= buf_puts(out, ",\"cut\":true");
	if (m->damaged)
		rc |= buf_puts(out, ",\"damaged\":true");
	return rc == 0 ? 0 : -1;
}
