#include <stdarg.h>
#include <stdio.h>

#include "base/num.h"
#include "base/text.h"
#include "promql/engine_priv.h"

/* Annotations are told apart by their text; so many of a kind are kept, and the rest is dropped. */
enum { ANNOTATIONS_MAX = 1000, MESSAGE_BYTES_USUAL = 256 };

static void put_position(struct buf *buf, str query, uint32_t start)
{
    size_t line = 1;
    size_t line_start = 0;

    for (size_t i = 0; i < start && i < query.len; i++) {
        if (query.ptr[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    buf_printf(buf, " (%zu:%zu)", line, start - line_start + 1);
}

static void put_message(struct buf *buf, const char *format, va_list args)
{
    size_t room = MESSAGE_BYTES_USUAL;
    va_list again;
    int size;

    va_copy(again, args);
    size = buf_reserve(buf, room) != NULL ? vsnprintf(buf->ptr + buf->len, room, format, args) : -1;
    if (size >= (int)room) {
        room = (size_t)size + 1;
        size = buf_reserve(buf, room) != NULL ? vsnprintf(buf->ptr + buf->len, room, format, again)
                                              : -1;
    }
    va_end(again);
    buf->len += size > 0 ? (size_t)size : 0;
}

/* Thousands of steps say the same: a text takes memory of the query once, however often it is
 * told. */
static void note(struct eval *ev, annotation_vec *notes, const char *kind,
                 struct position_range pos, const char *format, va_list args)
{
    struct annotation_list *list = &ev->annotations;
    str text;

    if (notes->count >= ANNOTATIONS_MAX) {
        return;
    }
    buf_reset(&list->text);
    buf_printf(&list->text, "PromQL %s: ", kind);
    put_message(&list->text, format, args);
    put_position(&list->text, ev->query->text, pos.start);
    if (list->text.failed || map_get(&list->seen, buf_view(&list->text)) != NULL) {
        return;
    }
    text = arena_str(ev->keep, buf_view(&list->text));
    (void)map_put(&list->seen, text, ev);
    vec_push(notes, text);
}

void eval_warn(struct eval *ev, struct position_range pos, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(ev, &ev->annotations.warnings, "warning", pos, format, args);
    va_end(args);
}

void eval_info(struct eval *ev, struct position_range pos, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(ev, &ev->annotations.infos, "info", pos, format, args);
    va_end(args);
}

void annotation_list_done(struct annotation_list *list)
{
    vec_done(&list->warnings);
    vec_done(&list->infos);
    map_done(&list->seen);
    buf_done(&list->text);
}

/* Names that stand in annotations of many steps: the last one is kept. */
const char *eval_quoted(struct eval *ev, str s)
{
    struct annotation_list *list = &ev->annotations;

    if (list->quoted == NULL || !str_eq(list->quoted_of, s)) {
        list->quoted_of = arena_str(ev->keep, s);
        list->quoted = text_quoted(ev->keep, s).ptr;
    }
    return list->quoted;
}

const char *eval_float(struct eval *ev, double v)
{
    char text[NUM_TEXT_MAX];
    size_t size = num_format_double(v, NUM_G, text);

    return arena_str(ev->keep, str_of(text, size)).ptr;
}

void eval_warn_quantile(struct eval *ev, double q, struct position_range pos)
{
    eval_warn(ev, pos, "quantile value should be between 0 and 1, got %s", eval_float(ev, q));
}

void eval_warn_collision(struct eval *ev, struct position_range pos, const char *operation)
{
    eval_warn(ev, pos, "conflicting counter resets during histogram %s", operation);
}

void eval_info_reconciled(struct eval *ev, struct position_range pos, const char *operation)
{
    eval_info(ev, pos, "mismatched custom buckets were reconciled during %s", operation);
}

void eval_warn_mixed_schemas(struct eval *ev, struct position_range pos, str name)
{
    eval_warn(ev, pos,
              "vector contains a mix of histograms with exponential and custom buckets schemas for "
              "metric name %s",
              eval_quoted(ev, name));
}
