/*
 * frame_mend: finds the one flipped bit in a frame `length | extra | content | CRC32C of extra and
 * content` of the index or of a chunk segment, be it in the length, the bytes or the checksum. What
 * it finds is right but for one chance in 2^32 per bit that was tried: check the content as well.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum frame_length {
    FRAME_UVARINT, /* of a series or a chunk */
    FRAME_BE32,    /* of a section */
};

/* frame_size is the bytes of the frame at an offset, 0 when its checksum does not hold. `extra` are
 * bytes that the length does not count (a chunk's encoding). */
uint64_t frame_size(str data, uint64_t offset, enum frame_length length, unsigned extra);

/* frame_mend flips the bit in `data`, which is the caller's to write to. False, with nothing
 * changed, when no single bit makes the checksum hold; contents beyond bytes_max are not tried. */
bool frame_mend(char *data, uint64_t size, uint64_t offset, enum frame_length length,
                unsigned extra, uint64_t bytes_max);
