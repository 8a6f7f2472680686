#include "retrieve.h"

#include <stdlib.h>
#include <string.h>

#include "ngram.h"
#include "testing/test.h"

static void corpus_of(struct corpus *corpus, const char *text)
{
    *corpus = (struct corpus){.text = strdup(text), .len = strlen(text)};
    assert_non_null(corpus->text);
    assert_int_equal(corpus_cut(corpus), 0);
}

static const char text[] = "The barograph draws pressure over time.\n\n"
                           "A queue holds work. A full queue sheds work, and the queue tells.\n\n"
                           "Nothing here.\n\n\n   \n"
                           "Queue is a word; pressure is another.";

TEST(words_are_lower_case_runs_and_marks)
{
    static const char *const want[] = {"it's", "9", "o'clock", ",", "\303\274ber", "a", "b", "!"};
    const char *in = "It's 9 o'clock, \303\274ber-(a)b!";
    struct words_cursor cursor = {.at = in, .end = in + strlen(in)};
    struct word word;

    /* "A" with a hyphen before is a word of its own; so is b. */
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        assert_true(words_next(&cursor, &word));
        assert_string_equal(word.text, want[i]);
    }
    assert_false(words_next(&cursor, &word));
}

TEST(words_longer_than_the_bound_are_cut_and_go_on)
{
    char in[WORD_BYTES_MAX * 2 + 2];
    struct words_cursor cursor = {.at = in, .end = in + sizeof(in) - 1};
    struct word word;

    memset(in, 'x', sizeof(in) - 1);
    in[sizeof(in) - 1] = '\0';
    assert_true(words_next(&cursor, &word));
    assert_int_equal(word.len, WORD_BYTES_MAX);
    assert_true(words_next(&cursor, &word));
    assert_true(words_next(&cursor, &word));
    assert_int_equal(word.len, 1);
    assert_false(words_next(&cursor, &word));
}

TEST(vocabulary_gives_one_number_a_word_and_grows)
{
    struct words_vocabulary *vocabulary = words_vocabulary_new();
    char name[16];

    assert_non_null(vocabulary);
    for (uint32_t i = 0; i < 5000; i++) {
        int n = snprintf(name, sizeof(name), "w%u", i);

        assert_int_equal(words_intern(vocabulary, name, (size_t)n), i);
    }
    assert_int_equal(words_intern(vocabulary, "w17", 3), 17);
    assert_int_equal(words_find(vocabulary, "w4999x", 5), 4999);
    assert_int_equal(words_find(vocabulary, "none", 4), WORDS_NONE);
    assert_string_equal(words_text(vocabulary, 42), "w42");
    assert_string_equal(words_text(vocabulary, 5000), "");
    assert_int_equal(words_count(vocabulary), 5000);
    vocabulary = words_vocabulary_free(vocabulary);
    assert_null(words_vocabulary_free(NULL));
}

TEST(stop_words_are_found)
{
    assert_true(words_is_stop("the"));
    assert_true(words_is_stop("a"));
    assert_true(words_is_stop("your"));
    assert_true(words_is_stop("should"));
    assert_false(words_is_stop("queue"));
    assert_false(words_is_stop(""));
}

TEST(corpus_is_cut_at_blank_lines_and_at_the_bound)
{
    struct corpus corpus;
    char longer[CORPUS_PASSAGE_BYTES_MAX * 2 + 11];

    corpus_of(&corpus, text);
    assert_int_equal(corpus.passage_count, 4);
    assert_memory_equal(corpus.text + corpus.passages[2].begin, "Nothing here.",
                        corpus.passages[2].len);
    corpus_done(&corpus);
    memset(longer, 'y', sizeof(longer) - 1);
    longer[CORPUS_PASSAGE_BYTES_MAX - 10] = ' ';
    longer[sizeof(longer) - 1] = '\0';
    corpus_of(&corpus, longer);
    assert_int_equal(corpus.passage_count, 3);
    assert_int_equal(corpus.passages[0].len, CORPUS_PASSAGE_BYTES_MAX - 10);
    assert_int_equal(corpus.passages[1].len, CORPUS_PASSAGE_BYTES_MAX);
    corpus_done(&corpus);
    corpus_of(&corpus, " \n\n ");
    assert_int_equal(corpus.passage_count, 0);
    corpus_done(&corpus);
}

TEST(corpus_says_what_is_wrong_with_a_file)
{
    struct corpus corpus = {0};
    char error[256] = "";

    assert_int_equal(corpus_load(&corpus, "/nowhere/at/all", error, sizeof(error)), -1);
    assert_non_null(strstr(error, "/nowhere/at/all: "));
    assert_int_equal(corpus_load(&corpus, "/dev/null", error, sizeof(error)), -1);
    assert_non_null(strstr(error, "no text"));
    assert_int_equal(corpus_builtin(&corpus), 0);
    assert_true(corpus.passage_count > 100);
    corpus_done(&corpus);
}

TEST(retrieve_ranks_by_rarity_and_frequency)
{
    static const struct {
        const char *question;
        int hits;
        uint32_t first;
    } cases[] = {
        {"what does a queue do?", 2, 1}, /* more often there, though longer */
        {"BAROGRAPH", 1, 0},
        {"pressure and queue", 3, 3}, /* both words */
        {"the of and", 0, 0},
        {"unknown words", 0, 0},
        {"", 0, 0},
    };
    struct corpus corpus;
    struct words_vocabulary *vocabulary = words_vocabulary_new();
    struct retrieve_index *index;
    struct retrieve_hit hits[RETRIEVE_HITS_MAX];

    corpus_of(&corpus, text);
    index = retrieve_index_new(&corpus, vocabulary);
    assert_non_null(index);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_row(cases[i].question);
        int count = retrieve_search(index, cases[i].question, strlen(cases[i].question), hits, 8);

        assert_int_equal(count, cases[i].hits);
        if (count > 0) {
            assert_int_equal(hits[0].passage, cases[i].first);
        }
        for (int k = 1; k < count; k++) {
            assert_true(hits[k - 1].score >= hits[k].score);
        }
    }
    test_row(NULL);
    assert_int_equal(retrieve_search(index, "queue pressure", 14, hits, 1), 1);
    assert_int_equal(retrieve_search(index, "queue pressure", 14, hits, 0), 0);
    index = retrieve_index_free(index);
    vocabulary = words_vocabulary_free(vocabulary);
    corpus_done(&corpus);
}

TEST(ngram_draws_only_what_was_seen_and_in_proportion)
{
    struct corpus corpus;
    struct words_vocabulary *vocabulary = words_vocabulary_new();
    struct ngram_model *model;
    uint32_t a;
    uint32_t b;
    uint32_t often;
    uint64_t seed = 7;
    int count = 0;

    corpus_of(&corpus, "a b c . a b c . a b c . a b d .");
    model = ngram_model_new(&corpus, vocabulary);
    assert_non_null(model);
    assert_int_equal(ngram_model_tokens(model), 16);
    a = words_find(vocabulary, "a", 1);
    b = words_find(vocabulary, "b", 1);
    often = words_find(vocabulary, "c", 1);
    assert_int_equal(ngram_count(model, a, b), 4);
    assert_int_equal(ngram_count(model, WORDS_NONE, b), 4);
    assert_int_equal(ngram_count(model, b, a), 0);
    for (int i = 0; i < 4000; i++) {
        uint32_t next = ngram_next(model, a, b, &seed);

        assert_true(next == often || next == words_find(vocabulary, "d", 1));
        count += next == often ? 1 : 0;
    }
    assert_in_range(count, 2800, 3200); /* three of four; eleven standard deviations wide */
    assert_int_equal(ngram_next(model, often, a, &seed),
                     b); /* (c, a) was never seen: one word decides */
    assert_true(ngram_next(model, WORDS_NONE, WORDS_NONE, &seed) < words_count(vocabulary));
    model = ngram_model_free(model);
    vocabulary = words_vocabulary_free(vocabulary);
    corpus_done(&corpus);
}

TEST(ngram_wants_three_words)
{
    struct corpus corpus;
    struct words_vocabulary *vocabulary = words_vocabulary_new();

    corpus_of(&corpus, "only two");
    assert_null(ngram_model_new(&corpus, vocabulary));
    vocabulary = words_vocabulary_free(vocabulary);
    corpus_done(&corpus);
}
