#include "alerting/am_nflog.h"

#include <string.h>

#include "alerting/am_fps.h"
#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"

void am_nflog_done(struct am_nflog *log)
{
    size_t index = 0;

    for (struct map_entry *slot; (slot = map_next(&log->entries, &index)) != NULL;) {
        (void)mem_free(slot->value);
    }
    map_done(&log->entries);
}

const struct am_nflog_entry *am_nflog_get(const struct am_nflog *log, str key)
{
    return map_get(&log->entries, key);
}

static void copy(void *to, const void *from, size_t size)
{
    if (size > 0) {
        memcpy(to, from, size);
    }
}

static struct am_nflog_entry *entry_new(const struct am_nflog_entry *from)
{
    size_t numbers = from->firing_count + from->resolved_count;
    struct am_nflog_entry *entry = mem_alloc(sizeof(*entry) + numbers * sizeof(uint64_t) +
                                             from->key.len + from->thread_id.len);
    uint64_t *hashes = (uint64_t *)(entry + 1);
    char *bytes = (char *)(hashes + numbers);

    *entry = *from;
    copy(hashes, from->firing, from->firing_count * sizeof(*hashes));
    copy(hashes + from->firing_count, from->resolved, from->resolved_count * sizeof(*hashes));
    copy(bytes, from->key.ptr, from->key.len);
    copy(bytes + from->key.len, from->thread_id.ptr, from->thread_id.len);
    entry->firing = hashes;
    entry->resolved = hashes + from->firing_count;
    entry->key = str_of(bytes, from->key.len);
    entry->thread_id = str_of(bytes + from->key.len, from->thread_id.len);
    return entry;
}

const struct am_nflog_entry *am_nflog_put(struct am_nflog *log, const struct am_nflog_entry *entry)
{
    struct am_nflog_entry *before = map_get(&log->entries, entry->key);
    struct am_nflog_entry *added;

    if (before != NULL && before->timestamp > entry->timestamp) {
        return NULL;
    }
    if (before == NULL && log->entries.count >= AM_NFLOG_MAX) {
        return NULL;
    }
    added = entry_new(entry);
    if (before != NULL) {
        (void)map_remove(&log->entries, before->key);
        (void)mem_free(before);
    }
    (void)map_put(&log->entries, added->key, added);
    return added;
}

size_t am_nflog_gc(struct am_nflog *log, ts now,
                   void (*gone)(void *context, const struct am_nflog_entry *entry), void *context)
{
    VEC(struct am_nflog_entry *) over = {0};
    size_t index = 0;
    size_t count;

    for (struct map_entry *slot; (slot = map_next(&log->entries, &index)) != NULL;) {
        struct am_nflog_entry *entry = slot->value;

        if (entry->expires_at <= now) {
            vec_push(&over, entry);
        }
    }
    for (size_t i = 0; i < over.count; i++) {
        gone(context, over.items[i]);
        (void)map_remove(&log->entries, over.items[i]->key);
        (void)mem_free(over.items[i]);
    }
    count = over.count;
    vec_done(&over);
    return count;
}

const char *am_reason_text(enum am_reason reason)
{
    static const char *const texts[] = {
        [AM_REASON_NONE] = "none",
        [AM_REASON_FIRST] = "first notification",
        [AM_REASON_NEW] = "new alerts added",
        [AM_REASON_RESOLVED] = "some alerts resolved",
        [AM_REASON_ALL_RESOLVED] = "all alerts resolved",
        [AM_REASON_REPEAT] = "repeat interval elapsed",
    };

    return texts[reason];
}

/* Whether every one of `part` is among `whole`. */
static bool is_subset(const uint64_t *part, size_t part_count, const uint64_t *whole,
                      size_t whole_count)
{
    struct am_fps set = {0};
    bool good = true;

    if (part_count == 0) {
        return true;
    }
    for (size_t i = 0; i < whole_count; i++) {
        (void)am_fps_put(&set, whole[i], &set);
    }
    for (size_t i = 0; i < part_count && good; i++) {
        good = am_fps_get(&set, part[i]) != NULL;
    }
    am_fps_done(&set);
    return good;
}

enum am_reason am_nflog_reason(const struct am_nflog_entry *entry,
                               const struct am_group_state *state, bool send_resolved, dur repeat,
                               ts now)
{
    if (entry == NULL || (entry->timestamp == AM_NFLOG_INTENT && state->firing_count > 0)) {
        return state->firing_count > 0 ? AM_REASON_FIRST : AM_REASON_NONE;
    }
    if (!is_subset(state->firing, state->firing_count, entry->firing, entry->firing_count)) {
        return AM_REASON_NEW;
    }
    if (state->firing_count == 0) {
        /* Whatever send_resolved says: the log has to learn that nothing fires any more. What fired
         * and was resolved between two notifications is nobody's concern. */
        return entry->firing_count > 0 ? AM_REASON_ALL_RESOLVED : AM_REASON_NONE;
    }
    if (send_resolved && !is_subset(state->resolved, state->resolved_count, entry->resolved,
                                    entry->resolved_count)) {
        return AM_REASON_RESOLVED;
    }
    return entry->timestamp < now - repeat ? AM_REASON_REPEAT : AM_REASON_NONE;
}
