#include "tsdb/wal_histogram.h"

#include "base/assert.h"

/* An integer of a histogram, of which the double is exact. */
static int64_t whole(double count)
{
    return (int64_t)count;
}

enum wal_record_type wal_histogram_type(const struct histogram *h, bool is_float)
{
    if (histogram_is_custom(h)) {
        return is_float ? WAL_RECORD_CUSTOM_FLOAT_HISTOGRAMS : WAL_RECORD_CUSTOM_HISTOGRAMS;
    }
    return is_float ? WAL_RECORD_FLOAT_HISTOGRAMS : WAL_RECORD_HISTOGRAMS;
}

bool wal_is_histograms(uint8_t type)
{
    return (type >= WAL_RECORD_HISTOGRAMS && type <= WAL_RECORD_CUSTOM_FLOAT_HISTOGRAMS) ||
           type == WAL_RECORD_HISTOGRAMS_V2 || type == WAL_RECORD_FLOAT_HISTOGRAMS_V2;
}

static bool is_float_type(uint8_t type)
{
    return type == WAL_RECORD_FLOAT_HISTOGRAMS || type == WAL_RECORD_CUSTOM_FLOAT_HISTOGRAMS ||
           type == WAL_RECORD_FLOAT_HISTOGRAMS_V2;
}

static bool is_v2(uint8_t type)
{
    return type == WAL_RECORD_HISTOGRAMS_V2 || type == WAL_RECORD_FLOAT_HISTOGRAMS_V2;
}

/* ---- writing ---- */

static void put_spans(struct buf *buf, const struct histogram_side *side)
{
    write_uvarint(buf, side->span_count);
    for (uint32_t i = 0; i < side->span_count; i++) {
        write_varint(buf, side->spans[i].offset);
        write_uvarint(buf, side->spans[i].length);
    }
}

/* Integers as differences to the bucket before. */
static void put_buckets(struct buf *buf, const struct histogram_side *side, bool is_float)
{
    int64_t before = 0;

    write_uvarint(buf, side->bucket_count);
    for (uint32_t i = 0; i < side->bucket_count; i++) {
        if (is_float) {
            write_be64(buf, value_bits(side->buckets[i]));
        } else {
            write_varint(buf, whole(side->buckets[i]) - before);
            before = whole(side->buckets[i]);
        }
    }
}

static void put_count(struct buf *buf, double count, bool is_float)
{
    if (is_float) {
        write_be64(buf, value_bits(count));
    } else {
        write_uvarint(buf, (uint64_t)whole(count));
    }
}

static void put_histogram(struct buf *buf, const struct histogram *h, bool is_float)
{
    write_u8(buf, (uint8_t)h->hint);
    write_varint(buf, h->schema);
    write_be64(buf, value_bits(h->zero_threshold));
    put_count(buf, h->zero_count, is_float);
    put_count(buf, h->count, is_float);
    write_be64(buf, value_bits(h->sum));
    put_spans(buf, &h->positive);
    put_spans(buf, &h->negative);
    put_buckets(buf, &h->positive, is_float);
    put_buckets(buf, &h->negative, is_float);
    if (histogram_is_custom(h)) {
        write_uvarint(buf, h->custom_count);
        for (uint32_t i = 0; i < h->custom_count; i++) {
            write_be64(buf, value_bits(h->custom[i]));
        }
    }
}

void wal_put_histogram(struct buf *buf, series_ref ref, ts t, const struct histogram *h,
                       series_ref first_ref, ts first_t, bool is_first)
{
    bool is_float;

    ASSERT(buf->failed || buf->len > 0);
    is_float = !buf->failed && is_float_type((uint8_t)buf->ptr[0]);
    if (is_first) {
        write_be64(buf, first_ref);
        write_be64(buf, (uint64_t)first_t);
    }
    write_varint(buf, (int64_t)(ref - first_ref));
    write_varint(buf, (int64_t)((uint64_t)t - (uint64_t)first_t));
    put_histogram(buf, h, is_float);
}

enum wal_record_type wal_histogram_st_type(bool is_float)
{
    return is_float ? WAL_RECORD_FLOAT_HISTOGRAMS_V2 : WAL_RECORD_HISTOGRAMS_V2;
}

void wal_put_histogram_st(struct buf *buf, struct wal_histograms *at, series_ref ref, ts t, ts st,
                          const struct histogram *h)
{
    write_varint(buf, (int64_t)(ref - at->ref));
    write_varint(buf, (int64_t)((uint64_t)t - (uint64_t)at->first_t));
    if (at->is_set) {
        wal_put_start(buf, st, at->first_st, at->st);
    } else {
        at->is_set = true;
        at->first_t = t;
        at->first_st = st;
        write_varint(buf, st);
    }
    at->ref = ref;
    at->st = st;
    put_histogram(buf, h, is_float_type(at->type));
}

/* ---- reading ---- */

static double get_double(struct reader *rd)
{
    return value_from_bits(read_be64(rd));
}

static double get_count(struct reader *rd, bool is_float)
{
    return is_float ? get_double(rd) : (double)read_uvarint(rd);
}

/* A count of things that take `bytes_min` each, at least; more than the record has room for is
 * damage. */
static uint32_t get_length(struct reader *rd, size_t bytes_min)
{
    uint64_t count = read_uvarint(rd);

    if (count > HISTOGRAM_BUCKETS_MAX || count > reader_left(rd) / bytes_min) {
        rd->failed = true;
        return 0;
    }
    return (uint32_t)count;
}

static void get_spans(struct reader *rd, struct arena *arena, struct histogram_side *ret)
{
    ret->span_count = get_length(rd, 2);
    ret->spans = ARENA_ARRAY(arena, struct histogram_span, ret->span_count + 1u);
    for (uint32_t i = 0; i < ret->span_count; i++) {
        int64_t offset = read_varint(rd);
        uint64_t length = read_uvarint(rd);

        if (offset < INT32_MIN || offset > INT32_MAX || length > HISTOGRAM_BUCKETS_MAX) {
            rd->failed = true;
            return;
        }
        ret->spans[i] = (struct histogram_span){(int32_t)offset, (uint32_t)length};
    }
}

static void get_buckets(struct reader *rd, struct arena *arena, bool is_float,
                        struct histogram_side *ret)
{
    uint64_t at = 0;

    ret->bucket_count = get_length(rd, is_float ? 8 : 1);
    ret->buckets = ARENA_ARRAY(arena, double, ret->bucket_count + 1u);
    for (uint32_t i = 0; i < ret->bucket_count; i++) {
        if (is_float) {
            ret->buckets[i] = get_double(rd);
        } else {
            at += (uint64_t)read_varint(rd);
            ret->buckets[i] = (double)(int64_t)at;
        }
    }
}

static void get_bounds(struct reader *rd, struct arena *arena, struct histogram *ret)
{
    double *custom;

    ret->custom_count = get_length(rd, 8);
    custom = ARENA_ARRAY(arena, double, ret->custom_count + 1u);
    for (uint32_t i = 0; i < ret->custom_count; i++) {
        custom[i] = get_double(rd);
    }
    ret->custom = custom;
}

static void get_histogram(struct reader *rd, struct arena *arena, bool is_float,
                          struct histogram *ret)
{
    uint8_t hint = read_u8(rd);
    int64_t schema = read_varint(rd);

    *ret = (struct histogram){.integer = !is_float};
    if (hint > HISTOGRAM_HINT_GAUGE || schema < INT32_MIN || schema > INT32_MAX) {
        rd->failed = true;
        return;
    }
    ret->hint = (enum histogram_hint)hint;
    ret->schema = (int32_t)schema;
    ret->zero_threshold = get_double(rd);
    ret->zero_count = get_count(rd, is_float);
    ret->count = get_count(rd, is_float);
    ret->sum = get_double(rd);
    get_spans(rd, arena, &ret->positive);
    get_spans(rd, arena, &ret->negative);
    get_buckets(rd, arena, is_float, &ret->positive);
    get_buckets(rd, arena, is_float, &ret->negative);
    if (histogram_is_custom(ret)) {
        get_bounds(rd, arena, ret);
    }
}

static void get_place_v1(struct reader *rd, struct wal_histograms *at, struct wal_histogram *ret)
{
    ret->ref = at->first_ref + (uint64_t)read_varint(rd);
    ret->t = (ts)((uint64_t)at->first_t + (uint64_t)read_varint(rd));
}

/* The ref counts from the one before, the time from the first one; a start time may follow. */
static void get_place_v2(struct reader *rd, struct wal_histograms *at, bool is_first,
                         struct wal_histogram *ret)
{
    if (is_first) {
        ret->ref = at->first_ref = (uint64_t)read_varint(rd);
        ret->t = at->first_t = read_varint(rd);
        ret->st = at->first_st = read_varint(rd);
    } else {
        ret->ref = at->ref + (uint64_t)read_varint(rd);
        ret->t = (ts)((uint64_t)at->first_t + (uint64_t)read_varint(rd));
        ret->st = wal_next_start(rd, at->first_st, at->st);
    }
    at->ref = ret->ref;
    at->st = ret->st;
}

int wal_next_histogram(struct reader *rd, struct wal_histograms *at, struct arena *arena,
                       struct wal_histogram *ret, struct baro_error *err)
{
    struct wal_histogram found = {0};
    bool is_first = !at->is_set;

    if (reader_left(rd) == 0) {
        return 0;
    }
    at->is_set = true;
    if (is_first && !is_v2(at->type)) {
        at->first_ref = read_be64(rd);
        at->first_t = (ts)read_be64(rd);
        if (reader_left(rd) == 0 && !rd->failed) {
            return 0;
        }
    }
    if (is_v2(at->type)) {
        get_place_v2(rd, at, is_first, &found);
    } else {
        get_place_v1(rd, at, &found);
    }
    get_histogram(rd, arena, is_float_type(at->type), &found.h);
    if (rd->failed) {
        return error_set(err, BARO_ECORRUPT, "histograms record is damaged at byte %zu",
                         rd->offset + 1);
    }
    *ret = found;
    return 1;
}
