#include "app/serve_rules.h"

#include <glob.h>

#include "app/files.h"
#include "base/vec.h"
#include "rules/rule_manager.h"

enum { FILES_MAX = 10000 };

struct loading {
    const struct serve *serve;
    struct serve_rules *rules;
    struct faults faults;
    VEC(struct rule_file) files;
    VEC(str) paths;
};

static bool is_loaded(const struct loading *loading, str path)
{
    for (size_t i = 0; i < loading->paths.count; i++) {
        if (str_eq(loading->paths.items[i], path)) {
            return true;
        }
    }
    return false;
}

static void load_file(struct loading *loading, const char *path)
{
    struct rule_file file = {0};
    struct baro_error err = {0};
    struct buf text = {0};

    if (is_loaded(loading, str_from(path))) {
        return;
    }
    if (file_read(path, &text, &err) < 0) {
        (void)faults_add(&loading->faults, err.code, path, 0, 0, "%s", err.message);
    } else {
        (void)rule_file_parse(&loading->rules->arena, str_from(path), buf_view(&text),
                              &loading->serve->features.promql, &file, &loading->faults);
    }
    vec_push(&loading->files, file);
    vec_push(&loading->paths, arena_str(&loading->rules->arena, str_from(path)));
    buf_done(&text);
}

static void load_pattern(struct loading *loading, str pattern)
{
    str path = arena_str(&loading->rules->arena, pattern);
    glob_t found = {0};

    /* A pattern that nothing matches is no fault, as in Prometheus: the files may come with a later
     * reload. */
    if (glob(path.ptr, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && loading->paths.count < FILES_MAX; i++) {
            load_file(loading, found.gl_pathv[i]);
        }
    }
    globfree(&found);
}

static void keep(struct loading *loading)
{
    struct serve_rules *rules = loading->rules;

    rules->count = loading->files.count;
    rules->files = ARENA_ARRAY(&rules->arena, struct rule_file, rules->count);
    rules->paths = ARENA_ARRAY(&rules->arena, str, rules->count);
    for (size_t i = 0; i < rules->count; i++) {
        rules->files[i] = loading->files.items[i];
        rules->paths[i] = loading->paths.items[i];
    }
}

int serve_rules_load(const struct serve *serve, const struct prom_config *config, bool print,
                     struct serve_rules *ret, struct baro_error *err)
{
    struct conf_strs patterns = prom_config_rule_files(config);
    struct loading loading = {.serve = serve, .rules = ret};
    int r = 0;

    *ret = (struct serve_rules){0};
    for (size_t i = 0; i < patterns.count; i++) {
        load_pattern(&loading, patterns.items[i]);
    }
    keep(&loading);
    if (loading.faults.count > 0) {
        r = file_faults(&loading.faults, print, err);
        serve_rules_done(ret);
    }
    vec_done(&loading.files);
    vec_done(&loading.paths);
    return r;
}

void serve_rules_done(struct serve_rules *rules)
{
    arena_done(&rules->arena);
    *rules = (struct serve_rules){0};
}

void serve_rules_apply(struct serve *serve, const struct prom_config *config,
                       const struct serve_rules *rules)
{
    const struct prom_global *global = prom_config_global(config);
    struct conf_pairs pairs = global->external_labels;
    struct arena arena = {0};
    struct label *labels = ARENA_ARRAY(&arena, struct label, pairs.count);

    for (size_t i = 0; i < pairs.count; i++) {
        labels[i] = (struct label){pairs.items[i].name, pairs.items[i].value};
    }
    rule_manager_apply(serve->rules,
                       &(struct rule_settings){
                           .files = rules->files,
                           .paths = rules->paths,
                           .file_count = rules->count,
                           .interval = global->evaluation_interval,
                           .query_offset = global->rule_query_offset,
                           .external_labels = labels_from_pairs(&arena, labels, pairs.count),
                       });
    arena_done(&arena);
}
