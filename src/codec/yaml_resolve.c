#include "codec/yaml.h"

#include <math.h>

#include "base/attr.h"
#include "base/num.h"
#include "codec/json_write.h"

/* Words of YAML 1.1 that are no strings when they stand plain. Source: go-yaml v2, resolve.go. */
static const struct {
    const char *text;
    enum yaml_type type;
    bool boolean;
    double number;
} words[] = {
    {"", YAML_TYPE_NULL, false, 0},
    {"~", YAML_TYPE_NULL, false, 0},
    {"null", YAML_TYPE_NULL, false, 0},
    {"Null", YAML_TYPE_NULL, false, 0},
    {"NULL", YAML_TYPE_NULL, false, 0},
    {"y", YAML_TYPE_BOOL, true, 0},
    {"Y", YAML_TYPE_BOOL, true, 0},
    {"yes", YAML_TYPE_BOOL, true, 0},
    {"Yes", YAML_TYPE_BOOL, true, 0},
    {"YES", YAML_TYPE_BOOL, true, 0},
    {"true", YAML_TYPE_BOOL, true, 0},
    {"True", YAML_TYPE_BOOL, true, 0},
    {"TRUE", YAML_TYPE_BOOL, true, 0},
    {"on", YAML_TYPE_BOOL, true, 0},
    {"On", YAML_TYPE_BOOL, true, 0},
    {"ON", YAML_TYPE_BOOL, true, 0},
    {"n", YAML_TYPE_BOOL, false, 0},
    {"N", YAML_TYPE_BOOL, false, 0},
    {"no", YAML_TYPE_BOOL, false, 0},
    {"No", YAML_TYPE_BOOL, false, 0},
    {"NO", YAML_TYPE_BOOL, false, 0},
    {"false", YAML_TYPE_BOOL, false, 0},
    {"False", YAML_TYPE_BOOL, false, 0},
    {"FALSE", YAML_TYPE_BOOL, false, 0},
    {"off", YAML_TYPE_BOOL, false, 0},
    {"Off", YAML_TYPE_BOOL, false, 0},
    {"OFF", YAML_TYPE_BOOL, false, 0},
    {".nan", YAML_TYPE_FLOAT, false, NAN},
    {".NaN", YAML_TYPE_FLOAT, false, NAN},
    {".NAN", YAML_TYPE_FLOAT, false, NAN},
    {".inf", YAML_TYPE_FLOAT, false, INFINITY},
    {".Inf", YAML_TYPE_FLOAT, false, INFINITY},
    {".INF", YAML_TYPE_FLOAT, false, INFINITY},
    {"+.inf", YAML_TYPE_FLOAT, false, INFINITY},
    {"+.Inf", YAML_TYPE_FLOAT, false, INFINITY},
    {"+.INF", YAML_TYPE_FLOAT, false, INFINITY},
    {"-.inf", YAML_TYPE_FLOAT, false, -INFINITY},
    {"-.Inf", YAML_TYPE_FLOAT, false, -INFINITY},
    {"-.INF", YAML_TYPE_FLOAT, false, -INFINITY},
};

/* No word above is longer, and no number that fits an int64 in any base with underscores needs
 * more. Longer texts are floats or strings. */
enum { WORD_BYTES_MAX = 5, DIGITS_MAX = 80 };

static size_t digits_at(str s, size_t from)
{
    size_t end = from;

    while (end < s.len && s.ptr[end] >= '0' && s.ptr[end] <= '9') {
        end++;
    }
    return end - from;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float_text(str s)
{
    size_t at = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;
    size_t whole = digits_at(s, at);

    at += whole;
    if (at < s.len && s.ptr[at] == '.') {
        size_t fraction = digits_at(s, at + 1);

        if (whole == 0 && fraction == 0) {
            return false;
        }
        at += 1 + fraction;
    } else if (whole == 0) {
        return false;
    }
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        at++;
        at += at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+') ? 1 : 0;
        size_t exponent = digits_at(s, at);
        if (exponent == 0) {
            return false;
        }
        at += exponent;
    }
    return at == s.len;
}

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return (unsigned)(c - 'A') + 10;
    }
    return 99;
}

/* Cuts a base prefix off as Go's ParseInt with base 0 does: 0x, 0o, 0b, and 0 for octal. */
static unsigned cut_base(str *digits)
{
    if (digits->len < 2 || digits->ptr[0] != '0') {
        return 10;
    }
    switch (digits->ptr[1] | 0x20) {
    case 'x':
        *digits = str_from_index(*digits, 2);
        return 16;
    case 'o':
        *digits = str_from_index(*digits, 2);
        return 8;
    case 'b':
        *digits = str_from_index(*digits, 2);
        return 2;
    }
    *digits = str_from_index(*digits, 1);
    return 8;
}

static enum yaml_type resolve_integer(str plain, struct yaml_value *ret)
{
    bool minus = plain.len > 0 && plain.ptr[0] == '-';
    bool has_sign = minus || (plain.len > 0 && plain.ptr[0] == '+');
    str digits = str_from_index(plain, has_sign ? 1 : 0);
    unsigned base = cut_base(&digits);
    uint64_t value = 0;

    if (digits.len == 0) {
        return YAML_TYPE_STRING;
    }
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = digit_value(digits.ptr[i]);

        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return YAML_TYPE_STRING;
        }
    }
    if (minus) {
        if (value > (uint64_t)INT64_MAX + 1) {
            return YAML_TYPE_STRING;
        }
        ret->integer = (int64_t)(0 - value);
        return YAML_TYPE_INT;
    }
    if (value <= INT64_MAX) {
        ret->integer = (int64_t)value;
        return YAML_TYPE_INT;
    }
    ret->natural = value;
    return has_sign ? YAML_TYPE_STRING : YAML_TYPE_UINT;
}

/* Underscores may stand between digits of an integer or float: 1_000. */
static enum yaml_type resolve_number(str text, struct yaml_value *ret)
{
    char plain[DIGITS_MAX];
    size_t len = 0;

    if (text.len > sizeof(plain)) {
        return is_float_text(text) && num_parse_double(text, &ret->number) ? YAML_TYPE_FLOAT
                                                                           : YAML_TYPE_STRING;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '_') {
            plain[len++] = text.ptr[i];
        }
    }
    enum yaml_type type = resolve_integer(str_of(plain, len), ret);
    if (type != YAML_TYPE_STRING) {
        return type;
    }
    if (is_float_text(str_of(plain, len)) && num_parse_double(str_of(plain, len), &ret->number)) {
        return YAML_TYPE_FLOAT;
    }
    return YAML_TYPE_STRING;
}

enum yaml_type yaml_resolve(str text, struct yaml_value *ret_value)
{
    *ret_value = (struct yaml_value){.natural = 0};
    if (text.len <= WORD_BYTES_MAX) {
        for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
            if (str_is(text, words[i].text)) {
                if (words[i].type == YAML_TYPE_BOOL) {
                    ret_value->boolean = words[i].boolean;
                } else {
                    ret_value->number = words[i].number;
                }
                return words[i].type;
            }
        }
    }
    switch (text.ptr[0]) {
    case '.':
        return is_float_text(text) && num_parse_double(text, &ret_value->number) ? YAML_TYPE_FLOAT
                                                                                 : YAML_TYPE_STRING;
    case '+':
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return resolve_number(text, ret_value);
    }
    return YAML_TYPE_STRING;
}

void yaml_write_scalar(struct json_writer *json, const struct yaml_node *node)
{
    switch (node->type) {
    case YAML_TYPE_NULL:
        json_write_null(json);
        break;
    case YAML_TYPE_BOOL:
        json_write_bool(json, node->boolean);
        break;
    case YAML_TYPE_INT:
        json_write_i64(json, node->integer);
        break;
    case YAML_TYPE_UINT:
        json_write_u64(json, node->natural);
        break;
    case YAML_TYPE_FLOAT:
        json_write_number(json, node->number);
        break;
    case YAML_TYPE_STRING:
        json_write_str(json, node->text);
        break;
    }
}
