#include "app/retention_rules_config.h"

#include "conf/prom_config.h"
#include "promql/ast.h"
#include "promql/parser.h"
#include "tsdb/retention_rules.h"

int retention_selector_check(str selector, struct baro_error *err)
{
    struct arena arena = {0};
    struct expr *expr = NULL;
    int r = promql_parse_selector(&arena, selector, &expr, err);

    if (r >= 0) {
        promql_expr_done(expr);
    }
    arena_done(&arena);
    return r;
}

struct retention_rules *retention_rules_of(const struct prom_config *config)
{
    struct prom_retention_rules list = prom_config_storage(config)->retention_rules;
    struct retention_rules *rules = list.count > 0 ? retention_rules_new() : NULL;

    for (size_t i = 0; i < list.count; i++) {
        struct arena arena = {0};
        struct expr *expr = NULL;

        if (promql_parse_selector(&arena, list.items[i]->match, &expr, NULL) >= 0) {
            (void)retention_rules_add(
                rules, (struct matchers){expr->vector.matchers, expr->vector.matcher_count},
                list.items[i]->retention, NULL);
            promql_expr_done(expr);
        }
        arena_done(&arena);
    }
    return rules;
}
