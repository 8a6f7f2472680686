/* retention_rules_config: from storage.retention_rules of the configuration to the rules of the
 * store: what a selector is, the promql parser knows. */
#pragma once

#include "base/error.h"
#include "base/str.h"

struct prom_config;
struct retention_rules;

/* retention_selector_check says whether a text is a selector with at least one matcher and nothing
 * else: 0, or BARO_EPARSE. */
int retention_selector_check(str selector, struct baro_error *err);

/* retention_rules_of makes the rules of a configuration that was loaded with that check, with one
 * reference; NULL when it has none. */
struct retention_rules *retention_rules_of(const struct prom_config *config);
