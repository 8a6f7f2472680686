/* Remote read: what a store holds, as samples and as chunks. */
#include "remote/read_server.h"

#include "codec/compress.h"
#include "model/histogram.h"
#include "model/matcher.h"
#include "testing/test.h"
#include "tsdb/chunk.h"
#include "tsdb/tsdb.h"

enum { SERIES = 3, SAMPLES = 300, STEP = 1000 };

/* Series m{i="0"} to m{i="2"}; the last one is of histograms from sample 100 on. */
static void append_all(struct tsdb *tsdb)
{
    static struct histogram_span span = {0, 1};
    struct appender *appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));

    for (size_t s = 0; s < SERIES; s++) {
        char number[2] = {(char)('0' + s), '\0'};
        struct label items[] = {{LABEL_METRIC_NAME, STR("m")}, {STR("i"), str_from(number)}};
        series_ref ref = 0;

        assert_ok(appender->ops->series(appender, (struct labels){items, 2}, &ref, NULL), NULL);
        for (ts k = 0; k < SAMPLES; k++) {
            const ts t = k * STEP;
            double bucket = (double)k;
            struct histogram h = {
                .integer = true, .count = bucket, .sum = 1, .positive = {&span, &bucket, 1, 1}};
            const struct histogram *h_at = &h;
            const double v = (double)k * (double)(s + 1);
            uint8_t status = 0;

            if (s == 2 && k >= 100) {
                assert_ok(appender->ops->histograms(
                              appender,
                              &(struct append_histograms){&ref, &t, &h_at, NULL, 1, &status}, NULL),
                          NULL);
            } else {
                assert_ok(
                    appender->ops->samples(
                        appender, &(struct append_batch){&ref, &t, &v, 1, &status, NULL}, NULL),
                    NULL);
            }
            assert_int_equal(status, APPEND_OK);
        }
    }
    assert_ok(appender->ops->commit(appender, NULL), NULL);
    appender->ops->free(appender);
}

struct rig {
    struct tsdb *tsdb;
    struct read_options options;
    struct buf body; /* a request */
    struct buf answer;
    struct read_server *server;
};

static void rig_init(struct rig *rig)
{
    struct baro_error err = {0};

    *rig = (struct rig){0};
    assert_ok(
        tsdb_open(test_dir(), &(struct tsdb_options){.no_sync_thread = true}, &rig->tsdb, &err),
        &err);
    append_all(rig->tsdb);
    rig->options = (struct read_options){.queryable = tsdb_queryable(rig->tsdb),
                                         .frame_bytes_max = 1 << 20,
                                         .response_bytes_max = 1 << 20};
}

static void rig_done(struct rig *rig)
{
    (void)read_server_free(rig->server);
    buf_done(&rig->body);
    buf_done(&rig->answer);
    (void)tsdb_free(rig->tsdb);
}

/* A request for all of m between two times; with an equality matcher of `zone` when it is given. */
static void ask(struct rig *rig, ts start, ts end, const char *zone, enum wire_response type)
{
    const struct wire_matcher matchers[] = {
        {MATCHER_EQUAL, LABEL_METRIC_NAME, STR("m")},
        {MATCHER_EQUAL, STR("zone"), str_from(zone)},
    };
    const struct wire_query query = {
        .start = start, .end = end, .matchers = matchers, .matcher_count = zone != NULL ? 2 : 1};
    const struct wire_read_request request = {
        .queries = &query, .query_count = 1, .accepted = &type, .accepted_count = 1};
    const struct label external = {STR("zone"), STR("x")};
    struct baro_error err = {0};

    rig->server = read_server_free(rig->server);
    buf_reset(&rig->body);
    buf_reset(&rig->answer);
    wire_read_request_put(&rig->body, &request);
    assert_ok(read_server_new(&rig->options, buf_view(&rig->body),
                              (struct labels){&external, zone != NULL ? 1 : 0}, &rig->server, &err),
              &err);
    assert_int_equal(read_server_type(rig->server), type);
}

/* "LABELS COUNT SUM\n" of a series: its samples, and the sum of values or counts. */
static void show(struct buf *out, struct labels labels, size_t count, double sum)
{
    labels_format(out, labels);
    buf_printf(out, " %zu %g\n", count, sum);
}

static void show_samples(struct rig *rig, struct buf *out)
{
    struct wire_response_in in = {0};
    struct arena arena = {0};
    struct buf raw = {0};
    struct labels labels = {0};
    struct sample sample;

    assert_ok(read_server_samples(rig->server, &rig->answer, NULL), NULL);
    assert_ok(snappy_unpack(buf_view(&rig->answer), 1 << 20, &raw, NULL), NULL);
    wire_response_in_begin(&in, buf_view(&raw));
    while (wire_response_in_result(&in)) {
        while (wire_response_in_series(&in, &labels)) {
            size_t count = 0;
            double sum = 0;

            while (wire_response_in_sample(&in, &arena, &sample)) {
                count++;
                sum += sample.h != NULL ? sample.h->count : sample.v;
            }
            show(out, labels, count, sum);
        }
    }
    assert_false(in.failed);
    wire_response_in_done(&in);
    arena_done(&arena);
    buf_done(&raw);
}

static void take_message(str message, struct buf *out, size_t *messages)
{
    struct wire_chunks_in in = {0};
    struct labels labels = {0};
    struct wire_chunk chunk = {0};
    struct sample_buf samples = {0};
    double sum = 0;

    wire_chunks_in_begin(&in, message);
    assert_true(wire_chunks_in_series(&in, &labels));
    while (wire_chunks_in_chunk(&in, &chunk)) {
        const size_t first = samples.count;

        assert_true(chunk.encoding <= 3);
        assert_ok(
            chunk_decode((uint8_t)chunk.encoding, chunk.data, INT64_MIN, INT64_MAX, &samples, NULL),
            NULL);
        assert_true(samples.t[first] == chunk.mint);
        assert_true(samples.t[samples.count - 1] == chunk.maxt);
        assert_true(samples.count - first <= 120);
    }
    assert_false(in.failed);
    for (size_t i = 0; i < samples.count; i++) {
        sum += samples.h != NULL && samples.h[i] != NULL ? samples.h[i]->count : samples.v[i];
    }
    show(out, labels, samples.count, sum);
    ++*messages;
    sample_buf_done(&samples);
    wire_chunks_in_done(&in);
}

static size_t show_frames(struct rig *rig, struct buf *out)
{
    str stream;
    str message = STR_NULL;
    size_t messages = 0;
    int r;

    while ((r = read_server_frames(rig->server, &rig->answer, NULL)) > 0) {
    }
    assert_int_equal(r, 0);
    stream = buf_view(&rig->answer);
    while ((r = wire_frame_next(&stream, 1 << 20, &message, NULL)) > 0) {
        take_message(message, out, &messages);
    }
    assert_int_equal(r, 0);
    assert_int_equal(stream.len, 0);
    return messages;
}

static const char all_of_them[] =
    "m{i=\"0\"} 300 44850\nm{i=\"1\"} 300 89700\nm{i=\"2\"} 300 54750\n";

TEST(read_server_answers_with_samples_and_chunks)
{
    struct rig rig;
    struct buf out = {0};

    rig_init(&rig);
    ask(&rig, 0, SAMPLES * STEP, NULL, WIRE_RESPONSE_SAMPLES);
    show_samples(&rig, &out);
    assert_str_equal(buf_view(&out), str_from(all_of_them));
    buf_reset(&out);
    ask(&rig, 0, SAMPLES * STEP, NULL, WIRE_RESPONSE_CHUNKS);
    assert_int_equal(show_frames(&rig, &out), SERIES);
    assert_str_equal(buf_view(&out), str_from(all_of_them));
    /* A part of the time, and none of it. */
    buf_reset(&out);
    ask(&rig, 10 * STEP, 11 * STEP, NULL, WIRE_RESPONSE_CHUNKS);
    assert_int_equal(show_frames(&rig, &out), SERIES);
    assert_str_equal(buf_view(&out), STR("m{i=\"0\"} 2 21\nm{i=\"1\"} 2 42\nm{i=\"2\"} 2 63\n"));
    buf_reset(&out);
    ask(&rig, INT64_MAX - 1, INT64_MAX, NULL, WIRE_RESPONSE_CHUNKS);
    assert_int_equal(show_frames(&rig, &out), 0);
    buf_done(&out);
    rig_done(&rig);
}

TEST(read_server_adds_external_labels)
{
    struct rig rig;
    struct buf out = {0};

    rig_init(&rig);
    ask(&rig, 0, 0, "x", WIRE_RESPONSE_SAMPLES);
    show_samples(&rig, &out);
    assert_str_equal(str_slice(buf_view(&out), 0, 20), STR("m{i=\"0\", zone=\"x\"} 1"));
    buf_reset(&out);
    ask(&rig, 0, 0, "y", WIRE_RESPONSE_SAMPLES);
    show_samples(&rig, &out);
    assert_str_equal(buf_view(&out), STR(""));
    buf_done(&out);
    rig_done(&rig);
}

TEST(read_server_cuts_frames)
{
    struct rig rig;
    struct buf out = {0};

    rig_init(&rig);
    rig.options.frame_bytes_max = 100;
    ask(&rig, 0, SAMPLES * STEP, NULL, WIRE_RESPONSE_CHUNKS);
    /* 120 + 120 + 60 samples; the histograms of the third series begin a chunk of their own. */
    assert_int_equal(show_frames(&rig, &out), 9);
    buf_done(&out);
    rig_done(&rig);
}

TEST(read_server_keeps_its_bounds)
{
    struct rig rig;
    struct baro_error err = {0};
    static const _Atomic bool is_gone = true;

    rig_init(&rig);
    rig.options.samples_max = SERIES * SAMPLES - 1;
    ask(&rig, 0, SAMPLES * STEP, NULL, WIRE_RESPONSE_SAMPLES);
    assert_int_equal(read_server_samples(rig.server, &rig.answer, &err), BARO_ELIMIT);
    assert_string_equal(err.message, "exceeded sample limit (899)");
    rig.options.samples_max = 0;
    rig.options.response_bytes_max = 1000;
    ask(&rig, 0, SAMPLES * STEP, NULL, WIRE_RESPONSE_SAMPLES);
    assert_int_equal(read_server_samples(rig.server, &rig.answer, &err), BARO_ELIMIT);
    ask(&rig, 0, SAMPLES * STEP, NULL, WIRE_RESPONSE_CHUNKS);
    read_server_set_cancel(rig.server, &is_gone);
    assert_int_equal(read_server_frames(rig.server, &rig.answer, &err), BARO_ECANCELED);
    rig.server = read_server_free(rig.server);
    assert_int_equal(
        read_server_new(&rig.options, STR("\x12\x01\x09"), (struct labels){0}, &rig.server, &err),
        BARO_EINVALID);
    assert_int_equal(
        read_server_new(&rig.options, STR("\x0a\x05"), (struct labels){0}, &rig.server, &err),
        BARO_EPARSE);
    rig_done(&rig);
}
