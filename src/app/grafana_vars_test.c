#include "app/grafana_vars.h"

#include "testing/test.h"

TEST(grafana_vars_are_replaced_by_what_fits)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"up", "up"},
        {"rate(x[$__rate_interval])", "rate(x[5m              ])"},
        {"rate(x[${range}])", "rate(x[5m      ])"},
        {"rate(x[${n}m])", "rate(x[   5m])"},
        {"rate(x[[[r]]])", "rate(x[5m   ])"},
        {"x offset $ago", "x offset 5m  "},
        {"max_over_time(x[1h:$step])", "max_over_time(x[1h:5m   ])"},
        {"x{a=\"$var\"}", "x{a=\"qzqz\"}"},
        {"x{a=~\"${v:regex}|[[w]]\"}", "x{a=~\"qzqzqzqzqz|qzqzq\"}"},
        {"x{a=~\"a$\"}", "x{a=~\"a$\"}"},
        {"x{a=\"\\\"$v\"}", "x{a=\"\\\"qz\"}"},
        {"x{$filter}", "x{qz=\"\"  }"},
        {"x{a=\"b\", $filter}", "x{a=\"b\", qz=\"\"  }"},
        {"$metric{a=\"b\"}", "qzqzqzq{a=\"b\"}"},
        {"rate($m[5m])", "rate(qz[5m])"},
        {"a_${x}_total", "a_qzqz_total"},
        {"sum by ($by) (x)", "sum by (qzq) (x)"},
        {"sum by (a, $by) (x)", "sum by (a, qzq) (x)"},
        {"topk($n, x)", "topk(1 , x)"},
        {"x > $limit", "x > 1     "},
        {"x * 1$", "x * 1$"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};

        test_row(cases[i].text);
        assert_str_equal(grafana_vars_replace(&arena, str_from(cases[i].text)),
                         str_from(cases[i].want));
        arena_done(&arena);
    }
    test_row(NULL);
}
