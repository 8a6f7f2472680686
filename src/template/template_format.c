/* fmt.Sprintf over values. Reference: Go's package fmt, print.go and format.go. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "template/template_priv.h"

enum {
    WIDTH_MAX = 1000000, /* Go's bound: beyond it is "%!(BADWIDTH)" */
    WIDTH_SHOWN_MAX = 10000,
};

struct verb {
    bool plus, minus, sharp, space, zero;
    bool go;       /* %#v: as Go's source has it; texts alone */
    int width;     /* -1 = none */
    int precision; /* -1 = none */
    uint32_t rune;
};

struct format {
    struct buf *out;
    str rest;
    const struct tvalue *args;
    size_t count;
    size_t next;
    bool reordered;
    bool good_index;
};

static bool verb_is_one_of(const struct verb *verb, const char *letters)
{
    return verb->rune > 0 && verb->rune < 0x80 && strchr(letters, (int)verb->rune) != NULL;
}

static bool is_printable(uint32_t rune)
{
    return rune >= 0x20 && rune != 0x7F && !(rune >= 0x80 && rune < 0xA0) && rune != 0xAD &&
           rune != 0xFEFF && !(rune >= 0x200B && rune <= 0x200F) &&
           !(rune >= 0x2028 && rune <= 0x202E) && !(rune >= 0xE000 && rune <= 0xF8FF) &&
           (rune & 0xFFFE) != 0xFFFE;
}

static void quote_rune(struct buf *buf, uint32_t rune, str bytes, char quote)
{
    static const char escaped[] = "\a\b\f\n\r\t\v";
    static const char letters[] = "abfnrtv";
    const char *found = rune != 0 && rune < 0x80 ? strchr(escaped, (char)rune) : NULL;

    if (rune == (uint32_t)quote || rune == '\\') {
        buf_char(buf, '\\');
        buf_char(buf, (char)rune);
    } else if (found != NULL) {
        buf_char(buf, '\\');
        buf_char(buf, letters[found - escaped]);
    } else if (is_printable(rune)) {
        buf_str(buf, bytes);
    } else if (rune < 0x80) {
        buf_printf(buf, "\\x%02x", rune);
    } else if (rune < 0x10000) {
        buf_printf(buf, "\\u%04x", rune);
    } else {
        buf_printf(buf, "\\U%08x", rune);
    }
}

void template_quote(struct buf *buf, str s)
{
    buf_char(buf, '"');
    while (s.len > 0) {
        uint32_t rune = 0;
        size_t size = utf8_decode(s, &rune);

        if (size == 0) {
            buf_printf(buf, "\\x%02x", (unsigned char)s.ptr[0]);
            size = 1;
        } else {
            quote_rune(buf, rune, str_of(s.ptr, size), '"');
        }
        s = str_from_index(s, size);
    }
    buf_char(buf, '"');
}

static size_t rune_count(str s)
{
    size_t count = 0;

    while (s.len > 0) {
        uint32_t rune;
        size_t size = utf8_decode(s, &rune);

        s = str_from_index(s, size > 0 ? size : 1);
        count++;
    }
    return count;
}

static void repeat(struct buf *buf, char c, int times)
{
    for (int i = 0; i < times; i++) {
        buf_char(buf, c);
    }
}

/* Writes text padded to the width, which counts characters. */
static void pad(struct buf *buf, const struct verb *verb, str text)
{
    int width = verb->width < WIDTH_SHOWN_MAX ? verb->width : WIDTH_SHOWN_MAX;
    int missing = width - (int)rune_count(text);

    if (!verb->minus) {
        repeat(buf, verb->zero ? '0' : ' ', missing);
    }
    buf_str(buf, text);
    if (verb->minus) {
        repeat(buf, ' ', missing);
    }
}

/* Numbers are padded with zeros behind their sign. */
static void pad_number(struct buf *buf, const struct verb *verb, str text)
{
    bool has_sign =
        text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+' || text.ptr[0] == ' ');
    struct verb behind = *verb;

    if (!verb->zero || verb->minus || !has_sign || verb->width <= 0) {
        behind.zero = verb->zero && !verb->minus;
        pad(buf, &behind, text);
        return;
    }
    buf_char(buf, text.ptr[0]);
    behind.width = verb->width - 1;
    pad(buf, &behind, str_from_index(text, 1));
}

static void digits(struct buf *buf, uint64_t value, unsigned base, bool upper, int at_least)
{
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[64];
    int count = 0;

    do {
        text[count++] = set[value % base];
        value /= base;
    } while (value > 0);
    repeat(buf, '0', at_least - count);
    while (count > 0) {
        buf_char(buf, text[--count]);
    }
}

static void sign(struct buf *buf, const struct verb *verb, bool negative)
{
    if (negative) {
        buf_char(buf, '-');
    } else if (verb->plus) {
        buf_char(buf, '+');
    } else if (verb->space) {
        buf_char(buf, ' ');
    }
}

static void format_character(struct buf *buf, const struct verb *verb, int64_t value)
{
    uint32_t rune = value < 0 || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)
                        ? 0xFFFD
                        : (uint32_t)value;
    struct buf text = {0};
    char bytes[4];
    size_t size = utf8_encode(rune, bytes);

    if (verb->rune == 'q') {
        buf_char(&text, '\'');
        quote_rune(&text, rune, str_of(bytes, size), '\'');
        buf_char(&text, '\'');
    } else if (verb->rune == 'U') {
        buf_printf(&text, "U+%04llX", (unsigned long long)value);
        if (verb->sharp) {
            buf_printf(&text, " '%.*s'", (int)size, bytes);
        }
    } else {
        buf_bytes(&text, bytes, size);
    }
    pad(buf, verb, buf_view(&text));
    buf_done(&text);
}

static bool format_integer(struct buf *buf, const struct verb *verb, int64_t value)
{
    unsigned base = verb->rune == 'b'                        ? 2
                    : verb->rune == 'o' || verb->rune == 'O' ? 8
                    : verb->rune == 'x' || verb->rune == 'X' ? 16
                    : verb->rune == 'd' || verb->rune == 'v' ? 10
                                                             : 0;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    struct buf text = {0};

    if (base == 0) {
        if (verb->rune != 'c' && verb->rune != 'q' && verb->rune != 'U') {
            return false;
        }
        format_character(buf, verb, value);
        return true;
    }
    sign(&text, verb, value < 0);
    if ((verb->sharp && base != 10) || verb->rune == 'O') {
        buf_c(&text, verb->rune == 'O'   ? "0o"
                     : base == 8         ? "0"
                     : base == 2         ? "0b"
                     : verb->rune == 'x' ? "0x"
                                         : "0X");
    }
    if (verb->precision != 0 || value != 0) {
        digits(&text, magnitude, base, verb->rune == 'X', verb->precision);
    }
    pad_number(buf, verb, buf_view(&text));
    buf_done(&text);
    return true;
}

static void shortest(struct buf *text, const struct verb *verb, double magnitude)
{
    enum num_form form = verb->rune == 'e' || verb->rune == 'E'   ? NUM_E
                         : verb->rune == 'f' || verb->rune == 'F' ? NUM_F
                                                                  : NUM_G;
    size_t start = text->len;

    buf_double(text, magnitude, form);
    if (verb->rune == 'E' || verb->rune == 'G') {
        char *e = memchr(text->ptr + start, 'e', text->len - start);

        if (e != NULL) {
            *e = 'E';
        }
    }
}

static bool format_float(struct buf *buf, const struct verb *verb, double value)
{
    struct buf text = {0};
    struct verb padded = *verb;
    int precision = verb->precision;

    if (!verb_is_one_of(verb, "eEfFgGv")) {
        return false;
    }
    if (precision < 0 && verb->rune != 'g' && verb->rune != 'G' && verb->rune != 'v') {
        precision = 6;
    }
    if (isnan(value)) {
        buf_c(&text, verb->plus ? "+NaN" : verb->space ? " NaN" : "NaN");
        padded.zero = false;
    } else if (isinf(value)) {
        buf_c(&text, value < 0 ? "-Inf" : verb->plus || !verb->space ? "+Inf" : " Inf");
        padded.zero = false;
    } else {
        char format[] = "%.*f";

        sign(&text, verb, signbit(value));
        format[3] = verb->rune == 'F' ? 'f' : verb->rune == 'v' ? 'g' : (char)verb->rune;
        if (precision < 0) {
            shortest(&text, verb, fabs(value));
        } else {
            char printed[WIDTH_SHOWN_MAX + 400];

            precision = precision < WIDTH_SHOWN_MAX ? precision : WIDTH_SHOWN_MAX;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            (void)snprintf(printed, sizeof(printed), format, precision, fabs(value));
#pragma GCC diagnostic pop
            buf_c(&text, printed);
        }
    }
    pad_number(buf, &padded, buf_view(&text));
    buf_done(&text);
    return true;
}

static void hex_bytes(struct buf *text, const struct verb *verb, str s)
{
    size_t count =
        verb->precision >= 0 && (size_t)verb->precision < s.len ? (size_t)verb->precision : s.len;

    for (size_t i = 0; i < count; i++) {
        if (verb->space && i > 0) {
            buf_char(text, ' ');
        }
        if (verb->sharp && (verb->space || i == 0)) {
            buf_c(text, verb->rune == 'x' ? "0x" : "0X");
        }
        digits(text, (unsigned char)s.ptr[i], 16, verb->rune == 'X', 2);
    }
}

static str first_runes(str s, int precision)
{
    size_t at = 0;

    for (int i = 0; precision >= 0 && at < s.len; i++) {
        uint32_t rune;
        size_t size = utf8_decode(str_from_index(s, at), &rune);

        if (i == precision) {
            return str_slice(s, 0, at);
        }
        at += size > 0 ? size : 1;
    }
    return s;
}

static bool format_string(struct buf *buf, const struct verb *verb, str s)
{
    struct buf text = {0};

    switch (verb->rune == 'v' && verb->go ? 'q' : verb->rune) {
    case 's':
    case 'v':
        buf_str(&text, first_runes(s, verb->precision));
        break;
    case 'q':
        if (verb->sharp && !str_contains(s, STR("`")) && !str_contains(s, STR("\n"))) {
            buf_printf(&text, "`%.*s`", STR_ARG(s));
        } else {
            template_quote(&text, first_runes(s, verb->precision));
        }
        break;
    case 'x':
    case 'X':
        hex_bytes(&text, verb, s);
        break;
    default:
        return false;
    }
    pad(buf, verb, buf_view(&text));
    buf_done(&text);
    return true;
}

static void format_value(struct buf *buf, const struct verb *verb, const struct tvalue *value);

static void bad_verb(struct buf *buf, const struct verb *verb, const struct tvalue *value)
{
    struct verb shown = *verb; /* its flags hold for the value that is shown, too */
    char bytes[4];

    shown.rune = 'v';
    buf_c(buf, "%!");
    buf_bytes(buf, bytes, utf8_encode(verb->rune, bytes));
    buf_char(buf, '(');
    if (value->kind == TVALUE_NIL || value->kind == TVALUE_NONE) {
        buf_c(buf, "<nil>");
    } else {
        buf_c(buf, tvalue_type_name(value));
        buf_char(buf, '=');
        format_value(buf, &shown, value);
    }
    buf_char(buf, ')');
}

/* Nothing in a list is shown without the verb. */
static void format_part(struct buf *buf, const struct verb *verb, const struct tvalue *value)
{
    if (value->kind == TVALUE_NIL || value->kind == TVALUE_NONE) {
        buf_c(buf, "<nil>");
    } else {
        format_value(buf, verb, value);
    }
}

static void format_list(struct buf *buf, const struct verb *verb, const struct tvalue_list *list)
{
    buf_char(buf, '[');
    for (size_t i = 0; i < list->count; i++) {
        buf_c(buf, i > 0 ? " " : "");
        format_part(buf, verb, &list->items[i]);
    }
    buf_char(buf, ']');
}

static void format_map(struct buf *buf, const struct verb *verb, const struct tvalue_map *map)
{
    buf_c(buf, "map[");
    for (size_t i = 0; i < map->count; i++) {
        struct tvalue key = tvalue_string(map->keys[i]);

        buf_c(buf, i > 0 ? " " : "");
        format_value(buf, verb, &key);
        buf_char(buf, ':');
        format_part(buf, verb, &map->values[i]);
    }
    buf_char(buf, ']');
}

static void format_value(struct buf *buf, const struct verb *verb, const struct tvalue *value)
{
    bool done = false;

    if (verb->rune == 'T') {
        pad(buf, verb,
            first_runes(str_from(value->kind == TVALUE_NIL || value->kind == TVALUE_NONE
                                     ? "<nil>"
                                     : tvalue_type_name(value)),
                        verb->precision));
        return;
    }
    if (value->type != NULL && value->type->print != NULL && verb_is_one_of(verb, "vsxXq")) {
        struct buf text = {0};

        value->type->print(&text, value);
        (void)format_string(buf, verb, buf_view(&text));
        buf_done(&text);
        return;
    }
    switch (value->kind) {
    case TVALUE_NONE:
    case TVALUE_NIL:
        if (verb->rune == 'v') {
            pad(buf, verb, STR("<nil>"));
            done = true;
        }
        break;
    case TVALUE_BOOL:
        done = verb->rune == 't' || verb->rune == 'v';
        if (done) {
            pad(buf, verb, value->boolean ? STR("true") : STR("false"));
        }
        break;
    case TVALUE_INT:
        done = format_integer(buf, verb, value->integer);
        break;
    case TVALUE_FLOAT:
        done = format_float(buf, verb, value->number);
        break;
    case TVALUE_STRING:
        done = format_string(buf, verb, value->string);
        break;
    case TVALUE_LIST:
        format_list(buf, verb, value->list);
        return;
    case TVALUE_MAP:
        format_map(buf, verb, value->map);
        return;
    case TVALUE_STRUCT:
        tvalue_print(buf, value);
        return;
    case TVALUE_KIND_COUNT:
        break;
    }
    if (!done) {
        bad_verb(buf, verb, value);
    }
}

/* ---- The format string ---- */

static char peek(const struct format *format)
{
    return format->rest.len > 0 ? format->rest.ptr[0] : '\0';
}

static void skip(struct format *format)
{
    format->rest = str_from_index(format->rest, 1);
}

static int number(struct format *format)
{
    int value = -1;

    while (peek(format) >= '0' && peek(format) <= '9') {
        value = (value < 0 ? 0 : value) * 10 + (peek(format) - '0');
        value = value > WIDTH_MAX ? WIDTH_MAX + 1 : value;
        skip(format);
    }
    return value;
}

/* [n] chooses the argument that is used next. */
static void argument_index(struct format *format)
{
    size_t close = str_index_char(format->rest, ']');
    uint64_t index;

    if (peek(format) != '[') {
        return;
    }
    format->reordered = true;
    if (close == SIZE_MAX) {
        format->good_index = false;
        skip(format);
        return;
    }
    format->good_index = num_parse_u64(str_slice(format->rest, 1, close), &index) && index >= 1 &&
                         index <= format->count;
    format->next = format->good_index ? (size_t)index - 1 : format->next;
    format->rest = str_from_index(format->rest, close + 1);
}

/* A width or precision that is an argument; false, with a note in the output, when it is no small
 * integer. */
static bool star(struct format *format, const char *bad, int *ret)
{
    const struct tvalue *value = format->next < format->count ? &format->args[format->next] : NULL;

    skip(format);
    format->next += value != NULL;
    if (value == NULL || value->kind != TVALUE_INT || value->integer > WIDTH_MAX ||
        value->integer < -WIDTH_MAX) {
        buf_c(format->out, bad);
        return false;
    }
    *ret = (int)value->integer;
    return true;
}

static void flags(struct format *format, struct verb *verb)
{
    for (;; skip(format)) {
        switch (peek(format)) {
        case '+':
            verb->plus = true;
            continue;
        case '-':
            verb->minus = true;
            verb->zero = false;
            continue;
        case '#':
            verb->sharp = true;
            continue;
        case ' ':
            verb->space = true;
            continue;
        case '0':
            verb->zero = !verb->minus;
            continue;
        default:
            return;
        }
    }
}

static void width_and_precision(struct format *format, struct verb *verb)
{
    argument_index(format);
    if (peek(format) == '*') {
        if (star(format, "%!(BADWIDTH)", &verb->width) && verb->width < 0) {
            verb->minus = true;
            verb->zero = false;
            verb->width = -verb->width;
        }
    } else {
        verb->width = number(format);
    }
    if (peek(format) != '.') {
        return;
    }
    skip(format);
    argument_index(format);
    if (peek(format) == '*') {
        if (star(format, "%!(BADPREC)", &verb->precision) && verb->precision < 0) {
            buf_c(format->out, "%!(BADPREC)");
            verb->precision = -1;
        }
    } else {
        verb->precision = number(format);
        verb->precision = verb->precision < 0 ? 0 : verb->precision;
    }
}

static void directive(struct format *format)
{
    struct verb verb = {.width = -1, .precision = -1};
    char bytes[4];
    size_t size;

    format->good_index = true;
    flags(format, &verb);
    width_and_precision(format, &verb);
    argument_index(format);
    if (format->rest.len == 0) {
        buf_c(format->out, "%!(NOVERB)");
        return;
    }
    size = utf8_decode(format->rest, &verb.rune);
    verb.rune = size > 0 ? verb.rune : 0xFFFD;
    format->rest = str_from_index(format->rest, size > 0 ? size : 1);
    size = utf8_encode(verb.rune, bytes);
    if (verb.rune == 'v') { /* signs and prefixes are not what these mean here */
        verb.go = verb.sharp;
        verb.sharp = false;
        verb.plus = false;
    }
    if (verb.rune == '%') {
        buf_char(format->out, '%');
    } else if (!format->good_index) {
        buf_printf(format->out, "%%!%.*s(BADINDEX)", (int)size, bytes);
    } else if (format->next >= format->count) {
        buf_printf(format->out, "%%!%.*s(MISSING)", (int)size, bytes);
    } else {
        format_value(format->out, &verb, &format->args[format->next++]);
    }
}

static void extra_arguments(const struct format *format)
{
    static const struct verb plain = {.width = -1, .precision = -1, .rune = 'v'};

    buf_c(format->out, "%!(EXTRA ");
    for (size_t i = format->next; i < format->count; i++) {
        const struct tvalue *value = &format->args[i];

        buf_c(format->out, i > format->next ? ", " : "");
        if (value->kind == TVALUE_NIL || value->kind == TVALUE_NONE) {
            buf_c(format->out, "<nil>");
        } else {
            buf_printf(format->out, "%s=", tvalue_type_name(value));
            format_value(format->out, &plain, value);
        }
    }
    buf_char(format->out, ')');
}

void template_format(struct buf *buf, str text, const struct tvalue *args, size_t count)
{
    struct format format = {.out = buf, .rest = text, .args = args, .count = count};

    while (format.rest.len > 0) {
        size_t plain = str_index_char(format.rest, '%');

        if (plain == SIZE_MAX) {
            buf_str(buf, format.rest);
            break;
        }
        buf_bytes(buf, format.rest.ptr, plain);
        format.rest = str_from_index(format.rest, plain + 1);
        if (format.rest.len == 0) {
            buf_c(buf, "%!(NOVERB)");
            break;
        }
        directive(&format);
    }
    if (!format.reordered && format.next < count) {
        extra_arguments(&format);
    }
}
