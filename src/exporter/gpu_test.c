#include "base/mem.h"
#include "exporter/exporter_test.h"
#include "exporter/gpu.h"
#include "exporter/postgres.h"
#include "exporter/postgres_queries.h"
#include "testing/test.h"

TEST(gpu_that_is_simulated_says_so_and_follows_the_host)
{
    static const char *const first[] = {
        "nvidia_gpu_num_devices 1",
        "nvidia_gpu_duty_cycle{minor_number=\"0\",name=\"simulated\",uuid=\"simulated-0\"} 50",
        "nvidia_gpu_temperature_celsius{minor_number=\"0\",name=\"simulated\",uuid=\"simulated-0\"}"
        " "
        "60",
        "nvidia_gpu_memory_used_bytes{minor_number=\"0\",name=\"simulated\",uuid=\"simulated-0\"} "
        "768000",
        "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",modelName=\"simulated\",UUID=\"simulated-0\"} 50",
        NULL,
    };
    static const char *const second[] = {
        "nvidia_gpu_duty_cycle{minor_number=\"0\",name=\"simulated\",uuid=\"simulated-0\"} 100",
        "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\",modelName=\"simulated\",UUID=\"simulated-0\"} 41.5",
        NULL,
    };
    const char *root = test_dir();
    struct gpu_exporter *gpu = NULL;
    struct baro_error err = {0};
    char *text;

    exporter_put(root, "/proc/stat", "cpu  30 0 20 40 10 0 0 0 0 0\n");
    exporter_put(root, "/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n");
    assert_ok(gpu_exporter_new(true, root, &gpu, &err), &err);
    text = exporter_collect_text(gpu_collect, gpu);
    exporter_expect(text, first);
    mem_free(text);
    exporter_put(root, "/proc/stat", "cpu  130 0 20 40 10 0 0 0 0 0\n");
    exporter_put(root, "/sys/class/thermal/thermal_zone0/temp", "41500\n");
    text = exporter_collect_text(gpu_collect, gpu);
    exporter_expect(text, second);
    assert_null(strstr(text, "fanspeed_percent{"));
    mem_free(text);
    gpu = gpu_exporter_free(gpu);
}

TEST(postgres_queries_are_whole)
{
    for (size_t i = 0; i < pg_query_count; i++) {
        bool labels_end = false;
        size_t count = 0;

        test_row(pg_queries[i].collector);
        assert_true(i == 0 || strcmp(pg_queries[i - 1].collector, pg_queries[i].collector) < 0);
        for (; pg_queries[i].columns[count].name != NULL; count++) {
            const struct pg_column *column = &pg_queries[i].columns[count];

            labels_end = labels_end || column->type != 0;
            assert_true(labels_end == (column->type != 0)); /* labels come first */
            assert_true((column->help != NULL) == (column->type != 0));
        }
        assert_true(labels_end && count <= PG_COLUMNS_MAX);
    }
    test_row(NULL);
}

TEST(postgres_that_nobody_serves_is_down)
{
    static const char *const wanted[] = {"pg_up 0", "pg_exporter_last_scrape_error 1", NULL};
    struct postgres_exporter *postgres = NULL;
    struct baro_error err = {0};
    const struct postgres_options none = {STR("nonsense://user:secret@"), 0};
    const struct postgres_options dead = {STR("host=/nowhere user=x dbname=x"), 2000};
    char *text;

    assert_int_equal(postgres_exporter_new(&none, &postgres, &err), BARO_EINVALID);
    assert_null(strstr(err.message, "secret"));
    assert_ok(postgres_exporter_new(&dead, &postgres, &err), &err);
    text = exporter_collect_text(postgres_collect, postgres);
    exporter_expect(text, wanted);
    mem_free(text);
    postgres = postgres_exporter_free(postgres);
}
