/*
 * json: reading JSON into a tree. Strict (RFC 8259), duplicate keys refused, depth limited, errors
 * with line and column. A node belongs to its document; the tree is immutable, so any thread may
 * read it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct json; /* a node; the root owns the document */

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

/* json_doc_parse reads all of text. Fails with BARO_EPARSE. json_doc_free takes the root only. */
int json_doc_parse(str text, struct json **ret, struct baro_error *err);
struct json *json_doc_free(struct json *root);
DEFINE_CLEANUP(json_doc_free, struct json)

/* json_tree_bytes is how much memory the tree of a text takes at most, found without reading it
 * into one: up to a hundred times the text. */
size_t json_tree_bytes(str text);

/* Every accessor takes NULL and nodes of another kind, and then returns the empty value: check what
 * must be there. */
enum json_kind json_kind_of(const struct json *node);
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_at(const struct json *array, size_t index);
size_t json_count(const struct json *array_or_object);
str json_text(
    const struct json *node); /* ptr NULL when it is no string; NUL-terminated otherwise */
double json_double(const struct json *node); /* 0 when it is no number */
bool json_int(const struct json *node, int64_t *ret);

bool json_is_yes(const struct json *node); /* false when it is not true */

/* json_print appends the node as JSON without spaces, members in the order of the text; false when
 * memory is out. */
bool json_print(struct buf *buf, const struct json *node);

/* json_member walks an object in the order of the text: *iterator starts as NULL; false at the end.
 */
bool json_member(const struct json *object, void **iterator, str *ret_key,
                 const struct json **ret_value);
