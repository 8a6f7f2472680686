#include "alerting/am_matcher.h"
#include "base/assert.h"
#include "fuzz/fuzz.h"

/* What is read is printed in a form that is read as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct label labels[] = {{STR_INIT("a"), STR_INIT("b")}};
    struct arena arena = {0};
    am_matchers first = {0};
    am_matchers second = {0};
    struct buf once = {0};
    struct buf twice = {0};

    if (am_matchers_parse(&arena, str_of((const char *)data, size), &first, NULL) >= 0) {
        (void)am_matchers_match(&first, (struct labels){labels, 1});
        am_matchers_sort(&first);
        am_matchers_format(&once, &first);
        ASSERT(am_matchers_parse(&arena, buf_view(&once), &second, NULL) >= 0);
        ASSERT(second.count == first.count);
        am_matchers_sort(&second);
        am_matchers_format(&twice, &second);
        ASSERT(str_eq(buf_view(&once), buf_view(&twice)));
    } else {
        ASSERT(first.count == 0);
    }
    am_matchers_done(&first);
    am_matchers_done(&second);
    buf_done(&once);
    buf_done(&twice);
    arena_done(&arena);
    return 0;
}
