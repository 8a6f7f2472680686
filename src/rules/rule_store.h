/*
 * rule_store: a small store in memory that can be appended to and queried, for the unit tests of
 * rules. A commit is visible at once; one thread.
 */
#pragma once

#include "base/attr.h"
#include "storage/appender.h"
#include "storage/storage.h"

struct rule_store;

struct rule_store *rule_store_new(void);
struct rule_store *rule_store_free(struct rule_store *store);
DEFINE_CLEANUP(rule_store_free, struct rule_store)

struct queryable *rule_store_queryable(struct rule_store *store);
struct appendable *rule_store_appendable(struct rule_store *store);

/* rule_store_add appends one sample at once. */
int rule_store_add(struct rule_store *store, struct labels labels, const struct sample *sample,
                   struct baro_error *err);
