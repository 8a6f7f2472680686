#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

static const struct {
    const char *name;
    int code;
    int http_status;
    int exit_status;
    const char *text;
} rows[] = {
#define ERROR_CODE(name, value, http_status, exit_status, text)                                    \
    {#name, value, http_status, exit_status, text},
#include "base/errors.def"
#undef ERROR_CODE
};

enum { CODE_FIRST = -5000 };

static void write_message(struct baro_error *err, int code, const char *format, va_list args)
{
    ASSERT(code < 0);
    if (err == NULL) {
        return;
    }
    *err = (struct baro_error){.code = code, .offset = UINT64_MAX};
    (void)vsnprintf(err->message, sizeof(err->message), format, args);
}

int error_set(struct baro_error *err, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_message(err, code, format, args);
    va_end(args);
    return code;
}

int error_at(struct baro_error *err, int code, uint64_t offset, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_message(err, code, format, args);
    va_end(args);
    if (err != NULL) {
        err->offset = offset;
    }
    return code;
}

int error_at_line(struct baro_error *err, int code, uint32_t line, uint32_t column,
                  const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_message(err, code, format, args);
    va_end(args);
    if (err != NULL) {
        err->line = line;
        err->column = column;
    }
    return code;
}

int error_wrap(struct baro_error *err, int code, const char *format, ...)
{
    char message[sizeof(err->message)];
    va_list args;
    size_t used;

    if (err == NULL) {
        return code;
    }
    (void)snprintf(message, sizeof(message), "%s", err->message);
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    used = strlen(err->message);
    (void)snprintf(err->message + used, sizeof(err->message) - used, ": %s", message);
    err->code = code;
    return code;
}

int error_system(struct baro_error *err, int errno_value, const char *format, ...)
{
    va_list args;
    size_t used;

    ASSERT(errno_value > 0);
    va_start(args, format);
    write_message(err, -errno_value, format, args);
    va_end(args);
    if (err != NULL) {
        used = strlen(err->message);
        (void)snprintf(err->message + used, sizeof(err->message) - used, ": %s",
                       error_text(-errno_value));
    }
    return -errno_value;
}

const char *error_text(int code)
{
    const char *text;

    if (code <= CODE_FIRST && code > CODE_FIRST - (int)ARRAY_COUNT(rows)) {
        return rows[CODE_FIRST - code].text;
    }
    text = strerrordesc_np(-code);
    return text != NULL ? text : "unknown error";
}

const char *error_name(int code)
{
    const char *name;

    if (code <= CODE_FIRST && code > CODE_FIRST - (int)ARRAY_COUNT(rows)) {
        return rows[CODE_FIRST - code].name;
    }
    name = strerrorname_np(-code);
    return name != NULL ? name : "unknown";
}

int error_http_status(int code)
{
    if (code <= CODE_FIRST && code > CODE_FIRST - (int)ARRAY_COUNT(rows)) {
        return rows[CODE_FIRST - code].http_status;
    }
    return code < 0 ? 500 : 200;
}

int error_exit_status(int code)
{
    if (code <= CODE_FIRST && code > CODE_FIRST - (int)ARRAY_COUNT(rows)) {
        return rows[CODE_FIRST - code].exit_status;
    }
    return code < 0 ? 1 : 0;
}

void error_format(const struct baro_error *err, char *ret, size_t size)
{
    if (err->line > 0) {
        (void)snprintf(ret, size, "%s%s%u:%u: %s", err->input, err->input[0] != '\0' ? ":" : "",
                       err->line, err->column, err->message);
    } else if (err->offset != UINT64_MAX) {
        (void)snprintf(ret, size, "%s%sat byte %llu: %s", err->input,
                       err->input[0] != '\0' ? ": " : "", (unsigned long long)err->offset,
                       err->message);
    } else {
        (void)snprintf(ret, size, "%s%s%s", err->input, err->input[0] != '\0' ? ": " : "",
                       err->message);
    }
}

int faults_add(struct faults *faults, int code, const char *input, uint32_t line, uint32_t column,
               const char *format, ...)
{
    va_list args;

    faults->total++;
    if (faults->count == FAULTS_MAX) {
        return code;
    }
    struct baro_error *err = &faults->items[faults->count++];
    va_start(args, format);
    write_message(err, code, format, args);
    va_end(args);
    err->line = line;
    err->column = column;
    (void)snprintf(err->input, sizeof(err->input), "%s", input);
    return code;
}
