#include "app/flags.h"
#include "testing/test.h"

static const struct flag rows[] = {
    {"web.enable-lifecycle", FLAG_BOOL, "false", FLAG_RUN, "a switch"},
    {"query.timeout", FLAG_DURATION, "2m", FLAG_RUN, "a duration"},
    {"query.max-samples", FLAG_INT, "5e7", FLAG_RUN, "a number"},
    {"storage.size", FLAG_BYTES, "", FLAG_RUN, "a size"},
    {"web.listen-address", FLAG_LIST, "127.0.0.1:9090", FLAG_RUN, "a list"},
    {"web.enable-admin-api", FLAG_BOOL, "false", FLAG_REFUSED, "use curl"},
    {"auto-gomaxprocs", FLAG_BOOL, "true", FLAG_RUN, "on unless told otherwise"},
    {"storage.kind", FLAG_TEXT, "blocks", FLAG_REFUSED, "leave it out"},
    {"storage.merges", FLAG_BOOL, "true", FLAG_REFUSED, "leave it out"},
};

static int parse(struct flags *flags, struct baro_error *err, int argc, const char *const *words)
{
    char copies[8][64];
    char *argv[8];

    for (int i = 0; i < argc; i++) {
        (void)snprintf(copies[i], sizeof(copies[i]), "%s", words[i]);
        argv[i] = copies[i];
    }
    return flags_parse(flags, rows, ARRAY_COUNT(rows), argc, argv, err);
}

TEST(flags_take_every_spelling)
{
    static char words[][32] = {"--web.enable-lifecycle",
                               "--query.timeout=5s",
                               "--query.max-samples",
                               "1000",
                               "--web.listen-address=:1",
                               "--web.listen-address",
                               ":2",
                               "--no-auto-gomaxprocs",
                               "--storage.size=2KB",
                               "file",
                               "--",
                               "--not-a-flag"};
    char *argv[ARRAY_COUNT(words)];
    struct baro_error err = {0};
    struct flags flags;

    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        argv[i] = words[i];
    }
    assert_ok(flags_parse(&flags, rows, ARRAY_COUNT(rows), ARRAY_COUNT(words), argv, &err), &err);
    assert_true(flags_bool(&flags, 0));
    assert_int_equal(flags_duration(&flags, 1), 5000);
    assert_int_equal(flags_int(&flags, 2), 1000);
    assert_int_equal(flags_bytes(&flags, 3), 2048);
    assert_int_equal(flags.list_count, 2);
    assert_str_equal(flags.list[1], STR(":2"));
    assert_false(flags_bool(&flags, 6));
    assert_int_equal(flags.arg_count, 2);
    assert_str_equal(flags.args[1], STR("--not-a-flag"));
}

TEST(flags_keep_defaults_when_not_given)
{
    struct flags flags;

    assert_int_equal(flags_parse(&flags, rows, ARRAY_COUNT(rows), 0, NULL, NULL), 0);
    assert_int_equal(flags_duration(&flags, 1), 120000);
    assert_int_equal(flags_int(&flags, 2), 50000000);
    assert_int_equal(flags_bytes(&flags, 3), -1);
    assert_false(flags.given[1]);
}

/* Who passes what is the default anyway is not refused. */
TEST(flags_take_the_default_of_what_they_refuse)
{
    static const char *const words[] = {"--storage.kind=blocks", "--storage.merges",
                                        "--storage.merges=1", "--web.enable-admin-api=false",
                                        "--no-web.enable-admin-api"};
    struct baro_error err = {0};
    struct flags flags;

    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        test_row(words[i]);
        assert_ok(parse(&flags, &err, 1, &words[i]), &err);
    }
}

TEST(flags_refuse_with_advice)
{
    static const struct {
        const char *word;
        int want;
        const char *text;
    } cases[] = {
        {"--query.timeot=1s", BARO_EUSAGE, "did you mean --query.timeout?"},
        {"--nothing-like-it", BARO_EUSAGE, "see --help"},
        {"--query.timeout=1x", BARO_EUSAGE, "--query.timeout: unknown unit \"x\" in duration"},
        {"--query.timeout=x", BARO_EUSAGE, "--query.timeout: not a valid duration"},
        {"--query.timeout", BARO_EUSAGE, "a value must follow"},
        {"--query.max-samples=-1", BARO_EUSAGE, "is not a whole number"},
        {"--storage.size=12", BARO_EUSAGE, "is not a size"},
        {"--storage.size=99999999999EB", BARO_EUSAGE, "is not a size"},
        {"--web.enable-lifecycle=maybe", BARO_EUSAGE, "is not true or false"},
        {"--web.enable-admin-api", BARO_EUNSUPPORTED, "is not supported: use curl"},
        {"--storage.kind=rows", BARO_EUNSUPPORTED, "leave it out"},
        {"--no-storage.merges", BARO_EUNSUPPORTED, "leave it out"},
        {"--storage.merges=0", BARO_EUNSUPPORTED, "leave it out"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_error err = {0};
        struct flags flags;

        test_row(cases[i].word);
        assert_int_equal(parse(&flags, &err, 1, &cases[i].word), cases[i].want);
        assert_non_null(strstr(err.message, cases[i].text));
    }
}

TEST(flags_read_times)
{
    static const struct {
        const char *text;
        bool want;
        ts t;
    } cases[] = {
        {"2023-11-14T22:13:20.5Z", true, INT64_C(1700000000500)},
        {"1700000000", true, INT64_C(1700000000000)},
        {"1.7e9", true, INT64_C(1700000000000)},
        {"1700000000.551", true, INT64_C(1700000000551)},
        {"-1.5", true, -1500},
        {"1e12", false, 7},
        {"NaN", false, 7},
        {"+Inf", false, 7},
        {"yesterday", false, 7},
        {"", false, 7},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        ts t = 7;

        test_row(cases[i].text);
        assert_int_equal(flags_time_parse(str_from(cases[i].text), &t), cases[i].want);
        assert_int_equal(t, cases[i].t);
    }
    test_row(NULL);
}
