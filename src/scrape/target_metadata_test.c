#include "scrape/target_metadata.h"

#include "testing/test.h"

TEST(target_metadata_notes_what_changed)
{
    struct target_metadata metadata;
    struct lock lock;
    const struct family *family;

    lock_init(&lock, LOCK_SCRAPE_TARGET);
    target_metadata_init(&metadata, &lock);
    family = target_metadata_help(&metadata, STR("a"), STR("help"));
    assert_int_equal(family->changed_at, 1);
    assert_ptr_equal(target_metadata_type(&metadata, STR("a"), METRIC_GAUGE), family);
    assert_ptr_equal(target_metadata_unit(&metadata, STR("a"), STR("bytes")), family);
    target_metadata_finish(&metadata);
    /* The same again is no change; another text, type or unit is one. */
    (void)target_metadata_help(&metadata, STR("a"), STR("help"));
    (void)target_metadata_type(&metadata, STR("a"), METRIC_GAUGE);
    assert_int_equal(family->changed_at, 1);
    (void)target_metadata_help(&metadata, STR("a"), STR("other"));
    assert_int_equal(family->changed_at, 2);
    target_metadata_finish(&metadata);
    (void)target_metadata_type(&metadata, STR("a"), METRIC_COUNTER);
    assert_int_equal(family->changed_at, 3);
    target_metadata_finish(&metadata);
    (void)target_metadata_unit(&metadata, STR("a"), STR("seconds"));
    assert_int_equal(family->changed_at, 4);
    assert_str_equal(family_metadata(family).help, STR("other"));
    assert_str_equal(family_metadata(family).unit, STR("seconds"));
    assert_int_equal(family_metadata(family).type, METRIC_COUNTER);
    target_metadata_done(&metadata);
    lock_done(&lock);
}

TEST(target_metadata_forgets_after_ten_scrapes)
{
    struct target_metadata metadata;
    struct lock lock;

    lock_init(&lock, LOCK_SCRAPE_TARGET);
    target_metadata_init(&metadata, &lock);
    (void)target_metadata_type(&metadata, STR("gone"), METRIC_GAUGE);
    for (int i = 0; i < 11; i++) {
        (void)target_metadata_type(&metadata, STR("kept"), METRIC_GAUGE);
        assert_int_equal(metadata.families.count, 2);
        target_metadata_finish(&metadata);
    }
    (void)target_metadata_type(&metadata, STR("kept"), METRIC_GAUGE);
    target_metadata_finish(&metadata);
    assert_int_equal(metadata.families.count, 1);
    assert_null(map_get(&metadata.by_name, STR("gone")));
    assert_non_null(map_get(&metadata.by_name, STR("kept")));
    target_metadata_done(&metadata);
    lock_done(&lock);
}

TEST(target_metadata_finds_families_in_any_order)
{
    static const char *const orders[] = {"abcd", "abcd", "dcba", "acbd", "bd", "abcde"};
    struct target_metadata metadata;
    struct lock lock;

    lock_init(&lock, LOCK_SCRAPE_TARGET);
    target_metadata_init(&metadata, &lock);
    for (size_t i = 0; i < ARRAY_COUNT(orders); i++) {
        test_row(orders[i]);
        for (const char *name = orders[i]; *name != '\0'; name++) {
            const struct family *family =
                target_metadata_help(&metadata, str_of(name, 1), str_of(name, 1));

            assert_str_equal(str_of(family->name, family->name_len), str_of(name, 1));
            assert_str_equal(str_from(family->help), str_of(name, 1));
            assert_int_equal(family->seen_at, metadata.scrape);
        }
        target_metadata_finish(&metadata);
    }
    test_row(NULL);
    assert_int_equal(metadata.families.count, 5);
    target_metadata_done(&metadata);
    lock_done(&lock);
}

TEST(target_metadata_is_bounded)
{
    struct target_metadata metadata;
    struct lock lock;
    struct buf text = {0};
    const struct family *family;

    lock_init(&lock, LOCK_SCRAPE_TARGET);
    target_metadata_init(&metadata, &lock);
    for (size_t i = 0; i < FAMILY_TEXT_BYTES_MAX + 1; i++) {
        buf_char(&text, 'x');
    }
    assert_null(target_metadata_help(&metadata, buf_view(&text), STR("")));
    family = target_metadata_help(&metadata, STR("a"), buf_view(&text));
    assert_int_equal(strlen(family->help), FAMILY_TEXT_BYTES_MAX);
    buf_done(&text);
    target_metadata_done(&metadata);
    lock_done(&lock);
}

TEST(family_has_its_series)
{
    static const struct {
        enum metric_type type;
        const char *suffix;
        bool want;
    } cases[] = {
        {METRIC_GAUGE, "", true},
        {METRIC_GAUGE, "_total", false},
        {METRIC_COUNTER, "", true},
        {METRIC_COUNTER, "_total", true},
        {METRIC_COUNTER, "_created", false},
        {METRIC_HISTOGRAM, "", true}, /* a native one */
        {METRIC_HISTOGRAM, "_bucket", true},
        {METRIC_HISTOGRAM, "_sum", true},
        {METRIC_HISTOGRAM, "_count", true},
        {METRIC_HISTOGRAM, "_gsum", false},
        {METRIC_GAUGE_HISTOGRAM, "_gsum", true},
        {METRIC_GAUGE_HISTOGRAM, "_gcount", true},
        {METRIC_GAUGE_HISTOGRAM, "_bucket", true},
        {METRIC_GAUGE_HISTOGRAM, "_count", false},
        {METRIC_SUMMARY, "", true},
        {METRIC_SUMMARY, "_sum", true},
        {METRIC_SUMMARY, "_count", true},
        {METRIC_SUMMARY, "_bucket", false},
        {METRIC_INFO, "_info", true},
        {METRIC_STATESET, "", true},
        {METRIC_STATESET, "_info", false},
        {METRIC_UNKNOWN, "", true},
        {METRIC_UNKNOWN, "_sum", false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char name[] = "family";
        const struct family family = {.name = name, .name_len = 6, .type = cases[i].type};
        char series[32];

        test_row(cases[i].suffix);
        (void)snprintf(series, sizeof(series), "family%s", cases[i].suffix);
        assert_int_equal(family_has(&family, str_from(series)), cases[i].want);
        assert_false(family_has(&family, STR("famil")));
        assert_false(family_has(&family, STR("other_sum")));
    }
    test_row(NULL);
}
