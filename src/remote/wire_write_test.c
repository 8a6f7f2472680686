/* Requests of remote write: what we make, what we read, and both against bytes that another
 * implementation's encoder made of the same values. */
#include <stdlib.h>

#include "codec/bytes.h"
#include "codec/compress.h"
#include "model/histogram.h"
#include "remote/wire_histogram.h"
#include "remote/wire_in.h"
#include "remote/wire_out.h"
#include "testing/test.h"

/* One series with two samples, an integer gauge histogram, a float one with custom buckets, an
 * exemplar and metadata. */
static const char histogram_integer[] =
    "\x08\x09\x19\x00\x00\x00\x00\x00\x00\x0a\xc0\x20\x02\x29\x00\x00\x00\x00\x00\x00\xe0\x3f\x30"
    "\x02\x42\x02\x10\x01\x4a\x01\x02\x5a\x04\x08\x03\x10\x02\x5a\x04\x08\x06\x10\x01\x62\x03\x02"
    "\x04\x01\x70\x03\x78\xe9\x07";
static const char request1[] =
    "\x0a\xc9\x01\x0a\x0d\x0a\x08__name__\x12\x01m\x0a\x06\x0a\x01"
    "a\x12\x01"
    "b\x12\x0c\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\xe8\x07\x12\x0b\x10\xfe\xff\xff\xff\xff\xff"
    "\xff\xff\xff\x01\x1a\x1b\x0a\x0d\x0a\x08trace_id\x12\x01x\x11\x00\x00\x00\x00\x00\x00\x00"
    "@\x18\xe7\x07\x22\x35\x08\x09\x19\x00\x00\x00\x00\x00\x00\x0a\xc0\x20\x02\x29\x00\x00\x00\x00"
    "\x00\x00\xe0\x3f\x30\x02\x42\x02\x10\x01\x4a\x01\x02\x5a\x04\x08\x03\x10\x02\x5a\x04\x08\x06"
    "\x10\x01\x62\x03\x02\x04\x01\x70\x03\x78\xe9\x07\x22\x41\x11\x00\x00\x00\x00\x00\x00\x0c\x40"
    "\x19\x00\x00\x00\x00\x00\x00\x1c\x40\x20\x69\x39\x00\x00\x00\x00\x00\x00\x00\x00\x5a\x02\x10"
    "\x02\x6a\x10\x00\x00\x00\x00\x00\x00\xf8\x3f\x00\x00\x00\x00\x00\x00\x00\x40\x78\xea\x07\x82"
    "\x01\x08\x00\x00\x00\x00\x00\x00\xd0\x3f\x1a\x0b\x08\x02\x12\x01m\x22\x01h\x2a\x01u";
static const char request2[] =
    "\x22\x00\x22\x08__name__\x22\x01m\x22\x01"
    "a\x22\x01"
    "b\x22\x08trace_id\x22\x01x\x22\x01h\x22\x01u\x2a\xba\x01\x0a\x04\x01\x02\x03\x04\x12\x0e\x09"
    "\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\xe8\x07\x18\x0a\x12\x0b\x10\xfe\xff\xff\xff\xff\xff\xff"
    "\xff\xff\x01\x1a\x38\x08\x09\x19\x00\x00\x00\x00\x00\x00\x0a\xc0\x20\x02\x29\x00\x00\x00\x00"
    "\x00\x00\xe0\x3f\x30\x02\x42\x02\x10\x01\x4a\x01\x02\x5a\x04\x08\x03\x10\x02\x5a\x04\x08\x06"
    "\x10\x01\x62\x03\x02\x04\x01\x70\x03\x78\xe9\x07\x88\x01\x0b\x1a\x41\x11\x00\x00\x00\x00\x00"
    "\x00\x0c\x40\x19\x00\x00\x00\x00\x00\x00\x1c\x40\x20\x69\x39\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x5a\x02\x10\x02\x6a\x10\x00\x00\x00\x00\x00\x00\xf8\x3f\x00\x00\x00\x00\x00\x00\x00\x40\x78"
    "\xea\x07\x82\x01\x08\x00\x00\x00\x00\x00\x00\xd0\x3f\x22\x10\x0a\x02\x05\x06\x11\x00\x00\x00"
    "\x00\x00\x00\x00@\x18\xe7\x07\x2a\x06\x08\x02\x18\x07\x20\x08";

#define BYTES(array) str_of((array), sizeof(array) - 1)

static str body_of(enum wire_message message)
{
    return message == WIRE_WRITE_2 ? BYTES(request2) : BYTES(request1);
}

static void show_side(struct buf *out, const struct histogram_side *side)
{
    for (size_t i = 0; i < side->span_count; i++) {
        buf_printf(out, " %d+%u", side->spans[i].offset, side->spans[i].length);
    }
    for (size_t i = 0; i < side->bucket_count; i++) {
        buf_printf(out, " %g", side->buckets[i]);
    }
}

static void show_sample(struct buf *out, const struct sample *sample)
{
    const struct histogram *h = sample->h;

    buf_printf(out, "%g @%lld since %lld", sample->v, (long long)sample->t, (long long)sample->st);
    if (h != NULL) {
        buf_printf(out, " %s schema %d hint %d count %g zero %g %g negative",
                   h->integer ? "integer" : "float", h->schema, (int)h->hint, h->count,
                   h->zero_threshold, h->zero_count);
        show_side(out, &h->negative);
        buf_c(out, " positive");
        show_side(out, &h->positive);
        for (size_t i = 0; i < h->custom_count; i++) {
            buf_printf(out, " bound %g", h->custom[i]);
        }
    }
    buf_char(out, '\n');
}

static void show_metadata(struct buf *out, const struct metadata *metadata)
{
    buf_printf(out, "type %d help %.*s unit %.*s\n", (int)metadata->type, STR_ARG(metadata->help),
               STR_ARG(metadata->unit));
}

/* Everything that a series has, a line an item; < 0 when it is damaged. */
static int show_series(struct wire_in *in, struct wire_series *series, struct arena *arena,
                       struct buf *out)
{
    enum wire_fault fault = WIRE_GOOD;
    struct exemplar exemplar;
    struct sample sample;
    int r;

    buf_printf(out, "series %d ", (int)series->fault);
    labels_format(out, series->labels);
    buf_char(out, '\n');
    while ((r = wire_in_sample(series, &sample, NULL)) > 0) {
        show_sample(out, &sample);
    }
    while (r >= 0 && (r = wire_in_histogram(series, arena, &sample, NULL)) > 0) {
        show_sample(out, &sample);
    }
    while (r >= 0 && (r = wire_in_exemplar(in, series, &exemplar, &fault, NULL)) > 0) {
        buf_printf(out, "exemplar %d ", (int)fault);
        labels_format(out, exemplar.labels);
        buf_printf(out, " %g @%lld\n", exemplar.value, (long long)exemplar.t);
    }
    if (series->has_metadata) {
        show_metadata(out, &series->metadata);
    }
    return r;
}

/* The whole request as text; the caller frees it. */
static int show(enum wire_message message, str body, struct buf *out)
{
    struct wire_in in = {0};
    struct wire_series series;
    struct metadata metadata;
    struct arena arena = {0};
    str name = STR_NULL;
    int r = wire_in_begin(&in, message, body, NULL);

    while (r >= 0 && (r = wire_in_series(&in, &series, NULL)) > 0) {
        r = show_series(&in, &series, &arena, out);
        if (r < 0) {
            break;
        }
    }
    while (r >= 0 && (r = wire_in_family(&in, &name, &metadata, NULL)) > 0) {
        buf_printf(out, "family %.*s ", STR_ARG(name));
        show_metadata(out, &metadata);
    }
    wire_in_done(&in);
    arena_done(&arena);
    return r;
}

static const char floats1[] = "series 0 m{a=\"b\"}\n1.5 @1000 since 0\n0 @-2 since 0\n";
static const char floats2[] = "series 0 m{a=\"b\"}\n1.5 @1000 since 10\n0 @-2 since 0\n";
static const char integer1[] = "-3.25 @1001 since 0 ";
static const char integer2[] = "-3.25 @1001 since 11 ";
static const char histograms[] =
    "integer schema 1 hint 3 count 9 zero 0.5 2 negative 0+1 1 positive -2+2 3+1 1 3 2\n"
    "7 @1002 since 0 float schema -53 hint 0 count 3.5 zero 0 0 negative positive 0+2 1.5 2 "
    "bound 0.25\n"
    "exemplar 0 {trace_id=\"x\"} 2 @999\n";

static void want_of(enum wire_message message, struct buf *want)
{
    buf_printf(want, "%s%s%s%s", message == WIRE_WRITE_2 ? floats2 : floats1,
               message == WIRE_WRITE_2 ? integer2 : integer1, histograms,
               message == WIRE_WRITE_2 ? "type 2 help h unit u\n"
                                       : "family m type 2 help h unit u\n");
}

TEST(wire_in_reads_what_go_writes)
{
    for (int message = WIRE_WRITE_1; message < WIRE_MESSAGE_COUNT; message++) {
        struct buf got = {0};
        struct buf want = {0};

        assert_int_equal(
            show((enum wire_message)message, body_of((enum wire_message)message), &got), 0);
        want_of((enum wire_message)message, &want);
        assert_str_equal(buf_view(&got), buf_view(&want));
        buf_done(&got);
        buf_done(&want);
    }
}

/* The same request with our own encoder, from what was read. */
static void make_again(enum wire_message message, struct wire_out *out)
{
    struct wire_in in = {0};
    struct wire_series series;
    struct arena arena = {0};
    struct sample sample;
    struct exemplar exemplar;
    struct metadata metadata;
    enum wire_fault fault;
    str name = STR_NULL;

    wire_out_begin(out, message);
    assert_ok(wire_in_begin(&in, message, body_of(message), NULL), NULL);
    while (wire_in_series(&in, &series, NULL) > 0) {
        wire_out_series(out, series.labels);
        while (wire_in_sample(&series, &sample, NULL) > 0) {
            wire_out_sample(out, &sample);
        }
        while (wire_in_histogram(&series, &arena, &sample, NULL) > 0) {
            wire_out_sample(out, &sample);
        }
        while (wire_in_exemplar(&in, &series, &exemplar, &fault, NULL) > 0) {
            wire_out_exemplar(out, &exemplar);
        }
        if (message == WIRE_WRITE_2) {
            wire_out_metadata(out, &series.metadata);
        }
        wire_out_series_end(out);
    }
    while (wire_in_family(&in, &name, &metadata, NULL) > 0) {
        wire_out_family(out, name, &metadata);
    }
    wire_in_done(&in);
    arena_done(&arena);
}

TEST(wire_out_makes_what_wire_in_reads)
{
    struct wire_out out = {0};

    /* Twice, as memory is used again. */
    for (int i = 0; i < 2 * WIRE_MESSAGE_COUNT; i++) {
        const enum wire_message message = (enum wire_message)(i / 2);
        struct buf packed = {0};
        struct buf raw = {0};
        struct buf got = {0};
        struct buf want = {0};
        struct baro_error err = {0};

        make_again(message, &out);
        assert_int_equal(wire_out_bytes(&out), body_of(message).len);
        assert_ok(wire_out_finish(&out, &packed, &err), &err);
        assert_ok(snappy_unpack(buf_view(&packed), 4096, &raw, &err), &err);
        assert_int_equal(show(message, buf_view(&raw), &got), 0);
        want_of(message, &want);
        assert_str_equal(buf_view(&got), buf_view(&want));
        buf_done(&packed);
        buf_done(&raw);
        buf_done(&got);
        buf_done(&want);
    }
    wire_out_done(&out);
}

/* Every beginning of a request is read, or refused: never more than is there. */
TEST(wire_in_refuses_what_is_cut)
{
    for (int message = WIRE_WRITE_1; message < WIRE_MESSAGE_COUNT; message++) {
        const str body = body_of((enum wire_message)message);
        int good = 0;

        for (size_t len = 0; len < body.len; len++) {
            struct buf out = {0};
            char *exact = str_dup_c(str_slice(body, 0, len));

            good += show((enum wire_message)message, str_of(exact, len), &out) >= 0;
            buf_done(&out);
            free(exact);
        }
        /* The ends of whole fields of the request: nothing, and each symbol or series. */
        assert_int_equal(good, message == WIRE_WRITE_2 ? 10 : 2);
    }
}

TEST(wire_in_names_faults)
{
    static const struct {
        const char *name;
        enum wire_message message;
        str body;
        const char *want;
    } cases[] = {
        {"nothing", WIRE_WRITE_1, STR_INIT(""), ""},
        {"no labels", WIRE_WRITE_1, STR_INIT("\x0a\x00"), "series 3 {}\n"},
        {"no metric name", WIRE_WRITE_1,
         STR_INIT("\x0a\x08\x0a\x06\x0a\x01"
                  "a\x12\x01"
                  "b"),
         "series 3 {a=\"b\"}\n"},
        {"an empty value is no label", WIRE_WRITE_1,
         STR_INIT("\x0a\x14\x0a\x03\x0a\x01"
                  "a\x0a\x0d\x0a\x08__name__\x12\x01m"),
         "series 0 m\n"},
        {"a label twice", WIRE_WRITE_1,
         STR_INIT("\x0a\x1f\x0a\x06\x0a\x01"
                  "a\x12\x01"
                  "b\x0a\x06\x0a\x01"
                  "a\x12\x01"
                  "c\x0a\x0d\x0a\x08__name__\x12\x01m"),
         "series 4 m{a=\"b\", a=\"c\"}\n"},
        {"bad UTF-8", WIRE_WRITE_1,
         STR_INIT("\x0a\x17\x0a\x06\x0a\x01"
                  "a\x12\x01\xff\x0a\x0d\x0a\x08__name__\x12\x01m"),
         "series 3"},
        {"a symbol that is not there", WIRE_WRITE_2, STR_INIT("\x22\x00\x2a\x04\x0a\x02\x00\x07"),
         "series 1 {}\n"},
        {"a name without a value", WIRE_WRITE_2, STR_INIT("\x22\x00\x2a\x03\x0a\x01\x00"),
         "series 1 {}\n"},
        {"metadata of no symbol", WIRE_WRITE_2,
         STR_INIT("\x22\x00\x22\x08__name__\x22\x01m\x2a\x08\x0a\x02\x01\x02\x2a\x02\x18\x09"),
         "series 2 m\n"},
        {"symbols behind the series", WIRE_WRITE_2,
         STR_INIT("\x2a\x04\x0a\x02\x01\x02\x22\x00\x22\x08__name__\x22\x01m"), "series 0 m\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf got = {0};
        str view;

        test_row(cases[i].name);
        assert_int_equal(show(cases[i].message, cases[i].body, &got), 0);
        view = buf_view(&got);
        assert_str_equal(str_slice(view, 0, strlen(cases[i].want)), str_from(cases[i].want));
        buf_done(&got);
    }
    test_row(NULL);
}

TEST(wire_in_refuses_damage)
{
    static const struct {
        const char *name;
        enum wire_message message;
        str body;
    } cases[] = {
        {"a series of the wrong kind", WIRE_WRITE_1, STR_INIT("\x08\x01")},
        {"a sample of the wrong kind", WIRE_WRITE_1, STR_INIT("\x0a\x02\x10\x01")},
        {"a value of the wrong kind", WIRE_WRITE_1, STR_INIT("\x0a\x04\x12\x02\x08\x01")},
        {"a symbol of the wrong kind", WIRE_WRITE_2, STR_INIT("\x20\x01")},
        {"a histogram that ends early", WIRE_WRITE_2, STR_INIT("\x2a\x04\x1a\x02\x19\x01")},
        {"a schema of 33 bits", WIRE_WRITE_1, STR_INIT("\x0a\x08\x22\x06\x20\x80\x80\x80\x80\x20")},
        {"a span of 33 bits", WIRE_WRITE_1,
         STR_INIT("\x0a\x0a\x22\x08\x5a\x06\x10\x80\x80\x80\x80\x10")},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf got = {0};

        test_row(cases[i].name);
        assert_int_equal(show(cases[i].message, cases[i].body, &got), BARO_EPARSE);
        buf_done(&got);
    }
    test_row(NULL);
}

TEST(wire_histogram_is_what_go_writes)
{
    struct arena arena = {0};
    struct sample sample = {0};
    struct buf buf = {0};
    struct baro_error err = {0};

    assert_ok(wire_histogram_read(BYTES(histogram_integer), &arena, &sample, &err), &err);
    assert_ok(histogram_check(sample.h, &err), &err);
    wire_histogram_put(&buf, &sample);
    assert_str_equal(buf_view(&buf), BYTES(histogram_integer));
    buf_done(&buf);
    arena_done(&arena);
}

TEST(wire_histogram_bounds_its_buckets)
{
    struct arena arena = {0};
    struct sample sample = {0};
    struct buf buf = {0};

    /* 0x62: deltas of the positive side, one more than may be. */
    buf_char(&buf, 0x62);
    write_uvarint(&buf, HISTOGRAM_BUCKETS_MAX + 1);
    buf_zero(&buf, HISTOGRAM_BUCKETS_MAX + 1);
    assert_int_equal(wire_histogram_read(buf_view(&buf), &arena, &sample, NULL), BARO_EPARSE);
    assert_null(sample.h);
    buf_done(&buf);
    arena_done(&arena);
}
