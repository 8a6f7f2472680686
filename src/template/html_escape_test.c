#include "base/mem.h"
#include "template/html_context.h"
#include "template/html_filter.h"
#include "template/template_case.h"
#include "template/template_json.h"
#include "template/template_notice.h"
#include "template/template_time.h"
#include "testing/test.h"

/* Places where no action can be made harmless, and what is said of them. */
static const struct {
    const char *text;
    const char *fault;
} refused[] = {
    {"<a href='x", "ends in a non-text context"},
    {"{{if .A}}<a {{end}}", "{{if}} branches end in different contexts"},
    {"{{range .L}}<p {{end}}", "\"<\" in attribute name"},
    {"<p{{range .L}} x={{.}}{{end}}>", "{{range}} branches end in different contexts"},
    {"<a href=x{{if .A}}\"{{end}}>", "in unquoted attr"},
    {"<a b'c=d>{{.A}}", "in attribute name"},
    {"<a =x>", "expected space, attr name, or end of tag"},
    {"<script>'\\{{.A}}'</script>", "unfinished escape sequence in JS string"},
    {"<script>/[{{.A}}]/</script>", "unfinished JS regexp charset"},
    {"<script>{{if .A}}var x = 1{{end}}/-{{.A}}</script>", "'/' could start a division or regexp"},
    {"<a href=\"{{if .A}}/x{{else}}?y={{end}}{{.A}}\">", "ambiguous context within a URL"},
    {"<p>{{.A | html | print}}", "predefined escaper \"html\" disallowed"},
    {"{{template \"none\"}}", "no such template \"none\""},
    {"{{define \"t\"}}{{if .A}}{{template \"t\" .}}<a {{end}}{{end}}{{template \"t\" .}}",
     "branches end in different contexts"},
};

static int escape(struct template_set *set, const char *text, struct buf *out,
                  struct baro_error *err)
{
    CLEANUP(template_set_freep) struct template_set *escaped = NULL;
    struct arena arena = {0};
    str keys[2] = {STR("A"), STR("L")};
    struct tvalue list[2] = {tvalue_string(STR("<1>")), tvalue_string(STR("2"))};
    struct tvalue values[2] = {tvalue_string(STR("<a'\"&>")), tvalue_list_of(&arena, list, 2)};
    struct tvalue data = tvalue_map_of(&arena, keys, values, 2, tvalue_none());
    struct template_run run = {.arena = &arena};
    int result = template_set_parse(set, STR("n"), str_from(text), err);

    result = result == 0 ? template_set_escape(set, STR("n"), &escaped, err) : result;
    result = result == 0 ? template_set_execute(escaped, STR("n"), data, &run, out, err) : result;
    arena_done(&arena);
    return result;
}

TEST(html_escape_refuses_what_nothing_makes_harmless)
{
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        CLEANUP(template_set_freep) struct template_set *set = template_set_new(NULL, 0);
        struct baro_error err = {0};
        struct buf out = {0};

        test_row(refused[i].text);
        assert_int_equal(escape(set, refused[i].text, &out, &err), BARO_EPARSE);
        if (!str_contains(str_from(err.message), str_from(refused[i].fault))) {
            fail_msg("got: %s", err.message);
        }
        buf_done(&out);
    }
    test_row(NULL);
}

/* Go's answers, for what the notifications' tests do not reach. */
TEST(html_escape_in_loops_and_recursion)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"{{range .L}}<b title='{{.}}'>{{.}}{{end}}",
         "<b title='&lt;1&gt;'>&lt;1&gt;<b title='2'>2"},
        {"<p{{range .L}} x='{{.}}'{{end}}>", "<p x='&lt;1&gt;' x='2'>"},
        {"{{range .L}}{{if eq . \"2\"}}{{break}}{{end}}<i>{{.}}{{end}}", "<i>&lt;1&gt;"},
        {"{{with .A}}{{.}}{{else}}<p>{{end}}", "&lt;a&#39;&#34;&amp;&gt;"},
        {"{{define \"v\"}}{{.}}{{end}}<a href='{{template \"v\" .A}}' x={{template \"v\" .A}}>",
         "<a href='%3ca%27%22&amp;%3e' x=&lt;a&#39;&#34;&amp;&gt;>"},
        {"<!-- {{.A}} -->x<!DOCTYPE a> < {{.A}}", "x<!DOCTYPE a> &lt; &lt;a&#39;&#34;&amp;&gt;"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(template_set_freep) struct template_set *set = template_set_new(NULL, 0);
        struct baro_error err = {0};
        struct buf out = {0};

        test_row(cases[i].text);
        assert_ok(escape(set, cases[i].text, &out, &err), &err);
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
    }
    test_row(NULL);
}

/* Nested loops are read twice each: the work is bounded, not doubled for ever. */
TEST(html_escape_bounds_its_work)
{
    CLEANUP(template_set_freep) struct template_set *set = template_set_new(NULL, 0);
    struct baro_error err = {0};
    struct buf text = {0};
    struct buf out = {0};
    char *c_text;

    for (int i = 0; i < 60; i++) {
        buf_c(&text, "{{range .L}}");
    }
    for (int i = 0; i < 60; i++) {
        buf_c(&text, "{{end}}");
    }
    c_text = buf_take_c(&text);
    assert_true(escape(set, c_text, &out, &err) < 0);
    assert_true(str_contains(str_from(err.message), STR("too many nodes")));
    (void)mem_free(c_text);
    buf_done(&out);
}

TEST(template_set_over_hides_and_shares)
{
    CLEANUP(template_set_freep) struct template_set *base = template_set_new(NULL, 0);
    CLEANUP(template_set_freep) struct template_set *over = NULL;
    struct arena arena = {0};
    struct template_run run = {.arena = &arena};
    struct baro_error err = {0};
    struct buf out = {0};

    assert_ok(template_set_parse(
                  base, STR("b"),
                  STR("{{define \"x\"}}old{{end}}{{define \"y\"}}[{{template \"x\"}}]{{end}}"),
                  &err),
              &err);
    over = template_set_over(base);
    assert_ok(template_set_parse(over, STR("m"),
                                 STR("{{define \"x\"}}new{{end}}{{template \"y\"}}"), &err),
              &err);
    assert_ok(template_set_execute(over, STR("m"), tvalue_none(), &run, &out, &err), &err);
    assert_str_equal(buf_view(&out), STR("[new]"));
    buf_reset(&out);
    assert_ok(template_set_execute(base, STR("y"), tvalue_none(), &run, &out, &err), &err);
    assert_str_equal(buf_view(&out), STR("[old]"));
    buf_done(&out);
    arena_done(&arena);
}

TEST(template_json_depth_is_bounded)
{
    struct arena arena = {0};
    struct tvalue value = tvalue_int(1);
    struct buf out = {0};

    for (int i = 0; i < TEMPLATE_JSON_DEPTH_MAX + 2; i++) {
        struct tvalue *item = ARENA_NEW(&arena, struct tvalue);

        *item = value;
        value = tvalue_list_of(&arena, item, 1);
    }
    template_json(&out, &value);
    assert_true(out.failed);
    buf_done(&out);
    arena_done(&arena);
}

TEST(template_time_parse_reads_layouts)
{
    static const struct {
        const char *layout;
        const char *text;
        const char *want; /* NULL = a fault */
    } cases[] = {
        {"2006-01-02T15:04:05Z07:00", "2026-03-04T05:06:07.25+02:00",
         "2026-03-04T05:06:07.25+02:00"},
        {"2006-01-02T15:04:05Z07:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {"Jan _2 2006 3:04PM", "Feb  3 2024 1:02PM", "2024-02-03T13:02:00Z"},
        {"Monday, 02-Jan-06 15:04:05 MST", "Friday, 01-Mar-24 10:11:12 UTC",
         "2024-03-01T10:11:12Z"},
        {"2006-002", "2024-060", "2024-02-29T00:00:00Z"},
        {"2006-01-02", "2023-02-29", NULL},
        {"2006-01-02", "2023-13-01", NULL},
        {"2006-01-02", "2023-01-01x", NULL},
        {"15:04", "24:00", NULL},
        {"2006-01-02T15:04:05.000", "2024-01-01T00:00:00.12", NULL},
        {"-0700", "+2500", NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct template_time time = {0};
        struct baro_error err = {0};
        struct buf out = {0};
        int result =
            template_time_parse(str_from(cases[i].layout), str_from(cases[i].text), &time, &err);

        test_row(cases[i].text);
        assert_int_equal(result < 0, cases[i].want == NULL);
        if (result == 0) {
            template_time_format(&out, time, STR("2006-01-02T15:04:05.999999999Z07:00"));
            assert_str_equal(buf_view(&out), str_from(cases[i].want));
        }
        buf_done(&out);
    }
    test_row(NULL);
}
