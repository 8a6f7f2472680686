#include "scrape/scrape_labels.h"

#include "base/buf.h"
#include "conf/prom_config.h"
#include "testing/test.h"

/* Puts "a=1 b=2" into a builder. */
static void load(struct labels_builder *builder, const char *text)
{
    str rest = str_from(text);
    str word = STR_NULL;

    labels_builder_reset(builder);
    while (str_split_next(&rest, ' ', &word)) {
        str name = STR_NULL;

        assert_true(str_split_next(&word, '=', &name));
        labels_builder_set(builder, name, word);
    }
}

TEST(scrape_labels_join_resolves_clashes)
{
    static const struct {
        const char *name;
        const char *exposed;
        const char *target;
        bool honors;
        const char *want;
    } cases[] = {
        {"no clash", "a=1", "job=j", false, "{a=\"1\", job=\"j\"}"},
        {"a clash", "job=own", "job=j", false, "{exported_job=\"own\", job=\"j\"}"},
        {"honoured", "job=own", "job=j", true, "{job=\"own\"}"},
        {"the other name is taken too", "exported_job=x job=own", "job=j", false,
         "{exported_exported_job=\"own\", exported_job=\"x\", job=\"j\"}"},
        {"both are the target's", "exported_job=x job=own", "exported_job=t job=j", false,
         "{exported_exported_exported_job=\"x\", exported_exported_job=\"own\", "
         "exported_job=\"t\", job=\"j\"}"},
        {"an empty one is none", "job=", "job=j", false, "{job=\"j\"}"},
    };
    struct labels_builder builder = {0};
    struct labels_builder target = {0};
    struct arena arena = {0};
    struct buf text = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].name);
        load(&target, cases[i].target);
        load(&builder, cases[i].exposed);
        scrape_labels_join(&builder, &arena, labels_builder_finish(&target), cases[i].honors);
        buf_reset(&text);
        labels_format(&text, labels_builder_finish(&builder));
        assert_str_equal(buf_view(&text), str_from(cases[i].want));
    }
    test_row(NULL);
    labels_builder_done(&builder);
    labels_builder_done(&target);
    arena_done(&arena);
    buf_done(&text);
}

TEST(scrape_labels_check_keeps_the_limits)
{
    static const struct {
        const char *name;
        const char *labels;
        struct prom_scrape settings;
        int want;
        const char *message;
    } cases[] = {
        {"good", "__name__=m a=1", {.label_limit = 0}, 0, ""},
        {"no name", "a=1", {.label_limit = 0}, BARO_EINVALID, "missing metric name"},
        {"UTF-8 is fine", "__name__=m\xc3\xa4 a.b=1", {.label_limit = 0}, 0, ""},
        {"but not in the old scheme",
         "__name__=m\xc3\xa4",
         {.metric_name_validation_scheme = PROM_VALIDATION_LEGACY},
         BARO_EINVALID,
         "invalid metric name or label names: "},
        {"nor a name with a dot",
         "__name__=m a.b=1",
         {.metric_name_validation_scheme = PROM_VALIDATION_LEGACY},
         BARO_EINVALID,
         "invalid"},
        {"no text", "__name__=m a=\xff", {.label_limit = 0}, BARO_EINVALID, "invalid"},
        {"as many as allowed", "__name__=m a=1", {.label_limit = 2}, 0, ""},
        {"too many",
         "__name__=m a=1 b=2",
         {.label_limit = 2},
         BARO_ELIMIT,
         "label_limit exceeded (metric: m, number of labels: 3, limit: 2)"},
        {"a long name",
         "__name__=m abcdefghi=1",
         {.label_name_length_limit = 8},
         BARO_ELIMIT,
         "label_name_length_limit exceeded (metric: m, label name: abcdefghi, length: 9, limit: "
         "8)"},
        {"a long value",
         "__name__=m a=12345",
         {.label_value_length_limit = 4},
         BARO_ELIMIT,
         "label_value_length_limit exceeded (metric: m, label name: a, value: \"12345\", length: "
         "5, limit: 4)"},
    };
    struct labels_builder builder = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_error err = {0};
        bool limit_hit = false;

        test_row(cases[i].name);
        load(&builder, cases[i].labels);
        assert_int_equal(scrape_labels_check(labels_builder_finish(&builder), &cases[i].settings,
                                             &limit_hit, &err),
                         cases[i].want);
        assert_int_equal(limit_hit, cases[i].want == BARO_ELIMIT);
        assert_true(str_has_prefix(str_from(err.message), str_from(cases[i].message)));
    }
    test_row(NULL);
    labels_builder_done(&builder);
}
