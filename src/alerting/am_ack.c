#include "alerting/am_ack.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"

void am_acks_done(struct am_acks *acks)
{
    size_t index = 0;

    for (const struct am_fp_slot *slot; (slot = am_fps_next(&acks->items, &index)) != NULL;) {
        (void)mem_free(slot->value);
    }
    am_fps_done(&acks->items);
}

static int check(const struct am_acks *acks, const struct am_ack *ack, bool is_new,
                 struct baro_error *err)
{
    if (!am_time_is_sane(ack->created_at) || !am_time_is_sane(ack->ends_at) ||
        !am_time_is_sane(ack->updated_at)) {
        return error_set(err, BARO_EINVALID, "a time is out of range");
    }
    if (ack->created_by.len == 0) {
        return error_set(err, BARO_EINVALID, "createdBy: an author is wanted");
    }
    if (!utf8_is_valid(ack->created_by) || !utf8_is_valid(ack->comment)) {
        return error_set(err, BARO_EINVALID, "createdBy or comment is no UTF-8");
    }
    if (ack->created_by.len + ack->comment.len > AM_ACK_TEXT_MAX) {
        return error_set(err, BARO_ELIMIT, "createdBy and comment are longer than %d bytes",
                         AM_ACK_TEXT_MAX);
    }
    if (is_new && acks->items.count >= AM_ACKS_MAX) {
        return error_set(err, BARO_ELIMIT, "more than %d acknowledgements", AM_ACKS_MAX);
    }
    return 0;
}

static struct am_ack *ack_new(const struct am_ack *from)
{
    struct am_ack *ack = mem_alloc(sizeof(*ack) + from->created_by.len + from->comment.len);
    char *bytes = (char *)(ack + 1);

    *ack = *from;
    memcpy(bytes, from->created_by.ptr, from->created_by.len);
    if (from->comment.len > 0) {
        memcpy(bytes + from->created_by.len, from->comment.ptr, from->comment.len);
    }
    ack->created_by = str_of(bytes, from->created_by.len);
    ack->comment = str_of(bytes + from->created_by.len, from->comment.len);
    return ack;
}

int am_acks_put(struct am_acks *acks, const struct am_ack *ack, struct baro_error *err)
{
    const struct am_ack *before = am_acks_get(acks, ack->fingerprint);
    int r;

    if (before != NULL && before->updated_at >= ack->updated_at) {
        return 0;
    }
    r = check(acks, ack, before == NULL, err);
    if (r < 0) {
        return r;
    }
    (void)mem_free(am_fps_put(&acks->items, ack->fingerprint, ack_new(ack)));
    return 1;
}

const struct am_ack *am_acks_get(const struct am_acks *acks, uint64_t fingerprint)
{
    return am_fps_get(&acks->items, fingerprint);
}

const struct am_ack *am_acks_find(const struct am_acks *acks, const struct am_alert *alert, ts now)
{
    const struct am_ack *ack = acks->items.count > 0 ? am_acks_get(acks, alert->fingerprint) : NULL;

    return ack != NULL && !ack->is_taken_back && (ack->ends_at == 0 || now < ack->ends_at) &&
                   alert->starts_at <= ack->created_at && !am_alert_is_resolved(alert, now)
               ? ack
               : NULL;
}

size_t am_acks_gc(struct am_acks *acks, ts before,
                  bool (*is_over)(void *context, const struct am_ack *ack),
                  void (*gone)(void *context, const struct am_ack *ack), void *context)
{
    VEC(struct am_ack *) over = {0};
    size_t index = 0;
    size_t count;

    for (const struct am_fp_slot *slot; (slot = am_fps_next(&acks->items, &index)) != NULL;) {
        struct am_ack *ack = slot->value;

        if (ack->updated_at < before && is_over(context, ack)) {
            vec_push(&over, ack);
        }
    }
    for (size_t i = 0; i < over.count; i++) {
        gone(context, over.items[i]);
        (void)am_fps_remove(&acks->items, over.items[i]->fingerprint);
        (void)mem_free(over.items[i]);
    }
    count = over.count;
    vec_done(&over);
    return count;
}
