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
    {"yaml", "groups: [", "f:2:1: "},
    {"unknown key", "groups:\n- name: g\n  rule: []\n",
     "f:3:3: field rule not found in type group; did you mean 'rules'?\n"},
    {"no list", "groups: 5\n", "f:1:9: groups is a list\n"},
    {"no group name", "groups:\n- rules: []\n", "f:2:3: a group needs a name\n"},
    {"group twice", "groups:\n- name: g\n- name: g\n",
     "f:3:9: group \"g\" is there twice in this file\n"},
    {"both", "groups:\n- name: g\n  rules:\n  - {record: a, alert: b, expr: x}\n",
     "f:4:5: a rule has either record or alert\n"},
    {"neither", "groups:\n- name: g\n  rules:\n  - {expr: x}\n",
     "f:4:5: a rule has either record or alert\n"},
    {"no expr", "groups:\n- name: g\n  rules:\n  - {alert: b}\n", "f:4:5: a rule needs an expr\n"},
    {"record name", "groups:\n- name: g\n  rules:\n  - {record: a-b, expr: x}\n",
     "f:4:14: invalid recording rule name: a-b\n"},
    {"record with for", "groups:\n- name: g\n  rules:\n  - {record: a, expr: x, for: 1m}\n",
     "f:4:31: a recording rule has neither for nor keep_firing_for\n"},
    {"record with annotations",
     "groups:\n- name: g\n  rules:\n  - {record: a, expr: x, annotations: {a: b}}\n",
     "f:4:39: a recording rule has no annotations\n"},
    {"label name", "groups:\n- name: g\n  rules:\n  - {alert: a, expr: x, labels: {a-b: c}}\n",
     "f:4:34: invalid label name: a-b\n"},
    {"duration", "groups:\n- name: g\n  rules:\n  - {alert: a, expr: x, for: 5}\n", "f:4:30: "},
    {"expr", "groups:\n- name: g\n  rules:\n  - {alert: a, expr: 'sum(x'}\n",
     "f:4:28: unclosed left parenthesis\n"},
    {"block expr",
     "groups:\n- name: g\n  rules:\n  - alert: a\n    expr: |\n      sum(x)\n        > >\n",
     "f:7:11: unexpected <op:>>\n"},
    {"template label",
     "groups:\n- name: g\n  rules:\n  - alert: a\n    expr: sum by (job) (x)\n    annotations:\n"
     "      s: at {{ $labels.job }} of {{ $labels.zone }}\n",
     "f:7:45: the expression's result has no label 'zone'; it has: job\n"},
    {"null rule", "groups:\n- name: g\n  rules: [~]\n", "f:3:11: a rule is {record"},
};

TEST(check_rules_says_what_is_wrong_and_where)
{
    CLEANUP(expr_known_freep) struct expr_known *known = expr_known_new();

    for (size_t i = 0; i < ARRAY_COUNT(rule_files); i++) {
        struct rule_counts counts = {0};
        struct buf out = {0};
        size_t want_len = strlen(rule_files[i].want);

        test_row(rule_files[i].name);
        size_t found = check_rules(str_from(rule_files[i].text), "f", known, &counts, &out);
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
     "f:2:64: unclosed left parenthesis\n", 2},
    {"other sources",
     "{\"panels\": [{\"datasource\": {\"type\": \"loki\"}, \"targets\": [{\"expr\": "
     "\"{a=\\\"b\\\"} |= c\"},\n"
     " {\"datasource\": {\"type\": \"prometheus\"}, \"expr\": \"a b\"}]}]}",
     "f:2:52: unexpected identifier \"b\"\n", 1},
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
     "f:3:81: unexpected identifier \"b\"\n", 2},
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

TEST(check_rules_record_lets_names_pass)
{
    CLEANUP(expr_known_freep) struct expr_known *known = expr_known_new();

    check_rules_record(STR("groups:\n- name: g\n  rules:\n  - {record: 'a:b', expr: x}\n- 5\n"),
                       known);
    check_rules_record(STR("groups: 7"), known);
    check_rules_record(STR("["), known);
    assert_true(expr_known_is_empty(known));
}
