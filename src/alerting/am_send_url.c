/* URLs that bodies and options complete. */
#include "alerting/am_send.h"
#include "base/text.h"
#include "codec/url_escape.h"

#include <string.h>

/* As Go's net/url escapes a path. */
static void escape_path(struct buf *out, str path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != '\0' && strchr("-_.~$&+,/:;=@", c) != NULL);

        if (plain) {
            buf_char(out, c);
        } else {
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
}

str am_url_add(struct arena *arena, str base, str path, str query)
{
    size_t mark = str_index_char(base, '?');
    str front = str_slice(base, 0, mark);
    str old = mark == SIZE_MAX ? STR("") : str_from_index(base, mark + 1);
    struct buf out = {0};

    buf_str(&out, front);
    if (path.len > 0 && !str_has_suffix(front, STR("/"))) {
        buf_char(&out, '/');
    }
    escape_path(&out, path);
    if (old.len + query.len > 0) {
        buf_char(&out, '?');
        buf_str(&out, old);
        buf_c(&out, old.len > 0 && query.len > 0 ? "&" : "");
        buf_str(&out, query);
    }
    return text_take(arena, &out);
}

void am_query_add(struct buf *query, const char *name, str value)
{
    buf_printf(query, "%s%s=", query->len > 0 ? "&" : "", name);
    url_query_escape(query, value);
}
