#include "conf/source_place.h"

#include "testing/test.h"

/* The place of the first 'X' of the scalar under the key e must be that of the file's first 'X'. */
TEST(source_place_finds_yaml_bytes)
{
    static const char *const files[] = {
        "e: abc Xd\n",
        "a: 1\ne: 'ab''c X'\n",
        "e: \"a\\n\\\"b\\u00e4 X\"\n",
        "e: \"a\\x41\\ud83d\\ude00X\"\n",
        "a:\n  - e: |\n      one\n      two X\n",
        "a:\n  - e: |\n\n      one\n\n        two X\n",
        "e: >-\n  one\n  two X\n",
        "e: one\n  two X\n",
        "e: one\n\n\n  two X\n",
        "\xc3\xa4: \xc3\xa4\ne: \xc3\xa4 X\n",
    };

    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        struct arena arena = {0};
        const struct yaml_node *tree = NULL;
        const struct yaml_node *node;
        struct source_place want = {1, 1};
        str file = str_from(files[i]);

        test_row(files[i]);
        for (const char *c = files[i]; *c != 'X'; c++) {
            want.line += *c == '\n' ? 1 : 0;
            want.column =
                *c == '\n' ? 1 : want.column + (((unsigned char)*c & 0xc0) != 0x80 ? 1 : 0);
        }
        if (strstr(files[i], "\\ud83d") == NULL) { /* YAML has no surrogates; JSON does, below */
            assert_true(yaml_parse(&arena, file, &tree, NULL) >= 0);
            node = yaml_get(tree, STR("e"));
            if (node == NULL) {
                node = yaml_get(yaml_get(tree, STR("a"))->items[0], STR("e"));
            }
            struct source_place got =
                source_place_yaml(file, node, str_index_char(node->text, 'X'));
            assert_int_equal(got.line, want.line);
            assert_int_equal(got.column, want.column);
        }
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(source_place_finds_json_bytes)
{
    static const str file = STR_INIT("{\n \"expr\": \"a\\n\\u00e4\\ud83d\\ude00\\\"X\"}");
    struct source_place place = source_place_json(file, 11, 1 + 1 + 2 + 4 + 1);

    assert_int_equal(place.line, 2);
    assert_int_equal(place.column, 34);
    assert_int_equal(file.ptr[2 + place.column - 1], 'X');
}
