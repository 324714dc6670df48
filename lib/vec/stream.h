#ifndef VEC_STREAM_H
#define VEC_STREAM_H

#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "vec/batch.h"

/*
 * The binary stream, as vecpipe-stream(5) describes it.  Little-endian.
 *
 *	FILE = STREAM+     STREAM = HEADER BLOCK* TRAILER
 *
 *	HEADER    0  89 'V' 'P' 'S' 0D 0A 1A 0A
 *	          8  u16  version, 1: a reader refuses a greater one
 *	         10  u16  revision, 0: a reader ignores it
 *	         12  u32  incompatible flags: an unknown one is refused
 *	         16  u32  compatible flags: an unknown one is ignored
 *	         20  u32  J, bytes of the JSON object
 *	         24  u32  zero
 *	         28  u32  CRC-32C of bytes 0..27
 *	         32  [J]  JSON object: the parts and the task
 *	          .  zeros, so that the header ends on a multiple of 64
 *	         -4  u32  CRC-32C of byte 32 to here
 *
 *	BLOCK     0  'B' 'L' 'K' '1'
 *	          4  u32  P, bytes of the payload
 *	          8  u64  sequence number, from 0 in each stream
 *	         16  u64  number of its first record, from 0
 *	         24  u32  n, records
 *	         28  u32  flags: 1 the record goes on from the block before,
 *	                  2 it goes on in the next one
 *	         32  u64  rows of that record in the blocks before
 *	         40  zeros
 *	         60  u32  CRC-32C of bytes 0..59
 *	         64  [P]  payload: P + 4 is a multiple of 64
 *	         -4  u32  CRC-32C of the payload
 *
 *	TRAILER   0  'E' 'N' 'D' '1'
 *	          4  u32  status: 0 ok, 1 partial, 2 aborted
 *	          8  u64  sequence number
 *	         16  u64  records
 *	         24  u64  rejected inputs
 *	         32  u64  hash of all bytes from the header to the last block
 *	         40  [20] the tool that aborted, then zeros
 *	         60  u32  CRC-32C of bytes 0..59
 *
 *	payload   0  u32  C, columns
 *	          4  u32  zero
 *	          8  C times: tag [4], u32 part (0 the record, else from 1),
 *	             u32 bytes, u32 zero
 *	          .  each column's bytes in that order, each after zeros up to
 *	             a multiple of 64 from the payload's start; zeros at the end
 *
 * A part's values therefore begin on a multiple of 64 bytes from the stream's
 * start.  Columns, n records each; a column of which all is as said in
 * brackets may be left out:
 *
 *	"IDS "  strings
 *	"LABL"  u32 counts, then strings for all of them [no labels]
 *	"TRGT"  f64, NaN for none [NaN]
 *	"WGHT"  f64 [1]
 *	"GRUP"  strings [empty]
 *	"srce"  u64 hash of the input [0]
 *	"flag"  u32, bit k is the k-th flag of JSON Lines [0]
 *	"MASK"  of a part: u8, 1 where the record has the part [1]
 *	"ERRS"  of a part: strings [empty]
 *	"CNTS"  of a part: u32 pairs (sparse) or rows (sequence)
 *	"INDX"  of a part: u32, increasing in each record (sparse)
 *	"VALS"  of a part: f32: [n, D]; [pairs]; [rows, D]
 *	"TIME"  of a part: f64 start and end of each row (sequence) [NaN]
 *
 * Strings are n u32 lengths, then the bytes of all.  An unknown column is
 * skipped when its tag begins with a lower-case letter, else refused; so is
 * an unknown block.  A record whose rows do not fit a block stands alone in
 * it and goes on in the next, which repeats its id and has CNTS, VALS and
 * TIME of the sequence parts only; rows fill one part after the other.
 *
 * Functions return -1 with a sentence in *e.  The struct reader and struct
 * writer stay the caller's and must outlive the objects here.
 */

enum {
	STREAM_VERSION = 1,
	STREAM_HEAD = 32,  /* bytes before the JSON object */
	STREAM_FRAME = 64, /* of a block's header, of a trailer */
	STREAM_ALIGN = 64,
	STREAM_TOOL = 20,            /* of the tool's name in a trailer */
	STREAM_RECORDS = 1024,       /* a block closes at so many records */
	STREAM_BYTES = 1 << 18,      /* or at so many of batch_size */
	STREAM_MAX_RECORDS = 1 << 16 /* of a block from outside */
};

enum { STREAM_CONTINUES = 1, STREAM_GOES_ON = 2 }; /* flags of a block */

enum stream_status { STREAM_OK, STREAM_PARTIAL, STREAM_ABORTED };

extern const char stream_magic[8];

/* The columns in the order in which they are written. */
enum stream_column {
	COLUMN_ID,
	COLUMN_LABEL,
	COLUMN_TARGET,
	COLUMN_WEIGHT,
	COLUMN_GROUP,
	COLUMN_SOURCE,
	COLUMN_FLAGS,
	COLUMN_MASK, /* from here on of a part */
	COLUMN_ERROR,
	COLUMN_COUNT,
	COLUMN_INDEX,
	COLUMN_VALUE,
	COLUMN_TIME,
	STREAM_COLUMNS
};

extern const char stream_tags[STREAM_COLUMNS][5];

/* ---- writing ---- */

struct stream_writer {
	struct writer *to;
	const struct schema *schema; /* borrowed */
	uint64_t seq, records;
	struct hash hash;
	struct buf out; /* a header or a payload */
};

/* stream_begin: write the header.  stream_free_writer ends, written or not. */
int stream_begin(struct stream_writer *s, struct writer *to,
    const struct schema *schema, struct error *e);

/* stream_put: write records [first, first + n) of ${b}, n > 0, as one block;
 * a single record may take several.  Values must be finite. */
int stream_put(struct stream_writer *s, const struct batch *b, size_t first,
    size_t n, struct error *e);

/* stream_end: write the trailer.  tool: who aborted, else NULL. */
int stream_end(struct stream_writer *s, enum stream_status status,
    uint64_t rejected, const char *tool, struct error *e);
void stream_free_writer(struct stream_writer *s);

/* ---- reading ---- */

struct stream_slot {
	const unsigned char *p; /* NULL when the column is not there */
	size_t n;               /* bytes */
};

struct stream_reader {
	struct reader *from;
	struct schema schema;
	uint64_t seq, records;
	struct hash hash;
	struct buf in;     /* a header or a payload */
	struct buf window; /* stream_recover: bytes not yet judged */
	size_t window_at;
	struct stream_slot *slots; /* columns of the block at hand */
	/* After stream_next gave 0: */
	enum stream_status status;  /* ok or partial */
	uint64_t rejected, sum;     /* sum: the stream's hash */
	char tool[STREAM_TOOL + 1]; /* of an aborted one */
};

/* stream_open: read a header.  1; 0 when the input ends before it; -1.
 * stream_free_reader ends, also after a failure. */
int stream_open(struct stream_reader *s, struct reader *from, struct error *e);
void stream_free_reader(struct stream_reader *s);

/*
 * stream_next: append the next block's records to ${b}, whose schema has the
 * same parts.  1; 0 at an ok or partial trailer; -1: damage, truncation, or an
 * aborted trailer.  After -1 ${b} is as it was.
 */
int stream_next(struct stream_reader *s, struct batch *b, struct error *e);

/*
 * stream_recover: in place of stream_next, find the next block that is whole
 * and append its records, passing over what is not; *skipped grows by the
 * bytes passed over.  1; 0 at the end of the input; -1.  Neither order nor
 * numbers are compared, end marks are ignored, and a record that takes several
 * blocks is passed over.  A header in between must have equal parts.
 */
int stream_recover(struct stream_reader *s, struct batch *b, uint64_t *skipped,
    struct error *e);

#endif
