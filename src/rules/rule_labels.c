#include "rules/rule_labels.h"

#include "base/mem.h"
#include "base/text.h"

struct labels rule_labels_copy(struct labels labels)
{
    size_t bytes = labels.count * sizeof(struct label);
    struct label *items;
    char *at;

    for (size_t i = 0; i < labels.count; i++) {
        bytes += labels.items[i].name.len + labels.items[i].value.len;
    }
    items = mem_alloc(bytes > 0 ? bytes : 1);
    at = (char *)(items + labels.count);
    for (size_t i = 0; i < labels.count; i++) {
        struct label from = labels.items[i];

        items[i] = (struct label){{at, from.name.len}, {at + from.name.len, from.value.len}};
        memcpy(at, from.name.ptr, from.name.len);
        memcpy(at + from.name.len, from.value.ptr, from.value.len);
        at += from.name.len + from.value.len;
    }
    return (struct labels){items, labels.count};
}

void rule_labels_free(struct labels labels)
{
    (void)mem_free((void *)(uintptr_t)labels.items);
}

str rule_labels_key(struct arena *arena, struct labels labels)
{
    struct buf key = {0};

    for (size_t i = 0; i < labels.count; i++) {
        /* Bytes that no UTF-8 text has tell where a name and a value end. */
        buf_str(&key, labels.items[i].name);
        buf_char(&key, '\xff');
        buf_str(&key, labels.items[i].value);
        buf_char(&key, '\xfe');
    }
    return text_take(arena, &key);
}
