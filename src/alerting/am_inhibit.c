#include "alerting/am_inhibit.h"

#include "base/mem.h"

void am_inhibitor_init(struct am_inhibitor *inhibitor, const struct am_inhibit_rule *rules,
                       size_t count)
{
    *inhibitor = (struct am_inhibitor){
        .rules = rules,
        .count = count,
        .sources = mem_alloc_zero((count + 1) * sizeof(*inhibitor->sources)),
    };
}

void am_inhibitor_done(struct am_inhibitor *inhibitor)
{
    for (size_t i = 0; i < inhibitor->count; i++) {
        size_t index = 0;

        for (const struct am_fp_slot *slot;
             (slot = am_fps_next(&inhibitor->sources[i], &index)) != NULL;) {
            am_fps_done(slot->value);
            (void)mem_free(slot->value);
        }
        am_fps_done(&inhibitor->sources[i]);
    }
    inhibitor->sources = mem_free(inhibitor->sources);
    inhibitor->count = 0;
}

static str value_of(struct labels labels, str name)
{
    str value = labels_get(labels, name);

    return value.ptr != NULL ? value : STR("");
}

/* Of the values of the equal labels; an absent one is empty. */
static uint64_t equal_hash(const struct am_inhibit_rule *rule, struct labels labels)
{
    uint64_t hash = 1;

    for (size_t i = 0; i < rule->equal.count; i++) {
        hash =
            hash * UINT64_C(0x9E3779B97F4A7C15) + str_hash(value_of(labels, rule->equal.items[i]));
    }
    return hash;
}

static bool is_equal(const struct am_inhibit_rule *rule, struct labels a, struct labels b)
{
    for (size_t i = 0; i < rule->equal.count; i++) {
        if (!str_eq(value_of(a, rule->equal.items[i]), value_of(b, rule->equal.items[i]))) {
            return false;
        }
    }
    return true;
}

void am_inhibitor_put(struct am_inhibitor *inhibitor, struct am_kept *kept)
{
    struct labels labels = kept->alert.labels;

    for (size_t i = 0; i < inhibitor->count; i++) {
        uint64_t hash;
        struct am_fps *bucket;

        if (!am_matchers_match(&inhibitor->rules[i].source, labels)) {
            continue;
        }
        hash = equal_hash(&inhibitor->rules[i], labels);
        bucket = am_fps_get(&inhibitor->sources[i], hash);
        if (bucket == NULL) {
            bucket = MEM_NEW(struct am_fps);
            (void)am_fps_put(&inhibitor->sources[i], hash, bucket);
        }
        (void)am_fps_put(bucket, kept->alert.fingerprint, kept);
    }
}

void am_inhibitor_remove(struct am_inhibitor *inhibitor, const struct am_kept *kept)
{
    for (size_t i = 0; i < inhibitor->count; i++) {
        uint64_t hash = equal_hash(&inhibitor->rules[i], kept->alert.labels);
        struct am_fps *bucket = am_fps_get(&inhibitor->sources[i], hash);

        if (bucket == NULL) {
            continue;
        }
        (void)am_fps_remove(bucket, kept->alert.fingerprint);
        if (bucket->count == 0) {
            (void)am_fps_remove(&inhibitor->sources[i], hash);
            am_fps_done(bucket);
            (void)mem_free(bucket);
        }
    }
}

/* A firing source with equal labels. An alert that matches both sides is not muted by such alerts:
 * else two of them would mute each other. */
static bool find_source(const struct am_inhibitor *inhibitor, size_t index, struct labels labels,
                        ts now, uint64_t *ret_by)
{
    const struct am_inhibit_rule *rule = &inhibitor->rules[index];
    const struct am_fps *bucket = am_fps_get(&inhibitor->sources[index], equal_hash(rule, labels));
    bool is_source;
    size_t at = 0;

    if (bucket == NULL) {
        return false;
    }
    is_source = am_matchers_match(&rule->source, labels);
    for (const struct am_fp_slot *slot; (slot = am_fps_next(bucket, &at)) != NULL;) {
        const struct am_kept *kept = slot->value;

        if (!am_alert_is_resolved(&kept->alert, now) &&
            is_equal(rule, kept->alert.labels, labels) &&
            !(is_source && am_matchers_match(&rule->target, kept->alert.labels))) {
            *ret_by = kept->alert.fingerprint;
            return true;
        }
    }
    return false;
}

bool am_inhibitor_mutes(const struct am_inhibitor *inhibitor, struct labels labels, ts now,
                        uint64_t *ret_by)
{
    for (size_t i = 0; i < inhibitor->count; i++) {
        if (am_matchers_match(&inhibitor->rules[i].target, labels) &&
            find_source(inhibitor, i, labels, now, ret_by)) {
            return true;
        }
    }
    return false;
}
