/*
 * error: one idiom for failure. A function returns int: >= 0 is success, negative is a code;
 * details go to an optional struct baro_error. Codes are -errno for system failures and BARO_E...
 * (errors.def) for ours. The struct is written once, where the fault is found; callers add context
 * with error_wrap only if they know something new. No allocation, no thread-local state: works when
 * memory is out.
 */
#pragma once

#include <stdint.h>

#include "base/attr.h"

enum baro_code {
#define ERROR_CODE(name, value, http_status, exit_status, text) name = (value),
#include "base/errors.def"
#undef ERROR_CODE
};

struct baro_error {
    int code;           /* the negative code that was returned; 0 when nothing has failed */
    uint32_t line;      /* from 1; 0 when unknown */
    uint32_t column;    /* from 1, in bytes; 0 when unknown */
    uint64_t offset;    /* bytes from the start of the input; UINT64_MAX when unknown */
    char input[128];    /* name of the file, URL, job ...; empty when unknown */
    char message[1000]; /* for humans: what was wrong, and what to do */
};

/* error_set stores code and message in err (which may be NULL) and returns code. */
int error_set(struct baro_error *err, int code, const char *format, ...) PRINTF_LIKE(3, 4) COLD;

/* error_at is error_set with a byte offset of the input. */
int error_at(struct baro_error *err, int code, uint64_t offset, const char *format, ...)
    PRINTF_LIKE(4, 5) COLD;

/* error_at_line is error_set with a line and column, both from 1. */
int error_at_line(struct baro_error *err, int code, uint32_t line, uint32_t column,
                  const char *format, ...) PRINTF_LIKE(5, 6) COLD;

/* error_wrap puts "TEXT: " before err's message, makes code its code, and returns code. */
int error_wrap(struct baro_error *err, int code, const char *format, ...) PRINTF_LIKE(3, 4) COLD;

/* error_system is error_set for a failed system call: code is -errno_value, message "TEXT:
 * description of errno". */
int error_system(struct baro_error *err, int errno_value, const char *format, ...)
    PRINTF_LIKE(3, 4) COLD;

/* error_text returns the constant text of a code ("corrupt data", "No such file or directory"). */
const char *error_text(int code);

/* error_name returns the code's symbolic name ("BARO_ECORRUPT", "ENOENT"). */
const char *error_name(int code);

/* error_http_status and error_exit_status map a code to what a client or a shell is told. */
int error_http_status(int code);
int error_exit_status(int code);

/* Bytes that hold any text of error_format, the NUL included. */
enum { ERROR_FORMAT_BYTES = 1200 };

/* error_format writes "input:line:column: message" (parts that are unknown are left out) to ret;
 * always terminated. */
void error_format(const struct baro_error *err, char *ret, size_t size);

/* Parsers of user text collect up to FAULTS_MAX faults, so that `check` shows them all. */
enum { FAULTS_MAX = 20 };

struct faults {
    struct baro_error items[FAULTS_MAX];
    uint32_t count; /* stored in items */
    uint32_t total; /* found, those dropped included */
};

/* faults_add stores one fault at a line and column, drops it (but counts it) when full, and returns
 * code. */
int faults_add(struct faults *faults, int code, const char *input, uint32_t line, uint32_t column,
               const char *format, ...) PRINTF_LIKE(6, 7) COLD;
