/* check_live: `check metrics --catalog`: an exposition, of a file or fetched from a target, beside
 * metric catalogues. */
#pragma once

#include "app/flags.h"
#include "model/exposition_lint.h"

struct check_live_options {
    const struct flags
        *flags;         /* its first argument is the file or URL; none or "-" = standard input */
    size_t catalog_row; /* list rows of the flags */
    size_t allow_row;
    bool complete;
    enum exposition_check_format format;
};

/* check_live prints what it finds and returns the exit status: 0 good, 1 faults. */
int check_live(const struct check_live_options *options);
