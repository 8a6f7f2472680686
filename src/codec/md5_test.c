#include "codec/md5.h"

#include "testing/test.h"

TEST(md5_digests_of_the_rfc)
{
    static const struct {
        const char *data;
        const char *want;
    } cases[] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"a", "0cc175b9c0f1b6a831c399e269772661"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "d174ab98d277d9f5a5611c2c9f419d9f"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint8_t digest[MD5_BYTES];
        char hex[2 * MD5_BYTES + 1];

        test_row(cases[i].data);
        md5_digest(str_from(cases[i].data), digest);
        for (size_t k = 0; k < MD5_BYTES; k++) {
            (void)snprintf(hex + 2 * k, 3, "%02x", digest[k]);
        }
        assert_str_equal(str_from(hex), str_from(cases[i].want));
    }
    test_row(NULL);
}
