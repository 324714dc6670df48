#include "vec/zip.h"

#include <stdlib.h>
#include <string.h>

#include "base/inflate.h"
#include "base/utf8.h"
#include "vec/le.h"

enum {
	LOCAL = 30,   /* bytes of a local header before its name */
	CENTRAL = 46, /* of a directory entry */
	END = 22,     /* of the end of the directory */
	COMMENT = 65535,
	EXPANDS = 1032 /* deflate makes at most so many bytes of one */
};

/* Archives have no time of their own: 1 January 1980, as numpy writes. */
enum { DATE = 33 };

/* ---- reading ---- */

/* find_end: place of the end record, whose comment ends the file. */
static int
find_end(const struct zip *z, size_t *at)
{
	for (size_t k = END; k <= z->len && k <= END + COMMENT; k++) {
		const unsigned char *p = z->file + (z->len - k);

		if (memcmp(p, "PK\5\6", 4) == 0 &&
		    le16_get(p + 20) == k - END) {
			*at = z->len - k;
			return 0;
		}
	}
	return -1;
}

/* locate: where the member's data is, behind its local header. */
static int
locate(const struct zip *z, struct zip_member *m, size_t at, size_t limit,
    struct error *e)
{
	const unsigned char *p = z->file + at;

	if (at > limit || limit - at < LOCAL || memcmp(p, "PK\3\4", 4) != 0)
		return error_set(
		    e, "'%s': no member where the directory says", m->name);
	m->at = at + LOCAL + le16_get(p + 26) + le16_get(p + 28);
	if (m->at > limit || m->packed > limit - m->at)
		return error_set(e, "'%s': beyond the directory", m->name);
	return 0;
}

/* take_entry: one entry of the directory p: [n].  Its length, or 0. */
static size_t
take_entry(struct zip *z, const unsigned char *p, size_t n, size_t limit,
    struct error *e)
{
	struct zip_member *m = &z->members[z->n];
	size_t name, all;
	int method;

	if (n < CENTRAL || memcmp(p, "PK\1\2", 4) != 0) {
		error_set(e, "damaged zip directory");
		return 0;
	}
	name = le16_get(p + 28);
	all = CENTRAL + name + le16_get(p + 30) + le16_get(p + 32);
	if (all > n || memchr(p + CENTRAL, '\0', name) != NULL ||
	    utf8_valid((const char *)p + CENTRAL, name) != name) {
		error_set(e, "damaged zip directory");
		return 0;
	}
	m->name = mem_strndup((const char *)p + CENTRAL, name);
	if (m->name == NULL) {
		error_memory(e);
		return 0;
	}
	z->n++;
	method = le16_get(p + 10);
	m->deflated = method == 8;
	m->crc = le32_get(p + 16);
	m->packed = le32_get(p + 20);
	m->bytes = le32_get(p + 24);
	if (le16_get(p + 8) & 1)
		error_set(e, "'%s': unsupported (encrypted)", m->name);
	else if (method != 0 && method != 8)
		error_set(e, "'%s': unsupported (compression method %d)",
		    m->name, method);
	else if (m->packed == UINT32_MAX || m->bytes == UINT32_MAX ||
		 le32_get(p + 42) == UINT32_MAX)
		error_set(e, "'%s': unsupported (larger than 4 GiB)", m->name);
	else if (m->deflated ? m->bytes / EXPANDS > m->packed
			     : m->bytes != m->packed)
		error_set(e, "'%s': impossible length", m->name);
	else if (locate(z, m, le32_get(p + 42), limit, e) == 0)
		return all;
	return 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct zip_member *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* Members that share bytes would make much of a small file. */
static int
check_overlap(const struct zip *z, struct error *e)
{
	for (size_t i = 1; i < z->n; i++)
		if (z->members[i - 1].at + z->members[i - 1].packed >
		    z->members[i].at - LOCAL)
			return error_set(
			    e, "'%s': overlaps another", z->members[i].name);
	return 0;
}

int
zip_open(struct zip *z, const void *p, size_t len, struct error *e)
{
	size_t end, at, n, used;

	*z = (struct zip){ .file = p, .len = len };
	if (find_end(z, &end) == -1)
		return error_set(e, "no end of a zip archive: cut short?");
	n = le16_get(z->file + end + 10);
	at = le32_get(z->file + end + 16);
	if (n > ZIP_MAX_MEMBERS)
		return error_set(
		    e, "%zu members; the limit is %d", n, ZIP_MAX_MEMBERS);
	if (at > end || le32_get(z->file + end + 12) != end - at ||
	    le16_get(z->file + end + 8) != n)
		return error_set(e, "damaged zip directory");
	z->members = mem_array(n > 0 ? n : 1, sizeof(*z->members));
	if (z->members == NULL)
		return error_memory(e);
	for (size_t i = 0, from = at; i < n; i++, from += used) {
		used = take_entry(z, z->file + from, end - from, at, e);
		if (used == 0) {
			zip_close(z);
			return -1;
		}
	}
	qsort(z->members, z->n, sizeof(*z->members), by_place);
	if (check_overlap(z, e) == -1) {
		zip_close(z);
		return -1;
	}
	return 0;
}

void
zip_close(struct zip *z)
{
	for (size_t i = 0; i < z->n; i++)
		free(z->members[i].name);
	free(z->members);
	*z = (struct zip){ 0 };
}

int
zip_read(const struct zip *z, size_t i, struct buf *out, struct error *e)
{
	const struct zip_member *m = &z->members[i];
	const unsigned char *from = z->file + m->at;
	int rc = 0;

	if (buf_reserve(out, m->bytes) == -1)
		return error_memory(e);
	if (m->deflated)
		rc = inflate_raw(
		    from, m->packed, out->data + out->len, m->bytes, e);
	else if (m->bytes > 0)
		memcpy(out->data + out->len, from, m->bytes);
	if (rc == 0 && crc32_zip(0, out->data + out->len, m->bytes) != m->crc)
		rc = error_set(e, "checksum mismatch");
	if (rc == -1)
		return error_at(e, "'%s'", m->name);
	out->len += m->bytes;
	return 0;
}

/* ---- writing ---- */

/* What a local header and a directory entry have in common: [26]. */
static void
common(unsigned char p[26], uint32_t crc, uint32_t bytes, size_t name)
{
	memset(p, 0, 26);
	le16_put(p, 20);          /* version needed: 2.0 */
	le16_put(p + 2, 1 << 11); /* names are UTF-8 */
	le16_put(p + 8, DATE);
	le32_put(p + 10, crc);
	le32_put(p + 14, bytes);
	le32_put(p + 18, bytes);
	le16_put(p + 22, (uint16_t)name);
}

int
zip_put(struct zip_writer *z, const char *name, const void *head, size_t nhead,
    const void *p, size_t n, struct error *e)
{
	unsigned char local[LOCAL] = "PK\3\4", entry[CENTRAL] = "PK\1\2";
	size_t len = strlen(name);
	uint32_t crc = crc32_zip(crc32_zip(0, head, nhead), p, n);

	if (n >= UINT32_MAX - nhead || z->at >= UINT32_MAX ||
	    z->n == ZIP_MAX_MEMBERS || len > 1024)
		return error_set(e, "'%s': too large for a zip archive", name);
	common(local + 4, crc, (uint32_t)(nhead + n), len);
	memcpy(entry + 6, local + 4, 26);
	le16_put(entry + 4, 20);
	le32_put(entry + 42, (uint32_t)z->at);
	if (buf_put(&z->directory, entry, sizeof(entry)) == -1 ||
	    buf_put(&z->directory, name, len) == -1)
		return error_memory(e);
	z->n++;
	z->at += sizeof(local) + len + nhead + n;
	return io_put(z->to, local, sizeof(local), e) == -1 ||
		       io_put(z->to, name, len, e) == -1 ||
		       io_put(z->to, head, nhead, e) == -1 ||
		       io_put(z->to, p, n, e) == -1
		   ? -1
		   : 0;
}

int
zip_end(struct zip_writer *z, struct error *e)
{
	unsigned char end[END] = "PK\5\6";

	if (z->at >= UINT32_MAX || z->directory.len >= UINT32_MAX)
		return error_set(e, "too large for a zip archive");
	le16_put(end + 8, z->n);
	le16_put(end + 10, z->n);
	le32_put(end + 12, (uint32_t)z->directory.len);
	le32_put(end + 16, (uint32_t)z->at);
	if (io_put(z->to, z->directory.data, z->directory.len, e) == -1)
		return -1;
	return io_put(z->to, end, sizeof(end), e);
}

void
zip_free_writer(struct zip_writer *z)
{
	buf_free(&z->directory);
}
