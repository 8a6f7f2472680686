/* JSON out: matrix answers are nearly all of what a dashboard asks for. */
#include "base/mem.h"
#include "bench/bench.h"
#include "codec/gzip.h"
#include "codec/json_write.h"

enum { POINTS = 100000 };

struct answer {
    struct buf body;
    double *values;
};

static void write_points(void *context)
{
    struct answer *answer = context;
    struct json_writer json;

    buf_reset(&answer->body);
    json = json_write_over(&answer->body);
    json_write_array_begin(&json);
    for (int i = 0; i < POINTS; i++) {
        json_write_point(&json, INT64_C(1435781451781) + i * INT64_C(15000), answer->values[i]);
    }
    json_write_array_end(&json);
    bench_keep(answer->body.ptr);
}

static void write_strings(void *context)
{
    struct answer *answer = context;
    struct json_writer json;

    buf_reset(&answer->body);
    json = json_write_over(&answer->body);
    json_write_array_begin(&json);
    for (int i = 0; i < POINTS; i++) {
        json_write_str_plain(&json, STR("http_request_duration_seconds_bucket"));
    }
    json_write_array_end(&json);
}

static void pack(void *context)
{
    struct answer *answer = context;
    CLEANUP(gzip_freep) struct gzip *gzip = gzip_new(1);
    struct buf packed = {0};

    (void)gzip_pack(gzip, buf_view(&answer->body), &packed, NULL);
    bench_keep(packed.ptr);
    buf_done(&packed);
}

BENCH(json_write)
{
    struct answer answer = {.values = mem_alloc_zero(POINTS * sizeof(double))};

    for (int i = 0; i < POINTS; i++) {
        answer.values[i] = i;
    }
    write_points(&answer);
    bench_measure("JSON points, whole numbers", write_points, &answer, POINTS, answer.body.len);
    for (int i = 0; i < POINTS; i++) {
        answer.values[i] = i / 7.0;
    }
    write_points(&answer);
    bench_measure("JSON points, 16 digits", write_points, &answer, POINTS, answer.body.len);
    bench_measure("gzip -1 of these", pack, &answer, POINTS, answer.body.len);
    write_strings(&answer);
    bench_measure("JSON strings of 36 bytes", write_strings, &answer, POINTS, answer.body.len);
    buf_done(&answer.body);
    (void)mem_free(answer.values);
}
