#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "model/relabel.h"

enum { PARTS = 6, PART_BYTES_MAX = 128 };

/* The input is an action byte and six lines: regex, replacement, target, separator, and the values
 * of two labels. Whatever comes out is a sorted set without empty values. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str rest = str_from_index(str_of((const char *)data, size), 1);
    str parts[PARTS] = {{0}};
    str sources[] = {STR("a"), STR("b")};
    struct prom_relabel rule = {.source_labels = {sources, 2}, .modulus = 7};
    const struct prom_relabel *items[] = {&rule};
    struct relabel_rules *rules = NULL;
    struct labels_builder builder = {0};
    struct arena arena = {0};

    if (size == 0) {
        return 0;
    }
    for (size_t i = 0; i < PARTS && str_split_next(&rest, '\n', &parts[i]); i++) {
        parts[i] = str_slice(parts[i], 0, PART_BYTES_MAX);
    }
    rule.action = data[0] % PROM_RELABEL_ACTION_COUNT;
    rule.regex = parts[0];
    rule.replacement = parts[1];
    rule.target_label = parts[2];
    rule.separator = parts[3];
    if (relabel_rules_new((struct prom_relabels){items, 1}, false, &rules, NULL) < 0) {
        return 0;
    }
    labels_builder_add(&builder, STR("a"), parts[4]);
    labels_builder_add(&builder, STR("b"), parts[5]);
    if (relabel_apply(rules, &builder, &arena)) {
        struct labels labels = labels_builder_finish(&builder);

        ASSERT(!labels_has_duplicate(labels));
        for (size_t i = 0; i < labels.count; i++) {
            ASSERT(labels.items[i].value.len > 0);
        }
    }
    (void)relabel_rules_free(rules);
    labels_builder_done(&builder);
    arena_done(&arena);
    return 0;
}
