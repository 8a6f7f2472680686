#include "alerting/am_nflog.h"

#include "testing/test.h"

/* Alertmanager's rules of DedupStage.needsUpdate, a row each. */
TEST(am_nflog_reason_says_when_to_tell)
{
    static const uint64_t ab[] = {1, 2};
    static const uint64_t a[] = {1};
    static const uint64_t b[] = {2};
    static const struct {
        const char *name;
        bool has_entry;
        struct am_group_state was, is;
        bool send_resolved;
        ts now; /* the entry is of 1000, the repeat interval 100 */
        enum am_reason want;
    } cases[] = {
        {"first", false, {0}, {a, 1, NULL, 0}, true, 1000, AM_REASON_FIRST},
        {"first, but over", false, {0}, {NULL, 0, a, 1}, true, 1000, AM_REASON_NONE},
        {"the same", true, {a, 1, NULL, 0}, {a, 1, NULL, 0}, true, 1100, AM_REASON_NONE},
        {"the same, later", true, {a, 1, NULL, 0}, {a, 1, NULL, 0}, true, 1101, AM_REASON_REPEAT},
        {"another one", true, {a, 1, NULL, 0}, {ab, 2, NULL, 0}, true, 1001, AM_REASON_NEW},
        {"fewer", true, {ab, 2, NULL, 0}, {a, 1, NULL, 0}, true, 1001, AM_REASON_NONE},
        {"one over", true, {ab, 2, NULL, 0}, {a, 1, b, 1}, true, 1001, AM_REASON_RESOLVED},
        {"one over, not wanted", true, {ab, 2, NULL, 0}, {a, 1, b, 1}, false, 1001, AM_REASON_NONE},
        {"one over, told", true, {a, 1, b, 1}, {a, 1, b, 1}, true, 1001, AM_REASON_NONE},
        {"all over", true, {a, 1, NULL, 0}, {NULL, 0, a, 1}, true, 1001, AM_REASON_ALL_RESOLVED},
        {"all over, not wanted",
         true,
         {a, 1, NULL, 0},
         {NULL, 0, a, 1},
         false,
         1001,
         AM_REASON_ALL_RESOLVED},
        {"all over, told", true, {NULL, 0, a, 1}, {NULL, 0, ab, 2}, true, 5000, AM_REASON_NONE},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct am_nflog_entry entry = {.timestamp = 1000,
                                             .firing = cases[i].was.firing,
                                             .firing_count = cases[i].was.firing_count,
                                             .resolved = cases[i].was.resolved,
                                             .resolved_count = cases[i].was.resolved_count};

        test_row(cases[i].name);
        assert_int_equal(am_nflog_reason(cases[i].has_entry ? &entry : NULL, &cases[i].is,
                                         cases[i].send_resolved, 100, cases[i].now),
                         cases[i].want);
    }
    test_row(NULL);
}

/* The program was killed about the time of its first notification: firing is told, again perhaps,
 * and so is its end. */
TEST(am_nflog_reason_after_an_intent_alone)
{
    static const uint64_t ab[] = {1, 2};
    const struct am_nflog_entry entry = {
        .timestamp = AM_NFLOG_INTENT, .firing = ab, .firing_count = 2};
    const struct am_group_state same = {ab, 2, NULL, 0};
    const struct am_group_state fewer = {ab, 1, ab + 1, 1};
    const struct am_group_state over = {NULL, 0, ab, 2};

    assert_int_equal(am_nflog_reason(&entry, &same, true, 100, 50), AM_REASON_FIRST);
    assert_int_equal(am_nflog_reason(&entry, &fewer, true, 100, 50), AM_REASON_FIRST);
    assert_int_equal(am_nflog_reason(&entry, &over, true, 100, 50), AM_REASON_ALL_RESOLVED);
}

static void count_gone(void *context, UNUSED const struct am_nflog_entry *entry)
{
    ++*(int *)context;
}

TEST(am_nflog_keeps_the_younger_until_it_expires)
{
    static const uint64_t hashes[] = {7, 8, 9};
    struct am_nflog log = {0};
    struct am_nflog_entry entry = {.key = STR("k"),
                                   .timestamp = 100,
                                   .expires_at = 200,
                                   .firing = hashes,
                                   .firing_count = 2,
                                   .resolved = hashes + 2,
                                   .resolved_count = 1,
                                   .thread_id = STR("t")};
    const struct am_nflog_entry *got;
    int gone = 0;

    assert_non_null(am_nflog_put(&log, &entry));
    entry.timestamp = 99;
    assert_null(am_nflog_put(&log, &entry));
    entry.timestamp = 101;
    entry.firing_count = 1;
    assert_non_null(am_nflog_put(&log, &entry));
    got = am_nflog_get(&log, STR("k"));
    assert_int_equal(got->timestamp, 101);
    assert_int_equal(got->firing_count, 1);
    assert_int_equal(got->firing[0], 7);
    assert_int_equal(got->resolved[0], 9);
    assert_str_equal(got->thread_id, STR("t"));
    assert_int_equal(am_nflog_gc(&log, 199, count_gone, &gone), 0);
    assert_int_equal(am_nflog_gc(&log, 200, count_gone, &gone), 1);
    assert_int_equal(gone, 1);
    assert_null(am_nflog_get(&log, STR("k")));
    am_nflog_done(&log);
}
