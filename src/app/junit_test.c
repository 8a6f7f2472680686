#include "app/junit.h"
#include "testing/test.h"

TEST(junit_writes_suites_and_what_failed)
{
    struct junit junit = {0};
    struct buf out = {0};

    junit_suite(&junit, STR("a \"b\".yml"), 1767225600);
    junit_case(&junit, STR("good"), STR(""));
    junit_case(&junit, STR("bad"), STR("exp: {a<b}\n\tgot: \x01 & \xFF"));
    junit_suite(&junit, STR("c.yml"), 1767225601);
    junit_abort(&junit, STR("no such file"));
    junit_write(&junit, &out);
    assert_str_equal(
        buf_view(&out),
        STR("<testsuites><testsuite name=\"a &#34;b&#34;.yml\" tests=\"2\" failures=\"1\" "
            "errors=\"0\" skipped=\"0\" timestamp=\"2026-01-01T00:00:00Z\">"
            "<testcase name=\"good\"></testcase>"
            "<testcase name=\"bad\"><failure>exp: {a&lt;b}&#xA;&#x9;got: \xEF\xBF\xBD &amp; "
            "\xEF\xBF\xBD</failure></testcase></testsuite>"
            "<testsuite name=\"c.yml\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" "
            "timestamp=\"2026-01-01T00:00:01Z\"><testcase name=\"unknown\">"
            "<error>no such file</error></testcase></testsuite></testsuites>\n"));
    junit_done(&junit);
    buf_done(&out);
}

TEST(junit_without_suites_is_a_document)
{
    struct junit junit = {0};
    struct buf out = {0};

    junit_write(&junit, &out);
    assert_str_equal(buf_view(&out), STR("<testsuites></testsuites>\n"));
    junit_done(&junit);
    buf_done(&out);
}
