#include "http/form.h"

#include "base/buf.h"

#include "testing/test.h"

/* Writes the pairs as name=value|name=value, or the error. */
static str shown(struct arena *arena, str text, int *ret)
{
    struct form form = {0};
    struct baro_error err = {0};
    str out = STR("");

    *ret = form_parse(arena, text, &form, &err);
    if (*ret < 0) {
        return arena_str(arena, str_from(err.message));
    }
    for (size_t i = 0; i < form.count; i++) {
        out = arena_printf(arena, "%.*s%s%.*s=%.*s", STR_ARG(out), i > 0 ? "|" : "",
                           STR_ARG(form.items[i].name), STR_ARG(form.items[i].value));
    }
    return out;
}

TEST(form_parse_follows_go)
{
    static const struct {
        str text;
        const char *want;
        int code;
    } cases[] = {
        {STR_INIT(""), "", 0},
        {STR_INIT("a=1"), "a=1", 0},
        {STR_INIT("a"), "a=", 0},
        {STR_INIT("a="), "a=", 0},
        {STR_INIT("=x"), "=x", 0},
        {STR_INIT("a=1&a=2&b=3"), "a=1|a=2|b=3", 0},
        {STR_INIT("&&a=1&&"), "a=1", 0},
        {STR_INIT("a=b=c"), "a=b=c", 0},
        {STR_INIT("q=up%7Bjob%3D%22x%22%7D+%2B+1"), "q=up{job=\"x\"} + 1", 0},
        {STR_INIT("match%5B%5D=up"), "match[]=up", 0},
        {STR_INIT("a=%c3%A9"), "a=\xc3\xa9", 0},
        {STR_INIT("a=%zz"), "invalid URL escape \"%zz\"", BARO_EPARSE},
        {STR_INIT("a=%"), "invalid URL escape \"%\"", BARO_EPARSE},
        {STR_INIT("a=%4"), "invalid URL escape \"%4\"", BARO_EPARSE},
        {STR_INIT("%g1=x"), "invalid URL escape \"%g1\"", BARO_EPARSE},
        {STR_INIT("a=1;b=2"), "invalid semicolon separator in query", BARO_EPARSE},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        int code = 0;

        test_row(cases[i].text.ptr);
        assert_str_equal(shown(&arena, cases[i].text, &code), str_from(cases[i].want));
        assert_int_equal(code, cases[i].code);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(form_parse_bounds_the_pairs)
{
    struct buf text = {0};
    struct arena arena = {0};
    struct form form = {0};
    struct baro_error err = {0};

    for (int i = 0; i < FORM_PAIRS_MAX; i++) {
        buf_c(&text, "a=1&");
    }
    assert_ok(form_parse(&arena, buf_view(&text), &form, &err), &err);
    assert_int_equal(form.count, FORM_PAIRS_MAX);
    form = (struct form){0};
    buf_c(&text, "b=2");
    assert_int_equal(form_parse(&arena, buf_view(&text), &form, &err), BARO_ELIMIT);
    arena_done(&arena);
    buf_done(&text);
}

TEST(form_get_and_next)
{
    struct arena arena = {0};
    struct form form = {0};
    size_t index = 0;
    str value = STR_NULL;

    assert_ok(form_parse(&arena, STR("m=1&x=&m=2"), &form, NULL), NULL);
    assert_ok(form_parse(&arena, STR("m=3"), &form, NULL), NULL);
    assert_str_equal(form_get(&form, STR("m")), STR("1"));
    assert_true(form_has(&form, STR("x")));
    assert_false(form_has(&form, STR("y")));
    for (const char *want = "123"; *want != '\0'; want++) {
        assert_true(form_next(&form, STR("m"), &index, &value));
        assert_str_equal(value, str_of(want, 1));
    }
    assert_false(form_next(&form, STR("m"), &index, &value));
    arena_done(&arena);
}

TEST(form_url_path_decode_keeps_plus)
{
    struct arena arena = {0};
    str out = STR_NULL;

    assert_ok(url_path_decode(&arena, STR("a+b%20c%2Fd"), &out, NULL), NULL);
    assert_str_equal(out, STR("a+b c/d"));
    assert_int_equal(url_path_decode(&arena, STR("%x"), &out, NULL), BARO_EPARSE);
    arena_done(&arena);
}
