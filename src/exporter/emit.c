#include "exporter/emit.h"

#include <stdlib.h>

void emit_family(struct emit *emit, const char *name, enum baro_type type, const char *help,
                 const char *const *labels)
{
    struct baro_label names[EMIT_LABELS_MAX] = {0};
    struct baro_desc desc = {.name = name, .help = help, .type = type, .labels = names};

    while (labels != NULL && labels[desc.label_count] != NULL &&
           desc.label_count < EMIT_LABELS_MAX) {
        names[desc.label_count].name = labels[desc.label_count];
        desc.label_count++;
    }
    emit->label_count = desc.label_count;
    emit->is_open = baro_sink_family(emit->sink, &desc) == BARO_OK;
}

const char *const *emit_values(struct emit *emit, const str *values)
{
    const char **copies = ARENA_ARRAY(&emit->arena, const char *, emit->label_count + 1);

    for (size_t i = 0; i < emit->label_count; i++) {
        copies[i] = arena_str(&emit->arena, values[i]).ptr;
    }
    return copies;
}

void emit_value(struct emit *emit, double value, const str *values)
{
    if (emit->is_open) {
        (void)baro_sink_value(emit->sink, emit_values(emit, values), value);
    }
}

void emit_single(struct emit *emit, const char *name, enum baro_type type, const char *help,
                 double value)
{
    emit_family(emit, name, type, help, NULL);
    emit_value(emit, value, NULL);
}

void emit_collect(struct baro_sink *sink, void *emit_collector)
{
    const struct emit_collector *collector = emit_collector;
    struct emit emit = {.sink = sink};

    collector->collect(collector->context, &emit);
    arena_done(&emit.arena);
}

bool emit_text(struct buf *buf, const struct emit_collector *collector)
{
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    struct emit_collector copy = *collector;
    size_t size = 0;
    char *text = NULL;

    if (registry != NULL && baro_collector_add(registry, emit_collect, &copy) >= 0) {
        text = baro_expose_alloc(registry, NULL, &size);
    }
    if (text != NULL) {
        buf_bytes(buf, text, size);
    }
    free(text);
    (void)baro_registry_free(registry);
    return text != NULL && !buf->failed;
}
