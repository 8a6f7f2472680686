#include "alerting/am_config.h"
#include "base/assert.h"
#include "fuzz/fuzz.h"

/* What loads also routes; what does not says why. The input's first line is a matcher too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct faults faults;
    struct am_config *config = NULL;
    struct arena arena = {0};
    am_matchers matchers = {0};
    str text = str_of((const char *)data, size);
    str rest = text;
    str line = STR("");

    faults = (struct faults){0};
    int r = am_config_parse(STR("/nonexistent/am.yml"), text, &config, &faults);
    ASSERT((r < 0) == (faults.total > 0));
    ASSERT((r < 0) == (config == NULL));
    if (config != NULL) {
        static const struct label labels[] = {{STR_INIT("alertname"), STR_INIT("a")},
                                              {STR_INIT("severity"), STR_INIT("page")}};
        am_routes routes = {0};

        am_route_match(config->route, (struct labels){labels, 2}, &routes);
        ASSERT(routes.count > 0);
        vec_done(&routes);
    }
    config = am_config_free(config);
    (void)str_split_next(&rest, '\n', &line);
    r = am_matchers_parse(&arena, line, &matchers, NULL);
    ASSERT(r >= 0 || matchers.count == 0);
    if (r >= 0) {
        struct buf out = {0};

        am_matchers_sort(&matchers);
        am_matchers_format(&out, &matchers);
        ASSERT(out.len >= 2);
        buf_done(&out);
    }
    am_matchers_done(&matchers);
    arena_done(&arena);
    return 0;
}
