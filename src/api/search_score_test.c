#include "api/search_score.h"

#include <math.h>

#include "testing/test.h"

static bool score_of(const char *term, const char *name, enum search_way way, double threshold,
                     bool fold_case, double *ret)
{
    str terms[] = {str_from(term)};
    struct search_score *score = search_score_new(&(struct search_options){.terms = terms,
                                                                           .term_count = 1,
                                                                           .way = way,
                                                                           .threshold = threshold,
                                                                           .fold_case = fold_case});
    bool fits = search_score_of(score, str_from(name), ret);

    (void)search_score_free(score);
    return fits;
}

TEST(search_score_of_subsequences)
{
    static const struct {
        const char *term;
        const char *name;
        double want; /* 0 = does not fit */
    } cases[] = {
        {"prometheus", "prometheus", 1},
        {"pro", "prometheus", 1}, /* a prefix is as good as the whole */
        {"met", "prometheus", (9 - 3.0 / 10 - 4.0 / 20) / 9 * 0.999},
        {"abc", "xaxbxc", (3 - 3.0 / 6) / 9 * 0.999},
        {"abc", "acb", 0},
        {"abcd", "abc", 0},
        {"ABC", "abc", 0},
        {"a", "", 0},
        {"caf\xc3\xa9", "un caf\xc3\xa9", (16 - 3.0 / 7) / 16 * 0.999},
        {"\xc3\xa9", "e", 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        double got = -1;
        bool fits = score_of(cases[i].term, cases[i].name, SEARCH_SUBSEQUENCE, 0, false, &got);

        test_row(cases[i].name);
        assert_int_equal(fits, cases[i].want > 0);
        assert_true(!fits || fabs(got - cases[i].want) < 1e-9);
    }
    test_row(NULL);
}

TEST(search_score_of_likeness)
{
    static const struct {
        const char *term;
        const char *name;
        double least;
        double most; /* 0 = does not fit */
    } cases[] = {
        {"mimir", "mimer", 0.90, 0.92},
        {"martha", "marhta", 0.96, 0.97},
        {"dwayne", "duane", 0.83, 0.85},
        {"dixon", "dicksonx", 0.81, 0.83},
        {"abc", "xyz", 0, 0},
        {"prefix_abc", "prefix_xyz", 0.80, 0.90},
        {"na\xc3\xafve", "naive", 0.89, 0.90},
        {"metheus", "prometheus", 0.09, 0.11},
        {"om", "prometheus", 0.77, 0.78},
        {"prom", "prometheus", 1, 1},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        double got = -1;
        bool fits = score_of(cases[i].term, cases[i].name, SEARCH_JARO_WINKLER, 0.01, false, &got);

        test_row(cases[i].term);
        assert_int_equal(fits, cases[i].most > 0);
        assert_true(!fits || (got >= cases[i].least && got <= cases[i].most));
    }
    test_row(NULL);
}

TEST(search_score_thresholds_case_and_terms)
{
    str terms[] = {STR("zzz"), STR(""), STR("up")};
    struct search_score *score;
    double got = 0;

    assert_true(score_of("abc", "xaxbxc", SEARCH_SUBSEQUENCE, 0.2, false, &got));
    assert_false(score_of("abc", "xaxbxc", SEARCH_SUBSEQUENCE, 0.9, false, &got));
    assert_false(score_of("mimir", "mimer", SEARCH_JARO_WINKLER, 0, false, &got));
    assert_false(score_of("mimir", "mimer", SEARCH_JARO_WINKLER, 0.95, false, &got));
    assert_true(score_of("HTTP", "http_requests", SEARCH_SUBSEQUENCE, 0, true, &got));
    assert_true(score_of("\xc3\x89", "caf\xc3\xa9", SEARCH_JARO_WINKLER, 0, true, &got));
    score = search_score_new(&(struct search_options){.terms = terms, .term_count = 3});
    assert_true(search_score_of(score, STR("up"), &got));
    assert_true(got == 1);
    assert_false(search_score_of(score, STR("down"), &got));
    assert_false(search_score_of(score, STR("\xff"), &got));
    (void)search_score_free(score);
    score = search_score_new(&(struct search_options){.terms = terms + 1, .term_count = 1});
    assert_true(search_score_of(score, STR("anything"), &got));
    (void)search_score_free(score);
}
