/*
 * crc32c: the Castagnoli checksum (polynomial 0x1EDC6F41, reflected, RFC 3720 appendix B.4) of the
 * WAL, chunks, the index and tombstones. By the SSE4.2 instruction where the processor has it, else
 * by tables. Any thread.
 */
#pragma once

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
