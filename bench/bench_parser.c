#include "bench/bench.h"
#include "promql/parser.h"

/* What a dashboard asks: a quantile over a rate, a share, and a plain selector. */
static const char *const expressions[] = {
    "histogram_quantile(0.99, sum by (le, handler) "
    "(rate(http_request_duration_seconds_bucket{job=\"api\",handler=\"/v1/render\"}[5m])))",
    "sum(rate(http_requests_total{job=\"api\",code=\"500\"}[5m])) / "
    "sum(rate(http_requests_total{job=\"api\"}[5m])) * 100",
    "up{job=\"node\"}",
};

static void parse_all(void *context)
{
    struct arena *arena = context;

    for (size_t i = 0; i < ARRAY_COUNT(expressions); i++) {
        struct expr *expr = NULL;

        if (promql_parse(arena, str_from(expressions[i]), NULL, &expr, NULL) >= 0) {
            bench_keep(expr);
            promql_expr_done(expr);
        }
        arena_reset(arena);
    }
}

BENCH(parser_dashboard)
{
    struct arena arena = {0};
    uint64_t bytes = 0;

    for (size_t i = 0; i < ARRAY_COUNT(expressions); i++) {
        bytes += strlen(expressions[i]);
    }
    bench_measure("parse a dashboard expression", parse_all, &arena, ARRAY_COUNT(expressions),
                  bytes);
    arena_done(&arena);
}
