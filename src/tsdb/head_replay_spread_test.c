#include "base/mem.h"
#include "base/num.h"
#include "testing/test.h"
#include "tsdb/head_priv.h"
#include "tsdb/wal_record.h"

enum { SERIES = 700, ROUNDS = 60, LATER = 200, LATER_FROM = 30, STEP = 1000 };

/* Series first.. of the WAL, numbered by their label; refs are the numbers and `shift`. */
static void put_series(struct head_replay *replay, unsigned first, unsigned count, series_ref shift)
{
    struct baro_error err = {0};
    struct buf record = {0};

    wal_put_type(&record, WAL_RECORD_SERIES);
    for (unsigned i = first; i < first + count; i++) {
        char number[16];
        struct label label = {STR("i"),
                              str_of(number, (size_t)snprintf(number, sizeof(number), "%u", i))};

        wal_put_series(&record, i + 1 + shift, (struct labels){&label, 1});
    }
    assert_ok(head_replay_record(replay, buf_view(&record), &err), &err);
    buf_done(&record);
}

static double value_at(unsigned series, ts t)
{
    return series * 1000.0 + (double)(t / STEP);
}

/* A sample of each series at t, in one record. */
static void put_samples(struct head_replay *replay, unsigned first, unsigned count,
                        series_ref shift, ts t)
{
    series_ref *refs = mem_alloc(count * sizeof(refs[0]));
    double *values = mem_alloc(count * sizeof(values[0]));
    ts *times = mem_alloc(count * sizeof(times[0]));
    struct baro_error err = {0};
    struct buf record = {0};

    for (unsigned i = 0; i < count; i++) {
        refs[i] = first + i + 1 + shift;
        times[i] = t;
        values[i] = value_at(first + i, t);
    }
    wal_put_samples(&record, refs, times, values, count);
    assert_ok(head_replay_record(replay, buf_view(&record), &err), &err);
    buf_done(&record);
    (void)mem_free(refs);
    (void)mem_free(values);
    (void)mem_free(times);
}

/* Takes samples of the first series at [from, to) away again. */
static void put_tombstone(struct head_replay *replay, ts from, ts to)
{
    struct baro_error err = {0};
    struct buf record = {0};

    wal_put_type(&record, WAL_RECORD_TOMBSTONES);
    write_be64(&record, 1);
    write_varint(&record, from);
    write_varint(&record, to - 1);
    assert_ok(head_replay_record(replay, buf_view(&record), &err), &err);
    buf_done(&record);
}

static void check_series(struct querier *querier, const struct series *series,
                         struct sample_buf *samples)
{
    struct baro_error err = {0};
    uint64_t number = 0;
    ts from;
    size_t gone;

    assert_true(num_parse_u64(labels_get(series->labels, STR("i")), &number));
    from = number >= SERIES ? LATER_FROM * STEP : 0;
    gone = number == 0 ? 10 : 0;
    sample_buf_reset(samples);
    assert_ok(querier->ops->samples(querier, series, INT64_MIN, INT64_MAX, samples, &err), &err);
    assert_int_equal(samples->count, ROUNDS - from / STEP - (ts)gone);
    for (size_t k = 0; k < samples->count; k++) {
        ts t = from + (ts)(k < 10 ? k : k + gone) * STEP;

        assert_int_equal(samples->t[k], t);
        assert_true(samples->v[k] == value_at((unsigned)number, t));
    }
}

static void check(struct head *head)
{
    struct matcher matcher = {.op = MATCHER_NOT_EQUAL, .name = STR("i"), .value = STR("")};
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct querier *querier = NULL;
    struct baro_error err = {0};
    struct arena arena = {0};

    assert_ok(head_querier(head, INT64_MIN, INT64_MAX, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    assert_int_equal(list.count, SERIES + LATER);
    for (size_t i = 0; i < list.count; i++) {
        check_series(querier, &list.items[i], &samples);
    }
    querier_close(querier);
    sample_buf_done(&samples);
    arena_done(&arena);
}

/* Whatever the number of threads: samples in order, twice, of unknown series, of series that come
 * later or under a second ref, and a deletion in between. */
TEST(head_replay_is_the_same_by_any_number_of_threads)
{
    static const uint32_t threads[] = {1, 2, 3, 4, 64};

    for (size_t n = 0; n < ARRAY_COUNT(threads); n++) {
        struct head *head = head_new(&(struct head_options){.exemplars_max = 100});
        struct head_replay replay = {.head = head, .threads_max = threads[n]};
        uint64_t refused = 0;
        series_ref shift = 0;

        put_series(&replay, 0, SERIES, 0);
        for (ts round = 0; round < ROUNDS; round++) {
            if (round == 20) {
                put_tombstone(&replay, 10 * STEP, 20 * STEP);
            }
            if (round == LATER_FROM) {
                put_series(&replay, SERIES, LATER, 0);
            }
            if (round == 40) {
                shift = 5000;
                put_series(&replay, 0, SERIES, shift);
            }
            put_samples(&replay, 0, SERIES, shift, round * STEP);
            if (round >= LATER_FROM) {
                put_samples(&replay, SERIES, LATER, 0, round * STEP);
            }
            if (round % 10 == 5) {
                put_samples(&replay, 0, SERIES, shift, round * STEP);
                put_samples(&replay, 20000, 3, 0, round * STEP);
                refused += SERIES + 3;
            }
        }
        head_replay_settle(&replay);
        assert_int_equal(replay.samples_refused, refused);
        assert_int_equal(replay.series_unknown, 18);
        check(head);
        head_replay_done(&replay);
        (void)head_free(head);
    }
}
