#include "base/mem.h"
#include "exporter/exporter_test.h"
#include "exporter/redis.h"
#include "exporter/redis_info.h"
#include "testing/test.h"

static void collect_info(void *context, struct emit *emit)
{
    redis_info_collect(emit, str_from(context));
}

TEST(redis_info_becomes_metrics)
{
    static char info[] =
        "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n"
        "server_time_usec:2000500000\r\nuptime_in_seconds:1000\r\n"
        "# Clients\r\nconnected_clients:3\r\n# Memory\r\nused_memory:900\r\n"
        "maxmemory:1000\r\nmaxmemory_policy:allkeys-lru\r\n"
        "# Persistence\r\nrdb_last_bgsave_status:ok\r\naof_last_write_status:err\r\n"
        "# Stats\r\nkeyspace_hits:5\r\nkeyspace_misses:x\r\nevicted_keys:2\r\n"
        "# Replication\r\nrole:master\r\n"
        "slave0:ip=10.0.0.2,port=6380,state=online,offset=77,lag=1\r\nslave1:broken\r\n"
        "# Commandstats\r\ncmdstat_get:calls=4,usec=2000000,usec_per_call=1,"
        "rejected_calls=0,failed_calls=1\r\n"
        "# Errorstats\r\nerrorstat_ERR:count=6\r\n"
        "# Keyspace\r\ndb0:keys=10,expires=4,avg_ttl=2500\r\nunknown:1\r\nnonsense\r\n";
    static const char *const wanted[] = {
        "redis_instance_info{role=\"master\",redis_version=\"7.0.15\",redis_build_id=\"\",redis_"
        "mode="
        "\"standalone\",os=\"\",maxmemory_policy=\"allkeys-lru\",tcp_port=\"\",run_id=\"\","
        "master_replid=\"\"} 1",
        "redis_connected_clients 3",
        "redis_memory_used_bytes 900",
        "redis_memory_max_bytes 1000",
        "redis_rdb_last_bgsave_status 1",
        "redis_aof_last_write_status 0",
        "# TYPE redis_keyspace_hits_total counter",
        "redis_keyspace_hits_total 5",
        "redis_evicted_keys_total 2",
        "redis_commands_total{cmd=\"get\"} 4",
        "redis_commands_duration_seconds_total{cmd=\"get\"} 2",
        "redis_commands_failed_calls_total{cmd=\"get\"} 1",
        "redis_errors_total{err=\"ERR\"} 6",
        "redis_db_keys{db=\"db0\"} 10",
        "redis_db_keys_expiring{db=\"db0\"} 4",
        "redis_db_avg_ttl_seconds{db=\"db0\"} 2.5",
        "redis_connected_slave_offset_bytes{slave_ip=\"10.0.0.2\",slave_port=\"6380\",slave_state="
        "\"online\"} 77",
        "redis_connected_slave_lag_seconds{slave_ip=\"10.0.0.2\",slave_port=\"6380\",slave_state="
        "\"online\"} 1",
        "redis_start_time_seconds 1000.5",
        NULL,
    };
    char *text = exporter_collect_text(collect_info, info);

    exporter_expect(text, wanted);
    assert_null(strstr(text, "misses"));
    assert_null(strstr(text, "unknown"));
    mem_free(text);
}

TEST(redis_addresses_are_checked)
{
    static const struct {
        const char *address;
        const char *fault; /* NULL = good */
    } cases[] = {
        {"redis://127.0.0.1:6379", NULL},
        {"redis://127.0.0.1", NULL},
        {"127.0.0.1:7000", NULL},
        {"redis://user:p%40ss@[::1]:7000/3", NULL},
        {"redis://:secret@host/0", NULL},
        {"unix:///run/redis.sock", NULL},
        {"", NULL},
        {"http://x", "redis://HOST:PORT"},
        {"unix://relative", "redis://HOST:PORT"},
        {"rediss://x", "TLS"},
        {"redis://x:0", "numbers"},
        {"redis://x:70000", "numbers"},
        {"redis://x:abc", "numbers"},
        {"redis://x/db", "numbers"},
        {"redis://x/-1", "numbers"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct redis_options options = {
            .address = str_from(cases[i].address), .user = STR(""), .password = STR("")};
        struct redis_exporter *redis = NULL;
        struct baro_error err = {0};
        int r = redis_exporter_new(&options, &redis, &err);

        test_row(cases[i].address);
        assert_int_equal(r < 0, cases[i].fault != NULL);
        assert_true(cases[i].fault == NULL || strstr(err.message, cases[i].fault) != NULL);
        redis = redis_exporter_free(redis);
    }
    test_row(NULL);
}

TEST(redis_that_nobody_serves_is_down)
{
    static const char *const wanted[] = {"redis_up 0", "redis_exporter_scrapes_total 1", NULL};
    const struct redis_options options = {.address = STR("unix:///nowhere/redis.sock"),
                                          .user = STR(""),
                                          .password = STR(""),
                                          .timeout = 500};
    struct redis_exporter *redis = NULL;
    struct baro_error err = {0};
    char *text;

    assert_ok(redis_exporter_new(&options, &redis, &err), &err);
    text = exporter_collect_text(redis_collect, redis);
    exporter_expect(text, wanted);
    assert_non_null(strstr(text, "redis_exporter_last_scrape_error{err=\""));
    mem_free(text);
    redis = redis_exporter_free(redis);
}
