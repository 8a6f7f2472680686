#include "rules/rule_group.h"

#include "testing/test.h"

/* Of XXH64 over the sized strings "file", FILE, "name", NAME; nanoseconds, cut to milliseconds. */
TEST(rule_group_slot_is_that_of_prometheus)
{
    static const struct {
        const char *file;
        const char *name;
        dur interval;
        dur want;
    } cases[] = {
        {"/etc/prometheus/rules.yml", "node", DUR_MINUTE, 49374},
        {"a.yml", "g", 15 * DUR_SECOND, 1867},
        {"r.yml", "two", 37 * DUR_SECOND, 22337},
        {"a.yml", "g", INT64_MAX, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].name);
        assert_int_equal(
            rule_group_slot(str_from(cases[i].file), str_from(cases[i].name), cases[i].interval),
            cases[i].want);
    }
    test_row(NULL);
}
