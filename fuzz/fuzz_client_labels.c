/* Any bytes as help, label values and exemplar: what libbaro exposes is accepted by the strict
 * judges of both text formats. */
#include <stdlib.h>
#include <string.h>

#include <baro/baro.h>

#include "base/assert.h"
#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "model/exposition_lint.h"

enum { TEXTS = 4, TEXT_BYTES = 300 };

/* Cuts the input at its newlines' neighbours: byte 0 of each part says how long it is. */
static void texts_take(const uint8_t *data, size_t size, char texts[TEXTS][TEXT_BYTES])
{
    for (int i = 0; i < TEXTS; i++) {
        size_t want = size > 0 ? data[0] : 0;
        size_t have = size > 0 ? size - 1 : 0;
        size_t take = want < have ? want : have;

        if (take > 0) {
            memcpy(texts[i], data + 1, take);
        }
        texts[i][take] = '\0';
        data += size > 0 ? take + 1 : 0;
        size -= size > 0 ? take + 1 : 0;
    }
}

static void check(struct baro_registry *registry, enum baro_format format)
{
    const struct baro_expose_options expose = {.format = format};
    const struct exposition_check_options options = {
        .format = format == BARO_TEXT ? EXPOSITION_CHECK_TEXT : EXPOSITION_CHECK_OPENMETRICS};
    struct buf findings = {0};
    size_t size = 0;
    char *text = baro_expose_alloc(registry, &expose, &size);

    ASSERT(text != NULL && strlen(text) == size);
    ASSERT(exposition_check(str_of(text, size), &options, &findings) != EXPOSITION_CHECK_WRONG);
    buf_done(&findings);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct baro_label labels[] = {{.name = "a"}, {.name = "b", .values_max = 1}};
    struct baro_desc desc = {
        .name = "fuzz_total", .type = BARO_COUNTER, .labels = labels, .label_count = 2};
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    struct baro_family *family;
    char texts[TEXTS][TEXT_BYTES];

    texts_take(data, size, texts);
    desc.help = texts[0];
    family = baro_family_new(registry, &desc, NULL);
    if (family != NULL) {
        const struct baro_pair pair = {"trace_id", texts[3]};
        const struct baro_exemplar exemplar = {&pair, 1, 0};
        baro_counter counter = baro_counter_with(family, BARO_VALUES(texts[1], texts[2]));

        baro_counter_add_exemplar(counter, 1, &exemplar);
        baro_counter_inc(baro_counter_with(family, BARO_VALUES(texts[2], texts[1])));
        ASSERT(baro_counter_with(family, BARO_VALUES(texts[1], texts[2])).ref == counter.ref);
        check(registry, BARO_TEXT);
        check(registry, BARO_OPENMETRICS);
    }
    (void)baro_registry_free(registry);
    return 0;
}
