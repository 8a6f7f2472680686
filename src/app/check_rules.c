#include "app/check_rules.h"

#include "app/source_place.h"
#include "base/map.h"
#include "codec/yaml.h"
#include "conf/option.h"

/* ---- what a file says ---- */

struct rule_text {
    str record;
    str alert;
    const struct yaml_node *expr;
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
    {"expr", OPTION_CUSTOM, 0, offsetof(struct rule_text, expr), NULL, &node_custom, NULL},
    {"for", OPTION_DURATION, 0, offsetof(struct rule_text, hold), NULL, NULL, NULL},
    {"keep_firing_for", OPTION_DURATION, 0, offsetof(struct rule_text, keep_firing), NULL, NULL,
     NULL},
    {"labels", OPTION_PAIRS, 0, offsetof(struct rule_text, labels), NULL, NULL, NULL},
    {"annotations", OPTION_PAIRS, 0, offsetof(struct rule_text, annotations), NULL, NULL, NULL},
};
static const struct option_type rule_type = {
    .name = "rule",
    .size = sizeof(struct rule_text),
    .rows = rule_rows,
    .count = ARRAY_COUNT(rule_rows),
    .place_offset = OPTION_NO_PLACE,
};

static const struct option group_rows[] = {
    {"name", OPTION_STR, 0, offsetof(struct group_text, name), NULL, NULL, NULL},
    {"interval", OPTION_DURATION, 0, offsetof(struct group_text, interval), NULL, NULL, NULL},
    {"query_offset", OPTION_DURATION, 0, offsetof(struct group_text, query_offset), NULL, NULL,
     NULL},
    {"limit", OPTION_INT, 0, offsetof(struct group_text, limit), NULL, NULL, NULL},
    {"labels", OPTION_PAIRS, 0, offsetof(struct group_text, labels), NULL, NULL, NULL},
    {"rules", OPTION_CUSTOM, 0, offsetof(struct group_text, rules), NULL, &node_custom, NULL},
};
static const struct option_type group_type = {
    .name = "group",
    .size = sizeof(struct group_text),
    .rows = group_rows,
    .count = ARRAY_COUNT(group_rows),
    .place_offset = OPTION_NO_PLACE,
};

static const struct option file_rows[] = {
    {"groups", OPTION_CUSTOM, 0, offsetof(struct file_text, groups), NULL, &node_custom, NULL},
};
static const struct option_type file_type = {
    .name = "rule file",
    .size = sizeof(struct file_text),
    .rows = file_rows,
    .count = ARRAY_COUNT(file_rows),
    .place_offset = OPTION_NO_PLACE,
};

/* ---- checking ---- */

struct check {
    str text;
    const char *file;
    const struct expr_known *known;
    struct arena arena;
    struct option_reader rd;
    struct faults faults; /* of the YAML since the last flush */
    struct rule_counts counts;
    struct buf *out;
    size_t found;
    const struct yaml_node *node; /* the scalar whose expression is being checked */
};

static void say(struct check *c, struct source_place place, const char *message)
{
    buf_printf(c->out, "%s:%u:%u: %s\n", c->file, place.line, place.column, message);
    c->found++;
}

/* What the option tables found goes out in the order of the file. */
static void flush(struct check *c)
{
    for (uint32_t i = 0; i < c->faults.count; i++) {
        const struct baro_error *fault = &c->faults.items[i];

        say(c, (struct source_place){fault->line, fault->column}, fault->message);
    }
    c->found += c->faults.total - c->faults.count;
    c->faults = (struct faults){0};
}

static void expr_fault(void *context, uint32_t offset, const char *message)
{
    struct check *c = context;

    say(c, source_place_yaml(c->text, c->node, offset), message);
}

static bool is_label_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return name.len > 0;
}

static bool is_metric_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';

        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return name.len > 0;
}

static void check_label_names(struct check *c, const struct yaml_node *labels)
{
    for (size_t i = 0; labels != NULL && i < labels->pair_count; i++) {
        const struct yaml_node *key = labels->pairs[i].key;

        if (!is_label_name(key->text) || str_is(key->text, "__name__")) {
            option_fault(&c->rd, key, "invalid label name: %.*s", STR_ARG(key->text));
        }
    }
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
        while (end < text.len && is_label_name(str_slice(text, start, end + 1))) {
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

static void check_rule_keys(struct check *c, const struct rule_text *rule,
                            const struct yaml_node *node)
{
    struct option_reader *rd = &c->rd;

    if ((rule->record.len > 0) == (rule->alert.len > 0)) {
        option_fault(rd, node, "a rule has either record or alert");
    }
    if (rule->record.len > 0 && !is_metric_name(rule->record)) {
        option_fault_key(rd, node, "record", "invalid recording rule name: %.*s",
                         STR_ARG(rule->record));
    }
    if (rule->record.len > 0 && rule->annotations.count > 0) {
        option_fault_key(rd, node, "annotations", "a recording rule has no annotations");
    }
    if (rule->record.len > 0 && (rule->hold != 0 || rule->keep_firing != 0)) {
        option_fault_key(rd, node, rule->hold != 0 ? "for" : "keep_firing_for",
                         "a recording rule has neither for nor keep_firing_for");
    }
    check_label_names(c, yaml_get(node, STR("labels")));
    check_label_names(c, yaml_get(node, STR("annotations")));
}

static void check_rule(struct check *c, const struct yaml_node *node)
{
    bool good = true;
    struct expr_labels labels = {.any = true};

    if (yaml_is_null(node)) {
        option_fault(&c->rd, node, "a rule is {record: ..., expr: ...} or {alert: ..., expr: ...}");
        return;
    }
    const struct rule_text *rule = option_read(&c->rd, &rule_type, node, &good);
    if (!good) {
        return;
    }
    c->counts.recording += rule->record.len > 0 ? 1 : 0;
    c->counts.alerting += rule->alert.len > 0 ? 1 : 0;
    check_rule_keys(c, rule, node);
    flush(c);
    if (rule->expr == NULL || rule->expr->kind != YAML_KIND_SCALAR) {
        option_fault(&c->rd, rule->expr != NULL ? rule->expr : node, "a rule needs an expr");
        return;
    }
    c->node = rule->expr;
    expr_check(c->known, &c->arena, rule->expr->text, false, expr_fault, c, &labels);
    if (rule->alert.len > 0) {
        check_templates(c, yaml_get(node, STR("labels")), &labels);
        check_templates(c, yaml_get(node, STR("annotations")), &labels);
    }
}

static void check_group(struct check *c, const struct yaml_node *node, struct map *names)
{
    bool good = true;
    const struct group_text *group = option_read(&c->rd, &group_type, node, &good);

    c->counts.groups++;
    if (yaml_is_null(node) || (good && group->name.len == 0)) {
        option_fault(&c->rd, node, "a group needs a name");
    } else if (good && map_put(names, group->name, c) != NULL) {
        option_fault_key(&c->rd, node, "name", "group \"%.*s\" is there twice in this file",
                         STR_ARG(group->name));
    }
    check_label_names(c, yaml_get(node, STR("labels")));
    if (group->rules != NULL && group->rules->kind != YAML_KIND_SEQUENCE) {
        option_fault(&c->rd, group->rules, "rules is a list");
    }
    flush(c);
    for (size_t i = 0; group->rules != NULL && group->rules->kind == YAML_KIND_SEQUENCE &&
                       i < group->rules->item_count;
         i++) {
        check_rule(c, group->rules->items[i]);
        flush(c);
    }
}

static void check_file(struct check *c)
{
    const struct yaml_node *tree = NULL;
    const struct file_text *file;
    struct baro_error err = {0};
    struct map names = {0};
    bool good = true;

    if (yaml_parse(&c->arena, c->text, &tree, &err) < 0) {
        say(c, (struct source_place){err.line, err.column}, err.message);
        return;
    }
    if (yaml_is_null(tree)) {
        return;
    }
    file = option_read(&c->rd, &file_type, tree, &good);
    if (file->groups != NULL && file->groups->kind != YAML_KIND_SEQUENCE) {
        option_fault(&c->rd, file->groups, "groups is a list");
    }
    flush(c);
    for (size_t i = 0; file->groups != NULL && file->groups->kind == YAML_KIND_SEQUENCE &&
                       i < file->groups->item_count;
         i++) {
        check_group(c, file->groups->items[i], &names);
    }
    map_done(&names);
}

size_t check_rules(str text, const char *file, const struct expr_known *known,
                   struct rule_counts *ret_counts, struct buf *out)
{
    option_notes notes = {0};
    struct check c = {.text = text, .file = file, .known = known, .out = out};

    c.rd = (struct option_reader){
        .arena = &c.arena,
        .file = file,
        .dir = STR("."),
        .faults = &c.faults,
        .unsupported = &notes,
        .quiet = true,
    };
    check_file(&c);
    *ret_counts = c.counts;
    arena_done(&c.arena);
    vec_done(&notes);
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
