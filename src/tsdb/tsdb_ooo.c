/*
 * The data directory's side of samples out of order: the WBL, which makes them last, and their way
 * into blocks. They become blocks of their own once the head has given a range to a block: one for
 * each range that they touch, which the next merge unites with what else is there. Then the WBL's
 * segments up to there go. A kill in between leaves samples both in blocks and in the WBL, which
 * queries and the next merge take for one.
 */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "tsdb/block_writer.h"
#include "tsdb/head_late.h"
#include "tsdb/tsdb_priv.h"
#include "tsdb/tsdb_replay.h"

static const char *wbl_dir(struct tsdb *tsdb, struct arena *arena)
{
    return fs_path(arena, tsdb->path, "wbl");
}

/* ---- the WBL ---- */

static int open_wbl(struct tsdb *tsdb, uint64_t segment, struct baro_error *err)
{
    struct arena arena = {0};
    struct wal *wbl = NULL;
    int r = tsdb_make_dir(tsdb, wbl_dir(tsdb, &arena), err);

    if (r >= 0) {
        r = wal_open(tsdb->fs, wbl_dir(tsdb, &arena), segment, tsdb->options.wal_segment_size, &wbl,
                     err);
    }
    if (r >= 0) {
        atomic_store_explicit(&tsdb->wbl, wbl, memory_order_release);
        head_set_wbl(tsdb->head, wbl);
    }
    arena_done(&arena);
    return r;
}

int tsdb_ooo_open(struct tsdb *tsdb, struct baro_error *err)
{
    struct tsdb_open_report report = {0};
    struct wal_listing list = {0};
    struct arena arena = {0};
    struct tsdb_replay_job job = {
        .fs = tsdb->fs,
        .wal_dir = wbl_dir(tsdb, &arena),
        .data_dir = tsdb->path,
        .corrupt_dir = fs_path(&arena, tsdb->path, "wbl.corrupt"),
        .head = tsdb->head,
        .report = &report,
        .read_only = tsdb->options.read_only,
        .is_wbl = true,
    };
    int r = wal_list(tsdb->fs, &arena, job.wal_dir, &list, NULL);
    bool has_some = r >= 0 && list.segment_count > 0;

    if (has_some) {
        r = tsdb_replay_run(&job, err);
        tsdb->report.ooo_samples = report.samples;
        if (report.wal_repairs > 0) {
            tsdb->report.wal_repairs += report.wal_repairs;
            tsdb->report.wal_bytes_dropped += report.wal_bytes_dropped;
            tsdb->report.wal_records_behind += report.wal_records_behind;
            (void)snprintf(tsdb->report.wal_repair_text, sizeof(tsdb->report.wal_repair_text),
                           "wbl: %.200s", report.wal_repair_text);
        }
    } else if (r == -ENOENT) {
        r = 0;
    }
    head_late_loaded(tsdb->head);
    if (r >= 0 && !tsdb->options.read_only && (has_some || tsdb->options.ooo_window > 0)) {
        r = open_wbl(tsdb, job.next_segment, err);
    }
    if (r >= 0) {
        head_set_ooo(tsdb->head, tsdb->options.ooo_window);
    }
    arena_done(&arena);
    return r;
}

int tsdb_set_ooo_window(struct tsdb *tsdb, dur window, struct baro_error *err)
{
    int r = 0;

    if (tsdb->options.read_only) {
        return 0;
    }
    lock_acquire(&tsdb->compact_lock);
    if (window > 0 && tsdb->wbl == NULL) {
        r = open_wbl(tsdb, 0, err);
    }
    if (r >= 0) {
        head_set_ooo(tsdb->head, window);
    }
    lock_release(&tsdb->compact_lock);
    return r;
}

/* Removes the segments before one, oldest first. */
static int drop_segments(struct tsdb *tsdb, uint64_t before, struct baro_error *err)
{
    struct wal_listing list = {0};
    struct arena arena = {0};
    int r = wal_list(tsdb->fs, &arena, wbl_dir(tsdb, &arena), &list, err);

    for (size_t i = 0; r >= 0 && i < list.segment_count && list.segments[i].index < before; i++) {
        r = tsdb->fs->remove(tsdb->fs, list.segments[i].path, err);
    }
    arena_done(&arena);
    return r < 0 ? r : 0;
}

/* ---- to blocks ---- */

static dur block_range(const struct tsdb *tsdb)
{
    return tsdb->options.chunk_range > 0 ? tsdb->options.chunk_range : (dur)2 * DUR_HOUR;
}

/* Makes a block of the samples from t to the end of t's range, and serves it. */
static int write_range(struct tsdb *tsdb, const struct head_ooo_picked *picked, const char *dir,
                       ts t, struct baro_error *err)
{
    struct head_block_job job = {
        .fs = tsdb->fs,
        .data_dir = dir,
        .mint = compact_range_start(t, block_range(tsdb)),
        .maxt = compact_range_end(t, block_range(tsdb)),
        .now = tsdb_wall(),
        .segment_bytes = tsdb->options.block_segment_size,
        .is_out_of_order = true,
        .picked = picked,
        .stop = &tsdb->stop,
    };
    char ulid[ULID_CHARS + 1] = "";
    struct block *block = NULL;
    int r;

    r = head_block_write(tsdb->head, &job, ulid, err);
    if (r <= 0 || dir != tsdb->path) {
        return r;
    }
    r = tsdb_blocks_load(tsdb, ulid, &block, err);
    if (r < 0) {
        (void)block_remove(tsdb->fs, tsdb->path, ulid, NULL);
        return r;
    }
    log_info("block of samples out of order written", log_c("block", ulid),
             log_int("mint", job.mint), log_int("maxt", job.maxt),
             log_int("samples", (int64_t)block_meta(block)->sample_count));
    tsdb_blocks_replace(tsdb, block, NULL, 0);
    return 0;
}

int tsdb_ooo_write_blocks(struct tsdb *tsdb, const struct head_ooo_picked *picked, const char *dir,
                          struct baro_error *err)
{
    ts t = picked->mint;
    int r = 0;

    /* Ranges without any are passed over. The last millisecond of all time is in none. */
    while (r >= 0 && picked->count > 0 && t <= picked->maxt && t < INT64_MAX) {
        t = head_ooo_next(tsdb->head, picked, t);
        if (t <= picked->maxt && t < INT64_MAX) {
            r = write_range(tsdb, picked, dir, t, err);
            t = compact_range_end(t, block_range(tsdb));
        }
    }
    return r < 0 ? r : 0;
}

int tsdb_ooo_compact(struct tsdb *tsdb, struct baro_error *err)
{
    struct head_ooo_picked picked = {0};
    struct wal_stats stats = {0};
    struct arena arena = {0};
    int r;

    if (tsdb->wbl == NULL) {
        return 0;
    }
    /* What the ended segments have is in the head once the appenders of now are done. */
    r = wal_cut(tsdb->wbl, err);
    if (r >= 0) {
        wal_stats(tsdb->wbl, &stats);
        r = head_ooo_pick(tsdb->head, &arena, &picked, err);
    }
    if (r >= 0) {
        r = tsdb_ooo_write_blocks(tsdb, &picked, tsdb->path, err);
    }
    if (r >= 0 && picked.count > 0) {
        r = tsdb_wait_queriers(tsdb, err);
    }
    if (r >= 0) {
        head_ooo_forget(tsdb->head, &picked);
        head_collect(tsdb->head);
        r = drop_segments(tsdb, stats.segment, err);
    }
    arena_done(&arena);
    return r;
}
