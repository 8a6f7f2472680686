#include "alerting/am_ack.h"

#include "testing/test.h"

static const struct am_ack plain = {.fingerprint = 7,
                                    .created_at = 1000,
                                    .updated_at = 1000,
                                    .created_by = STR_INIT("me"),
                                    .comment = STR_INIT("on it")};

TEST(am_acks_find_the_one_in_effect)
{
    static const struct {
        const char *name;
        uint64_t fingerprint;
        ts starts_at, alert_ends_at;
        ts ends_at; /* of the acknowledgement */
        ts now;
        bool taken_back;
        bool want;
    } cases[] = {
        {"fires still", 7, 500, 9000, 0, 2000, false, true},
        {"another alert", 8, 500, 9000, 0, 2000, false, false},
        {"resolved", 7, 500, 1500, 0, 2000, false, false},
        {"fires anew", 7, 1600, 9000, 0, 2000, false, false},
        {"before its end", 7, 500, 9000, 2001, 2000, false, true},
        {"at its end", 7, 500, 9000, 2000, 2000, false, false},
        {"taken back", 7, 500, 9000, 0, 2000, true, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct am_acks acks = {0};
        struct am_ack ack = plain;
        const struct am_alert alert = {.fingerprint = cases[i].fingerprint,
                                       .starts_at = cases[i].starts_at,
                                       .ends_at = cases[i].alert_ends_at};
        struct baro_error err = {0};

        test_row(cases[i].name);
        ack.ends_at = cases[i].ends_at;
        ack.is_taken_back = cases[i].taken_back;
        assert_null(am_acks_find(&acks, &alert, cases[i].now));
        assert_ok(am_acks_put(&acks, &ack, &err), &err);
        assert_int_equal(am_acks_find(&acks, &alert, cases[i].now) != NULL, cases[i].want);
        am_acks_done(&acks);
    }
    test_row(NULL);
}

TEST(am_acks_put_takes_the_younger_and_refuses_what_is_wrong)
{
    static const struct {
        const char *name;
        ts updated_at;
        str author;
        size_t comment_bytes;
        int want;
    } cases[] = {
        {"as young", 1000, STR_INIT("you"), 0, 0},
        {"younger", 1001, STR_INIT("you"), 0, 1},
        {"in no year", INT64_MAX, STR_INIT("you"), 0, BARO_EINVALID},
        {"nobody", 1002, STR_INIT(""), 0, BARO_EINVALID},
        {"no UTF-8", 1002, STR_INIT("\xff"), 0, BARO_EINVALID},
        {"long", 1002, STR_INIT("you"), AM_ACK_TEXT_MAX, BARO_ELIMIT},
    };
    static char longest[AM_ACK_TEXT_MAX];
    struct am_acks acks = {0};
    struct baro_error err = {0};

    memset(longest, 'x', sizeof(longest));
    assert_int_equal(am_acks_put(&acks, &plain, &err), 1);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct am_ack ack = plain;

        test_row(cases[i].name);
        ack.updated_at = cases[i].updated_at;
        ack.created_by = cases[i].author;
        ack.comment = str_of(longest, cases[i].comment_bytes);
        assert_int_equal(am_acks_put(&acks, &ack, &err), cases[i].want);
    }
    test_row(NULL);
    assert_str_equal(am_acks_get(&acks, 7)->created_by, STR("you"));
    am_acks_done(&acks);
}

static bool is_over(void *context, const struct am_ack *ack)
{
    return ack->fingerprint != *(const uint64_t *)context;
}

static void gone(void *context, const struct am_ack *ack)
{
    assert_true(ack->fingerprint != *(const uint64_t *)context);
}

TEST(am_acks_gc_keeps_young_ones_and_those_in_effect)
{
    struct am_acks acks = {0};
    struct am_ack ack = plain;
    uint64_t firing = 3;

    for (uint64_t i = 0; i < 10; i++) {
        ack.fingerprint = i;
        ack.updated_at = (ts)i;
        assert_int_equal(am_acks_put(&acks, &ack, NULL), 1);
    }
    assert_int_equal(am_acks_gc(&acks, 6, is_over, gone, &firing), 5);
    assert_int_equal(acks.items.count, 5);
    assert_non_null(am_acks_get(&acks, 3));
    am_acks_done(&acks);
}
