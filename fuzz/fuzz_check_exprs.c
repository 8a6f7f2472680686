#include "app/check_dashboards.h"
#include "app/check_rules.h"
#include "base/assert.h"
#include "fuzz/fuzz.h"

static const struct promql_features features;

static void ignore(void *context, uint32_t offset, const char *message)
{
    ASSERT(offset <= *(const size_t *)context && message[0] != '\0');
}

/* The first byte says what the rest is: an expression, a dashboard, a rule file. Every fault has a
 * place within it, whatever the names: there is no catalogue here, so only the grammar is judged.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(expr_known_freep) struct expr_known *known = NULL;
    struct expr_labels labels;
    struct rule_counts counts = {0};
    struct arena arena = {0};
    struct buf out = {0};
    size_t expressions = 0;

    if (size == 0) {
        return 0;
    }
    known = expr_known_new();
    str text = str_of((const char *)data + 1, size - 1);
    if (data[0] == '{') {
        text = str_of((const char *)data, size);
        size_t found = check_dashboard(text, "d", known, &expressions, &out);
        ASSERT((found == 0) == (out.len == 0));
    } else if (data[0] == 'g') {
        text = str_of((const char *)data, size);
        check_rules_record(text, known);
        size_t found = check_rules(
            text, "r",
            &(struct check_rules_options){.features = &features, .known = known, .lint = true},
            &counts, &out);
        ASSERT((found + counts.lints == 0) == (out.len == 0));
    } else {
        expr_check(known, &arena, text, data[0] == '$', ignore, &text.len, &labels);
    }
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
