#include "remote/remote_post.h"

#include "testing/test.h"

TEST(remote_retry_after_reads_both_forms)
{
    /* 1994-11-06 08:49:37 UTC */
    enum { THEN_S = 784111777 };
    static const struct {
        const char *text;
        dur want;
    } cases[] = {
        {"", 0},
        {"0", 0},
        {"3", 3000},
        {"-3", 0},
        {"3.5", 0},
        {"99999999999999999999", 0},
        {"7200", DUR_HOUR},
        {"18446744073709551615", DUR_HOUR},
        {"Sun, 06 Nov 1994 08:49:47 GMT", 10000},
        {"Sun, 06 Nov 1994 08:49:27 GMT", 0},
        {"Sun, 06 Nov 1995 08:49:37 GMT", DUR_HOUR},
        {"Sun, 06 Nov 1994 08:49:47 CET", 0},
        {"Sun, 06 Nix 1994 08:49:47 GMT", 0},
        {"Sun, 46 Nov 1994 08:49:47 GMT", 0},
        {"Sun, 06 Nov 19x4 08:49:47 GMT", 0},
        {"soon", 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].text);
        assert_int_equal(remote_retry_after(cases[i].text, (ts)THEN_S * DUR_SECOND), cases[i].want);
    }
    test_row(NULL);
}
