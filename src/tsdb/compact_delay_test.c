#include "tsdb/compact_delay.h"

#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "sys/fs.h"
#include "testing/test.h"

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

#define A "01AAAAAAAAAAAAAAAAAAAAAAAA"
#define B "01BBBBBBBBBBBBBBBBBBBBBBBB"
#define C "01CCCCCCCCCCCCCCCCCCCCCCCC"

TEST(compact_delay_keeps_what_may_be_merged)
{
    static const struct {
        const char *name;
        const char *text; /* of the file; NULL = there is none */
        struct {
            const char *ulid;
            uint32_t level;
        } blocks[3];
        int code;
        const char *want; /* indexes */
    } cases[] = {
        {"no file", NULL, {{A, 1}, {B, 1}, {C, 1}}, -ENOENT, "012"},
        {"no JSON", "{\"uploaded\":", {{A, 1}, {B, 1}, {C, 1}}, BARO_EPARSE, "012"},
        {"an array", "[7]", {{A, 1}, {B, 1}, {C, 1}}, BARO_EINVALID, "012"},
        {"no list", "{\"uploaded\": 7}", {{A, 1}, {B, 1}, {C, 1}}, BARO_EINVALID, "012"},
        {"nothing uploaded", "{\"version\": 1}", {{A, 1}, {B, 1}, {C, 1}}, 0, ""},
        {"null", "{\"uploaded\": null}", {{A, 2}, {B, 1}, {C, 1}}, 0, "0"},
        {"all",
         "{\"uploaded\": [\"" C "\", \"" A "\", \"" B "\"]}",
         {{A, 1}, {B, 1}, {C, 1}},
         0,
         "012"},
        {"the first", "{\"uploaded\": [\"" A "\", \"x\", 7]}", {{A, 1}, {B, 1}, {C, 1}}, 0, "0"},
        {"a gap", "{\"uploaded\": [\"" A "\", \"" C "\"]}", {{A, 1}, {B, 1}, {C, 1}}, 0, "0"},
        {"merged ones do not wait",
         "{\"uploaded\": [\"" C "\"]}",
         {{A, 3}, {B, 2}, {C, 1}},
         0,
         "012"},
        {"by age, not by time", "{\"uploaded\": [\"" A "\"]}", {{C, 2}, {B, 1}, {A, 1}}, 0, "2"},
    };
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/thanos.shipper.json", test_dir());
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct compact_delay delay = {.fs = fs_real(), .path = path};
        struct block_meta metas[3] = {0};
        const struct block_meta *blocks[3];
        struct baro_error err = {0};
        char got[4] = "";
        size_t kept[3], count;

        test_row(cases[i].name);
        (void)remove(path);
        if (cases[i].text != NULL) {
            write_file(path, cases[i].text);
        }
        for (size_t k = 0; k < 3; k++) {
            memcpy(metas[k].ulid, cases[i].blocks[k].ulid, ULID_CHARS);
            metas[k].level = cases[i].blocks[k].level;
            blocks[k] = &metas[k];
        }
        assert_int_equal(compact_delay_refresh(&delay, 0, &err), cases[i].code);
        assert_true(cases[i].code == 0 || strstr(err.message, "thanos.shipper.json") != NULL);
        count = compact_delay_keep(&delay, blocks, 3, kept);
        for (size_t k = 0; k < count; k++) {
            got[k] = (char)('0' + kept[k]);
        }
        assert_string_equal(got, cases[i].want);
        compact_delay_done(&delay);
    }
    test_row(NULL);
}

TEST(compact_delay_reads_once_a_minute)
{
    struct block_meta meta = {.ulid = A, .level = 1};
    const struct block_meta *blocks[] = {&meta};
    struct compact_delay delay = {.fs = fs_real()};
    struct baro_error err = {0};
    char path[512];
    size_t kept[1];

    /* Without the flag nothing waits. */
    assert_ok(compact_delay_refresh(&delay, 0, &err), &err);
    assert_int_equal(compact_delay_keep(&delay, blocks, 1, kept), 1);
    (void)snprintf(path, sizeof(path), "%s/uploaded.json", test_dir());
    delay.path = path;
    write_file(path, "{\"uploaded\": []}");
    assert_ok(compact_delay_refresh(&delay, 0, &err), &err);
    assert_int_equal(compact_delay_keep(&delay, blocks, 1, kept), 0);
    write_file(path, "{\"uploaded\": [\"" A "\"]}");
    assert_ok(compact_delay_refresh(&delay, 59 * MONO_PER_SECOND, &err), &err);
    assert_int_equal(compact_delay_keep(&delay, blocks, 1, kept), 0);
    assert_ok(compact_delay_refresh(&delay, 60 * MONO_PER_SECOND, &err), &err);
    assert_int_equal(compact_delay_keep(&delay, blocks, 1, kept), 1);
    compact_delay_done(&delay);
}
