#ifndef IMAGE_PNM_H
#define IMAGE_PNM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/*
 * The header of a netpbm picture: P1-P3 plain, P4-P6 raw, P7 PAM; pbm(5),
 * pgm(5), ppm(5), pam(5).
 */
struct pnm_header {
	int kind;            /* the digit after P */
	uint32_t w, h;       /* pixels, as written: check them */
	uint32_t depth;      /* channels, 1..4 */
	uint32_t max;        /* largest sample, 1..65535 */
	const uint8_t *data; /* the samples, within p */
};

/* pnm_header(h, p, n, e): read it from p: [n], which is IMAGE_PNM.  0 or -1
 * with a sentence. */
int pnm_header(
    struct pnm_header *h, const uint8_t *p, size_t n, struct error *e);

#endif
