#include "alerting/am_alert.h"

#include "testing/test.h"

TEST(am_fingerprint_is_fnv_over_names_and_values)
{
    const struct label pairs[] = {{STR("alertname"), STR("x")}, {STR("job"), STR("é")}};

    assert_int_equal(am_fingerprint((struct labels){0}), UINT64_C(0xcbf29ce484222325));
    assert_int_equal(am_fingerprint((struct labels){pairs, 2}), UINT64_C(0x41e1b057af8d1863));
}
