#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected), as in RFC 3720
 * section 12.1: the CRC of "123456789" is E3069283.
 */

/* crc32c(crc, p, n): the CRC of what came before (0 at the start) with n more
 * bytes.  Takes the fastest way the machine has. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

/* The reference, and the SSE4.2 instruction (call only if crc32c_has_sse42
 * is not 0; elsewhere it is the reference).  All give the same number. */
uint32_t crc32c_table(uint32_t crc, const void *p, size_t n);
uint32_t crc32c_sse42(uint32_t crc, const void *p, size_t n);
int crc32c_has_sse42(void);

#endif
