#include "api/api_priv.h"
#include "model/histogram.h"

/* How a bucket's boundaries are written: 0 is (a,b], 1 [a,b), 2 (a,b), 3 [a,b]. */
static uint64_t boundaries_of(const struct histogram_bucket *bucket)
{
    if (bucket->lower_inclusive) {
        return bucket->upper_inclusive ? 3 : 1;
    }
    return bucket->upper_inclusive ? 0 : 2;
}

static void write_buckets(struct json_writer *json, const struct histogram *h)
{
    struct arena arena = {0};
    size_t count = 0;
    const struct histogram_bucket *list = histogram_buckets(&arena, h, &count);
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        if (list[i].count == 0) {
            continue;
        }
        if (!any) {
            json_write_key(json, STR("buckets"));
            json_write_array_begin(json);
            any = true;
        }
        json_write_array_begin(json);
        json_write_u64(json, boundaries_of(&list[i]));
        json_write_value(json, list[i].lower);
        json_write_value(json, list[i].upper);
        json_write_value(json, list[i].count);
        json_write_array_end(json);
    }
    if (any) {
        json_write_array_end(json);
    }
    arena_done(&arena);
}

void api_write_histogram_point(struct json_writer *json, ts t, const struct histogram *h)
{
    json_write_array_begin(json);
    json_write_timestamp(json, t);
    json_write_object_begin(json);
    json_write_key(json, STR("count"));
    json_write_value(json, h->count);
    json_write_key(json, STR("sum"));
    json_write_value(json, h->sum);
    write_buckets(json, h);
    json_write_object_end(json);
    json_write_array_end(json);
}
