/* procfs: small files of /proc and /sys, and lines of fields in them. Any thread. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* No file that is read here is larger on a sane host; a larger one is as good as none. */
enum { PROCFS_BYTES_MAX = 1 << 20, PROCFS_FIELDS_MAX = 24, PROCFS_PATH_SIZE = 1024 };

struct procfs_fields {
    str items[PROCFS_FIELDS_MAX];
    size_t count;
};

/* procfs_read replaces ret's content by that of the file root/path; false when it cannot be read
 * whole. */
bool procfs_read(const char *root, const char *path, struct buf *ret);

/* procfs_split cuts a line at blanks; fields beyond PROCFS_FIELDS_MAX are dropped. */
void procfs_split(str line, struct procfs_fields *ret);

/* procfs_number is a field as a number, 0 when it is absent or none. */
double procfs_number(const struct procfs_fields *fields, size_t index);

/* procfs_key finds "KEY NUMBER" or "KEY: NUMBER" at the start of a line; false when it is absent.
 */
bool procfs_key(str text, const char *key, double *ret);
