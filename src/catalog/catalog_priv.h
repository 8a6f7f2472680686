/* catalog_priv: what the parts of the catalogue's reader share. */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "catalog/catalog.h"
#include "catalog/catalog_nearest.h"
#include "conf/option.h"

/* One file being read. The option reader comes first, so that the functions of its tables, which
 * are given that alone, get at the rest. */
struct catalog_loader {
    struct option_reader rd;
    struct catalog *catalog;
    struct map shared;              /* name -> struct catalog_set, of `labels` at the top */
    VEC(struct catalog_set *) sets; /* the closed ones */
    VEC(struct catalog_metric *) metrics;
};

static inline struct catalog_loader *catalog_loader_of(struct option_reader *rd)
{
    return (struct catalog_loader *)(void *)rd;
}

/* ---- catalog_name.c ---- */

/* Whether s is [a-zA-Z_][a-zA-Z0-9_]*, of at most CATALOG_NAME_BYTES_MAX bytes. */
bool catalog_name_is_word(str s);

/* Whether s is [a-z][a-z0-9_]*. */
bool catalog_name_is_identifier(str s);

/* Whether C or C++ has the word for itself. */
bool catalog_name_is_keyword(str s);

/* A name as a parameter: "class" becomes "class_". */
str catalog_name_param(struct arena *arena, str name);

/* A label value as the end of a constant: "image/png" becomes "IMAGE_PNG", "A+" "A_PLUS". */
str catalog_name_constant(struct arena *arena, str value);

/* `name` in capitals. */
str catalog_name_upper(struct arena *arena, str name);

/* catalog_name_assign gives every metric and closed set its C names and reports those that are not
 * unique. Helpers are there already. */
void catalog_name_assign(struct catalog_loader *loader);

/* ---- catalog_set.c ---- */

/* catalog_set_shared reads `labels` of the top. */
void catalog_set_shared(struct catalog_loader *loader, const struct yaml_node *node);

/* catalog_set_labels reads `labels` of a metric (the target of the option row). */
bool catalog_set_labels(struct option_reader *rd, void *metric, const struct yaml_node *key,
                        const struct yaml_node *node);

/* catalog_set_states reads `states`. */
bool catalog_set_states(struct option_reader *rd, void *metric, const struct yaml_node *key,
                        const struct yaml_node *node);

/* ---- catalog_metric.c ---- */

extern const struct option_type catalog_metric_type;

/* catalog_number reads a finite number; false (and a fault that says `what` it is) when it is none.
 */
bool catalog_number(struct option_reader *rd, const struct yaml_node *node, const char *what,
                    double *ret);

/* catalog_metric_names reports metrics whose exposed names clash. */
void catalog_metric_names(struct catalog_loader *loader);

/* ---- catalog_helper.c ---- */

/* catalog_helper_read reads `helpers`; all metrics are known. */
void catalog_helper_read(struct catalog_loader *loader, const struct yaml_node *node);
