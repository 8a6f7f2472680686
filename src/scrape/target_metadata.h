/*
 * target_metadata: type, help and unit of the metric families of one target. The scraping thread
 * alone writes, and takes the lock only when something changes; other threads read under the lock.
 * Families are asked for in the order of the body, so that a look usually is one comparison.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/map.h"
#include "base/vec.h"
#include "storage/appender.h"

struct family {
    char *name; /* heap, with name_len bytes */
    size_t name_len;
    char *help; /* heap; NULL = none */
    char *unit;
    enum metric_type type;
    uint64_t seen_at;    /* scrape in which it was last exposed */
    uint64_t changed_at; /* scrape in which it last changed */
};

struct target_metadata {
    struct lock *lock; /* borrowed; class SCRAPE_TARGET */
    VEC(struct family *) families;
    struct map by_name;
    uint64_t scrape; /* number of the running scrape */
    size_t cursor;   /* the family that is expected next */
};

/* More families than this are not kept; a family's texts are cut there as well. */
enum { FAMILIES_MAX = 100000, FAMILY_TEXT_BYTES_MAX = 65536 };

void target_metadata_init(struct target_metadata *metadata, struct lock *lock);
void target_metadata_done(struct target_metadata *metadata);

/* target_metadata_type, _help and _unit note a line of the body and return its family, valid until
 * target_metadata_finish; NULL beyond FAMILIES_MAX. */
const struct family *target_metadata_type(struct target_metadata *metadata, str name,
                                          enum metric_type type);
const struct family *target_metadata_help(struct target_metadata *metadata, str name, str help);
const struct family *target_metadata_unit(struct target_metadata *metadata, str name, str unit);

/* family_has says whether a series of that name belongs to the family. Source: Prometheus, scrape
 * (isSeriesPartOfFamily). */
bool family_has(const struct family *family, str series_name);

/* family_metadata is what the appender wants; it borrows the family. */
struct metadata family_metadata(const struct family *family);

/* family_add_labels makes type and unit part of what a series is called (feature
 * type-and-unit-labels), if it is of the family (NULL: of none), or known to be. What the target
 * calls so itself gives way, unless nothing is known; unknown is no type. The builder borrows the
 * family. */
struct labels_builder;
void family_add_labels(const struct family *family, struct labels labels, bool is_of_family,
                       struct labels_builder *builder);

/* target_metadata_finish ends a good scrape: families that were gone for ten scrapes are dropped.
 */
void target_metadata_finish(struct target_metadata *metadata);
