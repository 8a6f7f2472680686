#include "codec/json.h"

#include <jansson.h>

/* A node is jansson's own: this file alone knows. */
static json_t *inner(const struct json *node)
{
    json_t *value;

    memcpy(&value, &node, sizeof(value));
    return value;
}

static struct json *outer(const json_t *value)
{
    struct json *node;

    memcpy(&node, &value, sizeof(node));
    return node;
}

/* What jansson 2.14 allocates for each thing, with malloc's own share; growing tables are there
 * twice for a moment. Keys are strings too. */
enum {
    OBJECT_BYTES = 240,
    MEMBER_BYTES = 48,
    ARRAY_BYTES = 144,
    ELEMENT_BYTES = 24,
    STRING_BYTES = 96,
    NUMBER_BYTES = 32,
};

/* Behind the string that begins at `at`, or the end. */
static size_t string_end(str text, size_t at)
{
    at++;
    while (at < text.len && text.ptr[at] != '"') {
        at += text.ptr[at] == '\\' ? 2 : 1;
    }
    return at < text.len ? at + 1 : text.len;
}

size_t json_tree_bytes(str text)
{
    size_t bytes = 0;
    bool in_number = false;

    for (size_t at = 0; at < text.len;) {
        const char c = text.ptr[at];
        const bool is_digit = c == '-' || (c >= '0' && c <= '9');
        const size_t next = c == '"' ? string_end(text, at) : at + 1;

        bytes += c == '{'                 ? OBJECT_BYTES
                 : c == '['               ? ARRAY_BYTES
                 : c == ':'               ? MEMBER_BYTES
                 : c == ','               ? ELEMENT_BYTES
                 : c == '"'               ? STRING_BYTES + (next - at)
                 : is_digit && !in_number ? NUMBER_BYTES
                                          : 0;
        in_number = is_digit || (in_number && strchr(".eE+", c) != NULL);
        at = next;
    }
    return bytes;
}

int json_doc_parse(str text, struct json **ret, struct baro_error *err)
{
    json_error_t fault = {0};
    json_t *root =
        json_loadb(text.ptr != NULL ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &fault);

    if (root == NULL) {
        return error_at_line(err, BARO_EPARSE, fault.line > 0 ? (uint32_t)fault.line : 1,
                             fault.column > 0 ? (uint32_t)fault.column : 1, "%s", fault.text);
    }
    *ret = outer(root);
    return 0;
}

struct json *json_doc_free(struct json *root)
{
    json_decref(inner(root));
    return NULL;
}

enum json_kind json_kind_of(const struct json *node)
{
    if (node == NULL) {
        return JSON_KIND_NULL;
    }
    switch (json_typeof(inner(node))) {
    case JSON_OBJECT:
        return JSON_KIND_OBJECT;
    case JSON_ARRAY:
        return JSON_KIND_ARRAY;
    case JSON_STRING:
        return JSON_KIND_STRING;
    case JSON_INTEGER:
    case JSON_REAL:
        return JSON_KIND_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_KIND_BOOL;
    case JSON_NULL:
        return JSON_KIND_NULL;
    }
    return JSON_KIND_NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
    return outer(json_object_get(inner(object), key));
}

const struct json *json_at(const struct json *array, size_t index)
{
    return outer(json_array_get(inner(array), index));
}

size_t json_count(const struct json *array_or_object)
{
    json_t *value = inner(array_or_object);

    return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

str json_text(const struct json *node)
{
    json_t *value = inner(node);

    return json_is_string(value) ? str_of(json_string_value(value), json_string_length(value))
                                 : STR_NULL;
}

double json_double(const struct json *node)
{
    return json_number_value(inner(node));
}

bool json_int(const struct json *node, int64_t *ret)
{
    if (!json_is_integer(inner(node))) {
        return false;
    }
    *ret = json_integer_value(inner(node));
    return true;
}

bool json_is_yes(const struct json *node)
{
    return json_is_true(inner(node));
}

bool json_member(const struct json *object, void **iterator, str *ret_key,
                 const struct json **ret_value)
{
    json_t *value = inner(object);

    *iterator =
        *iterator == NULL ? json_object_iter(value) : json_object_iter_next(value, *iterator);
    if (*iterator == NULL) {
        return false;
    }
    *ret_key = str_from(json_object_iter_key(*iterator));
    *ret_value = outer(json_object_iter_value(*iterator));
    return true;
}

static int append(const char *bytes, size_t size, void *context)
{
    struct buf *buf = context;

    buf_str(buf, str_of(bytes, size));
    return buf->failed ? -1 : 0;
}

bool json_print(struct buf *buf, const struct json *node)
{
    return node != NULL &&
           json_dump_callback(inner(node), append, buf, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
}
