#include "exporter/statsd_map.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "codec/regex.h"
#include "conf/option.h"

enum { GLOB_PARTS_MAX = 64, KIND_ANY = -1, MAX_AGE_MS = 600000 };

struct rule {
    str match;
    str match_type;
    str name;
    str help;
    str action;
    str metric_type;
    str observer_type;
    struct conf_pairs labels;
    const struct yaml_node *buckets, *quantiles, *histogram_options, *summary_options;
    dur ttl;
    double scale;
    bool honor_labels;
    /* What the check makes of them. */
    struct regex *regex;
    int kind; /* enum statsd_type, or KIND_ANY */
    bool is_drop;
    struct statsd_observer observer;
};

struct defaults {
    str match_type;
    str observer_type;
    str timer_type;
    const struct yaml_node *buckets, *quantiles, *histogram_options, *summary_options;
    bool glob_disable_ordering;
    dur ttl;
    struct statsd_observer observer;
};

struct statsd_map {
    struct arena arena;
    struct defaults *defaults;
    struct rule *const *rules;
    size_t count;
};

static const double buckets_default[] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
static const double quantiles_default[] = {.5, .9, .99};

/* ---- the file ---- */

static bool keep_node(UNUSED struct option_reader *rd, void *target,
                      UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    *(const struct yaml_node **)target = yaml_is_null(node) ? NULL : node;
    return true;
}

static const struct option_custom node_custom = {.read = keep_node};

static bool is_word(str text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (str_is(text, *words)) {
            return true;
        }
    }
    return text.len == 0;
}

static bool number_of(struct option_reader *rd, const struct yaml_node *node, double *ret)
{
    str text = STR("");

    if (!option_text(rd, node, &text) || !num_parse_decimal(text, ret)) {
        option_fault(rd, node, "not a number");
        return false;
    }
    return true;
}

static void buckets_read(struct option_reader *rd, const struct yaml_node *node,
                         struct statsd_observer *ret)
{
    double *items;

    if (yaml_is_null(node)) {
        return;
    }
    if (node->kind != YAML_KIND_SEQUENCE || node->item_count > STATSD_BUCKETS_MAX) {
        option_fault(rd, node, "buckets are a list of at most %d rising numbers",
                     STATSD_BUCKETS_MAX);
        return;
    }
    items = ARENA_ARRAY(rd->arena, double, node->item_count + 1);
    for (size_t i = 0; i < node->item_count; i++) {
        if (!number_of(rd, node->items[i], &items[i])) {
            return;
        }
        if (i > 0 && !(items[i] > items[i - 1])) {
            option_fault(rd, node->items[i], "buckets rise: sort them");
            return;
        }
    }
    ret->buckets = items;
    ret->bucket_count = node->item_count;
}

/* [{quantile: 0.5, error: 0.05}]; how exact an answer is does not depend on the error here. */
static void quantiles_read(struct option_reader *rd, const struct yaml_node *node,
                           struct statsd_observer *ret)
{
    double *items;

    if (yaml_is_null(node)) {
        return;
    }
    if (node->kind != YAML_KIND_SEQUENCE || node->item_count > STATSD_QUANTILES_MAX) {
        option_fault(rd, node, "quantiles are a list of at most %d", STATSD_QUANTILES_MAX);
        return;
    }
    items = ARENA_ARRAY(rd->arena, double, node->item_count + 1);
    for (size_t i = 0; i < node->item_count; i++) {
        const struct yaml_node *quantile = yaml_get(node->items[i], STR("quantile"));

        if (quantile == NULL) {
            option_fault(rd, node->items[i], "a quantile is {quantile: 0.5, error: 0.05}");
            return;
        }
        if (!number_of(rd, quantile, &items[i])) {
            return;
        }
        if (!(items[i] >= 0 && items[i] <= 1) || (i > 0 && !(items[i] > items[i - 1]))) {
            option_fault(rd, node->items[i], "quantiles lie between 0 and 1, and rise");
            return;
        }
    }
    ret->quantiles = items;
    ret->quantile_count = node->item_count;
}

/* The keys that a rule and the defaults share. */
static void observer_read(struct option_reader *rd, const struct yaml_node *node, str type,
                          const struct yaml_node *buckets, const struct yaml_node *quantiles,
                          const struct yaml_node *histogram, const struct yaml_node *summary,
                          struct statsd_observer *ret)
{
    static const char *const types[] = {"histogram", "summary", NULL};
    const struct yaml_node *age = yaml_get(summary, STR("max_age"));
    str text = STR("");

    if (!is_word(type, types)) {
        option_fault_key(rd, node, "observer_type", "give histogram or summary");
    } else if (type.len > 0) {
        ret->is_histogram = str_is(type, "histogram");
    }
    buckets_read(rd, buckets, ret);
    buckets_read(rd, yaml_get(histogram, STR("buckets")), ret);
    quantiles_read(rd, quantiles, ret);
    quantiles_read(rd, yaml_get(summary, STR("quantiles")), ret);
    if (age != NULL && (!option_text(rd, age, &text) || dur_parse(text, &ret->max_age, NULL) < 0 ||
                        ret->max_age <= 0)) {
        option_fault(rd, age, "max_age is a duration, such as 10m");
    }
}

static void check_defaults(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    struct defaults *defaults = object;
    str type = defaults->observer_type.len > 0 ? defaults->observer_type : defaults->timer_type;

    defaults->observer = (struct statsd_observer){
        .buckets = buckets_default,
        .bucket_count = ARRAY_COUNT(buckets_default),
        .quantiles = quantiles_default,
        .quantile_count = ARRAY_COUNT(quantiles_default),
        .max_age = MAX_AGE_MS,
    };
    observer_read(rd, node, type, defaults->buckets, defaults->quantiles,
                  defaults->histogram_options, defaults->summary_options, &defaults->observer);
}

#define DEFAULT(key, kind, field, detail)                                                          \
    {                                                                                              \
        key, kind, 0, offsetof(struct defaults, field), NULL, detail, NULL                         \
    }
#define RULE(key, kind, field, initial, detail)                                                    \
    {                                                                                              \
        key, kind, 0, offsetof(struct rule, field), initial, detail, NULL                          \
    }

static const struct option defaults_rows[] = {
    DEFAULT("match_type", OPTION_STR, match_type, NULL),
    DEFAULT("observer_type", OPTION_STR, observer_type, NULL),
    DEFAULT("timer_type", OPTION_STR, timer_type, NULL),
    DEFAULT("buckets", OPTION_CUSTOM, buckets, &node_custom),
    DEFAULT("quantiles", OPTION_CUSTOM, quantiles, &node_custom),
    DEFAULT("histogram_options", OPTION_CUSTOM, histogram_options, &node_custom),
    DEFAULT("summary_options", OPTION_CUSTOM, summary_options, &node_custom),
    DEFAULT("glob_disable_ordering", OPTION_BOOL, glob_disable_ordering, NULL),
    DEFAULT("ttl", OPTION_DURATION, ttl, NULL),
};
static const struct option_type defaults_type = {
    "defaults",      sizeof(struct defaults), defaults_rows, ARRAY_COUNT(defaults_rows),
    OPTION_NO_PLACE, check_defaults,
};

static const struct option rule_rows[] = {
    RULE("match", OPTION_STR, match, NULL, NULL),
    RULE("match_type", OPTION_STR, match_type, NULL, NULL),
    RULE("name", OPTION_STR, name, NULL, NULL),
    RULE("help", OPTION_STR, help, NULL, NULL),
    RULE("action", OPTION_STR, action, NULL, NULL),
    RULE("match_metric_type", OPTION_STR, metric_type, NULL, NULL),
    RULE("observer_type", OPTION_STR, observer_type, NULL, NULL),
    RULE("timer_type", OPTION_STR, observer_type, NULL, NULL),
    RULE("labels", OPTION_PAIRS, labels, NULL, NULL),
    RULE("buckets", OPTION_CUSTOM, buckets, NULL, &node_custom),
    RULE("quantiles", OPTION_CUSTOM, quantiles, NULL, &node_custom),
    RULE("histogram_options", OPTION_CUSTOM, histogram_options, NULL, &node_custom),
    RULE("summary_options", OPTION_CUSTOM, summary_options, NULL, &node_custom),
    RULE("ttl", OPTION_DURATION, ttl, NULL, NULL),
    RULE("scale", OPTION_DOUBLE, scale, "1", NULL),
    RULE("honor_labels", OPTION_BOOL, honor_labels, NULL, NULL),
};
static const struct option_type rule_type = {
    "mapping", sizeof(struct rule), rule_rows, ARRAY_COUNT(rule_rows), OPTION_NO_PLACE, NULL,
};

static bool is_glob(str match)
{
    size_t parts = 0;

    for (str part; str_split_next(&match, '.', &part); parts++) {
        for (size_t i = 0; i < part.len; i++) {
            char c = part.ptr[i];
            bool is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == ':';

            if (!is_name && !(c == '*' && part.len == 1)) {
                return false;
            }
        }
        if (part.len == 0) {
            return false;
        }
    }
    return parts > 0 && parts <= GLOB_PARTS_MAX;
}

static int kind_of(str word)
{
    return str_is(word, "counter")                             ? STATSD_COUNTER
           : str_is(word, "gauge")                             ? STATSD_GAUGE
           : str_is(word, "observer") || str_is(word, "timer") ? STATSD_OBSERVER
                                                               : KIND_ANY;
}

static void rule_check(struct option_reader *rd, struct rule *rule, const struct defaults *defaults,
                       const struct yaml_node *node)
{
    static const char *const actions[] = {"map", "drop", NULL};
    static const char *const kinds[] = {"counter", "gauge", "observer", "timer", NULL};
    static const char *const styles[] = {"glob", "regex", NULL};
    str style = rule->match_type.len > 0 ? rule->match_type : defaults->match_type;
    struct baro_error err = {0};

    rule->kind = kind_of(rule->metric_type);
    rule->is_drop = str_is(rule->action, "drop");
    rule->ttl = rule->ttl > 0 ? rule->ttl : defaults->ttl;
    rule->observer = defaults->observer;
    if (!is_word(rule->action, actions)) {
        option_fault_key(rd, node, "action", "give map or drop");
    } else if (!is_word(rule->metric_type, kinds)) {
        option_fault_key(rd, node, "match_metric_type", "give counter, gauge or observer");
    } else if (!is_word(style, styles)) {
        option_fault_key(rd, node, "match_type", "give glob or regex");
    } else if (rule->match.len == 0) {
        option_fault(rd, node, "a mapping needs a match");
    } else if (rule->name.len == 0 && !rule->is_drop) {
        option_fault(rd, node, "a mapping needs a name, or action: drop");
    } else if (rule->labels.count > STATSD_TAGS_MAX) {
        option_fault_key(rd, node, "labels", "at most %d labels", STATSD_TAGS_MAX);
    } else if (str_is(style, "regex")) {
        if (regex_new(rule->match, false, &rule->regex, &err) < 0) {
            option_fault_key(rd, node, "match", "%s", err.message);
        }
    } else if (!is_glob(rule->match)) {
        option_fault_key(rd, node, "match",
                         "no glob: names with dots between, and '*' for a whole part; for more, "
                         "give match_type: regex");
    }
    observer_read(rd, node, rule->observer_type, rule->buckets, rule->quantiles,
                  rule->histogram_options, rule->summary_options, &rule->observer);
}

static void rules_read(struct option_reader *rd, struct statsd_map *map,
                       const struct yaml_node *list)
{
    struct rule **rules;

    if (yaml_is_null(list)) {
        return;
    }
    if (list->kind != YAML_KIND_SEQUENCE || list->item_count > STATSD_RULES_MAX) {
        option_fault(rd, list, "mappings are a list of at most %d", STATSD_RULES_MAX);
        return;
    }
    rules = ARENA_ARRAY(rd->arena, struct rule *, list->item_count + 1);
    for (size_t i = 0; i < list->item_count; i++) {
        bool good = true;

        rules[i] = option_read(rd, &rule_type, list->items[i], &good);
        rules[i]->help = arena_str(rd->arena, rules[i]->help);
        map->rules = rules;
        map->count = i + 1;
        if (good) {
            rule_check(rd, rules[i], map->defaults, list->items[i]);
        }
    }
}

int statsd_map_parse(str text, const char *file, struct statsd_map **ret, struct faults *faults)
{
    struct statsd_map *map = MEM_NEW(struct statsd_map);
    option_notes notes = {0};
    struct option_reader rd = {.arena = &map->arena,
                               .file = file,
                               .dir = STR("."),
                               .faults = faults,
                               .unsupported = &notes,
                               .quiet = true};
    const struct yaml_node *tree = NULL;
    struct baro_error err = {0};
    bool good = true;

    if (text.len > STATSD_MAP_BYTES_MAX) {
        (void)faults_add(faults, BARO_ELIMIT, file, 1, 1, "larger than %d MiB",
                         STATSD_MAP_BYTES_MAX >> 20);
    } else if (yaml_parse(&map->arena, text, &tree, &err) < 0) {
        (void)faults_add(faults, err.code, file, err.line, err.column, "%s", err.message);
    } else if (!yaml_is_null(tree) && tree->kind != YAML_KIND_MAPPING) {
        option_fault(&rd, tree, "the file is a mapping with defaults and mappings");
    } else {
        const struct yaml_node *defaults = yaml_get(tree, STR("defaults"));

        for (size_t i = 0; tree != NULL && i < tree->pair_count && !yaml_is_null(tree); i++) {
            str key = tree->pairs[i].key->text;

            if (!str_is(key, "defaults") && !str_is(key, "mappings")) {
                option_fault(&rd, tree->pairs[i].key, "'%.*s' is neither defaults nor mappings",
                             STR_ARG(key));
            }
        }
        map->defaults = yaml_is_null(defaults) ? option_new(&rd, &defaults_type)
                                               : option_read(&rd, &defaults_type, defaults, &good);
        if (yaml_is_null(defaults)) {
            check_defaults(&rd, map->defaults, NULL);
        }
        if (good) {
            rules_read(&rd, map, yaml_get(tree, STR("mappings")));
        }
    }
    vec_done(&notes);
    if (faults->total > 0) {
        (void)statsd_map_free(map);
        return BARO_EPARSE;
    }
    *ret = map;
    return 0;
}

struct statsd_map *statsd_map_free(struct statsd_map *map)
{
    if (map != NULL) {
        for (size_t i = 0; i < map->count; i++) {
            (void)regex_free(map->rules[i]->regex);
        }
        arena_done(&map->arena);
        mem_free(map);
    }
    return NULL;
}

size_t statsd_map_count(const struct statsd_map *map)
{
    return map->count;
}

/* ---- matching ---- */

/* Group 0 is unused; 1.. are what the stars stood for. */
static bool glob_match(str glob, str name, str *groups, size_t *ret_count)
{
    size_t count = 1;
    str want;

    while (str_split_next(&glob, '.', &want)) {
        str part;

        if (!str_split_next(&name, '.', &part)) {
            return false;
        }
        if (str_is(want, "*")) {
            if (count < REGEX_GROUPS_MAX) {
                groups[count++] = part;
            }
        } else if (!str_eq(want, part)) {
            return false;
        }
    }
    *ret_count = count;
    return name.ptr == NULL || name.len == 0;
}

/* "$1", "${1}" with what the stars stood for. */
static str glob_expand(struct arena *arena, str text, const str *groups, size_t count)
{
    struct buf buf = {0};

    for (size_t i = 0; i < text.len; i++) {
        size_t at = i + 1;
        bool braced = at < text.len && text.ptr[at] == '{';
        size_t number = 0;
        size_t digits = 0;

        at += braced ? 1 : 0;
        while (text.ptr[i] == '$' && at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9' &&
               digits < 3) {
            number = number * 10 + (size_t)(text.ptr[at++] - '0');
            digits++;
        }
        if (digits == 0 || (braced && (at >= text.len || text.ptr[at] != '}'))) {
            buf_char(&buf, text.ptr[i]);
            continue;
        }
        if (number > 0 && number < count) {
            buf_str(&buf, groups[number]);
        }
        i = at - (braced ? 0 : 1);
    }
    return text_take(arena, &buf);
}

static str expand(const struct rule *rule, struct arena *arena, str text, const str *groups,
                  size_t count)
{
    struct buf buf = {0};

    if (str_index_char(text, '$') == SIZE_MAX) {
        return text;
    }
    if (rule->regex == NULL) {
        return glob_expand(arena, text, groups, count);
    }
    regex_expand(rule->regex, &buf, text, groups, count);
    return text_take(arena, &buf);
}

/* What no metric or label name may have becomes "_". */
static str name_clean(struct arena *arena, str name, bool is_label)
{
    char *ret = arena_alloc(arena, name.len + 2);
    size_t len = 0;

    if (name.len > 0 && name.ptr[0] >= '0' && name.ptr[0] <= '9') {
        ret[len++] = '_';
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || (c == ':' && !is_label);

        ret[len++] = good ? c : '_';
    }
    ret[len] = '\0';
    return (str){ret, len};
}

/* In the order of their names; the first of a name stays. */
static void tag_put(struct statsd_mapped *ret, str name, str value)
{
    size_t at = 0;

    while (at < ret->tag_count && str_cmp(ret->tags[at].name, name) < 0) {
        at++;
    }
    if (name.len == 0 || value.len == 0 || ret->tag_count >= STATSD_TAGS_MAX ||
        (at < ret->tag_count && str_eq(ret->tags[at].name, name))) {
        return;
    }
    memmove(&ret->tags[at + 1], &ret->tags[at], (ret->tag_count - at) * sizeof(ret->tags[0]));
    ret->tags[at] = (struct statsd_tag){name, value};
    ret->tag_count++;
}

static const struct rule *rule_find(const struct statsd_map *map, const struct statsd_event *event,
                                    str *groups, size_t *ret_count)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct rule *rule = map->rules[i];

        if (rule->kind != KIND_ANY && rule->kind != (int)event->type) {
            continue;
        }
        if (rule->regex == NULL ? glob_match(rule->match, event->name, groups, ret_count)
                                : regex_find(rule->regex, event->name, groups, REGEX_GROUPS_MAX)) {
            *ret_count = rule->regex == NULL ? *ret_count : regex_group_count(rule->regex) + 1;
            *ret_count = *ret_count < REGEX_GROUPS_MAX ? *ret_count : REGEX_GROUPS_MAX;
            return rule;
        }
    }
    return NULL;
}

void statsd_map_find(const struct statsd_map *map, const struct statsd_event *event,
                     struct arena *arena, struct statsd_mapped *ret)
{
    str groups[REGEX_GROUPS_MAX] = {0};
    size_t count = 0;
    const struct rule *rule = rule_find(map, event, groups, &count);
    bool tags_first = rule != NULL && rule->honor_labels;

    *ret = (struct statsd_mapped){
        .is_mapped = rule != NULL,
        .is_dropped = rule != NULL && rule->is_drop,
        .help = rule != NULL && rule->help.len > 0 ? rule->help.ptr : "Metric from StatsD.",
        .observer = rule != NULL ? &rule->observer : &map->defaults->observer,
        .ttl = rule != NULL ? rule->ttl : map->defaults->ttl,
        .scale = rule != NULL ? rule->scale : 1,
    };
    ret->name = name_clean(
        arena, rule != NULL ? expand(rule, arena, rule->name, groups, count) : event->name, false);
    for (int round = 0; round < 2; round++) {
        if ((round == 0) == tags_first) {
            for (size_t i = 0; i < event->tag_count; i++) {
                tag_put(ret, name_clean(arena, event->tags[i].name, true), event->tags[i].value);
            }
        } else {
            for (size_t i = 0; rule != NULL && i < rule->labels.count; i++) {
                tag_put(ret, name_clean(arena, rule->labels.items[i].name, true),
                        expand(rule, arena, rule->labels.items[i].value, groups, count));
            }
        }
    }
}
