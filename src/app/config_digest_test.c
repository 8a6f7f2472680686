#include "app/config_digest.h"

#include "testing/test.h"

static void put(const char *dir, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Whether the digest differs from the one before, which it becomes. */
static bool is_new(const char *path, uint8_t before[SHA256_BYTES])
{
    uint8_t now[SHA256_BYTES];
    struct baro_error err = {0};
    bool differs;

    assert_ok(config_digest(path, now, &err), &err);
    differs = memcmp(now, before, SHA256_BYTES) != 0;
    memcpy(before, now, SHA256_BYTES);
    return differs;
}

TEST(config_digest_follows_what_the_file_names)
{
    const char *dir = test_dir();
    uint8_t digest[SHA256_BYTES] = {0};
    struct baro_error err = {0};
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/p.yml", dir);
    assert_true(config_digest(path, digest, &err) < 0);
    put(dir, "p.yml", "rule_files: [r*.yml, {no: pattern}]\nscrape_config_files: [s.yml]\n");
    assert_true(is_new(path, digest));
    assert_false(is_new(path, digest));
    put(dir, "r1.yml", "groups: []\n");
    assert_true(is_new(path, digest)); /* a file more */
    put(dir, "r1.yml", "groups: \n");
    assert_true(is_new(path, digest)); /* another content */
    put(dir, "s.yml", "no good {");
    assert_true(is_new(path, digest));
    put(dir, "other.yml", "x");
    assert_false(is_new(path, digest));
    put(dir, "p.yml", "templates: '*.yml'\n");
    assert_true(is_new(path, digest)); /* no list: nothing is named */
    put(dir, "other.yml", "y");
    assert_false(is_new(path, digest));
    put(dir, "p.yml", "{");
    assert_true(config_digest(path, digest, &err) < 0);
}
