#include <stdlib.h>

#include "api/api_priv.h"

/* What the three handlers share: the range, the selectors, and an open querier. */
struct lookup {
    ts start;
    ts end;
    size_t limit;
    struct api_selectors selectors;
    struct querier *querier;
    struct cancel cancel;
};

static int lookup_open(struct api_call *call, struct lookup *lookup)
{
    struct engine_options options = {0};
    struct baro_error err = {0};
    int r = api_limit_param(call, &lookup->limit);

    r = r < 0 ? r : api_range_params(call, &lookup->start, &lookup->end);
    r = r < 0 ? r : api_match_params(call, &lookup->selectors);
    if (r < 0) {
        return r;
    }
    call->context->engine(call->context->app, &options);
    lookup->cancel.flag = call->request->cancel;
    if (options.timeout > 0) {
        /* cancel_check asks the system's clock, whatever the clock of the API is. */
        lookup->cancel.deadline = clock_mono(clock_real()) + options.timeout * MONO_PER_MS;
    }
    if (call->queryable->querier(call->queryable, lookup->start, lookup->end, &lookup->querier,
                                 &err) < 0) {
        api_selectors_done(&lookup->selectors);
        return api_fail_query(call, &err);
    }
    return 0;
}

static void lookup_close(struct api_call *call, struct lookup *lookup)
{
    if (lookup->querier != NULL) {
        for (size_t i = 0; querier_warning(lookup->querier, i) != NULL; i++) {
            api_warn(call, arena_str(call->arena, str_from(querier_warning(lookup->querier, i))));
        }
        querier_close(lookup->querier);
    }
    api_selectors_done(&lookup->selectors);
}

/* ---- names and values ---- */

static int compare_strs(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* Sorts and drops repeats. */
static void make_distinct(api_strs *strs)
{
    size_t kept = 0;

    if (strs->count == 0) {
        return;
    }
    qsort(strs->items, strs->count, sizeof(*strs->items), compare_strs);
    for (size_t i = 1; i < strs->count; i++) {
        if (!str_eq(strs->items[kept], strs->items[i])) {
            strs->items[++kept] = strs->items[i];
        }
    }
    strs->count = kept + 1;
}

static int one_list(struct api_call *call, struct lookup *lookup, str name,
                    struct matchers matchers, struct str_list *ret, struct baro_error *err)
{
    const struct querier_ops *ops = lookup->querier->ops;

    return name.ptr == NULL
               ? ops->label_names(lookup->querier, call->arena, matchers, &lookup->cancel, ret, err)
               : ops->label_values(lookup->querier, call->arena, name, matchers, &lookup->cancel,
                                   ret, err);
}

static void write_list(struct api_call *call, const str *items, size_t count, size_t limit)
{
    if (limit > 0 && count > limit) {
        count = limit;
        api_warn(call, STR("results truncated due to limit"));
    }
    json_write_strs(&call->json, items, count);
}

/* Values of `name`, or label names when name.ptr is NULL, of all selectors together. */
static int answer_list(struct api_call *call, struct lookup *lookup, str name)
{
    struct baro_error err = {0};
    struct str_list list = {0};
    api_strs all = {0};
    int r = 0;

    if (lookup->selectors.count <= 1) {
        struct matchers matchers = {0};

        if (lookup->selectors.count == 1) {
            matchers = api_selector_matchers(&lookup->selectors, 0);
        }
        r = one_list(call, lookup, name, matchers, &list, &err);
        if (r >= 0) {
            write_list(call, list.items, list.count, lookup->limit);
        }
        return r < 0 ? api_fail_query(call, &err) : 0;
    }
    for (size_t i = 0; i < lookup->selectors.count && r >= 0; i++) {
        r = one_list(call, lookup, name, api_selector_matchers(&lookup->selectors, i), &list, &err);
        for (size_t k = 0; r >= 0 && k < list.count; k++) {
            vec_push(&all, list.items[k]);
        }
    }
    if (r >= 0) {
        make_distinct(&all);
        write_list(call, all.items, all.count, lookup->limit);
    }
    vec_done(&all);
    return r < 0 ? api_fail_query(call, &err) : 0;
}

int api_label_names(struct api_call *call)
{
    struct lookup lookup = {0};
    int r = lookup_open(call, &lookup);

    if (r >= 0) {
        r = answer_list(call, &lookup, STR_NULL);
        lookup_close(call, &lookup);
    }
    return r;
}

int api_label_values(struct api_call *call)
{
    struct lookup lookup = {0};
    str name = STR("");
    int r = url_path_decode(call->arena, call->request->param, &name, NULL);

    if (r >= 0) {
        name = api_unescape_name(call->arena, name);
    }
    if (r < 0 || name.len == 0 || !utf8_is_valid(name)) {
        return api_fail(call, API_BAD_DATA, "invalid label name: \"%.*s\"",
                        STR_ARG(r < 0 ? call->request->param : name));
    }
    r = lookup_open(call, &lookup);
    if (r >= 0) {
        r = answer_list(call, &lookup, name);
        lookup_close(call, &lookup);
    }
    return r;
}

/* ---- series ---- */

typedef VEC(struct labels) labels_list;

static int compare_labels(const void *a, const void *b)
{
    return labels_cmp(*(const struct labels *)a, *(const struct labels *)b);
}

static int select_all(struct api_call *call, struct lookup *lookup, labels_list *ret)
{
    struct select_hints hints = {.start = lookup->start, .end = lookup->end, .sorted = true};
    struct baro_error err = {0};

    for (size_t i = 0; i < lookup->selectors.count; i++) {
        struct series_list list = {0};
        int r = lookup->querier->ops->select(lookup->querier, call->arena, &hints,
                                             api_selector_matchers(&lookup->selectors, i),
                                             &lookup->cancel, &list, &err);

        if (r < 0) {
            return api_fail_query(call, &err);
        }
        vec_reserve(ret, list.count);
        for (size_t k = 0; k < list.count; k++) {
            vec_push(ret, list.items[k].labels);
        }
    }
    if (lookup->selectors.count > 1 && ret->count > 1) {
        qsort(ret->items, ret->count, sizeof(*ret->items), compare_labels);
    }
    return 0;
}

static void write_series_list(struct api_call *call, const labels_list *list, size_t limit)
{
    size_t written = 0;

    json_write_array_begin(&call->json);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0 && labels_eq(list->items[i], list->items[i - 1])) {
            continue;
        }
        if (limit > 0 && written == limit) {
            api_warn(call, STR("results truncated due to limit"));
            break;
        }
        api_write_labels(&call->json, list->items[i]);
        written++;
    }
    json_write_array_end(&call->json);
}

int api_series(struct api_call *call)
{
    struct lookup lookup = {0};
    labels_list list = {0};
    int r;

    if (!form_has(&call->form, STR("match[]"))) {
        return api_fail(call, API_BAD_DATA, "no match[] parameter provided");
    }
    r = lookup_open(call, &lookup);
    if (r < 0) {
        return r;
    }
    r = select_all(call, &lookup, &list);
    if (r >= 0) {
        write_series_list(call, &list, lookup.limit);
    }
    vec_done(&list);
    lookup_close(call, &lookup);
    return r;
}
