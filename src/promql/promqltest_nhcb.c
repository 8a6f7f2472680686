/*
 * promqltest_nhcb: load_with_nhcb: classic histograms of one load become native ones with custom
 * buckets, time by time.
 */
#include <math.h>
#include <stdlib.h>

#include "base/num.h"
#include "promql/promqltest_priv.h"

enum role { ROLE_NONE, ROLE_BUCKET, ROLE_COUNT, ROLE_SUM };

struct part {
    struct labels histogram; /* of the native histogram that the line is part of */
    const script_values *values;
    enum role role;
    double bound;
};

static enum role role_of(struct labels labels, str *ret_name, double *ret_bound)
{
    static const struct {
        const char *suffix;
        enum role role;
    } roles[] = {{"_bucket", ROLE_BUCKET}, {"_count", ROLE_COUNT}, {"_sum", ROLE_SUM}};
    str name = labels_get(labels, LABEL_METRIC_NAME);

    for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
        str suffix = str_from(roles[i].suffix);
        str le = labels_get(labels, STR("le"));

        if (!str_has_suffix(name, suffix)) {
            continue;
        }
        if (roles[i].role == ROLE_BUCKET && (le.ptr == NULL || !num_parse_double(le, ret_bound))) {
            return ROLE_NONE;
        }
        *ret_name = str_slice(name, 0, name.len - suffix.len);
        return roles[i].role;
    }
    return ROLE_NONE;
}

static int by_histogram_and_bound(const void *a, const void *b)
{
    const struct part *x = a;
    const struct part *y = b;
    int order = labels_cmp(x->histogram, y->histogram);

    return order != 0 ? order : (x->bound > y->bound) - (x->bound < y->bound);
}

static const struct script_value *value_at(const struct part *part, size_t index)
{
    const struct script_value *value =
        index < part->values->count ? &part->values->items[index] : NULL;

    return value == NULL || value->omitted || value->h != NULL ? NULL : value;
}

struct cumulative {
    double *bounds;
    double *counts;
    size_t used;
    double count;
    double sum;
    bool has_count;
    bool any;
};

static void gather(const struct part *parts, size_t count, size_t index, struct cumulative *ret)
{
    for (size_t i = 0; i < count; i++) {
        const struct script_value *value = value_at(&parts[i], index);

        if (value == NULL) {
            continue;
        }
        ret->any = true;
        if (parts[i].role == ROLE_COUNT) {
            ret->count = value->v;
            ret->has_count = true;
        } else if (parts[i].role == ROLE_SUM) {
            ret->sum = value->v;
        } else if (ret->used == 0 || ret->bounds[ret->used - 1] != parts[i].bound) {
            ret->bounds[ret->used] = parts[i].bound;
            ret->counts[ret->used++] = value->v;
        }
    }
}

static int convert(struct arena *arena, const struct cumulative *from, struct histogram **ret,
                   struct baro_error *err)
{
    struct histogram *h = ARENA_NEW(arena, struct histogram);
    struct histogram_span *span = ARENA_NEW(arena, struct histogram_span);
    size_t finite = 0;
    double before = 0;

    while (finite < from->used && !isinf(from->bounds[finite])) {
        finite++;
    }
    h->schema = HISTOGRAM_SCHEMA_CUSTOM;
    h->sum = from->sum;
    h->count = from->has_count ? from->count : from->used > 0 ? from->counts[from->used - 1] : 0;
    h->custom = from->bounds;
    h->custom_count = (uint32_t)finite;
    h->positive.spans = span;
    h->positive.span_count = 1;
    h->positive.bucket_count = (uint32_t)finite + 1;
    h->positive.buckets = ARENA_ARRAY(arena, double, finite + 1);
    *span = (struct histogram_span){0, (uint32_t)finite + 1};
    for (size_t i = 0; i <= finite; i++) {
        double now = i < from->used ? from->counts[i] : h->count;

        if (now < before) {
            return error_set(err, BARO_EPARSE,
                             "the counts of a classic histogram fall with its bounds");
        }
        h->positive.buckets[i] = now - before;
        before = now;
    }
    histogram_compact(arena, h);
    *ret = h;
    return 0;
}

static int load_group(struct arena *arena, struct script_store *store, const struct part *parts,
                      size_t count, dur step, struct baro_error *err)
{
    script_values values = {0};
    size_t longest = 0;
    int r = 0;

    for (size_t i = 0; i < count; i++) {
        longest = parts[i].values->count > longest ? parts[i].values->count : longest;
    }
    for (size_t index = 0; index < longest && r >= 0; index++) {
        struct cumulative cumulative = {.bounds = ARENA_ARRAY(arena, double, count + 1),
                                        .counts = ARENA_ARRAY(arena, double, count + 1)};
        struct script_value value = {.omitted = true};
        struct histogram *h = NULL;

        gather(parts, count, index, &cumulative);
        if (cumulative.any) {
            r = convert(arena, &cumulative, &h, err);
            value = (struct script_value){.h = h};
        }
        vec_push(&values, value);
    }
    r = r < 0 ? r : script_store_load(store, parts[0].histogram, &values, NULL, step, err);
    vec_done(&values);
    return r;
}

int script_nhcb_load(struct arena *arena, struct script_store *store,
                     const struct script_load *lines, size_t count, dur step,
                     struct baro_error *err)
{
    struct part *parts = ARENA_ARRAY(arena, struct part, count + 1);
    size_t found = 0;
    int r = 0;

    for (size_t i = 0; i < count; i++) {
        struct part part = {.values = &lines[i].values};
        str name = STR_NULL;

        part.role = role_of(lines[i].labels, &name, &part.bound);
        if (part.role != ROLE_NONE) {
            part.histogram = labels_without(arena, lines[i].labels, STR("le"));
            part.histogram = labels_with(arena, part.histogram, LABEL_METRIC_NAME, name);
            parts[found++] = part;
        }
    }
    if (found > 1) {
        qsort(parts, found, sizeof(*parts), by_histogram_and_bound);
    }
    for (size_t start = 0, end; start < found && r >= 0; start = end) {
        end = start + 1;
        while (end < found && labels_eq(parts[start].histogram, parts[end].histogram)) {
            end++;
        }
        r = load_group(arena, store, parts + start, end - start, step, err);
    }
    return r;
}
