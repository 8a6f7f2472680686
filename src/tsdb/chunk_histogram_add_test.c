#include <stdio.h>

#include "testing/test.h"
#include "tsdb/chunk_histogram.h"

/* A histogram in a row of a table: spans as pairs of offset and length. */
struct shape {
    ts t;
    enum histogram_hint hint;
    int32_t schema;
    double zero_threshold;
    double zero_count;
    double sum;
    int32_t positive[6];
    double positive_counts[8];
    int32_t negative[6];
    double negative_counts[8];
    uint32_t custom_count;
    bool is_stale;
};

#define UNKNOWN HISTOGRAM_HINT_UNKNOWN
#define RESET   HISTOGRAM_HINT_RESET
#define GAUGE   HISTOGRAM_HINT_GAUGE

enum { STEPS_MAX = 10, CHUNKS_MAX = 10 };

/* The first byte strings are those of Prometheus 3.16's chunkenc for the same histograms. Some by
 * hand: 0x0005 samples, flags 00, zero threshold 2^-128 = code 0x74, schema 0 = one bit, ... */
static const struct {
    const char *name;
    struct shape steps[STEPS_MAX];
    const char *integers[CHUNKS_MAX];
    const char *floats[CHUNKS_MAX];
} cases[] = {
    {"counters that grow, then are gone",
     {{1000, UNKNOWN, 0, 0x1p-128, 1, 2.5, {0, 2, 1, 1}, {1, 2, 3}, {-1, 1}, {4}, 0, false},
      {16000, UNKNOWN, 0, 0x1p-128, 1, 3.5, {0, 2, 1, 1}, {2, 2, 3}, {-1, 1}, {4}, 0, false},
      {31000, UNKNOWN, 0, 0x1p-128, 3, 3.5, {0, 2, 1, 1}, {3, 2, 9}, {-1, 1}, {5}, 0, false},
      {.t = 46000, .is_stale = true},
      {.t = 61000, .is_stale = true}},
     {"000500744a48c631bf8fa317140040000000000008c634f83a988b6038dc626430d118bdfff00000"
      "0000000800"},
     {"000500744a48c631bf8fa10098000000000000ffc00000000000010010000000000000ffc0000000"
      "000001000000"
      "000000000100200000000000010040000000000003e0ea63607db01e12fff86b13f099ffed80da85"
      "aed06c274037"
      "400e2f7ffc00000000000200"}},
    {"new buckets are put into what is there",
     {{1000, UNKNOWN, 1, 0.001, 0, 2.5, {0, 2}, {1, 2}, {0}, {0}, 0, false},
      {2000, UNKNOWN, 1, 0.001, 0, 2.5, {-1, 1, 0, 2, 2, 1}, {1, 1, 2, 1}, {3, 1}, {1}, 0, false},
      {3000, UNKNOWN, 1, 0.001, 0, 2.5, {-1, 4, 1, 1}, {1, 1, 2, 5, 1}, {3, 1}, {1}, 0, false}},
     {"000300ff3f50624dd2f1a9fc8ca978c6319f8fa26400400000000000046363c7d1323723148bc585dd5c"},
     {"000300ff3f50624dd2f1a9fc8ca978c6319f8fa10020000000000000000000000000000100100000"
      "000000000000"
      "00"
      "0000000000ffc0000000000001000000000000000000000000000000000000000000000000000000"
      "0000000003c7"
      "d1"
      "ac1988affc622bffc457fed42fc184d80280"}},
    {"buckets without counts may be missing",
     {{1000, UNKNOWN, 3, 0, 0, 2.5, {0, 4}, {1, 0, 2, 0}, {0}, {0}, 0, false},
      {2000, UNKNOWN, 3, 0, 0, 2.5, {0, 1, 1, 1}, {1, 2}, {0}, {0}, 0, false},
      {3000, UNKNOWN, 3, 0, 0, 2.5, {0, 1, 1, 1, 2, 1}, {1, 2, 7}, {0}, {0}, 0, false}},
     {"000300009ca88c5e3e899001000000000000237959e3e80061c0c380"},
     {"000300009ca88c5e3e84008000000000000000000000000000040040000000000003ff0000000000"
      "0000000000000000000400000000000000000000000000000000000000000000000f1f4003509606"
      "13600e"}},
    {"resets, other schemas, stale markers and gauges begin chunks",
     {{1000, UNKNOWN, 3, 0, 0, 2.5, {0, 2}, {1, 3}, {0}, {0}, 0, false},
      {2000, UNKNOWN, 3, 0, 0, 1.5, {0, 2}, {1, 2}, {0}, {0}, 0, false},
      {3000, UNKNOWN, 3, 0, 0, 1.5, {0, 2}, {0, 9}, {0}, {0}, 0, false},
      {4000, RESET, 3, 0, 0, 1.5, {0, 2}, {1, 9}, {0}, {0}, 0, false},
      {5000, UNKNOWN, 2, 0, 0, 1.5, {0, 2}, {1, 9}, {0}, {0}, 0, false},
      {.t = 6000, .is_stale = true},
      {7000, UNKNOWN, 2, 0, 0, 1.5, {0, 2}, {1, 9}, {0}, {0}, 0, false},
      {8000, UNKNOWN, 2, 0, 0, 1.5, {1, 1}, {20}, {0}, {0}, 0, false},
      {9000, GAUGE, 2, 0, 0, 1.5, {1, 1}, {20}, {0}, {0}, 0, false},
      {9500, UNKNOWN, 2, 0, 0, 1.5, {1, 1}, {21}, {0}, {0}, 0, false}},
     {"000100009c6478fa2840040000000000008c80", "000180009c6479f4263ff80000000000008c40",
      "000180009c647c05dc6247ff0000000000000c48", "000180009c647c07d06287ff00000000000011c400",
      "0002000094647c09c46287ff00000000000011c478fa0c3f4008000000000002",
      "0001000094647c0dac6287ff00000000000011c400", "00018000946317c0fa06507ff000000000000194",
      "0001c000946317c11946507ff000000000000194", "00014000946317c128e6547ff000000000000195"},
     {"000100009c6478fa1004000000000000000000000000000010010000000000000ffc000000000000"
      "100200000000"
      "000000",
      "000180009c6479f4100200000000000000000000000000000ffe0000000000000ffc000000000000"
      "100000000000"
      "00"
      "0000",
      "000180009c647c05dc201100000000000000000000000000001ffc00000000000000000000000000"
      "002011000000"
      "0000"
      "0000",
      "000180009c647c07d0201200000000000000000000000000001ffc0000000000001ff80000000000"
      "002011000000"
      "0000"
      "0000",
      "0002000094647c09c4201200000000000000000000000000001ffc0000000000001ff80000000000"
      "002011000000"
      "0000"
      "0078fa309b00961fa004000000000001",
      "0001000094647c0dac201200000000000000000000000000001ffc0000000000001ff80000000000"
      "002011000000"
      "0000"
      "0000",
      "00018000946317c0fa0201a00000000000000000000000000001ffc000000000000201a0000000000000",
      "0001c000946317c1194201a00000000000000000000000000001ffc000000000000201a0000000000000",
      "00010000946317c128e201a80000000000000000000000000001ffc000000000000201a8000000000000"}},
    {"gauges gain and lose buckets",
     {{1000, GAUGE, 3, 0.5, 2, 2.5, {0, 2}, {1, 3}, {0}, {0}, 0, false},
      {2000, GAUGE, 3, 0.5, 1, 1.5, {1, 1}, {1}, {0}, {0}, 0, false},
      {3000, GAUGE, 3, 0.5, 1, 1.5, {-2, 1, 2, 3}, {1, 5, 6, 2}, {0, 1}, {1}, 0, false},
      {.t = 4000, .is_stale = true},
      {5000, GAUGE, 3, 0.5, 1, 1.5, {1, 1}, {1}, {0}, {0}, 0, false},
      {6000, GAUGE, 4, 0.5, 1, 1.5, {1, 1}, {1}, {0}, {0}, 0, false}},
     {"0003c0f39ca36a463178fa2d2400400000000000046553c7d1bcbe137ffebde4325145856f22",
      "000140001f01f403ff80000000000010", "0001c0f39c6317c09c44a27ff000000000000110",
      "0001c0f3a46317c0bb84a27ff000000000000110"},
     {"0003c0f39ca36a463178fa1006000000000000100000000000000010010000000000000000000000"
      "0000000ffc00"
      "00"
      "0000000010020000000000000000000000000000000000000000000000000000000000003c7d1ac2"
      "f097fff09bff"
      "f6"
      "22bffc267ff86a0b3115ffb09bff9c26401e10788affc0",
      "000100001f01f4000000000000000000000000000000000ffe00000000000040",
      "0001c0f39c6317c09c420000000000000001ff80000000000001ffc0000000000001ff80000000000000",
      "0001c0f3a46317c0bb820000000000000001ff80000000000001ffc0000000000001ff80000000000000"}},
    {"custom bounds",
     {{1000, UNKNOWN, -53, 0, 0, 2.5, {0, 6}, {1, 3, 0, 2, 1, 0}, {0}, {0}, 5, false},
      {2000, UNKNOWN, -53, 0, 0, 4.5, {0, 2, 1, 3}, {1, 4, 2, 1, 0}, {0}, {0}, 5, false},
      {3000, UNKNOWN, -53, 0, 0, 4.5, {0, 2}, {1, 4}, {0}, {0}, 2, false}},
     {"00020000ee5c6c578cbe23bf1f4fa714839b9aca00000001e3e8b9001000000000000232acaf7f1f"
      "445ac4b46e0"
      "0",
      "00018000ee5c644b8cbe23bf80bb8a90048000000000002330"},
     {"00020000ee5c6c578cbe23bf1f4fa714839b9aca00000001e3e8401c000000000000000000000000"
      "000040040000"
      "0000"
      "00003ff00000000000004008000000000000000000000000000040000000000000003ff000000000"
      "000000000000"
      "0000"
      "0000f1f46a13dac4b6b0b0",
      "00018000ee5c644b8cbe23bf80bb84014000000000000000000000000000040120000000000003ff"
      "000000000000040100000000000000"}},
};

static const double bounds[] = {0.1, 0.57, 1, 2.5, 1e9};

static void side_of(struct arena *arena, const int32_t *pairs, const double *counts,
                    struct histogram_side *ret)
{
    ret->spans = ARENA_ARRAY(arena, struct histogram_span, 3);
    ret->buckets = ARENA_ARRAY(arena, double, 8);
    for (size_t i = 0; i < 3 && pairs[2 * i + 1] > 0; i++) {
        ret->spans[i] = (struct histogram_span){pairs[2 * i], (uint32_t)pairs[2 * i + 1]};
        ret->bucket_count += ret->spans[i].length;
        ret->span_count++;
    }
    memcpy(ret->buckets, counts, ret->bucket_count * sizeof(double));
}

static struct histogram *shape_make(struct arena *arena, const struct shape *shape, bool is_float)
{
    struct histogram *h = histogram_new_stale(arena);

    if (shape->is_stale) {
        return h;
    }
    *h = (struct histogram){.schema = shape->schema,
                            .hint = shape->hint,
                            .integer = !is_float,
                            .zero_threshold = shape->zero_threshold,
                            .zero_count = shape->zero_count,
                            .count = shape->zero_count,
                            .sum = shape->sum,
                            .custom = bounds,
                            .custom_count = shape->custom_count};
    side_of(arena, shape->positive, shape->positive_counts, &h->positive);
    side_of(arena, shape->negative, shape->negative_counts, &h->negative);
    for (uint32_t i = 0; i < h->positive.bucket_count; i++) {
        h->count += h->positive.buckets[i];
    }
    for (uint32_t i = 0; i < h->negative.bucket_count; i++) {
        h->count += h->negative.buckets[i];
    }
    return h;
}

static void assert_bytes(const struct chunk_histogram *chunk, const char *want)
{
    char hex[512] = "";

    for (size_t i = 0; i < chunk->data.len; i++) {
        (void)snprintf(hex + 2 * i, sizeof(hex) - 2 * i, "%02x", (uint8_t)chunk->data.ptr[i]);
    }
    assert_string_equal(hex, want != NULL ? want : "(no chunk)");
}

/* With `resumes` the chunk is read back before each histogram. */
static void run_steps(size_t which, bool is_float, bool resumes)
{
    const char *const *wanted = is_float ? cases[which].floats : cases[which].integers;
    struct chunk_histogram chunk = {0};
    struct baro_error err = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < STEPS_MAX && cases[which].steps[i].t != 0; i++) {
        const struct shape *shape = &cases[which].steps[i];
        const struct histogram *h = shape_make(&arena, shape, is_float);
        enum chunk_histogram_start start =
            h->hint == GAUGE ? CHUNK_START_GAUGE : CHUNK_START_UNKNOWN;
        int r = 0;

        if (i > 0 && resumes) {
            struct buf copy = {0};

            buf_str(&copy, buf_view(&chunk.data));
            assert_ok(chunk_histogram_resume(&chunk, buf_view(&copy), is_float, &err), &err);
            buf_done(&copy);
        }
        if (i > 0) {
            r = chunk_histogram_add(&chunk, shape->t, h, &start, &err);
            assert_ok(r, &err);
            if (r == 0) {
                assert_bytes(&chunk, *wanted++);
            }
        }
        if (r == 0) {
            chunk_histogram_begin(&chunk, is_float, start);
            assert_true(chunk_histogram_append(&chunk, shape->t, h));
        }
        assert_int_equal(chunk.t, shape->t);
        if (!shape->is_stale) {
            struct histogram *last = chunk_histogram_last(&chunk, &arena);

            histogram_compact(&arena, last);
            last = histogram_copy(&arena, last);
            assert_true(last->count == h->count && last->sum == h->sum);
        }
    }
    assert_bytes(&chunk, *wanted++);
    assert_null(*wanted);
    chunk_histogram_done(&chunk);
    arena_done(&arena);
}

TEST(chunk_histogram_add_writes_prometheus_bytes)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        print_message("%s\n", cases[i].name);
        for (int kind = 0; kind < 4; kind++) {
            run_steps(i, (kind & 1) != 0, (kind & 2) != 0);
        }
    }
}

TEST(chunk_histogram_add_tells_how_the_next_begins)
{
    static const struct {
        struct shape first;
        struct shape second;
        enum chunk_histogram_start integers;
        enum chunk_histogram_start floats;
    } rows[] = {
        {{1, UNKNOWN, 3, 0, 0, 1, {0, 1}, {3}, {0}, {0}, 0, false},
         {2, UNKNOWN, 3, 0, 0, 1, {0, 1}, {3}, {0}, {0}, 0, false},
         CHUNK_START_NOT_RESET,
         CHUNK_START_NOT_RESET},
        {{1, UNKNOWN, 3, 0, 0, 1, {0, 1}, {3}, {0}, {0}, 0, false},
         {2, UNKNOWN, 3, 0, 0, 1, {0, 1}, {2}, {0}, {0}, 0, false},
         CHUNK_START_RESET,
         CHUNK_START_RESET},
        {{1, UNKNOWN, 3, 0, 0, 1, {0, 1}, {3}, {0}, {0}, 0, false},
         {2, UNKNOWN, 2, 0, 0, 1, {0, 1}, {4}, {0}, {0}, 0, false},
         CHUNK_START_UNKNOWN,
         CHUNK_START_NOT_RESET},
        {{1, UNKNOWN, 3, 0, 0, 1, {0, 1}, {3}, {0}, {0}, 0, false},
         {2, RESET, 3, 0, 0, 1, {0, 1}, {4}, {0}, {0}, 0, false},
         CHUNK_START_RESET,
         CHUNK_START_RESET},
        {{1, GAUGE, 3, 0, 0, 1, {0, 1}, {3}, {0}, {0}, 0, false},
         {2, GAUGE, 3, 0, 0, 1, {0, 1}, {4}, {0}, {0}, 0, false},
         CHUNK_START_GAUGE,
         CHUNK_START_GAUGE},
        {{.t = 1, .is_stale = true},
         {2, UNKNOWN, 3, 0, 0, 1, {0, 1}, {4}, {0}, {0}, 0, false},
         CHUNK_START_UNKNOWN,
         CHUNK_START_NOT_RESET},
    };
    struct chunk_histogram chunk = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < 2 * ARRAY_COUNT(rows); i++) {
        bool is_float = i % 2 == 1;
        const struct histogram *first = shape_make(&arena, &rows[i / 2].first, is_float);
        const struct histogram *second = shape_make(&arena, &rows[i / 2].second, is_float);

        chunk_histogram_begin(&chunk, is_float,
                              first->hint == GAUGE ? CHUNK_START_GAUGE : CHUNK_START_UNKNOWN);
        assert_true(chunk_histogram_append(&chunk, 1, first));
        assert_int_equal(chunk_histogram_start_behind(&chunk, second),
                         is_float ? rows[i / 2].floats : rows[i / 2].integers);
        assert_int_equal(chunk_histogram_start_behind(NULL, second),
                         second->hint == GAUGE   ? CHUNK_START_GAUGE
                         : second->hint == RESET ? CHUNK_START_RESET
                                                 : CHUNK_START_UNKNOWN);
    }
    chunk_histogram_done(&chunk);
    arena_done(&arena);
}
