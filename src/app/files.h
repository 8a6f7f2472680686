/* files: whole files and standard input as bytes, bounded, for commands. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

enum { FILE_BYTES_MAX = 1 << 30 };

/* file_read appends the file's bytes ("-" is standard input). Fails with -errno, or BARO_ELIMIT
 * beyond FILE_BYTES_MAX. */
int file_read(const char *path, struct buf *ret, struct baro_error *err);
