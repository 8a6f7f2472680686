/*
 * Metadata of metric families to a remote, 1.0 only: what the scrapers know, every send_interval,
 * in requests one after the other. 2.0 has it beside the samples, from the WAL.
 */
#include "base/log.h"
#include "remote/remote_queue_priv.h"
#include "sys/clock.h"

static void add(_Atomic uint64_t *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static void answered(struct remote_post *post, enum remote_outcome outcome)
{
    struct remote_queue *queue = CONTAINER_OF(post, struct remote_queue, metadata_post);

    if (outcome == REMOTE_RETRY) {
        add(&queue->stats->metadata_retried, queue->metadata_sending);
        return;
    }
    if (outcome == REMOTE_REFUSED) {
        log_warn("a remote refuses metadata", log_c("remote", queue->options.name),
                 log_c("url", queue->endpoint.shown_url), log_err(&post->err));
        add(&queue->stats->metadata_failed, queue->metadata_sending);
    }
    add(&queue->stats->metadata_bytes, queue->metadata_body.len);
    queue->metadata_next += queue->metadata_sending;
    queue->metadata_sending = 0;
}

static void collect(struct remote_queue *queue, mono now)
{
    arena_reset(&queue->metadata_arena);
    queue->metadata_count = 0;
    queue->metadata_next = 0;
    queue->options.metadata(queue->options.context, &queue->metadata_arena, &queue->metadata,
                            &queue->metadata_count);
    queue->metadata_due = now + queue->settings->metadata->interval * MONO_PER_MS;
}

static bool body_make(struct remote_queue *queue)
{
    size_t left = queue->metadata_count - queue->metadata_next;
    int64_t most = queue->settings->metadata->entries_per_send;

    queue->metadata_sending = most > 0 && left > (size_t)most ? (size_t)most : left;
    buf_reset(&queue->metadata_body);
    wire_out_begin(&queue->wire, WIRE_WRITE_1);
    for (size_t i = 0; i < queue->metadata_sending; i++) {
        const struct remote_metadata_entry *entry = &queue->metadata[queue->metadata_next + i];

        wire_out_family(&queue->wire, entry->family, &entry->metadata);
    }
    return wire_out_finish(&queue->wire, &queue->metadata_body, NULL) >= 0;
}

mono remote_metadata_turn(struct remote_queue *queue, mono now)
{
    struct remote_post *post = &queue->metadata_post;

    if (!queue->settings->metadata->send || queue->settings->is_v2 ||
        queue->options.metadata == NULL || remote_post_is_running(post)) {
        return INT64_MAX;
    }
    post->endpoint = &queue->endpoint;
    post->answered = answered;
    if (queue->metadata_sending > 0) {
        /* An attempt that failed. */
        if (post->retry_at > now) {
            return post->retry_at;
        }
    } else if (queue->metadata_next == queue->metadata_count) {
        if (queue->metadata_due > now) {
            return queue->metadata_due;
        }
        collect(queue, now);
    }
    if (queue->metadata_next == queue->metadata_count) {
        return queue->metadata_due;
    }
    if (queue->metadata_sending == 0 && !body_make(queue)) {
        queue->metadata_next = queue->metadata_count;
        queue->metadata_sending = 0;
        return queue->metadata_due;
    }
    add(&queue->stats->metadata_sent, queue->metadata_sending);
    remote_post_start(post, buf_view(&queue->metadata_body));
    return INT64_MAX;
}

void remote_metadata_done(struct remote_queue *queue)
{
    remote_post_done(&queue->metadata_post);
    buf_done(&queue->metadata_body);
    arena_done(&queue->metadata_arena);
}
