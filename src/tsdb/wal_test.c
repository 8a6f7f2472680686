#include "tsdb/wal.h"

#include <errno.h>

#include "base/mem.h"
#include "base/random.h"
#include "sys/fs_fake.h"
#include "testing/test.h"
#include "tsdb/wal_record.h"

static void add(struct wal_batch *batch, str record)
{
    struct baro_error err = {0};

    assert_ok(wal_batch_add(batch, record, &err), &err);
}

/* A record of `len` bytes that tells its number; half of it packs well. */
static str make_record(struct buf *buf, uint32_t number, size_t len)
{
    struct random random = {number};

    buf_reset(buf);
    buf_bytes(buf, &number, sizeof(number));
    while (buf->len < len) {
        uint64_t word = buf->len % 64 < 32 ? 0 : random_next(&random);

        buf_bytes(buf, &word, sizeof(word));
    }
    return str_of(buf->ptr, len > sizeof(number) ? len : sizeof(number));
}

static uint32_t record_number(str record)
{
    uint32_t number = 0;

    memcpy(&number, record.ptr, sizeof(number));
    return number;
}

static const size_t lengths[] = {4, 5, 100, 3000, 32761, 32768, 40000, 7, 200000, 11, 32754, 14};

static void write_records(const char *dir, enum compress_kind kind, uint64_t segment_bytes,
                          uint32_t count)
{
    struct wal_batch batch = {.compress = kind};
    struct baro_error err = {0};
    struct buf buf = {0};
    struct wal *wal = NULL;

    assert_ok(wal_open(fs_real(), dir, 0, segment_bytes, &wal, &err), &err);
    for (uint32_t i = 0; i < count; i++) {
        wal_batch_reset(&batch);
        add(&batch, make_record(&buf, i, lengths[i % ARRAY_COUNT(lengths)]));
        if (i % 3 == 0) {
            i++;
            add(&batch, make_record(&buf, i, lengths[i % ARRAY_COUNT(lengths)]));
        }
        assert_ok(wal_write(wal, &batch, &err), &err);
    }
    assert_ok(wal_close(wal, &err), &err);
    wal_batch_done(&batch);
    buf_done(&buf);
}

/* Reads all segments and returns the number of records, which must be 0, 1, 2, ... */
static uint32_t read_records(const char *dir, size_t *ret_segments)
{
    struct wal_listing list = {0};
    struct wal_reader reader = {0};
    struct baro_error err = {0};
    struct arena arena = {0};
    struct buf want = {0};
    uint32_t count = 0;

    assert_ok(wal_list(fs_real(), &arena, dir, &list, &err), &err);
    for (size_t i = 0; i < list.segment_count; i++) {
        struct fs_map map = {0};
        str record = STR_NULL;
        int r;

        assert_int_equal(list.segments[i].index, i);
        assert_ok(fs_real()->map(fs_real(), list.segments[i].path, &map, &err), &err);
        wal_reader_over(&reader, str_of(map.ptr, map.size));
        while ((r = wal_reader_next(&reader, &record, &err)) == 1) {
            assert_int_equal(record_number(record), count);
            assert_str_equal(record,
                             make_record(&want, count, lengths[count % ARRAY_COUNT(lengths)]));
            count++;
        }
        assert_ok(r, &err);
        fs_real()->unmap(fs_real(), map);
    }
    *ret_segments = list.segment_count;
    wal_reader_done(&reader);
    arena_done(&arena);
    buf_done(&want);
    return count;
}

TEST(wal_reads_back_what_it_wrote)
{
    static const struct {
        const char *name;
        enum compress_kind kind;
        uint64_t segment_bytes;
        size_t segments_min;
    } cases[] = {
        {"raw, one segment", COMPRESS_NONE, 0, 1},
        {"raw, many segments", COMPRESS_NONE, 4 * WAL_PAGE_BYTES, 8},
        {"snappy, one segment", COMPRESS_SNAPPY, 0, 1},
        {"snappy, many segments", COMPRESS_SNAPPY, 8 * WAL_PAGE_BYTES, 3},
        {"zstd, many segments", COMPRESS_ZSTD, 8 * WAL_PAGE_BYTES, 3},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *dir = test_dir();
        size_t segments = 0;

        test_row(cases[i].name);
        write_records(dir, cases[i].kind, cases[i].segment_bytes, 62);
        assert_int_equal(read_records(dir, &segments), 62);
        assert_true(segments >= cases[i].segments_min);
    }
    test_row(NULL);
}

TEST(wal_frame_pads_where_no_header_fits)
{
    static const struct {
        const char *name;
        uint32_t page_used;
        size_t record_len;
        uint32_t parts;
        size_t written;
        uint32_t page_used_after;
    } cases[] = {
        {"fits", 0, 10, 1, 17, 17},
        {"fills the page", 0, WAL_PAGE_BYTES - 7, 1, WAL_PAGE_BYTES, 0},
        {"one more", 0, WAL_PAGE_BYTES - 6, 2, WAL_PAGE_BYTES + 8, 8},
        {"no header fits", WAL_PAGE_BYTES - 6, 3, 1, 6 + 10, 10},
        {"only a header fits", WAL_PAGE_BYTES - 7, 3, 1, 7 + 10, 10},
        {"empty record in the last bytes", WAL_PAGE_BYTES - 7, 0, 1, 7, 0},
        {"one byte fits", WAL_PAGE_BYTES - 8, 3, 2, 8 + 9, 9},
        {"empty record", 5, 0, 1, 7, 12},
    };
    struct buf record = {0};

    buf_zero(&record, WAL_PAGE_BYTES);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint32_t used = cases[i].page_used;
        struct buf out = {0};

        test_row(cases[i].name);
        assert_int_equal(
            wal_frame(&out, &used, str_of(record.ptr, cases[i].record_len), COMPRESS_NONE),
            cases[i].parts);
        assert_int_equal(out.len, cases[i].written);
        assert_int_equal(used, cases[i].page_used_after);
        buf_done(&out);
    }
    test_row(NULL);
    buf_done(&record);
}

TEST(wal_reader_stops_at_damage_and_keeps_what_was_before)
{
    struct wal_reader reader = {0};
    struct baro_error err = {0};
    struct buf page = {0};
    struct buf record = {0};
    uint32_t used = 0;
    size_t starts[4];

    for (uint32_t i = 0; i < 3; i++) {
        starts[i] = page.len;
        (void)wal_frame(&page, &used, make_record(&record, i, 30000), COMPRESS_NONE);
    }
    starts[3] = page.len;
    for (size_t cut = 0; cut <= page.len; cut += cut % 997 == 0 ? 1 : 83) {
        size_t whole = 0;
        str found = STR_NULL;
        int r;

        while (whole < 3 && starts[whole + 1] <= cut) {
            whole++;
        }
        wal_reader_over(&reader, str_of(page.ptr, cut));
        for (size_t i = 0; i < whole; i++) {
            assert_int_equal(wal_reader_next(&reader, &found, &err), 1);
            assert_int_equal(record_number(found), i);
        }
        r = wal_reader_next(&reader, &found, &err);
        if (cut == starts[whole]) {
            assert_int_equal(r, 0);
        } else {
            assert_int_equal(r, BARO_ECORRUPT);
            assert_int_equal(err.offset, starts[whole]);
        }
    }
    for (size_t i = 0; i < page.len; i += 251) {
        str found = STR_NULL;
        uint32_t good = 0;
        int r;

        page.ptr[i] = (char)(page.ptr[i] ^ 0x55);
        wal_reader_over(&reader, buf_view(&page));
        while ((r = wal_reader_next(&reader, &found, &err)) == 1) {
            assert_int_equal(record_number(found), good++);
        }
        assert_int_equal(r, BARO_ECORRUPT);
        assert_true(err.offset <= i);
        page.ptr[i] = (char)(page.ptr[i] ^ 0x55);
    }
    wal_reader_done(&reader);
    buf_done(&page);
    buf_done(&record);
}

TEST(wal_list_finds_segments_and_the_newest_checkpoint)
{
    static const char *const files[] = {"00000003",        "00000004", "000005",       "x",
                                        "00000003.repair", "-1",       "checkpoint.7", NULL};
    const struct fs *fs = fs_real();
    struct wal_listing list = {0};
    struct baro_error err = {0};
    struct arena arena = {0};
    const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
    fs_file file = FS_FILE_NONE;

    for (size_t i = 0; files[i] != NULL; i++) {
        assert_ok(fs->open(fs, fs_path(&arena, dir, files[i]), FS_CREATE, &file, &err), &err);
        assert_ok(fs->append(fs, file, "abc", i < 1 ? 3 : 0, &err), &err);
        assert_ok(fs->close(fs, file, &err), &err);
    }
    assert_ok(wal_list(fs, &arena, dir, &list, &err), &err);
    assert_int_equal(list.segment_count, 3);
    assert_int_equal(list.segments[0].index, 3);
    assert_int_equal(list.segments[0].bytes, 3);
    assert_int_equal(list.segments[2].index, 5);
    assert_false(list.has_checkpoint);
    assert_ok(fs->mkdir(fs, fs_path(&arena, dir, "checkpoint.00000002"), &err), &err);
    assert_ok(fs->mkdir(fs, fs_path(&arena, dir, "checkpoint.00000010"), &err), &err);
    assert_ok(fs->mkdir(fs, fs_path(&arena, dir, "checkpoint.00000011.tmp"), &err), &err);
    assert_ok(
        fs->open(fs, fs_path(&arena, dir, "checkpoint.00000010/00000000"), FS_CREATE, &file, &err),
        &err);
    assert_ok(fs->close(fs, file, &err), &err);
    assert_ok(wal_list(fs, &arena, dir, &list, &err), &err);
    assert_true(list.has_checkpoint);
    assert_int_equal(list.checkpoint_index, 10);
    assert_int_equal(list.checkpoint_count, 1);
    arena_done(&arena);
}

TEST(wal_record_round_trips)
{
    static const struct label pairs[] = {{STR_INIT("__name__"), STR_INIT("up")},
                                         {STR_INIT("job"), STR_INIT("x")}};
    const struct metadata meta = {METRIC_COUNTER, STR("seconds"), STR("Help text.")};
    const struct exemplar exemplar = {{pairs, 2}, 1.5, 12345};
    const series_ref refs[] = {7, 8, 3, 1000000, 9};
    const ts t[] = {1000, 1000, 999, INT64_MAX, INT64_MIN};
    const double v[] = {1, -0.0, 3.5, value_stale(), 1e300};
    struct wal_exemplar_base base = {0};
    struct wal_labels labels = {0};
    struct wal_samples samples = {0};
    struct exemplar got_exemplar = {0};
    struct metadata got_meta = {0};
    struct baro_error err = {0};
    struct buf buf = {0};
    struct reader rd;
    series_ref ref = 0;

    wal_put_type(&buf, WAL_RECORD_SERIES);
    wal_put_series(&buf, 42, (struct labels){pairs, 2});
    wal_put_series(&buf, 43, (struct labels){pairs, 1});
    rd = wal_record_body(buf_view(&buf));
    assert_int_equal(wal_next_series(&rd, &ref, &labels, &err), 1);
    assert_int_equal(ref, 42);
    assert_true(labels_eq((struct labels){labels.items, labels.count}, (struct labels){pairs, 2}));
    assert_int_equal(wal_next_series(&rd, &ref, &labels, &err), 1);
    assert_int_equal(ref, 43);
    assert_int_equal(labels.count, 1);
    assert_int_equal(wal_next_series(&rd, &ref, &labels, &err), 0);

    buf_reset(&buf);
    wal_put_samples(&buf, refs, t, v, ARRAY_COUNT(refs));
    assert_ok(wal_read_samples(buf_view(&buf), &samples, &err), &err);
    assert_int_equal(samples.count, ARRAY_COUNT(refs));
    assert_memory_equal(samples.refs, refs, sizeof(refs));
    assert_memory_equal(samples.t, t, sizeof(t));
    assert_memory_equal(samples.v, v, sizeof(v));
    for (size_t cut = 2; cut < buf.len; cut++) {
        int r = wal_read_samples(str_of(buf.ptr, cut), &samples, &err);

        assert_true(r == 0 || r == BARO_ECORRUPT);
        assert_true(r == 0 || samples.count == 0);
    }

    buf_reset(&buf);
    wal_put_type(&buf, WAL_RECORD_METADATA);
    wal_put_metadata(&buf, 300, &meta);
    rd = wal_record_body(buf_view(&buf));
    assert_int_equal(wal_next_metadata(&rd, &ref, &got_meta, &err), 1);
    assert_int_equal(ref, 300);
    assert_int_equal(got_meta.type, METRIC_COUNTER);
    assert_str_equal(got_meta.unit, STR("seconds"));
    assert_str_equal(got_meta.help, STR("Help text."));
    assert_int_equal(wal_next_metadata(&rd, &ref, &got_meta, &err), 0);

    buf_reset(&buf);
    wal_put_type(&buf, WAL_RECORD_EXEMPLARS);
    wal_put_exemplar(&buf, 9, &exemplar, 9, exemplar.t, true);
    wal_put_exemplar(&buf, 5, &exemplar, 9, exemplar.t, false);
    rd = wal_record_body(buf_view(&buf));
    assert_int_equal(wal_next_exemplar(&rd, &base, &ref, &got_exemplar, &labels, &err), 1);
    assert_int_equal(ref, 9);
    assert_int_equal(wal_next_exemplar(&rd, &base, &ref, &got_exemplar, &labels, &err), 1);
    assert_int_equal(ref, 5);
    assert_int_equal(got_exemplar.t, 12345);
    assert_true(labels_eq(got_exemplar.labels, exemplar.labels));
    assert_int_equal(wal_next_exemplar(&rd, &base, &ref, &got_exemplar, &labels, &err), 0);
    wal_labels_done(&labels);
    wal_samples_done(&samples);
    buf_done(&buf);
}

TEST(wal_record_has_samples_with_start_times)
{
    static const uint8_t bytes[] = {
        11,   0x08, 0xd0, 0x0f, 0x02, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, /* ref 4, t 1000, start 1, 1 */
        0x02, 0x14, 0,    0x40, 0,    0,    0,    0, 0, 0, 0,       /* ref 5, t 1010, no start, 2 */
        0x03, 0x00, 2,    0x06, 0x40, 0x08, 0,    0, 0, 0, 0, 0,    /* ref 3, t 1000, start 4, 3 */
    };
    struct wal_samples samples = {0};
    struct baro_error err = {0};
    struct buf again = {0};

    assert_ok(wal_read_samples(str_of((const char *)bytes, sizeof(bytes)), &samples, &err), &err);
    assert_int_equal(samples.count, 3);
    assert_int_equal(samples.refs[0], 4);
    assert_int_equal(samples.refs[1], 5);
    assert_int_equal(samples.refs[2], 3);
    assert_int_equal(samples.t[1], 1010);
    assert_int_equal(samples.t[2], 1000);
    assert_true(samples.v[0] == 1 && samples.v[1] == 2 && samples.v[2] == 3);
    assert_true(samples.st[0] == 1 && samples.st[1] == 0 && samples.st[2] == 4);
    wal_put_samples_st(&again, samples.refs, samples.t, samples.v, samples.st, samples.count);
    assert_true(str_eq(buf_view(&again), str_of((const char *)bytes, sizeof(bytes))));
    buf_done(&again);
    wal_samples_done(&samples);
}

static struct wal_health health_of(struct wal *wal)
{
    struct wal_health health = {0};

    wal_health(wal, &health);
    return health;
}

/* Writes or syncs that fail make it read-only until one succeeds; a probe leaves no trace. */
TEST(wal_tells_when_the_disk_takes_nothing)
{
    static const int codes[] = {-ENOSPC, -EIO};

    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        struct fs_fake *fake = fs_fake_new(i + 1);
        const struct fs *fs = fs_fake_fs(fake);
        struct wal_batch batch = {0};
        struct baro_error err = {0};
        struct wal *wal = NULL;
        struct wal_reader reader = {0};
        struct arena arena = {0};
        str record = STR_NULL, bytes = STR_NULL;
        int count = 0;

        assert_int_equal(fs->mkdir(fs, "wal", NULL), 0);
        assert_ok(wal_open(fs, "wal", 0, 0, &wal, &err), &err);
        add(&batch, STR("one record"));
        assert_ok(wal_write(wal, &batch, &err), &err);
        assert_false(health_of(wal).is_read_only);
        fs_fake_fail(fake, 0, UINT64_MAX / 2, codes[i]);
        assert_int_equal(wal_write(wal, &batch, &err), codes[i]);
        assert_true(health_of(wal).is_read_only);
        assert_true(health_of(wal).text[0] != '\0');
        assert_int_equal(wal_probe(wal, &err), codes[i]);
        assert_true(health_of(wal).is_read_only);
        fs_fake_fail(fake, 0, 0, 0);
        assert_ok(wal_probe(wal, &err), &err);
        assert_false(health_of(wal).is_read_only);
        assert_ok(wal_write(wal, &batch, &err), &err);
        /* A failed sync: nothing is written until one succeeds. */
        fs_fake_fail(fake, 0, UINT64_MAX / 2, -EIO);
        assert_int_equal(wal_sync(wal, &err), -EIO);
        assert_true(health_of(wal).is_read_only);
        assert_int_equal(health_of(wal).syncs_failed, 1);
        assert_int_equal(wal_write(wal, &batch, &err), -EIO);
        assert_true(str_contains(str_from(err.message), STR("cannot be synced")));
        fs_fake_fail(fake, 0, 0, 0);
        assert_ok(wal_write(wal, &batch, &err), &err);
        assert_false(health_of(wal).is_read_only);
        assert_ok(wal_probe(wal, &err), &err);
        assert_ok(wal_close(wal, &err), &err);
        assert_int_equal(fs_read_all(fs, &arena, "wal/00000000", 1 << 20, &bytes, NULL), 0);
        wal_reader_over(&reader, bytes);
        while (wal_reader_next(&reader, &record, &err) == 1) {
            assert_true(str_is(record, "one record"));
            count++;
        }
        assert_int_equal(count, 3);
        assert_int_equal(bytes.len, 3 * (7 + 10));
        wal_reader_done(&reader);
        wal_batch_done(&batch);
        arena_done(&arena);
        (void)fs_fake_free(fake);
    }
}
