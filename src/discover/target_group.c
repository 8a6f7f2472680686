#include "discover/target_group.h"

#include "base/mem.h"
#include "base/vec.h"
#include "codec/json.h"
#include "codec/yaml.h"

struct target_groups *target_groups_new(void)
{
    return MEM_NEW(struct target_groups);
}

struct target_groups *target_groups_free(struct target_groups *groups)
{
    if (groups != NULL) {
        arena_done(&groups->arena);
    }
    return mem_free(groups);
}

/* Sorts the pairs, adds the meta label, and refuses names that no label can have. */
static int labels_finish(struct arena *arena, struct label *pairs, size_t count, struct labels *ret,
                         struct baro_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].name.len == 0 || !utf8_is_valid(pairs[i].name)) {
            return error_set(err, BARO_EPARSE, "\"%.*s\" is not a valid label name",
                             STR_ARG(pairs[i].name));
        }
        if (!utf8_is_valid(pairs[i].value)) {
            return error_set(err, BARO_EPARSE, "\"%.*s\" is not a valid label value",
                             STR_ARG(pairs[i].value));
        }
    }
    *ret = labels_from_pairs(arena, pairs, count);
    return 0;
}

/* ---- JSON ---- */

static int json_targets(struct arena *arena, const struct json *list, struct target_group *group,
                        struct baro_error *err)
{
    size_t count = json_count(list);
    str *addresses = ARENA_ARRAY(arena, str, count + 1);

    if (list != NULL && json_kind_of(list) != JSON_KIND_ARRAY &&
        json_kind_of(list) != JSON_KIND_NULL) {
        return error_set(err, BARO_EPARSE, "\"targets\" is not a list");
    }
    if (count > TARGET_GROUPS_MAX) {
        return error_set(err, BARO_ELIMIT, "more than %d targets", TARGET_GROUPS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const struct json *item = json_at(list, i);

        if (json_kind_of(item) != JSON_KIND_STRING) {
            return error_set(err, BARO_EPARSE, "a target is not a string");
        }
        addresses[i] = arena_str(arena, json_text(item));
    }
    group->addresses = addresses;
    group->target_count = count;
    return 0;
}

static int json_labels(struct arena *arena, const struct json *object, struct label meta,
                       struct target_group *group, struct baro_error *err)
{
    struct label *pairs = ARENA_ARRAY(arena, struct label, json_count(object) + 1);
    const struct json *value = NULL;
    void *iterator = NULL;
    size_t count = 0;
    str key = STR_NULL;

    if (object != NULL && json_kind_of(object) != JSON_KIND_OBJECT &&
        json_kind_of(object) != JSON_KIND_NULL) {
        return error_set(err, BARO_EPARSE, "\"labels\" is not an object");
    }
    while (json_member(object, &iterator, &key, &value)) {
        if (json_kind_of(value) != JSON_KIND_STRING) {
            return error_set(err, BARO_EPARSE, "label \"%.*s\" is not a string", STR_ARG(key));
        }
        if (!str_eq(key, meta.name)) {
            pairs[count++] =
                (struct label){arena_str(arena, key), arena_str(arena, json_text(value))};
        }
    }
    pairs[count++] = meta;
    return labels_finish(arena, pairs, count, &group->labels, err);
}

static int json_group(struct arena *arena, const struct json *node, struct label meta,
                      struct target_group *group, struct baro_error *err)
{
    const struct json *value = NULL;
    void *iterator = NULL;
    str key = STR_NULL;
    int result = 0;

    if (json_kind_of(node) != JSON_KIND_OBJECT) {
        return error_set(err, BARO_EPARSE, "not an object");
    }
    while (json_member(node, &iterator, &key, &value)) {
        if (!str_is(key, "targets") && !str_is(key, "labels")) {
            return error_set(err, BARO_EPARSE, "unknown field \"%.*s\"", STR_ARG(key));
        }
    }
    result = json_targets(arena, json_get(node, "targets"), group, err);
    return result < 0 ? result : json_labels(arena, json_get(node, "labels"), meta, group, err);
}

int target_groups_read_json(str text, str name, str meta, struct target_groups **ret,
                            struct baro_error *err)
{
    CLEANUP(target_groups_freep) struct target_groups *groups = target_groups_new();
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct arena *arena = &groups->arena;
    const struct label pair = {arena_str(arena, meta), arena_str(arena, name)};
    int result = json_doc_parse(text, &root, err);

    if (result < 0) {
        return result;
    }
    if (json_kind_of(root) != JSON_KIND_ARRAY && json_kind_of(root) != JSON_KIND_NULL) {
        return error_set(err, BARO_EPARSE, "not a list of target groups");
    }
    groups->items = ARENA_ARRAY(arena, struct target_group, json_count(root) + 1);
    groups->count = json_count(root);
    for (size_t i = 0; i < groups->count; i++) {
        groups->items[i].source = arena_printf(arena, "%.*s:%zu", STR_ARG(name), i);
        result = json_group(arena, json_at(root, i), pair, &groups->items[i], err);
        if (result < 0) {
            return error_wrap(err, result, "target group %zu", i);
        }
    }
    *ret = TAKE(groups);
    return 0;
}

/* ---- YAML ---- */

static int fault(const struct yaml_node *node, const char *what, struct baro_error *err)
{
    return error_at_line(err, BARO_EPARSE, node->line, node->column, "%s", what);
}

static int yaml_targets(struct arena *arena, const struct yaml_node *list,
                        struct target_group *group, struct baro_error *err)
{
    str *addresses = NULL;

    if (yaml_is_null(list)) {
        return 0;
    }
    if (list->kind != YAML_KIND_SEQUENCE) {
        return fault(list, "'targets' is not a list", err);
    }
    if (list->item_count > TARGET_GROUPS_MAX) {
        return fault(list, "too many targets", err);
    }
    addresses = ARENA_ARRAY(arena, str, list->item_count + 1);
    for (size_t i = 0; i < list->item_count; i++) {
        if (list->items[i]->kind != YAML_KIND_SCALAR) {
            return fault(list->items[i], "a target is not a string", err);
        }
        addresses[i] = arena_str(arena, list->items[i]->text);
    }
    group->addresses = addresses;
    group->target_count = list->item_count;
    return 0;
}

static int yaml_labels(struct arena *arena, const struct yaml_node *map, struct label meta,
                       struct target_group *group, struct baro_error *err)
{
    size_t pair_count = 0;
    struct label *pairs = NULL;
    size_t count = 0;
    int result = 0;

    if (!yaml_is_null(map)) {
        if (map->kind != YAML_KIND_MAPPING) {
            return fault(map, "'labels' is not a mapping", err);
        }
        pair_count = map->pair_count;
    }
    pairs = ARENA_ARRAY(arena, struct label, pair_count + 1);
    for (size_t i = 0; i < pair_count; i++) {
        const struct yaml_pair *pair = &map->pairs[i];

        if (pair->key->kind != YAML_KIND_SCALAR || pair->value->kind != YAML_KIND_SCALAR) {
            return fault(pair->key, "a label is not a string", err);
        }
        if (!str_eq(pair->key->text, meta.name)) {
            pairs[count++] = (struct label){
                arena_str(arena, pair->key->text),
                yaml_is_null(pair->value) ? STR("") : arena_str(arena, pair->value->text)};
        }
    }
    pairs[count++] = meta;
    result = labels_finish(arena, pairs, count, &group->labels, err);
    if (result < 0 && map != NULL && err != NULL) {
        err->line = map->line;
        err->column = map->column;
    }
    return result;
}

static int yaml_group(struct arena *arena, const struct yaml_node *node, struct label meta,
                      struct target_group *group, struct baro_error *err)
{
    int result = 0;

    if (node->kind != YAML_KIND_MAPPING) {
        return fault(node, "a target group is not a mapping", err);
    }
    for (size_t i = 0; i < node->pair_count; i++) {
        const struct yaml_node *key = node->pairs[i].key;

        if (key->kind != YAML_KIND_SCALAR ||
            (!str_is(key->text, "targets") && !str_is(key->text, "labels"))) {
            return error_at_line(err, BARO_EPARSE, key->line, key->column,
                                 "field %.*s not found in a target group",
                                 STR_ARG(key->kind == YAML_KIND_SCALAR ? key->text : STR("?")));
        }
    }
    result = yaml_targets(arena, yaml_get(node, STR("targets")), group, err);
    return result < 0 ? result
                      : yaml_labels(arena, yaml_get(node, STR("labels")), meta, group, err);
}

int target_groups_read_yaml(str text, str name, str meta, struct target_groups **ret,
                            struct baro_error *err)
{
    CLEANUP(target_groups_freep) struct target_groups *groups = target_groups_new();
    CLEANUP(arena_done) struct arena tree = {0};
    struct arena *arena = &groups->arena;
    const struct label pair = {arena_str(arena, meta), arena_str(arena, name)};
    const struct yaml_node *root = NULL;
    int result = yaml_parse(&tree, text, &root, err);

    if (result < 0) {
        return result;
    }
    if (!yaml_is_null(root)) {
        if (root->kind != YAML_KIND_SEQUENCE) {
            return fault(root, "not a list of target groups", err);
        }
        groups->items = ARENA_ARRAY(arena, struct target_group, root->item_count + 1);
        groups->count = root->item_count;
    }
    for (size_t i = 0; i < groups->count; i++) {
        groups->items[i].source = arena_printf(arena, "%.*s:%zu", STR_ARG(name), i);
        result = yaml_group(arena, root->items[i], pair, &groups->items[i], err);
        if (result < 0) {
            return error_wrap(err, result, "target group %zu", i);
        }
    }
    *ret = TAKE(groups);
    return 0;
}
