#include "tsdb/head_meta.h"

#include "base/buf.h"
#include "base/num.h"

void head_meta_init(struct head_meta *meta)
{
    *meta = (struct head_meta){0};
    lock_init(&meta->lock, LOCK_LEAF);
}

void head_meta_done(struct head_meta *meta)
{
    map_done(&meta->by_key);
    vec_done(&meta->items);
    arena_done(&meta->texts);
    lock_done(&meta->lock);
}

static str cut(str text)
{
    return str_slice(text, 0, HEAD_META_TEXT_MAX);
}

static const struct metadata *copy(struct arena *arena, const struct metadata *metadata)
{
    struct metadata *ret = ARENA_NEW(arena, struct metadata);

    ret->type = metadata->type;
    ret->unit = arena_str(arena, cut(metadata->unit));
    ret->help = arena_str(arena, cut(metadata->help));
    return ret;
}

static uint32_t add_locked(struct head_meta *meta, const struct metadata *metadata, str key)
{
    void *found = map_get(&meta->by_key, key);

    if (found == NULL && meta->items.count < HEAD_META_COUNT_MAX) {
        vec_push(&meta->items, copy(&meta->texts, metadata));
        found = (void *)(uintptr_t)meta->items.count;
        (void)map_put(&meta->by_key, arena_str(&meta->texts, key), found);
    }
    return (uint32_t)(uintptr_t)found;
}

uint32_t head_meta_add(struct head_meta *meta, const struct metadata *metadata)
{
    str unit = cut(metadata->unit), help = cut(metadata->help);
    struct buf key = {0};
    uint32_t number;

    buf_char(&key, (char)metadata->type);
    buf_u64(&key, unit.len);
    buf_char(&key, ' ');
    buf_str(&key, unit);
    buf_str(&key, help);
    if (key.failed) {
        buf_done(&key);
        return 0;
    }
    lock_acquire(&meta->lock);
    number = add_locked(meta, metadata, buf_view(&key));
    lock_release(&meta->lock);
    buf_done(&key);
    return number;
}

const struct metadata *head_meta_at(struct head_meta *meta, uint32_t number)
{
    const struct metadata *found;

    lock_acquire(&meta->lock);
    ASSERT(number > 0 && number <= meta->items.count);
    found = meta->items.items[number - 1];
    lock_release(&meta->lock);
    return found;
}

uint32_t head_meta_count(struct head_meta *meta)
{
    uint32_t count;

    lock_acquire(&meta->lock);
    count = (uint32_t)meta->items.count;
    lock_release(&meta->lock);
    return count;
}

size_t head_meta_bytes(struct head_meta *meta)
{
    size_t bytes;

    lock_acquire(&meta->lock);
    bytes = meta->texts.used_bytes + meta->items.capacity * sizeof(void *) +
            meta->by_key.capacity * sizeof(struct map_entry);
    lock_release(&meta->lock);
    return bytes;
}
