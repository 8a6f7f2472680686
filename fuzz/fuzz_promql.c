/* PromQL: no input crashes the parser, and what it prints of an expression parses to the same text.
 */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "promql/ast_json.h"
#include "promql/parser.h"

static const struct promql_features all = {true, true, true, true, true, true, true};

/* Four texts do not survive, as in Prometheus: U+FFFD made by an escape, ranges below 1 ms, times
 * beyond the 53 bits of a double, and powers of infinity, whose sign becomes that of the power. */
static bool survives(str printed)
{
    return !str_contains(printed, STR("\xef\xbf\xbd")) && !str_contains(printed, STR("[0s")) &&
           !str_contains(printed, STR("@")) && !str_contains(printed, STR("Inf ^"));
}

static void round_trip(struct arena *arena, str printed)
{
    struct expr *again = NULL;
    struct baro_error err = {0};
    struct buf twice = {0};
    int r = promql_parse(arena, printed, &all, &again, &err);

    ASSERT(r >= 0);
    promql_print(&twice, again);
    ASSERT(str_eq(buf_view(&twice), printed));
    buf_done(&twice);
    promql_expr_done(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = str_of((const char *)data, size);
    struct arena arena = {0};
    struct baro_error err = {0};
    struct expr *expr = NULL;
    struct labels labels = {0};
    struct buf printed = {0};

    if (promql_parse(&arena, text, &all, &expr, &err) >= 0) {
        promql_print(&printed, expr);
        if (survives(buf_view(&printed))) {
            round_trip(&arena, buf_view(&printed));
        }
        buf_reset(&printed);
        promql_pretty(&printed, expr);
        promql_ast_json(&printed, expr);
        promql_expr_done(expr);
    }
    (void)promql_parse_metric(&arena, text, &labels, &err);
    buf_done(&printed);
    arena_done(&arena);
    return 0;
}
