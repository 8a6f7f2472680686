#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"

static _Atomic int least_level = LOG_INFO;
static _Atomic int output_format = LOG_LOGFMT;
static _Atomic uint64_t dropped;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* One line goes out in one write(2); values beyond are cut, and the line stays whole: JSON with all
 * its keys. */
enum { LINE_BYTES_MAX = 8192 };

void log_setup(enum log_level least, enum log_format format)
{
    atomic_store_explicit(&least_level, (int)least, memory_order_relaxed);
    atomic_store_explicit(&output_format, (int)format, memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

uint64_t log_dropped_count(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

static bool site_is_over_limit(struct log_site *site, int64_t second)
{
    if (atomic_load_explicit(&site->second, memory_order_relaxed) != second) {
        atomic_store_explicit(&site->second, second, memory_order_relaxed);
        atomic_store_explicit(&site->count, 0, memory_order_relaxed);
    }
    return atomic_fetch_add_explicit(&site->count, 1, memory_order_relaxed) >= LOG_PER_SITE_MAX;
}

static void write_quoted(struct buf *line, str text)
{
    buf_char(line, '"');
    for (size_t i = 0; i < text.len && line->len < LINE_BYTES_MAX; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        uint32_t rune = 0;
        size_t size = utf8_decode(str_from_index(text, i), &rune);

        if (size == 0) {
            buf_c(line, "\\ufffd");
        } else if (size > 1) {
            buf_bytes(line, text.ptr + i, size);
            i += size - 1;
        } else if (c == '"' || c == '\\') {
            buf_char(line, '\\');
            buf_char(line, (char)c);
        } else if (c == '\n') {
            buf_c(line, "\\n");
        } else if (c < 0x20) {
            buf_printf(line, "\\u%04x", c);
        } else {
            buf_char(line, (char)c);
        }
    }
    buf_char(line, '"');
}

static bool needs_quotes(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c <= ' ' || c == '"' || c == '=' || c == '\\') {
            return true;
        }
    }
    return text.len == 0 || text.len > LINE_BYTES_MAX || !utf8_is_valid(text);
}

static void write_pair(struct buf *line, enum log_format format, const char *key, str text)
{
    if (format == LOG_JSON) {
        buf_printf(line, "%s\"%s\":", line->len > 1 ? "," : "", key);
        write_quoted(line, text);
    } else {
        buf_printf(line, "%s%s=", line->len > 0 ? " " : "", key);
        if (needs_quotes(text)) {
            write_quoted(line, text);
        } else {
            buf_str(line, text);
        }
    }
}

static void write_field(struct buf *line, enum log_format format, const struct log_field *field)
{
    char text[ERROR_FORMAT_BYTES];

    switch (field->kind) {
    case LOG_FIELD_STR:
        write_pair(line, format, field->key, field->text);
        break;
    case LOG_FIELD_INT:
        write_pair(line, format, field->key, str_of(text, num_format_i64(field->number, text)));
        break;
    case LOG_FIELD_DOUBLE:
        write_pair(line, format, field->key,
                   str_of(text, num_format_double(field->real, NUM_G, text)));
        break;
    case LOG_FIELD_ERROR:
        error_format(field->err, text, sizeof(text));
        write_pair(line, format, field->key, str_from(text));
        break;
    }
}

void log_write(struct log_site *site, enum log_level level, const char *file, int line_number,
               const char *message, const struct log_field *fields, uint32_t field_count)
{
    enum log_format format =
        (enum log_format)atomic_load_explicit(&output_format, memory_order_relaxed);
    struct timespec now = {0};
    struct tm parts = {0};
    char text[64];
    struct buf line = {0};
    const char *base = strrchr(file, '/');

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (site_is_over_limit(site, now.tv_sec)) {
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
        return;
    }
    (void)gmtime_r(&now.tv_sec, &parts);
    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", parts.tm_year + 1900,
                   parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                   now.tv_nsec / 1000000);
    if (format == LOG_JSON) {
        buf_char(&line, '{');
    }
    write_pair(&line, format, "time", str_from(text));
    write_pair(&line, format, "level", str_from(level_names[level]));
    (void)snprintf(text, sizeof(text), "%s:%d", base != NULL ? base + 1 : file, line_number);
    write_pair(&line, format, "source", str_from(text));
    write_pair(&line, format, "msg", str_from(message));
    for (uint32_t i = 0; i < field_count; i++) {
        write_field(&line, format, &fields[i]);
    }
    buf_c(&line, format == LOG_JSON ? "}\n" : "\n");
    if (!line.failed) {
        ssize_t written = write(STDERR_FILENO, line.ptr, line.len);

        (void)written;
    }
    buf_done(&line);
}
