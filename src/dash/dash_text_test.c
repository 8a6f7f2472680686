#include "dash/dash_text.h"

#include "dash/dash_board.h"
#include "testing/test.h"

static void check_file(const char *name, const char *text, const char *old, const char *want)
{
    struct baro_error err = {0};
    struct buf out = {0};

    test_row(name);
    assert_ok(dash_text_for_file(str_from(text), str_from(old), STR("u"), &out, &err), &err);
    assert_str_equal(buf_view(&out), str_from(want));
    test_row(NULL);
    buf_done(&out);
}

TEST(dash_text_keeps_id_and_version_of_the_file)
{
    check_file("as the file has them", "{\"id\":7,\"title\":\"x\",\"uid\":\"u\",\"version\":3}",
               "{\"id\": null, \"version\": 12}",
               "{\"id\":null,\"title\":\"x\",\"uid\":\"u\",\"version\":12}");
    check_file("the file has none", "{\"id\":7,\"title\":\"x\",\"version\":3}", "{}",
               "{\"title\":\"x\",\"uid\":\"u\"}");
    check_file("a new file", "{\"id\":7,\"title\":\"x\",\"version\":3}", NULL,
               "{\"title\":\"x\",\"uid\":\"u\"}");
    check_file("left out by the client", "{\"title\":\"x\"}", "{\"id\":1,\"version\":2}",
               "{\"title\":\"x\",\"id\":1,\"uid\":\"u\",\"version\":2}");
}

TEST(dash_text_shows_what_is_stored)
{
    struct baro_error err = {0};
    struct dash_board *board = NULL;
    struct buf out = {0};
    int64_t version = 0;

    assert_ok(dash_board_parse(STR("{\"title\": \"A B\", \"id\": null, \"uid\": \"u\"}"),
                               STR("/x.json"), &board, &err),
              &err);
    board->version = 4;
    board->id = 9;
    dash_text_for_api(board, &out);
    assert_str_equal(buf_view(&out),
                     STR("{\"title\":\"A B\",\"id\":9,\"uid\":\"u\",\"version\":4}"));
    assert_true(dash_text_version(buf_view(&out), &version));
    assert_int_equal(version, 4);
    assert_false(dash_text_version(board->text, &version));
    (void)dash_board_unref(board);
    buf_done(&out);
}

TEST(dash_text_fills_the_inputs_of_an_import)
{
    static const struct {
        const char *text;
        const char *inputs;
        const char *want;
    } cases[] = {
        {"{\"__inputs\":[1],\"a\":\"${DS}\",\"b\":\"${x} ${DS}!\"}",
         "[{\"name\":\"DS\",\"value\":\"q\\\"\"}]", "{\"a\":\"q\\\"\",\"b\":\"${x} q\\\"!\"}"},
        {"{\"a\":\"${DS\"}", "[{\"name\":\"DS\",\"value\":\"v\"}]", "{\"a\":\"${DS\"}"},
        {"{\"a\":1}", NULL, "{\"a\":1}"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_error err = {0};
        struct buf out = {0};

        assert_ok(dash_text_fill(str_from(cases[i].text), str_from(cases[i].inputs), &out, &err),
                  &err);
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
    }
}

TEST(dash_board_reads_the_facts_and_refuses_what_is_none)
{
    static const struct {
        const char *text;
        const char *want; /* in the message */
    } cases[] = {
        {"[]", "is a JSON object"},
        {"{}", "title cannot be empty"},
        {"{\"title\":\"\"}", "title cannot be empty"},
        {"{\"title\":\"x\",\"uid\":\"a b\"}", "uid \"a b\""},
        {"{\"title\":\"x\"", "'}' expected"},
    };
    struct baro_error err = {0};
    struct dash_board *board = NULL;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_true(dash_board_parse(str_from(cases[i].text), STR("p"), &board, &err) < 0);
        assert_true(str_contains(str_from(err.message), str_from(cases[i].want)));
    }
    assert_ok(dash_board_parse(STR("{\"title\":\"Jobs / now!\",\"tags\":[\"a\",1,\"b\"]}"),
                               STR("p"), &board, &err),
              &err);
    assert_str_equal(board->slug, STR("jobs-now"));
    assert_int_equal(board->tag_count, 2);
    assert_false(board->has_own_uid);
    assert_true(dash_uid_is_valid(board->uid));
    (void)dash_board_unref(board);
}

/* A megabyte for each of a thousand mentions. */
TEST(dash_text_fill_is_bounded)
{
    struct baro_error err = {0};
    struct buf text = {0};
    struct buf inputs = {0};
    struct buf out = {0};

    buf_c(&text, "{\"a\":\"");
    for (size_t i = 0; i < 1000; i++) {
        buf_c(&text, "${X}");
    }
    buf_c(&text, "\"}");
    buf_c(&inputs, "[{\"name\":\"X\",\"value\":\"");
    for (size_t i = 0; i < (1 << 20) / 8; i++) {
        buf_c(&inputs, "01234567");
    }
    buf_c(&inputs, "\"}]");
    assert_int_equal(dash_text_fill(buf_view(&text), buf_view(&inputs), &out, &err), BARO_ELIMIT);
    assert_true(str_contains(str_from(err.message), STR("more than")));
    assert_true(out.len < (size_t)DASH_BYTES_MAX + (4 << 20));
    buf_done(&text);
    buf_done(&inputs);
    buf_done(&out);
}
