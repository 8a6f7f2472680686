/*
 * yaml: a YAML document as a tree of nodes that know where they stand. Over libyaml, with what it
 * leaves out: the types that plain scalars have in YAML 1.1 as go-yaml resolves them, duplicate
 * keys refused, merge keys (<<), aliases with a limit on how far they blow the document up, and
 * limits on depth and size. Only the first document of the input is read, as go-yaml does. The tree
 * is immutable; an alias and its anchor share one node.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct json_writer; /* codec/json_write.h */

enum yaml_kind { YAML_KIND_SCALAR, YAML_KIND_SEQUENCE, YAML_KIND_MAPPING };

/* What a scalar is when nobody says what it should be. */
enum yaml_type {
    YAML_TYPE_NULL,
    YAML_TYPE_BOOL,
    YAML_TYPE_INT,  /* in `integer` */
    YAML_TYPE_UINT, /* above INT64_MAX, in `natural` */
    YAML_TYPE_FLOAT,
    YAML_TYPE_STRING,
};

enum yaml_style {
    YAML_STYLE_PLAIN,
    YAML_STYLE_SINGLE_QUOTED,
    YAML_STYLE_DOUBLE_QUOTED,
    YAML_STYLE_LITERAL,
    YAML_STYLE_FOLDED,
};

struct yaml_pair {
    const struct yaml_node *key;
    const struct yaml_node *value;
};

struct yaml_node {
    enum yaml_kind kind;
    enum yaml_type type;   /* scalars */
    enum yaml_style style; /* scalars */
    uint32_t line;         /* from 1 */
    uint32_t column;       /* from 1, in characters */
    uint64_t weight;       /* nodes below and here, aliases expanded */
    union {
        struct {
            str text; /* as written, quotes and escapes undone; !!binary decoded */
            union {
                bool boolean;
                int64_t integer;
                uint64_t natural;
                double number;
            };
        };
        struct {
            const struct yaml_node *const *items; /* sequences */
            size_t item_count;
        };
        struct {
            const struct yaml_pair *pairs; /* mappings, merge keys already merged */
            size_t pair_count;
        };
    };
};

/* Inputs, trees (aliases expanded) and nesting beyond these are refused with BARO_ELIMIT. */
enum { YAML_DEPTH_MAX = 100 };
#define YAML_BYTES_MAX ((size_t)64 << 20)
#define YAML_NODES_MAX UINT64_C(4000000)

/*
 * yaml_parse reads the first document of text into the arena; the tree lives as long as the arena,
 * and keeps nothing of text. *ret is NULL for an empty document. Fails with BARO_EPARSE or
 * BARO_ELIMIT, with line and column.
 */
int yaml_parse(struct arena *arena, str text, const struct yaml_node **ret, struct baro_error *err);

/* yaml_get returns the value of a key of a mapping; NULL when absent or node is no mapping. */
const struct yaml_node *yaml_get(const struct yaml_node *node, str key);

/* yaml_pair_get is yaml_get that gives key and value. */
const struct yaml_pair *yaml_pair_get(const struct yaml_node *node, str key);

/* yaml_key_of returns the key's node, to say where it stands; the mapping's own when no pair has
 * that text, as for a key that is null and counts as empty. */
const struct yaml_node *yaml_key_of(const struct yaml_node *mapping, str key);

/* yaml_is_null says whether node is absent (NULL) or a null scalar. */
static inline bool yaml_is_null(const struct yaml_node *node)
{
    return node == NULL || (node->kind == YAML_KIND_SCALAR && node->type == YAML_TYPE_NULL);
}

/* yaml_eq says whether two trees have the same texts in the same order; where they stand and how
 * they are quoted does not count. NULL is equal to NULL. */
bool yaml_eq(const struct yaml_node *a, const struct yaml_node *b);

/* yaml_tag_name is go-yaml's name for what a node is: "!!str", "!!int", "!!seq", "!!map" ... */
const char *yaml_tag_name(const struct yaml_node *node);

/* yaml_write_scalar writes a scalar as JSON has its type. */
void yaml_write_scalar(struct json_writer *json, const struct yaml_node *node);

/* yaml_resolve gives the type that a plain scalar without tag has, with its value in *ret_value. */
struct yaml_value {
    union {
        bool boolean;
        int64_t integer;
        uint64_t natural;
        double number;
    };
};
enum yaml_type yaml_resolve(str text, struct yaml_value *ret_value);
