/* Rules by selector: which one decides, when a block is cut, and that a store forgets what they no
 * longer keep, on disk too. */
#include "tsdb/retention_rules.h"

#include "base/log.h"
#include "base/num.h"
#include "sys/fs_fake.h"
#include "testing/test.h"
#include "tsdb/tsdb_priv.h"

static struct matcher equal(const char *name, const char *value)
{
    return (struct matcher){.op = MATCHER_EQUAL, .name = str_from(name), .value = str_from(value)};
}

static void add(struct retention_rules *rules, struct matcher matcher, dur keep)
{
    struct baro_error err = {0};

    assert_ok(retention_rules_add(rules, (struct matchers){&matcher, 1}, keep, &err), &err);
}

TEST(retention_rules_first_match_decides)
{
    static const struct {
        const char *name, *job, *dc;
        size_t want;
    } cases[] = {
        {"the first", "debug", "x", 0},
        {"both: the first", "debug", "a", 0},
        {"the second", "api", "a", 1},
        {"none", "api", "b", RETENTION_RULE_NONE},
    };
    CLEANUP(retention_rules_unrefp) struct retention_rules *rules = retention_rules_new();

    add(rules, equal("job", "debug"), DUR_DAY);
    add(rules, equal("dc", "a"), 90 * (dur)DUR_DAY);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct label labels[] = {{STR("dc"), str_from(cases[i].dc)},
                                 {STR("job"), str_from(cases[i].job)}};

        test_row(cases[i].name);
        assert_true(retention_rules_find(rules, (struct labels){labels, 2}) == cases[i].want);
    }
    test_row(NULL);
    assert_true(retention_rules_find(NULL, (struct labels){0}) == RETENTION_RULE_NONE);
    assert_int_equal(retention_rules_longest(rules, 15 * (dur)DUR_DAY), 90 * (dur)DUR_DAY);
    assert_int_equal(retention_rules_longest(rules, 0), 0);
    assert_int_equal(retention_rules_longest(NULL, 5), 5);
    assert_int_equal(retention_rules_count(rules), 2);
    assert_int_equal(retention_rules_keep(rules, 0), DUR_DAY);
}

TEST(retention_cutoff_moves_in_steps)
{
    static const struct {
        const char *name;
        dur keep;
        ts mint, maxt, newest;
        dur least;
        ts want;
    } cases[] = {
        {"for ever", 0, 0, 800, 5000, 10, INT64_MIN},
        {"all of it is kept", 5000, 0, 800, 5000, 10, INT64_MIN},
        {"a step is not full", 4950, 0, 800, 5000, 10, INT64_MIN},
        {"a step", 4899, 0, 800, 5000, 10, 100},
        {"two steps", 4760, 0, 800, 5000, 10, 200},
        {"coarser steps", 4760, 0, 800, 5000, 150, 150},
        {"all of it goes", 4200, 0, 800, 5000, 10, 800},
        {"long ago", 1, 0, 800, 5000, 10, 800},
        {"before the beginning of time", INT64_MAX, 0, 800, -5000, 10, INT64_MIN},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_row(cases[i].name);
        assert_true(retention_cutoff(cases[i].keep, cases[i].mint, cases[i].maxt, cases[i].newest,
                                     cases[i].least) == cases[i].want);
    }
    test_row(NULL);
}

enum { STEP = 1000, RANGE = 40 * STEP };

static void scrape(struct tsdb *tsdb, ts t)
{
    static const char *const jobs[] = {"debug", "api", "bill"};
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);

    for (size_t i = 0; i < 3; i++) {
        struct label items[] = {{STR("__name__"), STR("m")}, {STR("job"), str_from(jobs[i])}};
        double v = (double)t;
        series_ref ref = 0;
        uint8_t status = 0;
        struct append_batch batch = {.refs = &ref, .t = &t, .v = &v, .count = 1, .status = &status};

        assert_true(appender->ops->series(appender, (struct labels){items, 2}, &ref, NULL) >= 0);
        assert_int_equal(appender->ops->samples(appender, &batch, NULL), 0);
    }
    assert_int_equal(appender->ops->commit(appender, NULL), 0);
    appender->ops->free(appender);
}

/* The first time that a job has a sample at; INT64_MAX when it has none. */
static ts first_of(struct tsdb *tsdb, const char *job)
{
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct matcher matcher = equal("job", job);
    struct querier *querier = NULL;
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct arena arena = {0};
    ts first = INT64_MAX;

    assert_int_equal(queryable->querier(queryable, 0, INT64_MAX, &querier, NULL), 0);
    assert_int_equal(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1},
                                          NULL, &list, NULL),
                     0);
    if (list.count > 0) {
        assert_int_equal(
            querier->ops->samples(querier, &list.items[0], 0, INT64_MAX, &samples, NULL), 0);
        first = samples.count > 0 ? samples.t[0] : INT64_MAX;
    }
    querier_close(querier);
    sample_buf_done(&samples);
    arena_done(&arena);
    return first;
}

static uint64_t bytes_of_blocks(struct tsdb *tsdb)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    uint64_t bytes = 0;

    for (size_t i = 0; i < list->count; i++) {
        bytes += block_bytes(list->items[i]);
    }
    tsdb_blocks_unref(list);
    return bytes;
}

/* debug is kept for two ranges, bill for ever so long, the rest for six ranges. */
TEST(tsdb_keeps_what_the_rules_say)
{
    CLEANUP(retention_rules_unrefp) struct retention_rules *rules = retention_rules_new();
    struct fs_fake *fake = fs_fake_new(3);
    struct tsdb_options options = {
        .no_sync_thread = true,
        .chunk_range = RANGE,
        .retention = 6 * (dur)RANGE,
        .retention_rules = rules,
        .fs = fs_fake_fs(fake),
        .querier_wait = 1,
        .no_snapshot = true,
    };
    struct baro_error err = {0};
    struct tsdb *tsdb = NULL;
    uint64_t before;

    add(rules, equal("job", "debug"), 2 * (dur)RANGE);
    add(rules, equal("job", "bill"), 1000 * (dur)RANGE);
    log_setup(LOG_ERROR, LOG_LOGFMT);
    assert_ok(tsdb_open("data", &options, &tsdb, &err), &err);
    for (ts t = 0; t < 20 * RANGE; t += STEP) {
        scrape(tsdb, t);
        if (t % RANGE == RANGE - STEP) {
            assert_ok(tsdb_compact(tsdb, &err), &err);
        }
    }
    /* The newest block ends one range and a half before the newest sample at least. */
    assert_in_range(first_of(tsdb, "debug"), 15 * RANGE, 18 * RANGE);
    assert_in_range(first_of(tsdb, "api"), 10 * RANGE, 14 * RANGE);
    assert_int_equal(first_of(tsdb, "bill"), 0);
    /* A rule that comes later frees space as well, and a whole job. */
    before = bytes_of_blocks(tsdb);
    rules = retention_rules_unref(rules);
    rules = retention_rules_new();
    add(rules, equal("job", "bill"), RANGE);
    tsdb_set_retention_rules(tsdb, retention_rules_ref(rules));
    assert_ok(tsdb_compact(tsdb, &err), &err);
    assert_in_range(first_of(tsdb, "bill"), 16 * RANGE, 19 * RANGE);
    assert_true(bytes_of_blocks(tsdb) < before);
    (void)tsdb_free(tsdb);
    /* And it is so on the disk. */
    options.retention_rules = rules;
    assert_ok(tsdb_open("data", &options, &tsdb, &err), &err);
    assert_in_range(first_of(tsdb, "bill"), 16 * RANGE, 19 * RANGE);
    (void)tsdb_free(tsdb);
    log_setup(LOG_INFO, LOG_LOGFMT);
    (void)fs_fake_free(fake);
}
