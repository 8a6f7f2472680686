#include <stdio.h>

#include "codec/compress.h"
#include "model/histogram.h"
#include "remote/remote_read_priv.h"
#include "remote/wire_read.h"
#include "testing/test.h"
#include "tsdb/chunk_xor.h"

#define SAMPLED STR("application/x-protobuf")
#define CHUNKED STR("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")

static const str external[] = {STR_INIT("cluster")};

static const struct remote_answer_query query = {
    .start = 10,
    .end = 1000,
    .dropped_names = external,
    .dropped_count = 1,
    .frame_bytes_max = 4096,
    .bytes_max = 1 << 20,
    .moves_max = 1000,
};

static struct labels labels_of(struct arena *arena, const char *name, const char *cluster)
{
    struct label *items = ARENA_ARRAY(arena, struct label, 2);

    items[0] = (struct label){LABEL_METRIC_NAME, str_from(name)};
    items[1] = (struct label){STR("cluster"), str_from(cluster)};
    return (struct labels){items, 2};
}

/* "a 10:1 20:2h b ..." */
static void expect(const struct remote_answer *answer, const char *want)
{
    struct buf got = {0};

    for (size_t i = 0; i < answer->series.count; i++) {
        const struct remote_answer_series *series = &answer->series.items[i];

        labels_format(&got, series->labels);
        for (size_t k = 0; k < series->samples.count; k++) {
            bool is_histogram = series->samples.h != NULL && series->samples.h[k] != NULL;

            buf_printf(&got, " %d:%g%s", (int)series->samples.t[k], series->samples.v[k],
                       is_histogram ? "h" : "");
        }
        buf_char(&got, '\n');
    }
    assert_str_equal(buf_view(&got), str_from(want));
    buf_done(&got);
}

/* A sampled response: `times` of floats, and of histograms behind them. */
struct sampled {
    const char *name;
    const char *cluster;
    ts floats[6]; /* 0 = no more */
    ts histograms[3];
};

static void sampled_make(struct arena *arena, const struct sampled *series, size_t count,
                         struct buf *ret)
{
    struct wire_response_out out = {0};
    struct histogram h = {.integer = true, .sum = 7};
    struct buf raw = {0};
    struct baro_error err = {0};

    wire_response_result(&out);
    for (size_t i = 0; i < count; i++) {
        wire_response_series(&out, labels_of(arena, series[i].name, series[i].cluster));
        for (size_t k = 0; series[i].floats[k] != 0; k++) {
            wire_response_sample(&out, &(struct sample){.t = series[i].floats[k], .v = (double)i});
        }
        for (size_t k = 0; series[i].histograms[k] != 0; k++) {
            wire_response_sample(&out,
                                 &(struct sample){.t = series[i].histograms[k], .v = 7, .h = &h});
        }
        wire_response_series_end(&out);
    }
    wire_response_result_end(&out, &raw);
    assert_ok(snappy_pack(buf_view(&raw), ret, &err), &err);
    wire_response_out_done(&out);
    buf_done(&raw);
}

TEST(remote_answer_reads_samples)
{
    static const struct sampled series[] = {
        {"b", "x", {5, 10, 30, 1000, 1001}, {20, 40}},
        {"a", "x", {10, 20}, {0}},
        {"a", "y", {15, 22, 25}, {0}},
        {"empty", "x", {1, 2}, {0}},
    };
    struct remote_answer answer = {0};
    struct baro_error err = {0};
    struct arena arena = {0};
    struct buf body = {0};
    enum remote_read_kind kind = REMOTE_READ_FAILED;

    sampled_make(&arena, series, ARRAY_COUNT(series), &body);
    assert_ok(remote_answer_read(&answer, &query, SAMPLED, buf_view(&body), &kind, &err), &err);
    assert_int_equal(kind, REMOTE_READ_SAMPLED);
    /* The label that was asked for goes, and makes one series of two. */
    expect(&answer, "a 10:1 15:2 20:1 22:2 25:2\nb 10:0 20:7h 30:0 40:7h 1000:0\n");
    remote_answer_done(&answer);
    buf_done(&body);
    arena_done(&arena);
}

TEST(remote_answer_refuses_samples_out_of_order)
{
    static const struct sampled series[] = {{"a", "x", {20, 20}, {0}}};
    struct remote_answer answer = {0};
    struct baro_error err = {0};
    struct arena arena = {0};
    struct buf body = {0};
    enum remote_read_kind kind = REMOTE_READ_FAILED;

    sampled_make(&arena, series, ARRAY_COUNT(series), &body);
    assert_int_equal(remote_answer_read(&answer, &query, SAMPLED, buf_view(&body), &kind, &err),
                     BARO_EPARSE);
    assert_non_null(strstr(err.message, "out of order"));
    remote_answer_done(&answer);
    buf_done(&body);
    arena_done(&arena);
}

/* A frame of one series with a chunk of five samples, `step` apart, from `from` on. */
static void frame_put_steps(struct arena *arena, struct buf *stream, const char *cluster, ts from,
                            ts step)
{
    uint8_t bytes[256];
    struct chunk_xor xor ;
    struct buf series = {0};

    chunk_xor_init(&xor, bytes);
    for (int i = 0; i < 5; i++) {
        assert_true(chunk_xor_append(&xor, bytes, sizeof(bytes), from + step *i, (double)from));
    }
    wire_chunk_labels_put(&series, labels_of(arena, "a", cluster));
    wire_chunk_put(&series,
                   &(struct wire_chunk){from, from + 4 * step, CHUNK_XOR,
                                        str_of((const char *)bytes, chunk_xor_size(&xor))});
    wire_frame_put(stream, buf_view(&series), 0);
    buf_done(&series);
}

static void frame_put(struct arena *arena, struct buf *stream, const char *cluster, ts from)
{
    frame_put_steps(arena, stream, cluster, from, 10);
}

/* Reads a body, and wants the code and what stands in the message, or the series (NULL = any). */
static void read_body(const struct remote_answer_query *with, str type, str body, int want,
                      const char *text)
{
    struct remote_answer answer = {0};
    struct baro_error err = {0};
    enum remote_read_kind kind = REMOTE_READ_FAILED;

    assert_int_equal(remote_answer_read(&answer, with, type, body, &kind, &err), want);
    if (want < 0) {
        assert_non_null(strstr(err.message, text));
    } else if (text != NULL) {
        expect(&answer, text);
    }
    remote_answer_done(&answer);
}

static void read_stream(struct buf *stream, const struct remote_answer_query *with, int want,
                        const char *text)
{
    read_body(with, CHUNKED, buf_view(stream), want, text);
    buf_reset(stream);
}

TEST(remote_answer_puts_chunks_in_order)
{
    struct arena arena = {0};
    struct buf stream = {0};

    /* Over the end, within, before everything, and the same again, which wins. */
    frame_put(&arena, &stream, "x", 101);
    frame_put(&arena, &stream, "x", 133);
    frame_put(&arena, &stream, "x", 112);
    frame_put(&arena, &stream, "x", 20);
    frame_put(&arena, &stream, "x", 30);
    read_stream(&stream, &query, 0,
                "a 20:20 30:30 40:30 50:30 60:30 70:30 101:101 111:101 112:112 121:101 122:112 "
                "131:101 132:112 133:133 141:101 142:112 143:133 152:112 153:133 163:133 "
                "173:133\n");
    /* A chunk whose own samples do not rise. */
    frame_put_steps(&arena, &stream, "x", 500, -10);
    read_stream(&stream, &query, BARO_EPARSE, "out of order");
    frame_put_steps(&arena, &stream, "x", 500, 0);
    read_stream(&stream, &query, BARO_EPARSE, "out of order");
    buf_done(&stream);
    arena_done(&arena);
}

TEST(remote_answer_keeps_its_bounds)
{
    struct remote_answer_query narrow = query;
    struct arena arena = {0};
    struct buf stream = {0};

    /* Each before all that came. */
    for (int i = 0; i < 30; i++) {
        frame_put_steps(&arena, &stream, "x", 900 - 20 * i, 1);
    }
    read_stream(&stream, &query, BARO_ELIMIT, "too far out of order");
    /* Series that are different, each with a few samples. */
    narrow.bytes_max = 16 << 10;
    for (int i = 0; i < 200; i++) {
        frame_put(&arena, &stream, i % 2 == 0 ? "x" : "y", 100);
    }
    narrow.dropped_count = 0;
    read_stream(&stream, &narrow, BARO_ELIMIT, "of memory: ask for fewer series");
    buf_done(&stream);
    arena_done(&arena);
}

/* Histograms take memory before it is known whether they are wanted. */
TEST(remote_answer_bounds_what_it_passes_over)
{
    enum { SAMPLES = 2000 };
    struct remote_answer_query narrow = query;
    struct wire_response_out out = {0};
    struct histogram h = {.integer = true, .sum = 7};
    struct arena arena = {0};
    struct buf raw = {0}, body = {0};
    struct baro_error err = {0};

    wire_response_result(&out);
    wire_response_series(&out, labels_of(&arena, "x", "a"));
    for (ts t = 0; t < SAMPLES; t++) {
        wire_response_sample(&out, &(struct sample){.t = query.end + 1 + t, .v = 7, .h = &h});
    }
    wire_response_series_end(&out);
    wire_response_result_end(&out, &raw);
    assert_ok(snappy_pack(buf_view(&raw), &body, &err), &err);
    narrow.bytes_max = 64 << 10;
    read_body(&narrow, SAMPLED, buf_view(&body), BARO_ELIMIT, "of memory");
    wire_response_out_done(&out);
    buf_done(&raw);
    buf_done(&body);
    arena_done(&arena);
}

TEST(remote_answer_ends_with_its_query)
{
    _Atomic bool flag = false;
    const struct cancel cancel = {.flag = &flag};
    struct remote_answer_query asked = query;
    struct arena arena = {0};
    struct buf stream = {0};

    frame_put_steps(&arena, &stream, "x", 100, 1);
    asked.cancel = &cancel;
    read_body(&asked, CHUNKED, buf_view(&stream), 0, NULL);
    atomic_store(&flag, true);
    read_body(&asked, CHUNKED, buf_view(&stream), BARO_ECANCELED, "");
    buf_done(&stream);
    arena_done(&arena);
}

TEST(remote_answer_reads_chunks)
{
    struct remote_answer answer = {0};
    struct baro_error err = {0};
    struct arena arena = {0};
    struct buf stream = {0};
    enum remote_read_kind kind = REMOTE_READ_FAILED;

    /* One series in two frames whose chunks overlap, and its double of another cluster. */
    frame_put(&arena, &stream, "x", 1);
    frame_put(&arena, &stream, "x", 25);
    frame_put(&arena, &stream, "y", 980);
    assert_ok(remote_answer_read(&answer, &query, CHUNKED, buf_view(&stream), &kind, &err), &err);
    assert_int_equal(kind, REMOTE_READ_CHUNKED);
    expect(&answer,
           "a 11:1 21:1 25:25 31:1 35:25 41:1 45:25 55:25 65:25 980:980 990:980 1000:980\n");
    remote_answer_done(&answer);

    /* Cut anywhere it is refused, and damaged anywhere it does no harm. */
    for (size_t cut = 1; cut < stream.len; cut++) {
        struct remote_answer part = {0};
        int r = remote_answer_read(&part, &query, CHUNKED, str_of(stream.ptr, cut), &kind, &err);

        assert_true(r < 0 || cut == stream.len / 3 || cut == 2 * stream.len / 3 ||
                    part.series.count == 1);
        remote_answer_done(&part);
    }
    for (size_t at = 0; at < stream.len; at++) {
        struct remote_answer part = {0};

        stream.ptr[at] ^= 0x11;
        (void)remote_answer_read(&part, &query, CHUNKED, buf_view(&stream), &kind, &err);
        stream.ptr[at] ^= 0x11;
        remote_answer_done(&part);
    }
    buf_done(&stream);
    arena_done(&arena);
}

TEST(remote_answer_refuses_what_it_is_not)
{
    static const struct {
        const char *type;
        str body;
        int want;
    } cases[] = {
        {"text/html", STR_INIT("<html>"), BARO_EUNSUPPORTED},
        {"", STR_INIT(""), BARO_EUNSUPPORTED},
        {"application/x-protobuf", STR_INIT("\xff\xff\xff\xff\xff"), BARO_ECORRUPT},
        {"application/x-protobuf",
         STR_INIT("\x03\x08"
                  "abc"),
         BARO_EPARSE},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct remote_answer answer = {0};
        struct baro_error err = {0};
        enum remote_read_kind kind = REMOTE_READ_FAILED;

        test_row(cases[i].type);
        assert_int_equal(remote_answer_read(&answer, &query, str_from(cases[i].type), cases[i].body,
                                            &kind, &err),
                         cases[i].want);
        remote_answer_done(&answer);
    }
    test_row(NULL);
}
