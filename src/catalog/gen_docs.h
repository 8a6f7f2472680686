/* gen_docs: the reference of a catalogue as Markdown: a table a group, label values, buckets,
 * helpers with what they do. */
#pragma once

#include "base/buf.h"
#include "catalog/catalog.h"

void gen_docs(const struct catalog *catalog, struct buf *out);
