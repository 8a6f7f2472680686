/* Target groups of file and HTTP discovery, as JSON and as YAML, planned as targets. */
#include "fuzz/fuzz.h"

#include "base/assert.h"
#include "conf/prom_config.h"
#include "discover/target_group.h"
#include "scrape/scrape_target.h"

static void plan_all(const struct target_groups *groups)
{
    static const str values[] = {STR_INIT("v")};
    static const struct conf_param params[] = {{STR_INIT("p"), {values, 1}}};
    const struct prom_scrape settings = {
        .job_name = STR("j"),
        .scrape_interval = 1000,
        .scrape_timeout = 1000,
        .metrics_path = STR("/metrics"),
        .scheme = STR("http"),
        .params = {params, 1},
    };
    struct labels_builder builder = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < groups->count; i++) {
        for (size_t k = 0; k < groups->items[i].target_count; k++) {
            struct target_plan plan = {0};

            if (target_plan_make(&arena, &builder, &groups->items[i], k, &settings, NULL, &plan,
                                 NULL) == 0) {
                ASSERT(plan.url.len > 0 && plan.interval >= plan.timeout);
                /* Nothing of a target may break out of the request line. */
                ASSERT(str_index_char(plan.url, '\n') == SIZE_MAX);
                (void)target_global_url(&arena, plan.url, "http://external:1/");
            }
        }
    }
    labels_builder_done(&builder);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const str text = str_of((const char *)data, size);
    CLEANUP(target_groups_freep) struct target_groups *json = NULL;
    CLEANUP(target_groups_freep) struct target_groups *yaml = NULL;

    if (target_groups_read_json(text, STR("n"), STR("__meta_n"), &json, NULL) == 0) {
        plan_all(json);
    }
    if (target_groups_read_yaml(text, STR("n"), STR("__meta_n"), &yaml, NULL) == 0) {
        plan_all(yaml);
    }
    return 0;
}
