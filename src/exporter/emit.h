/*
 * emit: how collectors write metrics: families and their values, from text that is borrowed and not
 * NUL-terminated, into libbaro's sink. What libbaro refuses (a name that is none, a family twice in
 * one scrape) is left out with its values, and counted there as misuse. One scrape, one thread.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "baro/baro.h"

enum { EMIT_LABELS_MAX = BARO_LABELS_MAX };

struct emit {
    struct baro_sink *sink;
    struct arena arena; /* of the scrape */
    size_t label_count; /* of the open family */
    bool is_open;
};

/* emit_family begins a family; labels is NULL, or ends with NULL. */
void emit_family(struct emit *emit, const char *name, enum baro_type type, const char *help,
                 const char *const *labels);

/* emit_value adds a series: values has one str a label. */
void emit_value(struct emit *emit, double value, const str *values);

/* emit_single is a family of one series without labels. */
void emit_single(struct emit *emit, const char *name, enum baro_type type, const char *help,
                 double value);

/* emit_values makes the array that baro_sink_* want, in the scrape's arena. */
const char *const *emit_values(struct emit *emit, const str *values);

/* A collector for baro_collector_add: emit_collect as the function, this as the context. */
struct emit_collector {
    void (*collect)(void *context, struct emit *emit);
    void *context;
};
void emit_collect(struct baro_sink *sink, void *emit_collector);

/* emit_text appends what the collector emits, in the text format 0.0.4; false without memory. */
bool emit_text(struct buf *buf, const struct emit_collector *collector);
