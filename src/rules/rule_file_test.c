#include "rules/rule_file.h"

#include "testing/test.h"

static const struct promql_features no_features;

static const struct {
    const char *name;
    const char *text;
    uint32_t line;
    uint32_t column;
    const char *want;
} bad[] = {
    {"no YAML", "groups: [", 2, 0, ""},
    {"unknown key", "groups:\n- name: a\n  rule: []\n", 3, 3,
     "field rule not found in type rulefmt.RuleGroup"},
    {"no group name", "groups:\n- rules: []\n", 2, 3, "Groupname must not be empty"},
    {"group twice", "groups:\n- name: a\n- name: a\n", 3, 9,
     "groupname: \"a\" is repeated in the same file"},
    {"groups no list", "groups: 5\n", 1, 9, "groups is a list"},
    {"rules no list", "groups:\n- name: a\n  rules: x\n", 3, 10, "rules is a list"},
    {"null rule", "groups:\n- name: a\n  rules: [~]\n", 3, 11, "a rule is {record: NAME"},
    {"record and alert", "groups:\n- name: a\n  rules:\n  - {record: r, alert: b, expr: up}\n", 4,
     5, "group \"a\", rule 1, \"r\": only one of 'record' and 'alert' must be set"},
    {"neither", "groups:\n- name: a\n  rules:\n  - {expr: up}\n", 4, 5,
     "group \"a\", rule 1, \"\": one of 'record' or 'alert' must be set"},
    {"no expr", "groups:\n- name: a\n  rules:\n  - {alert: b}\n", 4, 5,
     "field 'expr' must be set in rule"},
    {"bad expr", "groups:\n- name: a\n  rules:\n  - {alert: b, expr: 'sum(x'}\n", 4, 28,
     "group \"a\", rule 1, \"b\": could not parse expression: 1:6: parse error: unclosed left "
     "parenthesis"},
    {"bad expr in a block",
     "groups:\n- name: a\n  rules:\n  - alert: b\n    expr: |\n      sum(x)\n        > >\n", 7, 11,
     "could not parse expression: 2:5: parse error: unexpected"},
    {"record with for", "groups:\n- name: a\n  rules:\n  - {record: r, expr: up, for: 1m}\n", 4, 32,
     "invalid field 'for' in recording rule"},
    {"record with keep",
     "groups:\n- name: a\n  rules:\n  - {record: r, expr: up, keep_firing_for: 1m}\n", 4, 44,
     "invalid field 'keep_firing_for' in recording rule"},
    {"record with annotations",
     "groups:\n- name: a\n  rules:\n  - {record: r, expr: up, annotations: {a: b}}\n", 4, 40,
     "invalid field 'annotations' in recording rule"},
    {"braces", "groups:\n- name: a\n  rules:\n  - {record: 'r{a=\"b\"}', expr: up}\n", 4, 14,
     "braces present in the recording rule name; should it be in expr?"},
    {"label name",
     "groups:\n- name: a\n  rules:\n  - {alert: b, expr: up, labels: {__name__: c}}\n", 4, 34,
     "invalid label name: __name__"},
    {"label template",
     "groups:\n- name: a\n  rules:\n  - alert: b\n    expr: up\n    labels:\n      c: '{{ $x }}'\n",
     7, 10, "label \"c\": error parsing template b: template: b:1: undefined variable \"$x\""},
    {"annotation template",
     "groups:\n- name: a\n  rules:\n  - alert: b\n    expr: up\n    annotations:\n      c: '{{ "
     "$value'\n",
     7, 10, "annotation \"c\": error parsing template b: template: b:1: unclosed action"},
    {"duration", "groups:\n- name: a\n  rules:\n  - {alert: b, expr: up, for: 5}\n", 4, 31, ""},
    {"limit", "groups:\n- name: a\n  limit: -1\n", 3, 10, "limit must not be negative"},
};

TEST(rule_file_names_every_fault_and_its_place)
{
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct arena arena = {0};
        struct faults faults = {0};
        struct rule_file file;

        test_row(bad[i].name);
        assert_true(rule_file_parse(&arena, STR("f.yml"), str_from(bad[i].text), &no_features,
                                    &file, &faults) < 0);
        assert_int_equal(faults.count, 1);
        assert_string_equal(faults.items[0].input, "f.yml");
        assert_true(str_contains(str_from(faults.items[0].message), str_from(bad[i].want)));
        assert_int_equal(faults.items[0].line, bad[i].line);
        if (bad[i].column > 0) {
            assert_int_equal(faults.items[0].column, bad[i].column);
        }
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(rule_file_reads_groups_and_rules)
{
    static const char text[] =
        "groups:\n"
        "- name: one\n"
        "  interval: 30s\n"
        "  query_offset: 1m\n"
        "  limit: 7\n"
        "  labels: {team: a, tier: b}\n"
        "  rules:\n"
        "  - {record: 'job:up:sum', expr: 'sum by (job) (up)', labels: {tier: c}}\n"
        "  - alert: Down\n"
        "    expr: up == 0\n"
        "    for: 5m\n"
        "    keep_firing_for: 1m\n"
        "    annotations: {summary: '{{ $labels.job }} is down'}\n"
        "- name: two\n";
    struct arena arena = {0};
    struct faults faults = {0};
    struct rule_file file;
    const struct rule_spec *rules;

    assert_int_equal(
        rule_file_parse(&arena, STR("f"), str_from(text), &no_features, &file, &faults), 0);
    assert_int_equal(file.count, 2);
    assert_int_equal(file.recording_count, 1);
    assert_int_equal(file.alerting_count, 1);
    assert_str_equal(file.groups[0].name, STR("one"));
    assert_int_equal(file.groups[0].interval, 30000);
    assert_true(file.groups[0].has_query_offset);
    assert_int_equal(file.groups[0].query_offset, 60000);
    assert_int_equal(file.groups[0].limit, 7);
    assert_false(file.groups[1].has_query_offset);
    assert_int_equal(file.groups[1].count, 0);
    rules = file.groups[0].rules;
    assert_int_equal(rules[0].kind, RULE_RECORDING);
    assert_int_equal(rules[0].labels.count, 2);
    assert_str_equal(labels_get(rules[0].labels, STR("tier")), STR("c"));
    assert_str_equal(labels_get(rules[0].labels, STR("team")), STR("a"));
    assert_int_equal(rules[1].kind, RULE_ALERTING);
    assert_int_equal(rules[1].hold, 300000);
    assert_int_equal(rules[1].keep_firing, 60000);
    assert_str_equal(rules[1].annotations.items[0].value, STR("{{ $labels.job }} is down"));
    arena_done(&arena);
}

TEST(rule_file_takes_an_empty_file)
{
    struct arena arena = {0};
    struct faults faults = {0};
    struct rule_file file;

    assert_int_equal(rule_file_parse(&arena, STR("f"), STR(""), &no_features, &file, &faults), 0);
    assert_int_equal(file.count, 0);
    arena_done(&arena);
}
