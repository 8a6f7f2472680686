#include <stdlib.h>
#include <unistd.h>

#include "api/api_priv.h"
#include "base/num.h"

int api_status_config(struct api_call *call)
{
    struct buf text = {0};

    if (call->context->sources.config != NULL) {
        call->context->sources.config(call->context->app, &text);
    }
    json_write_object_begin(&call->json);
    json_write_pair_str(&call->json, STR("yaml"), buf_view(&text));
    json_write_object_end(&call->json);
    call->json.buf->failed |= text.failed;
    buf_done(&text);
    return 0;
}

static int compare_flags(const void *a, const void *b)
{
    return strcmp((*(const struct api_flag *const *)a)->name,
                  (*(const struct api_flag *const *)b)->name);
}

int api_status_flags(struct api_call *call)
{
    const struct api_context *context = call->context;
    const struct api_flag **flags =
        ARENA_ARRAY(call->arena, const struct api_flag *, context->flag_count + 1);

    for (size_t i = 0; i < context->flag_count; i++) {
        flags[i] = &context->flags[i];
    }
    qsort(flags, context->flag_count, sizeof(*flags), compare_flags);
    json_write_object_begin(&call->json);
    for (size_t i = 0; i < context->flag_count; i++) {
        json_write_pair_str(&call->json, str_from(flags[i]->name), str_from(flags[i]->value));
    }
    json_write_object_end(&call->json);
    return 0;
}

int api_status_buildinfo(struct api_call *call)
{
    const struct api_build *build = &call->context->build;
    struct json_writer *json = &call->json;

    json_write_object_begin(json);
    json_write_pair_str(json, STR("version"), str_from(build->version));
    json_write_pair_str(json, STR("revision"), str_from(build->revision));
    json_write_pair_str(json, STR("branch"), str_from(build->branch));
    json_write_pair_str(json, STR("buildUser"), str_from(build->user));
    json_write_pair_str(json, STR("buildDate"), str_from(build->date));
    json_write_pair_str(json, STR("goVersion"), str_from(build->compiler));
    json_write_pair_str(json, STR("barographVersion"), str_from(build->program_version));
    json_write_pair_str(json, STR("barographRevision"), str_from(build->program_revision));
    json_write_object_end(json);
    return 0;
}

static void write_time(struct json_writer *json, str key, ts t)
{
    struct buf text = {0};

    api_format_time(&text, t);
    json_write_pair_str(json, key, buf_view(&text));
    buf_done(&text);
}

static void write_notification(struct json_writer *json, str text, ts since)
{
    json_write_object_begin(json);
    json_write_pair_str(json, STR("text"), text);
    write_time(json, STR("date"), since);
    json_write_pair_bool(json, STR("active"), true);
    json_write_object_end(json);
}

/* With Prometheus's texts, by which its page knows them. */
int api_notifications(struct api_call *call)
{
    const struct api_context *context = call->context;
    struct api_runtime runtime = {.reload_success = true};

    if (context->sources.runtime != NULL) {
        context->sources.runtime(context->app, call->arena, &runtime);
    }
    json_write_array_begin(&call->json);
    if (call->queryable == NULL) {
        write_notification(&call->json,
                           STR("Prometheus is starting and replaying the write-ahead log (WAL)."),
                           runtime.start_time);
    } else if (!runtime.reload_success) {
        write_notification(&call->json, STR("Configuration reload has failed."), runtime.last_try);
    }
    json_write_array_end(&call->json);
    return 0;
}

/* The fields that are about Go are there because clients may want them; they say "none". */
int api_status_runtimeinfo(struct api_call *call)
{
    const struct api_context *context = call->context;
    struct json_writer *json = &call->json;
    struct api_runtime runtime = {0};

    if (context->sources.runtime != NULL) {
        context->sources.runtime(context->app, call->arena, &runtime);
    }
    json_write_object_begin(json);
    write_time(json, STR("startTime"), runtime.start_time);
    json_write_pair_str(json, STR("CWD"), runtime.working_directory);
    json_write_pair_str(json, STR("hostname"), runtime.hostname);
    json_write_pair_str(json, STR("externalURL"), runtime.external_url);
    write_time(json, STR("serverTime"), clock_now(context->clock));
    json_write_pair_bool(json, STR("reloadConfigSuccess"), runtime.reload_success);
    write_time(json, STR("lastConfigTime"), runtime.last_config_time);
    json_write_pair_u64(json, STR("corruptionCount"), runtime.corruption_count);
    json_write_pair_i64(json, STR("goroutineCount"), 0);
    json_write_pair_i64(json, STR("GOMAXPROCS"), sysconf(_SC_NPROCESSORS_ONLN));
    json_write_pair_i64(json, STR("GOMEMLIMIT"), INT64_MAX);
    json_write_pair_str(json, STR("GOGC"), STR(""));
    json_write_pair_str(json, STR("GODEBUG"), STR(""));
    json_write_pair_str(json, STR("storageRetention"), runtime.storage_retention);
    json_write_object_end(json);
    return 0;
}

static void write_stat_list(struct json_writer *json, str key, const struct tsdb_stat_list *list)
{
    json_write_key(json, key);
    json_write_array_begin(json);
    for (size_t i = 0; i < list->count; i++) {
        json_write_object_begin(json);
        json_write_pair_str(json, STR("name"), list->items[i].name);
        json_write_pair_u64(json, STR("value"), list->items[i].value);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static int stats_limit(struct api_call *call, size_t *ret)
{
    str text = form_get(&call->form, STR("limit"));
    int64_t limit = 0;

    *ret = 10;
    if (text.len == 0) {
        return 0;
    }
    if (!num_parse_i64(text, &limit) || limit < 1) {
        return api_fail(call, API_BAD_DATA, "limit must be a positive number");
    }
    if (limit > TSDB_STATS_LIMIT_MAX) {
        return api_fail(call, API_BAD_DATA, "limit must not exceed %d", TSDB_STATS_LIMIT_MAX);
    }
    *ret = (size_t)limit;
    return 0;
}

int api_status_tsdb(struct api_call *call)
{
    const struct api_context *context = call->context;
    struct json_writer *json = &call->json;
    struct tsdb_stats stats = {.mint = INT64_MAX, .maxt = INT64_MIN};
    struct baro_error err = {0};
    size_t limit = 0;
    int r = stats_limit(call, &limit);

    if (r >= 0 && context->sources.tsdb_stats != NULL &&
        context->sources.tsdb_stats(context->app, call->arena, limit, &stats, &err) < 0) {
        r = api_fail_query(call, &err);
    }
    if (r < 0) {
        return r;
    }
    json_write_object_begin(json);
    json_write_key(json, STR("headStats"));
    json_write_object_begin(json);
    json_write_pair_u64(json, STR("numSeries"), stats.series);
    json_write_pair_u64(json, STR("numLabelPairs"), stats.label_pairs);
    json_write_pair_u64(json, STR("chunkCount"), stats.chunks);
    json_write_pair_i64(json, STR("minTime"), stats.mint);
    json_write_pair_i64(json, STR("maxTime"), stats.maxt);
    json_write_object_end(json);
    write_stat_list(json, STR("seriesCountByMetricName"), &stats.series_by_metric);
    write_stat_list(json, STR("labelValueCountByLabelName"), &stats.values_by_label);
    write_stat_list(json, STR("memoryInBytesByLabelName"), &stats.bytes_by_label);
    write_stat_list(json, STR("seriesCountByLabelValuePair"), &stats.series_by_pair);
    json_write_object_end(json);
    return 0;
}

int api_status_walreplay(struct api_call *call)
{
    const struct api_context *context = call->context;
    struct tsdb_replay_status status = {0};

    if (context->sources.replay_status != NULL) {
        context->sources.replay_status(context->app, &status);
    }
    json_write_object_begin(&call->json);
    json_write_pair_i64(&call->json, STR("min"), status.min);
    json_write_pair_i64(&call->json, STR("max"), status.max);
    json_write_pair_i64(&call->json, STR("current"), status.current);
    json_write_object_end(&call->json);
    return 0;
}
