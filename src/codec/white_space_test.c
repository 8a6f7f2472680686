#include "codec/white_space.h"
#include "testing/test.h"

TEST(white_space_of_unicode)
{
    static const struct {
        const char *text;
        size_t len;
        const char *trimmed;
    } rows[] = {
        {"", 0, ""},
        {" ", 1, ""},
        {"a b", 0, "a b"},
        {"\t\n\v\f\r a \n", 1, "a"},
        {"\302\240a\302\205", 2, "a"},
        {"\342\200\250 a b\343\200\200\342\201\237", 3, "a b"},
        {"\341\232\200\342\200\257", 3, ""},
        {"\342\200\213a\342\200\213", 0, "\342\200\213a\342\200\213"}, /* of no width: no space */
        {"\240a\240", 0, "\240a\240"},                                 /* no UTF-8 */
        {"\303\240", 0, "\303\240"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        test_row(rows[i].text);
        assert_int_equal(white_space_len(str_from(rows[i].text)), rows[i].len);
        assert_str_equal(white_space_trim(str_from(rows[i].text)), str_from(rows[i].trimmed));
    }
    test_row(NULL);
}
