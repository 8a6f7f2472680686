#include "testing/test.h"
#include "tsdb/wal_histogram.h"

/* Three samples: an exponential histogram, a stale marker, and one with custom bounds. */
static struct wal_histogram *samples_make(struct arena *arena, bool is_float)
{
    static struct histogram_span wide[] = {{-2, 2}, {1, 1}}, narrow[] = {{7, 1}},
                                 custom[] = {{0, 2}};
    static double a[] = {100, 50, 98}, b[] = {50}, c[] = {1, 3};
    static const double bounds[] = {0.5, 2};
    struct wal_histogram *list = ARENA_ARRAY(arena, struct wal_histogram, 3);

    list[0] = (struct wal_histogram){.ref = 7,
                                     .t = 1000,
                                     .h = {.schema = 3,
                                           .hint = HISTOGRAM_HINT_RESET,
                                           .integer = !is_float,
                                           .zero_threshold = 0x1p-128,
                                           .zero_count = 2,
                                           .count = 300,
                                           .sum = 1.5,
                                           .positive = {wide, a, 2, 3},
                                           .negative = {narrow, b, 1, 1}}};
    list[1] = (struct wal_histogram){
        .ref = 300, .t = 1500, .h = {.sum = value_stale(), .integer = !is_float}};
    list[2] = (struct wal_histogram){.ref = 3,
                                     .t = 900,
                                     .h = {.schema = HISTOGRAM_SCHEMA_CUSTOM,
                                           .integer = !is_float,
                                           .count = 4,
                                           .sum = 9,
                                           .positive = {custom, c, 1, 2},
                                           .custom = bounds,
                                           .custom_count = 2}};
    return list;
}

/* The bytes are those that tsdb/record of Prometheus 3.16 makes of them; the last two rows are
 * records with start timestamps. */
static const struct {
    size_t first;
    size_t count;
    bool is_float;
    bool has_starts;
    const char *hex;
    ts st[3];
} cases[] = {
    {0,
     2,
     false,
     false,
     "07000000000000000700000000000003e80000010637f000000000000002ac023ff8000000000000"
     "0203020201010e0103c80163600164ca04e8070000000000000000000000007ff000000000000200"
     "000000",
     {0}},
    {2,
     1,
     false,
     false,
     "09000000000000000300000000000003840000006900000000000000000004402200000000000001"
     "00020002020400023fe00000000000004000000000000000",
     {0}},
    {0,
     2,
     true,
     false,
     "08000000000000000700000000000003e80000010637f000000000000040000000000000004072c0"
     "00000000003ff80000000000000203020201010e0103405900000000000040490000000000004058"
     "800000000000014049000000000000ca04e807000000000000000000000000000000000000000000"
     "00000000007ff000000000000200000000",
     {0}},
    {2,
     1,
     true,
     false,
     "0a000000000000000300000000000003840000006900000000000000000000000000000000401000"
     "0000000000402200000000000001000200023ff0000000000000400800000000000000023fe00000"
     "000000004000000000000000",
     {0}},
    {0,
     3,
     false,
     true,
     "0c0ed00f00010637f000000000000002ac023ff80000000000000203020201010e0103c801636001"
     "64ca04e80702e8070000000000000000000000007ff000000000000200000000d104c70101006900"
     "00000000000000000440220000000000000100020002020400023fe0000000000000400000000000"
     "0000",
     {0, 500, 500}},
    {0,
     3,
     true,
     true,
     "0d0ed00f28010637f000000000000040000000000000004072c000000000003ff800000000000002"
     "03020201010e01034059000000000000404900000000000040588000000000000140490000000000"
     "00ca04e8070000000000000000000000000000000000000000000000000000007ff0000000000002"
     "00000000d104c7010214006900000000000000000000000000000000401000000000000040220000"
     "0000000001000200023ff0000000000000400800000000000000023fe00000000000004000000000"
     "000000",
     {20, 0, 30}},
};

static void unhex(struct buf *ret, const char *hex)
{
    for (; hex[0] != '\0'; hex += 2) {
        unsigned high = (unsigned)(hex[0] <= '9' ? hex[0] - '0' : hex[0] - 'a' + 10);
        unsigned low = (unsigned)(hex[1] <= '9' ? hex[1] - '0' : hex[1] - 'a' + 10);

        buf_char(ret, (char)(high << 4 | low));
    }
}

TEST(wal_histogram_writes_prometheus_bytes)
{
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct wal_histogram *list = samples_make(&arena, cases[i].is_float) + cases[i].first;
        struct wal_histograms at = {0};
        struct buf want = {0}, got = {0};

        unhex(&want, cases[i].hex);
        at.type =
            (uint8_t)(cases[i].has_starts ? wal_histogram_st_type(cases[i].is_float)
                                          : wal_histogram_type(&list[0].h, cases[i].is_float));
        wal_put_type(&got, (enum wal_record_type)at.type);
        for (size_t k = 0; k < cases[i].count; k++) {
            if (cases[i].has_starts) {
                wal_put_histogram_st(&got, &at, list[k].ref, list[k].t, cases[i].st[k], &list[k].h);
            } else {
                wal_put_histogram(&got, list[k].ref, list[k].t, &list[k].h, list[0].ref, list[0].t,
                                  k == 0);
            }
        }
        assert_true(str_eq(buf_view(&got), buf_view(&want)));
        buf_done(&want);
        buf_done(&got);
    }
    arena_done(&arena);
}

static int read_record(str record, struct arena *arena, struct wal_histogram *ret, size_t room,
                       size_t *ret_count)
{
    struct wal_histograms at = {.type = wal_record_type(record)};
    struct reader rd = wal_record_body(record);
    struct wal_histogram one = {0};
    int r;

    *ret_count = 0;
    while ((r = wal_next_histogram(&rd, &at, arena, &one, NULL)) == 1) {
        if (*ret_count < room) {
            ret[*ret_count] = one;
        }
        ++*ret_count;
    }
    return r;
}

TEST(wal_histogram_reads_prometheus_bytes)
{
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct wal_histogram *list = samples_make(&arena, cases[i].is_float) + cases[i].first;
        struct wal_histogram got[3] = {0};
        struct buf record = {0};
        size_t count = 0;

        unhex(&record, cases[i].hex);
        assert_int_equal(read_record(buf_view(&record), &arena, got, 3, &count), 0);
        assert_int_equal(count, cases[i].count);
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(got[k].ref, list[k].ref);
            assert_int_equal(got[k].t, list[k].t);
            assert_int_equal(got[k].st, cases[i].st[k]);
            assert_int_equal(got[k].h.hint, list[k].h.hint);
            assert_int_equal(got[k].h.integer, !cases[i].is_float);
            assert_true(histogram_eq(&got[k].h, &list[k].h));
        }
        buf_done(&record);
    }
    arena_done(&arena);
}

/* Cut anywhere but between two entries it is damage; with any bit flipped it is damage or something
 * that the check of histograms can look at. */
TEST(wal_histogram_survives_damage)
{
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct wal_histogram got[3];
        struct buf record = {0};
        size_t count = 0, failures = 0;

        unhex(&record, cases[i].hex);
        for (size_t len = 1; len < record.len; len++) {
            int r = read_record(str_of(record.ptr, len), &arena, got, 3, &count);

            assert_true(r == 0 || r == BARO_ECORRUPT);
            failures += r < 0;
        }
        /* The type alone, the head of the older records, and what ends behind an entry are fine. */
        assert_true(failures + cases[i].count + 1 >= record.len - 1);
        for (size_t bit = 8; bit < record.len * 8; bit++) {
            record.ptr[bit / 8] = (char)((unsigned char)record.ptr[bit / 8] ^ 1U << bit % 8);
            (void)read_record(buf_view(&record), &arena, got, 3, &count);
            for (size_t k = 0; k < count && k < 3; k++) {
                (void)histogram_check(&got[k].h, NULL);
            }
            record.ptr[bit / 8] = (char)((unsigned char)record.ptr[bit / 8] ^ 1U << bit % 8);
        }
        buf_done(&record);
        arena_reset(&arena);
    }
    arena_done(&arena);
}
