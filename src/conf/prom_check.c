#include "conf/prom_check.h"

#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/map.h"
#include "base/text.h"
#include "codec/yaml.h"
#include "conf/prom_config.h"
#include "conf/prom_config_file.h"
#include "conf/prom_config_priv.h"

/* Files that one pattern may match. */
enum { MATCHES_MAX = 10000 };

struct check {
    const struct prom_check_options *options;
    struct buf *out;
    struct arena arena;
    struct faults faults;
    uint32_t warnings;
    uint32_t lints;
    size_t rule_faults; /* of rule files, written already */
};

static void write_fault(struct buf *out, const struct baro_error *err, const char *kind)
{
    char line[sizeof(err->input) + sizeof(err->message) + 64];
    struct baro_error copy = *err;

    (void)snprintf(copy.message, sizeof(copy.message), "%s%s", kind, err->message);
    error_format(&copy, line, sizeof(line));
    buf_c(out, line);
    buf_char(out, '\n');
}

static void PRINTF_LIKE(3, 4)
    warn(struct check *c, struct conf_place place, const char *format, ...)
{
    struct faults one = {0};
    char message[sizeof(one.items[0].message)];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    (void)faults_add(&one, BARO_EINVALID, place.file, place.line, place.column, "%s", message);
    write_fault(c->out, &one.items[0], "warning: ");
    c->warnings++;
}

static void fault(struct check *c, struct conf_place place, const char *what, str file, int error)
{
    (void)faults_add(&c->faults, BARO_EINVALID, place.file, place.line, place.column,
                     "error checking %s \"%.*s\": %s", what, STR_ARG(file), error_text(-error));
}

/* promtool takes a directory for a file here; so do we. */
static void check_exists(struct check *c, struct conf_place place, const char *what, str file)
{
    struct stat st;

    if (file.len > 0 && stat(arena_str(&c->arena, file).ptr, &st) != 0) {
        fault(c, place, what, file, errno);
    }
}

static void check_client(struct check *c, struct conf_place place, const struct prom_http *http)
{
    if (http->authorization != NULL) {
        check_exists(c, place, "authorization credentials or bearer token file",
                     http->authorization->credentials_file);
    }
    if (http->tls != NULL) {
        check_exists(c, place, "client cert file", http->tls->cert_file);
        check_exists(c, place, "client key file", http->tls->key_file);
    }
}

/* ---- targets ---- */

/* Can the rules change __address__ or drop the target? Then only running them would tell. */
static bool rules_touch_address(struct prom_relabels rules)
{
    for (size_t i = 0; i < rules.count; i++) {
        switch (rules.items[i]->action) {
        case PROM_RELABEL_REPLACE:
        case PROM_RELABEL_LOWERCASE:
        case PROM_RELABEL_UPPERCASE:
        case PROM_RELABEL_HASHMOD:
            if (str_is(rules.items[i]->target_label, "__address__") ||
                str_contains(rules.items[i]->target_label, STR("$"))) {
                return true;
            }
            break;
        case PROM_RELABEL_KEEP:
        case PROM_RELABEL_DROP:
        case PROM_RELABEL_KEEPEQUAL:
        case PROM_RELABEL_DROPEQUAL:
        case PROM_RELABEL_LABELMAP:
        case PROM_RELABEL_LABELDROP:
        case PROM_RELABEL_LABELKEEP:
            return true;
        case PROM_RELABEL_ACTION_COUNT:
            break;
        }
    }
    return false;
}

static void check_targets(struct check *c, struct conf_place place, struct conf_strs targets)
{
    for (size_t i = 0; i < targets.count; i++) {
        if (str_contains(targets.items[i], STR("/"))) {
            (void)faults_add(&c->faults, BARO_EINVALID, place.file, place.line, place.column,
                             "\"%.*s\" is not a valid hostname", STR_ARG(targets.items[i]));
        }
    }
}

static void check_target_file(struct check *c, const char *path, bool addresses)
{
    const struct prom_target_group *const *groups = NULL;
    size_t count = 0;

    if (prom_target_file_load(path, &c->arena, &groups, &count, &c->faults) < 0) {
        return;
    }
    for (size_t i = 0; addresses && i < count; i++) {
        check_targets(c, groups[i]->place, groups[i]->targets);
    }
}

static void check_target_files(struct check *c, const struct prom_sd *sd, bool addresses)
{
    for (size_t i = 0; i < sd->file->files.count; i++) {
        str pattern = arena_str(&c->arena, sd->file->files.items[i]);
        glob_t found = {0};

        if (glob(pattern.ptr, 0, NULL, &found) != 0) {
            warn(c, sd->place, "file \"%s\" for file_sd does not exist", pattern.ptr);
        }
        for (size_t k = 0; k < found.gl_pathc && k < MATCHES_MAX; k++) {
            check_target_file(c, found.gl_pathv[k], addresses);
        }
        globfree(&found);
    }
}

static void check_sources(struct check *c, struct prom_sds sds, struct prom_relabels rules)
{
    bool addresses = !rules_touch_address(rules);

    for (size_t i = 0; i < sds.count; i++) {
        const struct prom_sd *sd = &sds.items[i];

        switch (sd->kind) {
        case PROM_SD_FILE:
            check_target_files(c, sd, addresses);
            break;
        case PROM_SD_STATIC:
            for (size_t g = 0; addresses && g < sd->targets.group_count; g++) {
                check_targets(c, sd->targets.groups[g]->place, sd->targets.groups[g]->targets);
            }
            break;
        case PROM_SD_HTTP:
            check_client(c, sd->place, sd->http->http);
            break;
        case PROM_SD_DNS:
        case PROM_SD_OTHER:
            break;
        }
    }
}

/* ---- rule files ---- */

/* What makes a rule: its name and labels, those of the group included. */
static str rule_identity(struct check *c, const struct yaml_node *group,
                         const struct yaml_node *rule)
{
    const struct yaml_node *name = yaml_get(rule, STR("record"));
    const struct yaml_node *labels[] = {yaml_get(group, STR("labels")),
                                        yaml_get(rule, STR("labels"))};
    struct buf buf = {0};

    if (name == NULL) {
        name = yaml_get(rule, STR("alert"));
    }
    if (name == NULL || name->kind != YAML_KIND_SCALAR) {
        return STR_NULL;
    }
    buf_str(&buf, name->text);
    for (size_t l = 0; l < ARRAY_COUNT(labels); l++) {
        const struct yaml_node *map = labels[l];

        for (size_t i = 0; map != NULL && map->kind == YAML_KIND_MAPPING && i < map->pair_count;
             i++) {
            if (map->pairs[i].key->kind == YAML_KIND_SCALAR &&
                map->pairs[i].value->kind == YAML_KIND_SCALAR) {
                buf_printf(&buf, "\xff%.*s\xff%.*s", STR_ARG(map->pairs[i].key->text),
                           STR_ARG(map->pairs[i].value->text));
            }
        }
    }
    str identity = text_take(&c->arena, &buf);
    return identity;
}

static void lint_group(struct check *c, const char *path, const struct yaml_node *group,
                       struct map *seen)
{
    const struct yaml_node *rules = yaml_get(group, STR("rules"));

    for (size_t i = 0; rules != NULL && rules->kind == YAML_KIND_SEQUENCE && i < rules->item_count;
         i++) {
        const struct yaml_node *rule = rules->items[i];
        str identity = rule_identity(c, group, rule);

        if (identity.len > 0 && map_put(seen, identity, (void *)(uintptr_t)rule) != NULL) {
            warn(c, (struct conf_place){path, rule->line, rule->column}, "duplicate rule \"%.*s\"",
                 STR_ARG(str_slice(identity, 0, str_index_char(identity, '\xff'))));
            c->lints++;
        }
    }
}

static void check_rule_file(struct check *c, const char *path, struct map *seen)
{
    struct buf text = {0};
    struct baro_error err = {0};
    const struct yaml_node *tree = NULL;

    if (prom_config_file_read(path, &text, &err) < 0 ||
        yaml_parse(&c->arena, buf_view(&text), &tree, &err) < 0) {
        (void)faults_add(&c->faults, err.code, path, err.line, err.column, "%s", err.message);
    } else {
        const struct yaml_node *groups = c->options->no_lint ? NULL : yaml_get(tree, STR("groups"));

        if (c->options->check_rules != NULL) {
            c->rule_faults +=
                c->options->check_rules(c->options->context, buf_view(&text), path, c->out);
        }
        for (size_t i = 0;
             groups != NULL && groups->kind == YAML_KIND_SEQUENCE && i < groups->item_count; i++) {
            lint_group(c, path, groups->items[i], seen);
        }
    }
    buf_done(&text);
}

static void check_rule_files(struct check *c, const struct prom_config *config)
{
    struct conf_strs patterns = prom_config_rule_files(config);
    struct conf_place place = {prom_config_path(config), 1, 1};
    struct map seen = {0};

    for (size_t i = 0; i < patterns.count; i++) {
        str pattern = arena_str(&c->arena, patterns.items[i]);
        glob_t found = {0};

        if (glob(pattern.ptr, 0, NULL, &found) != 0 && !str_contains(pattern, STR("*"))) {
            (void)faults_add(&c->faults, BARO_ENOTFOUND, place.file, place.line, place.column,
                             "\"%s\" does not point to an existing file", pattern.ptr);
        }
        for (size_t k = 0; k < found.gl_pathc && k < MATCHES_MAX; k++) {
            check_rule_file(c, found.gl_pathv[k], &seen);
        }
        globfree(&found);
    }
    map_done(&seen);
}

/* ---- the whole ---- */

static void lint_interval(struct check *c, const struct prom_scrape *scrape)
{
    struct buf text = {0};

    if (c->options->interval_max <= 0 || scrape->scrape_interval < c->options->interval_max) {
        return;
    }
    dur_format(&text, scrape->scrape_interval);
    warn(c, scrape->place,
         "too long scrape interval: series of job \"%.*s\" vanish between scrapes that are %.*s "
         "apart",
         STR_ARG(scrape->job_name), STR_ARG(buf_view(&text)));
    c->lints++;
    buf_done(&text);
}

static void check_files(struct check *c, const struct prom_config *config)
{
    struct prom_scrapes scrapes = prom_config_scrapes(config);
    const struct alerting_raw *alerting = prom_config_alerting(config);

    for (size_t i = 0; i < scrapes.count; i++) {
        lint_interval(c, scrapes.items[i]);
        check_client(c, scrapes.items[i]->place, scrapes.items[i]->http);
        check_sources(c, scrapes.items[i]->sds, scrapes.items[i]->relabel_configs);
    }
    for (size_t i = 0; i < alerting->alertmanagers.count; i++) {
        const struct alertmanager_raw *manager = alerting->alertmanagers.items[i];
        struct conf_place place = {prom_config_path(config), manager->node->line,
                                   manager->node->column};

        check_client(c, place, manager->http);
        check_sources(c, manager->sds, manager->relabel_configs);
    }
    check_rule_files(c, config);
}

static void write_unsupported(struct check *c, const struct prom_config *config)
{
    size_t count = 0;
    const struct baro_error *notes = prom_config_unsupported(config, &count);

    for (size_t i = 0; i < count; i++) {
        write_fault(c->out, &notes[i], c->options->strict ? "" : "warning: ");
    }
    c->warnings += (uint32_t)count;
}

static void write_faults(struct check *c)
{
    for (uint32_t i = 0; i < c->faults.count; i++) {
        write_fault(c->out, &c->faults.items[i], "");
    }
    if (c->faults.total > c->faults.count) {
        buf_printf(c->out, "... and %u more\n", c->faults.total - c->faults.count);
    }
}

static int verdict(struct check *c, const struct prom_config *config, const char *path)
{
    size_t unsupported = 0;

    if (config != NULL) {
        (void)prom_config_unsupported(config, &unsupported);
    }
    if (c->faults.total > 0 || c->rule_faults > 0) {
        buf_printf(c->out, "%s: refused\n", path);
        return PROM_CHECK_FAILED;
    }
    if (c->options->lint_fatal && c->lints > 0) {
        buf_printf(c->out, "%s: refused by lint\n", path);
        return PROM_CHECK_LINT;
    }
    if (c->options->strict && unsupported > 0) {
        buf_printf(c->out, "%s: refused, not everything in it is supported yet\n", path);
        return PROM_CHECK_FAILED;
    }
    buf_printf(c->out, "%s: valid%s\n", path, c->warnings > 0 ? ", with warnings" : "");
    return PROM_CHECK_OK;
}

int prom_config_check(const char *path, const struct prom_check_options *options, struct buf *out)
{
    CLEANUP(prom_config_unrefp) struct prom_config *config = NULL;
    struct check *c = MEM_NEW(struct check);
    struct prom_load_options load = {.agent = options->agent,
                                     .check_selector = options->check_selector};

    c->options = options;
    c->out = out;
    if (prom_config_load(path, &load, &config, &c->faults) >= 0) {
        write_unsupported(c, config);
        if (!options->syntax_only) {
            check_files(c, config);
        }
    }
    write_faults(c);
    int status = verdict(c, config, path);
    arena_done(&c->arena);
    (void)mem_free(c);
    return status;
}
