/*
 * json_span: a JSON text as a tree that knows the bytes of each value and the white space around
 * it. The text must outlive the tree; nodes are in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/json.h"

struct json_span {
    enum json_kind kind;
    str raw;       /* its bytes */
    uint64_t hash; /* of what it means: equal for equal values */
    const struct json *value;
    struct json_span_member *members; /* of an object or array */
    size_t count;
    str tail; /* white space before the closing bracket */
};

struct json_span_member {
    str lead;    /* white space before it */
    str key_raw; /* with quotes; empty in an array */
    str key;
    str colon; /* from the key to the value: ": " */
    struct json_span value;
};

/* json_span_parse parses an object or array; *ret_root owns the values (json_doc_free). */
int json_span_parse(struct arena *arena, str text, struct json **ret_root, struct json_span *ret,
                    struct baro_error *err);

/* json_span_same tells whether two values mean the same. */
bool json_span_same(const struct json_span *a, const struct json_span *b);

/* json_span_get returns the member of that name; NULL when there is none. */
const struct json_span_member *json_span_get(const struct json_span *object, str key);
