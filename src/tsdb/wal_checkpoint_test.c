#include "tsdb/wal_checkpoint.h"

#include "sys/fs_fake.h"
#include "testing/test.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"

/* A WAL of five segments: series n has a sample at t = 10 * n and at t = 1000 + n in segment n. */
static void make_wal(const struct fs *fs)
{
    struct baro_error err = {0};

    assert_ok(fs->mkdir(fs, "wal", &err), &err);
    for (series_ref n = 0; n < 5; n++) {
        struct label label = {STR("__name__"), STR("m")};
        struct exemplar exemplar = {{&label, 1}, 1.5, (ts)(10 * n)};
        struct metadata metadata = {METRIC_COUNTER, STR(""), STR("old help")};
        series_ref ref = n + 1;
        series_ref refs[] = {ref, ref};
        ts times[] = {(ts)(10 * n), (ts)(1000 + n)};
        double values[] = {1, 2};
        struct wal_batch batch = {0};
        struct buf record = {0};
        struct wal *wal = NULL;

        wal_put_type(&record, WAL_RECORD_SERIES);
        wal_put_series(&record, ref, (struct labels){&label, 1});
        assert_ok(wal_batch_add(&batch, buf_view(&record), &err), &err);
        buf_reset(&record);
        wal_put_samples(&record, refs, times, values, 2);
        assert_ok(wal_batch_add(&batch, buf_view(&record), &err), &err);
        buf_reset(&record);
        wal_put_type(&record, WAL_RECORD_EXEMPLARS);
        wal_put_exemplar(&record, ref, &exemplar, ref, exemplar.t, true);
        exemplar.t = 2000;
        wal_put_exemplar(&record, ref, &exemplar, ref, (ts)(10 * n), false);
        assert_ok(wal_batch_add(&batch, buf_view(&record), &err), &err);
        buf_reset(&record);
        wal_put_type(&record, WAL_RECORD_METADATA);
        wal_put_metadata(&record, ref, &metadata);
        assert_ok(wal_batch_add(&batch, buf_view(&record), &err), &err);
        buf_reset(&record);
        wal_put_type(&record, WAL_RECORD_TOMBSTONES);
        write_be64(&record, ref);
        write_varint(&record, 0);
        write_varint(&record, n % 2 == 0 ? 5 : 500);
        assert_ok(wal_batch_add(&batch, buf_view(&record), &err), &err);
        assert_ok(wal_batch_add(&batch, STR("\xf0unknown"), &err), &err);
        assert_ok(wal_open(fs, "wal", n, 0, &wal, &err), &err);
        assert_ok(wal_write(wal, &batch, &err), &err);
        assert_ok(wal_close(wal, &err), &err);
        wal_batch_done(&batch);
        buf_done(&record);
    }
}

/* Series 2 is forgotten. */
static bool wants(void *context, series_ref ref)
{
    (void)context;
    return ref != 2;
}

static int put_new_metadata(void *context, int (*put)(void *put_context, str record),
                            void *put_context)
{
    struct metadata metadata = {METRIC_GAUGE, STR("bytes"), STR("new help")};
    struct buf record = {0};
    int r;

    (void)context;
    wal_put_type(&record, WAL_RECORD_METADATA);
    wal_put_metadata(&record, 1, &metadata);
    r = put(put_context, buf_view(&record));
    buf_done(&record);
    return r;
}

struct content {
    size_t series;
    size_t samples;
    size_t exemplars;
    size_t metadata;
    size_t tombstones;
    size_t others;
};

static void count_record(struct content *content, str record)
{
    struct wal_samples samples = {0};
    struct wal_labels labels = {0};
    struct wal_exemplar_base base = {0};
    struct exemplar exemplar;
    struct reader rd = wal_record_body(record);
    struct baro_error err = {0};
    series_ref ref = 0;

    switch (wal_record_type(record)) {
    case WAL_RECORD_SERIES:
        while (wal_next_series(&rd, &ref, &labels, &err) == 1) {
            assert_true(ref != 2);
            content->series++;
        }
        break;
    case WAL_RECORD_SAMPLES:
        assert_ok(wal_read_samples(record, &samples, &err), &err);
        for (size_t i = 0; i < samples.count; i++) {
            assert_true(samples.t[i] >= 20 && samples.refs[i] != 2);
        }
        content->samples += samples.count;
        break;
    case WAL_RECORD_EXEMPLARS:
        while (wal_next_exemplar(&rd, &base, &ref, &exemplar, &labels, &err) == 1) {
            assert_true(exemplar.t >= 20);
            content->exemplars++;
        }
        break;
    case WAL_RECORD_METADATA:
        content->metadata++;
        break;
    case WAL_RECORD_TOMBSTONES:
        content->tombstones++;
        break;
    default:
        content->others++;
    }
    wal_samples_done(&samples);
    wal_labels_done(&labels);
}

static struct content content_of(const struct fs *fs, const struct wal_listing *list)
{
    struct wal_reader reader = {0};
    struct content content = {0};
    struct baro_error err = {0};
    str record = STR_NULL;

    for (size_t i = 0; i < list->checkpoint_count; i++) {
        struct fs_map map = {0};

        assert_ok(fs->map(fs, list->checkpoint[i].path, &map, &err), &err);
        wal_reader_over(&reader, str_of(map.ptr, map.size));
        while (wal_reader_next(&reader, &record, &err) == 1) {
            count_record(&content, record);
        }
        fs->unmap(fs, map);
    }
    wal_reader_done(&reader);
    return content;
}

static struct wal_checkpoint_job job_of(const struct fs *fs)
{
    return (struct wal_checkpoint_job){.fs = fs,
                                       .dir = "wal",
                                       .last = 3,
                                       .compress = COMPRESS_SNAPPY,
                                       .mint = 20,
                                       .wants_ref = wants,
                                       .metadata = put_new_metadata};
}

TEST(wal_checkpoint_keeps_what_is_wanted)
{
    CLEANUP(fs_fake_freep) struct fs_fake *fake = fs_fake_new(1);
    const struct fs *fs = fs_fake_fs(fake);
    struct wal_checkpoint_job job = job_of(fs);
    struct wal_checkpoint_stats stats = {0};
    struct wal_listing list = {0};
    struct arena arena = {0};
    struct baro_error err = {0};
    struct content content;

    make_wal(fs);
    assert_ok(wal_checkpoint_run(&job, &stats, &err), &err);
    assert_ok(wal_drop(fs, "wal", &err), &err);
    assert_ok(wal_list(fs, &arena, "wal", &list, &err), &err);
    assert_true(list.has_checkpoint && list.checkpoint_index == 3);
    assert_int_equal(list.segment_count, 1);
    assert_int_equal(list.segments[0].index, 4);
    content = content_of(fs, &list);
    assert_int_equal(content.series, 3);
    /* Of series 1, 3 and 4: 1000 and above, and 20 and 30. */
    assert_int_equal(content.samples, 5);
    assert_int_equal(content.exemplars, 4 + 2);
    assert_int_equal(content.metadata, 1);
    assert_int_equal(content.tombstones, 2);
    assert_int_equal(content.others, 4);
    assert_int_equal(stats.samples_kept, 5);
    assert_int_equal(stats.samples_dropped, 3);
    /* The next one starts from this one. */
    job.last = 4;
    job.mint = 1004;
    assert_ok(wal_checkpoint_run(&job, &stats, &err), &err);
    assert_ok(wal_drop(fs, "wal", &err), &err);
    assert_ok(wal_list(fs, &arena, "wal", &list, &err), &err);
    assert_int_equal(list.checkpoint_index, 4);
    assert_int_equal(list.segment_count, 0);
    content = content_of(fs, &list);
    assert_int_equal(content.series, 4);
    assert_int_equal(content.samples, 1);
    arena_done(&arena);
}

/* Writes the checkpoint of a new WAL, of which one bit was flipped (0 = none). */
static struct content checkpoint_of(uint64_t bit, bool salvage, int wanted,
                                    struct wal_checkpoint_stats *stats)
{
    CLEANUP(fs_fake_freep) struct fs_fake *fake = fs_fake_new(1);
    const struct fs *fs = fs_fake_fs(fake);
    struct wal_checkpoint_job job = job_of(fs);
    struct wal_listing list = {0};
    struct arena arena = {0};
    struct baro_error err = {0};
    struct content content;

    make_wal(fs);
    job.salvage = salvage;
    assert_true(bit == 0 || fs_fake_flip(fake, "wal/00000002", bit));
    assert_int_equal(wal_checkpoint_run(&job, stats, &err), wanted);
    assert_ok(wal_list(fs, &arena, "wal", &list, &err), &err);
    assert_int_equal(list.has_checkpoint, wanted == 0);
    content = content_of(fs, &list);
    arena_done(&arena);
    return content;
}

/* A record that is damaged is left out, and none behind it, when that is asked for. */
TEST(wal_checkpoint_passes_over_damage)
{
    struct wal_checkpoint_stats stats = {0};
    struct content whole = checkpoint_of(0, true, 0, &stats), rest;
    const uint64_t in_series_record = 8 * (WAL_HEADER_BYTES + 5);

    assert_int_equal(stats.faults, 0);
    (void)checkpoint_of(in_series_record, false, BARO_ECORRUPT, &stats);
    rest = checkpoint_of(in_series_record, true, 0, &stats);
    /* Beside damage, a record of a kind that nobody writes passes for it. */
    assert_int_equal(stats.faults, 2);
    assert_true(stats.bytes_lost > 0);
    assert_int_equal(rest.series, whole.series - 1);
    assert_int_equal(rest.samples, whole.samples);
    assert_int_equal(rest.exemplars, whole.exemplars);
    assert_int_equal(rest.tombstones, whole.tombstones);
}

/* Whatever operation fails, the WAL is as it was, and the next try is good. */
TEST(wal_checkpoint_that_fails_leaves_the_wal)
{
    for (uint64_t fault = 0; fault < 40; fault++) {
        CLEANUP(fs_fake_freep) struct fs_fake *fake = fs_fake_new(fault);
        const struct fs *fs = fs_fake_fs(fake);
        struct wal_checkpoint_job job = job_of(fs);
        struct wal_checkpoint_stats stats = {0};
        struct wal_listing list = {0};
        struct arena arena = {0};
        struct baro_error err = {0};

        make_wal(fs);
        fs_fake_fail(fake, fault, 1, -5);
        if (wal_checkpoint_run(&job, &stats, &err) < 0) {
            assert_ok(wal_list(fs, &arena, "wal", &list, &err), &err);
            assert_int_equal(list.segment_count, 5);
            assert_ok(wal_checkpoint_run(&job, &stats, &err), &err);
        }
        fs_fake_fail(fake, 0, 0, 0);
        assert_ok(wal_drop(fs, "wal", &err), &err);
        assert_ok(wal_drop_unfinished(fs, "wal", &err), &err);
        assert_ok(wal_list(fs, &arena, "wal", &list, &err), &err);
        assert_int_equal(list.segment_count, 1);
        assert_int_equal(content_of(fs, &list).samples, 5);
        arena_done(&arena);
    }
}
