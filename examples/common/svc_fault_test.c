#include "svc_fault.h"

#include <errno.h>

#include "svc_limit.h"
#include "testing/test.h"

static const char *const stage_keys[] = {"load", "shape", NULL};
static const struct svc_fault_def defs[] = {
    {"slow-stage", "seconds", 0, 60, 5, stage_keys, "a stage sleeps"},
    {"fail", "share", 0, 1, 1, NULL, "jobs fail"},
    {"flood", NULL, 0, 0, 0, NULL, "no argument"},
};

TEST(svc_fault_set_takes_names_keys_and_numbers)
{
    static const struct {
        const char *text;
        size_t index;
        const char *asked_key;
        double want;
    } cases[] = {
        {"slow-stage", 0, "load", 5},        {"slow-stage:7", 0, "shape", 7},
        {"slow-stage:shape", 0, "shape", 5}, {"slow-stage:shape=0.5", 0, "shape", 0.5},
        {"fail:.25", 1, NULL, 0.25},         {"flood", 2, NULL, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct svc_faults faults = {.defs = defs, .count = 3};
        struct svc_error err = {{0}};
        double got = -1;

        test_row(cases[i].text);
        assert_int_equal(svc_fault_set(&faults, cases[i].text, &err), 0);
        assert_true(svc_fault_on(&faults, cases[i].index, cases[i].asked_key, &got));
        assert_true(got == cases[i].want);
    }
    test_row(NULL);
}

TEST(svc_fault_set_teaches)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"slow", "give one of slow-stage, fail, flood"},
        {"slow-stage:61", "give seconds from 0 to 60"},
        {"slow-stage:nan", "give one of load shape"},
        {"slow-stage:shape=nan", "give seconds"},
        {"slow-stage:shape=", "give seconds"},
        {"slow-stage:mesh=1", "give one of load shape"},
        {"fail:often", "takes no name"},
        {"flood:1", "takes no number"},
        {"", "unknown"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct svc_faults faults = {.defs = defs, .count = 3};
        struct svc_error err = {{0}};

        test_row(cases[i].text);
        assert_int_equal(svc_fault_set(&faults, cases[i].text, &err), -EINVAL);
        assert_non_null(strstr(err.text, cases[i].want));
        for (size_t k = 0; k < 3; k++) {
            assert_false(svc_fault_on(&faults, k, "shape", NULL));
        }
    }
    test_row(NULL);
}

TEST(svc_fault_with_a_key_is_for_that_key_alone)
{
    struct svc_faults faults = {.defs = defs, .count = 3};

    assert_int_equal(svc_fault_set(&faults, "slow-stage:shape=1", NULL), 0);
    assert_false(svc_fault_on(&faults, 0, "load", NULL));
    assert_false(svc_fault_on(&faults, 0, NULL, NULL));
    assert_true(svc_fault_on(&faults, 0, "shape", NULL));
}

TEST(svc_fault_chance_follows_its_share)
{
    struct svc_faults faults = {.defs = defs, .count = 3};
    int hits = 0;

    assert_int_equal(svc_fault_set(&faults, "fail:0.5", NULL), 0);
    for (int i = 0; i < 2000; i++) {
        hits += svc_fault_chance(&faults, 1, NULL) ? 1 : 0;
    }
    assert_in_range(hits, 850, 1150); /* 6.7 standard deviations to each side */
    assert_int_equal(svc_fault_set(&faults, "fail:0", NULL), 0);
    assert_false(svc_fault_chance(&faults, 1, NULL));
}

TEST(svc_limit_refills_by_time)
{
    const int64_t second = 1000000000;
    struct svc_limit *limit = svc_limit_new(2, 3);
    double wait_s = 0;

    for (int i = 0; i < 3; i++) {
        assert_true(svc_limit_take(limit, "10.0.0.1", second, &wait_s));
    }
    assert_false(svc_limit_take(limit, "10.0.0.1", second, &wait_s));
    assert_true(wait_s > 0.49 && wait_s < 0.51);
    assert_true(svc_limit_take(limit, "10.0.0.2", second, &wait_s));
    assert_true(svc_limit_take(limit, "10.0.0.1", 2 * second, &wait_s));
    assert_true(svc_limit_take(limit, "10.0.0.1", 2 * second, &wait_s));
    assert_false(svc_limit_take(limit, "10.0.0.1", 2 * second, &wait_s));
    (void)svc_limit_free(limit);
}

TEST(svc_limit_table_is_bounded_and_zero_is_none)
{
    struct svc_limit *limit = svc_limit_new(1, 1);
    struct svc_limit *none = svc_limit_new(0, 0);
    char client[32];

    for (int i = 0; i < 5000; i++) {
        (void)snprintf(client, sizeof(client), "client-%d", i);
        assert_true(svc_limit_take(limit, client, i + 1, NULL));
        assert_true(svc_limit_take(none, "one", 1, NULL));
    }
    (void)svc_limit_free(limit);
    (void)svc_limit_free(none);
}
