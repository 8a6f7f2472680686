#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "model/exposition_protobuf.h"

static int walk(struct exposition_protobuf *parser, str body,
                struct exposition_protobuf_options options, size_t *ret_series)
{
    struct exposition_event event = {0};
    struct labels_builder builder = {0};
    struct exposition_exemplar exemplar;
    struct arena arena = {0};
    struct labels labels;
    int kind;

    *ret_series = 0;
    exposition_protobuf_init(parser, body, options);
    while ((kind = exposition_protobuf_next(parser, &event, NULL)) > EXPOSITION_END) {
        if (kind == EXPOSITION_HISTOGRAM) {
            ASSERT(options.takes_native);
            ASSERT(histogram_check(parser->histogram, NULL) >= 0);
            ASSERT(parser->histogram->schema <= HISTOGRAM_SCHEMA_MAX);
        }
        if (kind == EXPOSITION_SERIES || kind == EXPOSITION_HISTOGRAM) {
            (*ret_series)++;
            ASSERT(!value_is_stale(event.value));
            if (*ret_series < 1000) {
                (void)exposition_protobuf_labels(parser, &builder, &arena, &labels, NULL);
            }
            while (exposition_protobuf_exemplar(parser, &builder, &exemplar, NULL) > 0) {
                ASSERT(kind == EXPOSITION_SERIES || exemplar.has_timestamp);
            }
        }
        arena_reset(&arena);
    }
    labels_builder_done(&builder);
    arena_done(&arena);
    return kind;
}

/* Native histograms as such, with their classic buckets, and as classic ones: what the last way
 * accepts in series is never less than without the classic part. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const str body = str_of((const char *)data, size);
    struct exposition_protobuf parser = {0};
    size_t native;
    size_t both;
    size_t classic;
    const int native_end =
        walk(&parser, body, (struct exposition_protobuf_options){true, false}, &native);
    const int both_end =
        walk(&parser, body, (struct exposition_protobuf_options){true, true}, &both);
    const int classic_end =
        walk(&parser, body, (struct exposition_protobuf_options){false, true}, &classic);

    ASSERT(native_end == both_end && both >= native);
    ASSERT(native_end != EXPOSITION_END || (classic_end == EXPOSITION_END && classic >= native));
    exposition_protobuf_done(&parser);
    return 0;
}
