#include "polish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing/test.h"

static size_t cut(char *text, const char **words)
{
    size_t count = 0;
    char *save = NULL;

    for (char *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        words[count++] = word;
    }
    return count;
}

static void joined(const struct polish_text *text, char *to)
{
    to[0] = '\0';
    for (size_t i = 0; i < text->count; i++) {
        to = stpcpy(to, text->pieces[i]);
    }
}

TEST(polish_makes_sentences)
{
    static const struct {
        const char *in;
        const char *want;
        size_t masked;
        size_t dropped;
    } cases[] = {
        {"a queue is full . it sheds", "A queue is full. It sheds.", 0, 0},
        {"one , two ; three !", "One, two; three!", 0, 0},
        {"yes ? . , no", "Yes? No.", 0, 2},
        {". , leading marks", "Leading marks.", 0, 2},
        {"the darn secret of darnation", "The **** ****** of darnation.", 2, 0},
        {"very very very very good", "Very very good.", 0, 2},
        {"darn", "****.", 1, 0},
        {"", "", 0, 0},
        {"\xc3\xbc"
         "ber alles",
         "\xc3\xbc"
         "ber alles.",
         0, 0},
    };
    char darn[] = "darn";
    char secret[] = "secret";
    struct polish_blocked blocked = {.words = (char *[]){darn, secret}, .count = 2};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char in[256];
        char out[512];
        const char *words[64];
        struct polish_text text = {0};

        test_row(cases[i].in);
        (void)snprintf(in, sizeof(in), "%s", cases[i].in);
        assert_int_equal(polish_words(&blocked, words, cut(in, words), &text), 0);
        joined(&text, out);
        assert_string_equal(out, cases[i].want);
        assert_int_equal(text.masked, cases[i].masked);
        assert_int_equal(text.dropped, cases[i].dropped);
        polish_text_done(&text);
    }
    test_row(NULL);
}

TEST(polish_bounds_the_pieces)
{
    const char **words = calloc(POLISH_PIECES_MAX + 10, sizeof(*words));
    struct polish_blocked blocked = {0};
    struct polish_text text = {0};

    assert_non_null(words);
    for (size_t i = 0; i < POLISH_PIECES_MAX + 10; i++) {
        words[i] = i % 2 == 0 ? "tick" : "tock";
    }
    assert_int_equal(polish_words(&blocked, words, POLISH_PIECES_MAX + 10, &text), 0);
    assert_int_equal(text.count, POLISH_PIECES_MAX);
    assert_string_equal(text.pieces[text.count - 1], ".");
    polish_text_done(&text);
    free(words);
}

TEST(polish_loads_blocked_words_sorted)
{
    struct polish_blocked blocked = {0};
    char path[128];
    char error[256] = "";
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/words", test_dir());
    assert_int_equal(polish_blocked_load(&blocked, path, error, sizeof(error)), -1);
    assert_non_null(strstr(error, path));
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("# comment\nZebra\n\n  apple  \n...\n", file);
    (void)fclose(file);
    assert_int_equal(polish_blocked_load(&blocked, path, error, sizeof(error)), 0);
    assert_int_equal(blocked.count, 2);
    assert_string_equal(blocked.words[0], "apple");
    assert_true(polish_is_blocked(&blocked, "zebra"));
    assert_false(polish_is_blocked(&blocked, "zebras"));
    polish_blocked_done(&blocked);
}
