#include "sys/memory.h"

#include <string.h>

#include "base/mem.h"
#include "testing/test.h"

TEST(memory_use_follows_what_is_touched)
{
    enum { BYTES = 64 << 20 };
    struct memory_use before = {0}, after = {0};
    char *block;

    assert_true(memory_use_read(&before));
    assert_true(before.anonymous_bytes <= before.resident_bytes && before.resident_bytes > 0);
    block = mem_alloc(BYTES);
    memset(block, 1, BYTES);
    assert_true(memory_use_read(&after));
    assert_true(after.anonymous_bytes >= before.anonymous_bytes + BYTES / 2);
    (void)mem_free(block);
}
