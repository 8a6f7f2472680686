#include "app/check_rules.h"

#include <stdlib.h>

#include "conf/source_place.h"
#include "codec/yaml.h"
#include "rules/rule_file.h"

/* ---- checking ---- */

struct check {
    str text;
    const struct expr_known *known;
    struct arena arena;
    const char *file;
    struct buf *out;
    size_t found;
    const struct yaml_node *node; /* the scalar whose expression is being checked */
};

static void say(struct check *c, struct source_place place, const char *message)
{
    buf_printf(c->out, "%s:%u:%u: %s\n", c->file, place.line, place.column, message);
    c->found++;
}

static void expr_fault(void *context, uint32_t offset, const char *message)
{
    struct check *c = context;

    say(c, source_place_yaml(c->text, c->node, offset), message);
}

/* {{ $labels.x }} in an annotation or label of an alert: x is a label of the alert's series. */
static void check_template(struct check *c, const struct yaml_node *node,
                           const struct expr_labels *labels)
{
    static const str mark = STR_INIT("$labels.");
    str text = node->text;

    for (size_t at = 0; at < text.len;) {
        size_t start = str_index(str_from_index(text, at), mark);
        size_t end;

        if (start == SIZE_MAX) {
            return;
        }
        start += at + mark.len;
        end = start;
        while (end < text.len && label_name_is_legacy(str_slice(text, start, end + 1))) {
            end++;
        }
        str name = str_slice(text, start, end);
        if (name.len > 0 && !expr_labels_have(labels, name)) {
            say(c, source_place_yaml(c->text, node, start),
                arena_printf(&c->arena, "the expression's result has no label '%.*s'; it has: %.*s",
                             STR_ARG(name), STR_ARG(expr_labels_text(&c->arena, labels)))
                    .ptr);
        }
        at = end;
    }
}

static void check_templates(struct check *c, const struct yaml_node *pairs,
                            const struct expr_labels *labels)
{
    for (size_t i = 0; pairs != NULL && pairs->kind == YAML_KIND_MAPPING && i < pairs->pair_count;
         i++) {
        if (pairs->pairs[i].value->kind == YAML_KIND_SCALAR) {
            check_template(c, pairs->pairs[i].value, labels);
        }
    }
}

/* What rule_file does not look at: names that no catalogue has, labels that the result has not. */
static void check_rule(struct check *c, const struct rule_spec *rule)
{
    struct expr_labels labels = {.any = true};

    c->node = yaml_get(rule->node, STR("expr"));
    expr_check(c->known, &c->arena, rule->expr, false, expr_fault, c, &labels);
    if (rule->kind == RULE_ALERTING) {
        check_templates(c, yaml_get(rule->node, STR("labels")), &labels);
        check_templates(c, yaml_get(rule->node, STR("annotations")), &labels);
    }
}

static void check_groups(struct check *c, const struct rule_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        for (size_t k = 0; k < file->groups[i].count; k++) {
            check_rule(c, &file->groups[i].rules[k]);
        }
    }
}

/* ---- lint ---- */

static int compare_rules(const void *a, const void *b)
{
    const struct rule_spec *x = *(const struct rule_spec *const *)a;
    const struct rule_spec *y = *(const struct rule_spec *const *)b;
    int order = str_cmp(x->name, y->name);

    order = order != 0 ? order : labels_cmp(x->labels, y->labels);
    return order != 0 ? order : (x->node->line > y->node->line) - (x->node->line < y->node->line);
}

/* Rules of one name and the same labels write the same series, or are one alert twice. */
static size_t lint_rules(struct check *c, const struct rule_file *file)
{
    size_t total = file->recording_count + file->alerting_count;
    const struct rule_spec **rules = ARENA_ARRAY(&c->arena, const struct rule_spec *, total);
    size_t count = 0;
    size_t found = 0;

    for (size_t i = 0; i < file->count; i++) {
        for (size_t k = 0; k < file->groups[i].count; k++) {
            rules[count++] = &file->groups[i].rules[k];
        }
    }
    if (count > 1) {
        qsort(rules, count, sizeof(rules[0]), compare_rules);
    }
    for (size_t i = 1; i < count; i++) {
        if (str_eq(rules[i - 1]->name, rules[i]->name) &&
            labels_eq(rules[i - 1]->labels, rules[i]->labels)) {
            buf_printf(c->out, "%s:%u:%u: lint: %.*s with the same labels stands at line %u, too\n",
                       c->file, rules[i]->node->line, rules[i]->node->column,
                       STR_ARG(rules[i]->name), rules[i - 1]->node->line);
            found++;
        }
    }
    return found;
}

/* ---- a file ---- */

static void say_faults(struct check *c, const struct faults *faults)
{
    for (uint32_t i = 0; i < faults->count; i++) {
        say(c, (struct source_place){faults->items[i].line, faults->items[i].column},
            faults->items[i].message);
    }
    c->found += faults->total - faults->count;
}

size_t check_rules(str text, const char *file, const struct check_rules_options *options,
                   struct rule_counts *ret_counts, struct buf *out)
{
    struct faults faults = {0};
    struct rule_file rules = {0};
    struct check c = {.text = text, .file = file, .known = options->known, .out = out};
    int r = (options->ignore_unknown ? rule_file_parse_lax : rule_file_parse)(
        &c.arena, str_from(file), text, options->features, &rules, &faults);

    say_faults(&c, &faults);
    *ret_counts = (struct rule_counts){.groups = rules.count,
                                       .recording = rules.recording_count,
                                       .alerting = rules.alerting_count};
    if (r >= 0) {
        check_groups(&c, &rules);
        ret_counts->lints = options->lint ? lint_rules(&c, &rules) : 0;
    }
    arena_done(&c.arena);
    return c.found;
}

void check_rules_record(str text, struct expr_known *known)
{
    struct arena arena = {0};
    const struct yaml_node *tree = NULL;
    const struct yaml_node *groups = NULL;

    if (yaml_parse(&arena, text, &tree, NULL) >= 0 && tree != NULL) {
        groups = yaml_get(tree, STR("groups"));
    }
    for (size_t i = 0;
         groups != NULL && groups->kind == YAML_KIND_SEQUENCE && i < groups->item_count; i++) {
        const struct yaml_node *rules = yaml_get(groups->items[i], STR("rules"));

        for (size_t k = 0;
             rules != NULL && rules->kind == YAML_KIND_SEQUENCE && k < rules->item_count; k++) {
            const struct yaml_node *record = yaml_get(rules->items[k], STR("record"));

            if (record != NULL && record->kind == YAML_KIND_SCALAR) {
                expr_known_record(known, record->text);
            }
        }
    }
    arena_done(&arena);
}
