#include "tsdb/wal_tail.h"

#include "base/mem.h"
#include "sys/fs.h"
#include "testing/test.h"

/* A record of `len` bytes (at least 8) that begins with its number. */
static void write_one(struct wal *wal, uint64_t number, size_t len)
{
    struct wal_batch batch = {0};
    struct baro_error err = {0};
    struct buf record = {0};

    buf_bytes(&record, &number, sizeof(number));
    while (record.len < len) {
        buf_char(&record, (char)(number * 7 + record.len));
    }
    assert_ok(wal_batch_add(&batch, buf_view(&record), &err), &err);
    assert_ok(wal_write(wal, &batch, &err), &err);
    wal_batch_done(&batch);
    buf_done(&record);
}

/* Reads what there is; the numbers must follow each other from *next on. */
static size_t drain(struct wal_tail *tail, mono now, uint64_t *next)
{
    struct wal_place before = tail->place, place = {0};
    struct baro_error err = {0};
    str record = STR_NULL;
    size_t count = 0;
    int r;

    while ((r = wal_tail_next(tail, now, &record, &place, &err)) > 0) {
        uint64_t number = 0;

        assert_true(record.len >= sizeof(number));
        memcpy(&number, record.ptr, sizeof(number));
        assert_int_equal(number, *next);
        assert_true(wal_place_cmp(place, before) >= 0);
        assert_true(wal_place_cmp(tail->place, place) > 0);
        before = tail->place;
        (*next)++;
        count++;
    }
    assert_ok(r, &err);
    return count;
}

TEST(wal_tail_follows_a_writer_over_segments)
{
    static const size_t lengths[] = {8, 100, 40000, 32754, 32761, 9, 700000, 12};
    const char *dir = test_dir();
    struct baro_error err = {0};
    struct wal *wal = NULL;
    struct wal_tail tail = {0};
    uint64_t next = 0;

    assert_ok(wal_open(fs_real(), dir, 3, 4 << 20, &wal, &err), &err);
    wal_tail_open(&tail, fs_real(), dir, (struct wal_place){3, 0});
    assert_int_equal(drain(&tail, 1, &next), 0);
    for (uint64_t i = 0; i < 100; i++) {
        write_one(wal, i, lengths[i % ARRAY_COUNT(lengths)]);
        if (i % 7 == 0) {
            (void)drain(&tail, 1, &next);
            assert_int_equal(next, i + 1);
        }
    }
    (void)drain(&tail, 1, &next);
    assert_int_equal(next, 100);
    assert_true(tail.place.segment > 3);
    assert_int_equal(tail.faults, 0);
    assert_int_equal(tail.segments_missing, 0);
    wal_tail_done(&tail);
    assert_ok(wal_close(wal, &err), &err);
}

TEST(wal_tail_begins_where_a_record_begins)
{
    const char *dir = test_dir();
    struct baro_error err = {0};
    struct wal *wal = NULL;
    struct wal_tail tail = {0};
    struct wal_place places[50] = {{0}}, place = {0};
    str record = STR_NULL;

    assert_ok(wal_open(fs_real(), dir, 0, 1 << 20, &wal, &err), &err);
    for (uint64_t i = 0; i < ARRAY_COUNT(places); i++) {
        write_one(wal, i, 20000 + i * 1000);
    }
    wal_tail_open(&tail, fs_real(), dir, (struct wal_place){0, 0});
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        assert_int_equal(wal_tail_next(&tail, 1, &record, &places[i], &err), 1);
    }
    wal_tail_done(&tail);
    for (size_t i = 0; i < ARRAY_COUNT(places); i += 9) {
        uint64_t number = 0;

        tail = (struct wal_tail){0};
        wal_tail_open(&tail, fs_real(), dir, places[i]);
        assert_int_equal(wal_tail_next(&tail, 1, &record, &place, &err), 1);
        memcpy(&number, record.ptr, sizeof(number));
        assert_int_equal(number, i);
        assert_int_equal(wal_place_cmp(place, places[i]), 0);
        wal_tail_done(&tail);
    }
    assert_ok(wal_close(wal, &err), &err);
}

/* Changes one byte of a segment. */
static void damage(const char *dir, uint64_t segment, uint64_t at)
{
    const struct fs *fs = fs_real();
    struct arena arena = {0};
    struct baro_error err = {0};
    fs_file file = FS_FILE_NONE;
    char byte = 0;
    size_t len = 0;

    assert_ok(fs->open(fs, wal_segment_path(&arena, dir, segment), FS_WRITE, &file, &err), &err);
    assert_ok(fs->pread(fs, file, &byte, 1, at, &len, &err), &err);
    byte ^= 0x40;
    assert_ok(fs->pwrite(fs, file, &byte, 1, at, &err), &err);
    assert_ok(fs->close(fs, file, &err), &err);
    arena_done(&arena);
}

TEST(wal_tail_goes_on_behind_damage)
{
    const char *dir = test_dir();
    struct baro_error err = {0};
    struct wal *wal = NULL;
    struct wal_tail tail = {0};
    struct wal_place place = {0};
    str record = STR_NULL;
    uint64_t last = 0, count = 0;

    assert_ok(wal_open(fs_real(), dir, 0, 1 << 20, &wal, &err), &err);
    for (uint64_t i = 0; i < 400; i++) {
        write_one(wal, i, 1000);
    }
    damage(dir, 0, 3 * WAL_PAGE_BYTES + 500);
    wal_tail_open(&tail, fs_real(), dir, (struct wal_place){0, 0});
    while (wal_tail_next(&tail, 1, &record, &place, &err) > 0) {
        memcpy(&last, record.ptr, sizeof(last));
        count++;
    }
    assert_int_equal(last, 399);
    assert_int_equal(tail.faults, 1);
    /* A page has 32 of them, and one is in two pages. */
    assert_in_range(count, 400 - 34, 399);
    wal_tail_done(&tail);
    assert_ok(wal_close(wal, &err), &err);
}

TEST(wal_tail_waits_for_a_torn_end_and_then_passes_it)
{
    const struct fs *fs = fs_real();
    const char *dir = test_dir();
    struct arena arena = {0};
    struct baro_error err = {0};
    struct wal *wal = NULL;
    struct wal_tail tail = {0};
    struct wal_place place = {0};
    str record = STR_NULL;
    fs_file file = FS_FILE_NONE;
    uint64_t next = 0;

    assert_ok(wal_open(fs, dir, 0, 0, &wal, &err), &err);
    write_one(wal, 0, 100);
    write_one(wal, 1, 200);
    assert_ok(wal_close(wal, &err), &err);
    assert_ok(fs->open(fs, wal_segment_path(&arena, dir, 0), FS_WRITE, &file, &err), &err);
    assert_ok(fs->truncate(fs, file, 250, &err), &err);
    wal_tail_open(&tail, fs, dir, (struct wal_place){0, 0});
    assert_int_equal(drain(&tail, 1, &next), 1);
    assert_int_equal(tail.faults, 0);
    /* Another run begins another segment: what is torn stays so. */
    assert_ok(wal_open(fs, dir, 1, 0, &wal, &err), &err);
    write_one(wal, 2, 100);
    next = 2;
    assert_int_equal(drain(&tail, 1, &next), 1);
    assert_int_equal(tail.faults, 1);
    /* In the newest segment it is given up when its page is full, or after a while. */
    damage(dir, 1, 50);
    wal_tail_done(&tail);
    tail = (struct wal_tail){0};
    wal_tail_open(&tail, fs, dir, (struct wal_place){1, 0});
    assert_int_equal(wal_tail_next(&tail, 1, &record, &place, &err), 0);
    write_one(wal, 3, 100);
    assert_int_equal(wal_tail_next(&tail, 2, &record, &place, &err), 0);
    write_one(wal, 4, 40000);
    write_one(wal, 5, 8);
    next = 5;
    assert_int_equal(drain(&tail, 3, &next), 1);
    wal_tail_done(&tail);
    assert_ok(fs->close(fs, file, &err), &err);
    assert_ok(wal_close(wal, &err), &err);
    arena_done(&arena);
}

TEST(wal_tail_passes_over_segments_that_are_gone)
{
    const struct fs *fs = fs_real();
    const char *dir = test_dir();
    struct arena arena = {0};
    struct baro_error err = {0};
    struct wal *wal = NULL;
    struct wal_tail tail = {0};
    uint64_t next = 0;

    assert_ok(wal_open(fs, dir, 5, 0, &wal, &err), &err);
    for (uint64_t i = 0; i < 6; i++) {
        write_one(wal, i, 50);
        assert_ok(wal_cut(wal, &err), &err);
    }
    wal_tail_open(&tail, fs, dir, (struct wal_place){2, 70});
    assert_int_equal(drain(&tail, 1, &next), 6);
    assert_int_equal(tail.segments_missing, 3);
    wal_tail_done(&tail);

    /* While it is read. */
    tail = (struct wal_tail){0};
    next = 0;
    wal_tail_open(&tail, fs, dir, (struct wal_place){5, 0});
    struct wal_place place = {0};
    str record = STR_NULL;
    assert_int_equal(wal_tail_next(&tail, 1, &record, &place, &err), 1);
    for (uint64_t i = 5; i < 8; i++) {
        assert_ok(fs->remove(fs, wal_segment_path(&arena, dir, i), &err), &err);
    }
    next = 3;
    assert_int_equal(drain(&tail, 10 * MONO_PER_SECOND, &next), 3);
    assert_int_equal(tail.segments_missing, 2);
    wal_tail_done(&tail);
    assert_ok(wal_close(wal, &err), &err);
    arena_done(&arena);
}
