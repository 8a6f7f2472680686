/* The queries that run, killing them, plans, the log of queries, and what the language offers. */
#include "api/api_priv.h"
#include "base/log.h"
#include "base/num.h"
#include "promql/functions.h"
#include "sys/fs.h"

/* ---- what runs ---- */

int api_queries(struct api_call *call)
{
    struct json_writer *json = &call->json;
    size_t count = 0;
    const struct query_listing *list = query_registry_list(call->api->queries, call->arena, &count);

    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        struct buf text = {0};

        api_format_time(&text, list[i].begun);
        json_write_object_begin(json);
        json_write_pair_u64(json, STR("id"), list[i].id);
        json_write_pair_str(json, STR("query"), list[i].text);
        json_write_pair_str(json, STR("kind"), str_from(list[i].kind));
        json_write_pair_str(json, STR("client"), list[i].client);
        json_write_pair_str(json, STR("begun"), buf_view(&text));
        json_write_pair_number(json, STR("runningSeconds"),
                               (double)list[i].running_ns / (double)MONO_PER_SECOND);
        json_write_pair_bool(json, STR("killed"), list[i].killed);
        json_write_object_end(json);
        buf_done(&text);
    }
    json_write_array_end(json);
    return 0;
}

int api_query_kill(struct api_call *call)
{
    uint64_t id = 0;

    if (!num_parse_u64(call->request->param, &id)) {
        return api_fail(call, API_BAD_DATA, "\"%.*s\" is no id of a query",
                        STR_ARG(call->request->param));
    }
    if (!query_registry_kill(call->api->queries, id)) {
        return api_fail(call, API_NOT_FOUND, "no query with id %llu is running",
                        (unsigned long long)id);
    }
    json_write_object_begin(&call->json);
    json_write_pair_u64(&call->json, STR("killed"), id);
    json_write_object_end(&call->json);
    return 0;
}

void api_track_queries(struct api *api, const struct fs *fs, const char *path)
{
    struct baro_error err = {0};
    struct buf left = {0};
    str rest;

    if (query_registry_track(api->queries, fs, path, &left, &err) < 0) {
        log_warn("running queries are not tracked", log_str("err", str_from(err.message)));
    }
    rest = buf_view(&left);
    for (str line; left.len > 0 && str_split_next(&rest, '\n', &line);) {
        if (line.len > 0) {
            log_warn("a query ran when the program last ended", log_str("query", line));
        }
    }
    buf_done(&left);
}

/* ---- plans ---- */

void api_write_explain(struct json_writer *json, const struct explain_node *node)
{
    json_write_object_begin(json);
    json_write_pair_str(json, STR("node"), str_from(node->kind));
    json_write_pair_str(json, STR("expr"), node->text);
    json_write_pair_u64(json, STR("runs"), node->runs);
    json_write_pair_u64(json, STR("series"), node->series);
    json_write_pair_u64(json, STR("points"), node->points);
    json_write_pair_u64(json, STR("samplesRead"), node->samples_read);
    json_write_pair_u64(json, STR("bytes"), node->bytes);
    json_write_pair_number(json, STR("seconds"), (double)node->ns / (double)MONO_PER_SECOND);
    json_write_key(json, STR("children"));
    json_write_array_begin(json);
    for (size_t i = 0; i < node->child_count; i++) {
        api_write_explain(json, node->children[i]);
    }
    json_write_array_end(json);
    json_write_object_end(json);
}

/* ---- the log ---- */

static void write_time(struct json_writer *json, str key, ts t)
{
    struct buf text = {0};

    api_format_time(&text, t);
    json_write_pair_str(json, key, buf_view(&text));
    buf_done(&text);
}

/* One line as Prometheus's query log has them. */
void api_log_query(struct api_call *call, const struct query *query,
                   const struct query_stats *stats, const struct baro_error *err)
{
    const struct api_context *context = call->context;
    struct buf line = {0};
    struct json_writer json = json_write_over(&line);

    if (context->log_query == NULL ||
        (context->logs_queries != NULL && !context->logs_queries(context->app))) {
        return;
    }
    json_write_object_begin(&json);
    write_time(&json, STR("time"), clock_now(context->clock));
    json_write_pair_str(&json, STR("level"), STR("INFO"));
    json_write_pair_str(&json, STR("msg"), STR("promql query logged"));
    if (err != NULL) {
        json_write_pair_str(&json, STR("error"), str_from(err->message));
    }
    json_write_key(&json, STR("params"));
    json_write_object_begin(&json);
    write_time(&json, STR("end"), query->end);
    json_write_pair_str(&json, STR("query"), query->text);
    write_time(&json, STR("start"), query->start);
    json_write_pair_i64(&json, STR("step"), query->step / 1000);
    json_write_object_end(&json);
    api_write_stats(&json, stats, NULL);
    json_write_key(&json, STR("httpRequest"));
    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("clientIP"), call->request->client);
    json_write_pair_str(&json, STR("method"),
                        call->request->method == HTTP_POST ? STR("POST") : STR("GET"));
    json_write_pair_str(&json, STR("path"), call->request->path);
    json_write_object_end(&json);
    json_write_object_end(&json);
    buf_char(&line, '\n');
    if (!line.failed) {
        context->log_query(context->app, buf_view(&line));
    }
    buf_done(&line);
}

/* ---- features ---- */

static void write_functions(struct json_writer *json, const struct promql_features *features)
{
    json_write_key(json, STR("promql_functions"));
    json_write_object_begin(json);
    for (int i = 0; i < FUNCTION_COUNT; i++) {
        const struct function *function = function_at((enum function_id)i);

        json_write_pair_bool(json, str_from(function->name),
                             !function->experimental || features->experimental_functions);
    }
    json_write_object_end(json);
}

static void write_operators(struct json_writer *json)
{
    json_write_key(json, STR("promql_operators"));
    json_write_object_begin(json);
    for (int i = 0; i < OP_COUNT; i++) {
        json_write_pair_bool(json, str_from(binary_op_name((enum binary_op)i)), true);
    }
    for (int i = 0; i < AGG_OP_COUNT; i++) {
        json_write_pair_bool(json, str_from(aggregate_op_name((enum aggregate_op)i)), true);
    }
    json_write_object_end(json);
}

/* As Prometheus groups them: category, feature, whether it is on. */
int api_features(struct api_call *call)
{
    struct json_writer *json = &call->json;
    struct engine_options options = {0};
    const struct promql_features *features = &options.features;

    call->context->engine(call->context->app, &options);
    json_write_object_begin(json);
    json_write_key(json, STR("api"));
    json_write_object_begin(json);
    json_write_pair_bool(json, STR("explain"), true);
    json_write_pair_bool(json, STR("kill_query"), true);
    json_write_pair_bool(json, STR("label_values_match"), true);
    json_write_pair_bool(json, STR("lifecycle"), call->context->enable_lifecycle);
    json_write_pair_bool(json, STR("otlp_write_receiver"), call->context->remote.takes_otlp);
    json_write_pair_bool(json, STR("query_stats"), true);
    json_write_pair_bool(json, STR("query_warnings"), true);
    json_write_pair_bool(json, STR("remote_write_receiver"),
                         call->context->remote.takes_write[0] ||
                             call->context->remote.takes_write[1]);
    json_write_pair_bool(json, STR("search"), call->context->enable_search);
    json_write_pair_bool(json, STR("search_fuzz_alg_jarowinkler"), true);
    json_write_pair_bool(json, STR("search_fuzz_alg_subsequence"), true);
    json_write_pair_bool(json, STR("time_range_labels"), true);
    json_write_object_end(json);
    json_write_key(json, STR("otlp_receiver"));
    json_write_object_begin(json);
    json_write_pair_bool(json, STR("delta_conversion"), false);
    json_write_pair_bool(json, STR("native_delta_ingestion"),
                         call->context->remote.takes_otlp_deltas);
    json_write_object_end(json);
    json_write_key(json, STR("promql"));
    json_write_object_begin(json);
    json_write_pair_bool(json, STR("anchored"), features->extended_range);
    json_write_pair_bool(json, STR("at_modifier"), true);
    json_write_pair_bool(json, STR("delayed_name_removal"), features->delayed_name_removal);
    json_write_pair_bool(json, STR("duration_expr"), features->duration_expressions);
    json_write_pair_bool(json, STR("experimental_functions"), features->experimental_functions);
    json_write_pair_bool(json, STR("fill"), features->binop_fill);
    json_write_pair_bool(json, STR("native_histograms"), true);
    json_write_pair_bool(json, STR("negative_offset"), true);
    json_write_pair_bool(json, STR("offset"), true);
    json_write_pair_bool(json, STR("smoothed"), features->extended_range);
    json_write_pair_bool(json, STR("start_timestamps"), features->start_timestamps);
    json_write_pair_bool(json, STR("subqueries"), true);
    json_write_pair_bool(json, STR("type_and_unit_labels"), features->type_and_unit_labels);
    json_write_pair_bool(json, STR("utf8_names"), true);
    json_write_object_end(json);
    write_functions(json, features);
    write_operators(json);
    json_write_object_end(json);
    return 0;
}
