/*
 * promqltest_histogram: native histograms in scripts: {{schema:1 sum:-0.3 count:3.1 buckets:[5.1 10
 * 7]}} and runs of them.
 */
#include <math.h>

#include "base/num.h"
#include "promql/promqltest_priv.h"

enum { BUCKETS_MAX = 10000 };

/* One key of {{...}}: which values it takes. */
enum key_kind { KEY_NUMBER, KEY_INTEGER, KEY_LIST, KEY_HINT };

enum key {
    KEY_SCHEMA,
    KEY_SUM,
    KEY_COUNT,
    KEY_ZERO_COUNT,
    KEY_ZERO_WIDTH,
    KEY_OFFSET,
    KEY_NEGATIVE_OFFSET,
    KEY_BUCKETS,
    KEY_NEGATIVE_BUCKETS,
    KEY_CUSTOM,
    KEY_RESET_HINT,
    KEY_ALL,
};

static const struct {
    const char *name;
    enum key_kind kind;
} keys[KEY_ALL] = {
    [KEY_SCHEMA] = {"schema", KEY_INTEGER},
    [KEY_SUM] = {"sum", KEY_NUMBER},
    [KEY_COUNT] = {"count", KEY_NUMBER},
    [KEY_ZERO_COUNT] = {"z_bucket", KEY_NUMBER},
    [KEY_ZERO_WIDTH] = {"z_bucket_w", KEY_NUMBER},
    [KEY_OFFSET] = {"offset", KEY_INTEGER},
    [KEY_NEGATIVE_OFFSET] = {"n_offset", KEY_INTEGER},
    [KEY_BUCKETS] = {"buckets", KEY_LIST},
    [KEY_NEGATIVE_BUCKETS] = {"n_buckets", KEY_LIST},
    [KEY_CUSTOM] = {"custom_values", KEY_LIST},
    [KEY_RESET_HINT] = {"counter_reset_hint", KEY_HINT},
};

static const char *const hints[] = {
    [HISTOGRAM_HINT_UNKNOWN] = "unknown",
    [HISTOGRAM_HINT_RESET] = "reset",
    [HISTOGRAM_HINT_NOT_RESET] = "not_reset",
    [HISTOGRAM_HINT_GAUGE] = "gauge",
};

struct list {
    double *items;
    size_t count;
};

/* What has been read of one {{...}}. */
struct written {
    double numbers[KEY_ALL];
    struct list lists[KEY_ALL];
    enum histogram_hint hint;
    bool has_hint;
};

static void skip_space(str text, size_t *at)
{
    while (*at < text.len && script_is_space(text.ptr[*at])) {
        (*at)++;
    }
}

static bool parse_list(struct arena *arena, str text, size_t *at, struct list *ret)
{
    VEC(double) values = {0};
    bool ok = *at < text.len && text.ptr[*at] == '[';

    *at += ok;
    while (ok) {
        double value = 0;

        skip_space(text, at);
        if (*at < text.len && text.ptr[*at] == ']') {
            (*at)++;
            break;
        }
        ok = values.count < BUCKETS_MAX && script_number_parse(text, at, &value);
        if (ok) {
            vec_push(&values, value);
        }
    }
    if (ok) {
        ret->items = arena_alloc(arena, (values.count + 1) * sizeof(double));
        ret->count = values.count;
        if (values.count > 0) {
            memcpy(ret->items, values.items, values.count * sizeof(double));
        }
    }
    vec_done(&values);
    return ok;
}

static bool parse_hint(str text, size_t *at, struct written *ret)
{
    size_t end = *at;

    while (end < text.len && !script_is_space(text.ptr[end]) && text.ptr[end] != '}') {
        end++;
    }
    for (size_t i = 0; i < ARRAY_COUNT(hints); i++) {
        if (str_is(str_slice(text, *at, end), hints[i])) {
            ret->hint = (enum histogram_hint)i;
            ret->has_hint = true;
            *at = end;
            return true;
        }
    }
    return false;
}

static bool parse_key(struct arena *arena, str text, size_t *at, struct written *ret)
{
    size_t colon = *at;

    while (colon < text.len && text.ptr[colon] != ':') {
        colon++;
    }
    for (size_t i = 0; i < KEY_ALL; i++) {
        double value = 0;

        if (!str_is(str_slice(text, *at, colon), keys[i].name) || colon == text.len) {
            continue;
        }
        *at = colon + 1;
        switch (keys[i].kind) {
        case KEY_LIST:
            return parse_list(arena, text, at, &ret->lists[i]);
        case KEY_HINT:
            return parse_hint(text, at, ret);
        case KEY_NUMBER:
            return script_number_parse(text, at, &ret->numbers[i]);
        case KEY_INTEGER:
            if (!script_number_parse(text, at, &value) || value != floor(value) ||
                fabs(value) > 1e6) {
                return false;
            }
            ret->numbers[i] = value;
            return true;
        }
    }
    return false;
}

static void build_side(struct arena *arena, struct list counts, double offset,
                       struct histogram_side *ret)
{
    struct histogram_span *span = ARENA_NEW(arena, struct histogram_span);

    if (counts.count > 0) {
        *span = (struct histogram_span){(int32_t)offset, (uint32_t)counts.count};
        *ret = (struct histogram_side){.spans = span,
                                       .span_count = 1,
                                       .buckets = counts.items,
                                       .bucket_count = (uint32_t)counts.count};
    }
}

static struct histogram *build(struct arena *arena, const struct written *written)
{
    struct histogram *h = ARENA_NEW(arena, struct histogram);

    h->schema = (int32_t)written->numbers[KEY_SCHEMA];
    h->hint = written->hint;
    h->sum = written->numbers[KEY_SUM];
    h->count = written->numbers[KEY_COUNT];
    h->zero_count = written->numbers[KEY_ZERO_COUNT];
    h->zero_threshold = written->numbers[KEY_ZERO_WIDTH];
    h->custom = written->lists[KEY_CUSTOM].items;
    h->custom_count = (uint32_t)written->lists[KEY_CUSTOM].count;
    build_side(arena, written->lists[KEY_BUCKETS], written->numbers[KEY_OFFSET], &h->positive);
    build_side(arena, written->lists[KEY_NEGATIVE_BUCKETS], written->numbers[KEY_NEGATIVE_OFFSET],
               &h->negative);
    return h;
}

/* A histogram that no store would take is refused here: schemas, bounds and indexes. */
static bool is_sound(const struct histogram *h)
{
    struct histogram_cursor at = {.side = &h->positive};

    if (!histogram_schema_is_valid(h->schema)) {
        return false;
    }
    while (histogram_is_custom(h) && histogram_cursor_next(&at)) {
        if (at.index < 0 || (uint32_t)at.index > h->custom_count) {
            return false;
        }
    }
    return true;
}

/* parse_one reads `{{...}}` at *at and moves *at behind it. */
static struct histogram *parse_one(struct arena *arena, str text, size_t *at, bool *ret_has_hint)
{
    struct written written = {0};

    if (!str_has_prefix(str_from_index(text, *at), STR("{{"))) {
        return NULL;
    }
    *at += 2;
    for (;;) {
        skip_space(text, at);
        if (str_has_prefix(str_from_index(text, *at), STR("}}"))) {
            struct histogram *h = build(arena, &written);

            *at += 2;
            *ret_has_hint = written.has_hint;
            return is_sound(h) ? h : NULL;
        }
        if (!parse_key(arena, text, at, &written)) {
            return NULL;
        }
    }
}

static int push_sum(struct arena *arena, struct histogram *h, const struct histogram *increment,
                    bool negative, struct baro_error *err)
{
    struct histogram_notes notes = {0};
    int r = negative ? histogram_sub(arena, h, increment, &notes)
                     : histogram_add(arena, h, NULL, increment, &notes);

    if (r < 0) {
        return error_set(err, BARO_EPARSE,
                         "error combining histograms: exponential and custom buckets");
    }
    return 0;
}

int script_histograms_parse(struct arena *arena, str text, size_t *at, script_values *values,
                            struct baro_error *err)
{
    size_t start = *at;
    struct script_value value = {0};
    const struct histogram *increment = NULL;
    bool negative = false;
    bool has_times = false;
    uint64_t times = 0;
    struct histogram *h = parse_one(arena, text, at, &value.has_hint);

    if (h != NULL && *at < text.len && (text.ptr[*at] == '+' || text.ptr[*at] == '-')) {
        negative = text.ptr[*at] == '-';
        (*at)++;
        increment = parse_one(arena, text, at, &value.has_hint);
        if (increment == NULL || *at >= text.len || text.ptr[*at] != 'x') {
            h = NULL;
        } else if (h->schema > increment->schema) {
            return error_set(err, BARO_EPARSE,
                             "error combining histograms: cannot merge from schema %d to %d",
                             increment->schema, h->schema);
        }
    }
    if (h == NULL || !script_times_parse(text, at, &has_times, &times) ||
        values->count + times > LINE_VALUES_MAX) {
        return script_fail_item(str_from_index(text, start), err);
    }
    for (uint64_t i = 0; i <= (has_times ? times : 0); i++) {
        int r = 0;

        if (i > 0 && increment != NULL) {
            h = histogram_copy(arena, h);
            r = push_sum(arena, h, increment, negative, err);
            /* The increment's hint is what the samples behind the first one have. */
            h->hint = increment->hint;
        }
        if (r < 0) {
            return r;
        }
        value.h = h;
        vec_push(values, value);
    }
    return 0;
}
