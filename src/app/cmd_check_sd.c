/* check service-discovery: what the discoveries of one job find, and what relabelling makes of it,
 * as `promtool check service-discovery` prints it. */
#include <stdio.h>
#include <stdlib.h>

#include "app/commands.h"
#include "app/flags.h"
#include "app/retention_rules_config.h"
#include "base/vec.h"
#include "codec/json_write.h"
#include "conf/prom_config.h"
#include "discover/discover.h"
#include "http/client.h"
#include "model/relabel.h"
#include "scrape/scrape_target.h"
#include "sys/clock.h"
#include "sys/loop.h"

enum sd_flag { SD_TIMEOUT };

/* A discovery that has found something is given so long for more, unless --timeout is shorter. */
enum { TURN_MS = 50 };

static const struct flag rows[] = {
    {"timeout", FLAG_DURATION, "30s", FLAG_RUN, "how long to wait for what is found"},
};
static const char summary[] =
    "Runs the service discoveries of a job for --timeout and prints, as JSON, the labels of each "
    "target as it was\nfound and as relabelling leaves it; no labels when it was dropped. "
    "Exit status: 0 done, 1 faults, 2 wrong usage.\n\n"
    "  barograph check service-discovery --timeout=5s prometheus.yml node";

struct found {
    struct labels discovered;
    struct labels labels;
    str error;
};

struct checking {
    struct arena arena;
    struct labels_builder builder;
    const struct prom_scrape *scrape;
    struct relabel_rules *rules;
    VEC(struct found) found;
};

static void take_target(struct checking *checking, const struct target_group *group, size_t index)
{
    struct target_plan plan = {0};
    struct baro_error err = {0};
    struct found found = {0};
    int r = target_plan_make(&checking->arena, &checking->builder, group, index, checking->scrape,
                             checking->rules, &plan, &err);

    found.discovered = labels_copy(&checking->arena, plan.discovered);
    found.labels =
        plan.is_dropped ? (struct labels){0} : labels_copy(&checking->arena, plan.labels);
    found.error = r < 0 ? arena_str(&checking->arena, str_from(err.message)) : STR_NULL;
    /* The same target of two sources is shown once. */
    for (size_t i = 0; i < checking->found.count; i++) {
        if (labels_eq(checking->found.items[i].discovered, found.discovered) &&
            labels_eq(checking->found.items[i].labels, found.labels)) {
            return;
        }
    }
    vec_push(&checking->found, found);
}

static void take_group(const struct target_group *group, void *context)
{
    for (size_t i = 0; i < group->target_count; i++) {
        take_target(context, group, i);
    }
}

/* ---- out ---- */

static void write_labels(struct json_writer *json, const char *key, struct labels labels)
{
    json_write_key(json, str_from(key));
    json_write_object_begin(json);
    for (size_t i = 0; i < labels.count; i++) {
        json_write_pair_plain(json, labels.items[i].name, labels.items[i].value);
    }
    json_write_object_end(json);
}

static void print(const struct checking *checking)
{
    struct buf out = {0};
    struct json_writer json = json_write_over(&out);

    json_write_array_begin(&json);
    for (size_t i = 0; i < checking->found.count; i++) {
        buf_c(&out, i == 0 ? "\n  " : ",\n  ");
        json.need_comma = false;
        json_write_object_begin(&json);
        write_labels(&json, "discoveredLabels", checking->found.items[i].discovered);
        write_labels(&json, "labels", checking->found.items[i].labels);
        if (checking->found.items[i].error.ptr != NULL) {
            json_write_pair_str(&json, STR("error"), checking->found.items[i].error);
        }
        json_write_object_end(&json);
    }
    buf_c(&out, checking->found.count > 0 ? "\n" : "");
    json_write_array_end(&json);
    (void)printf("%.*s\n", STR_ARG(buf_view(&out)));
    buf_done(&out);
}

/* ---- running ---- */

static void changed(void *context)
{
    (void)context;
}

/* Static lists are there at once; others have until the time is over, as with promtool. */
static void wait_for_all(struct loop *loop, const struct prom_scrape *scrape, dur timeout)
{
    mono end = clock_mono(clock_real()) + timeout * MONO_PER_MS;
    bool waits = false;

    for (size_t i = 0; i < scrape->sds.count; i++) {
        waits |= scrape->sds.items[i].kind != PROM_SD_STATIC;
    }
    while (waits && clock_mono(clock_real()) < end) {
        loop_turn(loop, TURN_MS);
    }
}

static int discover_all(struct checking *checking, struct prom_config *config, dur timeout,
                        struct baro_error *err)
{
    const struct http_engine_options options = {.multi_count = 1};
    CLEANUP(loop_freep) struct loop *loop = NULL;
    CLEANUP(http_engine_freep) struct http_engine *engine = NULL;
    CLEANUP(discover_freep) struct discover *discover = NULL;
    const struct discover_job job = {checking->scrape->job_name, checking->scrape->sds};
    int r = loop_new(clock_real(), NULL, NULL, &loop, err);

    r = r < 0 ? r : http_engine_new(loop, &options, &engine, err);
    r = r < 0 ? r : discover_new(loop, engine, changed, NULL, &discover, err);
    r = r < 0 ? r : discover_apply_jobs(discover, config, &job, 1, err);
    if (r >= 0) {
        wait_for_all(loop, checking->scrape, timeout);
        discover_each(discover, checking->scrape->job_name, take_group, checking);
    }
    return r;
}

static int not_found(const struct prom_config *config, str job)
{
    struct prom_scrapes scrapes = prom_config_scrapes(config);

    (void)fprintf(stderr, "Job %.*s not found. Select one of:\n", STR_ARG(job));
    for (size_t i = 0; i < scrapes.count; i++) {
        (void)fprintf(stderr, "\t%.*s\n", STR_ARG(scrapes.items[i]->job_name));
    }
    return 1;
}

static int run(const char *path, str job, dur timeout)
{
    static struct faults faults;
    CLEANUP(prom_config_unrefp) struct prom_config *config = NULL;
    const struct prom_load_options load = {.check_selector = retention_selector_check};
    struct checking checking = {0};
    struct baro_error err = {0};
    char text[ERROR_FORMAT_BYTES];
    bool is_legacy;
    int r;

    faults = (struct faults){0};
    if (prom_config_load(path, &load, &config, &faults) < 0) {
        for (uint32_t i = 0; i < faults.count; i++) {
            error_format(&faults.items[i], text, sizeof(text));
            (void)fprintf(stderr, "%s\n", text);
        }
        return 1;
    }
    checking.scrape = prom_config_scrape(config, job);
    if (checking.scrape == NULL) {
        return not_found(config, job);
    }
    is_legacy = checking.scrape->metric_name_validation_scheme == PROM_VALIDATION_LEGACY;
    r = relabel_rules_new(checking.scrape->relabel_configs, is_legacy, &checking.rules, &err);
    r = r < 0 ? r : discover_all(&checking, config, timeout, &err);
    if (r >= 0) {
        print(&checking);
    } else {
        error_format(&err, text, sizeof(text));
        (void)fprintf(stderr, "barograph: %s\n", text);
    }
    vec_done(&checking.found);
    (void)relabel_rules_free(checking.rules);
    labels_builder_done(&checking.builder);
    arena_done(&checking.arena);
    return r < 0 ? error_exit_status(r) : 0;
}

int command_check_service_discovery(int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};

    if (flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (flags.help || flags.arg_count != 2) {
        return flags_usage(&flags, "check service-discovery [FLAGS] FILE JOB", summary);
    }
    return run(flags.args[0].ptr, flags.args[1], flags_duration(&flags, SD_TIMEOUT));
}
