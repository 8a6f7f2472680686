#include "rules/rule_file.h"

#include "base/map.h"
#include "base/vec.h"
#include "conf/option.h"
#include "conf/source_place.h"
#include "rules/rule_missing.h"
#include "template/template_alert.h"

enum { GROUPS_MAX = 100000, RULES_MAX = 1000000 };

/* ---- What stands in a file ---- */

struct rule_text {
    str record;
    str alert;
    str expr;
    dur hold;
    dur keep_firing;
    struct conf_pairs labels;
    struct conf_pairs annotations;
};

struct group_text {
    str name;
    dur interval;
    dur query_offset;
    int64_t limit;
    struct conf_pairs labels;
    const struct yaml_node *rules;
};

struct file_text {
    const struct yaml_node *groups;
};

static bool keep_node(UNUSED struct option_reader *rd, void *target,
                      UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    *(const struct yaml_node **)target = yaml_is_null(node) ? NULL : node;
    return true;
}

static const struct option_custom node_custom = {.read = keep_node};

static const struct option rule_rows[] = {
    {"record", OPTION_STR, 0, offsetof(struct rule_text, record), NULL, NULL, NULL},
    {"alert", OPTION_STR, 0, offsetof(struct rule_text, alert), NULL, NULL, NULL},
    {"expr", OPTION_STR, 0, offsetof(struct rule_text, expr), NULL, NULL, NULL},
    {"for", OPTION_DURATION, 0, offsetof(struct rule_text, hold), NULL, NULL, NULL},
    {"keep_firing_for", OPTION_DURATION, 0, offsetof(struct rule_text, keep_firing), NULL, NULL,
     NULL},
    {"labels", OPTION_PAIRS, 0, offsetof(struct rule_text, labels), NULL, NULL, NULL},
    {"annotations", OPTION_PAIRS, 0, offsetof(struct rule_text, annotations), NULL, NULL, NULL},
};
static const struct option_type rule_type = {.name = "rulefmt.Rule",
                                             .size = sizeof(struct rule_text),
                                             .rows = rule_rows,
                                             .count = ARRAY_COUNT(rule_rows),
                                             .place_offset = OPTION_NO_PLACE};

static const struct option group_rows[] = {
    {"name", OPTION_STR, 0, offsetof(struct group_text, name), NULL, NULL, NULL},
    {"interval", OPTION_DURATION, 0, offsetof(struct group_text, interval), NULL, NULL, NULL},
    {"query_offset", OPTION_DURATION, 0, offsetof(struct group_text, query_offset), NULL, NULL,
     NULL},
    {"limit", OPTION_INT, 0, offsetof(struct group_text, limit), NULL, NULL, NULL},
    {"labels", OPTION_PAIRS, 0, offsetof(struct group_text, labels), NULL, NULL, NULL},
    {"rules", OPTION_CUSTOM, 0, offsetof(struct group_text, rules), NULL, &node_custom, NULL},
};
static const struct option_type group_type = {.name = "rulefmt.RuleGroup",
                                              .size = sizeof(struct group_text),
                                              .rows = group_rows,
                                              .count = ARRAY_COUNT(group_rows),
                                              .place_offset = OPTION_NO_PLACE};

static const struct option file_rows[] = {
    {"groups", OPTION_CUSTOM, 0, offsetof(struct file_text, groups), NULL, &node_custom, NULL},
};
static const struct option_type file_type = {.name = "rulefmt.RuleGroups",
                                             .size = sizeof(struct file_text),
                                             .rows = file_rows,
                                             .count = ARRAY_COUNT(file_rows),
                                             .place_offset = OPTION_NO_PLACE};

/* ---- Checking ---- */

struct reading {
    struct option_reader rd;
    const struct promql_features *features;
    struct rule_file *file;
    str text;
    str group;   /* for messages */
    size_t rule; /* from 1 */
    str name;
};

/* A fault of the rule at hand, at a key of it, or at the rule itself where the key is absent. */
static void rule_fault(struct reading *reading, const struct yaml_node *node, const char *key,
                       const char *format, ...) PRINTF_LIKE(4, 5);
static void rule_fault(struct reading *reading, const struct yaml_node *node, const char *key,
                       const char *format, ...)
{
    const struct yaml_node *at = key != NULL ? yaml_get(node, str_from(key)) : NULL;
    va_list args;
    str text;

    va_start(args, format);
    text = arena_vprintf(reading->rd.arena, format, args);
    va_end(args);
    option_fault(&reading->rd, at != NULL ? at : node, "group \"%.*s\", rule %zu, \"%.*s\": %.*s",
                 STR_ARG(reading->group), reading->rule, STR_ARG(reading->name), STR_ARG(text));
}

static struct labels labels_of(struct arena *arena, struct conf_pairs own,
                               struct conf_pairs inherited)
{
    struct label *items = ARENA_ARRAY(arena, struct label, own.count + inherited.count);
    size_t count = 0;

    for (size_t i = 0; i < own.count; i++) {
        items[count++] = (struct label){own.items[i].name, own.items[i].value};
    }
    for (size_t i = 0; i < inherited.count; i++) {
        bool replaced = false;

        for (size_t k = 0; k < own.count; k++) {
            replaced |= str_eq(own.items[k].name, inherited.items[i].name);
        }
        if (!replaced) {
            items[count++] = (struct label){inherited.items[i].name, inherited.items[i].value};
        }
    }
    labels_sort(items, count);
    return (struct labels){items, count};
}

static void check_label_names(struct reading *reading, const struct yaml_node *node,
                              const char *key, struct conf_pairs pairs, const char *what)
{
    for (size_t i = 0; i < pairs.count; i++) {
        str name = pairs.items[i].name;

        if (name.len == 0 || (str_eq(name, LABEL_METRIC_NAME) && what[0] == 'l')) {
            rule_fault(reading, node, key, "invalid %s name: %.*s", what, STR_ARG(name));
        }
    }
}

/* The templates of an alert, without running them. */
static void check_templates(struct reading *reading, const struct yaml_node *node, const char *key,
                            struct conf_pairs pairs, const char *what)
{
    const struct yaml_node *mapping = yaml_get(node, str_from(key));

    for (size_t i = 0; i < pairs.count; i++) {
        struct baro_error err = {0};
        const struct yaml_node *at = yaml_get(mapping, pairs.items[i].name);

        if (template_alert_check(reading->name, pairs.items[i].value, &err) < 0) {
            option_fault(&reading->rd, at != NULL ? at : node,
                         "group \"%.*s\", rule %zu, \"%.*s\": %s \"%.*s\": %s",
                         STR_ARG(reading->group), reading->rule, STR_ARG(reading->name), what,
                         STR_ARG(pairs.items[i].name), err.message);
        }
    }
}

/* Our own convention, so that the file is still Prometheus's. */
static void check_missing(struct reading *reading, const struct yaml_node *node,
                          struct conf_pairs annotations)
{
    for (size_t i = 0; i < annotations.count; i++) {
        struct rule_missing ignored;
        struct baro_error err = {0};

        if (str_eq(annotations.items[i].name, RULE_MISSING_ANNOTATION) &&
            rule_missing_parse(annotations.items[i].value, &ignored, &err) < 0) {
            rule_fault(reading, node, "annotations", "%.*s: %s", STR_ARG(RULE_MISSING_ANNOTATION),
                       err.message);
        }
    }
}

static void check_recording(struct reading *reading, const struct yaml_node *node,
                            const struct rule_text *rule)
{
    if (rule->annotations.count > 0) {
        rule_fault(reading, node, "annotations", "invalid field 'annotations' in recording rule");
    }
    if (rule->hold != 0) {
        rule_fault(reading, node, "for", "invalid field 'for' in recording rule");
    }
    if (rule->keep_firing != 0) {
        rule_fault(reading, node, "keep_firing_for",
                   "invalid field 'keep_firing_for' in recording rule");
    }
    /* Any UTF-8 is a metric name, but braces are most often an expression in the wrong place. */
    if (str_index_char(rule->record, '{') != SIZE_MAX ||
        str_index_char(rule->record, '}') != SIZE_MAX) {
        rule_fault(reading, node, "record",
                   "braces present in the recording rule name; should it be in expr?: %.*s",
                   STR_ARG(rule->record));
    } else if (!utf8_is_valid(rule->record)) {
        rule_fault(reading, node, "record", "invalid recording rule name: %.*s",
                   STR_ARG(rule->record));
    }
}

/* Where line and column of an expression stand in the expression's text. */
static size_t offset_at(str text, uint32_t line, uint32_t column)
{
    size_t offset = 0;

    for (; line > 1 && offset < text.len; offset++) {
        line -= text.ptr[offset] == '\n';
    }
    return offset + (column > 0 ? column - 1 : 0);
}

static void expr_fault(struct reading *reading, const struct yaml_node *node,
                       const struct baro_error *err)
{
    struct source_place place =
        source_place_yaml(reading->text, node, offset_at(node->text, err->line, err->column));

    (void)faults_add(
        reading->rd.faults, BARO_EPARSE, reading->rd.file, place.line, place.column,
        "group \"%.*s\", rule %zu, \"%.*s\": could not parse expression: %u:%u: parse error: %s",
        STR_ARG(reading->group), reading->rule, STR_ARG(reading->name), err->line, err->column,
        err->message);
}

static void check_expr(struct reading *reading, const struct yaml_node *node, str text)
{
    struct arena arena = {0};
    struct expr *expr = NULL;
    struct baro_error err = {0};

    if (str_trim(text).len == 0) {
        rule_fault(reading, node, NULL, "field 'expr' must be set in rule");
        return;
    }
    if (promql_parse(&arena, text, reading->features, &expr, &err) < 0) {
        expr_fault(reading, yaml_get(node, STR("expr")), &err);
    } else {
        promql_expr_done(expr);
    }
    arena_done(&arena);
}

static void check_rule(struct reading *reading, const struct yaml_node *node,
                       const struct rule_text *rule)
{
    if (rule->record.len > 0 && rule->alert.len > 0) {
        rule_fault(reading, node, NULL, "only one of 'record' and 'alert' must be set");
    } else if (rule->record.len == 0 && rule->alert.len == 0) {
        rule_fault(reading, node, NULL, "one of 'record' or 'alert' must be set");
    }
    check_expr(reading, node, rule->expr);
    if (rule->record.len > 0) {
        check_recording(reading, node, rule);
    }
    check_label_names(reading, node, "labels", rule->labels, "label");
    check_label_names(reading, node, "annotations", rule->annotations, "annotation");
    if (rule->alert.len > 0) {
        check_templates(reading, node, "labels", rule->labels, "label");
        check_templates(reading, node, "annotations", rule->annotations, "annotation");
        check_missing(reading, node, rule->annotations);
    }
}

/* Reads one rule; false when it has faults. */
static bool read_rule(struct reading *reading, const struct group_text *group,
                      const struct yaml_node *node, struct rule_spec *ret)
{
    uint32_t faults = reading->rd.faults->total;
    bool good = true;
    const struct rule_text *rule;

    if (yaml_is_null(node) || node->kind != YAML_KIND_MAPPING) {
        option_fault(&reading->rd, node,
                     "a rule is {record: NAME, expr: EXPR} or {alert: NAME, expr: EXPR}");
        return false;
    }
    rule = option_read(&reading->rd, &rule_type, node, &good);
    if (!good) {
        return false;
    }
    reading->name = rule->record.len > 0 ? rule->record : rule->alert;
    check_rule(reading, node, rule);
    *ret = (struct rule_spec){
        .kind = rule->record.len > 0 ? RULE_RECORDING : RULE_ALERTING,
        .name = reading->name,
        .expr = rule->expr,
        .hold = rule->hold,
        .keep_firing = rule->keep_firing,
        .labels = labels_of(reading->rd.arena, rule->labels, group->labels),
        .annotations = labels_of(reading->rd.arena, rule->annotations, (struct conf_pairs){0}),
        .node = node};
    reading->file->recording_count += ret->kind == RULE_RECORDING;
    reading->file->alerting_count += ret->kind == RULE_ALERTING;
    return reading->rd.faults->total == faults;
}

static size_t item_count(struct reading *reading, const struct yaml_node *list, size_t most,
                         const char *what)
{
    if (list != NULL && list->kind != YAML_KIND_SEQUENCE) {
        option_fault(&reading->rd, list, "%s is a list", what);
        return 0;
    }
    if (list != NULL && list->item_count > most) {
        option_fault(&reading->rd, list, "%s: %zu are too many, %zu at most", what,
                     list->item_count, most);
        return 0;
    }
    return list != NULL ? list->item_count : 0;
}

static void check_group(struct reading *reading, const struct yaml_node *node,
                        const struct group_text *group, struct map *names)
{
    if (group->name.len == 0) {
        option_fault(&reading->rd, node, "Groupname must not be empty");
    } else if (map_put(names, group->name, reading) != NULL) {
        option_fault_key(&reading->rd, node, "name",
                         "groupname: \"%.*s\" is repeated in the same file", STR_ARG(group->name));
    }
    if (group->limit < 0) {
        option_fault_key(&reading->rd, node, "limit", "limit must not be negative");
    }
    for (size_t i = 0; i < group->labels.count; i++) {
        if (group->labels.items[i].name.len == 0 ||
            str_eq(group->labels.items[i].name, LABEL_METRIC_NAME)) {
            option_fault_key(&reading->rd, node, "labels", "invalid label name: %.*s",
                             STR_ARG(group->labels.items[i].name));
        }
    }
}

static void read_group(struct reading *reading, const struct yaml_node *node, struct map *names,
                       struct rule_group_spec *ret)
{
    bool good = true;
    const struct group_text *group;
    size_t count;

    if (yaml_is_null(node) || node->kind != YAML_KIND_MAPPING) {
        option_fault(&reading->rd, node, "a group is {name: NAME, rules: [...]}");
        return;
    }
    group = option_read(&reading->rd, &group_type, node, &good);
    reading->group = group->name;
    check_group(reading, node, group, names);
    count = item_count(reading, group->rules, RULES_MAX, "rules");
    *ret =
        (struct rule_group_spec){.name = group->name,
                                 .interval = group->interval,
                                 .query_offset = group->query_offset,
                                 .has_query_offset = yaml_get(node, STR("query_offset")) != NULL,
                                 .limit = group->limit > 0 ? (uint64_t)group->limit : 0,
                                 .rules = ARENA_ARRAY(reading->rd.arena, struct rule_spec, count)};
    for (size_t i = 0; i < count; i++) {
        reading->rule = i + 1;
        reading->name = STR("");
        if (read_rule(reading, group, group->rules->items[i], &ret->rules[ret->count])) {
            ret->count++;
        }
    }
}

static void read_file(struct reading *reading, const struct yaml_node *tree)
{
    bool good = true;
    const struct file_text *text = option_read(&reading->rd, &file_type, tree, &good);
    size_t count = item_count(reading, text->groups, GROUPS_MAX, "groups");
    struct map names = {0};

    reading->file->groups = ARENA_ARRAY(reading->rd.arena, struct rule_group_spec, count);
    for (size_t i = 0; i < count; i++) {
        read_group(reading, text->groups->items[i], &names, &reading->file->groups[i]);
    }
    reading->file->count = count;
    map_done(&names);
}

static int parse(struct arena *arena, str path, str text, const struct promql_features *features,
                 bool ignore_unknown, struct rule_file *ret, struct faults *faults)
{
    option_notes notes = {0};
    const struct yaml_node *tree = NULL;
    struct baro_error err = {0};
    uint32_t before = faults->total;
    str file = arena_str(arena, path);
    struct reading reading = {
        .rd = {.arena = arena,
               .file = file.ptr,
               .dir = STR("."),
               .faults = faults,
               .unsupported = &notes,
               .quiet = true,
               .ignore_unknown = ignore_unknown},
        .features = features,
        .file = ret,
        .text = text,
    };

    *ret = (struct rule_file){0};
    if (yaml_parse(arena, text, &tree, &err) < 0) {
        return faults_add(faults, err.code, file.ptr, err.line, err.column, "%s", err.message);
    }
    if (!yaml_is_null(tree)) {
        read_file(&reading, tree);
    }
    vec_done(&notes);
    if (faults->total == before) {
        return 0;
    }
    return before < faults->count ? faults->items[before].code : BARO_EINVALID;
}

int rule_file_parse(struct arena *arena, str path, str text, const struct promql_features *features,
                    struct rule_file *ret, struct faults *faults)
{
    return parse(arena, path, text, features, false, ret, faults);
}

int rule_file_parse_lax(struct arena *arena, str path, str text,
                        const struct promql_features *features, struct rule_file *ret,
                        struct faults *faults)
{
    return parse(arena, path, text, features, true, ret, faults);
}
