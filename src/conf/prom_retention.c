/* storage.retention_rules: how long the series of a selector are kept. Prometheus has no such key:
 * it refuses a file with one. What a selector is stands on a higher floor; prom_load_options has
 * who checks it. */
#include "conf/option.h"
#include "conf/prom_config_priv.h"

struct retention_rule_raw {
    struct prom_retention_rule rule;
    const struct yaml_node *node;
};

static void check_rule(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    struct retention_rule_raw *raw = object;

    raw->node = node;
    raw->rule.place = (struct conf_place){rd->file, node->line, node->column};
    if (raw->rule.match.len == 0) {
        option_fault(rd, node, "a retention rule wants a 'match', as '{job=\"debug\"}'");
    } else if (raw->rule.retention <= 0) {
        option_fault(rd, node, "a retention rule wants a 'retention' above 0, as 7d");
    }
}

static const struct option rule_rows[] = {
    ROW("match", STR, AT(struct retention_rule_raw, rule.match)),
    ROW("retention", DURATION, AT(struct retention_rule_raw, rule.retention)),
};

const struct option_type prom_retention_rule_type = {
    .name = "retention_rule",
    .size = sizeof(struct retention_rule_raw),
    TABLE(rule_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_rule,
};

struct prom_retention_rules prom_retention_finish(struct option_reader *rd, struct option_list list,
                                                  const struct prom_load_options *options)
{
    const struct prom_retention_rule **items =
        ARENA_ARRAY(rd->arena, const struct prom_retention_rule *, list.count + 1);

    if (list.count > PROM_RETENTION_RULES_MAX) {
        const struct retention_rule_raw *first = list.items[0];

        option_fault(rd, first->node, "there are %zu retention rules; at most %d are taken",
                     list.count, (int)PROM_RETENTION_RULES_MAX);
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct retention_rule_raw *raw = list.items[i];
        struct baro_error err = {0};

        items[i] = &raw->rule;
        if (options->check_selector != NULL && raw->rule.match.len > 0 &&
            options->check_selector(raw->rule.match, &err) < 0) {
            option_fault_key(rd, raw->node, "match", "\"%.*s\" is no selector: %s",
                             STR_ARG(raw->rule.match), err.message);
        }
    }
    return (struct prom_retention_rules){items, list.count};
}
