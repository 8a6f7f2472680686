/*
 * yaml_writer: YAML out, in the very form that go-yaml v2 gives it, because tools compare what
 * /api/v1/status/config shows. Block style, two spaces, lists not indented below their key.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

struct yaml_writer {
    struct buf *buf;
    size_t indent;     /* spaces of the current mapping or list */
    bool after_dash;   /* the next key follows "- " on its line */
    size_t line_start; /* where the current line begins in buf */
};

/* yaml_write_key begins a line with "key:". */
void yaml_write_key(struct yaml_writer *w, str key);

/* yaml_write_item begins a line with "- "; what follows is one value, or a mapping at indent + 2.
 */
void yaml_write_item(struct yaml_writer *w);

/* yaml_write_str writes a string value after a key or dash, quoted where needed. */
void yaml_write_str(struct yaml_writer *w, str value);

/* yaml_write_raw writes a value that needs no quotes: a number, true, null, {}. */
void yaml_write_raw(struct yaml_writer *w, str value);

/* yaml_write_flow_strs writes [a, b, c]. */
void yaml_write_flow_strs(struct yaml_writer *w, const str *items, size_t count);

/* yaml_write_end ends the last line. */
void yaml_write_end(struct yaml_writer *w);
