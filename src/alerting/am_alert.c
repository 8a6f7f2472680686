#include "alerting/am_alert.h"

#include "codec/json.h"

#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME  UINT64_C(1099511628211)

static uint64_t fnv_add(uint64_t hash, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (uint8_t)text.ptr[i]) * FNV_PRIME;
    }
    return (hash ^ 255) * FNV_PRIME;
}

uint64_t am_fingerprint(struct labels labels)
{
    uint64_t hash = FNV_OFFSET;

    for (size_t i = 0; i < labels.count; i++) {
        hash = fnv_add(fnv_add(hash, labels.items[i].name), labels.items[i].value);
    }
    return hash;
}

bool am_labels_read(struct arena *arena, const struct json *object, size_t most, struct labels *ret)
{
    struct label *items;
    const struct json *value;
    void *iterator = NULL;
    size_t count = 0;
    str name;

    if (json_kind_of(object) != JSON_KIND_OBJECT || json_count(object) > most) {
        return false;
    }
    items = ARENA_ARRAY(arena, struct label, json_count(object) + 1);
    while (json_member(object, &iterator, &name, &value)) {
        str text = json_text(value);

        if (text.ptr == NULL) {
            return false;
        }
        items[count++] = (struct label){arena_str(arena, name), arena_str(arena, text)};
    }
    *ret = labels_from_pairs(arena, items, count);
    return true;
}
