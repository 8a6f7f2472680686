#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "model/exposition.h"
#include "model/exposition_lint.h"

/* What the strict judge accepts, the parser reads to its end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct exposition_check_options options = {.format = EXPOSITION_CHECK_OPENMETRICS};
    str body = str_of((const char *)data, size);
    struct exposition parser;
    struct exposition_event event = {0};
    struct labels_builder builder = {0};
    struct arena arena = {0};
    struct buf findings = {0};
    struct labels labels;
    int kind;

    exposition_init(&parser, body, EXPOSITION_OPENMETRICS);
    while ((kind = exposition_next(&parser, &event, NULL)) > EXPOSITION_END) {
        if (kind == EXPOSITION_SERIES) {
            (void)exposition_series_labels(&parser, &event, &builder, &arena, &labels, NULL);
        }
        if (kind == EXPOSITION_SERIES && event.exemplar.ptr != NULL) {
            (void)exposition_exemplar_labels(&parser, &event, &builder, &arena, &labels, NULL);
        }
    }
    if (exposition_check(body, &options, &findings) == EXPOSITION_CHECK_OK) {
        ASSERT(kind == EXPOSITION_END);
    }
    buf_done(&findings);
    labels_builder_done(&builder);
    arena_done(&arena);
    return 0;
}
