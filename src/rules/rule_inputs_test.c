#include "rules/rule_inputs.h"

#include "promql/parser.h"
#include "testing/test.h"

#define NOW INT64_C(1700000040000)

/* One series a line: NAME{LABELS} and its samples, one a minute, the last one now: a digit, '.' is
 * a stale marker, ' ' none. */
static const struct {
    const char *series;
    const char *samples;
} stored[] = {
    {"x{i=\"live\",job=\"a\"}", "11111111"},  {"x{i=\"gone\",job=\"a\"}", "1111111."},
    {"x{i=\"back\",job=\"a\"}", "11.    1"},  {"x{i=\"old\",job=\"a\"}", "1       "},
    {"y{i=\"gone\",job=\"a\"}", "11111111"},  {"y{i=\"live\",job=\"b\"}", "11111111"},
    {"info{i=\"live\",v=\"1\"}", "11111111"}, {"z{job=\"a\"}", "1111111."},
};

static void fill(struct memstore *store)
{
    for (size_t i = 0; i < ARRAY_COUNT(stored); i++) {
        struct arena arena = {0};
        struct labels labels = {0};
        struct baro_error err = {0};
        size_t count = strlen(stored[i].samples);

        assert_ok(promql_parse_metric(&arena, str_from(stored[i].series), &labels, &err), &err);
        for (size_t k = 0; k < count; k++) {
            char c = stored[i].samples[k];
            ts t = NOW - (ts)(count - 1 - k) * DUR_MINUTE;

            if (c != ' ') {
                assert_ok(
                    memstore_append(store, labels, t, c == '.' ? value_stale() : c - '0', &err),
                    &err);
            }
        }
        arena_done(&arena);
    }
}

static const struct {
    const char *expr;
    const char *labels; /* of the alert */
    enum rule_input want;
} cases[] = {
    {"x == 0", "{i=\"live\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"x == 0", "{i=\"gone\",job=\"a\"}", RULE_INPUT_MISSING},
    {"x == 0", "{i=\"back\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"x == 0", "{i=\"old\",job=\"a\"}", RULE_INPUT_MISSING},
    {"x == 0", "{i=\"never\",job=\"a\"}", RULE_INPUT_MISSING},
    {"x{job=\"c\"} == 0", "{}", RULE_INPUT_MISSING},
    /* Ranges: as many samples as the function needs, and no stale marker at the end. */
    {"rate(x[5m]) > 1", "{i=\"live\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"rate(x[5m]) > 1", "{i=\"gone\",job=\"a\"}", RULE_INPUT_MISSING},
    {"rate(x[1m]) > 1", "{i=\"live\",job=\"a\"}", RULE_INPUT_MISSING},
    {"max_over_time(x[1m]) > 1", "{i=\"live\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"max_over_time(x[10m]) > 1", "{i=\"old\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"max_over_time(x[10m:1m]) > 1", "{i=\"old\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"rate(x[2m*2]) > 1", "{i=\"gone\",job=\"a\"}", RULE_INPUT_PRESENT},
    /* Times. */
    {"x offset 1m == 0", "{i=\"gone\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"x @ 1700000000 == 0", "{i=\"gone\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"max_over_time(x[2m:1m] offset 3m) > 1", "{i=\"gone\",job=\"a\"}", RULE_INPUT_PRESENT},
    /* Aggregations leave some labels. */
    {"sum by (job) (x) > 5", "{job=\"a\"}", RULE_INPUT_PRESENT},
    {"sum by (job) (x) > 5", "{job=\"b\"}", RULE_INPUT_MISSING},
    {"sum by (job) (z) > 5", "{job=\"a\"}", RULE_INPUT_MISSING},
    {"sum without (i) (x) > 5", "{job=\"a\"}", RULE_INPUT_PRESENT},
    {"sum(x) > 5", "{}", RULE_INPUT_PRESENT},
    {"topk(3, x) > 5", "{i=\"gone\",job=\"a\"}", RULE_INPUT_MISSING},
    {"topk by (job) (3, x) > 5", "{i=\"gone\",job=\"a\"}", RULE_INPUT_MISSING},
    {"topk(scalar(z), x) > 5", "{i=\"live\",job=\"a\"}", RULE_INPUT_MISSING},
    {"count_values(\"v\", x) > 1", "{v=\"1\"}", RULE_INPUT_PRESENT},
    /* Functions. */
    {"label_replace(x, \"i\", \"q\", \"job\", \".*\") > 1", "{i=\"q\",job=\"a\"}",
     RULE_INPUT_PRESENT},
    {"label_join(z, \"i\", \"\", \"job\") > 1", "{i=\"a\",job=\"a\"}", RULE_INPUT_MISSING},
    {"info(x) > 1", "{i=\"live\",v=\"1\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"x > scalar(z)", "{i=\"live\",job=\"a\"}", RULE_INPUT_MISSING},
    {"x > scalar(y{job=\"b\"})", "{i=\"live\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"absent(x{job=\"c\"})", "{job=\"c\"}", RULE_INPUT_NONE},
    {"absent_over_time(x[5m]) or absent(z)", "{}", RULE_INPUT_NONE},
    {"ALERTS{alertstate=\"firing\"} and on () z", "{}", RULE_INPUT_MISSING},
    {"ALERTS{alertstate=\"firing\"} > 0", "{}", RULE_INPUT_NONE},
    {"vector(1) > 0", "{}", RULE_INPUT_PRESENT},
    {"vector(time()) > 0", "{}", RULE_INPUT_PRESENT},
    {"vector(scalar(z)) > 0", "{}", RULE_INPUT_MISSING},
    {"hour() > 3", "{}", RULE_INPUT_NONE},
    {"clamp_max(-x, 3) < 0", "{i=\"gone\",job=\"a\"}", RULE_INPUT_MISSING},
    {"histogram_quantile(0.9, sum by (job, le) (x)) > 1", "{job=\"a\"}", RULE_INPUT_PRESENT},
    /* Both sides are needed, each with the labels that it has. */
    {"x / y > 1", "{i=\"gone\",job=\"a\"}", RULE_INPUT_MISSING},
    {"x / on (i) y > 1", "{i=\"live\"}", RULE_INPUT_PRESENT},
    {"x / on (i) y > 1", "{i=\"gone\"}", RULE_INPUT_MISSING},
    {"y / ignoring (job) x > 1", "{i=\"live\"}", RULE_INPUT_PRESENT},
    {"x * on (i) group_left (v) info > 1", "{i=\"live\",job=\"a\",v=\"1\"}", RULE_INPUT_PRESENT},
    {"x * on (i) group_left (v) info > 1", "{i=\"back\",job=\"a\",v=\"1\"}", RULE_INPUT_MISSING},
    {"info * on (i) group_right (v) x > 1", "{i=\"live\",job=\"a\",v=\"1\"}", RULE_INPUT_PRESENT},
    {"x * ignoring (i) group_left z > 1", "{i=\"live\",job=\"a\"}", RULE_INPUT_MISSING},
    /* Sets. */
    {"x > 1 and on (i) y", "{i=\"live\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"x > 1 and y", "{i=\"live\",job=\"a\"}", RULE_INPUT_MISSING},
    {"x > 1 unless z", "{i=\"live\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"x > 1 or y > 1", "{i=\"gone\",job=\"a\"}", RULE_INPUT_PRESENT},
    {"x > 1 or z > 1", "{i=\"gone\",job=\"a\"}", RULE_INPUT_MISSING},
    {"sum(z) or vector(0)", "{}", RULE_INPUT_PRESENT},
    {"z > 1 or absent(z)", "{job=\"a\"}", RULE_INPUT_MISSING},
};

TEST(rule_inputs_are_told_from_conditions)
{
    static const struct promql_features features = {.experimental_functions = true,
                                                    .duration_expressions = true};
    struct memstore *store = memstore_new();

    fill(store);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        const struct cancel cancel = {0};
        const struct rule_inputs_env env = {.queryable = memstore_queryable(store),
                                            .lookback = 5 * (dur)DUR_MINUTE,
                                            .t = NOW,
                                            .cancel = &cancel,
                                            .arena = &arena};
        struct expr *expr = NULL;
        struct labels labels = {0};
        enum rule_input found = RULE_INPUT_NONE;
        struct baro_error err = {0};

        test_row(cases[i].expr);
        assert_ok(promql_parse_metric(&arena, str_from(cases[i].labels), &labels, &err), &err);
        assert_ok(promql_parse(&arena, str_from(cases[i].expr), &features, &expr, &err), &err);
        assert_ok(rule_inputs_find(&env, expr, labels, &found, &err), &err);
        assert_int_equal(found, cases[i].want);
        promql_expr_done(expr);
        arena_done(&arena);
    }
    test_row(NULL);
    (void)memstore_free(store);
}

TEST(rule_inputs_any_knows_what_reads_series)
{
    static const struct {
        const char *expr;
        bool want;
    } rows[] = {{"x == 0", true},           {"vector(1)", false},  {"absent(x)", false},
                {"sum(rate(x[5m]))", true}, {"hour() > 3", false}, {"absent(x) or y", true}};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena arena = {0};
        struct expr *expr = NULL;

        test_row(rows[i].expr);
        assert_int_equal(promql_parse(&arena, str_from(rows[i].expr),
                                      &(const struct promql_features){0}, &expr, NULL),
                         0);
        assert_int_equal(rule_inputs_any(expr), rows[i].want);
        promql_expr_done(expr);
        arena_done(&arena);
    }
    test_row(NULL);
}
