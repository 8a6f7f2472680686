#include "alerting/am_store.h"

#include "testing/test.h"

static const struct label pair[] = {{STR_INIT("alertname"), STR_INIT("x")}};

static struct am_alert alert_of(ts starts, ts ends, ts updated, bool time_out)
{
    struct labels labels = {pair, 1};

    return (struct am_alert){.labels = labels,
                             .starts_at = starts,
                             .ends_at = ends,
                             .updated_at = updated,
                             .ends_by_time_out = time_out,
                             .fingerprint = am_fingerprint(labels)};
}

/* The rules of Alertmanager's Alert.Merge and of its provider: only overlapping reports merge. */
TEST(am_store_merges_what_overlaps)
{
    static const struct {
        const char *name;
        struct {
            ts starts, ends, updated;
            bool time_out;
        } a, b;
        ts now;
        ts want_starts, want_ends;
    } cases[] = {
        {"the same again", {10, 100, 1, true}, {10, 110, 2, true}, 50, 10, 110},
        {"a later start keeps the earlier one",
         {10, 100, 1, true},
         {20, 120, 2, true},
         50,
         10,
         120},
        {"an explicit end that is later rules",
         {10, 100, 1, false},
         {10, 90, 2, true},
         50,
         10,
         100},
        {"a time-out that is later does not", {10, 100, 1, true}, {10, 90, 2, true}, 50, 10, 90},
        {"resolved", {10, 100, 1, true}, {10, 40, 2, false}, 50, 10, 40},
        {"both resolved: the later end", {10, 45, 1, false}, {10, 40, 2, false}, 50, 10, 45},
        {"no overlap: a new one", {10, 40, 1, false}, {60, 100, 2, true}, 70, 60, 100},
        {"an older report", {20, 100, 5, true}, {10, 90, 2, true}, 50, 10, 100},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct am_store store = {0};
        struct am_alert a =
            alert_of(cases[i].a.starts, cases[i].a.ends, cases[i].a.updated, cases[i].a.time_out);
        struct am_alert b =
            alert_of(cases[i].b.starts, cases[i].b.ends, cases[i].b.updated, cases[i].b.time_out);
        const struct am_kept *kept;

        test_row(cases[i].name);
        (void)am_store_put(&store, &a, cases[i].now);
        kept = am_store_put(&store, &b, cases[i].now);
        assert_int_equal(kept->alert.starts_at, cases[i].want_starts);
        assert_int_equal(kept->alert.ends_at, cases[i].want_ends);
        assert_int_equal(store.alerts.count, 1);
        am_store_done(&store);
    }
    test_row(NULL);
}

static void count_gone(void *context, struct am_kept *kept)
{
    *(ts *)context += kept->alert.ends_at;
}

TEST(am_store_forgets_what_is_resolved)
{
    struct am_store store = {0};
    struct am_alert alert = alert_of(10, 100, 1, true);
    struct am_kept *held;
    ts gone = 0;

    held = am_kept_ref(am_store_put(&store, &alert, 50));
    am_store_gc(&store, 99, count_gone, &gone);
    assert_int_equal(gone, 0);
    am_store_gc(&store, 100, count_gone, &gone);
    assert_int_equal(gone, 100);
    assert_null(am_store_get(&store, alert.fingerprint));
    assert_str_equal(labels_get(held->alert.labels, STR("alertname")), STR("x"));
    am_kept_unref(held);
    am_store_done(&store);
}
