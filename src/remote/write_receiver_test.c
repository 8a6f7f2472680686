/* Requests of remote write on their way into a store. */
#include "remote/write_receiver.h"

#include "base/mem.h"
#include "model/histogram.h"
#include "remote/wire_out.h"
#include "testing/test.h"
#include "tsdb/tsdb.h"

enum { NOW = 100000000 };

/* A store, and a request that is being made. */
struct rig {
    struct tsdb *tsdb;
    struct wire_out out;
    struct write_options options;
    struct write_receipt receipt;
};

static void rig_init(struct rig *rig, const struct tsdb_options *extra)
{
    struct tsdb_options options = {.no_sync_thread = true, .exemplars_max = 16};
    struct baro_error err = {0};

    if (extra != NULL) {
        options = *extra;
        options.no_sync_thread = true;
    }
    *rig = (struct rig){0};
    assert_ok(tsdb_open(test_dir(), &options, &rig->tsdb, &err), &err);
    rig->options = (struct write_options){.appendable = tsdb_appendable(rig->tsdb), .now = NOW};
}

static void rig_done(struct rig *rig)
{
    wire_out_done(&rig->out);
    write_receipt_done(&rig->receipt);
    (void)tsdb_free(rig->tsdb);
}

/* One series with the label a, or without when it is NULL. */
static void put_begin(struct rig *rig, const char *name, const char *a)
{
    struct label items[2] = {{LABEL_METRIC_NAME, str_from(name)}, {STR("a"), str_from(a)}};

    wire_out_series(&rig->out, (struct labels){items, a != NULL ? 2 : 1});
}

static void put_float(struct rig *rig, const char *name, double v, ts t)
{
    put_begin(rig, name, NULL);
    wire_out_sample(&rig->out, &(struct sample){.t = t, .v = v});
    wire_out_series_end(&rig->out);
}

static struct histogram *histogram_of(double count)
{
    static struct histogram_span span = {0, 1};
    static double bucket;
    static struct histogram h;

    bucket = count;
    h = (struct histogram){
        .integer = true, .count = count, .sum = 1, .positive = {&span, &bucket, 1, 1}};
    return &h;
}

static void put_histogram(struct rig *rig, const char *name, const struct histogram *h, ts t)
{
    put_begin(rig, name, NULL);
    wire_out_sample(&rig->out, &(struct sample){.t = t, .v = h->sum, .h = h});
    wire_out_series_end(&rig->out);
}

/* Sends what was made; returns the status. */
static int give(struct rig *rig)
{
    struct buf body = {0};
    struct baro_error err = {0};

    assert_ok(wire_out_finish_raw(&rig->out, &body, &err), &err);
    write_receiver_take(&rig->options, rig->out.message, buf_view(&body), &rig->receipt);
    buf_done(&body);
    return rig->receipt.status;
}

static bool was_told(const struct rig *rig, const char *what)
{
    return str_contains(buf_view(&rig->receipt.message), str_from(what));
}

/* How many samples a series has, and the last one's value. */
static size_t stored(struct rig *rig, const char *name, double *ret_last)
{
    struct matcher matcher = {
        .op = MATCHER_EQUAL, .name = LABEL_METRIC_NAME, .value = str_from(name)};
    struct queryable *queryable = tsdb_queryable(rig->tsdb);
    struct querier *querier = NULL;
    struct arena arena = {0};
    struct series_list list = {0};
    struct sample_buf samples = {0};
    size_t count = 0;

    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, NULL), NULL);
    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, NULL),
              NULL);
    for (size_t i = 0; i < list.count; i++) {
        sample_buf_reset(&samples);
        assert_ok(
            querier->ops->samples(querier, &list.items[i], INT64_MIN, INT64_MAX, &samples, NULL),
            NULL);
        count += samples.count;
        *ret_last = samples.v[samples.count - 1];
    }
    querier_close(querier);
    sample_buf_done(&samples);
    arena_done(&arena);
    return count;
}

TEST(write_receiver_takes_floats_and_histograms)
{
    for (int message = WIRE_WRITE_1; message < WIRE_MESSAGE_COUNT; message++) {
        struct rig rig;
        double last = 0;

        rig_init(&rig, NULL);
        wire_out_begin(&rig.out, (enum wire_message)message);
        put_float(&rig, "f", 1, NOW - 2);
        put_histogram(&rig, "h", histogram_of(3), NOW - 2);
        put_float(&rig, "f", 2, NOW - 1);
        assert_int_equal(give(&rig), 204);
        assert_int_equal(rig.receipt.samples, 2);
        assert_int_equal(rig.receipt.histograms, 1);
        assert_int_equal(rig.receipt.without_metadata, 3);
        assert_int_equal(stored(&rig, "f", &last), 2);
        assert_true(last == 2);
        assert_int_equal(stored(&rig, "h", &last), 1);
        /* The same again is taken, and stored once. */
        wire_out_begin(&rig.out, (enum wire_message)message);
        put_float(&rig, "f", 2, NOW - 1);
        assert_int_equal(give(&rig), 204);
        assert_int_equal(stored(&rig, "f", &last), 2);
        rig_done(&rig);
    }
}

/* More than go to the store at once, kinds in turns, in one series. */
TEST(write_receiver_keeps_the_order_of_a_series)
{
    enum { COUNT = 5000 };
    struct rig rig;
    double last = 0;

    rig_init(&rig, NULL);
    wire_out_begin(&rig.out, WIRE_WRITE_2);
    for (int i = 0; i < COUNT; i++) {
        put_float(&rig, i % 3 == 0 ? "many" : "more", i, NOW + i);
    }
    put_histogram(&rig, "many", histogram_of(1), NOW + COUNT);
    put_float(&rig, "many", 7, NOW + COUNT + 1);
    assert_int_equal(give(&rig), 204);
    assert_int_equal(rig.receipt.samples, COUNT + 1);
    assert_int_equal(stored(&rig, "many", &last), (COUNT + 2) / 3 + 2);
    assert_true(last == 7);
    rig_done(&rig);
}

TEST(write_receiver_keeps_what_is_good)
{
    struct histogram bad = *histogram_of(2);
    struct rig rig;
    double last = 0;

    bad.count = 1; /* below the sum of the buckets */
    rig_init(&rig, NULL);
    wire_out_begin(&rig.out, WIRE_WRITE_2);
    put_float(&rig, "f", 1, NOW);
    put_float(&rig, "f", 2, NOW - 5);
    put_float(&rig, "f", 3, NOW);
    put_float(&rig, "later", 1, NOW + WRITE_AHEAD_MAX + 1);
    put_histogram(&rig, "h", &bad, NOW);
    put_float(&rig, "", 1, NOW);
    put_begin(&rig, "empty", NULL);
    wire_out_series_end(&rig.out);
    put_float(&rig, "g", 4, NOW);
    assert_int_equal(give(&rig), 400);
    assert_int_equal(rig.receipt.samples, 2);
    assert_int_equal(rig.receipt.histograms, 0);
    assert_int_equal(rig.receipt.bad_labels, 1);
    assert_true(was_told(&rig, "out of order sample for series f"));
    assert_true(was_told(&rig, "duplicate sample for timestamp for series f"));
    assert_true(was_told(&rig, "too far in the future for series later"));
    assert_true(was_told(&rig, "for series h"));
    assert_true(was_told(&rig, "invalid metric name or labels"));
    assert_true(was_told(&rig, "at least one sample or histogram for series empty"));
    assert_int_equal(stored(&rig, "f", &last), 1);
    assert_int_equal(stored(&rig, "g", &last), 1);
    assert_true(last == 4);
    rig_done(&rig);
}

TEST(write_receiver_tells_a_few_faults)
{
    struct rig rig;

    rig_init(&rig, NULL);
    wire_out_begin(&rig.out, WIRE_WRITE_1);
    put_float(&rig, "f", 1, NOW);
    for (int i = 0; i < WRITE_FAULTS_MAX + 5; i++) {
        put_float(&rig, "f", 1, NOW - 1);
    }
    assert_int_equal(give(&rig), 400);
    assert_true(was_told(&rig, "and 5 more"));
    rig_done(&rig);
}

/* A series with more labels than a store has is told of, and the others are kept. */
TEST(write_receiver_bounds_labels)
{
    enum { LABELS = APPENDER_LABELS_MAX + 1, LONG = 100000 };
    static char text[LONG + 1];

    for (int message = WIRE_WRITE_1; message < WIRE_MESSAGE_COUNT; message++) {
        struct label items[LABELS] = {{LABEL_METRIC_NAME, STR("wide")}};
        struct arena arena = {0};
        double last = 0;
        struct rig rig;

        for (size_t i = 1; i < LABELS; i++) {
            items[i] = (struct label){arena_printf(&arena, "l%06zu", i), STR("v")};
        }
        rig_init(&rig, NULL);
        wire_out_begin(&rig.out, (enum wire_message)message);
        put_float(&rig, "f", 1, NOW);
        wire_out_series(&rig.out, (struct labels){items, LABELS});
        wire_out_sample(&rig.out, &(struct sample){.t = NOW, .v = 1});
        wire_out_series_end(&rig.out);
        put_float(&rig, "g", 1, NOW);
        assert_int_equal(give(&rig), 400);
        assert_true(was_told(&rig, "more than 512 labels for series wide"));
        assert_int_equal(rig.receipt.samples, 2);
        assert_int_equal(rig.receipt.bad_labels, 1);
        assert_int_equal(stored(&rig, "g", &last), 1);

        /* Long ones are not repeated for each fault. */
        memset(text, 'x', LONG);
        wire_out_begin(&rig.out, (enum wire_message)message);
        for (int i = 0; i < 10; i++) {
            put_begin(&rig, "long", text);
            wire_out_sample(&rig.out, &(struct sample){.t = NOW - i, .v = 1});
            wire_out_series_end(&rig.out);
        }
        assert_int_equal(give(&rig), 400);
        assert_true(was_told(&rig, "out of order sample for series long"));
        assert_true(rig.receipt.message.len < LONG);
        arena_done(&arena);
        rig_done(&rig);
    }
}

/* A symbol is named again by few bytes. */
TEST(write_receiver_bounds_what_symbols_add_up_to)
{
    enum { LONG = 4 << 20, SERIES = WIRE_SYMBOL_BYTES_MAX / LONG + 1 };
    char *text = mem_alloc(LONG + 1);
    double last = 0;
    struct rig rig;

    memset(text, 'x', LONG);
    text[LONG] = '\0';
    rig_init(&rig, NULL);
    wire_out_begin(&rig.out, WIRE_WRITE_2);
    put_float(&rig, "f", 1, NOW);
    for (int i = 0; i < SERIES; i++) {
        put_begin(&rig, "long", text);
        wire_out_sample(&rig.out, &(struct sample){.t = NOW + i, .v = 1});
        wire_out_series_end(&rig.out);
    }
    assert_int_equal(give(&rig), 400);
    assert_true(was_told(&rig, "send fewer series in a request"));
    assert_int_equal(rig.receipt.samples, 0);
    assert_int_equal(stored(&rig, "f", &last), 0);
    rig_done(&rig);
    (void)mem_free(text);
}

TEST(write_receiver_takes_nothing_of_a_damaged_request)
{
    struct rig rig;
    struct buf body = {0};
    double last = 0;

    rig_init(&rig, NULL);
    wire_out_begin(&rig.out, WIRE_WRITE_1);
    put_float(&rig, "f", 1, NOW);
    assert_ok(wire_out_finish_raw(&rig.out, &body, NULL), NULL);
    buf_c(&body, "\x0a\x7f");
    write_receiver_take(&rig.options, WIRE_WRITE_1, buf_view(&body), &rig.receipt);
    assert_int_equal(rig.receipt.status, 400);
    assert_int_equal(rig.receipt.samples, 0);
    assert_int_equal(stored(&rig, "f", &last), 0);
    buf_done(&body);
    rig_done(&rig);
}

TEST(write_receiver_wants_it_again_when_there_is_no_room)
{
    const struct tsdb_options full = {.series_max = 1};
    struct rig rig;
    double last = 0;

    rig_init(&rig, &full);
    wire_out_begin(&rig.out, WIRE_WRITE_1);
    put_float(&rig, "f", 1, NOW);
    put_float(&rig, "g", 1, NOW);
    assert_int_equal(give(&rig), 503);
    assert_int_equal(rig.receipt.samples, 0);
    assert_int_equal(stored(&rig, "f", &last), 0);
    rig_done(&rig);
}

TEST(write_receiver_takes_exemplars)
{
    static const struct label trace[] = {{STR_INIT("trace_id"), STR_INIT("x")}};
    struct exemplar exemplar = {.labels = {trace, 1}, .value = 5, .t = NOW};
    struct tsdb_exemplar *found = NULL;
    struct matcher matcher = {.name = LABEL_METRIC_NAME, .value = STR_INIT("f")};
    struct arena arena = {0};
    size_t count = 0;
    struct rig rig;

    rig_init(&rig, NULL);
    wire_out_begin(&rig.out, WIRE_WRITE_2);
    put_begin(&rig, "f", NULL);
    wire_out_sample(&rig.out, &(struct sample){.t = NOW, .v = 1});
    wire_out_exemplar(&rig.out, &exemplar);
    exemplar.t = NOW - 10; /* they are put in order */
    exemplar.value = 4;
    wire_out_exemplar(&rig.out, &exemplar);
    wire_out_series_end(&rig.out);
    assert_int_equal(give(&rig), 204);
    assert_int_equal(rig.receipt.exemplars, 2);
    assert_ok(tsdb_exemplars_select(rig.tsdb, &arena, (struct matchers){&matcher, 1}, 0, INT64_MAX,
                                    &found, &count, NULL),
              NULL);
    assert_int_equal(count, 2);
    assert_true(found[0].exemplar.value == 4);
    arena_done(&arena);
    rig_done(&rig);
}

TEST(write_receiver_makes_labels_of_metadata)
{
    const struct metadata metadata = {METRIC_COUNTER, STR_INIT("bytes"), STR_INIT("help")};
    struct tsdb_metadata *found = NULL;
    struct arena arena = {0};
    size_t count = 0;
    struct rig rig;

    rig_init(&rig, NULL);
    rig.options.keeps_metadata = true;
    rig.options.type_and_unit_labels = true;
    wire_out_begin(&rig.out, WIRE_WRITE_2);
    put_begin(&rig, "f", "b");
    wire_out_sample(&rig.out, &(struct sample){.t = NOW, .v = 1});
    wire_out_metadata(&rig.out, &metadata);
    wire_out_series_end(&rig.out);
    assert_int_equal(give(&rig), 204);
    assert_int_equal(rig.receipt.without_metadata, 0);
    tsdb_metadata_list(rig.tsdb, &arena, STR("f"), &found, &count);
    assert_int_equal(count, 1);
    assert_int_equal(found[0].metadata.type, METRIC_COUNTER);
    assert_str_equal(found[0].metadata.unit, STR("bytes"));
    {
        struct matcher matcher = {.name = LABEL_TYPE, .value = STR("counter")};
        struct queryable *queryable = tsdb_queryable(rig.tsdb);
        struct querier *querier = NULL;
        struct series_list list = {0};

        assert_ok(queryable->querier(queryable, 0, INT64_MAX, &querier, NULL), NULL);
        assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                       &list, NULL),
                  NULL);
        assert_int_equal(list.count, 1);
        assert_str_equal(labels_get(list.items[0].labels, LABEL_UNIT), STR("bytes"));
        querier_close(querier);
    }
    arena_done(&arena);
    rig_done(&rig);
}
