#include "base/text.h"

#include "base/rfc3339.h"

str text_take(struct arena *arena, struct buf *buf)
{
    str text = arena_str(arena, buf_view(buf));

    buf_done(buf);
    return text;
}

str text_time(struct arena *arena, ts t)
{
    struct buf buf = {0};

    rfc3339_format(&buf, t);
    return text_take(arena, &buf);
}

str text_dur(struct arena *arena, dur d)
{
    struct buf buf = {0};

    dur_format(&buf, d);
    return text_take(arena, &buf);
}

str text_quoted(struct arena *arena, str text)
{
    struct buf buf = {0};

    buf_quoted(&buf, text);
    return text_take(arena, &buf);
}
