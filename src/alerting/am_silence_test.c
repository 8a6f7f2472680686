#include "alerting/am_silence.h"

#include "testing/test.h"

static const struct am_silence_matcher matcher_a[] = {
    {MATCHER_EQUAL, STR_INIT("a"), STR_INIT("b")}};
static const struct am_silence_matcher matcher_r[] = {
    {MATCHER_REGEX, STR_INIT("a"), STR_INIT("b")}};

static struct am_silence_spec spec_of(str id, ts starts, ts ends)
{
    return (struct am_silence_spec){.id = id,
                                    .matchers = matcher_a,
                                    .matcher_count = 1,
                                    .starts_at = starts,
                                    .ends_at = ends,
                                    .created_by = STR("me"),
                                    .comment = STR("why")};
}

/* What may change under the same id, and what makes another silence. Times are in seconds. */
TEST(am_silences_set_keeps_the_past)
{
    static const struct {
        const char *name;
        ts starts, ends; /* of the first, made at 100 */
        ts at;           /* when it is changed */
        ts new_starts, new_ends;
        bool other_matcher;
        bool want_same_id;
        enum am_silence_state want_old;
    } cases[] = {
        {"longer", 100, 200, 150, 100, 300, false, true, AM_SILENCE_ACTIVE},
        {"shorter", 100, 200, 150, 100, 160, false, true, AM_SILENCE_ACTIVE},
        {"another begin", 100, 200, 150, 120, 300, false, false, AM_SILENCE_EXPIRED},
        {"other matchers", 100, 200, 150, 100, 300, true, false, AM_SILENCE_EXPIRED},
        {"pending, moved", 200, 300, 150, 180, 400, false, true, AM_SILENCE_PENDING},
        {"pending, begins at once", 200, 300, 150, 120, 400, false, false, AM_SILENCE_EXPIRED},
        {"expired", 100, 120, 150, 150, 400, false, false, AM_SILENCE_EXPIRED},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct am_silences silences;
        struct am_silence_spec spec =
            spec_of(STR_NULL, cases[i].starts * 1000, cases[i].ends * 1000);
        const struct am_silence *silence = NULL;
        struct baro_error err = {0};
        char id[AM_SILENCE_ID_BYTES];

        test_row(cases[i].name);
        am_silences_init(&silences, i);
        assert_ok(am_silences_set(&silences, &spec, 100000, &silence, &err), &err);
        memcpy(id, silence->id.ptr, sizeof(id));
        spec = spec_of(str_from(id), cases[i].new_starts * 1000, cases[i].new_ends * 1000);
        spec.matchers = cases[i].other_matcher ? matcher_r : matcher_a;
        assert_ok(am_silences_set(&silences, &spec, cases[i].at * 1000, &silence, &err), &err);
        assert_int_equal(str_is(silence->id, id), cases[i].want_same_id);
        assert_int_equal(silences.items.count, cases[i].want_same_id ? 1 : 2);
        assert_int_equal(
            am_silence_state_of(am_silences_get(&silences, str_from(id)), cases[i].at * 1000),
            cases[i].want_old);
        am_silences_done(&silences);
    }
    test_row(NULL);
}

TEST(am_silences_refuse_what_is_wrong)
{
    static const struct am_silence_matcher empty[] = {{MATCHER_EQUAL, STR_INIT("a"), STR_INIT("")}};
    static const struct am_silence_matcher bad[] = {{MATCHER_REGEX, STR_INIT("a"), STR_INIT("(")}};
    static const struct am_silence_matcher no_name[] = {
        {MATCHER_EQUAL, STR_INIT(""), STR_INIT("b")}};
    static const struct {
        const char *name;
        const struct am_silence_matcher *matchers;
        size_t count;
        ts starts, ends;
        const char *id;
        int want;
        const char *message;
    } cases[] = {
        {"no matcher", matcher_a, 0, 0, 500, "", BARO_EINVALID, "at least one matcher required"},
        {"matches all", empty, 1, 0, 500, "", BARO_EINVALID,
         "at least one matcher must not match the empty string"},
        {"bad regex", bad, 1, 0, 500, "", BARO_EPARSE, "invalid label matcher 0"},
        {"no name", no_name, 1, 0, 500, "", BARO_EINVALID, "invalid label name"},
        {"backwards", matcher_a, 1, 400, 300, "", BARO_EINVALID,
         "end time must not be before start time"},
        {"unknown", matcher_a, 1, 0, 500, "nobody", BARO_ENOTFOUND, "silence nobody not found"},
        {"one too many", matcher_a, 1, 0, 500, "", BARO_ELIMIT,
         "exceeded maximum number of silences: 1 (limit: 1)"},
    };
    struct am_silences silences;
    struct am_silence_spec good = spec_of(STR_NULL, 0, 500);
    const struct am_silence *silence = NULL;
    struct baro_error err = {0};

    am_silences_init(&silences, 1);
    silences.count_max = 1;
    assert_ok(am_silences_set(&silences, &good, 100, &silence, &err), &err);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct am_silence_spec spec =
            spec_of(str_from(cases[i].id), cases[i].starts, cases[i].ends);

        test_row(cases[i].name);
        spec.matchers = cases[i].matchers;
        spec.matcher_count = cases[i].count;
        assert_int_equal(am_silences_set(&silences, &spec, 100, &silence, &err), cases[i].want);
        assert_true(str_contains(str_from(err.message), str_from(cases[i].message)));
    }
    test_row(NULL);
    assert_int_equal(silences.items.count, 1);
    am_silences_done(&silences);
}

TEST(am_silences_know_who_is_covered)
{
    static const struct label pair[] = {{STR_INIT("a"), STR_INIT("b")}};
    const struct labels labels = {pair, 1};
    struct am_silences silences;
    struct am_silence_spec spec = spec_of(STR_NULL, 200, 300);
    const struct am_silence *silence = NULL;
    struct baro_error err = {0};
    am_strs ids = {0};
    uint64_t version;

    am_silences_init(&silences, 7);
    assert_ok(am_silences_set(&silences, &spec, 100, &silence, &err), &err);
    am_silences_refresh(&silences, 199);
    assert_false(am_silences_match(&silences, labels, NULL));
    version = silences.version;
    am_silences_refresh(&silences, 199);
    assert_int_equal(silences.version, version);
    am_silences_refresh(&silences, 200);
    assert_true(silences.version != version);
    assert_true(am_silences_match(&silences, labels, &ids));
    assert_int_equal(ids.count, 1);
    assert_str_equal(ids.items[0], silence->id);
    am_silences_refresh(&silences, 301);
    assert_false(am_silences_match(&silences, labels, NULL));
    assert_int_equal(am_silences_expire(&silences, silence->id, 301, &err), BARO_EINVALID);
    assert_int_equal(am_silences_gc(&silences, 300, 301), 0);
    assert_int_equal(am_silences_gc(&silences, 301, 302), 1);
    vec_done(&ids);
    am_silences_done(&silences);
}

TEST(am_silences_merge_takes_the_younger)
{
    struct am_silences silences;
    struct am_silence_spec spec = spec_of(STR("0c5c4b6e-0000-4000-8000-000000000001"), 100, 300);
    struct baro_error err = {0};

    am_silences_init(&silences, 7);
    spec.updated_at = 10;
    assert_int_equal(am_silences_merge(&silences, &spec, 50, &err), 1);
    assert_int_equal(am_silences_merge(&silences, &spec, 50, &err), 0);
    spec.updated_at = 11;
    spec.ends_at = 400;
    assert_int_equal(am_silences_merge(&silences, &spec, 50, &err), 1);
    assert_int_equal(am_silences_get(&silences, spec.id)->ends_at, 400);
    spec.updated_at = 9;
    assert_int_equal(am_silences_merge(&silences, &spec, 50, &err), 0);
    spec.updated_at = 12;
    spec.ends_at = INT64_MAX;
    assert_int_equal(am_silences_merge(&silences, &spec, 50, &err), BARO_EINVALID);
    am_silences_done(&silences);
}

/* 22:00 to 24:00 UTC, every day; times in minutes of 1970-01-01. */
TEST(am_silences_recur)
{
    static const struct label pair[] = {{STR_INIT("a"), STR_INIT("b")}};
    static const struct {
        ts minute;
        bool want;
        enum am_silence_state state;
    } cases[] = {
        {1300, false, AM_SILENCE_PENDING}, {1319, false, AM_SILENCE_PENDING},
        {1320, true, AM_SILENCE_ACTIVE},   {1439, true, AM_SILENCE_ACTIVE},
        {1440, false, AM_SILENCE_PENDING}, {2761, true, AM_SILENCE_ACTIVE},
        {2781, false, AM_SILENCE_EXPIRED},
    };
    struct am_silences silences;
    struct am_silence_spec spec = spec_of(STR_NULL, 1000 * 60000, 2780 * 60000);
    const struct am_silence *silence = NULL;
    struct baro_error err = {0};

    spec.schedule = STR("[{\"times\": [{\"start_time\":\"22:00\",\"end_time\":\"24:00\"}]}]");
    am_silences_init(&silences, 7);
    assert_ok(am_silences_set(&silences, &spec, 1000, &silence, &err), &err);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        ts now = cases[i].minute * 60000;

        am_silences_refresh(&silences, now);
        assert_int_equal(am_silences_match(&silences, (struct labels){pair, 1}, NULL),
                         cases[i].want);
        assert_int_equal(am_silence_state_of(silence, now), cases[i].state);
    }
    am_silences_done(&silences);
}

TEST(am_silences_keep_their_schedule)
{
    static const char nights[] = "[{\"weekdays\":[\"monday\"]}]";
    static const struct {
        const char *name;
        const char *schedule;
        bool keep;
        bool want_same_id;
        const char *want;
    } cases[] = {
        {"the same", nights, false, true, nights},
        {"not said", "", true, true, nights},
        {"taken away", "", false, false, ""},
        {"another", "[{\"years\":[\"2026\"]}]", false, false, "[{\"years\":[\"2026\"]}]"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct am_silences silences;
        struct am_silence_spec spec = spec_of(STR_NULL, 100000, 900000);
        const struct am_silence *silence = NULL;
        struct baro_error err = {0};
        char id[AM_SILENCE_ID_BYTES];

        test_row(cases[i].name);
        am_silences_init(&silences, 7);
        spec.schedule = str_from(nights);
        assert_ok(am_silences_set(&silences, &spec, 100000, &silence, &err), &err);
        memcpy(id, silence->id.ptr, sizeof(id));
        spec.id = str_from(id);
        spec.ends_at = 950000;
        spec.schedule = str_from(cases[i].schedule);
        spec.keep_schedule = cases[i].keep;
        assert_ok(am_silences_set(&silences, &spec, 200000, &silence, &err), &err);
        assert_int_equal(str_is(silence->id, id), cases[i].want_same_id);
        assert_str_equal(silence->schedule != NULL ? am_schedule_text(silence->schedule) : STR(""),
                         str_from(cases[i].want));
        am_silences_done(&silences);
    }
    test_row(NULL);
}

TEST(am_silences_recur_up_to_a_bound)
{
    struct am_silences silences;
    struct am_silence_spec spec = spec_of(STR_NULL, 100000, 900000);
    const struct am_silence *silence = NULL;
    struct baro_error err = {0};

    am_silences_init(&silences, 7);
    spec.schedule = STR("[{\"years\":[\"2026\"]}]");
    for (int i = 0; i < AM_SILENCES_RECURRING_MAX; i++) {
        assert_ok(am_silences_set(&silences, &spec, 100, &silence, &err), &err);
    }
    assert_int_equal(am_silences_set(&silences, &spec, 100, &silence, &err), BARO_ELIMIT);
    spec.schedule = STR("[0]");
    assert_int_equal(am_silences_set(&silences, &spec, 100, &silence, &err), BARO_EINVALID);
    assert_true(str_contains(str_from(err.message), STR("timeIntervals")));
    spec.schedule = STR("");
    assert_ok(am_silences_set(&silences, &spec, 100, &silence, &err), &err);
    am_silences_done(&silences);
}
