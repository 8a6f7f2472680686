#include "template/template_case.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t utf8_locale; /* (locale_t)0 = the system has none: ASCII alone */

static void make_locale(void)
{
    utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static locale_t locale_get(void)
{
    (void)pthread_once(&once, make_locale);
    return utf8_locale;
}

static uint32_t to_upper(uint32_t rune)
{
    if (rune < 0x80 || locale_get() == (locale_t)0) {
        return rune >= 'a' && rune <= 'z' ? rune - 32 : rune;
    }
    return (uint32_t)towupper_l((wint_t)rune, utf8_locale);
}

static uint32_t to_lower(uint32_t rune)
{
    if (rune < 0x80 || locale_get() == (locale_t)0) {
        return rune >= 'A' && rune <= 'Z' ? rune + 32 : rune;
    }
    return (uint32_t)towlower_l((wint_t)rune, utf8_locale);
}

static bool is_letter(uint32_t rune)
{
    if (rune < 0x80 || locale_get() == (locale_t)0) {
        return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') || rune >= 0x80;
    }
    return iswalpha_l((wint_t)rune, utf8_locale) != 0;
}

static void put(struct buf *buf, uint32_t rune)
{
    char encoded[4];

    buf_bytes(buf, encoded, utf8_encode(rune, encoded));
}

/* The character at the text's start, which is cut off. */
static uint32_t next(str *text)
{
    uint32_t rune = 0xFFFD;
    size_t size = utf8_decode(*text, &rune);

    *text = str_from_index(*text, size == 0 ? 1 : size);
    return size == 0 ? 0xFFFD : rune;
}

void template_upper(struct buf *buf, str text)
{
    while (text.len > 0) {
        put(buf, to_upper(next(&text)));
    }
}

void template_lower(struct buf *buf, str text)
{
    while (text.len > 0) {
        put(buf, to_lower(next(&text)));
    }
}

/* Marks that stand within words: o'clock, e.g., a:b. */
static bool joins(uint32_t rune, str behind)
{
    str rest = behind;

    return (rune == '\'' || rune == '.' || rune == ':' || rune == 0x2019) && rest.len > 0 &&
           is_letter(next(&rest));
}

void template_title(struct buf *buf, str text)
{
    bool in_word = false; /* a letter of it was seen */
    bool has_letter = false;

    while (text.len > 0) {
        uint32_t rune = next(&text);
        bool digit = (rune >= '0' && rune <= '9') || rune == '_';

        if (is_letter(rune)) {
            put(buf, has_letter ? to_lower(rune) : to_upper(rune));
            has_letter = true;
            in_word = true;
        } else {
            in_word = digit || (in_word && has_letter && joins(rune, text));
            has_letter = in_word && has_letter;
            put(buf, rune);
        }
    }
}
