#include "tsdb/block.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "model/matcher.h"
#include "testing/child.h"
#include "testing/test.h"
#include "tsdb/block_cache.h"
#include "tsdb/block_meta.h"

/*
 * The oracle is Prometheus's own promtool, which packs an OpenMetrics text into blocks. Series i of
 * `metric` has the labels below, and the sample k stands at FIRST + k * STEP with the value of
 * value_of().
 */
enum { SERIES = 60, SAMPLES = 400, STEP = 15, FIRST = 1700000000 };

static double value_of(int series, int k)
{
    switch (series % 4) {
    case 0:
        return k;
    case 1:
        return series;
    case 2:
        return k % 7 == 3 ? NAN : sin(k + series) * 1000;
    default:
        return k % 11 == 5 ? INFINITY : -k / 3.0;
    }
}

static void write_openmetrics(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (int i = 0; i < SERIES; i++) {
        (void)fprintf(file, i == 0 ? "# TYPE metric gauge\n" : "");
        for (int k = 0; k < SAMPLES; k++) {
            (void)fprintf(file, "metric{instance=\"host-%02d\",job=\"%s\"%s} %.17g %d\n", i,
                          i % 2 == 0 ? "even" : "odd", i % 3 == 0 ? ",third=\"yes\"" : "",
                          value_of(i, k), FIRST + k * STEP);
        }
    }
    (void)fprintf(file, "# EOF\n");
    assert_int_equal(fclose(file), 0);
}

enum { BLOCKS_MAX = 16 };

struct fixture {
    struct block_cache *cache; /* NULL = none */
    struct block *blocks[BLOCKS_MAX];
    size_t count;
    struct querier *querier;
    struct arena arena;
};

static int by_mint(const void *a, const void *b)
{
    const struct block_meta *left = block_meta(*(struct block *const *)a);
    const struct block_meta *right = block_meta(*(struct block *const *)b);

    return (left->mint > right->mint) - (left->mint < right->mint);
}

static void open_blocks(struct fixture *fixture, const char *directory)
{
    DIR *names = opendir(directory);
    struct baro_error err = {0};

    assert_non_null(names);
    for (struct dirent *entry; (entry = readdir(names)) != NULL;) {
        char path[512];

        if (ulid_is_valid(str_from(entry->d_name))) {
            assert_in_range(fixture->count, 0, BLOCKS_MAX - 1);
            (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
            assert_ok(block_open(NULL, path, &fixture->blocks[fixture->count++], &err), &err);
        }
    }
    (void)closedir(names);
    qsort(fixture->blocks, fixture->count, sizeof(struct block *), by_mint);
}

static void fixture_open(struct fixture *fixture, ts mint, ts maxt)
{
    const char *directory = test_dir();
    struct querier *parts[BLOCKS_MAX];
    char text[256];
    char blocks[256];
    const char *argv[] = {"promtool", "tsdb", "create-blocks-from", "openmetrics", text,
                          blocks,     NULL};

    *fixture = (struct fixture){.cache = fixture->cache};
    (void)snprintf(text, sizeof(text), "%s/in.om", directory);
    (void)snprintf(blocks, sizeof(blocks), "%s/data", directory);
    write_openmetrics(text);
    assert_int_equal(child_run(argv), 0);
    open_blocks(fixture, blocks);
    assert_true(fixture->count > 0);
    for (size_t i = 0; i < fixture->count; i++) {
        if (fixture->cache != NULL) {
            block_set_cache(fixture->blocks[i], fixture->cache);
        }
        assert_int_equal(block_querier(fixture->blocks[i], mint, maxt, &parts[i], NULL), 0);
        fixture->blocks[i] = block_unref(fixture->blocks[i]); /* the querier holds it */
    }
    fixture->querier = querier_merge(parts, fixture->count);
}

static void fixture_close(struct fixture *fixture)
{
    querier_close(fixture->querier);
    arena_done(&fixture->arena);
    fixture->cache = block_cache_free(fixture->cache);
}

static ts time_of(int k)
{
    return (FIRST + (ts)k * STEP) * 1000;
}

static struct series_list select_by(struct fixture *fixture, enum matcher_op op, const char *name,
                                    const char *value)
{
    struct matcher items[2] = {0};
    struct series_list list = {0};
    struct baro_error err = {0};
    struct select_hints hints = {.sorted = true};
    struct querier *querier = fixture->querier;

    assert_ok(matcher_init(&items[0], op, str_from(name), str_from(value), &err), &err);
    assert_ok(matcher_init(&items[1], MATCHER_EQUAL, LABEL_METRIC_NAME, STR("metric"), &err), &err);
    assert_ok(querier->ops->select(querier, &fixture->arena, &hints, (struct matchers){items, 2},
                                   NULL, &list, &err),
              &err);
    matcher_done(&items[0]);
    matcher_done(&items[1]);
    return list;
}

static void assert_same(double got, double want)
{
    if (isnan(want)) {
        assert_true(isnan(got));
    } else {
        assert_true(got == want);
    }
}

TEST(block_has_every_sample_of_the_source)
{
    struct fixture fixture = {0};
    struct sample_buf samples = {0};
    struct series_list list;
    struct baro_error err = {0};

    fixture_open(&fixture, INT64_MIN, INT64_MAX);
    list = select_by(&fixture, MATCHER_REGEX, "instance", ".+");
    assert_int_equal(list.count, SERIES);
    for (int i = 0; i < SERIES; i++) {
        char host[16];
        struct sample last = {0};

        (void)snprintf(host, sizeof(host), "host-%02d", i);
        assert_str_equal(labels_get(list.items[i].labels, STR("instance")), str_from(host));
        assert_int_equal(list.items[i].labels.count, i % 3 == 0 ? 4 : 3);
        sample_buf_reset(&samples);
        assert_ok(fixture.querier->ops->samples(fixture.querier, &list.items[i], INT64_MIN,
                                                INT64_MAX, &samples, &err),
                  &err);
        assert_int_equal(samples.count, SAMPLES);
        for (int k = 0; k < SAMPLES; k++) {
            assert_int_equal(samples.t[k], time_of(k));
            assert_same(samples.v[k], value_of(i, k));
            if (k % 37 == 0) {
                assert_int_equal(fixture.querier->ops->last_sample(fixture.querier, &list.items[i],
                                                                   time_of(0), time_of(k) + 14999,
                                                                   &fixture.arena, &last, &err),
                                 1);
                assert_int_equal(last.t, time_of(k));
                assert_same(last.v, value_of(i, k));
            }
        }
        assert_int_equal(fixture.querier->ops->last_sample(fixture.querier, &list.items[i],
                                                           time_of(3) + 1, time_of(4) - 1,
                                                           &fixture.arena, &last, &err),
                         0);
    }
    sample_buf_done(&samples);
    fixture_close(&fixture);
}

static void check_cached(struct fixture *fixture, const struct series *series, int i, int from,
                         int to)
{
    struct querier *querier = fixture->querier;
    struct sample_buf samples = {0};
    struct sample_view view = {0};
    struct sample last = {0};

    assert_int_equal(
        querier->ops->samples(querier, series, time_of(from) - 1, time_of(to) + 1, &samples, NULL),
        0);
    assert_int_equal(samples.count, to - from + 1);
    for (int k = from; k <= to; k++) {
        assert_int_equal(samples.t[k - from], time_of(k));
        assert_same(samples.v[k - from], value_of(i, k));
    }
    if (querier->ops->view(querier, series, time_of(from), time_of(to), &view) > 0) {
        assert_int_equal(view.count, samples.count);
        assert_memory_equal(view.t, samples.t, view.count * sizeof(ts));
        assert_memory_equal(view.v, samples.v, view.count * sizeof(double));
    }
    assert_int_equal(querier->ops->last_sample(querier, series, time_of(from), time_of(to),
                                               &fixture->arena, &last, NULL),
                     1);
    assert_int_equal(last.t, time_of(to));
    assert_same(last.v, value_of(i, to));
    sample_buf_done(&samples);
}

/* The cache is smaller than the data, so that runs come, grow and go. */
TEST(block_with_a_cache_reads_the_same)
{
    struct fixture fixture = {.cache = block_cache_new(1 << 17, 1 << 16)};
    size_t viewed = 0;

    fixture_open(&fixture, INT64_MIN, INT64_MAX);
    for (int round = 0; round < 40; round++) {
        struct series_list list = round % 3 == 0
                                      ? select_by(&fixture, MATCHER_REGEX, "instance", ".+")
                                      : select_by(&fixture, MATCHER_EQUAL, "job", "odd");
        int first = round % 3 == 0 ? 0 : 1;

        assert_int_equal(list.count, round % 3 == 0 ? SERIES : SERIES / 2);
        for (int s = 0; s < (int)list.count; s++) {
            int i = round % 3 == 0 ? s : first + s * 2;
            int from = (s * 37 + round * 71) % SAMPLES;
            int to = from + (s * 13 + round * 29) % (SAMPLES - from);
            struct sample_view view = {0};

            check_cached(&fixture, &list.items[s], i, from, to);
            viewed += (size_t)fixture.querier->ops->view(fixture.querier, &list.items[s],
                                                         time_of(from), time_of(from), &view);
        }
    }
    assert_true(fixture.count > 1 || viewed > 0);
    fixture_close(&fixture);
}

TEST(block_clips_to_the_range_of_its_querier)
{
    struct fixture fixture = {0};
    struct sample_buf samples = {0};
    struct series_list list;

    fixture_open(&fixture, time_of(100), time_of(250));
    list = select_by(&fixture, MATCHER_EQUAL, "instance", "host-07");
    assert_int_equal(list.count, 1);
    assert_int_equal(fixture.querier->ops->samples(fixture.querier, &list.items[0], INT64_MIN,
                                                   INT64_MAX, &samples, NULL),
                     0);
    assert_int_equal(samples.count, 151);
    assert_int_equal(samples.t[0], time_of(100));
    sample_buf_done(&samples);
    fixture_close(&fixture);
}

TEST(block_matchers_select_as_prometheus_does)
{
    static const struct {
        const char *name;
        enum matcher_op op;
        const char *label;
        const char *value;
        size_t want;
    } cases[] = {
        {"equal", MATCHER_EQUAL, "instance", "host-05", 1},
        {"equal, none", MATCHER_EQUAL, "instance", "host-99", 0},
        {"equal, unknown name", MATCHER_EQUAL, "nothing", "x", 0},
        {"equal empty on a missing label", MATCHER_EQUAL, "third", "", 40},
        {"equal empty, unknown name", MATCHER_EQUAL, "nothing", "", 60},
        {"not equal", MATCHER_NOT_EQUAL, "job", "even", 30},
        {"not equal keeps series without the label", MATCHER_NOT_EQUAL, "third", "yes", 40},
        {"not equal empty", MATCHER_NOT_EQUAL, "third", "", 20},
        {"regex set", MATCHER_REGEX, "instance", "host-01|host-02|host-99", 2},
        {"regex prefix", MATCHER_REGEX, "instance", "host-1.*", 10},
        {"regex class", MATCHER_REGEX, "instance", "host-[0-4]5", 5},
        {"regex everything", MATCHER_REGEX, "third", ".*", 60},
        {"regex something", MATCHER_REGEX, "third", ".+", 20},
        {"regex or empty", MATCHER_REGEX, "third", "|yes", 60},
        {"not regex", MATCHER_NOT_REGEX, "instance", "host-[0-4].", 10},
        {"not regex set", MATCHER_NOT_REGEX, "instance", "host-01|host-02", 58},
        {"not regex keeps series without the label", MATCHER_NOT_REGEX, "third", "y.s", 40},
        {"not regex something", MATCHER_NOT_REGEX, "third", ".+", 40},
        {"not regex or empty", MATCHER_NOT_REGEX, "third", "|no", 20},
    };
    struct fixture fixture = {0};

    fixture_open(&fixture, INT64_MIN, INT64_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].name);
        assert_int_equal(select_by(&fixture, cases[i].op, cases[i].label, cases[i].value).count,
                         cases[i].want);
    }
    test_row(NULL);
    fixture_close(&fixture);
}

TEST(block_tells_label_names_and_values)
{
    struct fixture fixture = {0};
    struct matcher odd = {.op = MATCHER_EQUAL, .name = STR("instance"), .value = STR("host-01")};
    struct matchers matchers = {&odd, 1};
    struct str_list again;
    struct str_list list = {0};
    struct querier *querier;

    fixture_open(&fixture, INT64_MIN, INT64_MAX);
    querier = fixture.querier;
    assert_int_equal(
        querier->ops->label_names(querier, &fixture.arena, (struct matchers){0}, NULL, &list, NULL),
        0);
    assert_int_equal(list.count, 4);
    assert_str_equal(list.items[0], STR("__name__"));
    assert_str_equal(list.items[3], STR("third"));
    assert_int_equal(
        querier->ops->label_names(querier, &fixture.arena, matchers, NULL, &list, NULL), 0);
    assert_int_equal(list.count, 3);
    assert_str_equal(list.items[2], STR("job"));
    assert_int_equal(querier->ops->label_values(querier, &fixture.arena, STR("job"), matchers, NULL,
                                                &list, NULL),
                     0);
    assert_int_equal(list.count, 1);
    assert_str_equal(list.items[0], STR("odd"));
    assert_int_equal(querier->ops->label_values(querier, &fixture.arena, STR("instance"),
                                                (struct matchers){0}, NULL, &list, NULL),
                     0);
    assert_int_equal(list.count, SERIES);
    again = list;
    for (size_t i = 0; i < list.count; i++) {
        assert_true(i == 0 || str_cmp(list.items[i - 1], list.items[i]) < 0);
    }
    assert_int_equal(querier->ops->label_values(querier, &fixture.arena, STR("instance"),
                                                (struct matchers){0}, NULL, &list, NULL),
                     0);
    assert_true(list.items == again.items); /* kept */
    fixture_close(&fixture);
}

TEST(block_meta_is_checked)
{
    static const struct {
        const char *name;
        const char *json;
        int want;
    } cases[] = {
        {"good",
         "{\"ulid\":\"01HF4X4Z4QJ7Z0000000000000\",\"minTime\":1,\"maxTime\":2,\"version\":1,"
         "\"stats\":{\"numSeries\":3},\"compaction\":{\"level\":2}}",
         0},
        {"no JSON", "{", BARO_EPARSE},
        {"empty", "", BARO_EPARSE},
        {"no object", "[]", BARO_EINVALID},
        {"version", "{\"version\":2}", BARO_EUNSUPPORTED},
        {"no ULID", "{\"version\":1,\"minTime\":1,\"maxTime\":2}", BARO_EINVALID},
        {"bad ULID",
         "{\"ulid\":\"81HF4X4Z4QJ7Z0000000000000\",\"minTime\":1,\"maxTime\":2,\"version\":1}",
         BARO_EINVALID},
        {"no times", "{\"ulid\":\"01HF4X4Z4QJ7Z0000000000000\",\"version\":1}", BARO_EINVALID},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct block_meta meta = {0};

        test_row(cases[i].name);
        assert_int_equal(block_meta_parse(str_from(cases[i].json), &meta, NULL), cases[i].want);
        block_meta_done(&meta);
        assert_int_equal(meta.series_count, cases[i].want == 0 ? 3 : 0);
    }
    test_row(NULL);
}

TEST(block_that_is_missing_is_refused)
{
    struct block *block = NULL;
    struct baro_error err = {0};

    assert_int_equal(block_open(NULL, "/nonexistent/block", &block, &err), -2);
    assert_null(block);
}
