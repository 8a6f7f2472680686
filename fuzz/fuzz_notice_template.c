/* Templates of notifications over a notification's data, as text and as HTML: never a crash, and
 * nothing is left in the output of one that fails. The first byte says which. */
#include <stdlib.h>

#include "base/arena.h"
#include "fuzz/fuzz.h"
#include "template/template_notice.h"

enum { OUTPUT_MAX = 1 << 20 };

static const struct label labels[] = {{STR_INIT("alertname"), STR_INIT("<A>\n")},
                                      {STR_INIT("job"), STR_INIT("j'\"&")}};

static struct template_set *set;

static void release(void)
{
    set = template_set_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct template_notice_alert alerts[] = {
        {.labels = {labels, 2},
         .annotations = {labels, 1},
         .starts_at = 1,
         .generator_url = STR("x:")},
        {.labels = {labels, 1}, .starts_at = 1, .ends_at = 2, .is_resolved = true},
    };
    const struct template_notice notice = {.receiver = STR("r.*"),
                                           .external_url = STR("http://h"),
                                           .alerts = alerts,
                                           .count = 2,
                                           .group_labels = {labels, 1},
                                           .now = 1000};
    struct arena arena = {.limit_bytes = 0};
    struct buf out = {.limit = OUTPUT_MAX};
    struct baro_error err = {0};
    struct tvalue value = tvalue_none();
    str text = str_of((const char *)data, size < 4096 ? size : 4096);

    if (set == NULL) {
        set = template_notice_set();
        (void)atexit(release);
    }
    if (size == 0) {
        return 0;
    }
    value = template_notice_value(&arena, &notice);
    if (template_notice_run(set, &notice, value, &arena, str_from_index(text, 1), data[0] % 2 == 1,
                            &out, &err) < 0 &&
        out.len > 0) {
        abort();
    }
    if (template_notice_read(&arena, str_from_index(text, 1), &value, &err) == 0) {
        buf_reset(&out);
        (void)template_notice_run(set, &notice, value, &arena, STR("{{ . }}{{ toJson . }}"), false,
                                  &out, &err);
    }
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
