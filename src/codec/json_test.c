#include "codec/json.h"
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
