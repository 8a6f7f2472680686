#include "app/check_dashboards.h"
#include "app/check_rules.h"
#include "testing/test.h"

static const struct {
    const char *name;
    const char *text;
    const char *want;
} rule_files[] = {
    {"empty", "", ""},
    {"good",
     "groups:\n- name: g\n  interval: 1m\n  rules:\n  - {record: 'a:b', expr: sum(x)}\n"
     "  - alert: A\n    expr: x > 1\n    for: 5m\n    labels: {severity: page}\n"
     "    annotations: {summary: 'it is {{ $value }} on {{ $labels.instance }}'}\n",
     ""},
    {"faults of the file", "groups: 5\n", "f:1:9: groups is a list\n"},
    {"faults of a rule", "groups:\n- name: g\n  rules:\n  - {expr: x}\n",
     "f:4:5: group \"g\", rule 1, \"\": one of 'record' or 'alert' must be set\n"},
    {"template label",
     "groups:\n- name: g\n  rules:\n  - alert: a\n    expr: sum by (job) (x)\n    annotations:\n"
     "      s: at {{ $labels.job }} of {{ $labels.zone }}\n",
     "f:7:45: the expression's result has no label 'zone'; it has: job\n"},
};

static const struct promql_features no_features;

TEST(check_rules_says_what_is_wrong_and_where)
{
    CLEANUP(expr_known_freep) struct expr_known *known = expr_known_new();

    for (size_t i = 0; i < ARRAY_COUNT(rule_files); i++) {
        struct rule_counts counts = {0};
        struct buf out = {0};
        size_t want_len = strlen(rule_files[i].want);

        test_row(rule_files[i].name);
        size_t found = check_rules(
            str_from(rule_files[i].text), "f",
            &(struct check_rules_options){.features = &no_features, .known = known, .lint = true},
            &counts, &out);
        assert_str_equal(str_slice(buf_view(&out), 0, want_len > 0 ? want_len : out.len),
                         str_from(rule_files[i].want));
        assert_int_equal(found, want_len > 0 ? 1 : 0);
        buf_done(&out);
    }
    test_row(NULL);
}

static const struct {
    const char *name;
    const char *text;
    const char *want;
    size_t expressions;
} dashboards[] = {
    {"no JSON", "{", "f:1:", 0},
    {"no object", "[]", "f:1:1: a dashboard is a JSON object\n", 0},
    {"empty", "{}", "", 0},
    {"targets",
     "{\"panels\": [{\"targets\": [{\"expr\": \"rate(x[$__rate_interval])\"}, {\"expr\": \"\"}],\n"
     "  \"title\": \"a \\\"b\\\"\"}, {\"panels\": [{\"targets\": [{\"expr\": \"sum(x\"}]}]}]}",
     "f:2:64: parse error: unclosed left parenthesis\n", 2},
    {"other sources",
     "{\"panels\": [{\"datasource\": {\"type\": \"loki\"}, \"targets\": [{\"expr\": "
     "\"{a=\\\"b\\\"} |= c\"},\n"
     " {\"datasource\": {\"type\": \"prometheus\"}, \"expr\": \"a b\"}]}]}",
     "f:2:52: parse error: unexpected identifier \"b\"\n", 1},
    {"legend",
     "{\"targets\": [{\"expr\": \"sum by (a) (x)\", \"legendFormat\": \"{{a}} {{ b }}\"}]}",
     "f:1:67: the result has no label 'b'; it has: a\n", 1},
    {"annotation", "{\"annotations\": {\"list\": [{\"expr\": \"ALERTS{\"}]}}", "f:1:44: ", 1},
    {"variables",
     "{\"templating\": {\"list\": [{\"type\": \"query\", \"query\": \"label_values(up, job)\"},\n"
     " {\"type\": \"query\", \"query\": {\"query\": \"label_values(job)\"}}, {\"type\": \"query\", "
     "\"query\": "
     "\"metrics(a.*)\"},\n"
     " {\"type\": \"custom\", \"query\": \"a,b\"}, {\"type\": \"query\", \"query\": "
     "\"query_result(a b)\"}]}}",
     "f:3:81: parse error: unexpected identifier \"b\"\n", 2},
};

TEST(check_dashboard_says_what_is_wrong_and_where)
{
    CLEANUP(expr_known_freep) struct expr_known *known = expr_known_new();

    for (size_t i = 0; i < ARRAY_COUNT(dashboards); i++) {
        struct buf out = {0};
        size_t expressions = 0;
        size_t want_len = strlen(dashboards[i].want);

        test_row(dashboards[i].name);
        size_t found =
            check_dashboard(str_from(dashboards[i].text), "f", known, &expressions, &out);
        assert_str_equal(str_slice(buf_view(&out), 0, want_len > 0 ? want_len : out.len),
                         str_from(dashboards[i].want));
        assert_int_equal(found, want_len > 0 ? 1 : 0);
        assert_int_equal(expressions, dashboards[i].expressions);
        buf_done(&out);
    }
    test_row(NULL);
}

TEST(check_rules_lints_rules_that_are_there_twice)
{
    CLEANUP(expr_known_freep) struct expr_known *known = expr_known_new();
    struct rule_counts counts = {0};
    struct buf out = {0};

    assert_int_equal(check_rules(STR("groups:\n- name: g\n  rules:\n  - {alert: a, expr: x}\n"
                                     "  - {alert: a, expr: x, labels: {l: v}}\n"
                                     "  - {record: b, expr: y}\n- name: h\n  rules:\n"
                                     "  - {alert: a, expr: z, labels: {l: v}}\n"),
                                 "f",
                                 &(struct check_rules_options){
                                     .features = &no_features, .known = known, .lint = true},
                                 &counts, &out),
                     0);
    assert_int_equal(counts.lints, 1);
    assert_str_equal(buf_view(&out),
                     STR("f:9:5: lint: a with the same labels stands at line 5, too\n"));
    buf_done(&out);
}

TEST(check_rules_record_lets_names_pass)
{
    CLEANUP(expr_known_freep) struct expr_known *known = expr_known_new();

    check_rules_record(STR("groups:\n- name: g\n  rules:\n  - {record: 'a:b', expr: x}\n- 5\n"),
                       known);
    check_rules_record(STR("groups: 7"), known);
    check_rules_record(STR("["), known);
    assert_true(expr_known_is_empty(known));
}
