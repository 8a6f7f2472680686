#include "template/template_alert.h"

#include "template/template_time.h"
#include "testing/test.h"

static const struct label alert_labels[] = {
    {STR_INIT("instance"), STR_INIT("db-1.example.org:9100")}, {STR_INIT("job"), STR_INIT("node")}};
static const struct label external_labels[] = {{STR_INIT("region"), STR_INIT("eu")}};
static const struct label first_sample[] = {{STR_INIT("__value__"), STR_INIT("five")},
                                            {STR_INIT("host"), STR_INIT("b")}};
static const struct label second_sample[] = {{STR_INIT("host"), STR_INIT("a")}};

static int query(UNUSED void *context, struct arena *arena, str expr, UNUSED ts t,
                 struct template_sample **ret, size_t *ret_count, struct baro_error *err)
{
    if (str_is(expr, "broken")) {
        return error_set(err, BARO_EEXEC, "the store is gone");
    }
    *ret = ARENA_ARRAY(arena, struct template_sample, 2);
    (*ret)[0] = (struct template_sample){{first_sample, ARRAY_COUNT(first_sample)}, 5};
    (*ret)[1] = (struct template_sample){{second_sample, ARRAY_COUNT(second_sample)}, 6.5};
    *ret_count = str_is(expr, "nothing") ? 0 : 2;
    return 0;
}

static const struct {
    const char *text;
    double value;
    const char *want;
} cases[] = {
    {"plain {text}", 0, "plain {text}"},
    {"{{ $labels.instance }} is {{ $value }}{{ .Value }}", 1.5, "db-1.example.org:9100 is 1.51.5"},
    {"{{ $labels.none }}|{{ .Labels.job }}|{{ $externalLabels.region }}|{{ $externalURL }}", 0,
     "|node|eu|http://x/prom"},
    {"{{ $labels }}", 0, "map[instance:db-1.example.org:9100 job:node]"},
    {"{{ humanize $value }}", 0, "0"},
    {"{{ humanize $value }}", 1234567, "1.235M"},
    {"{{ humanize $value }}", -1000, "-1k"},
    {"{{ humanize $value }}", 999.96, "1000"},
    {"{{ humanize $value }}", 0.0012, "1.2m"},
    {"{{ humanize $value }}", 1e-20, "10z"},
    {"{{ humanize \"+Inf\" }} {{ humanize \"NaN\" }} {{ humanize \"-Inf\" }} {{ humanize 5 }}", 0,
     "+Inf NaN -Inf 5"},
    {"{{ humanize1024 $value }}", 1048576, "1Mi"},
    {"{{ humanize1024 $value }}", 0.5, "0.5"},
    {"{{ humanize1024 $value }}", 3e30, "2.482e+06Yi"},
    {"{{ humanizeDuration $value }}", 0, "0s"},
    {"{{ humanizeDuration $value }}", 0.25, "250ms"},
    {"{{ humanizeDuration $value }}", 59.9, "59.9s"},
    {"{{ humanizeDuration $value }}", 61, "1m 1s"},
    {"{{ humanizeDuration $value }}", -3661, "-1h 1m 1s"},
    {"{{ humanizeDuration $value }}", 90061.9, "1d 1h 1m 1s"},
    {"{{ humanizePercentage $value }}", 0.12345, "12.35%"},
    {"{{ humanizePercentage $value }}", 5, "500%"},
    {"{{ humanizeTimestamp $value }}", 1435065584.128, "2015-06-23 13:19:44.128 +0000 UTC"},
    {"{{ humanizeTimestamp $value }}", 0, "1970-01-01 00:00:00 +0000 UTC"},
    {"{{ ($value | toTime).Format \"Mon Jan _2 15:04:05 2006, 3:04PM .000 -07:00 Z07:00 002\" }}",
     1435065584.128, "Tue Jun 23 13:19:44 2015, 1:19PM .128 +00:00 Z 174"},
    {"{{ ($value | toTime).Year }} {{ ($value | toTime).Unix }} {{ (toTime 951782400).YearDay }}",
     1435065584.128, "2015 1435065584 60"},
    {"{{ (toTime $value).Format \"January 2, 06 Monday 03:04:05.999 pm MST\" }}", -1.5,
     "December 31, 69 Wednesday 11:59:58.5 pm UTC"},
    {"{{ $value | toDuration }} {{ toDuration 0 }} {{ toDuration 0.0015 }} {{ toDuration 7384.25 "
     "}} {{ toDuration -90 }}",
     1.5, "1.5s 0s 1.5ms 2h3m4.25s -1m30s"},
    {"{{ now }} {{ parseDuration \"1h30m\" }}", 0, "1.5e+09 5400"},
    {"{{ query \"up\" | first | value }} {{ query \"up\" | first | label \"host\" }} {{ query "
     "\"up\" | first | strvalue }}",
     0, "5 b five"},
    {"{{ range query \"up\" | sortByLabel \"host\" }}{{ .Labels.host }}={{ .Value }};{{ end }}", 0,
     "a=6.5;b=5;"},
    {"{{ with query \"nothing\" }}some{{ else }}none{{ end }}", 0, "none"},
    {"{{ (args 1 \"b\").arg1 }}", 0, "b"},
    {"{{ match \"a.*c\" \"xabcx\" }} {{ match \"^a\" \"ba\" }}", 0, "true false"},
    {"{{ reReplaceAll \"(a)(b)?\" \"<$1>\" \"xabya\" }} {{ reReplaceAll \"x*\" \"-\" \"abx\" }}", 0,
     "x<a>y<a> -a-b-"},
    {"{{ title \"hello big_world it's\" }} {{ toUpper \"aB1\" }} {{ toLower \"Ab1\" }}", 0,
     "Hello Big_world It's AB1 ab1"},
    {"{{ graphLink \"up > 1\" }} {{ tableLink \"a+b\" }} {{ urlQueryEscape \"a b/c\" }}", 0,
     "/graph?g0.expr=up+%3E+1&g0.tab=0 /graph?g0.expr=a%2Bb&g0.tab=1 a+b%2Fc"},
    {"{{ externalURL }} {{ pathPrefix }} {{ safeHtml \"<b>\" }}", 0, "http://x/prom /prom <b>"},
    {"{{ stripPort $labels.instance }} {{ stripPort \"[::1]:80\" }} {{ stripPort \"::1\" }} {{ "
     "stripPort \"a\" }}",
     0, "db-1.example.org ::1 ::1 a"},
    {"{{ stripDomain $labels.instance }} {{ stripDomain \"a.b\" }} {{ stripDomain \"1.2.3.4:80\" "
     "}} {{ stripDomain \"[::1]:80\" }}",
     0, "db-1:9100 a 1.2.3.4:80 [::1]:80"},
    {"{{ printf \"%.2f\" $value }}", 2.345, "2.35"},

    {"{{ $labels.instance", 0,
     "ERR error parsing template __alert_A: template: __alert_A:1: unclosed action"},
    {"{{ query \"broken\" }}", 0,
     "ERR error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" "
     "at <query \"broken\">: "
     "error calling query: the store is gone"},
    {"{{ query \"nothing\" | first }}", 0,
     "ERR error executing template __alert_A: template: __alert_A:1:133: executing \"__alert_A\" "
     "at <first>: error calling "
     "first: first() called on vector with no elements"},
    {"{{ humanize \"x\" }}", 0,
     "ERR error executing template __alert_A: template: __alert_A:1:115: executing \"__alert_A\" "
     "at <humanize \"x\">: error "
     "calling humanize: strconv.ParseFloat: parsing \"x\": invalid syntax"},
};

TEST(template_alert_expands_as_prometheus_does)
{
    const struct template_alert alert = {
        .query = query,
        .t = INT64_C(1500000000000),
        .external_url = STR("http://x/prom"),
        .external_labels = {external_labels, ARRAY_COUNT(external_labels)}};
    const struct labels labels = {alert_labels, ARRAY_COUNT(alert_labels)};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        struct baro_error err = {0};
        struct buf out = {0};

        test_row(cases[i].text);
        if (template_alert_expand(&alert, &arena, STR("__alert_A"), str_from(cases[i].text), labels,
                                  cases[i].value, &out, &err) < 0) {
            assert_int_equal(out.len, 0);
            buf_printf(&out, "ERR %s", err.message);
        }
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(template_alert_check_parses_only)
{
    struct baro_error err = {0};

    assert_ok(template_alert_check(
                  STR("A"), STR("{{ query \"broken\" | first | value }} {{ $value }}"), &err),
              &err);
    assert_true(template_alert_check(STR("A"), STR("{{ $nope }}"), &err) < 0);
    assert_string_equal(err.message,
                        "error parsing template A: template: A:1: undefined variable \"$nope\"");
}
