#include "promql/query_registry.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/fs.h"
#include "testing/test.h"

static void begin(struct query_registry *registry, struct running_query *query, const char *text)
{
    *query = (struct running_query){.text = str_from(text),
                                    .kind = "instant",
                                    .client = STR("127.0.0.1"),
                                    .begun = 1700000000123};
    query_registry_begin(registry, query);
}

TEST(query_registry_lists_and_kills)
{
    CLEANUP(query_registry_freep) struct query_registry *registry = query_registry_new();
    struct running_query queries[3];
    struct arena arena = {0};
    struct query_listing *list;
    size_t count = 0;

    begin(registry, &queries[0], "up");
    begin(registry, &queries[1], "rate(x[5m])");
    begin(registry, &queries[2], "1");
    query_registry_end(registry, &queries[1]);
    list = query_registry_list(registry, &arena, &count);
    assert_int_equal(count, 2);
    assert_str_equal(list[0].text, STR("up"));
    assert_str_equal(list[1].text, STR("1"));
    assert_true(list[0].running_ns >= list[1].running_ns);
    assert_true(query_registry_kill(registry, list[1].id));
    assert_false(query_registry_kill(registry, queries[1].id));
    assert_false(atomic_load(&queries[0].killed));
    assert_true(atomic_load(&queries[2].killed));
    query_registry_end(registry, &queries[0]);
    query_registry_end(registry, &queries[2]);
    (void)query_registry_list(registry, &arena, &count);
    assert_int_equal(count, 0);
    arena_done(&arena);
}

TEST(query_registry_tells_what_ran_at_a_crash)
{
    struct query_registry *registry = query_registry_new();
    struct running_query queries[3];
    struct baro_error err = {0};
    struct buf left = {0};
    char path[512];
    char text[3000];

    (void)snprintf(path, sizeof(path), "%s/queries.active", test_dir());
    memset(text, '"', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_ok(query_registry_track(registry, fs_real(), path, &left, &err), &err);
    assert_int_equal(left.len, 0);
    begin(registry, &queries[0], "up, {a=\"}\"}");
    begin(registry, &queries[1], "done");
    begin(registry, &queries[2], text);
    query_registry_end(registry, &queries[1]);
    begin(registry, &queries[1], "b"); /* nothing is left of the longer one in its slot */
    /* The program ends here without a word. */
    (void)query_registry_free(registry);
    registry = query_registry_new();
    assert_ok(query_registry_track(registry, fs_real(), path, &left, &err), &err);
    assert_true(str_has_prefix(
        buf_view(&left), STR("{\"query\":\"up, {a=\\\"}\\\"}\",\"timestamp_sec\":1700000000}\n"
                             "{\"query\":\"b\",\"timestamp_sec\":1700000000}\n"
                             "{\"query\":\"\\\"")));
    assert_true(left.len > 500 && left.len < 1200);
    buf_reset(&left);
    (void)query_registry_free(registry);
    registry = query_registry_new();
    assert_ok(query_registry_track(registry, fs_real(), path, &left, &err), &err);
    assert_int_equal(left.len, 0);
    assert_true(query_registry_track(registry, fs_real(), "/nonexistent/x", &left, &err) < 0);
    (void)query_registry_free(registry);
    buf_done(&left);
}
