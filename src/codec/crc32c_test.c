#include "codec/crc32c.h"

#include "base/attr.h"
#include "base/mem.h"
#include "base/random.h"
#include "testing/test.h"

/* RFC 3720, appendix B.4, and the check value of the catalogue of CRCs. */
TEST(crc32c_has_the_published_values)
{
    char bytes[32];

    assert_int_equal(crc32c(STR("")), 0);
    assert_int_equal(crc32c(STR("123456789")), 0xe3069283);
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(crc32c(str_of(bytes, sizeof(bytes))), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(crc32c(str_of(bytes, sizeof(bytes))), 0x62a8ab43);
    for (int i = 0; i < 32; i++) {
        bytes[i] = (char)i;
    }
    assert_int_equal(crc32c(str_of(bytes, sizeof(bytes))), 0x46dd794e);
}

/* Lengths around every step of the fast form, whole and in two parts. */
TEST(crc32c_fast_and_portable_agree)
{
    static const size_t steps[] = {0, 8, 128, 384, 768, 3072, 6144, 10000};
    struct random random = {5};
    uint8_t *bytes = mem_alloc(10100);

    for (size_t i = 0; i < 10100; i++) {
        bytes[i] = (uint8_t)random_next(&random);
    }
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        for (size_t more = 0; more < 20; more++) {
            size_t size = steps[i] + more;
            size_t cut = (size_t)random_below(&random, size + 1);
            uint32_t want = crc32c_add_portable(0, bytes + 3, size);

            assert_int_equal(crc32c_add(0, bytes + 3, size), want);
            assert_int_equal(crc32c_add(crc32c_add(0, bytes + 3, cut), bytes + 3 + cut, size - cut),
                             want);
        }
    }
    (void)mem_free(bytes);
}

/* Every single bit of a text is found, and of its checksum; two bits are none that can be found. */
TEST(crc32c_finds_the_flipped_bit)
{
    enum { BYTES = 600 };
    struct random random = {9};
    char bytes[BYTES];
    uint32_t crc;
    uint64_t found = 0;

    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = (char)random_below(&random, 256);
    }
    crc = crc32c(str_of(bytes, BYTES));
    for (size_t bit = 0; bit < (size_t)BYTES * 8; bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        assert_true(crc32c_find_flip(str_of(bytes, BYTES), crc, &found));
        assert_int_equal(found, bit);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        assert_true(crc32c_find_flip(str_of(bytes, BYTES), crc ^ 1u << bit, &found));
        assert_int_equal(found, BYTES * 8);
    }
    bytes[7] ^= 1;
    bytes[400] ^= 4;
    assert_false(crc32c_find_flip(str_of(bytes, BYTES), crc, &found));
    assert_false(crc32c_find_flip(STR(""), 5, &found));
}
