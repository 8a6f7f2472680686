/*
 * labels_builder: a label set under construction: by a parser, then by relabelling. Names and
 * values are borrowed and must outlive it. One thread; reused from set to set without allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "model/labels.h"

struct labels_builder {
    struct label *items;
    size_t count;
    size_t capacity;
};

/* A zeroed labels_builder is empty and ready; labels_builder_done frees its memory. */
void labels_builder_done(struct labels_builder *builder);

static inline void labels_builder_reset(struct labels_builder *builder)
{
    builder->count = 0;
}

/* labels_builder_load makes the builder's content a copy of the set (of its items, not the bytes).
 */
void labels_builder_load(struct labels_builder *builder, struct labels labels);

/* labels_builder_add appends a pair whose name is not in the builder yet; an empty value is kept
 * until labels_builder_finish. */
void labels_builder_add(struct labels_builder *builder, str name, str value);

/* labels_builder_get returns the value; a str with ptr NULL when the name is absent. */
str labels_builder_get(const struct labels_builder *builder, str name);

/* labels_builder_set adds or replaces; an empty value removes the name, as in Prometheus. */
void labels_builder_set(struct labels_builder *builder, str name, str value);
void labels_builder_del(struct labels_builder *builder, str name);

/* labels_builder_finish sorts by name and drops empty values. The set borrows the builder's items:
 * valid until its next change. */
struct labels labels_builder_finish(struct labels_builder *builder);
