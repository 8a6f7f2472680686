#include "catalog/catalog.h"

#include "base/assert.h"
#include "base/mem.h"
#include "catalog/catalog_priv.h"
#include "conf/prom_config_file.h"

/* The catalogue and the arena in which it and its tree live. */
struct owned {
    struct catalog catalog; /* first: the caller has its address */
    struct arena arena;
    struct map by_name; /* -> struct catalog_metric, by both names */
};

static const struct owned *owned_of(const struct catalog *catalog)
{
    return (const struct owned *)(const void *)catalog;
}

struct catalog *catalog_free(struct catalog *catalog)
{
    struct owned *owned = (struct owned *)(void *)catalog;

    if (owned != NULL) {
        map_done(&owned->by_name);
        arena_done(&owned->arena);
        (void)mem_free(owned);
    }
    return NULL;
}

const struct catalog_metric *catalog_metric_find(const struct catalog *catalog, str name)
{
    return map_get(&owned_of(catalog)->by_name, name);
}

const struct catalog_metric *catalog_metric_next(const struct catalog *catalog,
                                                 const struct catalog_metric *metric)
{
    const struct catalog_group *end = catalog->groups + catalog->group_count;
    const struct catalog_group *group = catalog->groups;

    if (metric != NULL) {
        group = metric->group;
        if (metric + 1 < group->metrics + group->metric_count) {
            return metric + 1;
        }
        group++;
    }
    while (group < end && group->metric_count == 0) {
        group++;
    }
    return group < end ? group->metrics : NULL;
}

/* ---- groups ---- */

static bool take_later(UNUSED struct option_reader *rd, void *target,
                       UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    *(const struct yaml_node **)target = node;
    return true;
}

static const struct option_custom later_custom = {.read = take_later};

struct group_text {
    str name;
    str title;
    const struct yaml_node *metrics;
};

static const struct option group_rows[] = {
    {"name", OPTION_STR, 0, offsetof(struct group_text, name), NULL, NULL, NULL},
    {"title", OPTION_STR, 0, offsetof(struct group_text, title), NULL, NULL, NULL},
    {"metrics", OPTION_CUSTOM, 0, offsetof(struct group_text, metrics), NULL, &later_custom, NULL},
};
static const struct option_type group_type = {
    .name = "group",
    .size = sizeof(struct group_text),
    .rows = group_rows,
    .count = ARRAY_COUNT(group_rows),
    .place_offset = OPTION_NO_PLACE,
};

static void read_metric(struct catalog_loader *loader, const struct yaml_node *node,
                        struct catalog_group *group)
{
    struct option_reader *rd = &loader->rd;
    struct catalog *catalog = loader->catalog;
    bool good = true;

    if (yaml_is_null(node)) {
        option_fault(rd, node, "a metric is {name: ..., type: ..., help: ...}");
        return;
    }
    if (loader->metrics.count >= CATALOG_METRICS_MAX) {
        option_fault(rd, node, "a catalogue has at most %d metrics", CATALOG_METRICS_MAX);
        return;
    }
    const struct catalog_metric *read = option_read(rd, &catalog_metric_type, node, &good);
    if (!good) {
        return;
    }
    struct catalog_metric *metric = &group->metrics[group->metric_count++];
    *metric = *read;
    metric->group = group;
    metric->index = loader->metrics.count;
    metric->full_name = catalog->name_space.len > 0
                            ? arena_printf(rd->arena, "%.*s_%.*s", STR_ARG(catalog->name_space),
                                           STR_ARG(metric->name))
                            : arena_str(rd->arena, metric->name);
    vec_push(&loader->metrics, metric);
    (void)map_put(&((struct owned *)(void *)catalog)->by_name, metric->full_name, metric);
}

static void read_group(struct catalog_loader *loader, const struct yaml_node *node,
                       struct map *names, struct catalog_group *group)
{
    struct option_reader *rd = &loader->rd;
    bool good = true;

    if (yaml_is_null(node)) {
        option_fault(rd, node, "a group is {name: ..., metrics: [...]}");
        return;
    }
    const struct group_text *text = option_read(rd, &group_type, node, &good);
    if (good && !catalog_name_is_identifier(text->name)) {
        option_fault_key(rd, node, "name", "a group needs a name: [a-z][a-z0-9_]*");
    } else if (good && map_put(names, text->name, group) != NULL) {
        option_fault_key(rd, node, "name", "group %.*s is there twice", STR_ARG(text->name));
    }
    group->name = text->name;
    group->title = text->title.len > 0 ? text->title : text->name;
    if (yaml_is_null(text->metrics) || text->metrics->kind != YAML_KIND_SEQUENCE ||
        text->metrics->item_count == 0) {
        option_fault(rd, text->metrics != NULL ? text->metrics : node,
                     "a group needs metrics: [...]");
        return;
    }
    size_t count = text->metrics->item_count;
    group->metrics = ARENA_ARRAY(rd->arena, struct catalog_metric,
                                 count < CATALOG_METRICS_MAX ? count : CATALOG_METRICS_MAX);
    for (size_t i = 0; i < count; i++) {
        read_metric(loader, text->metrics->items[i], group);
    }
}

static void read_groups(struct catalog_loader *loader, const struct yaml_node *node,
                        const struct yaml_node *top)
{
    struct map names = {0};

    if (yaml_is_null(node) || node->kind != YAML_KIND_SEQUENCE || node->item_count == 0 ||
        node->item_count > CATALOG_GROUPS_MAX) {
        option_fault(&loader->rd, node != NULL ? node : top,
                     "a catalogue needs groups: [...], 1 to %d of them", CATALOG_GROUPS_MAX);
        return;
    }
    struct catalog_group *groups =
        ARENA_ARRAY(loader->rd.arena, struct catalog_group, node->item_count);
    for (size_t i = 0; i < node->item_count; i++) {
        read_group(loader, node->items[i], &names, &groups[i]);
    }
    map_done(&names);
    loader->catalog->groups = groups;
    loader->catalog->group_count = node->item_count;
    loader->catalog->metric_count = loader->metrics.count;
}

/* ---- the file ---- */

struct top_text {
    str name;
    str title;
    str name_space;
    bool foreign;
    const struct yaml_node *labels;
    const struct yaml_node *groups;
    const struct yaml_node *helpers;
};

static const struct option top_rows[] = {
    {"catalog", OPTION_STR, 0, offsetof(struct top_text, name), NULL, NULL, NULL},
    {"title", OPTION_STR, 0, offsetof(struct top_text, title), NULL, NULL, NULL},
    {"namespace", OPTION_STR, 0, offsetof(struct top_text, name_space), NULL, NULL, NULL},
    {"foreign", OPTION_BOOL, 0, offsetof(struct top_text, foreign), NULL, NULL, NULL},
    {"labels", OPTION_CUSTOM, 0, offsetof(struct top_text, labels), NULL, &later_custom, NULL},
    {"groups", OPTION_CUSTOM, 0, offsetof(struct top_text, groups), NULL, &later_custom, NULL},
    {"helpers", OPTION_CUSTOM, 0, offsetof(struct top_text, helpers), NULL, &later_custom, NULL},
};
static const struct option_type top_type = {
    .name = "catalog",
    .size = sizeof(struct top_text),
    .rows = top_rows,
    .count = ARRAY_COUNT(top_rows),
    .place_offset = OPTION_NO_PLACE,
};

static bool check_top(struct option_reader *rd, const struct top_text *text,
                      const struct yaml_node *node)
{
    bool good = true;

    if (!catalog_name_is_identifier(text->name) || catalog_name_is_keyword(text->name) ||
        str_is(text->name, "baro")) {
        option_fault_key(rd, node, "catalog",
                         "catalog: NAME is missing or no name for C: [a-z][a-z0-9_]*, no keyword, "
                         "not baro");
        good = false;
    }
    if (text->name_space.len > 0 && !catalog_name_is_identifier(text->name_space)) {
        option_fault_key(rd, node, "namespace", "a namespace is [a-z][a-z0-9_]*");
        good = false;
    }
    return good;
}

static void read_top(struct catalog_loader *loader, const struct yaml_node *node)
{
    struct catalog *catalog = loader->catalog;
    struct option_reader *rd = &loader->rd;
    bool good = true;
    const struct top_text *text = option_read(rd, &top_type, node, &good);

    if (!good && node->kind != YAML_KIND_MAPPING) {
        return;
    }
    good &= check_top(rd, text, node);
    catalog->name = catalog->prefix = text->name;
    catalog->title = text->title.len > 0 ? text->title : text->name;
    catalog->name_space = text->name_space;
    catalog->foreign = text->foreign;
    catalog_set_shared(loader, text->labels);
    read_groups(loader, text->groups, node);
    catalog_metric_names(loader);
    for (size_t i = 0; i < loader->metrics.count; i++) {
        struct catalog_metric *metric = loader->metrics.items[i];

        if (catalog_metric_find(catalog, metric->name) == NULL) {
            (void)map_put(&((struct owned *)(void *)catalog)->by_name, metric->name, metric);
        }
    }
    /* What a faulty metric or label would make of the helpers is no news. */
    if (rd->faults->total == 0) {
        catalog_helper_read(loader, text->helpers);
    }
    if (rd->faults->total == 0 && !catalog->foreign) {
        catalog_name_assign(loader);
    }
}

/* The closed sets move to memory that lives as long as the catalogue. */
static void keep_sets(struct catalog_loader *loader)
{
    struct catalog *catalog = loader->catalog;
    const struct catalog_set **sets =
        ARENA_ARRAY(loader->rd.arena, const struct catalog_set *, loader->sets.count);

    for (size_t i = 0; i < loader->sets.count; i++) {
        sets[i] = loader->sets.items[i];
    }
    catalog->sets = sets;
    catalog->set_count = loader->sets.count;
}

static int parse_tree(struct catalog_loader *loader, str text)
{
    const struct yaml_node *tree = NULL;
    struct option_reader *rd = &loader->rd;
    struct baro_error err = {0};

    if (text.len > CATALOG_BYTES_MAX) {
        return faults_add(rd->faults, BARO_ELIMIT, rd->file, 1, 1, "larger than %zu MiB",
                          CATALOG_BYTES_MAX >> 20);
    }
    if (yaml_parse(rd->arena, text, &tree, &err) < 0) {
        return faults_add(rd->faults, err.code, rd->file, err.line, err.column, "%s", err.message);
    }
    if (yaml_is_null(tree)) {
        return faults_add(rd->faults, BARO_EPARSE, rd->file, 1, 1, "the file is empty");
    }
    read_top(loader, tree);
    keep_sets(loader);
    return rd->faults->total > 0 ? BARO_EPARSE : 0;
}

int catalog_parse(str text, const char *file, struct catalog **ret, struct faults *faults)
{
    struct owned *owned = MEM_NEW(struct owned);
    struct faults found = {0};
    option_notes notes = {0};
    struct catalog_loader loader = {
        .rd = {.arena = &owned->arena,
               .file = arena_str(&owned->arena, str_from(file)).ptr,
               .dir = STR("."),
               .faults = &found,
               .unsupported = &notes,
               .quiet = true},
        .catalog = &owned->catalog,
    };
    int r = parse_tree(&loader, text);

    map_done(&loader.shared);
    vec_done(&loader.sets);
    vec_done(&loader.metrics);
    vec_done(&notes);
    ASSERT((r < 0) == (found.total > 0));
    if (r < 0) {
        (void)catalog_free(&owned->catalog);
        *faults = found;
        return r;
    }
    *ret = &owned->catalog;
    return 0;
}

int catalog_load(const char *path, struct catalog **ret, struct faults *faults)
{
    struct buf text = {0};
    struct baro_error err = {0};
    int r = prom_config_file_read(path, &text, &err);

    if (r < 0) {
        *faults = (struct faults){0};
        (void)faults_add(faults, r, path, 0, 0, "%s", err.message);
    } else {
        r = catalog_parse(buf_view(&text), path, ret, faults);
    }
    buf_done(&text);
    return r;
}
