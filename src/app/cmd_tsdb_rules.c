/* barograph tsdb create-blocks-from rules: what recording rules would have recorded, as blocks. */
#include <stdio.h>

#include "app/block_maker.h"
#include "app/cmd_tsdb.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/query_client.h"
#include "app/serve_features.h"
#include "base/num.h"
#include "model/labels_builder.h"
#include "rules/rule_group.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "tsdb/tsdb.h"

enum {
    ENGINE_SAMPLES_MAX = 50000000,
    END_BEFORE_NOW = 3 * DUR_HOUR, /* the head of a server has what is newer */
    BLOCK_RANGE = 2 * DUR_HOUR,
};

#define ENGINE_BYTES_MAX ((size_t)4 << 30)

/* The last moment of the year 9999. */
#define TIME_MAX INT64_C(253402300799999)

static const char usage[] = "tsdb create-blocks-from rules --start=TIME [FLAGS] RULES...";
static const char summary[] =
    "Evaluates the recording rules of rule files over a past time, and makes blocks of what they "
    "yield: for\neach rule a block for each two hours, as promtool does. A server is asked for the "
    "data, or the data\ndirectory is read. No rule sees what another one records here. Alerting "
    "rules are passed over.\n"
    "Name the files as the server's /api/v1/rules does: when in its interval a group is evaluated "
    "depends on that.\n\n"
    "  barograph tsdb create-blocks-from rules --start=2026-01-01T00:00:00Z --output-dir=data/ "
    "rules.yml";

static const struct flag rows[] = {
    {"http.config.file", FLAG_TEXT, "", FLAG_RUN,
     "credentials, TLS and proxy for the server, as in a scrape job"},
    {"url", FLAG_TEXT, "http://localhost:9090", FLAG_RUN, "the server that has the data"},
    {"storage.tsdb.path", FLAG_TEXT, "", FLAG_RUN,
     "the data directory to read, instead of a server; nothing in it is changed"},
    {"query.lookback-delta", FLAG_DURATION, "5m", FLAG_RUN,
     "how old a sample of the data directory may be"},
    {"start", FLAG_TEXT, "", FLAG_RUN, "first time, RFC 3339 or seconds since 1970; required"},
    {"end", FLAG_TEXT, "", FLAG_RUN, "last time, likewise; three hours ago when not given"},
    {"output-dir", FLAG_TEXT, "data/", FLAG_RUN, "where the blocks go"},
    {"eval-interval", FLAG_DURATION, "60s", FLAG_RUN,
     "how often rules are evaluated whose group does not say"},
    {"enable-feature", FLAG_LIST, "", FLAG_RUN,
     "names of experimental features of PromQL, as for serve; repeatable"},
    {"human-readable", FLAG_BOOL, "false", FLAG_NOOP, "nothing is printed; also -r"},
    {"quiet", FLAG_BOOL, "false", FLAG_NOOP, "nothing is printed; also -q"},
};
enum {
    FLAG_HTTP,
    FLAG_URL,
    FLAG_PATH,
    FLAG_LOOKBACK,
    FLAG_START,
    FLAG_END,
    FLAG_DIR,
    FLAG_INTERVAL,
    FLAG_FEATURE,
};

struct backfill {
    const struct flags *flags;
    struct arena arena; /* rule files, settings */
    struct query_client client;
    struct engine_options engine;
    struct tsdb *tsdb; /* NULL = a server is asked */
    struct rule_file *files;
    ts start;
    ts end;
    struct block_maker maker;
    struct labels_builder builder;
    uint64_t done; /* windows, of all recording rules */
    uint64_t total;
    bool has_failed;
    bool has_histograms; /* of the rule at hand, that an answer could not tell whole */
};

/* The evaluations of a rule that go to one block. */
struct window {
    ts first;
    ts last;
    dur step;
};

/* ---- What comes out of a rule ---- */

static int add_series(struct backfill *backfill, const struct rule_spec *rule, series_ref *ret,
                      struct baro_error *err)
{
    for (size_t i = 0; i < rule->labels.count; i++) {
        labels_builder_set(&backfill->builder, rule->labels.items[i].name,
                           rule->labels.items[i].value);
    }
    labels_builder_set(&backfill->builder, LABEL_METRIC_NAME, rule->name);
    return block_maker_series(&backfill->maker, labels_builder_finish(&backfill->builder), ret,
                              err);
}

static int add_sample(struct backfill *backfill, series_ref ref, const struct sample *sample,
                      struct baro_error *err)
{
    enum append_status status = APPEND_OK;
    int r = block_maker_add(&backfill->maker, ref, sample, &status, err);

    if (r < 0 || status == APPEND_OK) {
        return r;
    }
    return status == APPEND_INVALID
               ? error_set(err, BARO_EINVALID, "the result has a histogram that is not sound")
               : error_set(err, BARO_EDUPLICATE,
                           "several series of the result are one with the rule's labels");
}

/* ---- From a server ---- */

static int bad_answer(const char *what, struct baro_error *err)
{
    return error_set(err, BARO_EINVALID, "the server's answer: %s", what);
}

static int load_metric(struct labels_builder *builder, const struct json *metric,
                       struct baro_error *err)
{
    const struct json *value;
    void *iterator = NULL;
    str name;

    if (json_kind_of(metric) != JSON_KIND_OBJECT || json_count(metric) > APPENDER_LABELS_MAX) {
        return bad_answer("a series has no labels, or too many", err);
    }
    labels_builder_reset(builder);
    while (json_member(metric, &iterator, &name, &value)) {
        if (name.len == 0 || json_kind_of(value) != JSON_KIND_STRING) {
            return bad_answer("a label has no name, or a value that is no text", err);
        }
        labels_builder_add(builder, name, json_text(value));
    }
    return 0;
}

static int read_point(const struct json *point, const struct window *window, struct sample *ret,
                      struct baro_error *err)
{
    double seconds = json_double(json_at(point, 0));

    if (json_kind_of(json_at(point, 0)) != JSON_KIND_NUMBER ||
        !num_parse_double(json_text(json_at(point, 1)), &ret->v)) {
        return bad_answer("a point is not [time, \"value\"]", err);
    }
    if (!(seconds >= 0 && seconds <= (double)TIME_MAX / 1000)) {
        return bad_answer("a time is out of range", err);
    }
    ret->t = (ts)(seconds * 1000 + 0.5);
    if (ret->t < window->first || ret->t > window->last) {
        return bad_answer("it has times that were not asked for", err);
    }
    return 0;
}

static int take_answer(struct backfill *backfill, const struct rule_spec *rule,
                       const struct window *window, const struct json *data, struct baro_error *err)
{
    const struct json *result = json_get(data, "result");

    if (!str_is(json_text(json_get(data, "resultType")), "matrix") ||
        json_kind_of(result) != JSON_KIND_ARRAY) {
        return bad_answer("it is no matrix", err);
    }
    for (size_t i = 0; i < json_count(result); i++) {
        const struct json *series = json_at(result, i);
        const struct json *values = json_get(series, "values");
        struct sample sample = {0};
        series_ref ref = 0;
        int r = load_metric(&backfill->builder, json_get(series, "metric"), err);

        backfill->has_histograms |= json_get(series, "histograms") != NULL;
        r = r < 0 ? r : add_series(backfill, rule, &ref, err);
        for (size_t k = 0; r >= 0 && k < json_count(values); k++) {
            r = read_point(json_at(values, k), window, &sample, err);
            r = r < 0 ? r : add_sample(backfill, ref, &sample, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void add_seconds(struct query_form *form, const char *name, int64_t ms)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%lld.%03lld", (long long)(ms / 1000),
                   (long long)(ms % 1000));
    query_form_add(form, name, str_from(text));
}

static int from_server(struct backfill *backfill, const struct rule_spec *rule,
                       const struct window *window, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct query_form form = {0};
    const struct json *data = NULL;
    int r;

    query_form_add(&form, "query", rule->expr);
    add_seconds(&form, "start", window->first);
    add_seconds(&form, "end", window->last);
    add_seconds(&form, "step", window->step);
    r = query_client_ask(&backfill->client, flags_text(backfill->flags, FLAG_URL),
                         "/api/v1/query_range", &form, &root, &data, err);
    buf_done(&form.text);
    return r < 0 ? r : take_answer(backfill, rule, window, data, err);
}

/* ---- From a data directory ---- */

static int take_result(struct backfill *backfill, const struct rule_spec *rule,
                       const struct query_result *result, struct baro_error *err)
{
    int r = 0;

    for (size_t i = 0; i < result->annotations.warning_count; i++) {
        (void)fprintf(stderr, "warnings: %.*s\n", STR_ARG(result->annotations.warnings[i]));
    }
    for (size_t i = 0; i < result->series_count && r >= 0; i++) {
        const struct result_series *series = &result->series[i];
        series_ref ref = 0;

        labels_builder_load(&backfill->builder, series->metric);
        r = add_series(backfill, rule, &ref, err);
        for (size_t k = 0; r >= 0 && k < series->count; k++) {
            const struct point *point = &series->points[k];
            const struct sample sample = {.t = point->t, .v = point->v, .h = point->h};

            r = add_sample(backfill, ref, &sample, err);
        }
    }
    return r;
}

static int from_store(struct backfill *backfill, const struct rule_spec *rule,
                      const struct window *window, struct baro_error *err)
{
    struct query_result result = {0};
    const struct query query = {
        .text = rule->expr, .start = window->first, .end = window->last, .step = window->step};
    int r = engine_run(&backfill->engine, tsdb_queryable(backfill->tsdb), &query, &result, err);

    if (r >= 0) {
        r = take_result(backfill, rule, &result, err);
        query_result_done(&result);
    }
    return r;
}

/* ---- Rules ---- */

static int run_window(struct backfill *backfill, const struct rule_spec *rule,
                      const struct window *window, struct baro_error *err)
{
    char ulid[ULID_CHARS + 1] = "";
    int r;

    block_maker_begin(&backfill->maker);
    r = backfill->tsdb != NULL ? from_store(backfill, rule, window, err)
                               : from_server(backfill, rule, window, err);
    if (r >= 0) {
        r = block_maker_end(&backfill->maker, ulid, err);
    }
    block_maker_drop(&backfill->maker);
    return r;
}

/* The first evaluation from t on; both t and slot are 0 or more. */
static ts first_evaluation(ts t, dur slot, dur interval)
{
    dur past = (t - slot) % interval;

    return past <= 0 ? t - past : t + interval - past;
}

static int run_rule(struct backfill *backfill, const struct rule_spec *rule, dur slot, dur interval,
                    struct baro_error *err)
{
    int r = 0;

    for (ts block = backfill->start / BLOCK_RANGE * BLOCK_RANGE; block <= backfill->end && r >= 0;
         block += BLOCK_RANGE) {
        ts from = block > backfill->start ? block : backfill->start;
        ts to = block + BLOCK_RANGE - 1 < backfill->end ? block + BLOCK_RANGE - 1 : backfill->end;
        struct window window = {first_evaluation(from, slot, interval), to, interval};

        tsdb_draw_progress(backfill->done++, backfill->total);
        if (window.first <= to) {
            r = run_window(backfill, rule, &window, err);
        }
    }
    return r;
}

/* Of a failure: the next rule would fail as well. */
static bool is_hopeless(int r)
{
    return r > BARO_EPARSE || r == BARO_ENETWORK;
}

static void tell_failure(struct backfill *backfill, str file, const struct rule_group_spec *group,
                         const struct rule_spec *rule, int r, struct baro_error *err)
{
    tsdb_end_progress();
    (void)error_wrap(err, r, "%.*s: group %.*s, rule %.*s", STR_ARG(file), STR_ARG(group->name),
                     STR_ARG(rule->name));
    (void)tsdb_command_fail(err);
    backfill->has_failed = true;
}

static int run_group(struct backfill *backfill, str file, const struct rule_group_spec *group)
{
    dur interval =
        group->interval > 0 ? group->interval : flags_duration(backfill->flags, FLAG_INTERVAL);
    dur slot = rule_group_slot(file, group->name, interval);

    for (size_t i = 0; i < group->count; i++) {
        const struct rule_spec *rule = &group->rules[i];
        struct baro_error err = {0};
        int r = 0;

        if (rule->kind != RULE_RECORDING) {
            continue;
        }
        backfill->has_histograms = false;
        r = run_rule(backfill, rule, slot, interval, &err);
        if (backfill->has_histograms) {
            tsdb_end_progress();
            (void)fprintf(stderr,
                          "warnings: %.*s: group %.*s, rule %.*s: native histograms are left out: "
                          "a server's answer does not tell all of them; --storage.tsdb.path "
                          "does\n",
                          STR_ARG(file), STR_ARG(group->name), STR_ARG(rule->name));
        }
        if (r < 0) {
            tell_failure(backfill, file, group, rule, r, &err);
            if (is_hopeless(r)) {
                return r;
            }
        }
    }
    return 0;
}

static void run_files(struct backfill *backfill)
{
    const uint64_t windows =
        (uint64_t)(backfill->end / BLOCK_RANGE) - (uint64_t)(backfill->start / BLOCK_RANGE) + 1;
    int r = 0;

    for (size_t i = 0; i < backfill->flags->arg_count; i++) {
        backfill->total += windows * backfill->files[i].recording_count;
    }
    for (size_t i = 0; i < backfill->flags->arg_count && r >= 0; i++) {
        const struct rule_file *file = &backfill->files[i];

        for (size_t k = 0; k < file->count && r >= 0; k++) {
            r = run_group(backfill, backfill->flags->args[i], &file->groups[k]);
        }
    }
    tsdb_end_progress();
}

/* ---- What was asked for ---- */

static int read_time(const struct flags *flags, size_t row, ts *ret, struct baro_error *err)
{
    str text = flags_text(flags, row);

    if (!flags_time_parse(text, ret) || *ret < 0 || *ret > TIME_MAX) {
        return error_set(err, BARO_EUSAGE,
                         "--%s: \"%.*s\" is neither RFC 3339 nor seconds since 1970",
                         flags->rows[row].name, STR_ARG(text));
    }
    return 0;
}

static int read_flags(struct backfill *backfill, struct baro_error *err)
{
    const struct flags *flags = backfill->flags;
    int r;

    if (flags_text(flags, FLAG_START).len == 0) {
        return error_set(err, BARO_EUSAGE, "--start is required: see --help");
    }
    if (flags->given[FLAG_URL] && flags_text(flags, FLAG_PATH).len > 0) {
        return error_set(err, BARO_EUSAGE, "give either --url or --storage.tsdb.path");
    }
    r = read_time(flags, FLAG_START, &backfill->start, err);
    backfill->end = clock_now(clock_real()) - END_BEFORE_NOW;
    if (r >= 0 && flags_text(flags, FLAG_END).len > 0) {
        r = read_time(flags, FLAG_END, &backfill->end, err);
    }
    if (r >= 0 && backfill->start >= backfill->end) {
        return error_set(err, BARO_EUSAGE, "--start is not before --end");
    }
    if (r >= 0 && flags_duration(flags, FLAG_INTERVAL) <= 0) {
        return error_set(err, BARO_EUSAGE, "--eval-interval: a time above 0 is wanted");
    }
    return r;
}

static int read_files(struct backfill *backfill, const struct promql_features *features,
                      struct baro_error *err)
{
    static struct faults faults;
    const struct flags *flags = backfill->flags;

    backfill->files = ARENA_ARRAY(&backfill->arena, struct rule_file, flags->arg_count);
    for (size_t i = 0; i < flags->arg_count; i++) {
        struct buf text = {0};
        int r = file_read(flags->args[i].ptr, &text, err);

        if (r >= 0) {
            (void)rule_file_parse(&backfill->arena, flags->args[i], buf_view(&text), features,
                                  &backfill->files[i], &faults);
        }
        buf_done(&text);
        if (r < 0) {
            return r;
        }
    }
    return faults.count > 0 ? file_faults(&faults, false, err) : 0;
}

static int open_source(struct backfill *backfill, const struct promql_features *features,
                       struct baro_error *err)
{
    const struct tsdb_options options = {.read_only = true, .too_old = -1};
    const struct flags *flags = backfill->flags;
    str path = flags_text(flags, FLAG_PATH);

    if (path.len == 0) {
        return query_client_flags(&backfill->client, flags, SIZE_MAX, FLAG_HTTP, &backfill->arena,
                                  err);
    }
    backfill->engine = (struct engine_options){
        .lookback = flags_duration(flags, FLAG_LOOKBACK),
        .default_step = flags_duration(flags, FLAG_INTERVAL),
        .samples_max = ENGINE_SAMPLES_MAX,
        .memory_bytes_max = ENGINE_BYTES_MAX,
        .features = *features,
    };
    return tsdb_open(path.ptr, &options, &backfill->tsdb, err);
}

static int run(struct backfill *backfill, struct baro_error *err)
{
    struct serve_features features;
    int r = read_flags(backfill, err);

    serve_features_init(&features);
    for (size_t i = 0; i < backfill->flags->list_count && r >= 0; i++) {
        r = serve_features_add(&features, backfill->flags->list[i], err);
    }
    r = r < 0 ? r : read_files(backfill, &features.promql, err);
    r = r < 0 ? r : open_source(backfill, &features.promql, err);
    r = r < 0 ? r : fs_make_path(fs_real(), backfill->maker.dir, err);
    if (r >= 0) {
        run_files(backfill);
    }
    return r;
}

int command_tsdb_create_rules(int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};
    struct backfill backfill = {.flags = &flags, .maker.range = BLOCK_RANGE};
    int status = tsdb_command_begin(&flags, rows, ARRAY_COUNT(rows), usage, summary, argc, argv);
    int r;

    if (status >= 0) {
        return status;
    }
    backfill.maker.dir = flags_text(&flags, FLAG_DIR).ptr;
    r = run(&backfill, &err);
    (void)tsdb_free(backfill.tsdb);
    labels_builder_done(&backfill.builder);
    arena_done(&backfill.arena);
    if (r < 0) {
        char line[ERROR_FORMAT_BYTES];

        error_format(&err, line, sizeof(line));
        (void)fprintf(stderr, "barograph: %s\n", line);
        return error_exit_status(err.code);
    }
    return backfill.has_failed ? 1 : 0;
}
