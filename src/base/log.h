/*
 * log: one line per event on standard error, as logfmt or JSON: a constant message, then fields.
 * Any thread. log_warn("scrape failed", log_str("job", job), log_int("samples", n), log_err(&err));
 * Floors 0-4 never log: they return errors. Repeats are limited per call site (LOG_PER_SITE_MAX a
 * second) and counted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };
enum { LOG_PER_SITE_MAX = 20 };

struct log_field {
    const char *key;
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_DOUBLE, LOG_FIELD_ERROR } kind;
    str text;
    int64_t number;
    double real;
    const struct baro_error *err;
};

/* Limits repeats at one call site; zeroed statics of the macros below. */
struct log_site {
    _Atomic int64_t second;
    _Atomic uint32_t count;
};

void log_setup(enum log_level least, enum log_format format);
bool log_is_on(enum log_level level);

/* log_dropped_count returns how many lines the per-site limit has swallowed. */
uint64_t log_dropped_count(void);

static inline struct log_field log_str(const char *key, str text)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_STR, .text = text};
}

static inline struct log_field log_c(const char *key, const char *text)
{
    return log_str(key, str_from(text));
}

static inline struct log_field log_int(const char *key, int64_t number)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_INT, .number = number};
}

static inline struct log_field log_double(const char *key, double real)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_DOUBLE, .real = real};
}

/* log_err is the field err="input:line:column: message". */
static inline struct log_field log_err(const struct baro_error *err)
{
    return (struct log_field){.key = "err", .kind = LOG_FIELD_ERROR, .err = err};
}

/* log_write is what the macros call. */
void log_write(struct log_site *site, enum log_level level, const char *file, int line,
               const char *message, const struct log_field *fields, uint32_t field_count);

#define LOG_EVENT_(level, message, ...)                                                            \
    do {                                                                                           \
        static struct log_site site_;                                                              \
        if (log_is_on(level)) {                                                                    \
            const struct log_field fields_[] = {{0}, __VA_ARGS__};                                 \
            log_write(&site_, level, __FILE__, __LINE__, message, fields_ + 1,                     \
                      (uint32_t)(ARRAY_COUNT(fields_) - 1));                                       \
        }                                                                                          \
    } while (0)

#define log_debug(message, ...) LOG_EVENT_(LOG_DEBUG, message, __VA_ARGS__)
#define log_info(message, ...)  LOG_EVENT_(LOG_INFO, message, __VA_ARGS__)
#define log_warn(message, ...)  LOG_EVENT_(LOG_WARN, message, __VA_ARGS__)
#define log_error(message, ...) LOG_EVENT_(LOG_ERROR, message, __VA_ARGS__)
