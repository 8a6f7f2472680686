/*
 * source_place: where in a file a byte of a text stands that was written there as a JSON or YAML
 * scalar, with quotes, escapes, indentation and folded lines between. For faults of expressions,
 * which are found in the text but looked for in the file.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/yaml.h"

struct source_place {
    uint32_t line;   /* from 1 */
    uint32_t column; /* from 1, in characters */
};

/* source_place_json: `quote` is the offset of the string's opening quote in the file. */
struct source_place source_place_json(str file, size_t quote, size_t offset);

/* source_place_yaml: node is a scalar of the tree that was read from the file. */
struct source_place source_place_yaml(str file, const struct yaml_node *node, size_t offset);
