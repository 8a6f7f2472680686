/* Records of the WAL, each a length byte and the record: replayed into a small head, which must
 * then answer a query. */
#include "fuzz/fuzz.h"

#include "base/assert.h"
#include "tsdb/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct head_options options = {.series_max = 1000, .exemplars_max = 8};
    struct head *head = head_new(&options);
    struct head_replay replay = {.head = head};
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct querier *querier = NULL;
    struct arena arena = {0};

    while (size > 0) {
        size_t len = data[0] < size ? data[0] : size - 1;

        (void)head_replay_record(&replay, str_of((const char *)data + 1, len), NULL);
        data += len + 1;
        size -= len + 1;
    }
    ASSERT(head_querier(head, INT64_MIN, INT64_MAX, &querier, NULL) == 0);
    ASSERT(querier->ops->select(querier, &arena, NULL, (struct matchers){0}, NULL, &list, NULL) ==
           0);
    for (size_t i = 0; i < list.count; i++) {
        sample_buf_reset(&samples);
        ASSERT(querier->ops->samples(querier, &list.items[i], INT64_MIN, INT64_MAX, &samples,
                                     NULL) == 0);
        ASSERT(samples.count > 0);
        for (size_t k = 1; k < samples.count; k++) {
            ASSERT(samples.t[k - 1] < samples.t[k]);
        }
    }
    querier_close(querier);
    sample_buf_done(&samples);
    head_replay_done(&replay);
    arena_done(&arena);
    (void)head_free(head);
    return 0;
}
