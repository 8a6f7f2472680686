#include <stdarg.h>
#include <stdio.h>

#include "base/num.h"
#include "base/text.h"
#include "promql/engine_priv.h"

/* Annotations are told apart by their text; so many of a kind are kept, and the rest is dropped. */
enum { ANNOTATIONS_MAX = 1000 };

static void position_text(str query, uint32_t start, char *ret, size_t size)
{
    size_t line = 1;
    size_t line_start = 0;

    for (size_t i = 0; i < start && i < query.len; i++) {
        if (query.ptr[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    (void)snprintf(ret, size, " (%zu:%zu)", line, start - line_start + 1);
}

static str annotation_text(struct eval *ev, const char *kind, struct position_range pos,
                           const char *format, va_list args)
{
    char place[64];
    str text = arena_vprintf(ev->keep, format, args);

    position_text(ev->query->text, pos.start, place, sizeof(place));
    return arena_printf(ev->keep, "PromQL %s: %s%s", kind, text.ptr, place);
}

void eval_warn(struct eval *ev, struct position_range pos, const char *format, ...)
{
    va_list args;
    str text;

    if (ev->annotations.warnings.count >= ANNOTATIONS_MAX) {
        return;
    }
    va_start(args, format);
    text = annotation_text(ev, "warning", pos, format, args);
    va_end(args);
    if (map_get(&ev->annotations.seen, text) == NULL) {
        (void)map_put(&ev->annotations.seen, text, ev);
        vec_push(&ev->annotations.warnings, text);
    }
}

void eval_info(struct eval *ev, struct position_range pos, const char *format, ...)
{
    va_list args;
    str text;

    if (ev->annotations.infos.count >= ANNOTATIONS_MAX) {
        return;
    }
    va_start(args, format);
    text = annotation_text(ev, "info", pos, format, args);
    va_end(args);
    if (map_get(&ev->annotations.seen, text) == NULL) {
        (void)map_put(&ev->annotations.seen, text, ev);
        vec_push(&ev->annotations.infos, text);
    }
}

void annotation_list_done(struct annotation_list *list)
{
    vec_done(&list->warnings);
    vec_done(&list->infos);
    map_done(&list->seen);
}

const char *eval_quoted(struct eval *ev, str s)
{
    return text_quoted(ev->keep, s).ptr;
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
