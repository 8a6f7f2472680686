#include "model/matcher.h"

#include "base/mem.h"
#include "base/random.h"
#include "codec/regex.h"
#include "testing/test.h"

static struct matcher make(enum matcher_op op, const char *value)
{
    struct matcher matcher = {0};
    struct baro_error err = {0};

    assert_ok(matcher_init(&matcher, op, STR("l"), str_from(value), &err), &err);
    return matcher;
}

TEST(matcher_plain_operators)
{
    struct matcher equal = make(MATCHER_EQUAL, "a");
    struct matcher not_equal = make(MATCHER_NOT_EQUAL, "a");
    struct matcher not_regex = make(MATCHER_NOT_REGEX, "a|b");

    assert_true(matcher_matches(&equal, STR("a")));
    assert_false(matcher_matches(&equal, STR("")));
    assert_false(matcher_matches(&equal, STR_NULL));
    assert_true(matcher_matches_empty(&not_equal));
    assert_false(matcher_matches(&not_equal, STR("a")));
    assert_true(matcher_matches(&not_regex, STR("c")));
    assert_false(matcher_matches(&not_regex, STR("b")));
    assert_true(matcher_is_negative(&not_regex));
    matcher_done(&not_regex);
}

TEST(matcher_fast_paths_agree_with_the_engine)
{
    static const char *const patterns[] = {
        "",        ".*",        ".+",        "a",       "a|b",     "a(b|c)",   "(a|b)(c|d)",
        "ab.*",    "ab.+",      ".*ab",      ".+ab",    ".*a.*",   ".+a.+",    ".+a.*b.*",
        "a.*b.*a", "(?:a|b).*", "a.*|b.*|c", "[abc]",   "[a-c]b?", "a?",       "a?b?c?",
        "(ab)?c",  "(|a)b",     "^a",        "a$",      "^a|b$",   "^(a|b)$",  ".*?a",
        "a\\.b",   "a.b",       "a*",        "(?i)a",   "[^a]",    "a|",       "|",
        "()",      "(a.*|b)c",  ".*.*",      ".+.+",    ".+.*a",   "a\\-b",    "a.*b",
        "(.*)",    "(.+)a",     "a+b",       "a{2}",    "ab?c",    "ab.?",     "(a|b|c)?.*c",
        "aa.*aa",  ".+aa",      "\\d",       "a.*a.*a", ".",       "..",       "a.|b",
        "5..|429", "(a|b).",    "a..",       ".?a",     ".|a.*",   "a.c|ab.*", ".a.*",
        "a.{2}",   "[ab].c",    "..?",       "a\\..",
    };
    static const char *const alphabet[] = {
        "a", "b", "c", "A", ".", "-", "\n", "\xc3\xa9", "\xf0\x9f\x98\x80"};
    struct random random = {1};

    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        struct matcher matcher = make(MATCHER_REGEX, patterns[i]);
        CLEANUP(regex_freep) struct regex *regex = NULL;

        test_row(patterns[i]);
        assert_ok(regex_new(str_from(patterns[i]), true, &regex, NULL), NULL);
        for (size_t n = 0; n < 2000; n++) {
            char text[32];
            size_t len = 0;

            for (size_t k = (size_t)random_below(&random, 8); k > 0; k--) {
                str next = str_from(alphabet[random_below(
                    &random, n % 2 == 0 ? 2 : (uint64_t)ARRAY_COUNT(alphabet))]);

                memcpy(text + len, next.ptr, next.len);
                len += next.len;
            }
            assert_int_equal(matcher_matches(&matcher, str_of(text, len)),
                             regex_match(regex, str_of(text, len)));
        }
        assert_int_equal(matcher_matches_empty(&matcher), regex_match(regex, STR("")));
        matcher_done(&matcher);
    }
    test_row(NULL);
}

TEST(matcher_set_values_are_exposed)
{
    static const struct {
        const char *pattern;
        const char *want;
    } cases[] = {
        {"a|b|c", "a,b,c"},
        {"a(b|c)", "ab,ac"},
        {"a|a", "a"},
        {"x[12]", "x1,x2"},
        {"a.*", ""},
        {"a.", ""},
        {"a|b.", ""},
        {"(?i)a", ""},
        {"ab?", "ab,a"},
        {"foo", "foo"},
        {"a|b.*", ""},
        {"^a$", "a"},
        {"(web|db)-[0-1]\\.x", "web-0.x,web-1.x,db-0.x,db-1.x"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct matcher matcher = make(MATCHER_REGEX, cases[i].pattern);
        struct buf got = {0};
        const str *values;
        size_t count;

        test_row(cases[i].pattern);
        matcher_set_values(&matcher, &values, &count);
        for (size_t k = 0; k < count; k++) {
            buf_c(&got, k > 0 ? "," : "");
            buf_str(&got, values[k]);
        }
        assert_str_equal(buf_view(&got), str_from(cases[i].want));
        buf_done(&got);
        matcher_done(&matcher);
    }
    test_row(NULL);
}

TEST(matcher_prefixes)
{
    static const struct {
        const char *pattern;
        const char *want;
    } cases[] = {
        {"abc.*", "abc"}, {"abc|abd", "ab"}, {".*a", ""}, {"ab.*|abc", "ab"},
        {"(?i)abc", ""},  {"a|b", ""},       {"", ""},    {"abc", "abc"},
        {"5..", "5"},     {"50.|5..", "5"},  {".a", ""},  {"ab.|abc.*", "ab"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct matcher matcher = make(MATCHER_REGEX, cases[i].pattern);

        test_row(cases[i].pattern);
        assert_str_equal(matcher_prefix(&matcher), str_from(cases[i].want));
        matcher_done(&matcher);
    }
    test_row(NULL);
}

TEST(matcher_large_alternations_use_the_map)
{
    enum { HOSTS = 20000 };
    struct buf pattern = {0};
    struct matcher matcher = {0};
    const str *values;
    size_t count;

    for (unsigned i = 0; i < HOSTS; i++) {
        buf_printf(&pattern, "%shost-%u\\.example\\.com", i > 0 ? "|" : "", i);
    }
    assert_ok(matcher_init(&matcher, MATCHER_REGEX, STR("h"), buf_view(&pattern), NULL), NULL);
    matcher_set_values(&matcher, &values, &count);
    assert_int_equal(count, HOSTS);
    assert_true(matcher_matches(&matcher, STR("host-19999.example.com")));
    assert_false(matcher_matches(&matcher, STR("host-20000.example.com")));
    assert_false(matcher_matches(&matcher, STR("host-1xexample.com")));
    matcher_done(&matcher);
    buf_done(&pattern);
}

TEST(matcher_open_characters_are_whole_ones)
{
    struct matcher matcher = make(MATCHER_REGEX, "a.|..b");

    assert_true(matcher_matches(&matcher, STR("a\xc3\xa9")));
    assert_true(matcher_matches(&matcher, STR("\xf0\x9f\x98\x80\nb")));
    assert_false(matcher_matches(&matcher, STR("a")));
    assert_false(matcher_matches(&matcher, STR("a\xc3")));
    assert_false(matcher_matches(&matcher, STR("axy")));
    matcher_done(&matcher);
}

TEST(matcher_expansion_is_bounded)
{
    struct buf pattern = {0};
    struct matcher matcher = {0};

    for (size_t i = 0; i < 12; i++) {
        buf_c(&pattern, "(a|b|c|d)");
    }
    assert_ok(matcher_init(&matcher, MATCHER_REGEX, STR("h"), buf_view(&pattern), NULL), NULL);
    assert_true(matcher_matches(&matcher, STR("abcdabcdabcd")));
    assert_false(matcher_matches(&matcher, STR("abcdabcdabcde")));
    matcher_done(&matcher);
    buf_done(&pattern);
}

TEST(matcher_refuses_bad_expressions)
{
    struct matcher matcher = {0};
    struct baro_error err = {0};

    assert_int_equal(matcher_init(&matcher, MATCHER_REGEX, STR("l"), STR("a("), &err), BARO_EPARSE);
    assert_str_equal(str_from(err.message), STR("error parsing regexp: missing closing ): `a(`"));
    assert_int_equal(matcher_init(&matcher, MATCHER_REGEX, STR("l"), STR("a)"), &err), BARO_EPARSE);
    assert_int_equal(matcher_init(&matcher, MATCHER_NOT_REGEX, STR("l"), STR("a**"), &err),
                     BARO_EPARSE);
    assert_int_equal(matcher_init(&matcher, MATCHER_REGEX, STR("l"), STR(".*?\?a"), &err),
                     BARO_EPARSE);
    assert_null(matcher.program);
}

TEST(matchers_match_all)
{
    struct arena arena = {0};
    const struct label pairs[] = {{STR_INIT("a"), STR_INIT("1")}, {STR_INIT("b"), STR_INIT("2")}};
    struct labels labels = labels_from_pairs(&arena, pairs, ARRAY_COUNT(pairs));
    struct matcher items[2] = {
        {.op = MATCHER_EQUAL, .name = STR("a"), .value = STR("1")},
        {.op = MATCHER_NOT_EQUAL, .name = STR("c"), .value = STR("")},
    };

    assert_true(matchers_match((struct matchers){items, 1}, labels));
    assert_false(matchers_match((struct matchers){items, 2}, labels));
    assert_true(matchers_match((struct matchers){items, 0}, labels));
    arena_done(&arena);
}

TEST(matcher_format_quotes)
{
    struct matcher matcher = {.op = MATCHER_NOT_REGEX, .name = STR("a.b"), .value = STR("x\"")};
    struct buf out = {0};

    matcher_format(&out, &matcher);
    assert_str_equal(buf_view(&out), STR("\"a.b\"!~\"x\\\"\""));
    buf_done(&out);
}
