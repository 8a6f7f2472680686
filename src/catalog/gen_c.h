/*
 * gen_c: C code from a catalogue: a header NAME.h and a source NAME.c over libbaro (baro/baro.h).
 * One function a metric and operation, one a helper under exactly its name, a type for each closed
 * set of label values so that a wrong value does not compile, and registration in one call. The
 * text depends on the catalogue alone, is C99, can be included from C++, and is formatted as the
 * repository's .clang-format wants it. What the code looks like: docs/howto/catalog.md.
 */
#pragma once

#include "base/buf.h"
#include "catalog/catalog.h"

/* gen_c_header and gen_c_source append the two files. */
void gen_c_header(const struct catalog *catalog, struct buf *out);
void gen_c_source(const struct catalog *catalog, struct buf *out);
