/*
 * crc32c: the Castagnoli checksum (polynomial 0x1EDC6F41, reflected, RFC 3720 appendix B.4) of the
 * WAL, chunks, the index and tombstones. By the SSE4.2 instruction where the processor has it, else
 * by tables. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* crc32c_add continues a checksum over more bytes; the checksum of nothing is 0. */
uint32_t crc32c_add(uint32_t crc, const void *bytes, size_t len);

/* crc32c_add_portable is crc32c_add without the instruction; same result. */
uint32_t crc32c_add_portable(uint32_t crc, const void *bytes, size_t len);

static inline uint32_t crc32c(str bytes)
{
    return crc32c_add(0, bytes.ptr, bytes.len);
}

/*
 * crc32c_find_flip finds the one flipped bit of bytes whose checksum does not hold: its number from
 * the first byte's lowest bit on, or bytes.len * 8 when the checksum itself has it. False when more
 * than that is wrong. Up to three flipped bits are told from one only by chance beyond some
 * megabytes: what is mended this way wants another check.
 */
bool crc32c_find_flip(str bytes, uint32_t crc, uint64_t *ret_bit);
