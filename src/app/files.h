/* files: whole files and standard input as bytes, bounded, and what is wrong with them. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

enum { FILE_BYTES_MAX = 1 << 30 };

/* file_read appends the file's bytes ("-" is standard input). Fails with -errno, or BARO_ELIMIT
 * beyond FILE_BYTES_MAX. */
int file_read(const char *path, struct buf *ret, struct baro_error *err);

/* file_faults hands the first fault (there is one) to err and returns its code; `print` prints all
 * to standard error. */
int file_faults(const struct faults *faults, bool print, struct baro_error *err);
