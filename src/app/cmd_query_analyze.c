/*
 * query analyze: how many buckets of histograms are populated, as `promtool query analyze` tells
 * it: for each histogram the least, the mean and the most over time, then the same over all of
 * them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/query_client.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"
#include "sys/clock.h"

enum analyze_flag { AN_SERVER, AN_HTTP, AN_TYPE, AN_DURATION, AN_TIME, AN_MATCH };

static const struct flag rows[] = {
    {"server", FLAG_TEXT, "", FLAG_RUN, "the server: http://host:port"},
    {"http.config.file", FLAG_TEXT, "", FLAG_RUN,
     "credentials, TLS and proxy for the server, as in a scrape job"},
    {"type", FLAG_TEXT, "", FLAG_RUN, "histogram"},
    {"duration", FLAG_DURATION, "1h", FLAG_RUN, "how far back to look"},
    {"time", FLAG_TEXT, "", FLAG_RUN, "until when, RFC 3339 or Unix seconds; now when not given"},
    {"match", FLAG_LIST, "", FLAG_RUN, "selector of series, as latency_seconds_bucket; repeatable"},
};

static const char summary[] =
    "Asks a server for histograms and tells how many of their buckets are populated.\n\n"
    "  barograph query analyze --server=http://localhost:9090 --type=histogram "
    "--match=prometheus_http_request_duration_seconds_bucket";

/* Populated buckets of one histogram over time. */
struct filling {
    size_t least;
    size_t most;
    size_t total; /* buckets in all */
    double mean;
};

/* The same over all histograms of a kind. */
struct spread {
    size_t least;
    size_t most;
    size_t count;
    double mean;
};

enum { OF_LEAST, OF_MEAN, OF_MOST, OF_TOTAL, SPREADS };

/* A classic histogram: its buckets, each with its points. */
struct classic {
    str name;
    VEC(const struct json *) series;
};

struct analysis {
    struct arena arena;
    struct buf out;
    struct spread native[SPREADS];
    struct spread classic[SPREADS];
    VEC(struct classic *) found; /* of one selector */
};

static void spread_add(struct spread *spread, size_t value)
{
    spread->least = spread->count == 0 || value < spread->least ? value : spread->least;
    spread->most = value > spread->most ? value : spread->most;
    spread->count++;
    spread->mean += ((double)value - spread->mean) / (double)spread->count;
}

static void note(struct spread spreads[SPREADS], const struct filling *filling)
{
    spread_add(&spreads[OF_LEAST], filling->least);
    spread_add(&spreads[OF_MEAN], (size_t)filling->mean);
    spread_add(&spreads[OF_MOST], filling->most);
    spread_add(&spreads[OF_TOTAL], filling->total);
}

static void filling_add(struct filling *filling, size_t populated, size_t before)
{
    filling->least = before == 0 || populated < filling->least ? populated : filling->least;
    filling->most = populated > filling->most ? populated : filling->most;
    filling->mean += ((double)populated - filling->mean) / (double)(before + 1);
}

static void write_filling(struct buf *out, const struct filling *filling)
{
    buf_printf(out, "%zu/%.3f/%zu", filling->least, filling->mean, filling->most);
    if (filling->most != filling->total) {
        buf_printf(out, "/%zu", filling->total);
    }
    buf_char(out, '\n');
}

/* ---- native histograms ---- */

/* A bucket by its borders, as text. */
static void bucket_key(struct buf *key, const struct json *bucket)
{
    buf_reset(key);
    for (size_t i = 0; i < 3; i++) {
        const struct json *part = json_at(bucket, i);
        int64_t kind = 0;

        if (json_int(part, &kind)) {
            buf_printf(key, "%d;", (int)kind);
        } else {
            buf_printf(key, "%.*s;", STR_ARG(json_text(part)));
        }
    }
}

static void analyze_native(struct analysis *analysis, const struct json *series)
{
    const struct json *points = json_get(series, "histograms");
    struct filling filling = {0};
    struct map seen = {0};
    struct buf key = {0};

    if (json_count(points) < 2) {
        return;
    }
    for (size_t i = 0; i < json_count(points); i++) {
        const struct json *buckets = json_get(json_at(json_at(points, i), 1), "buckets");

        for (size_t k = 0; k < json_count(buckets); k++) {
            bucket_key(&key, json_at(buckets, k));
            (void)map_put(&seen, arena_str(&analysis->arena, buf_view(&key)), analysis);
        }
        filling_add(&filling, json_count(buckets), i);
    }
    filling.total = seen.count;
    buf_c(&analysis->out, "- ");
    query_client_labels(&analysis->out, json_get(series, "metric"));
    buf_c(&analysis->out, " (native): ");
    write_filling(&analysis->out, &filling);
    note(analysis->native, &filling);
    map_done(&seen);
    buf_done(&key);
}

/* ---- classic histograms ---- */

/* The name of what the buckets with these labels make up; ptr NULL when it is no bucket. */
static str classic_name(struct analysis *analysis, const struct json *metric)
{
    str name = json_text(json_get(metric, "__name__"));
    const struct json *value;
    void *iterator = NULL;
    struct buf text = {0};
    str kept;
    str key;

    if (json_get(metric, "le") == NULL || !str_has_suffix(name, STR("_bucket"))) {
        return STR_NULL;
    }
    buf_printf(&text, "%.*s{", STR_ARG(name));
    for (bool first = true; json_member(metric, &iterator, &key, &value);) {
        if (!str_is(key, "le") && !str_is(key, "__name__")) {
            buf_printf(&text, "%s%.*s=", first ? "" : ", ", STR_ARG(key));
            buf_quoted(&text, json_text(value));
            first = false;
        }
    }
    buf_char(&text, '}');
    kept = arena_str(&analysis->arena, buf_view(&text));
    buf_done(&text);
    return kept;
}

static void take_classic(struct analysis *analysis, const struct json *series)
{
    str name = classic_name(analysis, json_get(series, "metric"));
    struct classic *classic = NULL;

    if (name.ptr == NULL) {
        return;
    }
    for (size_t i = 0; i < analysis->found.count && classic == NULL; i++) {
        classic = str_eq(analysis->found.items[i]->name, name) ? analysis->found.items[i] : NULL;
    }
    if (classic == NULL) {
        classic = ARENA_NEW(&analysis->arena, struct classic);
        classic->name = name;
        vec_push(&analysis->found, classic);
    }
    vec_push(&classic->series, series);
}

static double bound_of(const struct json *series)
{
    double bound = 0;

    (void)num_parse_double(json_text(json_get(json_get(series, "metric"), "le")), &bound);
    return bound;
}

static int by_bound(const void *a, const void *b)
{
    double left = bound_of(*(const struct json *const *)a);
    double right = bound_of(*(const struct json *const *)b);

    return (left > right) - (left < right);
}

static double value_at(const struct json *series, size_t index)
{
    double value = 0;

    (void)num_parse_double(json_text(json_at(json_at(json_get(series, "values"), index), 1)),
                           &value);
    return value;
}

/* Buckets count what is below their bound: populated is one that has more than the one before. */
static size_t populated_at(const struct classic *classic, size_t index)
{
    size_t populated = 0;
    double before = 0;

    for (size_t i = 0; i < classic->series.count; i++) {
        double value;

        if (index >= json_count(json_get(classic->series.items[i], "values"))) {
            break; /* partial results */
        }
        value = value_at(classic->series.items[i], index);
        populated += trunc(value - before) != 0;
        before = value;
    }
    return populated;
}

static void analyze_classic(struct analysis *analysis, struct classic *classic)
{
    struct filling filling = {.total = classic->series.count};
    size_t points = json_count(json_get(classic->series.items[0], "values"));

    if (points < 2) {
        return;
    }
    qsort(classic->series.items, classic->series.count, sizeof(*classic->series.items), by_bound);
    for (size_t i = 0; i < points; i++) {
        filling_add(&filling, populated_at(classic, i), i);
    }
    buf_printf(&analysis->out, "- %.*s (classic): ", STR_ARG(classic->name));
    write_filling(&analysis->out, &filling);
    note(analysis->classic, &filling);
}

/* ---- the whole ---- */

static int analyze(struct analysis *analysis, const struct query_client *client,
                   const struct flags *flags, str selector, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct query_form form = {0};
    const struct json *data = NULL;
    const struct json *result;
    str time = flags_text(flags, AN_TIME);
    struct buf query = {0};
    int r;

    buf_printf(&query, "%.*s[%.*s]", STR_ARG(selector), STR_ARG(flags_text(flags, AN_DURATION)));
    query_form_add(&form, "query", buf_view(&query));
    if (time.len > 0) {
        query_form_add(&form, "time", time);
    }
    r = query_client_ask(client, flags_text(flags, AN_SERVER), "/api/v1/query", &form, &root, &data,
                         err);
    buf_done(&form.text);
    buf_done(&query);
    if (r < 0) {
        return r;
    }
    result = json_get(data, "result");
    for (size_t i = 0; i < json_count(result); i++) {
        if (json_count(json_get(json_at(result, i), "values")) == 0) {
            analyze_native(analysis, json_at(result, i));
        } else {
            take_classic(analysis, json_at(result, i));
        }
    }
    for (size_t i = 0; i < analysis->found.count; i++) {
        analyze_classic(analysis, analysis->found.items[i]);
        vec_done(&analysis->found.items[i]->series);
    }
    analysis->found.count = 0;
    return 0;
}

static void write_spreads(struct buf *out, const char *kind, const struct spread spreads[SPREADS])
{
    static const char *const names[SPREADS] = {"min populated", "avg populated", "max populated",
                                               "total"};
    bool same = memcmp(&spreads[OF_MOST], &spreads[OF_TOTAL], sizeof(spreads[OF_MOST])) == 0;

    if (spreads[OF_LEAST].count == 0) {
        return;
    }
    buf_printf(out, "\n%s histogram series (%zu in total):\n", kind, spreads[OF_LEAST].count);
    for (size_t i = 0; i < (same ? (size_t)OF_TOTAL : (size_t)SPREADS); i++) {
        buf_printf(out, "- %s: %zu/%.3f/%zu\n", names[i], spreads[i].least, spreads[i].mean,
                   spreads[i].most);
    }
}

static int run(const struct flags *flags, struct baro_error *err)
{
    struct analysis analysis = {0};
    struct query_client client = {0};
    int r = query_client_flags(&client, flags, SIZE_MAX, AN_HTTP, &analysis.arena, err);

    buf_c(&analysis.out,
          "Populated buckets of each histogram over time: least/mean/most, and all of its buckets "
          "where that is another\nnumber (as it often is for native ones)\n\n");
    for (size_t i = 0; i < flags->list_count && r >= 0; i++) {
        r = analyze(&analysis, &client, flags, flags->list[i], err);
    }
    buf_c(&analysis.out, "\nOver the histograms above, least/mean/most of each figure\n");
    write_spreads(&analysis.out, "Native", analysis.native);
    write_spreads(&analysis.out, "Classic", analysis.classic);
    if (r >= 0) {
        (void)fwrite(analysis.out.ptr, 1, analysis.out.len, stdout);
    }
    buf_done(&analysis.out);
    vec_done(&analysis.found);
    arena_done(&analysis.arena);
    return r;
}

int command_query_analyze(int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};
    int r = flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err);

    if (r >= 0 && !flags.help && flags.list_count > 0 && flags_text(&flags, AN_SERVER).len > 0) {
        if (!str_is(flags_text(&flags, AN_TYPE), "histogram")) {
            r = error_set(&err, BARO_EUSAGE, "--type: \"%.*s\" is not histogram",
                          STR_ARG(flags_text(&flags, AN_TYPE)));
        } else {
            r = run(&flags, &err);
        }
    } else if (r >= 0) {
        return flags_usage(&flags, "query analyze --server=URL --type=histogram --match=SELECTOR",
                           summary);
    }
    if (r < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return error_exit_status(r);
    }
    return 0;
}
