#include "template/template_json.h"

#include <string.h>

#include "codec/json_write.h"

/* A byte below 0x80 that does not stand for itself. */
static void put_byte(struct buf *buf, char c)
{
    static const char names[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *name = c != '\0' ? strchr(names, c) : NULL;

    if (name != NULL) {
        buf_char(buf, '\\');
        buf_char(buf, letters[name - names]);
    } else if ((unsigned char)c < 0x20 || c == '<' || c == '>' || c == '&') {
        buf_printf(buf, "\\u%04x", (unsigned)(unsigned char)c);
    } else {
        buf_char(buf, c);
    }
}

void template_json_str(struct buf *buf, str text)
{
    buf_char(buf, '"');
    for (size_t i = 0; i < text.len;) {
        uint32_t rune = 0;
        size_t size = utf8_decode(str_from_index(text, i), &rune);

        if (size == 1) {
            put_byte(buf, text.ptr[i]);
        } else if (size == 0) {
            buf_c(buf, "\\ufffd");
        } else if (rune == 0x2028 || rune == 0x2029) {
            buf_c(buf, rune == 0x2028 ? "\\u2028" : "\\u2029");
        } else {
            buf_bytes(buf, text.ptr + i, size);
        }
        i += size == 0 ? 1 : size;
    }
    buf_char(buf, '"');
}

static void put(struct buf *buf, const struct tvalue *value, unsigned depth);

static void put_list(struct buf *buf, const struct tvalue_list *list, unsigned depth)
{
    buf_char(buf, '[');
    for (size_t i = 0; i < list->count; i++) {
        buf_c(buf, i > 0 ? "," : "");
        put(buf, &list->items[i], depth + 1);
    }
    buf_char(buf, ']');
}

static void put_map(struct buf *buf, const struct tvalue_map *map, unsigned depth)
{
    buf_char(buf, '{');
    for (size_t i = 0; i < map->count; i++) {
        buf_c(buf, i > 0 ? "," : "");
        template_json_str(buf, map->keys[i]);
        buf_char(buf, ':');
        put(buf, &map->values[i], depth + 1);
    }
    buf_char(buf, '}');
}

static void put(struct buf *buf, const struct tvalue *value, unsigned depth)
{
    struct json_writer json = json_write_over(buf);

    if (depth > TEMPLATE_JSON_DEPTH_MAX) {
        buf->failed = true;
        return;
    }
    if (value->type != NULL && value->type->json != NULL) {
        value->type->json(buf, value);
        return;
    }
    switch (value->kind) {
    case TVALUE_NONE:
    case TVALUE_NIL:
        buf_c(buf, "null");
        break;
    case TVALUE_BOOL:
        json_write_bool(&json, value->boolean);
        break;
    case TVALUE_INT:
        json_write_i64(&json, value->integer);
        break;
    case TVALUE_FLOAT:
        json_write_number(&json, value->number);
        break;
    case TVALUE_STRING:
        template_json_str(buf, value->string);
        break;
    case TVALUE_LIST:
        put_list(buf, value->list, depth);
        break;
    case TVALUE_MAP:
        put_map(buf, value->map, depth);
        break;
    case TVALUE_STRUCT:
    case TVALUE_KIND_COUNT:
        buf_c(buf, "{}");
        break;
    }
}

void template_json(struct buf *buf, const struct tvalue *value)
{
    put(buf, value, 0);
}
