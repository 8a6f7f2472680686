#include "codec/regex.h"

#include "testing/test.h"

TEST(regex_matches_as_go_does)
{
    static const struct {
        const char *pattern;
        const char *text;
        bool anchored;
        bool want;
    } cases[] = {
        {"a.c", "abc", true, true},
        {"a.c", "xabc", true, false},
        {"a.c", "xabcx", false, true},
        {"a.c", "a\nc", true, true},
        {"(?i)ABC", "abc", true, true},
        {"a|bc", "bc", true, true},
        {"a|bc", "abc", true, false},
        {"", "", true, true},
        {"", "x", true, false},
        {"(?<n>a)b", "ab", true, true},
        {"[(?<]a", "<a", true, true},
        {"\\(?<a", "<a", true, true},
        {"\\Q(?<\\E", "(?<", true, true},
        {"[]a]+", "]a]", true, true},
        {"[^]a]+", "bc", true, true},
        {"[[:alpha:]]+", "xyz", true, true},
        {"\\pL+", "\xC3\xA9", true, true},
        {"^a$", "a", true, true},
        {"(?m)a$", "a\nb", false, true},
        {"a{2,3}", "aaaa", true, false},
        {"a+?b", "aab", true, true},
        {"\\\\C", "\\C", true, true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_error err = {0};
        CLEANUP(regex_freep) struct regex *regex = NULL;

        test_row(cases[i].pattern);
        assert_ok(regex_new(str_from(cases[i].pattern), cases[i].anchored, &regex, &err), &err);
        assert_int_equal(regex_match(regex, str_from(cases[i].text)), cases[i].want);
    }
    test_row(NULL);
}

TEST(regex_faults_are_worded_as_in_go)
{
    static const struct {
        const char *pattern;
        const char *message;
    } cases[] = {
        {"(foo", "error parsing regexp: missing closing ): `(foo`"},
        {"foo)", "error parsing regexp: unexpected ): `foo)`"},
        {"[a", "error parsing regexp: missing closing ]: `[a`"},
        {"a**", "error parsing regexp: invalid nested repetition operator: `**`"},
        {"*", "error parsing regexp: missing argument to repetition operator: `*`"},
        {"a\\", "error parsing regexp: trailing backslash at end of expression: ``"},
        {"\\C", "error parsing regexp: invalid escape sequence: `\\C`"},
        {"[b-a]", "error parsing regexp: invalid character class range: `b-a`"},
        {"a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"},
        {"(?P<n", "error parsing regexp: invalid named capture: `(?P<n`"},
        {"a\xFF", "error parsing regexp: invalid UTF-8: ``"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_error err = {0};
        struct regex *regex = NULL;

        test_row(cases[i].pattern);
        assert_int_equal(regex_new(str_from(cases[i].pattern), true, &regex, &err), BARO_EPARSE);
        assert_null(regex);
        assert_str_equal(str_from(err.message), str_from(cases[i].message));
    }
    test_row(NULL);
}

TEST(regex_bombs_are_refused)
{
    struct baro_error err = {0};
    struct regex *regex = NULL;

    assert_int_equal(regex_new(STR("((((x{30}){30}){30}){30}){30}"), true, &regex, &err),
                     BARO_EPARSE);
    assert_int_equal(
        regex_new(STR("((\\pL{999}\\pN{999}){1000}|(\\pL{999}){900}y)"), true, &regex, &err),
        BARO_EPARSE);
}

TEST(regex_expand_follows_go)
{
    static const struct {
        const char *template;
        const char *want;
    } cases[] = {
        {"$1-$2", "ab-12"},  {"${1}x", "abx"}, {"$1x", ""},          {"$name", "ab"},
        {"${name}_", "ab_"}, {"$$1", "$1"},    {"$", "$"},           {"a$-b", "a$-b"},
        {"${1", "${1"},      {"$9", ""},       {"$0", "ab12"},       {"$01", ""},
        {"${}", "${}"},      {"$3", ""},       {"x$1\xC3\xA9", "x"}, {"plain", "plain"},
    };
    struct baro_error err = {0};
    CLEANUP(regex_freep) struct regex *regex = NULL;
    str groups[4];

    assert_ok(regex_new(STR("(?P<name>[a-z]+)([0-9]+)(z)?"), true, &regex, &err), &err);
    assert_int_equal(regex_group_count(regex), 3);
    assert_true(regex_find(regex, STR("ab12"), groups, ARRAY_COUNT(groups)));
    assert_null(groups[3].ptr);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};

        test_row(cases[i].template);
        regex_expand(regex, &out, str_from(cases[i].template), groups, ARRAY_COUNT(groups));
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
    }
    test_row(NULL);
}

TEST(regex_find_gives_groups)
{
    struct baro_error err = {0};
    CLEANUP(regex_freep) struct regex *regex = NULL;
    str groups[5];

    assert_ok(regex_new(STR("a(b*)(c)?"), false, &regex, &err), &err);
    assert_true(regex_find(regex, STR("xxa"), groups, ARRAY_COUNT(groups)));
    assert_str_equal(groups[0], STR("a"));
    assert_non_null(groups[1].ptr);
    assert_int_equal(groups[1].len, 0);
    assert_null(groups[2].ptr);
    assert_null(groups[4].ptr);
    assert_false(regex_find(regex, STR("xx"), groups, ARRAY_COUNT(groups)));
}

TEST(regex_prefix_is_what_all_matches_begin_with)
{
    struct baro_error err = {0};
    CLEANUP(regex_freep) struct regex *regex = NULL;
    char prefix[16];
    size_t size;

    assert_ok(regex_new(STR("abcd[0-9]+"), true, &regex, &err), &err);
    size = regex_prefix(regex, prefix, sizeof(prefix));
    assert_true(size > 0 && memcmp(prefix, "abcd", size) == 0);
    regex = regex_free(regex);
    assert_ok(regex_new(STR("(?i)abcd"), true, &regex, &err), &err);
    assert_int_equal(regex_prefix(regex, prefix, sizeof(prefix)), 0);
}
