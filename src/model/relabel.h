/*
 * relabel: the relabel_configs and metric_relabel_configs of Prometheus, compiled. Immutable after
 * relabel_rules_new; any thread may apply. Source of the semantics: Prometheus model/relabel.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/error.h"
#include "conf/prom_config.h"
#include "model/labels_builder.h"

struct relabel_rules;

/*
 * relabel_rules_new compiles; the configuration is borrowed and must outlive the rules. With
 * legacy_names (metric_name_validation_scheme: legacy) a replace whose target is no
 * [a-zA-Z_][a-zA-Z0-9_]* does nothing. Fails with BARO_EPARSE or BARO_ELIMIT for a regular
 * expression.
 */
int relabel_rules_new(struct prom_relabels configs, bool legacy_names, struct relabel_rules **ret,
                      struct baro_error *err);
struct relabel_rules *relabel_rules_free(struct relabel_rules *rules);
DEFINE_CLEANUP(relabel_rules_free, struct relabel_rules)

/*
 * relabel_apply runs all rules in order over the builder's content and returns false when one drops
 * it. New names and values come from the arena. NULL rules keep everything.
 */
bool relabel_apply(const struct relabel_rules *rules, struct labels_builder *builder,
                   struct arena *arena);
