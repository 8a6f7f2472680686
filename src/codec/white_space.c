#include "codec/white_space.h"

#include "base/attr.h"

size_t white_space_len(str text)
{
    /* Unicode 16, PropList.txt, White_Space. */
    static const struct {
        uint32_t from, to;
    } rows[] = {{0x09, 0x0D},     {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},
                {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                {0x205F, 0x205F}, {0x3000, 0x3000}};
    uint32_t rune = 0;
    size_t size = utf8_decode(text, &rune);

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rune >= rows[i].from && rune <= rows[i].to) {
            return size;
        }
    }
    return 0;
}

str white_space_trim(str text)
{
    size_t size;

    while ((size = white_space_len(text)) > 0) {
        text = str_from_index(text, size);
    }
    for (size_t at = text.len; at > 0;) {
        at--;
        while (at > 0 && ((unsigned char)text.ptr[at] & 0xC0) == 0x80) {
            at--;
        }
        size = white_space_len(str_from_index(text, at));
        if (size == 0 || at + size != text.len) {
            break;
        }
        text.len = at;
    }
    return text;
}
