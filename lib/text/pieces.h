#ifndef TEXT_PIECES_H
#define TEXT_PIECES_H

#include "base/mem.h"

/* Bytes [from, to) of a text. */
struct text_piece {
	size_t from, to;
};

/*
 * text_pieces(s, piece, most): the words of a text, which is what blanks (bytes
 * up to 0x20) part; where there are more than ${most}, so many words together
 * that there are not.  How many pieces; piece: [most].
 */
size_t text_pieces(struct str s, struct text_piece *piece, size_t most);

/* text_without: append the text without a piece.  0, or -1 (memory). */
int text_without(struct buf *out, struct str s, const struct text_piece *piece);

#endif
