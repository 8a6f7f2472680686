#include "alerting/am_store.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"

static size_t labels_bytes(struct labels labels)
{
    return labels.count * sizeof(*labels.items) + labels_text_bytes(labels);
}

size_t am_kept_bytes(const struct am_alert *alert)
{
    return sizeof(struct am_kept) + labels_bytes(alert->labels) + labels_bytes(alert->annotations) +
           alert->generator_url.len;
}

static str copy_str(char **to, str text)
{
    str copy = {*to, text.len};

    if (text.len > 0) {
        memcpy(*to, text.ptr, text.len);
    }
    *to += text.len;
    return copy;
}

static void copy_labels(struct label *items, char **bytes, struct labels from, struct labels *ret)
{
    for (size_t i = 0; i < from.count; i++) {
        items[i].name = copy_str(bytes, from.items[i].name);
        items[i].value = copy_str(bytes, from.items[i].value);
    }
    *ret = (struct labels){items, from.count};
}

struct am_kept *am_kept_new(const struct am_alert *alert)
{
    struct am_kept *kept = mem_alloc(am_kept_bytes(alert));
    struct label *items = (struct label *)(void *)(kept + 1);
    char *bytes = (char *)(items + alert->labels.count + alert->annotations.count);

    *kept = (struct am_kept){.alert = *alert};
    atomic_init(&kept->refs, 1);
    copy_labels(items, &bytes, alert->labels, &kept->alert.labels);
    copy_labels(items + alert->labels.count, &bytes, alert->annotations, &kept->alert.annotations);
    kept->alert.generator_url = copy_str(&bytes, alert->generator_url);
    return kept;
}

struct am_kept *am_kept_ref(struct am_kept *kept)
{
    atomic_fetch_add_explicit(&kept->refs, 1, memory_order_relaxed);
    return kept;
}

void am_kept_unref(struct am_kept *kept)
{
    /* Release: what was done with the alert; acquire: before it is freed. */
    if (kept != NULL && atomic_fetch_sub_explicit(&kept->refs, 1, memory_order_acq_rel) == 1) {
        (void)mem_free(kept);
    }
}

void am_store_done(struct am_store *store)
{
    size_t index = 0;

    for (const struct am_fp_slot *slot; (slot = am_fps_next(&store->alerts, &index)) != NULL;) {
        am_kept_unref(slot->value);
    }
    am_fps_done(&store->alerts);
}

/* Whether the times of two reports of one alert overlap. */
static bool overlaps(const struct am_alert *alert, const struct am_alert *old)
{
    return (alert->ends_at > old->starts_at && alert->ends_at < old->ends_at) ||
           (alert->starts_at > old->starts_at && alert->starts_at < old->ends_at);
}

/* The younger report with what the older one knows better: the earlier begin, and of the ends the
 * later one where both are over, or where the older's is no mere time-out. */
static struct am_alert merge(const struct am_alert *a, const struct am_alert *b, ts now)
{
    const struct am_alert *old = b->updated_at < a->updated_at ? b : a;
    struct am_alert merged = b->updated_at < a->updated_at ? *a : *b;
    bool later = old->ends_at > merged.ends_at;

    merged.starts_at = old->starts_at < merged.starts_at ? old->starts_at : merged.starts_at;
    if (later && (am_alert_is_resolved(&merged, now) ? am_alert_is_resolved(old, now)
                                                     : !old->ends_by_time_out)) {
        merged.ends_at = old->ends_at;
    }
    return merged;
}

static struct am_kept *keep(struct am_store *store, const struct am_alert *alert)
{
    struct am_kept *kept = am_kept_new(alert);
    struct am_kept *before = am_fps_put(&store->alerts, alert->fingerprint, kept);

    if (before != NULL) {
        /* The labels are the same, so what silences say of them is; the row is the alert's. */
        kept->silence_version = before->silence_version;
        kept->is_silenced = before->is_silenced;
        kept->row = before->row;
        am_kept_unref(before);
    }
    return kept;
}

struct am_kept *am_store_put(struct am_store *store, const struct am_alert *alert, ts now)
{
    const struct am_kept *before = am_fps_get(&store->alerts, alert->fingerprint);
    struct am_alert merged = *alert;

    ASSERT(alert->labels.count > 0);
    if (before == NULL && store->alerts.count >= AM_ALERTS_MAX) {
        return NULL;
    }
    if (before != NULL && overlaps(alert, &before->alert)) {
        merged = merge(&before->alert, alert, now);
    }
    return keep(store, &merged);
}

struct am_kept *am_store_load(struct am_store *store, const struct am_alert *alert, int64_t row)
{
    struct am_kept *kept = store->alerts.count < AM_ALERTS_MAX ? keep(store, alert) : NULL;

    if (kept != NULL) {
        kept->row = row;
    }
    return kept;
}

struct am_kept *am_store_get(const struct am_store *store, uint64_t fingerprint)
{
    return am_fps_get(&store->alerts, fingerprint);
}

void am_store_gc(struct am_store *store, ts now, void (*gone)(void *context, struct am_kept *kept),
                 void *context)
{
    VEC(struct am_kept *) over = {0};
    size_t index = 0;

    for (const struct am_fp_slot *slot; (slot = am_fps_next(&store->alerts, &index)) != NULL;) {
        struct am_kept *kept = slot->value;

        if (am_alert_is_resolved(&kept->alert, now)) {
            vec_push(&over, kept);
        }
    }
    for (size_t i = 0; i < over.count; i++) {
        (void)am_fps_remove(&store->alerts, over.items[i]->alert.fingerprint);
        gone(context, over.items[i]);
        am_kept_unref(over.items[i]);
    }
    vec_done(&over);
}
