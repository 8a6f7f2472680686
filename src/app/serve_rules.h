/* serve_rules: the rules of the running program: reading their files, and handing them to the
 * manager. */
#pragma once

#include "app/serve_priv.h"

/* A configuration's rule files, read and checked. */
struct serve_rules {
    struct arena arena;
    struct rule_file *files;
    str *paths;
    size_t count;
};

/* serve_rules_load reads every file that rule_files names. On failure all faults are printed when
 * `print` is set, and err has the first one. serve_rules_done releases what it read. */
int serve_rules_load(const struct serve *serve, const struct prom_config *config, bool print,
                     struct serve_rules *ret, struct baro_error *err);
void serve_rules_done(struct serve_rules *rules);

/* serve_rules_apply makes them the running ones. */
void serve_rules_apply(struct serve *serve, const struct prom_config *config,
                       const struct serve_rules *rules);
