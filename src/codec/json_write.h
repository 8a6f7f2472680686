/*
 * json_write: JSON out, streamed into a buf: commas, quotes and escapes are the writer's business.
 * A failed buf (out of memory, limit) makes all further writing a no-op: test buf->failed once at
 * the end. Not thread-safe. Strings are escaped as Go's encoders do, so that bodies equal
 * Prometheus's byte for byte: control characters, quote and backslash always; <, >, &, U+2028 and
 * U+2029 in json_write_str; ill-formed UTF-8 becomes U+FFFD.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dur.h"
#include "base/num.h"
#include "base/str.h"

struct json_writer {
    struct buf *buf;
    bool need_comma; /* before the next key or value */
};

static inline struct json_writer json_write_over(struct buf *buf)
{
    return (struct json_writer){.buf = buf};
}

void json_write_object_begin(struct json_writer *json);
void json_write_object_end(struct json_writer *json);
void json_write_array_begin(struct json_writer *json);
void json_write_array_end(struct json_writer *json);

/* json_write_key writes "key": and the next call writes its value. */
void json_write_key(struct json_writer *json, str key);

/* json_write_str writes an escaped string; json_write_str_plain leaves <, > and & as they are, as
 * Prometheus does in label sets. */
void json_write_str(struct json_writer *json, str value);
void json_write_str_plain(struct json_writer *json, str value);
/* json_write_pair_plain is json_write_key and json_write_str_plain; json_write_pairs_plain does so
 * for `count` keys, each with its value behind it. */
void json_write_pair_plain(struct json_writer *json, str key, str value);
void json_write_pairs_plain(struct json_writer *json, const str *texts, size_t count);

/* json_write_strs writes an array of strings, each as json_write_str does. */
void json_write_strs(struct json_writer *json, const str *items, size_t count);

void json_write_bool(struct json_writer *json, bool value);
void json_write_null(struct json_writer *json);
void json_write_i64(struct json_writer *json, int64_t value);
void json_write_u64(struct json_writer *json, uint64_t value);

/* json_write_number writes a double as a JSON number as Go's encoding/json does (1e-07 becomes
 * 1e-7); NaN and infinities, which JSON has not, as null. */
void json_write_number(struct json_writer *json, double value);

/* json_write_value writes a sample value: a string in the form NUM_JSON ("1.5", "+Inf", "NaN"). */
void json_write_value(struct json_writer *json, double value);

/* json_write_raw writes text that is JSON already. */
void json_write_raw(struct json_writer *json, str text);

/* json_write_pair_str and the like are json_write_key and the value in one. */
void json_write_pair_str(struct json_writer *json, str key, str value);
void json_write_pair_i64(struct json_writer *json, str key, int64_t value);
void json_write_pair_u64(struct json_writer *json, str key, uint64_t value);
void json_write_pair_time(struct json_writer *json, str key, ts t); /* RFC 3339 */
void json_write_pair_number(struct json_writer *json, str key, double value);
void json_write_pair_bool(struct json_writer *json, str key, bool value);

/* json_write_timestamp writes milliseconds as Prometheus writes times: 1435781451.781, 1435781451.
 */
void json_write_timestamp(struct json_writer *json, int64_t t_ms);

/* A point takes at most this many bytes: brackets, quotes, commas, 21 bytes of time, a number. */
enum { JSON_WRITE_POINT_MAX = 32 + NUM_TEXT_MAX };

/*
 * json_write_point_at writes [1435781451.781,"1.5"] to `to`, which has room for
 * JSON_WRITE_POINT_MAX bytes, and returns the byte behind it. The caller reserves room for a run of
 * points at once.
 */
char *json_write_point_at(char *to, int64_t t_ms, double v);

/* Times as text, for points that have the same times again and again; zeroed at first. Later times
 * than the year 5138 are written anew each time. */
#define JSON_TIME_MAX INT64_C(99999999999999)
enum { JSON_TIMES = 512 };
struct json_time {
    int64_t t;
    uint8_t size;
    char text[23]; /* [SECONDS," */
};
struct json_times {
    struct json_time slots[JSON_TIMES];
};
char *json_write_point_again(char *to, struct json_times *times, int64_t t_ms, double v);

/* json_write_point is json_write_point_at as the next value. */
void json_write_point(struct json_writer *json, int64_t t_ms, double v);
