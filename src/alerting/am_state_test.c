#include "alerting/am_state.h"

#include <stdio.h>

#include "sys/db.h"
#include "testing/test.h"

/* What load has found. */
struct found {
    struct am_store store;
    int64_t rows[4];
    size_t count;
};

static void found_alert(void *context, const struct am_alert *alert, int64_t row)
{
    struct found *found = context;

    assert_in_range(found->count, 0, 3);
    found->rows[found->count++] = row;
    assert_non_null(am_store_load(&found->store, alert, row));
}

static struct am_state *opened(const char *path, struct found *ret)
{
    const struct am_state_reader reader = {.alert = found_alert, .context = ret};
    struct am_state *state = NULL;
    size_t bad = 0;
    ts alive = 0;

    *ret = (struct found){0};
    assert_return_code(am_state_open(path, &state, NULL), 0);
    assert_return_code(am_state_load(state, &reader, &alive, &bad, NULL), 0);
    assert_return_code(am_state_start(state, NULL), 0);
    assert_int_equal(bad, 0);
    return state;
}

static struct am_alert alert_of(const char *name, ts ends)
{
    static struct label items[1];
    struct am_alert alert = {.starts_at = 1, .ends_at = ends, .updated_at = 1};

    items[0] = (struct label){STR("alertname"), str_from(name)};
    alert.labels = (struct labels){items, 1};
    alert.fingerprint = am_fingerprint(alert.labels);
    return alert;
}

TEST(am_state_takes_files_whose_alerts_lie_by_fingerprint)
{
    struct found found = {0};
    struct am_state *file = NULL;
    struct db *db = NULL;
    struct am_alert alert;
    struct am_kept *kept = NULL;
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/alerting.db", test_dir());
    assert_return_code(
        db_open(
            path,
            "CREATE TABLE alerts(fingerprint INTEGER PRIMARY KEY, starts INTEGER, ends INTEGER,"
            " updated INTEGER, timeout INTEGER, labels TEXT, annotations TEXT, generator TEXT);"
            "INSERT INTO alerts VALUES(-7,10,20,15,1,'{\"alertname\":\"a\"}','{}','u');"
            "INSERT INTO alerts VALUES(9223372036854775807,1,2,3,0,'{\"alertname\":\"b\"}','{}',"
            "'');",
            DB_SYNC_NORMAL, &db, NULL),
        0);
    db = db_close(db);

    file = opened(path, &found);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.rows[0], 1);
    assert_int_equal(found.rows[1], 2);
    alert = alert_of("a", 0);
    kept = am_store_get(&found.store, alert.fingerprint);
    assert_int_equal(kept->alert.starts_at, 10);
    assert_int_equal(kept->alert.ends_at, 20);
    assert_true(kept->alert.ends_by_time_out);
    assert_str_equal(kept->alert.generator_url, STR("u"));

    /* One goes, one changes, one is new. */
    am_state_alert_gone(file, kept);
    alert = alert_of("b", 99);
    am_state_alert(file, am_store_put(&found.store, &alert, 5), true);
    alert = alert_of("c", 77);
    kept = am_store_put(&found.store, &alert, 5);
    am_state_alert(file, kept, false);
    assert_int_equal(kept->row, 3);
    am_store_done(&found.store);
    file = am_state_close(file);

    file = opened(path, &found);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.rows[0], 2);
    assert_int_equal(found.rows[1], 3);
    alert = alert_of("b", 0);
    assert_int_equal(am_store_get(&found.store, alert.fingerprint)->alert.ends_at, 99);
    alert = alert_of("c", 0);
    assert_int_equal(am_store_get(&found.store, alert.fingerprint)->alert.ends_at, 77);
    am_store_done(&found.store);
    file = am_state_close(file);
}
