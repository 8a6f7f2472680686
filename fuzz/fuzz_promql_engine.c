/* promql_engine: random expressions, nearly all well-typed, over random samples: no crash, and
 * a range query's value at a step is the instant query's. The first half of the input chooses the
 * expression, the second half the samples. */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "fuzz/promql_made.h"

enum { STEPS = 8 };

static void append_sample(struct memstore *store, struct labels labels, struct bytes *from, ts t)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1e300, 5e-324, 1e-9};
    static const double bounds[] = {1, 5};
    struct histogram_span span = {(int32_t)take(from, 3), 2};
    double counts[2] = {take(from, 16)};
    struct histogram h = {.schema = span.offset == 2 ? HISTOGRAM_SCHEMA_CUSTOM : 1 - span.offset,
                          .zero_count = 0,
                          .positive = {&span, counts, 1, 2}};
    struct sample sample = {.t = t, .v = take(from, 64) / 4.0 - 4, .st = t / 2};
    unsigned kind = take(from, 8);

    counts[1] = take(from, 16);
    h.count = counts[0] + counts[1];
    h.sum = counts[1] * 3;
    if (h.schema == HISTOGRAM_SCHEMA_CUSTOM) {
        span.offset = 0;
        h.custom = bounds;
        h.custom_count = 2;
    }
    if (kind == 7) {
        return; /* a gap */
    }
    if (kind == 6) {
        sample.v = value_stale();
    } else if (kind == 5) {
        sample.v = PICK(from, odd);
    } else if (kind >= 3) {
        h.hint = kind == 4 ? HISTOGRAM_HINT_GAUGE : HISTOGRAM_HINT_UNKNOWN;
        sample.h = &h;
        sample.v = h.sum;
    }
    (void)memstore_append_sample(store, labels, &sample, NULL);
}

static struct memstore *make_store(struct bytes *from)
{
    static const char *const names[] = {
        "c{a=\"1\"}",
        "c{a=\"2\"}",
        "g{a=\"1\",b=\"x\"}",
        "g{a=\"2\",b=\"y\"}",
        "h{a=\"1\"}",
        "b_bucket{a=\"1\",le=\"1\"}",
        "b_bucket{a=\"1\",le=\"5\"}",
        "b_bucket{a=\"1\",le=\"+Inf\"}",
    };
    struct memstore *store = memstore_new();
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct labels labels = {0};
        int r = promql_parse_metric(&arena, str_from(names[i]), &labels, NULL);

        ASSERT(r >= 0);
        for (ts t = 0; t < 2 * STEPS * DUR_MINUTE && from->left > 0; t += 30 * DUR_SECOND) {
            append_sample(store, labels, from, t);
        }
    }
    arena_done(&arena);
    return store;
}

static void evaluate(struct memstore *store, str text, ts t)
{
    static const struct engine_options options = {.lookback = 2 * DUR_MINUTE,
                                                  .default_step = DUR_MINUTE,
                                                  .samples_max = 100000,
                                                  .memory_bytes_max = (size_t)16 << 20,
                                                  .features = {1, 1, 1, 1, 1, 0, 0}};
    struct query query = {.text = text, .end = (STEPS - 1) * DUR_MINUTE, .step = DUR_MINUTE};
    struct query at = {.text = text, .start = t, .end = t};
    struct query_result range = {0};
    struct query_result instant = {0};
    int r = engine_run(&options, memstore_queryable(store), &query, &range, NULL);
    int one = engine_run(&options, memstore_queryable(store), &at, &instant, NULL);

    ASSERT((r == BARO_EPARSE) == (one == BARO_EPARSE)); /* e.g. rate(x[1m] smoothed) is none */
    ASSERT(r < 0 || one >= 0); /* what works at all steps works at each of them */
    if (r >= 0) {
        check_step(&range, &instant, t);
        query_result_done(&range);
    }
    if (one >= 0) {
        query_result_done(&instant);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes shape = {data, size / 2};
    struct bytes samples = {data + size / 2, size - size / 2};
    struct buf text = {.limit = 4096};
    struct memstore *store;
    ts t = (ts)take(&shape, STEPS) * DUR_MINUTE;

    put_vector(&text, &shape, 0);
    if (!text.failed) {
        store = make_store(&samples);
        evaluate(store, buf_view(&text), t);
        memstore_free(store);
    }
    buf_done(&text);
    return 0;
}
