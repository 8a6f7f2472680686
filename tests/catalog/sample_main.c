/* What the code of sample.yaml does to libbaro: run_catalog.py compares the exposition with want/.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sample.h"

static int failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                  \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

/* Before registration everything is a counted no-op. */
static void use_too_early(void)
{
    uint64_t before = baro_misuse_count();

    sample_jobs_total_inc(SAMPLE_STAGE_LOAD, SAMPLE_GRADE_A);
    sample_requests_total_inc("/", "200", SAMPLE_REQUESTS_TOTAL_CLASS_STATIC);
    sample_build_info_set("1", "abc");
    CHECK(baro_misuse_count() > before);
}

static void use_values(void)
{
    sample_stage stage = SAMPLE_STAGE_SAVE;

    CHECK(sample_stage_from("load", &stage) && stage.index_ == SAMPLE_STAGE_LOAD.index_);
    CHECK(!sample_stage_from("lood", &stage) && stage.index_ == SAMPLE_STAGE_LOAD.index_);
    CHECK(!sample_stage_from(NULL, &stage));
    CHECK(sample_stage_at(1).index_ == SAMPLE_STAGE_TRANSFORM.index_);
    CHECK(sample_stage_text(sample_stage_at(SAMPLE_STAGE_COUNT)) == NULL);
    CHECK(sample_stage_text(sample_stage_at(1000)) == NULL);
}

/* A value that is none updates nothing, and harms nothing. */
static void use_no_value(void)
{
    uint64_t before = baro_misuse_count();
    sample_stage none = {200};

    sample_jobs_total_inc(none, SAMPLE_GRADE_A);
    sample_jobs_total_inc(sample_stage_at(77), SAMPLE_GRADE_A);
    CHECK(baro_misuse_count() >= before + 2);
}

static void use_metrics(void)
{
    static const char *const endpoints[] = {"/a", "/b", "/c", "/d", "/e"};

    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        sample_requests_total_inc(endpoints[i], "200", SAMPLE_REQUESTS_TOTAL_CLASS_DYNAMIC);
    }
    sample_jobs_total_inc(SAMPLE_STAGE_LOAD, SAMPLE_GRADE_A_PLUS);
    sample_jobs_total_add(SAMPLE_STAGE_LOAD, SAMPLE_GRADE_A_PLUS, 1.5);
    sample_heap_bytes_set(10);
    sample_heap_bytes_add(5);
    sample_heap_bytes_sub(1);
    sample_heap_bytes_inc();
    sample_heap_bytes_dec();
    sample_active_jobs_inc(SAMPLE_ACTIVE_JOBS_TYPE_UPLOAD);
    sample_took_seconds_observe(0.3);
    sample_request_duration_seconds_observe("/a", 0.5);
    sample_request_size_bytes_observe(100);
    sample_cells_total_inc(sample_cells_total_a_at(16), sample_cells_total_b_at(0),
                           SAMPLE_CELLS_TOTAL_VALUE_C3);
    sample_mode_select(SAMPLE_MODE_STATE_STARTING);
    sample_build_info_set("1.2", "abc");
    CHECK(baro_counter_value(sample_jobs_total_handle(SAMPLE_STAGE_LOAD, SAMPLE_GRADE_A_PLUS)) ==
          2.5);
}

static void use_helpers(void)
{
    sample_track_request("/a", 404, SAMPLE_REQUESTS_TOTAL_CLASS_STATIC, 0.01, 300);
    sample_track_end(SAMPLE_ACTIVE_JOBS_TYPE_RENDER, true, SAMPLE_GRADE_B, 4, NULL);
    sample_track_end(SAMPLE_ACTIVE_JOBS_TYPE_UPLOAD, false, SAMPLE_GRADE_B, 3, "disk \"full\"");
    sample_switch(SAMPLE_MODE_STATE_STOPPING);
}

static void use_remove(void)
{
    sample_active_jobs_inc(SAMPLE_ACTIVE_JOBS_TYPE_RENDER);
    CHECK(sample_active_jobs_remove(SAMPLE_ACTIVE_JOBS_TYPE_RENDER) == BARO_OK);
    CHECK(sample_active_jobs_remove(SAMPLE_ACTIVE_JOBS_TYPE_RENDER) == BARO_NO_SERIES);
    /* The table holds the handle of a series that is gone: the next update makes a new one. */
    sample_active_jobs_set(SAMPLE_ACTIVE_JOBS_TYPE_RENDER, 7);
}

int main(int argc, char **argv)
{
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    struct baro_expose_options options = {BARO_TEXT, false, NULL, 0};
    struct baro_why why = {""};
    char *text;

    if (argc > 1 && argv[1][0] == 'o') {
        options.format = BARO_OPENMETRICS;
    }
    use_values();
    if (baro_enabled()) {
        use_too_early();
    }
    CHECK(sample_register_why(registry, &why) == BARO_OK);
    CHECK(sample_register(registry) == BARO_OK);
    CHECK(why.text[0] == '\0');
    if (baro_enabled()) {
        use_no_value();
        use_metrics();
        use_helpers();
        use_remove();
        CHECK(sample_heap_bytes_family() == baro_family_find(registry, "sample_heap_bytes"));
    } else {
        sample_track_request("/a", 404, SAMPLE_REQUESTS_TOTAL_CLASS_STATIC, 0.01, 300);
    }
    text = baro_expose_alloc(registry, &options, NULL);
    (void)fputs(text != NULL ? text : "", stdout);
    free(text);
    (void)baro_registry_free(registry);
    return failures == 0 ? 0 : 1;
}
