#include "text/pieces.h"

/* The word from ${i} on; 0 where there is none. */
static int
next_word(struct str s, size_t i, struct text_piece *word)
{
	while (i < s.len && (unsigned char)s.s[i] <= 0x20)
		i++;
	word->from = i;
	while (i < s.len && (unsigned char)s.s[i] > 0x20)
		i++;
	word->to = i;
	return word->to > word->from;
}

size_t
text_pieces(struct str s, struct text_piece *piece, size_t most)
{
	struct text_piece word = { 0 };
	size_t words = 0, n = 0, together, k = 0;

	while (next_word(s, word.to, &word))
		words++;
	together = (words + most - 1) / most;
	word.to = 0;
	while (next_word(s, word.to, &word)) {
		if (k++ % together == 0)
			piece[n++] = word;
		else
			piece[n - 1].to = word.to;
	}
	return n;
}

int
text_without(struct buf *out, struct str s, const struct text_piece *piece)
{
	if (buf_put(out, s.s, piece->from) < 0)
		return -1;
	return buf_put(out, s.s + piece->to, s.len - piece->to);
}
