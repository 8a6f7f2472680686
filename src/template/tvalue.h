/*
 * tvalue: what templates work on: Go's values as text/template sees them, reduced to what the data
 * of alerts needs. A value is small and passed by copy; what it points to is immutable and lives in
 * the arena of the run, or longer. Named types (a label set with methods, a time) are a kind plus a
 * struct tvalue_type. Reference: Go's packages reflect and fmt.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum tvalue_kind {
    TVALUE_NONE, /* nothing at all, as an absent entry of a map of any values: "<no value>" */
    TVALUE_NIL,  /* the word nil */
    TVALUE_BOOL,
    TVALUE_INT,
    TVALUE_FLOAT,
    TVALUE_STRING,
    TVALUE_LIST,
    TVALUE_MAP, /* keys are strings */
    TVALUE_STRUCT,
    TVALUE_KIND_COUNT,
};

struct tvalue_type;
struct tvalue_list;
struct tvalue_map;

struct tvalue {
    enum tvalue_kind kind;
    const struct tvalue_type *type; /* NULL = the plain type of the kind */
    union {
        bool boolean;
        int64_t integer;
        double number;
        str string;
        const struct tvalue_list *list;
        const struct tvalue_map *map;
        const void *object; /* TVALUE_STRUCT: the type knows what it is */
    };
};

struct tvalue_list {
    const struct tvalue *items;
    size_t count;
    const char *item_type; /* Go's name of the items' type, for messages; NULL = "interface {}" */
    struct tvalue_room *room; /* that the items lie in; NULL = nothing can be added there */
};

/* Room for items behind those of a list, so that adding one to a long list does not copy it. What
 * was added is changed by nobody: a list sees its `count` of them. */
struct tvalue_room {
    size_t used;
    size_t capacity;
    struct tvalue items[];
};

/* A map, sorted by key as templates walk it. */
struct tvalue_map {
    const str *keys;
    const struct tvalue *values;
    size_t count;
    struct tvalue absent; /* what a missing key yields: the zero value of the items' type */
};

/* A method of a named type; `args` as in struct template_function_row. */
struct tvalue_method {
    const char *name;
    const char *args;
    int (*call)(struct arena *arena, const struct tvalue *self, const struct tvalue *args,
                size_t count, struct tvalue *ret, struct baro_error *err);
};

/* A named type. Functions may be NULL. */
struct tvalue_type {
    const char *name; /* as Go prints it in messages: "template.KV" */
    /* Finds a field of a struct: 1 and *ret, or 0. */
    int (*field)(struct arena *arena, const struct tvalue *self, str name, struct tvalue *ret);
    const struct tvalue_method *methods;
    size_t method_count;
    /* The type's String(); NULL = as the kind prints. */
    void (*print)(struct buf *buf, const struct tvalue *self);
    /* The type as Go's encoding/json writes it; NULL = as the kind does, {} for a struct. */
    void (*json)(struct buf *buf, const struct tvalue *self);
};

static inline struct tvalue tvalue_none(void)
{
    return (struct tvalue){.kind = TVALUE_NONE};
}

static inline struct tvalue tvalue_bool(bool b)
{
    return (struct tvalue){.kind = TVALUE_BOOL, .boolean = b};
}

static inline struct tvalue tvalue_int(int64_t i)
{
    return (struct tvalue){.kind = TVALUE_INT, .integer = i};
}

static inline struct tvalue tvalue_float(double v)
{
    return (struct tvalue){.kind = TVALUE_FLOAT, .number = v};
}

static inline struct tvalue tvalue_string(str s)
{
    return (struct tvalue){.kind = TVALUE_STRING, .string = s};
}

/* tvalue_list_of wraps items, which are borrowed. */
struct tvalue tvalue_list_of(struct arena *arena, const struct tvalue *items, size_t count);

/* tvalue_list_append makes a list of `list` and `count` further items, which are copied. */
struct tvalue tvalue_list_append(struct arena *arena, const struct tvalue_list *list,
                                 const struct tvalue *items, size_t count);

/* tvalue_map_of sorts keys and values (count of each, which are kept and reordered) into a map
 * whose missing keys yield `absent`. */
struct tvalue tvalue_map_of(struct arena *arena, str *keys, struct tvalue *values, size_t count,
                            struct tvalue absent);

/* tvalue_map_get finds a key; what `absent` says when there is none (*ret_found, may be NULL,
 * tells). */
struct tvalue tvalue_map_get(const struct tvalue_map *map, str key, bool *ret_found);

/* tvalue_type_name is Go's name of the type: "string", "float64", "map[string]string", a named
 * type's own. */
const char *tvalue_type_name(const struct tvalue *value);

/* tvalue_is_true is Go's truth: not the zero value, not an empty list, map or string. */
bool tvalue_is_true(const struct tvalue *value);

/* tvalue_print appends the value as fmt's %v does; TVALUE_NONE as "<no value>". */
void tvalue_print(struct buf *buf, const struct tvalue *value);
