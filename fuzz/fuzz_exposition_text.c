#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "model/exposition.h"
#include "model/exposition_lint.h"

/* Reads a body twice: line by line, and with each series expected as it was read the first time.
 * Both ways must see the same; the judge must not accept what the parser refuses. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct exposition_check_options options = {.format = EXPOSITION_CHECK_TEXT};
    str body = str_of((const char *)data, size);
    struct exposition parser;
    struct exposition again;
    struct exposition_event event = {0};
    struct exposition_event expected = {0};
    struct labels_builder builder = {0};
    struct arena arena = {0};
    struct buf findings = {0};
    bool bad_labels = false;
    int kind;

    exposition_init(&parser, body, EXPOSITION_TEXT);
    exposition_init(&again, body, EXPOSITION_TEXT);
    while ((kind = exposition_next(&parser, &event, NULL)) > EXPOSITION_END) {
        struct labels labels;
        int hit = 0;

        if (kind == EXPOSITION_SERIES) {
            hit = exposition_expect(&again, event.raw, &expected, NULL);
            bad_labels |=
                exposition_series_labels(&parser, &event, &builder, &arena, &labels, NULL) < 0;
        }
        if (hit == 0) {
            hit = exposition_next(&again, &expected, NULL);
        }
        ASSERT(hit == kind && again.at == parser.at);
        ASSERT(kind != EXPOSITION_SERIES ||
               (value_bits(event.value) == value_bits(expected.value) &&
                str_eq(event.raw, expected.raw)));
    }
    if (kind < 0 || bad_labels) {
        ASSERT(exposition_check(body, &options, &findings) == EXPOSITION_CHECK_WRONG);
    }
    buf_done(&findings);
    labels_builder_done(&builder);
    arena_done(&arena);
    return 0;
}
