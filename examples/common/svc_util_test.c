#include "svc_util.h"

#include <stdlib.h>
#include <errno.h>
#include <unistd.h>

#include "testing/test.h"

TEST(svc_sha256_matches_published_vectors)
{
    /* FIPS 180-4 examples, and lengths around the padding's edge. */
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"empty", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"56 bytes", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"55 bytes", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
        {"64 bytes", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char got[SVC_SHA256_HEX_SIZE];

        test_row(cases[i].name);
        svc_sha256_hex(cases[i].text, strlen(cases[i].text), got);
        assert_string_equal(got, cases[i].want);
    }
    test_row(NULL);
}

TEST(svc_hmac_matches_rfc_4231)
{
    static const uint8_t want[SVC_SHA256_SIZE] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                                  0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                                  0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                                  0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    uint8_t got[SVC_SHA256_SIZE];

    svc_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, got);
    assert_memory_equal(got, want, sizeof(want));
}

TEST(svc_base64_pads)
{
    static const struct {
        const char *text, *want;
    } cases[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char got[16];

        svc_base64(cases[i].text, strlen(cases[i].text), got);
        assert_string_equal(got, cases[i].want);
    }
}

TEST(svc_bytes_stop_at_their_bound)
{
    struct svc_bytes bytes = {.max = 1000};

    for (int i = 0; i < 250; i++) {
        svc_bytes_le32(&bytes, (uint32_t)i);
    }
    assert_false(bytes.failed);
    assert_int_equal(bytes.len, 1000);
    assert_int_equal(bytes.ptr[4 * 249], 249);
    svc_bytes_put(&bytes, "x", 1);
    assert_true(bytes.failed);
    assert_int_equal(bytes.len, 1000);
    svc_bytes_printf(&bytes, "%d", 1);
    assert_int_equal(bytes.len, 1000);
    svc_bytes_done(&bytes);
}

TEST(svc_file_write_replaces_and_read_is_bounded)
{
    char path[300];
    struct svc_bytes got = {0};
    struct svc_error err = {{0}};

    (void)snprintf(path, sizeof(path), "%s/file", test_dir());
    assert_int_equal(svc_file_write(path, "first", 5, &err), 0);
    assert_int_equal(svc_file_write(path, "second", 6, &err), 0);
    assert_int_equal(svc_file_read(path, 6, &got, &err), 0);
    assert_int_equal(got.len, 6);
    assert_memory_equal(got.ptr, "second", 6);
    svc_bytes_done(&got);
    assert_int_equal(svc_file_read(path, 5, &got, &err), -EFBIG);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(svc_file_read("/nonexistent/file", 5, &got, &err), -ENOENT);
    assert_int_equal(svc_file_write("/nonexistent/file", "x", 1, &err), -ENOENT);
}

TEST(svc_random_hex_differs_and_ends)
{
    char a[33], b[33];

    svc_random_hex(a, sizeof(a));
    svc_random_hex(b, sizeof(b));
    assert_int_equal(strlen(a), 32);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    assert_string_not_equal(a, b);
}
