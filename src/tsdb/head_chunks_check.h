/* head_chunks_check: whether a file of chunks_head/ is what it has to be: a header, then chunks
 * whose checksums hold, then nothing but zeros (the file is made longer than it is filled). Format:
 * docs/formats/chunk.md. */
#pragma once

#include "base/error.h"
#include "base/str.h"

/* head_chunks_check fails with BARO_ECORRUPT. */
int head_chunks_check(str data, struct baro_error *err);
