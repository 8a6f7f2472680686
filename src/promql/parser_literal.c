#include <math.h>
#include <string.h>

#include "base/num.h"
#include "promql/parser_priv.h"

/* Go's rule for digit separators: an underscore stands between digits, or between the base prefix
 * and a digit. */
static bool underscores_are_ok(str text)
{
    bool hex = text.len >= 2 && text.ptr[0] == '0' && (text.ptr[1] | 0x20) == 'x';
    char before = '^';

    for (size_t i = hex ? 2 : 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool digit = (c >= '0' && c <= '9') || (hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f');

        if (hex && i == 2) {
            before = '0';
        }
        if (digit) {
            before = '0';
        } else if (c == '_') {
            if (before != '0') {
                return false;
            }
            before = '_';
        } else {
            if (before == '_') {
                return false;
            }
            before = '!';
        }
    }
    return before != '_';
}

/* parse_integer reads what Go's ParseInt reads with base 0: decimal, 0x.., 0b.., 0o.., and 0.. as
 * octal. */
static bool parse_integer(str text, double *ret)
{
    unsigned base = 10;
    int64_t value = 0;
    size_t i = 0;

    if (text.len > 1 && text.ptr[0] == '0') {
        char c = (char)(text.ptr[1] | 0x20);

        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        i = c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
    }
    if (i == text.len) {
        return false;
    }
    for (; i < text.len; i++) {
        char c = text.ptr[i];
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
                         : (c | 0x20) >= 'a' && (c | 0x20) <= 'f'
                             ? (unsigned)((c | 0x20) - 'a' + 10)
                             : 16;

        if (digit >= base || __builtin_mul_overflow(value, (int64_t)base, &value) ||
            __builtin_add_overflow(value, (int64_t)digit, &value)) {
            return false;
        }
    }
    *ret = (double)value;
    return true;
}

static str without_underscores(struct parser *parser, str text)
{
    char *bytes = arena_alloc(parser->arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '_') {
            bytes[len++] = text.ptr[i];
        }
    }
    return str_of(bytes, len);
}

double literal_number(struct parser *parser, const struct token *token)
{
    str text = token->text;
    double value = 0;
    bool underscores = str_index_char(text, '_') != SIZE_MAX;
    const char *fault = "invalid syntax";

    if (underscores) {
        text = underscores_are_ok(text) ? without_underscores(parser, text) : STR_NULL;
    }
    if (text.len > 0 && parse_integer(text, &value)) {
        return value;
    }
    if (text.len > 0 && num_parse_double(text, &value)) {
        if (!isinf(value) || (text.ptr[0] | 0x20) == 'i') {
            return value;
        }
        fault = "value out of range";
    }
    (void)parser_fail_at(parser, token->pos,
                         "error parsing number: strconv.ParseFloat: parsing %.*s: %s",
                         STR_ARG(parser_quote(parser, token->text)), fault);
    return 0;
}

double literal_seconds(struct parser *parser, const struct token *token)
{
    struct baro_error err = {0};
    dur value = 0;

    if (token->type == TOKEN_NUMBER) {
        return literal_number(parser, token);
    }
    if (dur_parse(token->text, &value, &err) < 0) {
        (void)parser_fail_at(parser, token->pos, "%s", err.message);
        return 0;
    }
    return (double)value / 1000;
}

static size_t unescape_digits(str text, size_t at, size_t count, unsigned base, uint32_t *ret)
{
    uint32_t value = 0;

    for (size_t i = at; i < at + count && i < text.len; i++) {
        char c = text.ptr[i];
        unsigned digit =
            c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);

        value = value * base + digit;
    }
    *ret = value;
    return at + count;
}

/* unescape_one writes what the escape at text[at] (behind the backslash) stands for; the lexer has
 * checked it. Returns the index behind it. */
static size_t unescape_one(str text, size_t at, char *bytes, size_t *len)
{
    static const char letters[] = "abfnrtv";
    static const char values[] = "\a\b\f\n\r\t\v";
    char c = text.ptr[at];
    const char *letter = c != '\0' ? strchr(letters, c) : NULL;
    uint32_t value = 0;

    if (letter != NULL) {
        bytes[(*len)++] = values[letter - letters];
        return at + 1;
    }
    if (c == 'x' || (c >= '0' && c <= '7')) {
        at = c == 'x' ? unescape_digits(text, at + 1, 2, 16, &value)
                      : unescape_digits(text, at, 3, 8, &value);
        bytes[(*len)++] = (char)value;
        return at;
    }
    if (c == 'u' || c == 'U') {
        at = unescape_digits(text, at + 1, c == 'u' ? 4 : 8, 16, &value);
        *len += utf8_encode(value, bytes + *len);
        return at;
    }
    bytes[(*len)++] = c;
    return at + 1;
}

str literal_string(struct parser *parser, const struct token *token)
{
    str text = str_slice(token->text, 1, token->text.len - 1);
    char *bytes;
    size_t len = 0;

    if (token->text.ptr[0] == '`' || str_index_char(text, '\\') == SIZE_MAX) {
        return text;
    }
    /* No escape is shorter than what it stands for; four bytes are spare for utf8_encode. */
    bytes = arena_alloc(parser->arena, text.len + 4);
    for (size_t i = 0; i < text.len;) {
        if (text.ptr[i] == '\\' && i + 1 < text.len) {
            i = unescape_one(text, i + 1, bytes, &len);
        } else {
            bytes[len++] = text.ptr[i++];
        }
    }
    return str_of(bytes, len);
}
