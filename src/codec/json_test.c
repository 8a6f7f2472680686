#include "codec/json.h"

#include <malloc.h>

#include "base/buf.h"
#include "testing/test.h"

TEST(json_reads_a_tree)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct baro_error err = {0};
    void *iterator = NULL;
    const struct json *value;
    int64_t number = 0;
    str key;

    assert_ok(json_doc_parse(STR("{\"a\":[1,2.5,\"x\"],\"b\":true,\"c\":null}"), &root, &err),
              &err);
    assert_int_equal(json_kind_of(root), JSON_KIND_OBJECT);
    assert_int_equal(json_count(json_get(root, "a")), 3);
    assert_true(json_int(json_at(json_get(root, "a"), 0), &number));
    assert_int_equal(number, 1);
    assert_true(json_double(json_at(json_get(root, "a"), 1)) == 2.5);
    assert_str_equal(json_text(json_at(json_get(root, "a"), 2)), STR("x"));
    assert_true(json_is_yes(json_get(root, "b")));
    assert_int_equal(json_kind_of(json_get(root, "c")), JSON_KIND_NULL);
    assert_null(json_get(root, "d"));
    assert_null(json_text(json_get(root, "b")).ptr);
    assert_true(json_member(root, &iterator, &key, &value));
    assert_str_equal(key, STR("a"));
}

TEST(json_refuses_with_a_place)
{
    static const struct {
        const char *text;
        uint32_t line;
    } cases[] = {{"", 1},     {"{", 1},   {"{\"a\":1,\n\"a\":2}", 2},
                 {"[1,]", 1}, {"nul", 1}, {"[\"\xff\"]", 1}};
    char deep[10000];

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct json *root = NULL;
        struct baro_error err = {0};

        test_row(cases[i].text);
        assert_int_equal(json_doc_parse(str_from(cases[i].text), &root, &err), BARO_EPARSE);
        assert_int_equal(err.line, cases[i].line);
        assert_null(root);
    }
    memset(deep, '[', sizeof(deep));
    assert_int_equal(json_doc_parse(str_of(deep, sizeof(deep)), &(struct json *){NULL}, NULL),
                     BARO_EPARSE);
}

static size_t allocated(void)
{
    const struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

TEST(json_tree_bytes_is_what_a_tree_takes_or_somewhat_more)
{
    static const struct {
        const char *name;
        const char *item;
        bool is_object; /* the items are members, with a number in their names */
    } cases[] = {
        {"empty objects", "{}", false},
        {"empty arrays", "[]", false},
        {"nested arrays", "[[[[1]]]]", false},
        {"digits", "1", false},
        {"numbers", "-1.5e+300", false},
        {"words", "null", false},
        {"texts", "\"abc\"", false},
        {"empty texts", "\"\"", false},
        {"escapes", "\"\\\"\\\\[{,\\u00e9\"", false},
        {"long texts", "\"0123456789012345678901234567890123456789012345678901234567890123\"",
         false},
        {"small objects", "{\"a\":1}", false},
        {"points",
         "{\"attributes\":[{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/users/:id\"}}],"
         "\"timeUnixNano\":\"1700000000000000000\",\"asDouble\":1.5}",
         false},
        {"members", "\"abc\"", true},
        {"members of one digit", "1", true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases) && !BARO_ASAN && !BARO_TSAN; i++) {
        enum { COUNT = 40000 };
        struct buf text = {0};
        struct json *root = NULL;
        struct baro_error err = {0};
        size_t before, taken, told;

        buf_char(&text, cases[i].is_object ? '{' : '[');
        for (int k = 0; k < COUNT; k++) {
            buf_c(&text, k > 0 ? "," : "");
            if (cases[i].is_object) {
                buf_printf(&text, "\"%d\":", k);
            }
            buf_c(&text, cases[i].item);
        }
        buf_char(&text, cases[i].is_object ? '}' : ']');
        test_row(cases[i].name);
        before = allocated();
        assert_ok(json_doc_parse(buf_view(&text), &root, &err), &err);
        taken = allocated() - before;
        told = json_tree_bytes(buf_view(&text));
        assert_in_range(told, taken, 3 * taken);
        (void)json_doc_free(root);
        buf_done(&text);
    }
    test_row(NULL);
    /* Whatever it is, it ends. */
    assert_int_equal(json_tree_bytes(STR_NULL), 0);
    assert_in_range(json_tree_bytes(STR("\"\\")), 1, 200);
    assert_in_range(json_tree_bytes(STR("{\"a")), 1, 500);
}
