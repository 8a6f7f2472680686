#include "tsdb/chunks_head.h"

#include <errno.h>

#include "base/mem.h"
#include "base/num.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "sys/fs_fake.h"
#include "testing/test.h"
#include "tsdb/head_priv.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/tsdb_priv.h"

/* ---- the files alone ---- */

struct found {
    struct chunks_item items[64];
    size_t count;
    series_ref refused; /* of this ref no chunk fits */
};

static bool note(void *context, const struct chunks_item *item)
{
    struct found *found = context;

    assert_true(found->count < ARRAY_COUNT(found->items));
    if (item->ref == found->refused) {
        return false;
    }
    found->items[found->count++] = *item;
    return true;
}

static struct chunks_head *open_files(struct fs_fake *fake, struct found *found,
                                      struct chunks_head_report *report)
{
    struct chunks_head_options options = {.fs = fs_fake_fs(fake),
                                          .data_dir = "data",
                                          .file_bytes = 200,
                                          .visit = note,
                                          .context = found};
    struct chunks_head *files = NULL;
    struct baro_error err = {0};

    found->count = 0;
    assert_ok(chunks_head_open(&options, &files, report, &err), &err);
    return files;
}

static struct fs_fake *new_disk(void)
{
    struct fs_fake *fake = fs_fake_new(1);

    assert_int_equal(fs_fake_fs(fake)->mkdir(fs_fake_fs(fake), "data", NULL), 0);
    return fake;
}

/* Writes chunks [first, first + count): three refs in turn, ten samples long. */
static void write_chunks(struct chunks_head *files, struct chunks_place *places, unsigned first,
                         unsigned count)
{
    struct chunks_item items[32];
    struct baro_error err = {0};

    for (unsigned i = 0; i < count; i++) {
        items[i] = (struct chunks_item){.ref = (first + i) % 3 + 1,
                                        .mint = (ts)(first + i) * 10,
                                        .maxt = (ts)(first + i) * 10 + 9,
                                        .encoding = 1,
                                        .data = STR("\0\12twelve bytes")};
    }
    for (unsigned i = 0; i < count;) {
        int r = chunks_head_write(files, items + i, count - i, &err);

        assert_ok(r, &err);
        assert_true(r > 0);
        i += (unsigned)r;
    }
    for (unsigned i = 0; i < count; i++) {
        places[first + i] = items[i].place;
    }
}

TEST(chunks_head_is_written_as_prometheus_does)
{
    /* tsdb/docs/format/head_chunks.md of Prometheus: magic number, version, padding; per chunk ref,
     * mint, maxt, encoding, length, data, CRC32C. */
    static const uint8_t want[] = {
        0x01, 0x30, 0xBC, 0x91, 1, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0,  1,   0,   0,   0,   0,   0,
        0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 9, 1, 14, 0, 10, 't', 'w', 'e', 'l', 'v', 'e',
    };
    struct fs_fake *fake = new_disk();
    struct chunks_head_report report;
    struct chunks_place places[1];
    struct found found = {0};
    struct chunks_head *files = open_files(fake, &found, &report);
    struct arena arena = {0};
    str bytes = STR_NULL;

    write_chunks(files, places, 0, 1);
    assert_int_equal(
        fs_read_all(fs_fake_fs(fake), &arena, "data/chunks_head/000001", 1000, &bytes, NULL), 0);
    assert_int_equal(bytes.len, 8 + 26 + 14 + 4);
    assert_memory_equal(bytes.ptr, want, sizeof(want));
    assert_int_equal(load_be32(bytes.ptr + bytes.len - 4),
                     crc32c(str_slice(bytes, 8, bytes.len - 4)));
    assert_int_equal(places[0].file, 1);
    assert_int_equal(places[0].offset, 8);
    (void)chunks_head_free(files);
    (void)fs_fake_free(fake);
    arena_done(&arena);
}

TEST(chunks_head_reads_back_what_it_wrote)
{
    struct fs_fake *fake = new_disk();
    struct chunks_head_report report;
    struct chunks_place places[20];
    struct found found = {0};
    struct chunks_head *files = open_files(fake, &found, &report);
    struct chunks_head_file *listed = NULL;
    struct arena arena = {0};
    struct baro_error err = {0};

    assert_int_equal(report.files, 0);
    for (unsigned round = 0; round < 2; round++) {
        write_chunks(files, places, round * 10u, 10);
        for (int again = 0; again < 2; again++) {
            for (unsigned i = 0; i < round * 10u + 10; i++) {
                uint8_t encoding = 0;
                str data = STR_NULL;

                assert_ok(chunks_head_get(files, places[i], &encoding, &data, &err), &err);
                assert_int_equal(encoding, 1);
                assert_true(str_eq(data, STR("\0\12twelve bytes")));
            }
            (void)chunks_head_free(files);
            files = open_files(fake, &found, &report);
            assert_int_equal(report.damages, 0);
            assert_int_equal(found.count, round * 10u + 10);
        }
    }
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(found.items[i].mint, i * 10);
        assert_int_equal(found.items[i].place.file, places[i].file);
        assert_int_equal(found.items[i].place.offset, places[i].offset);
    }
    /* Four of 44 bytes fit into a file of 200; each run begins one. */
    assert_int_equal(report.files, 6);
    assert_int_equal(chunks_head_list(files, &arena, &listed), 6);
    assert_int_equal(listed[0].bytes, 8 + 4 * 44);
    assert_true(chunks_head_has(files, &listed[0]));
    assert_true(chunks_head_has(files, &(struct chunks_head_file){.number = 1, .bytes = 8 + 44}));
    listed[0].end++; /* other chunks of the same length */
    assert_false(chunks_head_has(files, &listed[0]));
    listed[1].bytes++;
    assert_false(chunks_head_has(files, &listed[1]));
    assert_false(chunks_head_has(files, &(struct chunks_head_file){.number = 7}));
    arena_done(&arena);
    (void)chunks_head_free(files);
    (void)fs_fake_free(fake);
}

TEST(chunks_head_goes_with_the_head)
{
    struct fs_fake *fake = new_disk();
    struct chunks_head_report report;
    struct chunks_place places[10];
    struct found found = {0};
    struct chunks_head *files = open_files(fake, &found, &report);
    struct baro_error err = {0};
    uint8_t encoding;
    str data;

    write_chunks(files, places, 0, 10);
    assert_ok(chunks_head_truncate(files, 39, UINT32_MAX, &err), &err);
    assert_ok(chunks_head_get(files, places[0], &encoding, &data, &err), &err);
    assert_ok(chunks_head_truncate(files, 40, places[0].file, &err), &err);
    assert_ok(chunks_head_get(files, places[0], &encoding, &data, &err), &err);
    assert_ok(chunks_head_truncate(files, 40, UINT32_MAX, &err), &err);
    assert_int_equal(chunks_head_get(files, places[0], &encoding, &data, &err), BARO_ECORRUPT);
    assert_ok(chunks_head_get(files, places[4], &encoding, &data, &err), &err);
    /* The one that is written stays. */
    assert_ok(chunks_head_truncate(files, 1000, UINT32_MAX, &err), &err);
    assert_ok(chunks_head_get(files, places[9], &encoding, &data, &err), &err);
    write_chunks(files, places, 0, 1);
    assert_int_equal(places[0].file, 3);
    (void)chunks_head_free(files);
    files = open_files(fake, &found, &report);
    assert_int_equal(report.files, 1);
    assert_ok(chunks_head_truncate(files, 1000, UINT32_MAX, &err), &err);
    assert_int_equal(chunks_head_bytes(files), 0);
    (void)chunks_head_free(files);
    (void)fs_fake_free(fake);
}

TEST(chunks_head_sets_damage_aside)
{
    static const struct {
        const char *name;
        const char *path;
        uint64_t bit;
        size_t left; /* chunks */
        uint64_t files;
    } cases[] = {
        {"the first magic number", "data/chunks_head/000001", 3, 0, 0},
        {"the first version", "data/chunks_head/000001", 8 * 4 + 1, 0, 0},
        {"a ref", "data/chunks_head/000001", 8 * 8 + 60, 0, 1},
        {"a length", "data/chunks_head/000001", 8 * (8 + 44 + 25), 1, 1},
        {"data of the last chunk of a file", "data/chunks_head/000001", 8 * (8 + 3 * 44 + 30), 3,
         1},
        {"a checksum in the middle", "data/chunks_head/000002", 8 * (8 + 44 - 1), 4, 2},
        {"a magic number in the middle", "data/chunks_head/000002", 0, 4, 1},
        {"the last file", "data/chunks_head/000003", 8 * (8 + 44 + 20), 9, 3},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct fs_fake *fake = new_disk();
        struct chunks_head_report report;
        struct chunks_place places[20];
        struct found found = {0};
        struct chunks_head *files = open_files(fake, &found, &report);

        test_row(cases[i].name);
        write_chunks(files, places, 0, 10);
        (void)chunks_head_free(files);
        assert_true(fs_fake_flip(fake, cases[i].path, cases[i].bit));
        files = open_files(fake, &found, &report);
        assert_int_equal(report.damages, 1);
        assert_true(report.damage_text[0] != '\0');
        assert_int_equal(found.count, cases[i].left);
        assert_int_equal(report.files, cases[i].files);
        /* It goes on, and all is well at the next start. */
        write_chunks(files, places, 10, 5);
        (void)chunks_head_free(files);
        files = open_files(fake, &found, &report);
        assert_int_equal(report.damages, 0);
        assert_int_equal(found.count, cases[i].left + 5);
        (void)chunks_head_free(files);
        (void)fs_fake_free(fake);
    }
    test_row(NULL);
}

TEST(chunks_head_tells_ends_from_damage)
{
    struct fs_fake *fake = new_disk();
    const struct fs *fs = fs_fake_fs(fake);
    struct chunks_head_report report;
    struct chunks_place places[20];
    struct found found = {0};
    struct chunks_head *files = open_files(fake, &found, &report);
    fs_file file = FS_FILE_NONE;

    write_chunks(files, places, 0, 2);
    (void)chunks_head_free(files);
    /* Room that was made before it was needed. */
    assert_int_equal(fs->open(fs, "data/chunks_head/000001", FS_WRITE, &file, NULL), 0);
    assert_int_equal(fs->truncate(fs, file, 4096, NULL), 0);
    files = open_files(fake, &found, &report);
    assert_int_equal(report.damages, 0);
    assert_int_equal(found.count, 2);
    (void)chunks_head_free(files);
    /* Something stands behind it. */
    assert_int_equal(fs->pwrite(fs, file, "x", 1, 4000, NULL), 0);
    (void)fs->close(fs, file, NULL);
    files = open_files(fake, &found, &report);
    assert_int_equal(report.damages, 1);
    assert_int_equal(found.count, 2);
    write_chunks(files, places, 2, 6);
    (void)chunks_head_free(files);
    /* A file in the middle is gone. */
    assert_int_equal(fs->remove(fs, "data/chunks_head/000002", NULL), 0);
    files = open_files(fake, &found, &report);
    assert_true(str_contains(str_from(report.damage_text), STR("000003 at byte 0: the file")));
    assert_int_equal(found.count, 2);
    (void)chunks_head_free(files);
    /* What does not fit to what is before. */
    found.refused = 2;
    files = open_files(fake, &found, &report);
    assert_int_equal(report.damages, 1);
    assert_int_equal(found.count, 1);
    (void)chunks_head_free(files);
    (void)fs_fake_free(fake);
}

TEST(chunks_head_goes_on_after_a_full_disk)
{
    struct fs_fake *fake = new_disk();
    struct chunks_head_report report;
    struct chunks_place places[10];
    struct found found = {0};
    struct chunks_head *files = open_files(fake, &found, &report);
    struct chunks_item item = {
        .ref = 1, .mint = 1000, .maxt = 1001, .encoding = 1, .data = STR("\0\1xyz")};

    write_chunks(files, places, 0, 2);
    for (uint64_t after = 0; after < 4; after++) {
        fs_fake_fail(fake, after, 1000, after % 2 == 0 ? -ENOSPC : -EIO);
        for (int i = 0; i < 6; i++) {
            if (chunks_head_write(files, &item, 1, NULL) == 1) {
                item.mint = item.maxt + 1;
                item.maxt = item.mint + 1;
            }
        }
        fs_fake_fail(fake, 0, 0, 0);
    }
    assert_int_equal(chunks_head_write(files, &item, 1, NULL), 1);
    (void)chunks_head_free(files);
    files = open_files(fake, &found, &report);
    assert_int_equal(report.damages, 0);
    for (size_t i = 3; i < found.count; i++) {
        assert_int_equal(found.items[i].mint, found.items[i - 1].maxt + 1);
    }
    assert_int_equal(found.items[found.count - 1].maxt, item.maxt);
    (void)chunks_head_free(files);
    (void)fs_fake_free(fake);
}

/* ---- in a store ---- */

enum { STEP = 1000, RANGE = 100 * STEP, SERIES = 70 };

static const struct tsdb_options small = {.no_sync_thread = true,
                                          .chunk_range = RANGE,
                                          .wal_segment_size = 64 * 1024,
                                          .chunks_file_size = 4096,
                                          .too_old = 1000 * RANGE};

static struct tsdb *open_tsdb(const char *dir, bool no_snapshot)
{
    struct tsdb_options options = small;

    options.no_snapshot = no_snapshot;
    return fixture_open(dir, &options);
}

static void scrape(struct tsdb *tsdb, ts from, ts to)
{
    struct appender *appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    struct baro_error err = {0};

    for (ts t = from; t < to; t += STEP) {
        for (unsigned i = 0; i < SERIES; i++) {
            fixture_sample(appender, STR("m"), i, t, i * 1000.0 + (double)(t / STEP));
        }
        assert_ok(appender->ops->commit(appender, &err), &err);
    }
    appender->ops->free(appender);
}

/* Every series has exactly [from, to) without the hole [hole_from, hole_to). */
static void check_samples(struct tsdb *tsdb, ts from, ts to, ts hole_from, ts hole_to)
{
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("m")};
    struct querier *querier = NULL;
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct arena arena = {0};
    struct baro_error err = {0};

    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    assert_int_equal(list.count, SERIES);
    for (size_t i = 0; i < list.count; i++) {
        uint64_t number = 0;
        size_t at = 0;

        assert_true(num_parse_u64(labels_get(list.items[i].labels, STR("i")), &number));
        sample_buf_reset(&samples);
        assert_ok(
            querier->ops->samples(querier, &list.items[i], INT64_MIN, INT64_MAX, &samples, &err),
            &err);
        for (ts t = from; t < to; t += STEP) {
            if (t >= hole_from && t < hole_to) {
                continue;
            }
            assert_true(at < samples.count && samples.t[at] == t);
            assert_true(samples.v[at++] == (double)number * 1000 + (double)(t / STEP));
        }
        assert_int_equal(samples.count, at);
    }
    querier_close(querier);
    sample_buf_done(&samples);
    arena_done(&arena);
}

/* Chunks of the first series: those in memory and those in files. */
static void count_chain(struct tsdb *tsdb, size_t *ret_memory, size_t *ret_filed)
{
    const struct head *head = tsdb->head;

    *ret_memory = *ret_filed = 0;
    for (const struct head_chunk *chunk = head_chunk_at(head, head_series_at(head, 0)->closed);
         chunk != NULL; chunk = head_chunk_at(head, head_chunk_older(chunk))) {
        *(head_chunk_file(chunk) == 0 ? ret_memory : ret_filed) += 1;
    }
}

static void assert_chain(struct tsdb *tsdb, size_t memory, size_t filed)
{
    size_t found_memory = 0, found_filed = 0;

    count_chain(tsdb, &found_memory, &found_filed);
    assert_int_equal(found_memory, memory);
    assert_int_equal(found_filed, filed);
}

static void flush(struct tsdb *tsdb)
{
    struct baro_error err = {0};

    assert_ok(head_files_flush(tsdb->head, NULL, &err), &err);
    head_collect(tsdb->head);
}

TEST(chunks_head_takes_full_chunks_off_the_memory)
{
    struct arena arena = {0};
    const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
    struct tsdb *tsdb = open_tsdb(dir, false);
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct querier *querier = NULL;
    struct baro_error err = {0};
    size_t before;

    scrape(tsdb, 0, RANGE + RANGE / 2);
    flush(tsdb);
    assert_chain(tsdb, 0, 1);
    scrape(tsdb, RANGE + RANGE / 2, 2 * RANGE + RANGE / 2);
    assert_chain(tsdb, 1, 1);
    assert_true(head_files_pending(tsdb->head) > SERIES * 60);
    before = head_pool_used(&tsdb->head->pool);
    /* A query that is under way still sees what it saw. */
    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    flush(tsdb);
    assert_chain(tsdb, 0, 2);
    assert_true(head_pool_used(&tsdb->head->pool) > before);
    querier_close(querier);
    head_collect(tsdb->head);
    assert_true(head_pool_used(&tsdb->head->pool) < before - SERIES * 60);
    check_samples(tsdb, 0, 2 * RANGE + RANGE / 2, 0, 0);
    /* Nothing new, nothing written. */
    assert_int_equal(head_files_pending(tsdb->head), 0);
    before = (size_t)head_files_bytes(tsdb->head);
    flush(tsdb);
    assert_int_equal(head_files_bytes(tsdb->head), before);
    /* The oldest range goes to a block, and its files go. */
    assert_ok(tsdb_compact(tsdb, &err), &err);
    assert_chain(tsdb, 0, 1);
    assert_true(head_files_bytes(tsdb->head) < before * 3 / 4);
    check_samples(tsdb, 0, 2 * RANGE + RANGE / 2, 0, 0);
    (void)tsdb_free(tsdb);
    arena_done(&arena);
}

/* Flips a bit of a chunk of the oldest file. */
static void damage_a_chunk(const char *dir)
{
    struct arena arena = {0};
    FILE *file = fopen(fs_path(&arena, fs_path(&arena, dir, CHUNKS_HEAD_DIR), "000001"), "r+");
    int byte;

    assert_non_null(file);
    assert_int_equal(fseek(file, CHUNKS_HEAD_HEADER_BYTES + 40, SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_equal(fseek(file, CHUNKS_HEAD_HEADER_BYTES + 40, SEEK_SET), 0);
    assert_true(byte != EOF && fputc(byte ^ 4, file) != EOF);
    assert_int_equal(fclose(file), 0);
    arena_done(&arena);
}

/* A query of all series answers with all that is good, and says that something is missing; a start
 * has it from the WAL. */
TEST(chunks_head_serves_the_rest_of_what_is_damaged)
{
    struct arena arena = {0};
    const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
    struct tsdb *tsdb = open_tsdb(dir, true);
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("m")};
    struct querier *querier = NULL;
    struct series_list list = {0};
    struct baro_error err = {0};
    size_t count = 0;

    scrape(tsdb, 0, RANGE + RANGE / 4);
    flush(tsdb);
    damage_a_chunk(dir);
    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    for (size_t i = 0; i < list.count; i++) {
        struct sample_buf samples = {0};

        assert_ok(
            querier->ops->samples(querier, &list.items[i], INT64_MIN, INT64_MAX, &samples, &err),
            &err);
        count += samples.count;
        sample_buf_done(&samples);
    }
    assert_int_equal(count, SERIES * 125 - 100);
    assert_int_equal(querier_damage(querier), 1);
    querier_close(querier);
    assert_int_equal(head_take_damage(tsdb->head), 1);
    (void)tsdb_free(tsdb);
    tsdb = open_tsdb(dir, true);
    check_samples(tsdb, 0, RANGE + RANGE / 4, 0, 0);
    (void)tsdb_free(tsdb);
    arena_done(&arena);
}

/* Clean stops, kills (a copy of the state is all that is left: no snapshot, nothing flushed) and
 * both in turn. */
TEST(chunks_head_spares_the_replay)
{
    struct arena arena = {0};

    for (int kind = 0; kind < 3; kind++) {
        const char *dir =
            arena_printf(&arena, "%s/%d", arena_str(&arena, str_from(test_dir())).ptr, kind).ptr;
        struct tsdb *tsdb = open_tsdb(dir, kind == 1);
        ts end = RANGE + RANGE / 4;

        scrape(tsdb, 0, end);
        for (int round = 0; round < 4; round++) {
            flush(tsdb);
            scrape(tsdb, end, end + 30 * STEP);
            end += 30 * STEP;
            (void)tsdb_free(tsdb);
            tsdb = open_tsdb(dir, kind == 1 || (kind == 2 && round % 2 == 0));
            assert_int_equal(fixture_report(tsdb).chunks_damages, 0);
            assert_string_equal(fixture_report(tsdb).snapshot_text, "");
            assert_true(fixture_report(tsdb).chunks_files > 0);
            assert_int_equal(fixture_report(tsdb).samples_refused, 0);
            check_samples(tsdb, 0, end, 0, 0);
            scrape(tsdb, end, end + STEP);
            end += STEP;
        }
        assert_int_equal(tsdb_compact(tsdb, NULL), 0);
        check_samples(tsdb, 0, end, 0, 0);
        (void)tsdb_free(tsdb);
        tsdb = open_tsdb(dir, false);
        check_samples(tsdb, 0, end, 0, 0);
        (void)tsdb_free(tsdb);
    }
    arena_done(&arena);
}

/* The snapshot leaves out what files have; without them it is not believed. */
TEST(chunks_head_and_the_snapshot_fit_together)
{
    struct arena arena = {0};
    const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
    struct tsdb *tsdb = open_tsdb(dir, false);

    scrape(tsdb, 0, 2 * RANGE);
    (void)tsdb_free(tsdb);
    tsdb = open_tsdb(dir, false);
    assert_int_equal(fixture_report(tsdb).snapshot_series, SERIES);
    assert_chain(tsdb, 0, 1);
    check_samples(tsdb, 0, 2 * RANGE, 0, 0);
    (void)tsdb_free(tsdb);
    assert_int_equal(fs_remove_tree(fs_real(), fs_path(&arena, dir, CHUNKS_HEAD_DIR), NULL), 0);
    tsdb = open_tsdb(dir, false);
    assert_true(fixture_report(tsdb).snapshot_text[0] != '\0');
    assert_int_equal(fixture_report(tsdb).snapshot_series, 0);
    check_samples(tsdb, 0, 2 * RANGE, 0, 0);
    (void)tsdb_free(tsdb);
    arena_done(&arena);
}

/* A deletion changes what files have: they are told nothing more of the series, and a replay
 * applies the tombstones to what they bring. */
TEST(chunks_head_knows_of_deletions)
{
    struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("m")};
    struct arena arena = {0};
    struct baro_error err = {0};

    for (int no_snapshot = 0; no_snapshot < 2; no_snapshot++) {
        const char *dir =
            arena_printf(&arena, "%s/%d", arena_str(&arena, str_from(test_dir())).ptr, no_snapshot)
                .ptr;
        struct tsdb *tsdb = open_tsdb(dir, no_snapshot == 1);
        ts hole = RANGE / 2, end = RANGE + RANGE / 2;
        size_t memory = 0, filed = 0;

        scrape(tsdb, 0, end);
        flush(tsdb);
        /* Its end is open: later samples are not meant. */
        assert_ok(tsdb_delete(tsdb, (struct matchers){&matcher, 1}, hole, INT64_MAX, &err), &err);
        check_samples(tsdb, 0, hole, 0, 0);
        scrape(tsdb, end, end + 2 * RANGE);
        flush(tsdb);
        count_chain(tsdb, &memory, &filed);
        assert_true(memory > 0 && filed == 0);
        for (int round = 0; round < 3; round++) {
            check_samples(tsdb, 0, end + 2 * RANGE, hole, end);
            (void)tsdb_free(tsdb);
            tsdb = open_tsdb(dir, no_snapshot == 1);
        }
        assert_ok(tsdb_compact(tsdb, &err), &err);
        check_samples(tsdb, 0, end + 2 * RANGE, hole, end);
        /* A truncation has passed the deletion: files get chunks again. */
        scrape(tsdb, end + 2 * RANGE, end + 4 * RANGE);
        flush(tsdb);
        count_chain(tsdb, &memory, &filed);
        assert_true(filed > 0);
        (void)tsdb_free(tsdb);
        tsdb = open_tsdb(dir, no_snapshot == 1);
        assert_int_equal(fixture_report(tsdb).chunks_damages, 0);
        check_samples(tsdb, 0, end + 4 * RANGE, hole, end);
        (void)tsdb_free(tsdb);
    }
    arena_done(&arena);
}

/* The WAL has lost all that is newer than the files: the last full chunk is opened again. */
TEST(chunks_head_outlives_the_wal)
{
    struct arena arena = {0};
    const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
    struct tsdb *tsdb = open_tsdb(dir, true);
    fs_file file = FS_FILE_NONE;
    uint64_t size = 0;

    scrape(tsdb, 0, 1 * STEP);
    (void)tsdb_free(tsdb);
    tsdb = open_tsdb(dir, true);
    scrape(tsdb, 1 * STEP, 2 * RANGE + 10 * STEP);
    flush(tsdb);
    assert_chain(tsdb, 0, 2);
    (void)tsdb_free(tsdb);
    assert_int_equal(
        fs_real()->open(fs_real(), fs_path(&arena, dir, "wal/00000001"), FS_WRITE, &file, NULL), 0);
    assert_int_equal(fs_real()->size(fs_real(), file, &size, NULL), 0);
    assert_int_equal(fs_real()->truncate(fs_real(), file, size / 3, NULL), 0);
    (void)fs_real()->close(fs_real(), file, NULL);
    (void)fs_real()->remove(fs_real(), fs_path(&arena, dir, "wal/00000002"), NULL);
    for (int i = 0; i < 2; i++) {
        tsdb = open_tsdb(dir, true);
        assert_true(i == 1 || fixture_report(tsdb).wal_repairs == 1);
        check_samples(tsdb, 0, 2 * RANGE, 0, 0);
        assert_chain(tsdb, 0, 1);
        assert_true((head_series_at(tsdb->head, 0)->flags & SERIES_UNFILED) != 0);
        (void)tsdb_free(tsdb);
    }
    tsdb = open_tsdb(dir, true);
    scrape(tsdb, 2 * RANGE, 5 * RANGE);
    assert_int_equal(tsdb_compact(tsdb, NULL), 0);
    check_samples(tsdb, 0, 5 * RANGE, 0, 0);
    (void)tsdb_free(tsdb);
    tsdb = open_tsdb(dir, true);
    assert_int_equal(fixture_report(tsdb).chunks_damages, 0);
    check_samples(tsdb, 0, 5 * RANGE, 0, 0);
    (void)tsdb_free(tsdb);
    arena_done(&arena);
}
