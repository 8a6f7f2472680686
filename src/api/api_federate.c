#include <stdlib.h>

#include "api/api_priv.h"
#include "model/exposition_write.h"
#include "model/sample.h"

struct newest {
    struct labels labels;
    str name;
    ts t;
    double v;
};

typedef VEC(struct newest) newest_list;

static int compare_newest(const void *left, const void *right)
{
    const struct newest *a = left;
    const struct newest *b = right;
    int order = str_cmp(a->name, b->name);

    return order != 0 ? order : labels_cmp(a->labels, b->labels);
}

/* Stale markers and native histograms cannot be said in the text formats; series without a name
 * cannot either. */
static int collect(struct querier *querier, const struct series_list *list, ts start, ts end,
                   struct arena *arena, newest_list *ret, struct baro_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        struct newest newest = {.labels = list->items[i].labels};
        struct sample last = {0};
        int r = querier->ops->last_sample(querier, &list->items[i], start, end, arena, &last, err);

        if (r < 0) {
            return r;
        }
        newest.name = labels_get(newest.labels, LABEL_METRIC_NAME);
        newest.t = last.t;
        newest.v = last.v;
        if (r > 0 && last.h == NULL && !value_is_stale(last.v) && newest.name.len > 0) {
            vec_push(ret, newest);
        }
    }
    return 0;
}

/* External labels are added where a series has none of that name; without one, "instance" is
 * written empty, so that the scraper that reads this does not put its own there. */
static struct labels with_externals(struct arena *arena, struct labels labels,
                                    struct labels externals)
{
    struct label *items = ARENA_ARRAY(arena, struct label, labels.count + externals.count + 1);
    size_t count = 0;
    bool has_instance = labels_get(labels, STR("instance")).ptr != NULL;

    for (size_t i = 0; i < labels.count; i++) {
        items[count++] = labels.items[i];
    }
    for (size_t i = 0; i < externals.count; i++) {
        if (labels_get(labels, externals.items[i].name).ptr == NULL) {
            items[count++] = externals.items[i];
            has_instance |= str_is(externals.items[i].name, "instance");
        }
    }
    if (!has_instance) {
        items[count++] = (struct label){STR("instance"), STR("")};
    }
    return (struct labels){items, count};
}

static void write_all(struct api_call *call, newest_list *list)
{
    const struct api_context *context = call->context;
    struct buf *body = &call->response->body;
    struct labels externals = {0};

    if (context->sources.external_labels != NULL) {
        context->sources.external_labels(context->app, call->arena, &externals);
    }
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof(*list->items), compare_newest);
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct newest *newest = &list->items[i];

        if (i > 0 && labels_eq(newest->labels, list->items[i - 1].labels)) {
            continue;
        }
        if (i == 0 || !str_eq(newest->name, list->items[i - 1].name)) {
            exposition_write_type(body, newest->name, METRIC_UNKNOWN);
        }
        exposition_write_sample(body, newest->name,
                                with_externals(call->arena, newest->labels, externals), newest->v,
                                &newest->t);
    }
}

static int select_newest(struct api_call *call, const struct api_selectors *selectors,
                         struct querier *querier, ts start, ts end, newest_list *ret,
                         struct baro_error *err)
{
    struct select_hints hints = {.start = start, .end = end};
    struct cancel cancel = {.flag = call->request->cancel};
    int r = 0;

    for (size_t i = 0; i < selectors->count && r >= 0; i++) {
        struct series_list list = {0};

        r = querier->ops->select(querier, call->arena, &hints, api_selector_matchers(selectors, i),
                                 &cancel, &list, err);
        r = r < 0 ? r : collect(querier, &list, start, end, call->arena, ret, err);
    }
    return r;
}

static int parse_selectors(struct api_call *call, struct api_selectors *ret, struct baro_error *err)
{
    size_t index = 0;
    str text;
    int r = form_parse(call->arena, call->request->query, &call->form, err);

    if (r < 0) {
        return error_wrap(err, r, "error parsing form values");
    }
    ret->items = ARENA_ARRAY(call->arena, struct expr *, call->form.count + 1);
    while (r >= 0 && form_next(&call->form, STR("match[]"), &index, &text)) {
        r = api_selector_parse(call, text, ret, err);
    }
    return r;
}

void api_federate(struct api_call *call)
{
    CLEANUP(querier_closep) struct querier *querier = NULL;
    struct api_selectors selectors = {0};
    struct engine_options options = {0};
    struct baro_error err = {0};
    newest_list list = {0};
    ts now = clock_now(call->context->clock);
    int r;

    call->context->engine(call->context->app, &options);
    call->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    if (parse_selectors(call, &selectors, &err) < 0) {
        http_response_text(call->response, 400, "%s\n", err.message);
        api_selectors_done(&selectors);
        return;
    }
    r = call->queryable->querier(call->queryable, now - options.lookback, now, &querier, &err);
    if (r >= 0) {
        r = select_newest(call, &selectors, querier, now - options.lookback, now, &list, &err);
    }
    if (r >= 0) {
        write_all(call, &list);
    } else {
        http_response_text(call->response, 500, "%s\n", err.message);
    }
    vec_done(&list);
    api_selectors_done(&selectors);
}
