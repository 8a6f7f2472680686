#include "codec/yaml.h"

#include <math.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "testing/test.h"

static int parse(struct arena *arena, const char *text, const struct yaml_node **ret,
                 struct baro_error *err)
{
    *err = (struct baro_error){0};
    return yaml_parse(arena, str_from(text), ret, err);
}

/* A tree in one line: {key: value, ...}, [a, b], scalars with the letter of their type. */
static void show(struct buf *buf, const struct yaml_node *node)
{
    static const char letters[] = "nbiufs";

    switch (node->kind) {
    case YAML_KIND_SCALAR:
        buf_printf(buf, "%c:%.*s", letters[node->type], STR_ARG(node->text));
        break;
    case YAML_KIND_SEQUENCE:
        buf_char(buf, '[');
        for (size_t i = 0; i < node->item_count; i++) {
            buf_c(buf, i > 0 ? " " : "");
            show(buf, node->items[i]);
        }
        buf_char(buf, ']');
        break;
    case YAML_KIND_MAPPING:
        buf_char(buf, '{');
        for (size_t i = 0; i < node->pair_count; i++) {
            buf_c(buf, i > 0 ? " " : "");
            show(buf, node->pairs[i].key);
            buf_char(buf, '=');
            show(buf, node->pairs[i].value);
        }
        buf_char(buf, '}');
        break;
    }
}

TEST(yaml_trees)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"a: 1\nb: [x, 2.5, yes, ~]\n", "{s:a=i:1 s:b=[s:x f:2.5 b:yes n:~]}"},
        {"- 'true'\n- \"1\"\n- |\n  12\n", "[s:true s:1 s:12\n]"},
        {"a:\n", "{s:a=n:}"},
        {"plain text", "s:plain text"},
        {"a: &x {p: 1, q: 2}\nb: *x\n", "{s:a={s:p=i:1 s:q=i:2} s:b={s:p=i:1 s:q=i:2}}"},
        {"d: &x {p: 1, q: 2}\ne:\n  q: 3\n  <<: *x\n",
         "{s:d={s:p=i:1 s:q=i:2} s:e={s:q=i:3 s:p=i:1}}"},
        {"e:\n  <<: [{p: 1}, {p: 2, q: 4}]\n", "{s:e={s:p=i:1 s:q=i:4}}"},
        {"e: {'<<': 1}\n", "{s:e={s:<<=i:1}}"},
        {"!!str 12", "s:12"},
        {"!!int \"12\"", "i:12"},
        {"!!float 12", "f:12"},
        {"!!binary aGk=", "s:hi"},
        {"!!binary ''", "s:"},
        {"!other 12", "s:12"},
        {"a: 1\n---\nb: 2\n", "{s:a=i:1}"},
        {"\xEF\xBB\xBF"
         "a: 1\n",
         "{s:a=i:1}"},
        {"{a: {}, b: []}", "{s:a={} s:b=[]}"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        const struct yaml_node *root = NULL;
        struct baro_error err;
        struct buf buf = {0};

        test_row(cases[i].text);
        assert_ok(parse(&arena, cases[i].text, &root, &err), &err);
        assert_non_null(root);
        show(&buf, root);
        assert_str_equal(buf_view(&buf), str_from(cases[i].want));
        buf_done(&buf);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(yaml_empty_documents)
{
    static const char *const cases[] = {"", "# only a comment\n", "   \n\n"};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        const struct yaml_node *root = NULL;
        struct baro_error err;

        test_row(cases[i]);
        assert_ok(parse(&arena, cases[i], &root, &err), &err);
        assert_true(yaml_is_null(root));
        arena_done(&arena);
    }
    test_row(NULL);
}

static const struct {
    const char *text;
    enum yaml_type type;
    double number;
} scalars[] = {
    {"", YAML_TYPE_NULL, 0},
    {"~", YAML_TYPE_NULL, 0},
    {"null", YAML_TYPE_NULL, 0},
    {"nUll", YAML_TYPE_STRING, 0},
    {"y", YAML_TYPE_BOOL, 1},
    {"On", YAML_TYPE_BOOL, 1},
    {"off", YAML_TYPE_BOOL, 0},
    {"oFF", YAML_TYPE_STRING, 0},
    {"0", YAML_TYPE_INT, 0},
    {"-12", YAML_TYPE_INT, -12},
    {"+12", YAML_TYPE_INT, 12},
    {"1_000", YAML_TYPE_INT, 1000},
    {"0x1F", YAML_TYPE_INT, 31},
    {"-0x1f", YAML_TYPE_INT, -31},
    {"010", YAML_TYPE_INT, 8},
    {"0o17", YAML_TYPE_INT, 15},
    {"0b101", YAML_TYPE_INT, 5},
    {"08", YAML_TYPE_FLOAT, 8},
    {"0b2", YAML_TYPE_STRING, 0},
    {"0x", YAML_TYPE_STRING, 0},
    {"9223372036854775807", YAML_TYPE_INT, 9223372036854775807.0},
    {"-9223372036854775808", YAML_TYPE_INT, -9223372036854775808.0},
    {"18446744073709551615", YAML_TYPE_UINT, 18446744073709551615.0},
    {"18446744073709551616", YAML_TYPE_FLOAT, 18446744073709551616.0},
    {"1.5", YAML_TYPE_FLOAT, 1.5},
    {".5", YAML_TYPE_FLOAT, 0.5},
    {"-1e3", YAML_TYPE_FLOAT, -1000},
    {"1.", YAML_TYPE_FLOAT, 1},
    {".", YAML_TYPE_STRING, 0},
    {"1e", YAML_TYPE_STRING, 0},
    {"-", YAML_TYPE_STRING, 0},
    {"+", YAML_TYPE_STRING, 0},
    {"15s", YAML_TYPE_STRING, 0},
    {"1.2.3", YAML_TYPE_STRING, 0},
    {"1.5.", YAML_TYPE_STRING, 0},
    {".inf", YAML_TYPE_FLOAT, INFINITY},
    {"-.Inf", YAML_TYPE_FLOAT, -INFINITY},
    {"inf", YAML_TYPE_STRING, 0},
    {"nan", YAML_TYPE_STRING, 0},
    {"10:20", YAML_TYPE_STRING, 0},
    {"2001-01-01", YAML_TYPE_STRING, 0},
};

TEST(yaml_resolves_plain_scalars)
{
    for (size_t i = 0; i < ARRAY_COUNT(scalars); i++) {
        struct yaml_value value;
        double got = 0;

        test_row(scalars[i].text);
        assert_int_equal(yaml_resolve(str_from(scalars[i].text), &value), scalars[i].type);
        switch (scalars[i].type) {
        case YAML_TYPE_BOOL:
            got = value.boolean;
            break;
        case YAML_TYPE_INT:
            got = (double)value.integer;
            break;
        case YAML_TYPE_UINT:
            got = (double)value.natural;
            break;
        case YAML_TYPE_FLOAT:
            got = value.number;
            break;
        case YAML_TYPE_NULL:
        case YAML_TYPE_STRING:
            break;
        }
        assert_true(got == scalars[i].number);
    }
    test_row(NULL);
}

TEST(yaml_positions)
{
    struct arena arena = {0};
    const struct yaml_node *root = NULL;
    struct baro_error err;

    assert_ok(parse(&arena, "a:\n  b: [x,\n   y]\n", &root, &err), &err);
    const struct yaml_node *list = yaml_get(yaml_get(root, STR("a")), STR("b"));
    assert_non_null(list);
    assert_int_equal(list->line, 2);
    assert_int_equal(list->column, 6);
    assert_int_equal(list->items[1]->line, 3);
    assert_int_equal(list->items[1]->column, 4);
    assert_null(yaml_get(root, STR("c")));
    assert_null(yaml_get(list, STR("c")));
    assert_int_equal(yaml_pair_get(root, STR("a"))->key->column, 1);
    arena_done(&arena);
}

TEST(yaml_refusals)
{
    static const struct {
        const char *text;
        const char *want;
        uint32_t line;
        uint32_t column;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "key \"a\" already set in map", 3, 1},
        {"a: *x\n", "unknown anchor 'x' referenced", 1, 4},
        {"a: &x [*x]\n", "anchor 'x' value contains itself", 1, 8},
        {"a: [1, 2\nb: 3\n", "did not find expected ',' or ']'", 2, 2},
        {"a: {<<: 3}\n", "map merge requires map or sequence of maps", 1, 9},
        {"- !!int abc\n", "cannot decode `abc` as its tag demands", 1, 3},
        {"- !!binary \"/w==$1\"\n", "!!binary value contains invalid base64 data", 1, 3},
        {"a: 1\n\tb: 2\n", "found a tab character that violates indentation", 2, 1},
        {"a: 1\nb: \xff\n", "UTF-8", 2, 4},
        {"a: 'x\n", "unexpected end of stream", 2, 1},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        const struct yaml_node *root = NULL;
        struct baro_error err;

        test_row(cases[i].text);
        assert_int_equal(parse(&arena, cases[i].text, &root, &err), BARO_EPARSE);
        assert_null(root);
        if (strstr(err.message, cases[i].want) == NULL) {
            assert_string_equal(err.message, cases[i].want);
        }
        assert_int_equal(err.line, cases[i].line);
        assert_int_equal(err.column, cases[i].column);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(yaml_limits_depth)
{
    struct buf text = {0};
    struct arena arena = {0};
    const struct yaml_node *root = NULL;
    struct baro_error err;

    for (int i = 0; i <= YAML_DEPTH_MAX; i++) {
        buf_char(&text, '[');
    }
    assert_int_equal(yaml_parse(&arena, buf_view(&text), &root, &err), BARO_ELIMIT);
    assert_non_null(strstr(err.message, "nested too deeply"));
    arena_done(&arena);
    buf_done(&text);
}

TEST(yaml_limits_alias_expansion)
{
    struct buf text = {0};
    struct arena arena = {0};
    const struct yaml_node *root = NULL;
    struct baro_error err;

    /* Each level is ten times the one before: 10^12 nodes from 1 kB. */
    buf_c(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        buf_printf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++) {
            buf_printf(&text, "%s*a%d", j > 0 ? ", " : "", i - 1);
        }
        buf_c(&text, "]\n");
    }
    assert_int_equal(yaml_parse(&arena, buf_view(&text), &root, &err), BARO_ELIMIT);
    assert_non_null(strstr(err.message, "aliases"));
    assert_true(err.line > 3);
    arena_done(&arena);
    buf_done(&text);
}

TEST(yaml_large_mappings_find_duplicates)
{
    struct buf text = {0};
    struct arena arena = {0};
    const struct yaml_node *root = NULL;
    struct baro_error err = {0};

    for (int i = 0; i < 1000; i++) {
        buf_printf(&text, "k%d: %d\n", i, i);
    }
    assert_ok(yaml_parse(&arena, buf_view(&text), &root, &err), &err);
    assert_int_equal(root->pair_count, 1000);
    assert_int_equal(yaml_get(root, STR("k999"))->integer, 999);
    buf_c(&text, "k500: again\n");
    assert_int_equal(yaml_parse(&arena, buf_view(&text), &root, &err), BARO_EPARSE);
    assert_int_equal(err.line, 1001);
    arena_done(&arena);
    buf_done(&text);
}
