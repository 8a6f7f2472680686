#include "conf/prom_config.h"

#include <glob.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/map.h"
#include "base/text.h"
#include "conf/prom_config_file.h"
#include "conf/prom_config_priv.h"

enum { SCRAPE_FILES_MAX = 10000 };

struct prom_config {
    atomic_uint refs;
    struct arena arena;
    const char *path;
    struct root_raw *root;
    struct prom_storage storage;
    struct prom_scrapes scrapes;
    option_notes unsupported;
};

/* ---- the top of the schema ---- */

/* [^*]*(\*[^/]*)? */
static bool is_glob_of_last_part(str pattern)
{
    size_t star = str_index_char(pattern, '*');

    return star == SIZE_MAX || !str_contains(str_from_index(pattern, star), STR("/"));
}

static void check_patterns(struct option_reader *rd, const struct yaml_node *node, const char *key,
                           const char *what)
{
    const struct yaml_node *list = yaml_get(node, str_from(key));

    for (size_t i = 0; list != NULL && list->kind == YAML_KIND_SEQUENCE && i < list->item_count;
         i++) {
        str pattern = list->items[i]->text;

        if (!is_glob_of_last_part(pattern)) {
            option_fault(rd, list->items[i], "invalid %s file path \"%.*s\"", what,
                         STR_ARG(pattern));
        }
    }
}

static void check_root(struct option_reader *rd, UNUSED void *object, const struct yaml_node *node)
{
    check_patterns(rd, node, "rule_files", "rule");
    check_patterns(rd, node, "scrape_config_files", "scrape config");
}

#define ROOT(member) AT(struct root_raw, member)

static const struct option root_rows[] = {
    ROW("global", STRUCT, ROOT(global), OF(prom_global_type), .flags = OPTION_ALWAYS),
    ROW("runtime", STRUCT, ROOT(runtime), OF(prom_runtime_type), .flags = OPTION_ALWAYS),
    ROW("alerting", STRUCT, ROOT(alerting), OF(prom_alerting_type), .flags = OPTION_ALWAYS),
    ROW("rule_files", FILES, ROOT(rule_files)),
    ROW("scrape_config_files", FILES, ROOT(scrape_config_files)),
    ROW("scrape_configs", LIST, ROOT(scrapes), OF(prom_scrape_type),
        .null_fault = "empty or null scrape config section"),
    ROW("storage", STRUCT, ROOT(storage), OF(prom_storage_type), .flags = OPTION_VALUE),
    ROW("tracing", STRUCT, ROOT(tracing), OF(prom_tracing_type),
        .flags = OPTION_VALUE | OPTION_UNSUPPORTED),
    ROW("remote_write", LIST, ROOT(remote_writes), OF(prom_remote_write_type),
        .null_fault = "empty or null remote write config section"),
    ROW("remote_read", LIST, ROOT(remote_reads), OF(prom_remote_read_type),
        .null_fault = "empty or null remote read config section"),
    ROW("otlp", STRUCT, ROOT(otlp), OF(prom_otlp_type), .flags = OPTION_ALWAYS),
};

const struct option_type prom_root_type = {
    .name = "the configuration",
    .size = sizeof(struct root_raw),
    TABLE(root_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_root,
};

/* ---- external labels ---- */

static const char *environment(UNUSED void *context, const char *name)
{
    return getenv(name);
}

static bool is_name_char(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* One-character names that Go's os.Expand takes beside words. */
static bool is_special_name(char c)
{
    return c != '\0' && strchr("*#$@!?-0123456789", c) != NULL;
}

/* Cuts the name after a '$' off *rest; returns false when there is none, as in "$%". */
static bool cut_name(str *rest, str *ret_name)
{
    size_t end = 0;

    if (rest->len > 0 && rest->ptr[0] == '{') {
        end = str_index_char(*rest, '}');
        if (end == SIZE_MAX) {
            *rest = str_from_index(*rest, 1);
            return false;
        }
        *ret_name = str_slice(*rest, 1, end);
        *rest = str_from_index(*rest, end + 1);
        return true;
    }
    if (rest->len > 0 && is_special_name(rest->ptr[0])) {
        end = 1;
    } else {
        while (end < rest->len && is_name_char(rest->ptr[end])) {
            end++;
        }
    }
    *ret_name = str_slice(*rest, 0, end);
    *rest = str_from_index(*rest, end);
    return end > 0;
}

/* ${VAR}, $VAR and $$, as Go's os.Expand has them; what is not set becomes nothing. */
static str expand(struct arena *arena, str value, const struct prom_load_options *options)
{
    struct buf buf = {0};
    str rest = value;

    for (;;) {
        size_t dollar = str_index_char(rest, '$');
        str name = STR_NULL;

        buf_str(&buf, str_slice(rest, 0, dollar));
        if (dollar == SIZE_MAX || dollar + 1 == rest.len) {
            buf_str(&buf, str_from_index(rest, dollar));
            break;
        }
        rest = str_from_index(rest, dollar + 1);
        if (!cut_name(&rest, &name)) {
            continue;
        }
        if (str_is(name, "$")) {
            buf_char(&buf, '$');
            continue;
        }
        const char *found = options->getenv(options->getenv_context, arena_str(arena, name).ptr);
        buf_c(&buf, found != NULL ? found : "");
    }
    str expanded = text_take(arena, &buf);
    return expanded;
}

static void expand_labels(struct arena *arena, struct conf_pairs *labels,
                          const struct prom_load_options *options)
{
    struct conf_pair *items = (struct conf_pair *)(uintptr_t)labels->items;

    for (size_t i = 0; i < labels->count; i++) {
        items[i].value = expand(arena, items[i].value, options);
    }
}

/* ---- loading ---- */

static str directory_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        return STR(".");
    }
    return slash == path ? STR("/") : arena_str(arena, str_of(path, (size_t)(slash - path)));
}

static bool parse_tree(struct option_reader *rd, str text, const struct yaml_node **ret)
{
    struct baro_error err = {0};

    if (yaml_parse(rd->arena, text, ret, &err) < 0) {
        (void)faults_add(rd->faults, err.code, rd->file, err.line, err.column, "%s", err.message);
        return false;
    }
    return true;
}

/* The jobs so far, to find doubles; the value is the job. */
struct job_names {
    struct map map;
    VEC(const struct prom_scrape *) all;
};

static void add_job(struct option_reader *rd, struct job_names *jobs, struct scrape_raw *raw,
                    bool from_main)
{
    const struct prom_scrape *first = map_get(&jobs->map, raw->scrape.job_name);

    vec_push(&jobs->all, &raw->scrape);
    if (first == NULL) {
        (void)map_put(&jobs->map, raw->scrape.job_name, &raw->scrape);
    } else if (from_main) {
        option_fault_key(rd, raw->node, "job_name",
                         "found multiple scrape configs with job name \"%.*s\"",
                         STR_ARG(raw->scrape.job_name));
    } else {
        option_fault_key(rd, raw->node, "job_name",
                         "found multiple scrape configs with job name \"%.*s\", first found in "
                         "%s:%u",
                         STR_ARG(raw->scrape.job_name), first->place.file, first->place.line);
    }
}

static void finish_scrapes(struct option_reader *rd, const struct global_raw *global,
                           struct option_list list, struct job_names *jobs, bool from_main)
{
    for (size_t i = 0; i < list.count; i++) {
        struct scrape_raw *raw = list.items[i];

        if (raw->node != NULL) {
            prom_scrape_finish(rd, global, raw);
            add_job(rd, jobs, raw, from_main);
        }
    }
}

static void load_scrape_file(struct option_reader *outer, const struct global_raw *global,
                             const char *path, struct job_names *jobs)
{
    struct option_reader rd = *outer;
    const struct yaml_node *tree = NULL;
    struct buf text = {0};
    struct baro_error err = {0};
    bool good = true;

    rd.file = arena_str(rd.arena, str_from(path)).ptr;
    rd.dir = directory_of(rd.arena, path);
    if (prom_config_file_read(path, &text, &err) < 0) {
        (void)faults_add(rd.faults, err.code, rd.file, 1, 1, "%s", err.message);
    } else if (parse_tree(&rd, buf_view(&text), &tree) && !yaml_is_null(tree)) {
        const struct option_list *list = option_read(&rd, &prom_scrape_file_type, tree, &good);

        finish_scrapes(&rd, global, *list, jobs, false);
    }
    buf_done(&text);
}

/* Go sorts what it globs, and a name without pattern that is missing is no fault. */
static void load_scrape_files(struct option_reader *rd, const struct root_raw *root,
                              struct job_names *jobs)
{
    for (size_t i = 0; i < root->scrape_config_files.count; i++) {
        str pattern = arena_str(rd->arena, root->scrape_config_files.items[i]);
        glob_t found = {0};

        if (glob(pattern.ptr, GLOB_NOSORT, NULL, &found) == 0 &&
            found.gl_pathc <= SCRAPE_FILES_MAX) {
            globfree(&found);
            (void)glob(pattern.ptr, 0, NULL, &found);
            for (size_t k = 0; k < found.gl_pathc; k++) {
                load_scrape_file(rd, root->global, found.gl_pathv[k], jobs);
            }
        }
        globfree(&found);
    }
}

static void check_agent(struct option_reader *rd, const struct root_raw *root,
                        const struct yaml_node *tree)
{
    static const char *const refused[] = {"alerting", "rule_files", "remote_read"};
    bool present[] = {
        root->alerting->alertmanagers.count > 0 || root->alerting->alert_relabel_configs.count > 0,
        root->rule_files.count > 0,
        root->remote_reads.count > 0,
    };

    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        if (present[i]) {
            option_fault(rd, yaml_key_of(tree, str_from(refused[i])),
                         "field %s is not allowed in agent mode", refused[i]);
        }
    }
}

static void check_otlp_strategy(struct option_reader *rd, const struct root_raw *root,
                                const struct yaml_node *tree)
{
    str strategy = root->otlp->translation_strategy;

    if (root->global->global.metric_name_validation_scheme == PROM_VALIDATION_LEGACY &&
        (str_is(strategy, "NoTranslation") || str_is(strategy, "NoUTF8EscapingWithSuffixes"))) {
        option_fault_key(rd, yaml_get(tree, STR("otlp")), "translation_strategy",
                         "OTLP translation strategy \"%.*s\" is not allowed when UTF8 is disabled",
                         STR_ARG(strategy));
    }
}

static void load_root(struct option_reader *rd, const struct yaml_node *tree,
                      const struct prom_load_options *options, struct prom_config *config)
{
    struct job_names jobs = {0};
    bool good = true;
    struct root_raw *root = yaml_is_null(tree) ? option_new(rd, &prom_root_type)
                                               : option_read(rd, &prom_root_type, tree, &good);

    config->root = root;
    if (!yaml_is_null(tree) && tree->kind != YAML_KIND_MAPPING) {
        return;
    }
    prom_global_finish(rd, root->global);
    root->global->proto_first = options->store_starts;
    enum prom_validation scheme = root->global->global.metric_name_validation_scheme;
    expand_labels(rd->arena, &root->global->global.external_labels, options);
    finish_scrapes(rd, root->global, root->scrapes, &jobs, true);
    load_scrape_files(rd, root, &jobs);
    prom_alerting_finish(rd, root->alerting, scheme);
    prom_remotes_finish(rd, root, scheme);
    check_otlp_strategy(rd, root, tree);
    if (options->agent) {
        check_agent(rd, root, tree);
    }
    prom_storage_fill(root->storage, &config->storage);
    config->storage.retention_rules =
        prom_retention_finish(rd, prom_storage_rules(root->storage), options);

    const struct prom_scrape **scrapes =
        ARENA_ARRAY(rd->arena, const struct prom_scrape *, jobs.all.count);
    for (size_t i = 0; i < jobs.all.count; i++) {
        scrapes[i] = jobs.all.items[i];
    }
    config->scrapes = (struct prom_scrapes){scrapes, jobs.all.count};
    vec_done(&jobs.all);
    map_done(&jobs.map);
}

int prom_config_parse(str text, const char *path, const struct prom_load_options *options,
                      struct prom_config **ret, struct faults *faults)
{
    CLEANUP(prom_config_unrefp) struct prom_config *config = MEM_NEW(struct prom_config);
    struct prom_load_options used = options != NULL ? *options : (struct prom_load_options){0};
    const struct yaml_node *tree = NULL;
    uint32_t before = faults->total;

    if (used.getenv == NULL) {
        used.getenv = environment;
    }
    atomic_init(&config->refs, 1);
    config->path = arena_str(&config->arena, str_from(path)).ptr;
    struct option_reader rd = {
        .store_starts = used.store_starts,
        .arena = &config->arena,
        .file = config->path,
        .dir = directory_of(&config->arena, path),
        .faults = faults,
        .unsupported = &config->unsupported,
    };
    if (parse_tree(&rd, text, &tree)) {
        load_root(&rd, tree, &used, config);
    }
    if (faults->total > before) {
        return BARO_EPARSE;
    }
    *ret = TAKE(config);
    return 0;
}

int prom_config_load(const char *path, const struct prom_load_options *options,
                     struct prom_config **ret, struct faults *faults)
{
    struct buf text = {0};
    struct baro_error err = {0};
    int r = prom_config_file_read(path, &text, &err);

    if (r < 0) {
        (void)faults_add(faults, r, path, 0, 0, "%s", err.message);
    } else {
        r = prom_config_parse(buf_view(&text), path, options, ret, faults);
    }
    buf_done(&text);
    return r;
}

struct prom_config *prom_config_ref(struct prom_config *config)
{
    /* Relaxed: whoever takes a reference holds one already. */
    unsigned before = atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);

    ASSERT(before > 0);
    return config;
}

struct prom_config *prom_config_unref(struct prom_config *config)
{
    /* Release, so that all reads of the holder come before; acquire by the one that frees. */
    if (config != NULL && atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) == 1) {
        vec_done(&config->unsupported);
        arena_done(&config->arena);
        (void)mem_free(config);
    }
    return NULL;
}

/* ---- queries ---- */

const char *prom_config_path(const struct prom_config *config)
{
    return config->path;
}

const struct prom_global *prom_config_global(const struct prom_config *config)
{
    return &config->root->global->global;
}

const struct prom_otlp *prom_config_otlp(const struct prom_config *config)
{
    return config->root->otlp;
}

const struct prom_storage *prom_config_storage(const struct prom_config *config)
{
    return &config->storage;
}

struct prom_scrapes prom_config_scrapes(const struct prom_config *config)
{
    return config->scrapes;
}

const struct prom_scrape *prom_config_scrape(const struct prom_config *config, str job_name)
{
    for (size_t i = 0; i < config->scrapes.count; i++) {
        if (str_eq(config->scrapes.items[i]->job_name, job_name)) {
            return config->scrapes.items[i];
        }
    }
    return NULL;
}

const struct prom_remote_write *prom_config_remote_write(const struct prom_config *config,
                                                         size_t index)
{
    const struct option_list *list = &config->root->remote_writes;

    return index < list->count ? &((const struct remote_write_raw *)list->items[index])->write
                               : NULL;
}

const struct prom_remote_read *prom_config_remote_read(const struct prom_config *config,
                                                       size_t index)
{
    const struct option_list *list = &config->root->remote_reads;

    return index < list->count ? &((const struct remote_read_raw *)list->items[index])->read : NULL;
}

static bool pairs_eq(struct conf_pairs a, struct conf_pairs b)
{
    bool same = a.count == b.count;

    for (size_t i = 0; same && i < a.count; i++) {
        same =
            str_eq(a.items[i].name, b.items[i].name) && str_eq(a.items[i].value, b.items[i].value);
    }
    return same;
}

bool prom_config_remote_is_same(const struct prom_config *a, size_t a_index,
                                const struct prom_config *b, size_t b_index)
{
    const struct option_list *of_a = &a->root->remote_writes, *of_b = &b->root->remote_writes;
    const struct prom_global *globals[] = {prom_config_global(a), prom_config_global(b)};

    ASSERT(a_index < of_a->count && b_index < of_b->count);
    return yaml_eq(((const struct remote_write_raw *)of_a->items[a_index])->node,
                   ((const struct remote_write_raw *)of_b->items[b_index])->node) &&
           pairs_eq(globals[0]->external_labels, globals[1]->external_labels) &&
           globals[0]->metric_name_validation_scheme == globals[1]->metric_name_validation_scheme;
}

bool prom_config_remote_read_is_same(const struct prom_config *config, size_t a, size_t b)
{
    const struct option_list *list = &config->root->remote_reads;

    ASSERT(a < list->count && b < list->count);
    return yaml_eq(((const struct remote_read_raw *)list->items[a])->node,
                   ((const struct remote_read_raw *)list->items[b])->node);
}

struct conf_strs prom_config_rule_files(const struct prom_config *config)
{
    return config->root->rule_files;
}

const struct baro_error *prom_config_unsupported(const struct prom_config *config,
                                                 size_t *ret_count)
{
    *ret_count = config->unsupported.count;
    return config->unsupported.items;
}

const struct alerting_raw *prom_config_alerting(const struct prom_config *config)
{
    return config->root->alerting;
}

void prom_config_print(const struct prom_config *config, struct buf *buf)
{
    struct buf text = {0};
    struct yaml_writer w = {.buf = &text};

    option_write(&w, &prom_root_type, config->root);
    yaml_write_end(&w);
    buf_str(buf, buf_view(&text));
    buf->failed |= text.failed;
    buf_done(&text);
}
