/*
 * labels: a label set: name-value pairs sorted by name (bytes), each name once, no empty values. A
 * value type that borrows: whoever returns one says how long items and the bytes behind them live.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct label {
    str name;
    str value;
};

struct labels {
    const struct label *items;
    size_t count;
};

#define LABEL_METRIC_NAME STR("__name__")
/* What a metric is, with the feature type-and-unit-labels. */
#define LABEL_TYPE STR("__type__")
#define LABEL_UNIT STR("__unit__")

/* labels_get returns the value, or a str with ptr NULL when the name is absent. */
str labels_get(struct labels labels, str name);

/* labels_cmp orders as Prometheus does: pair by pair by name then value; a prefix comes first. */
int labels_cmp(struct labels a, struct labels b);
bool labels_eq(struct labels a, struct labels b);

/* labels_hash is XXH3 over names and values with separators; equal sets have equal hashes; not
 * stable across versions. */
uint64_t labels_hash(struct labels labels);

/* labels_hash_prometheus is what Prometheus's Labels.Hash gives: XXH64 over each name and value
 * behind its length (one byte below 255, else 255 and three bytes, low first). */
uint64_t labels_hash_prometheus(struct labels labels);

/* labels_text_bytes is the length of all names and values. */
size_t labels_text_bytes(struct labels labels);

/* labels_copy copies items and bytes into the arena. labels_from_pairs sorts `count` pairs into an
 * arena array. */
struct labels labels_copy(struct arena *arena, struct labels labels);
struct labels labels_from_pairs(struct arena *arena, const struct label *pairs, size_t count);

/* labels_sort sorts pairs by name in place, equal names in no particular order beyond 32 pairs. */
void labels_sort(struct label *items, size_t count);

/* labels_without returns the set less one name; shares the bytes, items from the arena (or the same
 * set if absent). */
struct labels labels_without(struct arena *arena, struct labels labels, str name);

/* labels_with returns the set with one pair added or replaced (removed when value is empty); shares
 * the bytes. */
struct labels labels_with(struct arena *arena, struct labels labels, str name, str value);

/* labels_has_duplicate says whether a name stands twice in a sorted set. */
bool labels_has_duplicate(struct labels labels);

/* labels_format appends name{a="b", c="d"} with PromQL quoting ({"utf 8 name", a="b"} when the name
 * needs it). */
void labels_format(struct buf *buf, struct labels labels);

/* label_name_is_legacy: [a-zA-Z_][a-zA-Z0-9_]*; metric_name_is_legacy allows ':' too. */
bool label_name_is_legacy(str name);
bool metric_name_is_legacy(str name);
