#include "conf/source_place.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct source_place place_at(str file, size_t offset)
{
    struct source_place place = {1, 1};

    for (size_t i = 0; i < offset && i < file.len; i++) {
        if (file.ptr[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)file.ptr[i] & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

/* The byte offset of a line and column, both from 1. */
static size_t offset_of(str file, uint32_t line, uint32_t column)
{
    size_t i = 0;

    for (; line > 1 && i < file.len; i++) {
        line -= file.ptr[i] == '\n' ? 1 : 0;
    }
    for (; column > 1 && i < file.len && file.ptr[i] != '\n'; column--) {
        i++;
        while (i < file.len && ((unsigned char)file.ptr[i] & 0xc0) == 0x80) {
            i++;
        }
    }
    return i;
}

/* Code units of \uXXXX. */
static uint32_t hex4(str file, size_t at)
{
    uint32_t value = 0;

    for (size_t i = at; i < at + 4 && i < file.len; i++) {
        char c = file.ptr[i];

        value = value * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

/* The bytes that an escape takes in the file, and in *ret_bytes those it stands for. */
static size_t escape_size(str file, size_t at, size_t *ret_bytes)
{
    char kind = at + 1 < file.len ? file.ptr[at + 1] : 0;
    uint32_t unit;

    *ret_bytes = 1;
    if (kind == 'x') {
        return 4;
    }
    if (kind != 'u') {
        return 2;
    }
    unit = hex4(file, at + 2);
    *ret_bytes = unit < 0x80 ? 1 : unit < 0x800 ? 2 : unit >= 0xd800 && unit < 0xdc00 ? 4 : 3;
    return *ret_bytes == 4 ? 12 : 6;
}

/* A line break and the indentation after it are one blank, or as many newlines as there were. */
static size_t fold_size(str file, size_t at, size_t *ret_bytes)
{
    size_t i = at;
    size_t breaks = 0;

    while (i < file.len && (is_blank(file.ptr[i]) || file.ptr[i] == '\n' || file.ptr[i] == '\r')) {
        breaks += file.ptr[i] == '\n' ? 1 : 0;
        i++;
    }
    *ret_bytes = breaks > 1 ? breaks - 1 : 1;
    return i - at;
}

/* Walks a quoted or plain scalar whose first byte stands at `at`. */
static size_t flow_offset(str file, size_t at, enum yaml_style style, size_t offset)
{
    while (offset > 0 && at < file.len) {
        size_t size = 1;
        size_t bytes = 1;

        if (file.ptr[at] == '\\' && style == YAML_STYLE_DOUBLE_QUOTED) {
            size = escape_size(file, at, &bytes);
        } else if (file.ptr[at] == '\'' && style == YAML_STYLE_SINGLE_QUOTED) {
            size = 2;
        } else if (file.ptr[at] == '\n' || file.ptr[at] == '\r') {
            size = fold_size(file, at, &bytes);
        }
        if (bytes > offset) {
            break;
        }
        offset -= bytes;
        at += size;
    }
    return at;
}

/* Walks the lines of a block scalar whose header stands at `at`; the first line that is not empty
 * tells the indentation. */
static size_t block_offset(str file, size_t at, size_t offset)
{
    size_t indent = 0;
    size_t i = at;

    while (i < file.len && file.ptr[i] != '\n') {
        i++;
    }
    i++;
    for (size_t k = i; k < file.len && indent == 0;) {
        while (k + indent < file.len && file.ptr[k + indent] == ' ') {
            indent++;
        }
        if (k + indent < file.len && file.ptr[k + indent] == '\n') {
            k += indent + 1;
            indent = 0;
            continue;
        }
        break;
    }
    for (;;) {
        size_t skip = 0;

        while (skip < indent && i < file.len && file.ptr[i] == ' ') {
            skip++;
            i++;
        }
        while (offset > 0 && i < file.len && file.ptr[i] != '\n') {
            i++;
            offset--;
        }
        if (offset == 0 || i >= file.len) {
            return i;
        }
        i++;
        offset--;
    }
}

struct source_place source_place_json(str file, size_t quote, size_t offset)
{
    return place_at(file, flow_offset(file, quote + 1, YAML_STYLE_DOUBLE_QUOTED, offset));
}

struct source_place source_place_yaml(str file, const struct yaml_node *node, size_t offset)
{
    size_t at = offset_of(file, node->line, node->column);

    switch (node->style) {
    case YAML_STYLE_PLAIN:
        return place_at(file, flow_offset(file, at, node->style, offset));
    case YAML_STYLE_SINGLE_QUOTED:
    case YAML_STYLE_DOUBLE_QUOTED:
        return place_at(file, flow_offset(file, at + 1, node->style, offset));
    case YAML_STYLE_LITERAL:
    case YAML_STYLE_FOLDED:
        return place_at(file, block_offset(file, at, offset));
    }
    return (struct source_place){node->line, node->column};
}
