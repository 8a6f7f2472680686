#include <stdlib.h>

#include "api/api_priv.h"
#include "base/num.h"
#include "client/self.h"
#include "model/exposition_write.h"
#include "model/histogram.h"
#include "model/sample.h"

struct newest {
    struct labels labels;
    str name;
    ts t;
    double v;
    const struct histogram *h; /* NULL = a float */
};

typedef VEC(struct newest) newest_list;

/* Series of one name that can stand in one family. */
enum family { FAMILY_FLOATS, FAMILY_HISTOGRAMS, FAMILY_GAUGE_HISTOGRAMS };

static enum family family_of(const struct newest *newest)
{
    return newest->h == NULL                         ? FAMILY_FLOATS
           : newest->h->hint == HISTOGRAM_HINT_GAUGE ? FAMILY_GAUGE_HISTOGRAMS
                                                     : FAMILY_HISTOGRAMS;
}

static int compare_newest(const void *left, const void *right)
{
    const struct newest *a = left;
    const struct newest *b = right;
    int order = str_cmp(a->name, b->name);

    if (order == 0) {
        order = (int)family_of(a) - (int)family_of(b);
    }
    return order != 0 ? order : labels_cmp(a->labels, b->labels);
}

/* Stale markers cannot be said in these formats, nor series without a name, nor, in text, native
 * histograms but for those with custom buckets, which go out as classic ones. */
static bool can_be_said(const struct newest *newest, bool is_protobuf)
{
    return !value_is_stale(newest->v) && newest->name.len > 0 &&
           (newest->h == NULL || is_protobuf || histogram_is_custom(newest->h));
}

static int collect(struct querier *querier, const struct series_list *list, ts start, ts end,
                   bool is_protobuf, struct arena *arena, newest_list *ret, struct baro_error *err)
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
        newest.h = last.h;
        if (r > 0 && can_be_said(&newest, is_protobuf)) {
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

static bool is_same_family(const struct newest *a, const struct newest *b)
{
    return str_eq(a->name, b->name) && family_of(a) == family_of(b);
}

static void write_text(struct buf *body, const struct newest *newest, struct labels labels,
                       bool is_new_family)
{
    if (is_new_family) {
        exposition_write_type(body, newest->name,
                              newest->h == NULL ? METRIC_UNKNOWN : METRIC_HISTOGRAM);
    }
    if (newest->h == NULL) {
        exposition_write_sample(body, newest->name, labels, newest->v, &newest->t);
    } else {
        exposition_write_classic(body, newest->name, labels, newest->h, &newest->t);
    }
}

static void put_proto(struct exposition_proto *proto, const struct newest *newest,
                      struct labels labels, bool is_new_family)
{
    static const enum exposition_proto_type types[] = {
        [FAMILY_FLOATS] = EXPOSITION_PROTO_UNTYPED,
        [FAMILY_HISTOGRAMS] = EXPOSITION_PROTO_HISTOGRAM,
        [FAMILY_GAUGE_HISTOGRAMS] = EXPOSITION_PROTO_GAUGE_HISTOGRAM,
    };

    if (is_new_family) {
        exposition_proto_begin(proto, newest->name, types[family_of(newest)]);
    }
    if (newest->h == NULL) {
        exposition_proto_float(proto, labels, newest->v, newest->t);
    } else {
        exposition_proto_histogram(proto, labels, newest->h, newest->t);
    }
}

/* Families of equal names follow each other where their kinds differ, as in Prometheus. */
static void write_all(struct api_call *call, newest_list *list, bool is_protobuf)
{
    const struct api_context *context = call->context;
    struct buf *body = &call->response->body;
    struct exposition_proto proto = {0};
    const struct newest *before = NULL;
    struct labels externals = {0};

    if (context->sources.external_labels != NULL) {
        context->sources.external_labels(context->app, call->arena, &externals);
    }
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof(*list->items), compare_newest);
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct newest *newest = &list->items[i];
        bool is_new_family = before == NULL || !is_same_family(newest, before);
        struct labels labels;

        if (!is_new_family && labels_eq(newest->labels, before->labels)) {
            continue;
        }
        labels = with_externals(call->arena, newest->labels, externals);
        if (!is_protobuf) {
            write_text(body, newest, labels, is_new_family);
        } else {
            if (is_new_family && before != NULL) {
                exposition_proto_end(&proto, body);
            }
            put_proto(&proto, newest, labels, is_new_family);
        }
        before = newest;
    }
    if (is_protobuf && before != NULL) {
        exposition_proto_end(&proto, body);
    }
    exposition_proto_done(&proto);
}

/* One element of an Accept header: its quality in thousandths, and what it is. */
struct accepted {
    unsigned quality;
    bool is_protobuf;
    bool is_text;
};

static unsigned quality_of(str text)
{
    double quality = 1;

    return num_parse_double(text, &quality) && quality >= 0 && quality <= 1
               ? (unsigned)(quality * 1000)
               : 1000;
}

static struct accepted accepted_of(str element)
{
    struct accepted accepted = {.quality = 1000};
    bool is_family = false, is_delimited = false;
    str part = STR_NULL;
    str_split_next(&element, ';', &part);
    str type = str_trim(part);

    while (str_split_next(&element, ';', &part)) {
        str name = part, value = STR_NULL;

        (void)str_split_next(&part, '=', &name);
        value = str_trim(part);
        if (str_is(str_trim(name), "q")) {
            accepted.quality = quality_of(value);
        } else if (str_is(str_trim(name), "proto")) {
            is_family = str_is(value, "io.prometheus.client.MetricFamily");
        } else if (str_is(str_trim(name), "encoding")) {
            is_delimited = str_is(value, "delimited");
        }
    }
    accepted.is_protobuf =
        str_is(type, "application/vnd.google.protobuf") && is_family && is_delimited;
    accepted.is_text = str_is(type, "text/plain") || str_is(type, "*/*");
    return accepted;
}

/* Text unless the client likes the protobuf format better; of equal ones the first. */
static bool wants_protobuf(const struct http_request *request)
{
    str header = http_request_header(request, "Accept"), element = STR_NULL;
    unsigned best = 0;
    bool is_protobuf = false;

    while (header.len > 0 && str_split_next(&header, ',', &element)) {
        struct accepted accepted = accepted_of(element);

        if ((accepted.is_protobuf || accepted.is_text) && accepted.quality > best) {
            best = accepted.quality;
            is_protobuf = accepted.is_protobuf;
        }
    }
    return is_protobuf;
}

static int select_newest(struct api_call *call, const struct api_selectors *selectors,
                         struct querier *querier, ts start, ts end, bool is_protobuf,
                         newest_list *ret, struct baro_error *err)
{
    struct select_hints hints = {.start = start, .end = end};
    struct cancel cancel = {.flag = call->request->cancel};
    int r = 0;

    for (size_t i = 0; i < selectors->count && r >= 0; i++) {
        struct series_list list = {0};

        r = querier->ops->select(querier, call->arena, &hints, api_selector_matchers(selectors, i),
                                 &cancel, &list, err);
        r = r < 0 ? r : collect(querier, &list, start, end, is_protobuf, call->arena, ret, err);
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
    /* As in Prometheus: what others have is to be had from them. */
    struct queryable *local = queryable_local(call->queryable);
    struct baro_error err = {0};
    newest_list list = {0};
    ts now = clock_now(call->context->clock);
    bool is_protobuf = wants_protobuf(call->request);
    int r;

    call->context->engine(call->context->app, &options);
    if (parse_selectors(call, &selectors, &err) < 0) {
        http_response_text(call->response, 400, "%s\n", err.message);
        api_selectors_done(&selectors);
        return;
    }
    r = local->querier(local, now - options.lookback, now, &querier, &err);
    if (r >= 0) {
        r = select_newest(call, &selectors, querier, now - options.lookback, now, is_protobuf,
                          &list, &err);
    }
    if (r >= 0) {
        call->response->content_type =
            is_protobuf ? "application/vnd.google.protobuf; "
                          "proto=io.prometheus.client.MetricFamily; encoding=delimited"
                        : "text/plain; version=0.0.4; charset=utf-8";
        write_all(call, &list, is_protobuf);
    } else {
        self_add(SELF_FEDERATION_ERRORS, 1);
        http_response_text(call->response, 500, "%s\n", err.message);
    }
    vec_done(&list);
    api_selectors_done(&selectors);
}
