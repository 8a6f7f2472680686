/*
 * The metrics of remote write queues, under Prometheus's names (storage/remote/queue_manager.go,
 * tsdb/wlog/watcher.go).
 */
#include <stdio.h>

#include "base/num.h"
#include "client/self.h"
#include "remote/remote_write_priv.h"

/* What one line of a family is written of. */
struct writer {
    struct buf *buf;
    const struct remote_entry *entry;
};

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* One sample; `more` are further labels, each with a comma before it. */
static void put(const struct writer *w, const char *family, const char *more, double v)
{
    buf_printf(w->buf, "%s{remote_name=", family);
    buf_label_value(w->buf, str_from(w->entry->name));
    buf_c(w->buf, ",url=");
    buf_label_value(w->buf, str_from(remote_queue_url(w->entry->queue)));
    buf_printf(w->buf, "%s} ", more);
    buf_double(w->buf, v, NUM_G);
    buf_char(w->buf, '\n');
}

/* ---- families with one value a queue ---- */

#define STAT(member)                                                                               \
    static double value_##member(const struct remote_entry *entry)                                 \
    {                                                                                              \
        return (double)atomic_load_explicit(&entry->stats->member, memory_order_relaxed);          \
    }
#define STAT_KIND(member, name, kind)                                                              \
    static double value_##name##_##member(const struct remote_entry *entry)                        \
    {                                                                                              \
        return (double)get(&entry->stats->member[kind]);                                           \
    }
#define STAT_KINDS(member)                                                                         \
    STAT_KIND(member, samples, REMOTE_SAMPLE)                                                      \
    STAT_KIND(member, histograms, REMOTE_HISTOGRAM)                                                \
    STAT_KIND(member, exemplars, REMOTE_EXEMPLAR)

STAT_KINDS(sent)
STAT_KINDS(failed)
STAT_KINDS(retried)
STAT_KINDS(pending)
STAT(metadata_sent)
STAT(metadata_failed)
STAT(metadata_retried)
STAT(metadata_bytes)
STAT(enqueue_retries)
STAT(bytes)
STAT(shards)
STAT(shards_desired)
STAT(series)
STAT(segments_missing)

static double seconds_of(const _Atomic int64_t *t)
{
    return (double)(atomic_load_explicit(t, memory_order_relaxed) / DUR_SECOND);
}

static double value_highest(const struct remote_entry *entry)
{
    return seconds_of(&entry->stats->highest_t);
}

static double value_highest_sent(const struct remote_entry *entry)
{
    return seconds_of(&entry->stats->highest_sent_t);
}

static double value_capacity(const struct remote_entry *entry)
{
    return (double)entry->settings->queue->capacity;
}

static double value_shards_max(const struct remote_entry *entry)
{
    return (double)entry->settings->queue->shards_max;
}

static double value_shards_min(const struct remote_entry *entry)
{
    return (double)entry->settings->queue->shards_min;
}

static double value_per_send(const struct remote_entry *entry)
{
    return (double)entry->settings->queue->samples_per_send;
}

#define P "prometheus_remote_storage_"

static const struct {
    const char *family;
    const char *type;
    const char *help;
    double (*value)(const struct remote_entry *entry);
    bool of_1; /* of remote write 1.0 alone */
} rows[] = {
    {"barograph_remote_write_segments_missing_total", "counter",
     "Segments of the WAL that were gone before they were read for this remote.",
     value_segments_missing, false},
    {"barograph_remote_write_series", "gauge", "Series that this remote's queue knows.",
     value_series, false},
    {P "bytes_total", "counter", "Bytes of requests with samples, packed.", value_bytes, false},
    {P "enqueue_retries_total", "counter", "How often a shard was full.", value_enqueue_retries,
     false},
    {P "exemplars_failed_total", "counter", "Exemplars that the remote refused.",
     value_exemplars_failed, false},
    {P "exemplars_pending", "gauge", "Exemplars that wait in shards.", value_exemplars_pending,
     false},
    {P "exemplars_retried_total", "counter", "Exemplars that were sent again.",
     value_exemplars_retried, false},
    {P "exemplars_total", "counter", "Exemplars that were sent, each attempt.",
     value_exemplars_sent, false},
    {P "histograms_failed_total", "counter", "Histograms that the remote refused.",
     value_histograms_failed, false},
    {P "histograms_pending", "gauge", "Histograms that wait in shards.", value_histograms_pending,
     false},
    {P "histograms_retried_total", "counter", "Histograms that were sent again.",
     value_histograms_retried, false},
    {P "histograms_total", "counter", "Histograms that were sent, each attempt.",
     value_histograms_sent, false},
    {P "max_samples_per_send", "gauge", "Samples in one request at most.", value_per_send, false},
    {P "metadata_bytes_total", "counter", "Bytes of requests with metadata, packed.",
     value_metadata_bytes, true},
    {P "metadata_failed_total", "counter", "Entries of metadata that the remote refused.",
     value_metadata_failed, true},
    {P "metadata_retried_total", "counter", "Entries of metadata that were sent again.",
     value_metadata_retried, true},
    {P "metadata_total", "counter", "Entries of metadata that were sent.", value_metadata_sent,
     true},
    {P "queue_highest_sent_timestamp_seconds", "gauge", "Newest time that was sent.",
     value_highest_sent, false},
    {P "queue_highest_timestamp_seconds", "gauge", "Newest time that was taken into a shard.",
     value_highest, false},
    {P "samples_failed_total", "counter", "Samples that the remote refused.", value_samples_failed,
     false},
    {P "samples_pending", "gauge", "Samples that wait in shards.", value_samples_pending, false},
    {P "samples_retried_total", "counter", "Samples that were sent again.", value_samples_retried,
     false},
    {P "samples_total", "counter", "Samples that were sent, each attempt.", value_samples_sent,
     false},
    {P "shard_capacity", "gauge", "Samples that may wait in one shard.", value_capacity, false},
    {P "shards", "gauge", "Shards that send side by side.", value_shards, false},
    {P "shards_desired", "gauge", "Shards that the rates call for.", value_shards_desired, false},
    {P "shards_max", "gauge", "Shards at most.", value_shards_max, false},
    {P "shards_min", "gauge", "Shards at least.", value_shards_min, false},
};

/* ---- families with labels of their own ---- */

static void put_dropped(const struct writer *w, const char *family, enum remote_kind kind)
{
    static const char *const reasons[REMOTE_REASON_COUNT] = {
        [REMOTE_TOO_OLD] = "too_old",
        [REMOTE_DROPPED_SERIES] = "dropped_series",
        [REMOTE_UNKNOWN_SERIES] = "unintentionally_dropped_series",
        [REMOTE_CUSTOM_BUCKETS] = "nhcb_in_rw1_not_supported",
    };

    for (size_t i = 0; i < REMOTE_REASON_COUNT; i++) {
        char more[64];

        (void)snprintf(more, sizeof(more), ",reason=\"%s\"", reasons[i]);
        put(w, family, more, (double)get(&w->entry->stats->dropped[kind][i]));
    }
}

static void put_durations(const struct writer *w)
{
    static const char *const bounds[REMOTE_DURATION_BUCKETS + 1] = {
        "0.005", "0.01", "0.025", "0.05", "0.1",  "0.25",  "0.5",   "1.0",
        "2.5",   "5.0",  "10.0",  "25.0", "60.0", "120.0", "300.0", "+Inf"};
    uint64_t count = 0;

    for (size_t i = 0; i <= REMOTE_DURATION_BUCKETS; i++) {
        char more[32];

        count += get(&w->entry->stats->durations[i]);
        (void)snprintf(more, sizeof(more), ",le=\"%s\"", bounds[i]);
        put(w, P "sent_batch_duration_seconds_bucket", more, (double)count);
    }
    put(w, P "sent_batch_duration_seconds_sum", "",
        (double)get(&w->entry->stats->duration_ns) / 1e9);
    put(w, P "sent_batch_duration_seconds_count", "", (double)count);
}

static void put_watcher(struct buf *buf, const struct remote_entry *entry, const char *family,
                        const char *more, double v)
{
    buf_printf(buf, "%s{consumer=", family);
    buf_label_value(buf, str_from(entry->name));
    buf_printf(buf, "%s} ", more);
    buf_double(buf, v, NUM_G);
    buf_char(buf, '\n');
}

static void put_records(struct buf *buf, const struct remote_entry *entry)
{
    static const char *const types[16] = {
        [1] = "series",
        [2] = "samples",
        [3] = "tombstones",
        [4] = "exemplars",
        [5] = "mmapmarkers",
        [6] = "metadata",
        [7] = "histogram_samples",
        [8] = "float_histogram_samples",
        [9] = "custom_buckets_histogram_samples",
        [10] = "custom_buckets_float_histogram_samples",
        [11] = "samples_v2",
        [12] = "histogram_samples_v2",
        [13] = "float_histogram_samples_v2",
    };

    for (size_t i = 0; i < 16; i++) {
        uint64_t count = get(&entry->stats->records[i]);
        char more[64];

        if (count > 0) {
            (void)snprintf(more, sizeof(more), ",type=\"%s\"",
                           types[i] != NULL ? types[i] : "unknown");
            put_watcher(buf, entry, "prometheus_wal_watcher_records_read_total", more,
                        (double)count);
        }
    }
}

static void put_watchers(const struct remote_write *remote, struct buf *buf)
{
    self_head(buf, "prometheus_wal_watcher_current_segment", "gauge",
              "The segment of the WAL that is being read.");
    for (size_t i = 0; i < remote->entries.count; i++) {
        put_watcher(buf, &remote->entries.items[i], "prometheus_wal_watcher_current_segment", "",
                    (double)get(&remote->entries.items[i].stats->segment));
    }
    self_head(buf, "prometheus_wal_watcher_record_decode_failures_total", "counter",
              "Places in the WAL that could not be read.");
    for (size_t i = 0; i < remote->entries.count; i++) {
        put_watcher(buf, &remote->entries.items[i],
                    "prometheus_wal_watcher_record_decode_failures_total", "",
                    (double)get(&remote->entries.items[i].stats->read_faults));
    }
    self_head(buf, "prometheus_wal_watcher_records_read_total", "counter",
              "Records that were read from the WAL.");
    for (size_t i = 0; i < remote->entries.count; i++) {
        put_records(buf, &remote->entries.items[i]);
    }
}

static void put_all(const struct remote_write *remote, struct buf *buf)
{
    static const char *const dropped[REMOTE_KIND_COUNT] = {
        [REMOTE_SAMPLE] = P "samples_dropped_total",
        [REMOTE_HISTOGRAM] = P "histograms_dropped_total",
        [REMOTE_EXEMPLAR] = P "exemplars_dropped_total",
    };

    for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
        self_head(buf, rows[r].family, rows[r].type, rows[r].help);
        for (size_t i = 0; i < remote->entries.count; i++) {
            const struct writer w = {buf, &remote->entries.items[i]};

            if (!rows[r].of_1 || !w.entry->settings->is_v2) {
                put(&w, rows[r].family, "", rows[r].value(w.entry));
            }
        }
    }
    for (size_t k = 0; k < REMOTE_KIND_COUNT; k++) {
        self_head(buf, dropped[k], "counter", "What was read and not sent, by reason.");
        for (size_t i = 0; i < remote->entries.count; i++) {
            const struct writer w = {buf, &remote->entries.items[i]};

            put_dropped(&w, dropped[k], (enum remote_kind)k);
        }
    }
    self_head(buf, P "sent_batch_duration_seconds", "histogram",
              "How long requests to the remote took.");
    for (size_t i = 0; i < remote->entries.count; i++) {
        const struct writer w = {buf, &remote->entries.items[i]};

        put_durations(&w);
    }
}

void remote_write_metrics(struct remote_write *remote, struct buf *buf)
{
    self_one(buf, P "highest_timestamp_in_seconds", "gauge",
             "Newest time that has come into the storage.",
             self_get(SELF_HEAD_MAX_TIME) / DUR_SECOND);
    self_one(buf, P "samples_in_total", "counter", "Samples that have come into the storage.",
             self_get(SELF_HEAD_SAMPLES_APPENDED_FLOAT));
    self_one(buf, P "histograms_in_total", "counter", "Histograms that have come into the storage.",
             self_get(SELF_HEAD_SAMPLES_APPENDED_HISTOGRAM));
    lock_acquire(&remote->lock);
    if (remote->entries.count > 0) {
        put_all(remote, buf);
        put_watchers(remote, buf);
    }
    lock_release(&remote->lock);
}
