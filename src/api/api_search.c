/*
 * /api/v1/search/: names of metrics and labels and values of labels that fit what somebody types
 * (Prometheus's experimental search API, --enable-feature=search-api): lines of JSON, batches of
 * results and a trailer. The answer is made as a whole: --web.search.max-limit bounds it.
 */
#include <stdlib.h>

#include "api/api_priv.h"
#include "api/search_score.h"
#include "base/num.h"

enum { LIMIT_DEFAULT = 100, BATCH_DEFAULT = 100, BATCH_MAX = 1000, LOOK_EVERY = 4096 };

enum search_order { ORDER_UP, ORDER_DOWN, ORDER_SCORE };

/* What was found. */
struct hit {
    str text;
    double score;
};

struct search {
    struct api_call *call;
    struct api_selectors selectors;
    struct search_score *score;
    str terms[SEARCH_TERMS_MAX];
    struct search_options options;
    enum search_order order;
    bool include_score;
    bool include_metadata;
    ts start;
    ts end;
    size_t limit;
    size_t batch;
    VEC(struct hit) hits;
    struct scrape_metadata_list families; /* by name */
};

/* ---- parameters ---- */

static int bool_param(struct api_call *call, const char *name, bool initial, bool *ret)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    str text = form_get(&call->form, str_from(name));

    *ret = initial;
    if (text.len == 0) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(yes); i++) {
        if (str_is(text, yes[i]) || str_is(text, no[i])) {
            *ret = str_is(text, yes[i]);
            return 0;
        }
    }
    return api_fail(call, API_BAD_DATA, "invalid %s \"%.*s\": must be boolean", name,
                    STR_ARG(text));
}

/* A number above 0; what is missing is the initial one. */
static int count_param(struct api_call *call, const char *name, size_t initial, size_t *ret)
{
    str text = form_get(&call->form, str_from(name));
    int64_t value = 0;

    *ret = initial;
    if (text.len == 0) {
        return 0;
    }
    if (!num_parse_i64(text, &value) || value <= 0) {
        return api_fail(call, API_BAD_DATA, "invalid %s \"%.*s\": must be a positive integer", name,
                        STR_ARG(text));
    }
    *ret = (size_t)value;
    return 0;
}

static int read_limits(struct search *search)
{
    struct api_call *call = search->call;
    size_t most = call->context->search_limit_max;
    size_t initial = most > 0 && most < LIMIT_DEFAULT ? most : LIMIT_DEFAULT;
    int r = count_param(call, "limit", initial, &search->limit);

    if (r >= 0 && most > 0 && search->limit > most) {
        return api_fail(call, API_BAD_DATA,
                        "limit %zu exceeds the configured maximum (%zu, see "
                        "--web.search.max-limit)",
                        search->limit, most);
    }
    r = r < 0 ? r : count_param(call, "batch_size", BATCH_DEFAULT, &search->batch);
    search->batch = search->batch < search->limit ? search->batch : search->limit;
    search->batch = search->batch < BATCH_MAX ? search->batch : BATCH_MAX;
    return r;
}

static int read_terms(struct search *search)
{
    struct api_call *call = search->call;
    size_t index = 0;
    size_t count = 0;
    str text;

    while (form_next(&call->form, STR("search[]"), &index, &text)) {
        if (count < SEARCH_TERMS_MAX) {
            search->terms[count] = text;
        }
        count++;
    }
    if (count > SEARCH_TERMS_MAX) {
        return api_fail(call, API_BAD_DATA, "too many search[] terms: got %zu, maximum is %d",
                        count, SEARCH_TERMS_MAX);
    }
    search->options.terms = search->terms;
    search->options.term_count = count;
    return 0;
}

static int read_way(struct search *search)
{
    struct api_call *call = search->call;
    str threshold = form_get(&call->form, STR("fuzz_threshold"));
    str way = form_get(&call->form, STR("fuzz_alg"));
    bool case_sensitive = true;
    int64_t percent = 0;

    if (threshold.len > 0 &&
        (!num_parse_i64(threshold, &percent) || percent < 0 || percent > 100)) {
        return api_fail(call, API_BAD_DATA, "invalid fuzz_threshold \"%.*s\": must be 0-100",
                        STR_ARG(threshold));
    }
    search->options.threshold = (double)percent / 100;
    if (str_is(way, "jarowinkler")) {
        search->options.way = SEARCH_JARO_WINKLER;
    } else if (way.len > 0 && !str_is(way, "subsequence")) {
        return api_fail(call, API_BAD_DATA,
                        "unsupported fuzz_alg \"%.*s\": must be one of [subsequence jarowinkler]",
                        STR_ARG(way));
    }
    if (bool_param(call, "case_sensitive", true, &case_sensitive) < 0) {
        return BARO_EINVALID;
    }
    search->options.fold_case = !case_sensitive;
    return bool_param(call, "include_score", false, &search->include_score);
}

static int read_order(struct search *search, const char *endpoint)
{
    struct api_call *call = search->call;
    str by = form_get(&call->form, STR("sort_by"));
    str dir = form_get(&call->form, STR("sort_dir"));
    bool by_score = str_is(by, "score");

    if (dir.len > 0 && by.len == 0) {
        return api_fail(call, API_BAD_DATA, "sort_dir is only valid when sort_by is set");
    }
    if (dir.len > 0 && by_score) {
        return api_fail(call, API_BAD_DATA, "sort_dir is not supported for sort_by=score");
    }
    if (dir.len > 0 && !str_is(dir, "asc") && !str_is(dir, "dsc")) {
        return api_fail(call, API_BAD_DATA, "invalid sort_dir \"%.*s\": must be \"asc\" or \"dsc\"",
                        STR_ARG(dir));
    }
    if (by_score && search->options.term_count == 0) {
        return api_fail(call, API_BAD_DATA, "sort_by=score requires search[] to be set");
    }
    if (by.len > 0 && !by_score && !str_is(by, "alpha")) {
        return api_fail(call, API_BAD_DATA,
                        "invalid sort_by \"%.*s\" for %s: must be \"alpha\" or \"score\"",
                        STR_ARG(by), endpoint);
    }
    search->order = by_score ? ORDER_SCORE : str_is(dir, "dsc") ? ORDER_DOWN : ORDER_UP;
    return 0;
}

/* The last hour, when nothing is said. */
static int read_params(struct search *search, const char *endpoint)
{
    struct api_call *call = search->call;
    ts now = clock_now(call->context->clock);
    int r = api_time_param(call, "start", now - DUR_HOUR, &search->start);

    r = r < 0 ? r : api_time_param(call, "end", now, &search->end);
    if (r >= 0 && search->end < search->start) {
        r = api_fail(call, API_BAD_DATA, "end timestamp must not be before start timestamp");
    }
    r = r < 0 ? r : read_terms(search);
    r = r < 0 ? r : read_way(search);
    r = r < 0 ? r : read_order(search, endpoint);
    r = r < 0 ? r : read_limits(search);
    r = r < 0 ? r : bool_param(call, "include_metadata", false, &search->include_metadata);
    return r < 0 ? r : api_match_params(call, &search->selectors);
}

/* ---- searching ---- */

static bool is_given_up(const struct search *search)
{
    return atomic_load_explicit(search->call->request->cancel, memory_order_relaxed);
}

static int take_list(struct search *search, const struct str_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct hit hit = {.text = list->items[i]};

        if (i % LOOK_EVERY == 0 && is_given_up(search)) {
            return api_fail(search->call, API_CANCELED, "the client has left");
        }
        if (search_score_of(search->score, hit.text, &hit.score)) {
            vec_push(&search->hits, hit);
        }
    }
    return 0;
}

static int look_up(struct search *search, struct querier *querier, str label,
                   struct matchers matchers)
{
    struct cancel cancel = {.flag = search->call->request->cancel};
    struct arena *arena = search->call->arena;
    struct baro_error err = {0};
    struct str_list list = {0};
    int r = label.ptr == NULL
                ? querier->ops->label_names(querier, arena, matchers, &cancel, &list, &err)
                : querier->ops->label_values(querier, arena, label, matchers, &cancel, &list, &err);

    return r < 0 ? api_fail_query(search->call, &err) : take_list(search, &list);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct hit *)a)->text, ((const struct hit *)b)->text);
}

static int by_name_down(const void *a, const void *b)
{
    return -by_name(a, b);
}

static int by_score(const void *a, const void *b)
{
    const struct hit *left = a;
    const struct hit *right = b;

    return left->score != right->score ? (left->score < right->score ? 1 : -1) : by_name(a, b);
}

/* In order; what several selectors have found stands once. */
static void order_hits(struct search *search)
{
    static int (*const orders[])(const void *a, const void *b) = {
        [ORDER_UP] = by_name, [ORDER_DOWN] = by_name_down, [ORDER_SCORE] = by_score};
    struct hit *hits = search->hits.items;
    size_t kept = 0;

    if (search->hits.count < 2) {
        return;
    }
    qsort(hits, search->hits.count, sizeof(*hits), by_name);
    for (size_t i = 1; i < search->hits.count; i++) {
        if (!str_eq(hits[i].text, hits[kept].text)) {
            hits[++kept] = hits[i];
        }
    }
    search->hits.count = kept + 1;
    qsort(hits, search->hits.count, sizeof(*hits), orders[search->order]);
}

static int find(struct search *search, str label)
{
    struct api_call *call = search->call;
    CLEANUP(querier_closep) struct querier *querier = NULL;
    struct baro_error err = {0};
    int r = call->queryable->querier(call->queryable, search->start, search->end, &querier, &err);

    if (r < 0) {
        return api_fail_query(call, &err);
    }
    if (search->selectors.count == 0) {
        r = look_up(search, querier, label, (struct matchers){0});
    }
    for (size_t i = 0; i < search->selectors.count && r >= 0; i++) {
        r = look_up(search, querier, label, api_selector_matchers(&search->selectors, i));
    }
    if (r >= 0) {
        order_hits(search);
    }
    return r;
}

/* ---- metadata ---- */

/* Whether series of a family of that type are called FAMILY and this suffix. */
static bool type_has(enum metric_type type, str suffix)
{
    bool is_histogram = type == METRIC_HISTOGRAM || type == METRIC_GAUGE_HISTOGRAM;

    return (str_is(suffix, "_total") && type == METRIC_COUNTER) ||
           (str_is(suffix, "_bucket") && is_histogram) ||
           ((str_is(suffix, "_sum") || str_is(suffix, "_count")) &&
            (is_histogram || type == METRIC_SUMMARY)) ||
           ((str_is(suffix, "_gsum") || str_is(suffix, "_gcount")) &&
            type == METRIC_GAUGE_HISTOGRAM) ||
           (str_is(suffix, "_info") && type == METRIC_INFO);
}

static int by_family(const void *a, const void *b)
{
    return str_cmp(((const struct scrape_metadata_info *)a)->metric,
                   ((const struct scrape_metadata_info *)b)->metric);
}

/* All metadata, by family: once for all hits. */
static void load_metadata(struct search *search)
{
    const struct api_context *context = search->call->context;
    struct scrape_metadata_list list = {0};
    struct scrape_metadata_info *items;

    if (context->sources.metadata != NULL) {
        context->sources.metadata(context->app, search->call->arena, STR_NULL, (struct matchers){0},
                                  0, &list);
    }
    items = ARENA_ARRAY(search->call->arena, struct scrape_metadata_info, list.count + 1);
    if (list.count > 0) {
        memcpy(items, list.items, list.count * sizeof(*items));
        qsort(items, list.count, sizeof(*items), by_family);
    }
    search->families = (struct scrape_metadata_list){items, list.count};
}

static bool find_family(const struct search *search, str family, str suffix, struct metadata *ret)
{
    const struct scrape_metadata_list *all = &search->families;
    size_t low = 0;
    size_t high = all->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (str_cmp(all->items[middle].metric, family) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < all->count && str_eq(all->items[low].metric, family); low++) {
        if (suffix.len == 0 || type_has(all->items[low].metadata.type, suffix)) {
            *ret = all->items[low].metadata;
            return true;
        }
    }
    return false;
}

static bool metadata_of(const struct search *search, str name, struct metadata *ret)
{
    size_t at = name.len;
    str family;
    str suffix;

    if (find_family(search, name, STR(""), ret)) {
        return true;
    }
    while (at > 0 && name.ptr[at - 1] != '_') {
        at--;
    }
    if (at == 0) {
        return false;
    }
    family = str_slice(name, 0, at - 1);
    suffix = str_from_index(name, at - 1);
    /* A family x_total has no series x_total_total. */
    if ((str_is(suffix, "_total") || str_is(suffix, "_info")) && str_has_suffix(family, suffix)) {
        return false;
    }
    return find_family(search, family, suffix, ret);
}

/* ---- out ---- */

static void write_hit(const struct search *search, struct json_writer *json, const struct hit *hit,
                      const char *key)
{
    struct metadata metadata = {0};

    json_write_object_begin(json);
    json_write_pair_str(json, str_from(key), hit->text);
    if (search->include_score) {
        json_write_pair_number(json, STR("score"), hit->score);
    }
    if (search->include_metadata && metadata_of(search, hit->text, &metadata)) {
        json_write_pair_str(json, STR("type"), str_from(metric_type_name(metadata.type)));
        if (metadata.help.len > 0) {
            json_write_pair_str(json, STR("help"), metadata.help);
        }
        if (metadata.unit.len > 0) {
            json_write_pair_str(json, STR("unit"), metadata.unit);
        }
    }
    json_write_object_end(json);
}

/* There is one line of results, even an empty one, before the trailer. */
static void write_lines(struct search *search, const char *key)
{
    struct buf *body = &search->call->response->body;
    size_t count = search->hits.count < search->limit ? search->hits.count : search->limit;
    size_t at = 0;
    struct json_writer json;

    do {
        size_t end = at + search->batch < count ? at + search->batch : count;

        json = json_write_over(body);
        json_write_object_begin(&json);
        json_write_key(&json, STR("results"));
        json_write_array_begin(&json);
        for (; at < end; at++) {
            write_hit(search, &json, &search->hits.items[at], key);
        }
        json_write_array_end(&json);
        json_write_object_end(&json);
        buf_char(body, '\n');
    } while (at < count);
    json = json_write_over(body);
    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("status"), STR("success"));
    json_write_pair_bool(&json, STR("has_more"), search->hits.count > count);
    json_write_object_end(&json);
    buf_char(body, '\n');
}

/* `label`: whose values are searched; ptr NULL = the parameter says so; empty = names of labels. */
static int run(struct search *search, const char *endpoint, str label)
{
    struct api_call *call = search->call;
    struct baro_error err = {0};
    int r;

    if (!call->context->enable_search) {
        return api_fail(call, API_DISABLED, "search API disabled");
    }
    if (api_parse_form(call, &err) < 0) {
        return api_fail(call, API_BAD_DATA, "error parsing form values: %s", err.message);
    }
    r = read_params(search, endpoint);
    search->include_metadata &= str_eq(label, LABEL_METRIC_NAME);
    if (r >= 0 && label.ptr == NULL) {
        label = form_get(&call->form, STR("label"));
        r = label.len == 0 ? api_fail(call, API_BAD_DATA, "missing required parameter \"label\"")
                           : 0;
    }
    if (r >= 0) {
        search->score = search_score_new(&search->options);
        r = find(search, label.len > 0 ? label : STR_NULL);
    }
    if (r >= 0 && search->include_metadata && search->hits.count > 0) {
        load_metadata(search);
    }
    return r;
}

static void answer(struct api_call *call, const char *endpoint, const char *key, str label)
{
    struct search search = {.call = call};
    int r = run(&search, endpoint, label);

    if (r < 0) {
        api_write_fault(call);
    } else {
        call->response->content_type = "application/x-ndjson; charset=utf-8";
        write_lines(&search, key);
    }
    (void)search_score_free(search.score);
    api_selectors_done(&search.selectors);
    vec_done(&search.hits);
}

void api_search_metric_names(struct api_call *call)
{
    answer(call, "metric_names", "name", LABEL_METRIC_NAME);
}

void api_search_label_names(struct api_call *call)
{
    answer(call, "label_names", "name", STR(""));
}

void api_search_label_values(struct api_call *call)
{
    answer(call, "label_values", "value", STR_NULL);
}
