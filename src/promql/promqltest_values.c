#include <math.h>

#include "base/num.h"
#include "promql/promqltest_priv.h"

/* Values of one line; the longest real script has some thousands. */
enum { LINE_VALUES_MAX = 1000000, HISTOGRAM_BUCKETS_MAX = 100000 };

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

str script_word(str *rest)
{
    size_t start = 0;
    size_t end;
    str word;

    while (start < rest->len && is_space(rest->ptr[start])) {
        start++;
    }
    end = start;
    while (end < rest->len && !is_space(rest->ptr[end])) {
        end++;
    }
    word = str_slice(*rest, start, end);
    *rest = str_from_index(*rest, end);
    return word;
}

size_t script_metric_end(str line)
{
    size_t end = 0;
    char quote = '\0';

    while (end < line.len && !is_space(line.ptr[end]) && line.ptr[end] != '{' &&
           line.ptr[end] != '@') {
        end++;
    }
    if (end == line.len || line.ptr[end] != '{') {
        return end;
    }
    for (; end < line.len; end++) {
        char c = line.ptr[end];

        if (quote != '\0') {
            if (c == '\\' && quote != '`') {
                end++;
            } else if (c == quote) {
                quote = '\0';
            }
        } else if (c == '"' || c == '\'' || c == '`') {
            quote = c;
        } else if (c == '}') {
            return end + 1;
        }
    }
    return line.len;
}

/* scan_number returns the index behind a number without sign at `at`, or `at` when there is none.
 */
static size_t scan_number(str text, size_t at)
{
    size_t end = at;

    if (str_eq_nocase(str_slice(text, at, at + 3), STR("inf")) ||
        str_eq_nocase(str_slice(text, at, at + 3), STR("nan"))) {
        return at + 3;
    }
    for (; end < text.len; end++) {
        char c = text.ptr[end];

        if (is_digit(c) || c == '.' || c == '_') {
            continue;
        }
        if ((c == 'e' || c == 'E') && end > at && end + 1 < text.len &&
            (is_digit(text.ptr[end + 1]) || text.ptr[end + 1] == '+' || text.ptr[end + 1] == '-')) {
            end++;
            continue;
        }
        break;
    }
    return end;
}

/* parse_number reads a number with optional sign at *at and moves *at behind it. */
static bool parse_number(str text, size_t *at, double *ret)
{
    char digits[128];
    size_t start = *at;
    bool negative = start < text.len && text.ptr[start] == '-';
    size_t end;
    size_t len = 0;
    double value = 0;

    if (start < text.len && (negative || text.ptr[start] == '+')) {
        start++;
    }
    end = scan_number(text, start);
    if (end - start >= sizeof(digits)) {
        return false;
    }
    for (size_t i = start; i < end; i++) {
        if (text.ptr[i] != '_') {
            digits[len++] = text.ptr[i];
        }
    }
    if (len == 0 || !num_parse_decimal(str_of(digits, len), &value)) {
        return false;
    }
    *at = end;
    *ret = negative ? -value : value;
    return true;
}

/* parse_times reads `xK` at *at, if it is there. */
static bool parse_times(str text, size_t *at, bool *ret_has, uint64_t *ret)
{
    size_t end = *at + 1;

    *ret_has = *at < text.len && text.ptr[*at] == 'x';
    if (!*ret_has) {
        return true;
    }
    while (end < text.len && is_digit(text.ptr[end])) {
        end++;
    }
    if (!num_parse_u64(str_slice(text, *at + 1, end), ret) || *ret > LINE_VALUES_MAX) {
        return false;
    }
    *at = end;
    return true;
}

static int fail_item(str item, struct baro_error *err)
{
    return error_set(err, BARO_EPARSE, "invalid value \"%.*s\"", STR_ARG(str_slice(item, 0, 80)));
}

static int push_many(script_values *values, struct script_value value, double step, uint64_t count,
                     struct baro_error *err)
{
    if (values->count + count > LINE_VALUES_MAX) {
        return error_set(err, BARO_ELIMIT, "more than %d values in one line", LINE_VALUES_MAX);
    }
    for (uint64_t i = 0; i < count; i++) {
        vec_push(values, value);
        value.v += step;
    }
    return 0;
}

/* One key of {{...}}: which values it takes. */
enum histogram_key_kind { KEY_NUMBER, KEY_INTEGER, KEY_LIST, KEY_HINT };

static const struct {
    const char *name;
    enum histogram_key_kind kind;
} histogram_keys[] = {
    {"schema", KEY_INTEGER},
    {"sum", KEY_NUMBER},
    {"count", KEY_NUMBER},
    {"z_bucket", KEY_NUMBER},
    {"z_bucket_w", KEY_NUMBER},
    {"offset", KEY_INTEGER},
    {"n_offset", KEY_INTEGER},
    {"buckets", KEY_LIST},
    {"n_buckets", KEY_LIST},
    {"custom_values", KEY_LIST},
    {"counter_reset_hint", KEY_HINT},
};

static bool check_list(str text, size_t *at)
{
    size_t count = 0;

    if (*at >= text.len || text.ptr[*at] != '[') {
        return false;
    }
    (*at)++;
    for (;;) {
        double value;

        while (*at < text.len && is_space(text.ptr[*at])) {
            (*at)++;
        }
        if (*at < text.len && text.ptr[*at] == ']') {
            (*at)++;
            return true;
        }
        if (++count > HISTOGRAM_BUCKETS_MAX || !parse_number(text, at, &value)) {
            return false;
        }
    }
}

static bool check_hint(str text, size_t *at)
{
    static const char *const hints[] = {"unknown", "reset", "not_reset", "gauge"};
    size_t end = *at;
    bool known = false;

    while (end < text.len && !is_space(text.ptr[end]) && text.ptr[end] != '}') {
        end++;
    }
    for (size_t i = 0; i < ARRAY_COUNT(hints); i++) {
        known = known || str_is(str_slice(text, *at, end), hints[i]);
    }
    *at = end;
    return known;
}

static bool check_key(str text, size_t *at, int64_t *ret_schema)
{
    size_t colon = *at;
    double value = 0;

    while (colon < text.len && text.ptr[colon] != ':') {
        colon++;
    }
    for (size_t i = 0; i < ARRAY_COUNT(histogram_keys); i++) {
        if (!str_is(str_slice(text, *at, colon), histogram_keys[i].name) || colon == text.len) {
            continue;
        }
        *at = colon + 1;
        switch (histogram_keys[i].kind) {
        case KEY_LIST:
            return check_list(text, at);
        case KEY_HINT:
            return check_hint(text, at);
        case KEY_NUMBER:
            return parse_number(text, at, &value);
        case KEY_INTEGER:
            if (!parse_number(text, at, &value) || value != floor(value)) {
                return false;
            }
            *ret_schema = i == 0 ? (int64_t)value : *ret_schema;
            return true;
        }
    }
    return false;
}

/* check_histogram reads `{{...}}` at *at and moves *at behind it. */
static bool check_histogram(str text, size_t *at, int64_t *ret_schema)
{
    *ret_schema = 0;
    if (!str_has_prefix(str_from_index(text, *at), STR("{{"))) {
        return false;
    }
    *at += 2;
    for (;;) {
        while (*at < text.len && is_space(text.ptr[*at])) {
            (*at)++;
        }
        if (str_has_prefix(str_from_index(text, *at), STR("}}"))) {
            *at += 2;
            return *ret_schema == -53 || (*ret_schema >= -4 && *ret_schema <= 8);
        }
        if (!check_key(text, at, ret_schema)) {
            return false;
        }
    }
}

static int parse_histogram_item(str text, size_t *at, script_values *values, struct baro_error *err)
{
    size_t start = *at;
    int64_t schema = 0;
    int64_t increment = 0;
    bool has_times = false;
    uint64_t times = 0;
    bool ok = check_histogram(text, at, &schema);

    if (ok && *at < text.len && (text.ptr[*at] == '+' || text.ptr[*at] == '-')) {
        (*at)++;
        ok = check_histogram(text, at, &increment) && *at < text.len && text.ptr[*at] == 'x';
        if (ok && schema > increment) {
            return error_set(err, BARO_EPARSE,
                             "error combining histograms: cannot merge from schema %lld to %lld",
                             (long long)increment, (long long)schema);
        }
    }
    if (!ok || !parse_times(text, at, &has_times, &times)) {
        return fail_item(str_from_index(text, start), err);
    }
    return push_many(values, (struct script_value){.histogram = true}, 0, has_times ? times + 1 : 1,
                     err);
}

static int parse_plain_item(str item, script_values *values, struct baro_error *err)
{
    struct script_value value = {0};
    bool has_times = false;
    uint64_t times = 0;
    double step = 0;
    size_t at = 0;

    if (item.ptr[0] == '_') {
        value.omitted = true;
        at = 1;
        if (!parse_times(item, &at, &has_times, &times) || at != item.len) {
            return fail_item(item, err);
        }
        return push_many(values, value, 0, has_times ? times : 1, err);
    }
    if (str_is(item, "stale")) {
        value.v = value_stale();
        return push_many(values, value, 0, 1, err);
    }
    if (!parse_number(item, &at, &value.v)) {
        return fail_item(item, err);
    }
    if (at < item.len && (item.ptr[at] == '+' || item.ptr[at] == '-') &&
        (!parse_number(item, &at, &step) || at == item.len || item.ptr[at] != 'x')) {
        return fail_item(item, err);
    }
    if (!parse_times(item, &at, &has_times, &times) || at != item.len) {
        return fail_item(item, err);
    }
    return push_many(values, value, step, has_times ? times + 1 : 1, err);
}

int script_values_parse(str text, script_values *values, struct baro_error *err)
{
    size_t at = 0;

    for (;;) {
        size_t end;
        int r;

        while (at < text.len && is_space(text.ptr[at])) {
            at++;
        }
        if (at == text.len) {
            return 0;
        }
        if (text.ptr[at] == '{') {
            r = parse_histogram_item(text, &at, values, err);
            if (r >= 0 && at < text.len && !is_space(text.ptr[at])) {
                r = fail_item(str_from_index(text, at), err);
            }
        } else {
            end = at;
            while (end < text.len && !is_space(text.ptr[end])) {
                end++;
            }
            r = parse_plain_item(str_slice(text, at, end), values, err);
            at = end;
        }
        if (r < 0) {
            return r;
        }
    }
}

int script_series_parse(struct arena *arena, str line, struct labels *ret_labels,
                        script_values *values, struct baro_error *err)
{
    size_t end = script_metric_end(line);
    int r = promql_parse_metric(arena, str_slice(line, 0, end), ret_labels, err);

    if (r < 0) {
        return r;
    }
    if (end < line.len && !is_space(line.ptr[end])) {
        return error_set(err, BARO_EPARSE, "invalid text behind the series: \"%.*s\"",
                         STR_ARG(str_slice(line, end, end + 80)));
    }
    return script_values_parse(str_from_index(line, end), values, err);
}

bool script_scalar_parse(str line, double *ret)
{
    struct arena arena = {0};
    struct expr *expr = NULL;
    bool number = promql_parse(&arena, line, NULL, &expr, NULL) >= 0;

    if (number) {
        number = expr->kind == EXPR_NUMBER && !expr->number.is_duration;
        if (number) {
            *ret = expr->number.value;
        }
        promql_expr_done(expr);
    }
    arena_done(&arena);
    return number;
}
