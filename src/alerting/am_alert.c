#include "alerting/am_alert.h"

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
