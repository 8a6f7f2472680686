#include "base/text.h"

#include "testing/test.h"

TEST(text_is_of_the_arena)
{
    struct arena arena = {0};
    struct buf buf = {0};
    str text;

    buf_c(&buf, "gathered");
    text = text_take(&arena, &buf);
    assert_null(buf.ptr);
    assert_string_equal(text.ptr, "gathered");
    assert_str_equal(text_take(&arena, &buf), STR("")); /* of a buf that was never used */
    assert_string_equal(text_time(&arena, 1500).ptr, "1970-01-01T00:00:01.5Z");
    assert_string_equal(text_dur(&arena, 90 * DUR_MINUTE).ptr, "1h30m");
    assert_string_equal(text_quoted(&arena, STR("a\"\n")).ptr, "\"a\\\"\\n\"");
    arena_done(&arena);
}
