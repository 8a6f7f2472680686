/*
 * flags: command-line flags as Prometheus's programs take them: --name=value, --name value, --bool,
 * --no-bool, "--" ends the flags. Each command has a table of rows; --help is printed from it. Not
 * thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

enum flag_kind { FLAG_BOOL, FLAG_TEXT, FLAG_DURATION, FLAG_INT, FLAG_BYTES, FLAG_LIST };

/* Whether barograph does what the flag says. */
enum flag_state {
    FLAG_RUN,     /* it does */
    FLAG_NOOP,    /* accepted: what it tunes does not exist here, and nobody is hurt */
    FLAG_REFUSED, /* refused when it says other than the default; the help tells what to do */
};

struct flag {
    const char *name; /* without "--" */
    enum flag_kind kind;
    const char *initial; /* default as text; "" = none */
    enum flag_state state;
    const char *help;
};

enum { FLAGS_MAX = 128, FLAG_LIST_MAX = 64, FLAG_ARGS_MAX = 4096 };

struct flags {
    const struct flag *rows;
    size_t row_count;
    str values[FLAGS_MAX]; /* by row; the default when not given */
    bool given[FLAGS_MAX];
    str list[FLAG_LIST_MAX]; /* values of FLAG_LIST rows, in order */
    uint8_t list_row[FLAG_LIST_MAX];
    size_t list_count;
    str args[FLAG_ARGS_MAX]; /* what is not a flag */
    size_t arg_count;
    bool help; /* --help or -h was given */
};

/*
 * flags_parse reads argv[0..argc) (program and command names already cut off); strings are
 * borrowed. Kinds are checked. Fails with BARO_EUSAGE and a message that names the nearest flag, or
 * BARO_EUNSUPPORTED for a FLAG_REFUSED row.
 */
int flags_parse(struct flags *ret, const struct flag *rows, size_t row_count, int argc, char **argv,
                struct baro_error *err);

/* Values by row index. flags_duration is in ms, -1 when the flag has no value. flags_bytes -1
 * likewise. */
bool flags_bool(const struct flags *flags, size_t row);
str flags_text(const struct flags *flags, size_t row);
dur flags_duration(const struct flags *flags, size_t row);
int64_t flags_int(const struct flags *flags, size_t row);
int64_t flags_bytes(const struct flags *flags, size_t row);

/* flags_time_parse reads RFC 3339 or seconds since 1970. */
bool flags_time_parse(str text, ts *ret);

/* flags_usage prints the help of the command that these are of: the usage, the summary, what exit
 * statuses mean where that does not say so, and all rows. To standard output where it was asked
 * for, else to standard error, as the answer to wrong usage. Returns the exit status. */
int flags_usage(const struct flags *flags, const char *usage, const char *summary);
