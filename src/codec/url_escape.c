#include "codec/url_escape.h"

#include <stdbool.h>

static bool is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void url_query_escape(struct buf *buf, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (is_plain(c)) {
            buf_char(buf, (char)c);
        } else if (c == ' ') {
            buf_char(buf, '+');
        } else {
            buf_printf(buf, "%%%02X", (unsigned)c);
        }
    }
}
