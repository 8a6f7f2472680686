#include "app/check_rules.h"

#include "app/source_place.h"
#include "base/map.h"
#include "codec/yaml.h"
#include "conf/option.h"
#include "template/template_alert.h"

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
    bool lint;
    struct map seen;              /* rules by name and labels -> struct yaml_node */
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

/* Names may be any text that is not empty, since Prometheus 3; the reader has checked that it is
 * UTF-8. Labels of a rule cannot set the metric's name. */
static void check_names(struct check *c, const struct yaml_node *pairs, const char *what)
{
    bool is_label = strcmp(what, "label") == 0;

    for (size_t i = 0; pairs != NULL && i < pairs->pair_count; i++) {
        const struct yaml_node *key = pairs->pairs[i].key;

        if (key->text.len == 0 || (is_label && str_is(key->text, "__name__"))) {
            option_fault(&c->rd, key, "invalid %s name: %.*s", what, STR_ARG(key->text));
        }
    }
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
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
        while (end < text.len && is_word(text.ptr[end])) {
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

static void check_templates(struct check *c, const struct yaml_node *pairs, str alert,
                            const struct expr_labels *labels)
{
    for (size_t i = 0; pairs != NULL && pairs->kind == YAML_KIND_MAPPING && i < pairs->pair_count;
         i++) {
        const struct yaml_node *value = pairs->pairs[i].value;
        struct baro_error err = {0};

        if (value->kind != YAML_KIND_SCALAR) {
            continue;
        }
        if (template_alert_check(alert, value->text, &err) < 0) {
            say(c, source_place_yaml(c->text, value, 0), err.message);
        } else {
            check_template(c, value, labels);
        }
    }
}

/* The texts are Prometheus's. */
static void check_rule_keys(struct check *c, const struct rule_text *rule,
                            const struct yaml_node *node)
{
    struct option_reader *rd = &c->rd;
    bool is_record = rule->record.len > 0;

    if (is_record && rule->alert.len > 0) {
        option_fault(rd, node, "only one of 'record' and 'alert' must be set");
    } else if (!is_record && rule->alert.len == 0) {
        option_fault(rd, node, "one of 'record' or 'alert' must be set");
    }
    if (is_record && str_index_char(rule->record, '{') != SIZE_MAX) {
        option_fault_key(rd, node, "record",
                         "braces present in the recording rule name; should it be in expr?: %.*s",
                         STR_ARG(rule->record));
    }
    if (is_record && rule->annotations.count > 0) {
        option_fault_key(rd, node, "annotations", "invalid field 'annotations' in recording rule");
    }
    if (is_record && rule->hold != 0) {
        option_fault_key(rd, node, "for", "invalid field 'for' in recording rule");
    }
    if (is_record && rule->keep_firing != 0) {
        option_fault_key(rd, node, "keep_firing_for",
                         "invalid field 'keep_firing_for' in recording rule");
    }
    check_names(c, yaml_get(node, STR("labels")), "label");
    check_names(c, yaml_get(node, STR("annotations")), "annotation");
}

/* Rules of one name and the same labels write the same series, or are one alert twice. */
static void lint_rule(struct check *c, const struct rule_text *rule, const struct yaml_node *node)
{
    struct buf key = {0};
    const struct yaml_node *first;
    str name = rule->record.len > 0 ? rule->record : rule->alert;

    buf_printf(&key, "%zu:", name.len);
    buf_str(&key, name);
    for (size_t i = 0; i < rule->labels.count; i++) {
        buf_printf(&key, "%zu:%zu:", rule->labels.items[i].name.len,
                   rule->labels.items[i].value.len);
        buf_str(&key, rule->labels.items[i].name);
        buf_str(&key, rule->labels.items[i].value);
    }
    first = map_put(&c->seen, arena_str(&c->arena, buf_view(&key)), (void *)(uintptr_t)node);
    buf_done(&key);
    if (first != NULL) {
        buf_printf(c->out, "%s:%u:%u: lint: %.*s with the same labels stands at line %u, too\n",
                   c->file, node->line, node->column, STR_ARG(name), first->line);
        c->counts.lints++;
    }
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
    if (c->lint) {
        lint_rule(c, rule, node);
    }
    if (rule->expr == NULL || rule->expr->kind != YAML_KIND_SCALAR) {
        option_fault(&c->rd, rule->expr != NULL ? rule->expr : node,
                     "field 'expr' must be set in rule");
        return;
    }
    c->node = rule->expr;
    expr_check(c->known, &c->arena, rule->expr->text, false, expr_fault, c, &labels);
    if (rule->alert.len > 0) {
        check_templates(c, yaml_get(node, STR("labels")), rule->alert, &labels);
        check_templates(c, yaml_get(node, STR("annotations")), rule->alert, &labels);
    }
}

static void check_group(struct check *c, const struct yaml_node *node, struct map *names)
{
    bool good = true;
    const struct group_text *group = option_read(&c->rd, &group_type, node, &good);

    c->counts.groups++;
    if (yaml_is_null(node) || (good && group->name.len == 0)) {
        option_fault(&c->rd, node, "Groupname must not be empty");
    } else if (good && map_put(names, group->name, c) != NULL) {
        option_fault_key(&c->rd, node, "name", "groupname: \"%.*s\" is repeated in the same file",
                         STR_ARG(group->name));
    }
    check_names(c, yaml_get(node, STR("labels")), "label");
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

size_t check_rules(str text, const char *file, const struct expr_known *known, bool lint,
                   struct rule_counts *ret_counts, struct buf *out)
{
    option_notes notes = {0};
    struct check c = {.text = text, .file = file, .known = known, .lint = lint, .out = out};

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
    map_done(&c.seen);
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
