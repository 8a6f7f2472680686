/* exposition_lint_priv: what the judge of OpenMetrics and that of the text format share. */
#pragma once

#include "base/map.h"
#include "model/exposition.h"

struct lint {
    struct exposition parser;
    struct exposition_event event;
    struct labels_builder builder;
    struct arena names;  /* lives as long as the check */
    struct arena family; /* lives as long as a family */
    struct buf *out;
    const char *input;
    size_t finding_count;
};

/* lint_find appends one finding about the place `at` of the body. */
void lint_find(struct lint *lint, const char *at, const char *format, ...) PRINTF_LIKE(3, 4);

/* lint_openmetrics and lint_text read the body to its end. Fail with a negative code at the first
 * fault, which err tells. */
int lint_openmetrics(struct lint *lint, struct baro_error *err);
int lint_text(struct lint *lint, struct baro_error *err);
