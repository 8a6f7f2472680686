#include <math.h>

#include "api/api_priv.h"
#include "base/assert.h"
#include "base/num.h"
#include "base/rfc3339.h"

enum { SELECTORS_MAX = 1000 };

/* ---- times ---- */

static ts clamp_time(double t_ms)
{
    if (t_ms <= (double)API_TIME_MIN) {
        return API_TIME_MIN;
    }
    return t_ms >= (double)API_TIME_MAX ? API_TIME_MAX : (ts)t_ms;
}

/* Go splits the seconds, rounds the rest to milliseconds and cuts: the same steps, so that the same
 * millisecond comes out. */
static ts time_from_seconds(double seconds)
{
    double whole;
    double rest;
    int64_t ns;

    if (fabs(seconds) > 9e15) {
        return clamp_time(seconds * 1000);
    }
    whole = (double)(int64_t)seconds;
    rest = round((seconds - whole) * 1000) / 1000;
    ns = (int64_t)(rest * 1e9);
    if (ns < 0) {
        ns += 1000000000;
        whole -= 1;
    }
    return clamp_time(whole * 1000) + ns / 1000000;
}

bool api_parse_time(str text, ts *ret)
{
    double seconds = 0;

    if (num_parse_double(text, &seconds)) {
        if (!isfinite(seconds)) {
            return false;
        }
        *ret = time_from_seconds(seconds);
        return true;
    }
    /* The widest times that Go's clients send do not fit four digits of year. */
    if (str_is(text, "-292273086-05-16T16:47:06Z")) {
        *ret = API_TIME_MIN;
        return true;
    }
    if (str_is(text, "292277025-08-18T07:12:54.999999999Z")) {
        *ret = API_TIME_MAX;
        return true;
    }
    return rfc3339_parse(text, ret);
}

void api_format_time(struct buf *buf, ts t)
{
    if (t == INT64_MIN) {
        buf_str(buf, STR("0001-01-01T00:00:00Z"));
    } else {
        rfc3339_format(buf, t);
    }
}

/* ---- durations ---- */

static bool has_digit(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= '0' && text.ptr[i] <= '9') {
            return true;
        }
    }
    return false;
}

int api_parse_duration(str text, dur *ret, struct baro_error *err)
{
    double seconds = 0;

    /* A number that no double holds is none to Go. */
    if (num_parse_double(text, &seconds) && !(isinf(seconds) && has_digit(text))) {
        double ns = seconds * 1e9;

        if (isnan(seconds)) {
            *ret = -1;
            return 0;
        }
        if (!(ns <= (double)INT64_MAX && ns >= (double)INT64_MIN)) {
            return error_set(err, BARO_EPARSE,
                             "cannot parse \"%.*s\" to a valid duration. It overflows int64",
                             STR_ARG(text));
        }
        /* The engine counts milliseconds; a shorter step would be none. */
        *ret = (dur)(seconds * 1000 + (seconds < 0 ? -1e-7 : 1e-7));
        return 0;
    }
    if (dur_parse(text, ret, NULL) >= 0) {
        return 0;
    }
    return error_set(err, BARO_EPARSE, "cannot parse \"%.*s\" to a valid duration", STR_ARG(text));
}

/* ---- parameters by name ---- */

int api_time_param(struct api_call *call, const char *name, ts initial, ts *ret)
{
    str text = form_get(&call->form, str_from(name));

    if (text.len == 0) {
        *ret = initial;
        return 0;
    }
    if (!api_parse_time(text, ret)) {
        return api_fail(call, API_BAD_DATA,
                        "invalid parameter \"%s\": Invalid time value for '%s': cannot parse "
                        "\"%.*s\" to a valid timestamp",
                        name, name, STR_ARG(text));
    }
    return 0;
}

int api_duration_param(struct api_call *call, const char *name, dur *ret)
{
    str text = form_get(&call->form, str_from(name));
    struct baro_error err = {0};

    if (api_parse_duration(text.ptr != NULL ? text : STR(""), ret, &err) < 0) {
        return api_fail(call, API_BAD_DATA, "invalid parameter \"%s\": %s", name, err.message);
    }
    return 0;
}

int api_limit_param(struct api_call *call, size_t *ret)
{
    str text = form_get(&call->form, STR("limit"));
    int64_t limit = 0;

    if (text.len == 0) {
        *ret = 0;
        return 0;
    }
    if (!num_parse_i64(text, &limit)) {
        return api_fail(call, API_BAD_DATA,
                        "invalid parameter \"limit\": strconv.Atoi: parsing \"%.*s\": invalid "
                        "syntax",
                        STR_ARG(text));
    }
    if (limit < 0) {
        return api_fail(call, API_BAD_DATA,
                        "invalid parameter \"limit\": limit must be non-negative");
    }
    *ret = (size_t)limit;
    return 0;
}

int api_range_params(struct api_call *call, ts *ret_start, ts *ret_end)
{
    int r = api_time_param(call, "start", API_TIME_MIN, ret_start);

    return r < 0 ? r : api_time_param(call, "end", API_TIME_MAX, ret_end);
}

/* ---- selectors ---- */

int api_selector_parse(struct api_call *call, str text, struct api_selectors *ret,
                       struct baro_error *err)
{
    int r = promql_parse_selector(call->arena, text, &ret->items[ret->count], err);

    r = promql_error_prefix(r, err);
    if (r >= 0) {
        ret->count++;
    }
    return r;
}

struct matchers api_selector_matchers(const struct api_selectors *selectors, size_t index)
{
    const struct expr *expr = selectors->items[index];

    return (struct matchers){expr->vector.matchers, expr->vector.matcher_count};
}

static bool matches_everything(struct matchers matchers)
{
    for (size_t i = 0; i < matchers.count; i++) {
        if (!matcher_matches(&matchers.items[i], STR(""))) {
            return false;
        }
    }
    return true;
}

int api_match_params(struct api_call *call, struct api_selectors *ret)
{
    size_t index = 0;
    size_t count = 0;
    str text;

    while (form_next(&call->form, STR("match[]"), &index, &text)) {
        count++;
    }
    if (count > SELECTORS_MAX) {
        return api_fail(call, API_BAD_DATA, "more than %d match[] parameters", SELECTORS_MAX);
    }
    ret->items = ARENA_ARRAY(call->arena, struct expr *, count + 1);
    ret->count = 0;
    for (index = 0; form_next(&call->form, STR("match[]"), &index, &text);) {
        struct baro_error err = {0};

        if (api_selector_parse(call, text, ret, &err) < 0) {
            api_selectors_done(ret);
            return api_fail(call, API_BAD_DATA, "invalid parameter \"match[]\": %s", err.message);
        }
    }
    for (size_t i = 0; i < ret->count; i++) {
        if (matches_everything(api_selector_matchers(ret, i))) {
            api_selectors_done(ret);
            return api_fail(call, API_BAD_DATA,
                            "invalid parameter \"match[]\": match[] must contain at least one "
                            "non-empty matcher");
        }
    }
    return 0;
}

void api_selectors_done(struct api_selectors *selectors)
{
    for (size_t i = 0; i < selectors->count; i++) {
        promql_expr_done(selectors->items[i]);
    }
    selectors->count = 0;
}

/* ---- names ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : (c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1);
}

/* "_1F600_" at s.ptr[0] is a code point. Returns the bytes read, 0 when it is none. */
static size_t escaped_rune(str s, uint32_t *ret)
{
    size_t at = 1;
    uint32_t rune = 0;

    while (at < s.len && at <= 6 && hex_digit(s.ptr[at]) >= 0) {
        rune = rune << 4 | (uint32_t)hex_digit(s.ptr[at]);
        at++;
    }
    if (at == 1 || at >= s.len || s.ptr[at] != '_' || rune > 0x10FFFF ||
        (rune >= 0xD800 && rune <= 0xDFFF)) {
        return 0;
    }
    *ret = rune;
    return at + 1;
}

str api_unescape_name(struct arena *arena, str s)
{
    str rest = str_from_index(s, 3);
    size_t size = 0;
    char *to;

    if (!str_has_prefix(s, STR("U__"))) {
        return s;
    }
    to = arena_alloc(arena, s.len + 4);
    while (rest.len > 0) {
        size_t step = 1;
        uint32_t rune = 0;

        if (rest.ptr[0] != '_') {
            to[size++] = rest.ptr[0];
        } else if (rest.len > 1 && rest.ptr[1] == '_') {
            to[size++] = '_';
            step = 2;
        } else {
            step = escaped_rune(rest, &rune);
            if (step == 0) {
                return s;
            }
            size += utf8_encode(rune, to + size);
        }
        rest = str_from_index(rest, step);
    }
    return str_of(to, size);
}

void api_write_labels(struct json_writer *json, struct labels labels)
{
    json_write_object_begin(json);
    STATIC_ASSERT(sizeof(struct label) == 2 * sizeof(str), "labels are names and values in turn");
    json_write_pairs_plain(json, (const str *)(const void *)labels.items, labels.count);
    json_write_object_end(json);
}
