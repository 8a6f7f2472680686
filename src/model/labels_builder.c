#include "model/labels_builder.h"

#include "base/mem.h"
#include "base/vec.h"

void labels_builder_done(struct labels_builder *builder)
{
    vec_done(builder);
}

void labels_builder_load(struct labels_builder *builder, struct labels labels)
{
    vec_reset(builder);
    if (labels.count > 0) {
        vec_reserve(builder, labels.count);
        memcpy(builder->items, labels.items, labels.count * sizeof(*labels.items));
        builder->count = labels.count;
    }
}

void labels_builder_add(struct labels_builder *builder, str name, str value)
{
    vec_push(builder, ((struct label){name, value}));
}

static size_t find(const struct labels_builder *builder, str name)
{
    for (size_t i = 0; i < builder->count; i++) {
        if (str_eq(builder->items[i].name, name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

str labels_builder_get(const struct labels_builder *builder, str name)
{
    size_t at = find(builder, name);

    return at != SIZE_MAX ? builder->items[at].value : STR_NULL;
}

void labels_builder_set(struct labels_builder *builder, str name, str value)
{
    size_t at = find(builder, name);

    if (value.len == 0) {
        labels_builder_del(builder, name);
    } else if (at != SIZE_MAX) {
        builder->items[at].value = value;
    } else {
        labels_builder_add(builder, name, value);
    }
}

void labels_builder_del(struct labels_builder *builder, str name)
{
    size_t at = find(builder, name);

    if (at != SIZE_MAX) {
        builder->count--;
        memmove(builder->items + at, builder->items + at + 1,
                (builder->count - at) * sizeof(*builder->items));
    }
}

struct labels labels_builder_finish(struct labels_builder *builder)
{
    size_t count = 0;

    for (size_t i = 0; i < builder->count; i++) {
        if (builder->items[i].value.len > 0) {
            builder->items[count++] = builder->items[i];
        }
    }
    builder->count = count;
    labels_sort(builder->items, count);
    return (struct labels){builder->items, count};
}
