/* The messages of remote read, and bytes that another implementation's encoder made of them. */
#include "codec/protobuf.h"
#include "model/histogram.h"
#include "model/matcher.h"
#include "remote/wire_read.h"
#include "testing/test.h"

#define BYTES(array) str_of((array), sizeof(array) - 1)

static const char request[] =
    "\x0a\x4b\x08\xfb\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\xe8\x07\x1a\x0d\x12\x08__name__\x1a"
    "\x01m\x1a\x0a\x08\x03\x12\x01"
    "a\x1a\x03x.*\x22\x20\x08\x98\x75\x12\x04rate\x18\xfb\xff\xff\xff\xff\xff\xff\xff\xff\x01\x20"
    "\xe8\x07\x2a\x01"
    "a\x30\x01\x38\xe0\xd4\x03\x12\x02\x01\x00";
static const char response[] =
    "\x0a\x62\x0a\x60\x0a\x0d\x0a\x08__name__\x12\x01m\x12\x0c\x09\x00\x00\x00\x00\x00\x00\xf8\x3f"
    "\x10\xe8\x07\x22\x41\x11\x00\x00\x00\x00\x00\x00\x0c\x40\x19\x00\x00\x00\x00\x00\x00\x1c\x40"
    "\x20\x69\x39\x00\x00\x00\x00\x00\x00\x00\x00\x5a\x02\x10\x02\x6a\x10\x00\x00\x00\x00\x00\x00"
    "\xf8\x3f\x00\x00\x00\x00\x00\x00\x00\x40\x78\xea\x07\x82\x01\x08\x00\x00\x00\x00\x00\x00\xd0"
    "\x3f\x0a\x00";
static const char frame[] =
    "\x20\x50\x7b\x5b\xb0\x0a\x1c\x0a\x0d\x0a\x08__name__\x12\x01m\x12\x0b\x08\x01\x10\x02\x18\x01"
    "\x22\x03\x00\x01\x02\x10\x01";

TEST(wire_read_request_is_what_go_writes)
{
    struct arena arena = {0};
    struct wire_read_request got = {0};
    struct baro_error err = {0};
    struct buf again = {0};
    const struct wire_query *query;

    assert_ok(wire_read_request_read(BYTES(request), &arena, &got, &err), &err);
    assert_int_equal(got.query_count, 1);
    query = &got.queries[0];
    assert_int_equal(query->start, -5);
    assert_int_equal(query->end, 1000);
    assert_int_equal(query->matcher_count, 2);
    assert_int_equal(query->matchers[1].op, MATCHER_NOT_REGEX);
    assert_str_equal(query->matchers[1].value, STR("x.*"));
    assert_true(query->has_hints);
    assert_str_equal(query->hints.func, STR("rate"));
    assert_int_equal(query->hints.step, 15000);
    assert_int_equal(query->hints.range, 60000);
    assert_int_equal(query->hints.grouping_count, 1);
    assert_true(query->hints.by);
    assert_int_equal(got.accepted_count, 2);
    assert_int_equal(got.accepted[0], WIRE_RESPONSE_CHUNKS);
    wire_read_request_put(&again, &got);
    assert_str_equal(buf_view(&again), BYTES(request));
    buf_done(&again);
    arena_done(&arena);
}

TEST(wire_read_request_passes_over_unknown_types)
{
    struct arena arena = {0};
    struct wire_read_request got = {0};

    assert_ok(wire_read_request_read(STR("\x12\x03\x09\x01\x01"), &arena, &got, NULL), NULL);
    assert_true(got.has_accepted);
    assert_int_equal(got.accepted_count, 1);
    assert_int_equal(got.accepted[0], WIRE_RESPONSE_CHUNKS);
    assert_int_equal(wire_read_request_read(STR("\x0a\x04\x1a\x02\x08\x04"), &arena, &got, NULL),
                     BARO_EPARSE);
    arena_done(&arena);
}

TEST(wire_read_request_bounds_a_grouping)
{
    struct arena arena = {0};
    struct wire_read_request got = {0};
    struct baro_error err = {0};
    struct buf hints = {0}, query = {0}, body = {0};

    for (int i = 0; i <= WIRE_GROUPING_MAX; i++) {
        buf_str(&hints, STR("\x2a\x01g"));
    }
    protobuf_put_bytes(&query, 4, buf_view(&hints));
    protobuf_put_bytes(&body, 1, buf_view(&query));
    assert_int_equal(wire_read_request_read(buf_view(&body), &arena, &got, &err), BARO_ELIMIT);
    assert_non_null(strstr(err.message, "more than 4096 labels"));
    buf_done(&hints);
    buf_done(&query);
    buf_done(&body);
    arena_done(&arena);
}

TEST(wire_response_is_what_go_writes)
{
    struct wire_response_in in = {0};
    struct wire_response_out out = {0};
    struct arena arena = {0};
    struct buf again = {0};
    struct labels labels = {0};
    struct sample sample = {0};
    size_t samples = 0;

    wire_response_in_begin(&in, BYTES(response));
    while (wire_response_in_result(&in)) {
        wire_response_result(&out);
        while (wire_response_in_series(&in, &labels)) {
            wire_response_series(&out, labels);
            while (wire_response_in_sample(&in, &arena, &sample)) {
                samples++;
                wire_response_sample(&out, &sample);
            }
            wire_response_series_end(&out);
        }
        wire_response_result_end(&out, &again);
    }
    assert_false(in.failed);
    assert_int_equal(samples, 2);
    assert_int_equal(sample.h->schema, HISTOGRAM_SCHEMA_CUSTOM);
    assert_str_equal(buf_view(&again), BYTES(response));
    wire_response_in_done(&in);
    wire_response_out_done(&out);
    buf_done(&again);
    arena_done(&arena);
}

TEST(wire_frame_is_what_go_writes)
{
    struct wire_chunks_in in = {0};
    struct labels labels = {0};
    struct wire_chunk chunk = {0};
    struct buf series = {0};
    struct buf stream = {0};
    str rest = BYTES(frame);
    str message = STR_NULL;
    struct baro_error err = {0};

    assert_int_equal(wire_frame_next(&rest, 64, &message, &err), 1);
    assert_int_equal(rest.len, 0);
    wire_chunks_in_begin(&in, message);
    assert_int_equal(in.query_index, 1);
    assert_true(wire_chunks_in_series(&in, &labels));
    wire_chunk_labels_put(&series, labels);
    assert_true(wire_chunks_in_chunk(&in, &chunk));
    assert_int_equal(chunk.encoding, 1);
    assert_int_equal(chunk.maxt, 2);
    wire_chunk_put(&series, &chunk);
    assert_false(wire_chunks_in_chunk(&in, &chunk));
    assert_false(wire_chunks_in_series(&in, &labels));
    assert_false(in.failed);
    wire_frame_put(&stream, buf_view(&series), 1);
    assert_str_equal(buf_view(&stream), BYTES(frame));
    wire_chunks_in_done(&in);
    buf_done(&series);
    buf_done(&stream);
}

TEST(wire_frame_waits_for_the_rest_and_refuses_damage)
{
    char bad[sizeof(frame)];
    struct baro_error err = {0};
    str message = STR_NULL;
    str rest;

    for (size_t len = 0; len < sizeof(frame) - 1; len++) {
        rest = str_of(frame, len);
        assert_int_equal(wire_frame_next(&rest, 64, &message, &err), 0);
        assert_int_equal(rest.len, len);
    }
    rest = BYTES(frame);
    assert_int_equal(wire_frame_next(&rest, 31, &message, &err), BARO_ELIMIT);
    memcpy(bad, frame, sizeof(frame));
    bad[10] ^= 1;
    rest = BYTES(bad);
    assert_int_equal(wire_frame_next(&rest, 64, &message, &err), BARO_ECORRUPT);
    rest = STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_int_equal(wire_frame_next(&rest, 64, &message, &err), BARO_ECORRUPT);
    assert_null(message.ptr);
}
