/* Generated code: what an update by label values costs over one by a kept handle, and the
 * generators themselves. */
#include "base/buf.h"
#include "bench/bench.h"
#include "catalog/catalog.h"
#include "catalog/gen_c.h"
#include "sample.h"

enum { UPDATES = 100000 };

static baro_counter kept;

static void by_handle(UNUSED void *context)
{
    for (int i = 0; i < UPDATES; i++) {
        baro_counter_inc(kept);
    }
}

static void by_closed_labels(UNUSED void *context)
{
    for (int i = 0; i < UPDATES; i++) {
        sample_jobs_total_inc(SAMPLE_STAGE_TRANSFORM, SAMPLE_GRADE_B);
    }
}

static void by_many_closed_labels(UNUSED void *context)
{
    for (int i = 0; i < UPDATES; i++) {
        sample_cells_total_inc(sample_cells_total_a_at(3), sample_cells_total_b_at(4),
                               SAMPLE_CELLS_TOTAL_VALUE_C5);
    }
}

static void by_open_labels(UNUSED void *context)
{
    for (int i = 0; i < UPDATES; i++) {
        sample_requests_total_inc("/a", "200", SAMPLE_REQUESTS_TOTAL_CLASS_STATIC);
    }
}

static void by_helper(UNUSED void *context)
{
    for (int i = 0; i < UPDATES; i++) {
        sample_track_end(SAMPLE_ACTIVE_JOBS_TYPE_RENDER, true, SAMPLE_GRADE_B, 1, NULL);
    }
}

BENCH(catalog_updates)
{
    struct baro_registry *registry = baro_registry_new(NULL, NULL);

    (void)sample_register(registry);
    kept = sample_jobs_total_handle(SAMPLE_STAGE_LOAD, SAMPLE_GRADE_A);
    bench_measure("counter by a kept handle", by_handle, NULL, UPDATES, 0);
    bench_measure("counter, two closed labels", by_closed_labels, NULL, UPDATES, 0);
    bench_measure("counter, 17x17x17 closed labels", by_many_closed_labels, NULL, UPDATES, 0);
    bench_measure("counter, two open labels of three", by_open_labels, NULL, UPDATES, 0);
    bench_measure("helper of four updates", by_helper, NULL, UPDATES, 0);
    (void)baro_registry_free(registry);
}

static const char text[] =
    "catalog: c\nlabels: {stage: {values: [a, b, c, d]}}\ngroups:\n- name: g\n  metrics:\n"
    "  - {name: a_total, type: counter, help: Help., labels: {stage: stage, who: {max: 5}}}\n"
    "  - {name: b_seconds, type: histogram, unit: seconds, help: Help., labels: {stage: stage}, "
    "buckets: [1, 2, 3]}\n"
    "helpers:\n- {name: f, params: {s: {label: stage}, t: {type: double}}, do: [{metric: "
    "b_seconds, "
    "op: observe, value: $t, labels: {stage: $s}}]}\n";

static void read_and_generate(UNUSED void *context)
{
    static struct faults faults;
    struct catalog *catalog = NULL;
    struct buf out = {0};

    if (catalog_parse(str_from(text), "c", &catalog, &faults) >= 0) {
        gen_c_header(catalog, &out);
        gen_c_source(catalog, &out);
    }
    bench_keep(out.ptr);
    buf_done(&out);
    (void)catalog_free(catalog);
}

BENCH(catalog_generate)
{
    bench_measure("read a catalogue of two, make C", read_and_generate, NULL, 1, 0);
}
