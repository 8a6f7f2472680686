/* Requests of OTLP metrics: a first byte that is even makes the rest JSON, an odd one protobuf.
 * They go into a small head, with names escaped or not by the second bit. */
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "ingest/otlp_json.h"
#include "ingest/otlp_receiver.h"
#include "tsdb/head.h"

struct store {
    struct appendable base;
    struct head *head;
};

static struct appender *make_appender(struct appendable *appendable)
{
    return head_appender(((struct store *)appendable)->head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct head_options head_options = {.series_max = 1000, .exemplars_max = 8};
    const str body = size > 0 ? str_of((const char *)data + 1, size - 1) : STR("");
    const uint8_t kind = size > 0 ? data[0] : 0;
    struct store store = {{make_appender}, head_new(&head_options)};
    struct otlp_options options = {
        .appendable = &store.base,
        .now = INT64_C(2000000000000),
        .naming = {.adds_suffixes = true, .allows_utf8 = (kind & 2) != 0},
        .promotes_all = (kind & 4) != 0,
        .makes_nhcb = (kind & 8) != 0,
        .promotes_scope = true,
        .takes_deltas = true,
        .type_and_unit_labels = (kind & 16) != 0,
        .lookback = 300000,
    };
    struct otlp_receipt receipt = {0};
    struct buf message = {0};

    if ((kind & 1) != 0) {
        otlp_receiver_take(&options, body, &receipt);
    } else if (otlp_json_metrics(body, &message, NULL) >= 0) {
        /* What JSON was made into is never damaged. */
        otlp_receiver_take(&options, buf_view(&message), &receipt);
        ASSERT(!str_contains(buf_view(&receipt.message), STR("damaged")));
    }
    otlp_receipt_done(&receipt);
    buf_done(&message);
    (void)head_free(store.head);
    return 0;
}
