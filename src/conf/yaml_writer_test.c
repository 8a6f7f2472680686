#include "conf/yaml_writer.h"

#include "base/arena.h"
#include "base/attr.h"
#include "codec/yaml.h"
#include "testing/test.h"

TEST(yaml_writer_strings)
{
    static const struct {
        const char *value;
        const char *want;
    } cases[] = {
        {"plain", "k: plain\n"},
        {"", "k: \"\"\n"},
        {"12", "k: \"12\"\n"},
        {"yes", "k: \"yes\"\n"},
        {"10:20", "k: \"10:20\"\n"},
        {"2001-02-03", "k: \"2001-02-03\"\n"},
        {"localhost:9090", "k: localhost:9090\n"},
        {"a: b", "k: 'a: b'\n"},
        {"it's#1", "k: it's#1\n"},
        {"it's #1: x", "k: 'it''s #1: x'\n"},
        {" lead", "k: ' lead'\n"},
        {"trail ", "k: 'trail '\n"},
        {"-", "k: '-'\n"},
        {"-x", "k: -x\n"},
        {"*x", "k: '*x'\n"},
        {"[x]", "k: '[x]'\n"},
        {"x[0]", "k: x[0]\n"},
        {"a\tb", "k: \"a\\tb\"\n"},
        {"a\\b", "k: a\\b\n"},
        {"\x01", "k: \"\\x01\"\n"},
        {"two\nlines", "k: |-\n  two\n  lines\n"},
        {"two\nlines\n", "k: |\n  two\n  lines\n"},
        {"<<", "k: \"<<\"\n"},
        {"\xC3\xA4", "k: \xC3\xA4\n"},
        {"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 012345 x",
         "k: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
         "012345\n  x\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf buf = {0};
        struct yaml_writer w = {.buf = &buf};
        struct arena arena = {0};
        const struct yaml_node *root = NULL;
        struct baro_error err = {0};

        test_row(cases[i].value);
        yaml_write_key(&w, STR("k"));
        yaml_write_str(&w, str_from(cases[i].value));
        yaml_write_end(&w);
        assert_str_equal(buf_view(&buf), str_from(cases[i].want));
        assert_ok(yaml_parse(&arena, buf_view(&buf), &root, &err), &err);
        assert_int_equal(yaml_get(root, STR("k"))->type, YAML_TYPE_STRING);
        assert_str_equal(yaml_get(root, STR("k"))->text, str_from(cases[i].value));
        arena_done(&arena);
        buf_done(&buf);
    }
    test_row(NULL);
}
