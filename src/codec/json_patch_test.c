#include "codec/json_patch.h"

#include "testing/test.h"

static void check(const char *name, const char *old_text, const char *new_text, const char *want)
{
    struct baro_error err = {0};
    struct buf out = {0};

    test_row(name);
    assert_ok(json_patch(str_from(old_text), str_from(new_text), &out, &err), &err);
    assert_str_equal(buf_view(&out), str_from(want));
    assert_true(json_same(buf_view(&out), str_from(new_text)));
    test_row(NULL);
    buf_done(&out);
}

TEST(json_patch_changes_only_what_differs)
{
    static const struct {
        const char *name;
        const char *old_text;
        const char *new_text;
        const char *want;
    } cases[] = {
        {"nothing differs", " {\"b\" :1.0,\t\"a\":\"\\u0041\" }\n", "{\"a\":\"A\",\"b\":1}",
         " {\"b\" :1.0,\t\"a\":\"\\u0041\" }\n"},
        {"a scalar", "{\"a\": 1, \"b\": [1, 2]}", "{\"b\":[1,2],\"a\":2}",
         "{\"a\": 2, \"b\": [1, 2]}"},
        {"a member goes, the first", "{ \"a\": 1,\n  \"b\": 2 }", "{\"b\":2}", "{ \"b\": 2 }"},
        {"a member comes, behind what it follows", "{\n  \"a\": 1,\n  \"c\": 3\n}\n",
         "{\"a\":1,\"b\":{\"x\":[],\"y\":[1]},\"c\":3}",
         "{\n  \"a\": 1,\n  \"b\": {\n    \"x\": [],\n    \"y\": [\n      1\n    ]\n  },\n  \"c\": "
         "3\n}\n"},
        {"a member comes first", "{\n  \"a\": 1\n}", "{\"z\":0,\"a\":1}",
         "{\n  \"z\": 0,\n  \"a\": 1\n}"},
        {"on one line", "{\"a\":1}", "{\"a\":1,\"b\":[{\"c\":2}]}", "{\"a\":1,\"b\":[{\"c\":2}]}"},
        {"all goes", "{\n \"a\": {\n  \"b\": 1\n }\n}", "{\"a\":{}}", "{\n \"a\": {}\n}"},
        {"from nothing", "{\n  \"a\": []\n}", "{\"a\":[1,2]}",
         "{\n  \"a\": [\n    1,\n    2\n  ]\n}"},
        {"another kind", "{\"a\": [1]}", "{\"a\":{\"b\":1}}", "{\"a\": {\"b\": 1}}"},
        {"an element goes", "[1, 2, 3]", "[1,3]", "[1, 3]"},
        {"the first element goes", "[1, 2, 3]", "[2,3]", "[2, 3]"},
        {"an element comes first", "[1, 2]", "[0,1,2]", "[0, 1, 2]"},
        {"elements come last", "[\n  1\n]", "[1,2,3]", "[\n  1,\n  2,\n  3\n]"},
        {"panels by id, moved and changed",
         "{\"panels\": [ {\"id\": 1, \"x\": 1.50},\n {\"id\": 2, \"x\": 2.50} ]}",
         "{\"panels\":[{\"id\":2,\"x\":2.5,\"y\":1},{\"id\":3}]}",
         "{\"panels\": [ {\"id\": 2, \"x\": 2.50, \"y\": 1},\n {\"id\": 3} ]}"},
        {"without identity by place", "[{\"a\": 1, \"b\": 2.0}]", "[{\"a\":2,\"b\":2}]",
         "[{\"a\": 2, \"b\": 2.0}]"},
        {"large integers are told apart", "[9007199254740993]", "[9007199254740992]",
         "[9007199254740992]"},
        {"strings with quotes and brackets", "{\"a\": \"\\\"]}\", \"b\": 1}",
         "{\"a\":\"\\\"]}\",\"b\":2}", "{\"a\": \"\\\"]}\", \"b\": 2}"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        check(cases[i].name, cases[i].old_text, cases[i].new_text, cases[i].want);
    }
}

TEST(json_patch_refuses_what_is_no_json)
{
    struct baro_error err = {0};
    struct buf out = {0};

    assert_int_equal(json_patch(STR("{"), STR("{}"), &out, &err), BARO_EPARSE);
    assert_true(str_has_prefix(str_from(err.message), STR("the old text: ")));
    assert_int_equal(json_patch(STR("{}"), STR("[1,]"), &out, &err), BARO_EPARSE);
    assert_true(str_has_prefix(str_from(err.message), STR("the new text: ")));
    assert_int_equal(out.len, 0);
    assert_false(json_same(STR("{}"), STR("1")));
    assert_true(json_same(STR("[0]"), STR("[-0.0]")));
    assert_false(json_same(STR("[0]"), STR("[\"0\"]")));
}

/* Two large arrays that have nothing in common are matched by place, in linear time. */
TEST(json_patch_does_not_blow_up)
{
    struct baro_error err = {0};
    struct buf old = {0};
    struct buf new = {0};
    struct buf out = {0};

    for (int i = 0; i < 5000; i++) {
        buf_printf(&old, "%c{\"id\": %d}", i == 0 ? '[' : ',', i);
        buf_printf(&new, "%c{\"id\":%d}", i == 0 ? '[' : ',', i + 1);
    }
    buf_char(&old, ']');
    buf_char(&new, ']');
    assert_ok(json_patch(buf_view(&old), buf_view(&new), &out, &err), &err);
    assert_true(json_same(buf_view(&out), buf_view(&new)));
    buf_done(&old);
    buf_done(&new);
    buf_done(&out);
}

TEST(json_pretty_gives_each_value_a_line)
{
    struct baro_error err = {0};
    struct buf out = {0};

    assert_ok(json_pretty(STR("{\"a\":[1,{}],\"b\":\"x\"}"), &out, &err), &err);
    assert_str_equal(buf_view(&out),
                     STR("{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x\"\n}\n"));
    assert_int_equal(json_pretty(STR("{"), &out, &err), BARO_EPARSE);
    buf_done(&out);
}
