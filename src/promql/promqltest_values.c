#include <math.h>

#include "base/num.h"
#include "promql/promqltest_priv.h"

static bool is_space(char c)
{
    return script_is_space(c);
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

bool script_number_parse(str text, size_t *at, double *ret)
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

bool script_times_parse(str text, size_t *at, bool *ret_has, uint64_t *ret)
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

int script_fail_item(str item, struct baro_error *err)
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
        if (!script_times_parse(item, &at, &has_times, &times) || at != item.len) {
            return script_fail_item(item, err);
        }
        return push_many(values, value, 0, has_times ? times : 1, err);
    }
    if (str_is(item, "stale")) {
        value.v = value_stale();
        return push_many(values, value, 0, 1, err);
    }
    if (!script_number_parse(item, &at, &value.v)) {
        return script_fail_item(item, err);
    }
    if (at < item.len && (item.ptr[at] == '+' || item.ptr[at] == '-') &&
        (!script_number_parse(item, &at, &step) || at == item.len || item.ptr[at] != 'x')) {
        return script_fail_item(item, err);
    }
    if (!script_times_parse(item, &at, &has_times, &times) || at != item.len) {
        return script_fail_item(item, err);
    }
    return push_many(values, value, step, has_times ? times + 1 : 1, err);
}

int script_values_parse(struct arena *arena, str text, script_values *values,
                        struct baro_error *err)
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
            r = script_histograms_parse(arena, text, &at, values, err);
            if (r >= 0 && at < text.len && !is_space(text.ptr[at])) {
                r = script_fail_item(str_from_index(text, at), err);
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
    return script_values_parse(arena, str_from_index(line, end), values, err);
}

/* One duration of a single unit, with optional sign, or 0; *at moves behind it. */
static bool parse_offset(str text, size_t *at, dur *ret)
{
    size_t start = *at;
    bool negative = start < text.len && text.ptr[start] == '-';
    size_t end;
    dur value = 0;

    start += start < text.len && (negative || text.ptr[start] == '+');
    end = start;
    while (end < text.len && is_digit(text.ptr[end])) {
        end++;
    }
    while (end < text.len && text.ptr[end] >= 'a' && text.ptr[end] <= 'z' && text.ptr[end] != 'x') {
        end++;
    }
    if (end == start || dur_parse(str_slice(text, start, end), &value, NULL) < 0) {
        return false;
    }
    *at = end;
    *ret = negative ? -value : value;
    return true;
}

static int parse_start_item(str item, script_values *values, struct baro_error *err)
{
    struct script_value value = {0};
    bool has_times = false;
    uint64_t times = 0;
    dur step = 0;
    size_t at = 0;

    if (item.ptr[0] == '_') {
        value.omitted = true;
        at = 1;
    } else if (!parse_offset(item, &at, &value.st)) {
        return script_fail_item(item, err);
    }
    if (!value.omitted && at < item.len && (item.ptr[at] == '+' || item.ptr[at] == '-') &&
        !parse_offset(item, &at, &step)) {
        return script_fail_item(item, err);
    }
    if (!script_times_parse(item, &at, &has_times, &times) || at != item.len ||
        values->count + times > LINE_VALUES_MAX) {
        return script_fail_item(item, err);
    }
    times = !has_times ? 1 : value.omitted ? times : times + 1;
    for (uint64_t i = 0; i < times; i++) {
        vec_push(values, value);
        value.st += step;
    }
    return 0;
}

int script_starts_parse(str text, script_values *values, struct baro_error *err)
{
    for (str word = script_word(&text); word.len > 0; word = script_word(&text)) {
        int r = parse_start_item(word, values, err);

        if (r < 0) {
            return r;
        }
    }
    return 0;
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

int promqltest_series_parse(struct arena *arena, str line, struct labels *ret_labels,
                            struct promqltest_value **ret, size_t *ret_count,
                            struct baro_error *err)
{
    script_values values = {0};
    int r = script_series_parse(arena, line, ret_labels, &values, err);

    if (r >= 0) {
        *ret = ARENA_ARRAY(arena, struct promqltest_value, values.count);
        *ret_count = values.count;
        for (size_t i = 0; i < values.count; i++) {
            const struct script_value *from = &values.items[i];

            (*ret)[i] = (struct promqltest_value){from->v, from->h, from->omitted};
        }
    }
    vec_done(&values);
    return r;
}
