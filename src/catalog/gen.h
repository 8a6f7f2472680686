/*
 * gen: the files that come from a catalogue, by kind of generator: "c" writes NAME.h and NAME.c
 * (gen_c.h), "docs" NAME.md (gen_docs.h), "dashboard" NAME.json (gen_dashboard.h), "table" NAME.def
 * (gen_table.h), where NAME is the catalogue's. The work of `barograph gen` and of barograph-gen,
 * which the build uses.
 */
#pragma once

#include "base/buf.h"
#include "catalog/catalog.h"

enum gen_kind { GEN_C, GEN_DOCS, GEN_DASHBOARD, GEN_TABLE, GEN_KIND_COUNT };

/* gen_kind_from finds a kind by its name; false when there is none. */
bool gen_kind_from(str name, enum gen_kind *ret);

/*
 * gen_write writes the files of a kind into a directory, which exists. A file that would not change
 * is left alone, so that what depends on it is not built again. The paths are appended to
 * ret_names, one a line (may be NULL). Fails with -errno.
 */
int gen_write(enum gen_kind kind, const struct catalog *catalog, const char *directory,
              struct buf *ret_names, struct baro_error *err);
