#include "catalog/catalog_priv.h"

#include "codec/regex.h"

/* libbaro cuts longer values. */
enum { VALUE_BYTES_MAX = 1024 };

/* Values of one open label at most. */
enum { OPEN_MAX = 1000000 };

/* What a file says of a set, before it is checked. */
struct set_text {
    const struct yaml_node *node;
    const struct yaml_node *values_node;
    str help;
    uint64_t max;
    str pattern;
};

static bool keep_values(UNUSED struct option_reader *rd, void *target,
                        UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    *(const struct yaml_node **)target = node;
    return true;
}

static const struct option_custom values_custom = {.read = keep_values};

static const struct option set_rows[] = {
    {"values", OPTION_CUSTOM, 0, offsetof(struct set_text, values_node), NULL, &values_custom,
     NULL},
    {"max", OPTION_UINT, 0, offsetof(struct set_text, max), NULL, NULL, NULL},
    {"pattern", OPTION_REGEX, 0, offsetof(struct set_text, pattern), NULL, NULL, NULL},
    {"help", OPTION_STR, 0, offsetof(struct set_text, help), NULL, NULL, NULL},
};

static const struct option_type set_type = {
    .name = "label",
    .size = sizeof(struct set_text),
    .rows = set_rows,
    .count = ARRAY_COUNT(set_rows),
    .place_offset = OPTION_NO_PLACE,
};

/* One value of a closed set: text, not empty (that is no label), each once. */
static bool read_value(struct option_reader *rd, const struct yaml_node *node, struct map *seen,
                       str *ret)
{
    if (!option_text(rd, node, ret)) {
        return false;
    }
    if (ret->len == 0 || ret->len > VALUE_BYTES_MAX) {
        option_fault(rd, node,
                     ret->len == 0 ? "a label value cannot be empty: leave it out"
                                   : "a label value is at most 1024 bytes long");
        return false;
    }
    if (map_put(seen, *ret, (void *)(uintptr_t)node) != NULL) {
        option_fault(rd, node, "value '%.*s' is there twice", STR_ARG(*ret));
        return false;
    }
    return true;
}

/* Reads the list `node` into a closed set; `limit` values at most. */
static bool read_closed(struct catalog_loader *loader, const struct yaml_node *node, size_t limit,
                        struct catalog_set *set)
{
    struct option_reader *rd = &loader->rd;
    struct map seen = {0};
    bool good = true;

    if (node->kind != YAML_KIND_SEQUENCE || node->item_count == 0 || node->item_count > limit) {
        option_fault(rd, node, "a closed set is a list of 1 to %zu values", limit);
        return false;
    }
    str *values = ARENA_ARRAY(rd->arena, str, node->item_count);
    str *c_names = ARENA_ARRAY(rd->arena, str, node->item_count);
    for (size_t i = 0; i < node->item_count; i++) {
        good &= read_value(rd, node->items[i], &seen, &values[i]);
        c_names[i] = catalog_name_constant(rd->arena, values[i]);
    }
    map_done(&seen);
    set->values = values;
    set->value_c_names = c_names;
    set->value_count = node->item_count;
    set->max = node->item_count;
    set->index = loader->sets.count;
    vec_push(&loader->sets, set);
    return good;
}

static bool check_set(struct option_reader *rd, const struct set_text *text,
                      const struct yaml_node *node)
{
    if (text->values_node == NULL && text->max == 0) {
        option_fault(rd, node,
                     "a label needs a bound: values: [...] when all are known, else max: N");
        return false;
    }
    if (text->values_node != NULL && (text->max != 0 || text->pattern.len > 0)) {
        option_fault_key(rd, node, text->max != 0 ? "max" : "pattern",
                         "a label with values has neither max nor pattern: its values are all");
        return false;
    }
    if (text->max > OPEN_MAX) {
        option_fault_key(rd, node, "max", "a label has at most %d values", OPEN_MAX);
        return false;
    }
    return true;
}

/* Reads {values: ...} or {max: ...}; NULL after a fault. */
static struct catalog_set *read_set(struct catalog_loader *loader, const struct yaml_node *node)
{
    struct option_reader *rd = &loader->rd;
    bool good = true;

    if (yaml_is_null(node)) {
        option_fault(rd, node, "a label is {values: [...]}, {max: N} or the name of a shared one");
        return NULL;
    }
    const struct set_text *text = option_read(rd, &set_type, node, &good);
    if (!good || !check_set(rd, text, node)) {
        return NULL;
    }
    struct catalog_set *set = ARENA_NEW(rd->arena, struct catalog_set);
    *set = (struct catalog_set){
        .node = node,
        .help = text->help,
        .max = text->max,
        .pattern = text->pattern,
        .index = SIZE_MAX,
    };
    if (text->values_node != NULL &&
        !read_closed(loader, text->values_node, CATALOG_VALUES_MAX, set)) {
        return NULL;
    }
    return set;
}

void catalog_set_shared(struct catalog_loader *loader, const struct yaml_node *node)
{
    struct option_reader *rd = &loader->rd;

    if (yaml_is_null(node)) {
        return;
    }
    if (node->kind != YAML_KIND_MAPPING) {
        option_fault(rd, node, "labels is a mapping of names to label definitions");
        return;
    }
    for (size_t i = 0; i < node->pair_count; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        struct catalog_set *set = read_set(loader, pair->value);

        if (pair->key->kind != YAML_KIND_SCALAR || !catalog_name_is_identifier(pair->key->text)) {
            option_fault(rd, pair->key, "the name of a shared label is [a-z][a-z0-9_]*");
        } else if (set != NULL) {
            (void)map_put(&loader->shared, pair->key->text, set);
        }
    }
}

static const struct catalog_set *shared_set(struct catalog_loader *loader,
                                            const struct yaml_node *node)
{
    const struct catalog_set *set = map_get(&loader->shared, node->text);
    struct catalog_nearest nearest = {.name = node->text};
    const struct map_entry *entry;

    if (set != NULL) {
        return set;
    }
    for (size_t i = 0; (entry = map_next(&loader->shared, &i)) != NULL;) {
        catalog_nearest_try(&nearest, entry->key);
    }
    if (catalog_nearest_found(&nearest)) {
        option_fault(&loader->rd, node, "no shared label '%.*s'; did you mean '%.*s'?",
                     STR_ARG(node->text), STR_ARG(nearest.best));
    } else {
        option_fault(&loader->rd, node, "no shared label '%.*s' in labels at the top",
                     STR_ARG(node->text));
    }
    return NULL;
}

static bool check_label_name(struct option_reader *rd, const struct yaml_node *key)
{
    if (key->kind != YAML_KIND_SCALAR || !catalog_name_is_word(key->text)) {
        option_fault(rd, key, "a label name is [a-zA-Z_][a-zA-Z0-9_]*, at most %d bytes",
                     CATALOG_NAME_BYTES_MAX);
        return false;
    }
    if (str_has_prefix(key->text, STR("__"))) {
        option_fault(rd, key, "label names that begin with __ belong to Prometheus");
        return false;
    }
    return true;
}

bool catalog_set_labels(struct option_reader *rd, void *target, UNUSED const struct yaml_node *key,
                        const struct yaml_node *node)
{
    struct catalog_loader *loader = catalog_loader_of(rd);
    struct catalog_metric *metric = target;
    bool good = true;

    if (yaml_is_null(node)) {
        return true;
    }
    if (node->kind != YAML_KIND_MAPPING) {
        option_fault(rd, node, "labels is a mapping of label names to their values or bounds");
        return false;
    }
    if (node->pair_count > CATALOG_LABELS_MAX) {
        option_fault(rd, node, "a metric has at most %d labels", CATALOG_LABELS_MAX);
        return false;
    }
    struct catalog_label *labels = ARENA_ARRAY(rd->arena, struct catalog_label, node->pair_count);
    for (size_t i = 0; i < node->pair_count; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        bool is_name = pair->value->kind == YAML_KIND_SCALAR && !yaml_is_null(pair->value);

        good &= check_label_name(rd, pair->key);
        labels[i].set = is_name ? shared_set(loader, pair->value) : read_set(loader, pair->value);
        good &= labels[i].set != NULL;
        if (good) {
            labels[i].name = pair->key->text;
            labels[i].c_name = catalog_name_param(rd->arena, pair->key->text);
        }
    }
    metric->labels = labels;
    metric->label_count = node->pair_count;
    return good;
}

bool catalog_set_states(struct option_reader *rd, void *target, UNUSED const struct yaml_node *key,
                        const struct yaml_node *node)
{
    struct catalog_metric *metric = target;
    struct catalog_set *set = ARENA_NEW(rd->arena, struct catalog_set);

    set->node = node;
    if (!read_closed(catalog_loader_of(rd), node, CATALOG_STATES_MAX, set)) {
        return false;
    }
    metric->states = set;
    return true;
}

size_t catalog_set_find(const struct catalog_set *set, str value)
{
    for (size_t i = 0; i < set->value_count; i++) {
        if (str_eq(set->values[i], value)) {
            return i;
        }
    }
    return SIZE_MAX;
}
