#include "tsdb/head.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/random.h"
#include "base/text.h"
#include "base/vec.h"
#include "testing/test.h"
#include "tsdb/head_priv.h"

static struct head *new_head(void)
{
    return head_new(&(struct head_options){.exemplars_max = 100});
}

/* Labels from "name=value,name=value" text, already sorted. */
static struct labels parse_labels(struct arena *arena, const char *text)
{
    VEC(struct label) found = {0};
    str rest = arena_str(arena, str_from(text));
    str part;
    struct labels labels;

    while (str_split_next(&rest, ',', &part)) {
        size_t at = str_index_char(part, '=');

        vec_push(&found, (struct label){str_slice(part, 0, at), str_from_index(part, at + 1)});
    }
    labels = labels_copy(arena, (struct labels){found.items, found.count});
    vec_done(&found);
    return labels;
}

static series_ref get_series(struct appender *appender, const char *text)
{
    struct baro_error err = {0};
    struct arena arena = {0};
    series_ref ref = 0;

    assert_ok(appender->ops->series(appender, parse_labels(&arena, text), &ref, &err), &err);
    arena_done(&arena);
    return ref;
}

static enum append_status append(struct appender *appender, series_ref ref, ts t, double v)
{
    struct baro_error err = {0};
    uint8_t status = APPEND_STATUS_COUNT;
    struct append_batch batch = {&ref, &t, &v, 1, &status, NULL};

    assert_ok(appender->ops->samples(appender, &batch, &err), &err);
    return (enum append_status)status;
}

static void commit(struct appender *appender)
{
    struct baro_error err = {0};

    assert_ok(appender->ops->commit(appender, &err), &err);
}

/* One matcher per text "name=value", "name!=value", "name=~value", "name!~value". */
struct test_matchers {
    struct matcher items[8];
    size_t count;
};

static struct matchers parse_matchers(struct arena *arena, struct test_matchers *ret,
                                      const char *text)
{
    str rest = arena_str(arena, str_from(text));
    struct baro_error err = {0};
    str part;

    ret->count = 0;
    while (rest.len > 0 && str_split_next(&rest, ';', &part)) {
        enum matcher_op op = MATCHER_EQUAL;
        size_t at = 0, len = 1;

        while (part.ptr[at] != '=' && part.ptr[at] != '!') {
            at++;
        }
        if (part.ptr[at] == '!') {
            op = part.ptr[at + 1] == '~' ? MATCHER_NOT_REGEX : MATCHER_NOT_EQUAL;
            len = 2;
        } else if (at + 1 < part.len && part.ptr[at + 1] == '~') {
            op = MATCHER_REGEX;
            len = 2;
        }
        assert_ok(matcher_init(&ret->items[ret->count++], op, str_slice(part, 0, at),
                               str_from_index(part, at + len), &err),
                  &err);
    }
    return (struct matchers){ret->items, ret->count};
}

static void done_matchers(struct test_matchers *matchers)
{
    for (size_t i = 0; i < matchers->count; i++) {
        matcher_done(&matchers->items[i]);
    }
}

/* Selects and writes "{labels}" of each series, sorted, joined by spaces. */
static str select_text(struct arena *arena, struct head *head, const char *text, ts mint, ts maxt)
{
    const struct select_hints hints = {.sorted = true};
    struct test_matchers matchers;
    struct series_list list = {0};
    struct querier *querier = NULL;
    struct baro_error err = {0};
    struct buf out = {0};

    assert_ok(head_querier(head, mint, maxt, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, arena, &hints, parse_matchers(arena, &matchers, text),
                                   NULL, &list, &err),
              &err);
    for (size_t i = 0; i < list.count; i++) {
        buf_c(&out, i == 0 ? "" : " ");
        labels_format(&out, list.items[i].labels);
    }
    querier_close(querier);
    done_matchers(&matchers);
    return text_take(arena, &out);
}

TEST(head_appends_and_reads_back)
{
    struct head *head = new_head();
    struct appender *appender = head_appender(head);
    series_ref a = get_series(appender, "__name__=up,job=x");
    series_ref b = get_series(appender, "__name__=up,job=y");
    struct arena arena = {0};

    assert_int_equal(a, 1);
    assert_int_equal(b, 2);
    assert_int_equal(get_series(appender, "__name__=up,job=x"), a);
    assert_int_equal(append(appender, a, 1000, 1), APPEND_OK);
    assert_str_equal(select_text(&arena, head, "__name__=up", 0, 2000), STR(""));
    commit(appender);
    assert_str_equal(select_text(&arena, head, "__name__=up", 0, 2000), STR("up{job=\"x\"}"));
    assert_str_equal(select_text(&arena, head, "__name__=up", 1001, 2000), STR(""));
    assert_str_equal(select_text(&arena, head, "__name__=up", 0, 999), STR(""));
    appender->ops->free(appender);
    head_free(head);
    arena_done(&arena);
}

TEST(head_tells_what_became_of_each_sample)
{
    static const struct {
        const char *name;
        ts t;
        double v;
        enum append_status want;
        bool commit_after;
    } steps[] = {
        {"first", 10000000, 1, APPEND_OK, false},
        {"same again in the transaction", 10000000, 1, APPEND_OK, false},
        {"same time, other value", 10000000, 2, APPEND_DUPLICATE, false},
        {"older in the transaction", 9999999, 1, APPEND_OUT_OF_ORDER, false},
        {"newer", 10000010, 1, APPEND_OK, true},
        {"same as committed", 10000010, 1, APPEND_OK, false},
        {"duplicate of committed", 10000010, 3, APPEND_DUPLICATE, false},
        {"NaN with other bits is another value", 10000010, __builtin_nan(""), APPEND_DUPLICATE,
         false},
        {"older than committed", 10000009, 3, APPEND_OUT_OF_ORDER, false},
        {"older than the first of all", 9000000, 3, APPEND_OUT_OF_ORDER, false},
        {"just in bounds", 10000010 - DUR_HOUR, 3, APPEND_OUT_OF_ORDER, false},
        {"out of bounds", 10000010 - DUR_HOUR - 1, 3, APPEND_OUT_OF_BOUNDS, false},
        {"newer again", 10000020, 3, APPEND_OK, true},
    };
    struct head *head = new_head();
    struct appender *appender = head_appender(head);
    series_ref ref = get_series(appender, "__name__=up");

    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        test_row(steps[i].name);
        assert_int_equal(append(appender, ref, steps[i].t, steps[i].v), steps[i].want);
        if (steps[i].commit_after) {
            commit(appender);
        }
    }
    test_row("unknown series");
    assert_int_equal(append(appender, ref + 1, 10000030, 1), APPEND_UNKNOWN);
    assert_int_equal(append(appender, 0, 10000030, 1), APPEND_UNKNOWN);
    assert_int_equal(append(appender, UINT64_MAX, 10000030, 1), APPEND_UNKNOWN);
    test_row(NULL);
    appender->ops->free(appender);
    head_free(head);
}

TEST(head_refuses_what_is_too_far)
{
    struct head *head = head_new(&(struct head_options){.too_far = 10 * DUR_MINUTE});
    struct appender *appender = head_appender(head);
    series_ref ref = get_series(appender, "__name__=up");

    assert_int_equal(append(appender, ref, INT64_MAX, 1), APPEND_TOO_FAR);
    head_set_in_blocks(head, 5000);
    appender->ops->rollback(appender);
    assert_int_equal(append(appender, ref, 4999, 1), APPEND_OUT_OF_BOUNDS);
    assert_int_equal(append(appender, ref, 5000, 1), APPEND_OK);
    appender->ops->free(appender);
    head_free(head);
}

TEST(head_rollback_forgets_samples)
{
    struct head *head = new_head();
    struct appender *appender = head_appender(head);
    series_ref ref = get_series(appender, "__name__=up");
    struct arena arena = {0};

    assert_int_equal(append(appender, ref, 1000, 1), APPEND_OK);
    appender->ops->rollback(appender);
    commit(appender);
    assert_str_equal(select_text(&arena, head, "__name__=up", 0, 2000), STR(""));
    assert_int_equal(append(appender, ref, 900, 2), APPEND_OK);
    commit(appender);
    assert_str_equal(select_text(&arena, head, "__name__=up", 0, 2000), STR("up"));
    appender->ops->free(appender);
    head_free(head);
    arena_done(&arena);
}

TEST(head_refuses_bad_labels)
{
    static const struct {
        const char *labels;
        int code;
    } cases[] = {
        {"", BARO_EINVALID},   {"a=1,a=2", BARO_EINVALID}, {"b=1,a=2", BARO_EINVALID},
        {"a=", BARO_EINVALID}, {"=1", BARO_EINVALID},
    };
    struct head *head = new_head();
    struct appender *appender = head_appender(head);
    struct label many[HEAD_LABELS_MAX + 1];
    struct arena arena = {0};
    struct baro_error err = {0};
    series_ref ref = 0;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].labels);
        assert_int_equal(appender->ops->series(appender,
                                               cases[i].labels[0] == '\0'
                                                   ? (struct labels){0}
                                                   : parse_labels(&arena, cases[i].labels),
                                               &ref, &err),
                         cases[i].code);
    }
    test_row("too many labels");
    for (size_t i = 0; i < ARRAY_COUNT(many); i++) {
        many[i] = (struct label){arena_printf(&arena, "l%06zu", i), STR("v")};
    }
    assert_int_equal(
        appender->ops->series(appender, (struct labels){many, ARRAY_COUNT(many)}, &ref, &err),
        BARO_ELIMIT);
    assert_ok(
        appender->ops->series(appender, (struct labels){many, ARRAY_COUNT(many) - 1}, &ref, &err),
        &err);
    assert_int_equal(ref, 1);
    test_row(NULL);
    appender->ops->free(appender);
    head_free(head);
    arena_done(&arena);
}

TEST(head_bounds_the_number_of_series)
{
    struct head *head = head_new(&(struct head_options){.series_max = 2});
    struct appender *appender = head_appender(head);
    struct arena arena = {0};
    struct baro_error err = {0};
    series_ref ref = 0;

    (void)get_series(appender, "a=1");
    (void)get_series(appender, "a=2");
    assert_int_equal(appender->ops->series(appender, parse_labels(&arena, "a=3"), &ref, &err),
                     BARO_ELIMIT);
    assert_int_equal(get_series(appender, "a=1"), 1);
    appender->ops->free(appender);
    head_free(head);
    arena_done(&arena);
}

/* The table of Prometheus's TestPostingsForMatchers, in our words. */
static const struct {
    const char *matchers;
    const char *want;
} selections[] = {
    {"n=1", "{n=\"1\"} {i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"n=1;i=a", "{i=\"a\", n=\"1\"}"},
    {"n=1;i=missing", ""},
    {"missing=", "{n=\"1\"} {n=\"2\"} {n=\"2.5\"} {i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"n!=1", "{n=\"2\"} {n=\"2.5\"}"},
    {"i!=", "{i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"missing!=", ""},
    {"n=1;i!=a", "{n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"n=1;i!=", "{i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"n=~^1$", "{n=\"1\"} {i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"n=1;i=~^a$", "{i=\"a\", n=\"1\"}"},
    {"n=1;i=~^a?$", "{n=\"1\"} {i=\"a\", n=\"1\"}"},
    {"i=~^$", "{n=\"1\"} {n=\"2\"} {n=\"2.5\"}"},
    {"n=1;i=~^.*$", "{n=\"1\"} {i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"n=1;i=~^.+$", "{i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"n!~^1$", "{n=\"2\"} {n=\"2.5\"}"},
    {"n!~1|2.5", "{n=\"2\"}"},
    {"n!~1|2\\.5", "{n=\"2\"}"},
    {"n=1;i!~^a$", "{n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"n=1;i!~^a?$", "{i=\"b\", n=\"1\"}"},
    {"n=1;i!~^$", "{i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"n=1;i!~^.*$", ""},
    {"n=1;i!~^.+$", "{n=\"1\"}"},
    {"n=1;i!=;i=a", "{i=\"a\", n=\"1\"}"},
    {"n=1;i!=b;i=~^(b|a).*$", "{i=\"a\", n=\"1\"}"},
    {"n=~1|2", "{n=\"1\"} {n=\"2\"} {i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"i=~a|b", "{i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"n=~x1|2", "{n=\"2\"}"},
    {"n=~2.*", "{n=\"2\"} {n=\"2.5\"}"},
    {"i=~c||d", "{n=\"1\"} {n=\"2\"} {n=\"2.5\"}"},
    {"i!~c||d", "{i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
    {"missing=~.+", ""},
    {"missing!~.+", "{n=\"1\"} {n=\"2\"} {n=\"2.5\"} {i=\"a\", n=\"1\"} {i=\"b\", n=\"1\"}"},
};

TEST(head_selects_as_prometheus_does)
{
    static const char *const series[] = {"n=1", "i=a,n=1", "i=b,n=1", "n=2", "n=2.5"};
    struct head *head = new_head();
    struct appender *appender = head_appender(head);
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(series); i++) {
        assert_int_equal(append(appender, get_series(appender, series[i]), 100, 1), APPEND_OK);
    }
    commit(appender);
    for (size_t i = 0; i < ARRAY_COUNT(selections); i++) {
        str got = select_text(&arena, head, selections[i].matchers, 0, 1000);
        struct test_matchers matchers;
        size_t want = 0, have = 0;

        test_row(selections[i].matchers);
        (void)parse_matchers(&arena, &matchers, selections[i].matchers);
        for (size_t k = 0; k < ARRAY_COUNT(series); k++) {
            want += matchers_match((struct matchers){matchers.items, matchers.count},
                                   parse_labels(&arena, series[k]));
        }
        done_matchers(&matchers);
        for (size_t k = 0; k < got.len; k++) {
            have += got.ptr[k] == '{';
        }
        assert_int_equal(have, want);
        /* Labels of one name sort before longer sets only when their first pair does. */
        for (size_t k = 0; k < strlen(selections[i].want); k++) {
            want -= selections[i].want[k] == '{';
        }
        assert_int_equal(want, 0);
    }
    test_row(NULL);
    appender->ops->free(appender);
    head_free(head);
    arena_done(&arena);
}

/* Who looks at few labels is given no more of them. */
TEST(head_gives_the_labels_that_are_wanted)
{
    static const struct {
        str names[9];
        size_t count;
        const char *want;
    } cases[] = {
        {{STR_INIT("")}, 0, "m{a=\"1\", b=\"2\"}"},
        {{STR_INIT("b")}, 1, "{b=\"2\"}"},
        {{STR_INIT("b"), STR_INIT("a"), STR_INIT("none")}, 3, "{a=\"1\", b=\"2\"}"},
        {{STR_INIT("none"), STR_INIT("__name__")}, 2, "m{}"},
        {{STR_INIT("none")}, 1, "{}"},
        {{STR_INIT("1"), STR_INIT("2"), STR_INIT("3"), STR_INIT("4"), STR_INIT("5"), STR_INIT("6"),
          STR_INIT("7"), STR_INIT("8"), STR_INIT("9")},
         9,
         "m{a=\"1\", b=\"2\"}"}, /* too many to be looked up */
    };
    struct head *head = new_head();
    struct appender *appender = head_appender(head);
    struct test_matchers matchers;
    struct arena arena = {0};

    (void)append(appender, get_series(appender, "__name__=m,a=1,b=2"), 1000, 1);
    commit(appender);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct select_hints hints = {.names = cases[i].names, .name_count = cases[i].count};
        struct series_list list = {0};
        struct querier *querier = NULL;
        struct buf text = {0};

        assert_int_equal(head_querier(head, 0, 2000, &querier, NULL), 0);
        assert_int_equal(querier->ops->select(querier, &arena, &hints,
                                              parse_matchers(&arena, &matchers, "__name__=m"), NULL,
                                              &list, NULL),
                         0);
        assert_int_equal(list.count, 1);
        labels_format(&text, list.items[0].labels);
        if (strcmp(cases[i].want, "m{}") == 0) {
            assert_int_equal(list.items[0].labels.count, 1);
        } else {
            assert_str_equal(buf_view(&text), str_from(cases[i].want));
        }
        buf_done(&text);
        querier_close(querier);
        done_matchers(&matchers);
    }
    appender->ops->free(appender);
    head_free(head);
    arena_done(&arena);
}

TEST(head_sorts_series_by_labels)
{
    /* Few and many series, so that both ways of sorting are taken; sets of several lengths. */
    static const size_t counts[] = {5, 100, 1500};
    struct test_matchers matchers;
    struct random random = {99};

    for (size_t c = 0; c < ARRAY_COUNT(counts); c++) {
        const struct select_hints hints = {.sorted = true};
        struct head *head = new_head();
        struct appender *appender = head_appender(head);
        struct querier *querier = NULL;
        struct series_list list = {0};
        struct baro_error err = {0};
        struct arena arena = {0};

        for (size_t i = 0; i < counts[c]; i++) {
            struct buf text = {0};

            for (char name = 'a'; name < 'f'; name++) {
                if (random_below(&random, 3) != 0) {
                    buf_printf(&text, "%s%c=%llu", text.len > 0 ? "," : "", name,
                               (unsigned long long)random_below(&random, 12));
                }
            }
            buf_printf(&text, "%sz=z", text.len > 0 ? "," : "");
            buf_char(&text, '\0');
            (void)append(appender, get_series(appender, text.ptr), 100, 1);
            buf_done(&text);
        }
        commit(appender);
        assert_ok(head_querier(head, 0, 200, &querier, &err), &err);
        assert_ok(querier->ops->select(querier, &arena, &hints,
                                       parse_matchers(&arena, &matchers, "z=z"), NULL, &list, &err),
                  &err);
        assert_true(list.count > counts[c] / 4);
        for (size_t i = 1; i < list.count; i++) {
            assert_true(labels_cmp(list.items[i - 1].labels, list.items[i].labels) < 0);
        }
        querier_close(querier);
        done_matchers(&matchers);
        appender->ops->free(appender);
        head_free(head);
        arena_done(&arena);
    }
}

TEST(head_lists_label_names_and_values)
{
    struct head *head = new_head();
    struct appender *appender = head_appender(head);
    struct test_matchers matchers;
    struct querier *querier = NULL;
    struct str_list list = {0};
    struct baro_error err = {0};
    struct arena arena = {0};

    (void)append(appender, get_series(appender, "__name__=up,job=b"), 100, 1);
    (void)append(appender, get_series(appender, "__name__=up,job=a,zone=z"), 100, 1);
    (void)append(appender, get_series(appender, "__name__=down,job=c"), 100, 1);
    commit(appender);
    assert_ok(head_querier(head, 0, 200, &querier, &err), &err);
    assert_ok(querier->ops->label_names(querier, &arena, (struct matchers){0}, NULL, &list, &err),
              &err);
    assert_int_equal(list.count, 3);
    assert_str_equal(list.items[0], STR("__name__"));
    assert_str_equal(list.items[2], STR("zone"));
    assert_ok(querier->ops->label_names(querier, &arena, parse_matchers(&arena, &matchers, "job=b"),
                                        NULL, &list, &err),
              &err);
    done_matchers(&matchers);
    assert_int_equal(list.count, 2);
    assert_ok(querier->ops->label_values(querier, &arena, STR("job"), (struct matchers){0}, NULL,
                                         &list, &err),
              &err);
    assert_int_equal(list.count, 3);
    assert_str_equal(list.items[0], STR("a"));
    assert_str_equal(list.items[2], STR("c"));
    assert_ok(querier->ops->label_values(querier, &arena, STR("job"),
                                         parse_matchers(&arena, &matchers, "__name__=up"), NULL,
                                         &list, &err),
              &err);
    done_matchers(&matchers);
    assert_int_equal(list.count, 2);
    assert_str_equal(list.items[1], STR("b"));
    assert_ok(querier->ops->label_values(querier, &arena, STR("none"), (struct matchers){0}, NULL,
                                         &list, &err),
              &err);
    assert_int_equal(list.count, 0);
    querier_close(querier);
    assert_ok(head_querier(head, 101, 200, &querier, &err), &err);
    assert_ok(querier->ops->label_names(querier, &arena, (struct matchers){0}, NULL, &list, &err),
              &err);
    assert_int_equal(list.count, 0);
    querier_close(querier);
    appender->ops->free(appender);
    head_free(head);
    arena_done(&arena);
}

/* A naive twin: every sample of every series in plain arrays. */
enum { TWIN_SERIES = 40, TWIN_SAMPLES = 3000 };

struct twin {
    ts t[TWIN_SAMPLES];
    double v[TWIN_SAMPLES];
    size_t count;
};

static double random_value(struct random *random, double before)
{
    switch (random_below(random, 6)) {
    case 0:
        return before;
    case 1:
        return value_stale();
    case 2:
        return value_from_bits(random_next(random));
    case 3:
        return before + (double)random_below(random, 100);
    default:
        return before + 1;
    }
}

static void check_twin(struct querier *querier, const struct series *series,
                       const struct twin *twin, ts start, ts end, struct sample_buf *samples)
{
    struct baro_error err = {0};
    size_t first = 0, last;
    struct sample newest = {0};
    int r;

    while (first < twin->count && twin->t[first] < start) {
        first++;
    }
    last = first;
    while (last < twin->count && twin->t[last] <= end) {
        last++;
    }
    sample_buf_reset(samples);
    assert_ok(querier->ops->samples(querier, series, start, end, samples, &err), &err);
    assert_int_equal(samples->count, last - first);
    for (size_t i = first; i < last; i++) {
        assert_int_equal(samples->t[i - first], twin->t[i]);
        assert_int_equal(value_bits(samples->v[i - first]), value_bits(twin->v[i]));
    }
    r = querier->ops->last_sample(querier, series, start, end, NULL, &newest, &err);
    assert_ok(r, &err);
    assert_int_equal(r, last > first ? 1 : 0);
    if (r == 1) {
        assert_int_equal(newest.t, twin->t[last - 1]);
        assert_int_equal(value_bits(newest.v), value_bits(twin->v[last - 1]));
    }
}

/* Gives head and twins the same random samples, which rise mostly. */
static void fill_twins(struct appender *appender, struct twin *twins, struct random *random)
{
    struct arena arena = {0};
    series_ref refs[TWIN_SERIES];

    for (size_t i = 0; i < TWIN_SERIES; i++) {
        refs[i] = get_series(appender, arena_printf(&arena, "i=%zu,n=x", i).ptr);
    }
    for (size_t step = 0; step < 60000; step++) {
        size_t i = (size_t)random_below(random, TWIN_SERIES);
        struct twin *twin = &twins[i];
        ts last = twin->count > 0 ? twin->t[twin->count - 1] : 0;
        double before = twin->count > 0 ? twin->v[twin->count - 1] : 0;
        ts t = last + (ts)random_below(random, i % 4 == 0 ? 2000000 : 15010) - 5;
        double v = random_value(random, before);
        enum append_status want = twin->count == 0 || t > last          ? APPEND_OK
                                  : t < last                            ? APPEND_OUT_OF_ORDER
                                  : value_bits(v) == value_bits(before) ? APPEND_OK
                                                                        : APPEND_DUPLICATE;

        if (twin->count == TWIN_SAMPLES) {
            continue;
        }
        assert_int_equal(append(appender, refs[i], t, v), want);
        if (want == APPEND_OK && (twin->count == 0 || t > last)) {
            twin->t[twin->count] = t;
            twin->v[twin->count++] = v;
        }
        if (random_below(random, 50) == 0) {
            commit(appender);
        }
    }
    commit(appender);
    arena_done(&arena);
}

TEST(head_equals_a_naive_twin)
{
    struct twin *twins = mem_alloc_zero(TWIN_SERIES * sizeof(*twins));
    const struct select_hints hints = {0};
    struct head *head = head_new(&(struct head_options){.too_old = -1});
    struct appender *appender = head_appender(head);
    struct sample_buf samples = {0};
    struct test_matchers matchers;
    struct querier *querier = NULL;
    struct series_list list = {0};
    struct baro_error err = {0};
    struct random random = {7};
    struct arena arena = {0};

    fill_twins(appender, twins, &random);
    assert_ok(head_querier(head, INT64_MIN, INT64_MAX, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, &hints,
                                   parse_matchers(&arena, &matchers, "n=x"), NULL, &list, &err),
              &err);
    assert_int_equal(list.count, TWIN_SERIES);
    for (size_t i = 0; i < list.count; i++) {
        const struct twin *twin;
        int64_t number = -1;

        assert_true(num_parse_i64(list.items[i].labels.items[0].value, &number));
        twin = &twins[number];

        check_twin(querier, &list.items[i], twin, INT64_MIN, INT64_MAX, &samples);
        for (size_t k = 0; k < 60; k++) {
            ts start = (ts)random_below(&random, (uint64_t)twin->t[twin->count - 1] + 10);
            ts end = start + (ts)random_below(&random, k % 2 == 0 ? 100000 : 100000000);

            check_twin(querier, &list.items[i], twin, start, end, &samples);
        }
    }
    querier_close(querier);
    done_matchers(&matchers);
    sample_buf_done(&samples);
    appender->ops->free(appender);
    head_free(head);
    arena_done(&arena);
    (void)mem_free(twins);
}

TEST(head_cuts_chunks_as_prometheus_does)
{
    /* Every 15 s from a multiple of two hours: after a quarter the end is set so that four chunks
     * of 120 fill the two hours. */
    struct head *head = new_head();
    struct appender *appender = head_appender(head);
    series_ref ref = get_series(appender, "__name__=up");
    const struct head_chunk *chunk;
    const ts start = INT64_C(2000) * DUR_HOUR;
    size_t count = 0;

    for (ts t = start; t <= start + 2 * DUR_HOUR; t += 15 * DUR_SECOND) {
        assert_int_equal(append(appender, ref, t, 1), APPEND_OK);
        commit(appender);
    }
    for (chunk = head_chunk_at(head, head_series_at(head, 0)->closed); chunk != NULL;
         chunk = head_chunk_at(head, head_chunk_older(chunk))) {
        str data = STR_NULL;

        assert_int_equal(head_chunk_data(head, chunk, &data, NULL), 0);
        assert_int_equal(chunk_samples(CHUNK_XOR, data), 120);
        assert_int_equal(head_chunk_maxt(chunk) - chunk->mint, 119 * 15 * DUR_SECOND);
        count++;
    }
    assert_int_equal(count, 4);
    assert_int_equal(head_series_at(head, 0)->chunk.count, 1);
    appender->ops->free(appender);
    head_free(head);
}

TEST(head_keeps_metadata_and_exemplars)
{
    static const struct label trace[] = {{STR_INIT("trace_id"), STR_INIT("abc")}};
    const struct metadata counter = {METRIC_COUNTER, STR("s"), STR("Counts.")};
    struct exemplar exemplar = {{trace, 1}, 0.5, 1000};
    struct head *head = new_head();
    struct appender *appender = head_appender(head);
    series_ref a = get_series(appender, "__name__=a,i=1");
    series_ref b = get_series(appender, "__name__=a,i=2");
    struct tsdb_metadata *metadata = NULL;
    struct tsdb_exemplar *exemplars = NULL;
    struct test_matchers matchers;
    struct baro_error err = {0};
    struct arena arena = {0};
    size_t count = 0;

    assert_ok(appender->ops->metadata(appender, a, &counter, &err), &err);
    assert_ok(appender->ops->metadata(appender, b, &counter, &err), &err);
    assert_int_equal(appender->ops->metadata(appender, 99, &counter, &err), BARO_ENOTFOUND);
    for (ts t = 1000; t < 1300; t++) {
        exemplar.t = t;
        assert_ok(appender->ops->exemplar(appender, t % 2 == 0 ? a : b, &exemplar, &err), &err);
        commit(appender);
    }
    assert_ok(appender->ops->exemplar(appender, b, &exemplar, &err), &err);
    exemplar.t = 1200;
    assert_int_equal(appender->ops->exemplar(appender, b, &exemplar, &err), BARO_EOUTOFORDER);
    commit(appender);
    head_metadata_list(head, &arena, STR(""), &metadata, &count);
    assert_int_equal(count, 1);
    assert_str_equal(metadata[0].metric, STR("a"));
    assert_str_equal(metadata[0].metadata.help, STR("Counts."));
    assert_ok(head_exemplars_select(head, &arena, parse_matchers(&arena, &matchers, "i=2"), 0, 5000,
                                    &exemplars, &count, &err),
              &err);
    done_matchers(&matchers);
    assert_int_equal(count, 50);
    assert_int_equal(exemplars[0].exemplar.t, 1201);
    assert_int_equal(exemplars[49].exemplar.t, 1299);
    assert_str_equal(exemplars[49].exemplar.labels.items[0].value, STR("abc"));
    appender->ops->free(appender);
    head_free(head);
    arena_done(&arena);
}

TEST(head_counts_what_the_status_page_shows)
{
    struct head *head = new_head();
    struct appender *appender = head_appender(head);
    struct tsdb_stats stats = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < 30; i++) {
        const char *text = arena_printf(&arena, "__name__=m%zu,i=%zu", i % 3 == 0 ? 0 : i, i).ptr;

        (void)append(appender, get_series(appender, text), 1000 + (ts)i, 1);
    }
    commit(appender);
    head_stats(head, &arena, 5, &stats);
    assert_int_equal(stats.series, 30);
    assert_int_equal(stats.label_pairs, 21 + 30);
    assert_int_equal(stats.chunks, 30);
    assert_int_equal(stats.mint, 1000);
    assert_int_equal(stats.maxt, 1029);
    assert_int_equal(stats.series_by_metric.count, 5);
    assert_str_equal(stats.series_by_metric.items[0].name, STR("m0"));
    assert_int_equal(stats.series_by_metric.items[0].value, 10);
    assert_int_equal(stats.values_by_label.count, 2);
    assert_str_equal(stats.values_by_label.items[0].name, STR("i"));
    assert_str_equal(stats.series_by_pair.items[0].name, STR("__name__=m0"));
    assert_str_equal(stats.bytes_by_label.items[0].name, STR("__name__"));
    appender->ops->free(appender);
    head_free(head);
    arena_done(&arena);
}

/* Several scrapes and queries at once: to be run under the thread sanitizer as well. */
enum { RACE_THREADS = 4, RACE_SERIES = 300, RACE_ROUNDS = 60 };

struct race {
    struct head *head;
    unsigned number;
    _Atomic bool *stop;
};

static void *race_append(void *context)
{
    struct race *race = context;
    struct appender *appender = head_appender(race->head);
    static _Thread_local series_ref refs[RACE_SERIES];
    static _Thread_local ts t[RACE_SERIES];
    static _Thread_local double v[RACE_SERIES];
    static _Thread_local uint8_t status[RACE_SERIES];
    struct arena arena = {0};

    for (int round = 0; round < RACE_ROUNDS; round++) {
        struct append_batch batch = {refs, t, v, RACE_SERIES, status, NULL};
        struct baro_error err = {0};

        for (unsigned i = 0; i < RACE_SERIES; i++) {
            /* Half of the series are everyone's. */
            unsigned owner = i % 2 == 0 ? 0 : race->number;

            if (round == 0) {
                refs[i] = get_series(appender,
                                     arena_printf(&arena, "__name__=r,i=%u,o=%u", i, owner).ptr);
            }
            t[i] = 1000 + round * 15000;
            v[i] = round;
        }
        (void)appender->ops->samples(appender, &batch, &err);
        (void)appender->ops->commit(appender, &err);
    }
    appender->ops->free(appender);
    arena_done(&arena);
    return NULL;
}

static void *race_query(void *context)
{
    struct race *race = context;
    const struct select_hints hints = {.sorted = true};
    struct sample_buf samples = {0};

    while (!atomic_load(race->stop)) {
        struct test_matchers matchers;
        struct querier *querier = NULL;
        struct series_list list = {0};
        struct str_list names = {0};
        struct baro_error err = {0};
        struct arena arena = {0};
        struct tsdb_stats stats = {0};

        (void)head_querier(race->head, INT64_MIN, INT64_MAX, &querier, &err);
        (void)querier->ops->select(querier, &arena, &hints,
                                   parse_matchers(&arena, &matchers, "__name__=r;i!~1.*"), NULL,
                                   &list, &err);
        for (size_t i = 0; i < list.count; i++) {
            struct sample last = {0};

            sample_buf_reset(&samples);
            (void)querier->ops->samples(querier, &list.items[i], INT64_MIN, INT64_MAX, &samples,
                                        &err);
            for (size_t k = 0; k < samples.count; k++) {
                assert_true(samples.v[k] * 15000 + 1000 == (double)samples.t[k]);
            }
            (void)querier->ops->last_sample(querier, &list.items[i], 0, 500000, &arena, &last,
                                            &err);
        }
        (void)querier->ops->label_names(querier, &arena, (struct matchers){0}, NULL, &names, &err);
        (void)querier->ops->label_values(querier, &arena, STR("i"), (struct matchers){0}, NULL,
                                         &names, &err);
        head_stats(race->head, &arena, 10, &stats);
        querier_close(querier);
        done_matchers(&matchers);
        arena_done(&arena);
    }
    sample_buf_done(&samples);
    return NULL;
}

TEST(head_serves_many_threads)
{
    struct head *head = new_head();
    _Atomic bool stop = false;
    struct race races[RACE_THREADS];
    pthread_t threads[RACE_THREADS], reader;
    struct race reading = {head, 0, &stop};
    struct tsdb_stats stats = {0};
    struct arena arena = {0};

    assert_int_equal(pthread_create(&reader, NULL, race_query, &reading), 0);
    for (unsigned i = 0; i < RACE_THREADS; i++) {
        races[i] = (struct race){head, i, &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, race_append, &races[i]), 0);
    }
    for (unsigned i = 0; i < RACE_THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    atomic_store(&stop, true);
    (void)pthread_join(reader, NULL);
    head_stats(head, &arena, 0, &stats);
    assert_int_equal(stats.series, RACE_SERIES / 2 + RACE_THREADS * (RACE_SERIES / 2));
    arena_done(&arena);
    head_free(head);
}

static uint64_t told_bytes(void *context)
{
    return *(const uint64_t *)context;
}

TEST(head_refuses_new_series_when_memory_is_short)
{
    uint64_t used = 100 << 20;
    struct head_options options = {
        .memory_limit = 200 << 20, .memory_used = told_bytes, .memory_context = &used};
    struct head *head = head_new(&options);
    struct appender *appender = head_appender(head);
    struct arena arena = {0};
    struct baro_error err = {0};
    series_ref old = get_series(appender, "__name__=old"), ref = 0;

    head_limit_check(head);
    (void)get_series(appender, "__name__=second");
    used = 201 << 20;
    head_limit_check(head);
    assert_int_equal(
        appender->ops->series(appender, parse_labels(&arena, "__name__=third"), &ref, &err),
        BARO_ELIMIT);
    assert_true(str_contains(str_from(err.message), STR("limit of 200 MiB")));
    /* Those that are there are found and go on. */
    assert_int_equal(get_series(appender, "__name__=old"), old);
    assert_int_equal(append(appender, old, 1000, 1), APPEND_OK);
    commit(appender);
    /* Just below the limit it is still full; clearly below no more. */
    used = 199 << 20;
    head_limit_check(head);
    assert_int_equal(
        appender->ops->series(appender, parse_labels(&arena, "__name__=third"), &ref, &err),
        BARO_ELIMIT);
    used = 190 << 20;
    head_limit_check(head);
    (void)get_series(appender, "__name__=third");
    /* What young series will grow by counts as well: 360 bytes each, of which they have few. */
    used = (200 << 20) - 200 * 300;
    for (int i = 0; i < 1000; i++) {
        struct label items[] = {{STR("__name__"), STR("m")},
                                {STR("i"), arena_printf(&arena, "%d", i)}};
        int r = appender->ops->series(appender, (struct labels){items, 2}, &ref, &err);

        if (r < 0) {
            assert_int_equal(r, BARO_ELIMIT);
            assert_true(i >= 250 && i < 260);
            break;
        }
    }
    assert_int_equal(err.code, BARO_ELIMIT);
    appender->ops->free(appender);
    (void)head_free(head);
    arena_done(&arena);
}
