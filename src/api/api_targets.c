#include <stdlib.h>

#include "api/api_priv.h"
#include "base/num.h"

static void write_duration(struct json_writer *json, str key, dur d)
{
    struct buf text = {0};

    dur_format(&text, d);
    json_write_pair_str(json, key, buf_view(&text));
    buf_done(&text);
}

static void write_time(struct json_writer *json, str key, ts t)
{
    struct buf text = {0};

    api_format_time(&text, t);
    json_write_pair_str(json, key, buf_view(&text));
    buf_done(&text);
}

static str health_word(enum scrape_health health)
{
    switch (health) {
    case SCRAPE_HEALTH_UP:
        return STR("up");
    case SCRAPE_HEALTH_DOWN:
        return STR("down");
    case SCRAPE_HEALTH_UNKNOWN:
        break;
    }
    return STR("unknown");
}

static void write_target(struct json_writer *json, const struct scrape_target_info *target)
{
    json_write_object_begin(json);
    json_write_key(json, STR("discoveredLabels"));
    api_write_labels(json, target->discovered);
    json_write_key(json, STR("labels"));
    api_write_labels(json, target->labels);
    json_write_pair_str(json, STR("scrapePool"), target->pool);
    json_write_pair_str(json, STR("scrapeUrl"), target->scrape_url);
    json_write_pair_str(json, STR("globalUrl"), target->global_url);
    json_write_pair_str(json, STR("lastError"), target->last_error);
    write_time(json, STR("lastScrape"), target->last_scrape);
    json_write_pair_number(json, STR("lastScrapeDuration"), target->last_duration_seconds);
    json_write_pair_str(json, STR("health"), health_word(target->health));
    write_duration(json, STR("scrapeInterval"), target->interval);
    write_duration(json, STR("scrapeTimeout"), target->timeout);
    json_write_object_end(json);
}

static void get_targets(struct api_call *call, str pool, struct scrape_targets *ret)
{
    const struct api_context *context = call->context;

    *ret = (struct scrape_targets){0};
    if (context->sources.targets != NULL) {
        context->sources.targets(context->app, call->arena, pool, ret);
    }
}

static void write_dropped(struct json_writer *json, const struct scrape_targets *targets)
{
    for (size_t i = 0; i < targets->dropped_count; i++) {
        json_write_object_begin(json);
        json_write_key(json, STR("discoveredLabels"));
        api_write_labels(json, targets->dropped[i].discovered);
        json_write_pair_str(json, STR("scrapePool"), targets->dropped[i].pool);
        json_write_object_end(json);
    }
}

int api_targets(struct api_call *call)
{
    struct json_writer *json = &call->json;
    str state = form_get(&call->form, STR("state"));
    str pool = form_get(&call->form, STR("scrapePool"));
    bool all = state.len == 0 || str_eq_nocase(state, STR("any"));
    bool show_active = all || str_eq_nocase(state, STR("active"));
    bool show_dropped = all || str_eq_nocase(state, STR("dropped"));
    struct scrape_targets targets;

    get_targets(call, pool.len > 0 ? pool : STR_NULL, &targets);
    json_write_object_begin(json);
    json_write_key(json, STR("activeTargets"));
    json_write_array_begin(json);
    for (size_t i = 0; show_active && i < targets.active_count; i++) {
        write_target(json, &targets.active[i]);
    }
    json_write_array_end(json);
    json_write_key(json, STR("droppedTargets"));
    json_write_array_begin(json);
    if (show_dropped) {
        write_dropped(json, &targets);
    }
    json_write_array_end(json);
    json_write_key(json, STR("droppedTargetCounts"));
    json_write_object_begin(json);
    for (size_t i = 0; show_dropped && i < targets.pool_count; i++) {
        json_write_pair_u64(json, targets.pools[i].name, targets.pools[i].dropped_count);
    }
    json_write_object_end(json);
    json_write_object_end(json);
    return 0;
}

int api_scrape_pools(struct api_call *call)
{
    struct json_writer *json = &call->json;
    struct scrape_targets targets;

    get_targets(call, STR_NULL, &targets);
    json_write_object_begin(json);
    json_write_key(json, STR("scrapePools"));
    json_write_array_begin(json);
    for (size_t i = 0; i < targets.pool_count; i++) {
        json_write_str(json, targets.pools[i].name);
    }
    json_write_array_end(json);
    json_write_object_end(json);
    return 0;
}

/* ---- metadata ---- */

/* -1 in *ret means no limit. */
static int number_param(struct api_call *call, const char *name, int64_t *ret)
{
    str text = form_get(&call->form, str_from(name));

    *ret = -1;
    if (text.len > 0 && !num_parse_i64(text, ret)) {
        return api_fail(call, API_BAD_DATA, "%s must be a number", name);
    }
    return 0;
}

static int get_metadata(struct api_call *call, struct matchers matchers,
                        struct scrape_metadata_list *ret)
{
    const struct api_context *context = call->context;
    str metric = form_get(&call->form, STR("metric"));

    *ret = (struct scrape_metadata_list){0};
    if (context->sources.metadata != NULL) {
        context->sources.metadata(context->app, call->arena, metric.len > 0 ? metric : STR_NULL,
                                  matchers, 0, ret);
    }
    return 0;
}

static void write_metadata(struct json_writer *json, const struct metadata *metadata)
{
    json_write_pair_str(json, STR("type"), str_from(metric_type_name(metadata->type)));
    json_write_pair_str(json, STR("help"), metadata->help);
    json_write_pair_str(json, STR("unit"), metadata->unit);
}

/* By metric, then by content, so that equal entries of several targets stand side by side. */
static int compare_metadata(const void *left, const void *right)
{
    const struct scrape_metadata_info *a = *(const struct scrape_metadata_info *const *)left;
    const struct scrape_metadata_info *b = *(const struct scrape_metadata_info *const *)right;
    int order = str_cmp(a->metric, b->metric);

    order = order != 0 ? order : (int)a->metadata.type - (int)b->metadata.type;
    order = order != 0 ? order : str_cmp(a->metadata.help, b->metadata.help);
    return order != 0 ? order : str_cmp(a->metadata.unit, b->metadata.unit);
}

static void write_families(struct json_writer *json, const struct scrape_metadata_info **items,
                           size_t count, int64_t limit, int64_t limit_per_metric)
{
    int64_t families = 0;
    int64_t entries = 0;

    for (size_t i = 0; i < count; i++) {
        bool is_first = i == 0 || !str_eq(items[i]->metric, items[i - 1]->metric);

        if (is_first) {
            if (limit >= 0 && families == limit) {
                break;
            }
            if (families > 0) {
                json_write_array_end(json);
            }
            json_write_key(json, items[i]->metric);
            json_write_array_begin(json);
            families++;
            entries = 0;
        }
        if ((is_first || compare_metadata(&items[i], &items[i - 1]) != 0) &&
            (limit_per_metric <= 0 || entries < limit_per_metric)) {
            json_write_object_begin(json);
            write_metadata(json, &items[i]->metadata);
            json_write_object_end(json);
            entries++;
        }
    }
    if (families > 0) {
        json_write_array_end(json);
    }
}

int api_metadata(struct api_call *call)
{
    struct scrape_metadata_list list;
    const struct scrape_metadata_info **items;
    int64_t limit = -1;
    int64_t limit_per_metric = -1;
    int r = number_param(call, "limit", &limit);

    r = r < 0 ? r : number_param(call, "limit_per_metric", &limit_per_metric);
    r = r < 0 ? r : get_metadata(call, (struct matchers){0}, &list);
    if (r < 0) {
        return r;
    }
    items = ARENA_ARRAY(call->arena, const struct scrape_metadata_info *, list.count + 1);
    for (size_t i = 0; i < list.count; i++) {
        items[i] = &list.items[i];
    }
    qsort(items, list.count, sizeof(*items), compare_metadata);
    json_write_object_begin(&call->json);
    write_families(&call->json, items, list.count, limit, limit_per_metric);
    json_write_object_end(&call->json);
    return 0;
}

static int write_target_metadata(struct api_call *call, struct matchers matchers, int64_t limit)
{
    bool all_metrics = form_get(&call->form, STR("metric")).len == 0;
    struct scrape_metadata_list list;
    int r = get_metadata(call, matchers, &list);

    json_write_array_begin(&call->json);
    for (size_t i = 0; i < list.count && (limit < 0 || (int64_t)i < limit); i++) {
        json_write_object_begin(&call->json);
        json_write_key(&call->json, STR("target"));
        api_write_labels(&call->json, list.items[i].target);
        if (all_metrics) {
            json_write_pair_str(&call->json, STR("metric"), list.items[i].metric);
        }
        write_metadata(&call->json, &list.items[i].metadata);
        json_write_object_end(&call->json);
    }
    json_write_array_end(&call->json);
    return r;
}

int api_targets_metadata(struct api_call *call)
{
    str text = form_get(&call->form, STR("match_target"));
    struct api_selectors selectors = {0};
    struct matchers matchers = {0};
    int64_t limit = -1;
    int r = number_param(call, "limit", &limit);

    if (r < 0) {
        return r;
    }
    if (text.len > 0) {
        struct baro_error err = {0};

        selectors.items = ARENA_ARRAY(call->arena, struct expr *, 1);
        if (api_selector_parse(call, text, &selectors, &err) < 0) {
            return api_fail(call, API_BAD_DATA, "invalid parameter \"match_target\": %s",
                            err.message);
        }
        matchers = api_selector_matchers(&selectors, 0);
    }
    r = write_target_metadata(call, matchers, limit);
    api_selectors_done(&selectors);
    return r;
}
