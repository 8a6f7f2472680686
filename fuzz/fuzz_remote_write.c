/* Requests of remote write, of both kinds: read, and what could be read made again and read again,
 * which must give as much. */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "remote/wire_in.h"
#include "remote/wire_out.h"

static int walk(enum wire_message message, str body, struct wire_out *out, size_t *ret_count)
{
    struct wire_in in = {0};
    struct wire_series series;
    struct arena arena = {.limit_bytes = (size_t)64 << 20};
    struct sample sample;
    struct exemplar exemplar;
    struct metadata metadata;
    enum wire_fault fault;
    str name;
    int r = wire_in_begin(&in, message, body, NULL);

    wire_out_begin(out, message);
    while (r >= 0 && (r = wire_in_series(&in, &series, NULL)) > 0) {
        wire_out_series(out, series.labels);
        while ((r = wire_in_sample(&series, &sample, NULL)) > 0) {
            wire_out_sample(out, &sample);
            ++*ret_count;
        }
        while (r >= 0 && (r = wire_in_histogram(&series, &arena, &sample, NULL)) > 0) {
            *ret_count += sample.h->positive.bucket_count + 1;
            if (histogram_check(sample.h, NULL) == 0) {
                wire_out_sample(out, &sample);
            }
        }
        while (r >= 0 && (r = wire_in_exemplar(&in, &series, &exemplar, &fault, NULL)) > 0) {
            wire_out_exemplar(out, &exemplar);
        }
        if (r < 0) {
            break;
        }
        wire_out_series_end(out);
    }
    while (r >= 0 && (r = wire_in_family(&in, &name, &metadata, NULL)) > 0) {
        wire_out_family(out, name, &metadata);
    }
    wire_in_done(&in);
    arena_done(&arena);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_out out = {0};

    for (unsigned message = WIRE_WRITE_1; message < WIRE_MESSAGE_COUNT; message++) {
        struct wire_out again = {0};
        struct buf body = {0};
        size_t count = 0;
        size_t count_again = 0;

        if (walk(message, str_of((const char *)data, size), &out, &count) >= 0) {
            ASSERT(wire_out_finish_raw(&out, &body, NULL) >= 0);
            ASSERT(walk(message, buf_view(&body), &again, &count_again) == 0);
            ASSERT(count_again <= count);
        }
        wire_out_done(&again);
        buf_done(&body);
    }
    wire_out_done(&out);
    return 0;
}
