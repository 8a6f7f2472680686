/* check_files: commands that judge configuration files one after the other, and print as amtool
 * does. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

struct file_check {
    const char *usage; /* "check heartbeats FILE..." */
    const char *summary;
    /* Reads a file's text; appends what is in it to ret_found, or faults. Negative: it has any. */
    int (*parse)(str path, str text, struct buf *ret_found, struct faults *faults);
};

/* check_files runs such a command; returns its exit status: 0 good, 1 faults, 2 wrong usage. */
int check_files(const struct file_check *check, int argc, char **argv);
