#include "codec/base64.h"
#include "codec/sha256.h"
#include "testing/test.h"

TEST(base64_both_ways)
{
    /* RFC 4648, section 10, and bytes that tell the alphabets apart. */
    static const struct {
        const char *raw;
        const char *text;
        bool for_url;
    } cases[] = {{"", "", false},
                 {"f", "Zg==", false},
                 {"fo", "Zm8=", false},
                 {"foo", "Zm9v", false},
                 {"foob", "Zm9vYg==", false},
                 {"fooba", "Zm9vYmE=", true},
                 {"\xfb\xff", "+/8=", false},
                 {"\xfb\xff", "-_8=", true}};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};
        size_t bad = 0;

        test_row(cases[i].text);
        base64_encode(&out, str_from(cases[i].raw), cases[i].for_url);
        assert_str_equal(buf_view(&out), str_from(cases[i].text));
        buf_reset(&out);
        assert_true(base64_decode(&out, str_from(cases[i].text), cases[i].for_url, &bad));
        assert_str_equal(buf_view(&out), str_from(cases[i].raw));
        buf_done(&out);
    }
    test_row(NULL);
}

TEST(base64_refuses)
{
    static const struct {
        const char *text;
        size_t bad;
    } cases[] = {{"Zg", 2},   {"Zg=", 3},  {"Z", 1},    {"Zg=a", 3},
                 {"+/8=", 0}, {"====", 0}, {"Zm9v!", 4}};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};
        size_t bad = 0;

        test_row(cases[i].text);
        assert_false(base64_decode(&out, str_from(cases[i].text), true, &bad));
        assert_int_equal(bad, cases[i].bad);
        buf_done(&out);
    }
    test_row(NULL);
}

static void assert_hex(const uint8_t digest[SHA256_BYTES], const char *want)
{
    struct buf out = {0};

    sha256_hex(&out, digest);
    assert_str_equal(buf_view(&out), str_from(want));
    buf_done(&out);
}

TEST(sha256_known_answers)
{
    uint8_t digest[SHA256_BYTES];
    struct buf text = {0};

    sha256_digest(STR(""), digest);
    assert_hex(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_digest(STR("abc"), digest);
    assert_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_digest(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), digest);
    assert_hex(digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    for (size_t i = 0; i < 1000000; i++) {
        buf_char(&text, 'a');
    }
    sha256_digest(buf_view(&text), digest);
    assert_hex(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    buf_done(&text);
}

TEST(sha256_hmac_known_answers)
{
    uint8_t digest[SHA256_BYTES];
    char key[131];

    /* RFC 4231, cases 2 and 6. */
    sha256_hmac(STR("Jefe"), STR("what do ya want for nothing?"), digest);
    assert_hex(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    sha256_hmac(str_of(key, sizeof(key)),
                STR("Test Using Larger Than Block-Size Key - Hash Key First"), digest);
    assert_hex(digest, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}
