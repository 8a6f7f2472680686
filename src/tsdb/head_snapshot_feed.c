#include "tsdb/head_snapshot_feed.h"

#include <string.h>

#include "base/mem.h"
#include "codec/compress.h"
#include "codec/crc32c.h"
#include "tsdb/head_priv.h"

enum {
    PAYS_BYTES = 1 << 20, /* of the file: below, it is loaded before a thread is up */
    AHEAD = 4,            /* frames unpacked at most: each has about a mebibyte */
    ENTER_MOST = 4096,    /* series entered before it is looked whether frames are wanted */
};

/* Where one part of the postings stands: a pair's slots rise, so one thread is at it at a time. */
struct lane {
    uint32_t entered; /* series up to here */
    bool is_busy;
};

struct fed {
    struct snapshot_frame frame;
    str body;
    struct buf raw; /* of the entries, when they were packed */
    int result;     /* 1, 0 at the end frame, or an error */
    struct baro_error err;
};

struct snapshot_feed {
    struct head *head;
    str data;
    size_t offset; /* of the next frame to unpack; the thread's */
    struct compressor *compressor;
    bool has_thread;
    pthread_t thread;
    struct lock lock;
    pthread_cond_t wanted; /* there is work for the thread, or the end */
    pthread_cond_t done;   /* the thread has done some */
    bool has_given;        /* the owner's: it has a frame */
    uint64_t frames_fed;   /* lock: this, as all below */
    uint64_t frames_taken; /* the owner is through with so many */
    uint32_t whole;        /* series to be entered end here */
    struct lane lanes[HEAD_ENTER_LANES];
    bool is_over; /* the end frame, or damage */
    bool stopping;
    struct fed frames[AHEAD]; /* those taken up to those fed are the owner's */
};

static int damaged(struct baro_error *err, const char *what)
{
    return error_set(err, BARO_ECORRUPT, "head snapshot: %s", what);
}

static int unpack(struct snapshot_feed *feed, struct fed *fed)
{
    struct snapshot_frame *frame = &fed->frame;
    size_t left = feed->data.len - feed->offset;
    uint32_t crc;
    int r;

    if (left < sizeof(*frame)) {
        return damaged(&fed->err, "it ends early");
    }
    memcpy(frame, feed->data.ptr + feed->offset, sizeof(*frame));
    if (frame->bytes > left - sizeof(*frame) || frame->raw_bytes < frame->bytes ||
        frame->raw_bytes > SNAPSHOT_FRAME_BYTES_MAX || frame->raw_bytes % 8 != 0) {
        return damaged(&fed->err, "a frame ends behind the end");
    }
    fed->body = str_of(feed->data.ptr + feed->offset + sizeof(*frame), frame->bytes);
    crc = crc32c_add(0, frame, offsetof(struct snapshot_frame, crc));
    if (crc32c_add(crc, fed->body.ptr, fed->body.len) != frame->crc) {
        return damaged(&fed->err, "the checksum of a frame differs");
    }
    feed->offset += sizeof(*frame) + frame->bytes;
    if (frame->raw_bytes > frame->bytes) {
        buf_reset(&fed->raw);
        r = compressor_unpack(feed->compressor, COMPRESS_ZSTD, fed->body, frame->raw_bytes,
                              &fed->raw, &fed->err);
        if (r < 0 || fed->raw.len != frame->raw_bytes) {
            return damaged(&fed->err, "a frame cannot be unpacked");
        }
        fed->body = buf_view(&fed->raw);
    }
    return frame->kind == SNAPSHOT_END ? 0 : 1;
}

/* Unpacks a frame without the lock. */
static void feed_locked(struct snapshot_feed *feed)
{
    struct fed *fed = &feed->frames[feed->frames_fed % AHEAD];

    lock_release(&feed->lock);
    fed->result = unpack(feed, fed);
    lock_acquire(&feed->lock);
    feed->frames_fed++;
    feed->is_over = fed->result != 1;
}

/* Enters some series, without the lock, where nobody is at it and it is farthest behind; false when
 * there is nothing to be done. */
static bool enter_locked(struct snapshot_feed *feed, uint32_t most)
{
    struct lane *lane = NULL;
    uint32_t end = feed->whole;

    for (size_t i = 0; i < HEAD_ENTER_LANES; i++) {
        struct lane *other = &feed->lanes[i];

        if (!other->is_busy && other->entered < end &&
            (lane == NULL || other->entered < lane->entered)) {
            lane = other;
        }
    }
    if (lane == NULL) {
        return false;
    }
    end = end - lane->entered > most ? lane->entered + most : end;
    lane->is_busy = true;
    lock_release(&feed->lock);
    head_series_enter(feed->head, lane->entered, end, (size_t)(lane - feed->lanes));
    lock_acquire(&feed->lock);
    lane->is_busy = false;
    lane->entered = end;
    return true;
}

static bool are_entered_locked(const struct snapshot_feed *feed)
{
    bool are = true;

    for (size_t i = 0; i < HEAD_ENTER_LANES; i++) {
        are = are && feed->lanes[i].entered == feed->whole;
    }
    return are;
}

static void *feed_loop(void *argument)
{
    struct snapshot_feed *feed = argument;

    lock_acquire(&feed->lock);
    while (!feed->stopping) {
        if (!feed->is_over && feed->frames_fed - feed->frames_taken < AHEAD) {
            feed_locked(feed);
        } else if (!enter_locked(feed, ENTER_MOST)) {
            (void)lock_wait(&feed->lock, &feed->wanted, 0);
            continue;
        }
        (void)pthread_cond_signal(&feed->done);
    }
    lock_release(&feed->lock);
    return NULL;
}

struct snapshot_feed *snapshot_feed_new(struct head *head, str data)
{
    struct snapshot_feed *feed = MEM_NEW(struct snapshot_feed);

    feed->head = head;
    feed->data = data;
    feed->offset = sizeof(struct snapshot_header);
    feed->compressor = compressor_new();
    lock_init(&feed->lock, LOCK_LEAF);
    lock_condition_init(&feed->wanted);
    lock_condition_init(&feed->done);
    if (data.len >= PAYS_BYTES) {
        feed->has_thread = pthread_create(&feed->thread, NULL, feed_loop, feed) == 0;
        if (feed->has_thread) {
            (void)pthread_setname_np(feed->thread, "snapshot");
        }
    }
    return feed;
}

struct snapshot_feed *snapshot_feed_free(struct snapshot_feed *feed)
{
    if (feed == NULL) {
        return NULL;
    }
    if (feed->has_thread) {
        lock_acquire(&feed->lock);
        feed->stopping = true;
        (void)pthread_cond_signal(&feed->wanted);
        lock_release(&feed->lock);
        (void)pthread_join(feed->thread, NULL);
    }
    (void)pthread_cond_destroy(&feed->wanted);
    (void)pthread_cond_destroy(&feed->done);
    lock_done(&feed->lock);
    for (size_t i = 0; i < AHEAD; i++) {
        buf_done(&feed->frames[i].raw);
    }
    (void)compressor_free(feed->compressor);
    return mem_free(feed);
}

/* The owner has nothing else to do. */
static void wait_and_help_locked(struct snapshot_feed *feed)
{
    if (!enter_locked(feed, ENTER_MOST)) {
        (void)lock_wait(&feed->lock, &feed->done, 0);
    }
}

int snapshot_feed_next(struct snapshot_feed *feed, struct snapshot_frame *ret,
                       struct reader *ret_rd, struct baro_error *err)
{
    struct fed *fed;

    lock_acquire(&feed->lock);
    if (feed->has_given) {
        feed->frames_taken++;
        (void)pthread_cond_signal(&feed->wanted);
    }
    feed->has_given = true;
    if (!feed->has_thread) {
        feed_locked(feed);
    }
    while (feed->frames_fed == feed->frames_taken) {
        ASSERT(!feed->is_over);
        wait_and_help_locked(feed);
    }
    lock_release(&feed->lock);
    fed = &feed->frames[feed->frames_taken % AHEAD];
    if (fed->result < 0 && err != NULL) {
        *err = fed->err;
    }
    *ret = fed->frame;
    *ret_rd = reader_over(fed->body);
    return fed->result;
}

void snapshot_feed_enter(struct snapshot_feed *feed, uint32_t end)
{
    lock_acquire(&feed->lock);
    feed->whole = end;
    if (feed->has_thread) {
        (void)pthread_cond_signal(&feed->wanted);
    } else {
        while (enter_locked(feed, UINT32_MAX)) {
        }
    }
    lock_release(&feed->lock);
}

void snapshot_feed_settle(struct snapshot_feed *feed)
{
    lock_acquire(&feed->lock);
    while (!are_entered_locked(feed)) {
        wait_and_help_locked(feed);
    }
    lock_release(&feed->lock);
}
