/* E-mail out of hostile text: header values stay one header, lines stay short, addresses stay bare.
 */
#include <stdlib.h>
#include <string.h>

#include "alerting/am_mail.h"
#include "fuzz/fuzz.h"

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

/* A line break is there only before a space, which continues the header. */
static void check_word(str word)
{
    for (size_t i = 0; i < word.len; i++) {
        check(word.ptr[i] != '\n' || (i > 0 && word.ptr[i - 1] == '\r'));
        check(word.ptr[i] != '\r' ||
              (i + 2 < word.len && word.ptr[i + 1] == '\n' && word.ptr[i + 2] == ' '));
    }
}

static void check_lines(str text)
{
    size_t length = 0;

    for (size_t i = 0; i < text.len; i++) {
        check((unsigned char)text.ptr[i] < 0x80);
        length = text.ptr[i] == '\n' ? 0 : length + 1;
        check(length <= 77); /* 76 and the CR */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = str_of((const char *)data, size < 65536 ? size : 65536);
    struct arena arena = {.limit_bytes = 0};
    struct baro_error err = {0};
    const str *found = NULL;
    struct buf out = {0};
    size_t count = 0;

    am_mail_word(&out, text);
    check_word(buf_view(&out));
    buf_reset(&out);
    am_mail_quoted(&out, text);
    check_lines(buf_view(&out));
    if (am_mail_addresses(&arena, text, &found, &count, &err) == 0) {
        for (size_t i = 0; i < count; i++) {
            check(str_index_char(found[i], '\n') == SIZE_MAX &&
                  str_index_char(found[i], '\r') == SIZE_MAX &&
                  str_index_char(found[i], '>') == SIZE_MAX &&
                  str_index_char(found[i], '@') != SIZE_MAX);
        }
    }
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
