#include "svc.h"

#include <errno.h>

#include "testing/test.h"

static bool flag;
static const char *text = "preset";
static long count = 3;
static double share = 0.5;
static const struct svc_option options[] = {
    {"flag", NULL, SVC_OPTION_FLAG, &flag, 0, 0, "a flag"},
    {"text", "TEXT", SVC_OPTION_TEXT, &text, 0, 0, "a text"},
    {"count", "N", SVC_OPTION_INT, &count, 1, 10, "a count"},
    {"share", "N", SVC_OPTION_NUMBER, &share, 0, 1, "a share"},
};
static const struct svc_fault_def faults[] = {{"break", NULL, 0, 0, 0, NULL, "breaks"}};
static const struct svc_service service = {.name = "test",
                                           .summary = "a test",
                                           .listen = "127.0.0.1:5000",
                                           .options = options,
                                           .option_count = 4,
                                           .faults = faults,
                                           .fault_count = 1};

TEST(svc_args_sets_targets)
{
    char *argv[] = {(char *)"test",       (char *)"--flag",       (char *)"--text=a=b",
                    (char *)"--count=10", (char *)"--share=.1",   (char *)"--listen=:0",
                    (char *)"--rate=5",   (char *)"--fault=break"};
    struct svc_settings settings;
    struct svc_error err = {{0}};

    assert_int_equal(svc_args(&service, 8, argv, &settings, &err), 0);
    assert_true(flag);
    assert_string_equal(text, "a=b");
    assert_int_equal(count, 10);
    assert_true(share == 0.1);
    assert_string_equal(settings.listen, ":0");
    assert_true(settings.rate == 5);
    assert_true(svc_fault_on(&settings.faults, 0, NULL, NULL));
}

TEST(svc_args_teaches)
{
    static const struct {
        const char *argument, *want;
    } cases[] = {
        {"--nope", "--help lists the options"}, {"word", "options begin with --"},
        {"--flag=1", "takes no value"},         {"--text", "give a value: --text=TEXT"},
        {"--count=2.5", "whole number"},        {"--count=11", "from 1 to 10"},
        {"--share=nan", "number from 0 to 1"},  {"--share=1x", "number from 0 to 1"},
        {"--fault", "--help lists them"},       {"--fault=brake", "give one of break"},
        {"--connections=0", "from 1 to 4096"},  {"--", "--help lists the options"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *argv[] = {(char *)"test", (char *)cases[i].argument};
        struct svc_settings settings;
        struct svc_error err = {{0}};

        test_row(cases[i].argument);
        assert_int_equal(svc_args(&service, 2, argv, &settings, &err), -EINVAL);
        assert_non_null(strstr(err.text, cases[i].want));
    }
    test_row(NULL);
}
