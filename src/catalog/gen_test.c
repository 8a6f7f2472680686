#include "catalog/gen.h"

#include "catalog/gen_c.h"
#include "catalog/gen_c_priv.h"
#include "catalog/gen_dashboard.h"
#include "catalog/gen_docs.h"
#include "catalog/gen_table.h"
#include "codec/json.h"
#include "conf/prom_config_file.h"
#include "testing/test.h"

static struct catalog *load(const char *text)
{
    static struct faults faults;
    struct catalog *catalog = NULL;

    faults = (struct faults){0};
    assert_ok(catalog_parse(str_from(text), "c.yaml", &catalog, &faults), &faults.items[0]);
    return catalog;
}

static const char small[] =
    "catalog: c\ntitle: A | title\ngroups:\n- name: g\n  title: Group\n  metrics:\n"
    "  - {name: x_total, id: I-1, type: counter, help: \"H | 'h' <b>\", labels: {a: {values: [p, "
    "q]}}}\n"
    "  - {name: t_seconds, type: histogram, unit: seconds, help: T, buckets: [1, 2.5]}\n"
    "  - {name: used_ratio, type: gauge, unit: ratio, help: U}\n"
    "helpers:\n- {name: f, help: F, params: {a: {label: x_total.a}}, do: [{metric: x_total, op: "
    "inc, "
    "labels: {a: $a}}]}\n";

TEST(gen_docs_writes_tables)
{
    CLEANUP(catalog_freep) struct catalog *catalog = load(small);
    struct buf out = {0};

    gen_docs(catalog, &out);
    assert_true(str_contains(buf_view(&out), STR("# A \\| title: metrics\n")));
    assert_true(str_contains(buf_view(&out), STR("| `x_total` I-1 | counter |  | `a` | H \\| 'h' "
                                                 "\\<b> |\n")));
    assert_true(str_contains(buf_view(&out), STR("| `x_total` | `a` | `p`, `q` |\n")));
    assert_true(str_contains(buf_view(&out), STR("- Buckets of `t_seconds`: 1, 2.5\n")));
    assert_true(str_contains(buf_view(&out), STR("### f(a)\n\nF\n")));
    assert_true(str_contains(buf_view(&out), STR("- inc `x_total` {a = *a*}\n")));
    buf_done(&out);
}

TEST(gen_dashboard_is_json_with_a_panel_for_each_metric)
{
    CLEANUP(catalog_freep) struct catalog *catalog = load(small);
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct buf out = {0};
    struct baro_error err = {0};
    const struct json *panels;
    int64_t schema = 0;

    gen_dashboard(catalog, &out);
    assert_ok(json_doc_parse(buf_view(&out), &root, &err), &err);
    assert_true(json_int(json_get(root, "schemaVersion"), &schema) && schema == 39);
    panels = json_get(root, "panels");
    assert_int_equal(json_count(panels), 6); /* three rows, three metrics */
    assert_str_equal(json_text(json_get(json_at(panels, 0), "title")), STR("Rate"));
    assert_str_equal(json_text(json_get(json_at(panels, 1), "title")), STR("x_total"));
    assert_str_equal(json_text(json_get(json_at(panels, 1), "description")),
                     STR("H | 'h' <b> (I-1)"));
    assert_str_equal(json_text(json_get(json_at(panels, 2), "title")), STR("Duration"));
    assert_str_equal(json_text(json_get(json_at(panels, 4), "title")), STR("Utilization"));
    buf_done(&out);
}

TEST(gen_dashboard_row_follows_type_unit_and_name)
{
    static const struct {
        const char *name;
        enum catalog_type type;
        const char *unit;
        enum gen_dashboard_row want;
    } cases[] = {
        {"http_requests_total", CATALOG_COUNTER, "", GEN_ROW_RATE},
        {"http_errors_total", CATALOG_COUNTER, "", GEN_ROW_ERRORS},
        {"cache_misses_total", CATALOG_COUNTER, "", GEN_ROW_ERRORS},
        {"took_seconds", CATALOG_HISTOGRAM, "seconds", GEN_ROW_DURATION},
        {"size_bytes", CATALOG_SUMMARY, "bytes", GEN_ROW_OTHER},
        {"queue_depth", CATALOG_GAUGE, "", GEN_ROW_SATURATION},
        {"heap_bytes", CATALOG_GAUGE, "bytes", GEN_ROW_UTILIZATION},
        {"score", CATALOG_GAUGE, "", GEN_ROW_OTHER},
        {"build_info", CATALOG_INFO, "", GEN_ROW_OTHER},
        {"mode", CATALOG_STATESET, "", GEN_ROW_OTHER},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct catalog_metric metric = {.full_name = str_from(cases[i].name),
                                        .type = cases[i].type,
                                        .unit = str_from(cases[i].unit)};

        test_row(cases[i].name);
        assert_int_equal(gen_dashboard_row(&metric), cases[i].want);
    }
    test_row(NULL);
}

TEST(gen_c_strings_and_comments_are_safe)
{
    struct buf out = {0};
    struct gen_c gen = {.out = &out};

    assert_str_equal(gen_c_string(&gen, STR("a\"b\\c\nd\x01?\?=")),
                     STR("\"a\\\"b\\\\c\\nd\\001?\\?=\""));
    gen_c_comment(&gen, STR("ends */ here\nand goes on"));
    assert_str_equal(buf_view(&out), STR("/* ends * / here and goes on */\n"));
    assert_str_equal(gen_c_number(&gen, 2), STR("2.0"));
    assert_str_equal(gen_c_number(&gen, 1e9), STR("1e+09"));
    assert_str_equal(gen_c_number(&gen, 0.25), STR("0.25"));
    buf_done(&out);
    arena_done(&gen.arena);
}

TEST(gen_c_list_breaks_lines_as_clang_format_does)
{
    static const str items[] = {
        STR_INIT("first_argument_of_some_length"),
        STR_INIT("second_argument_of_some_length"),
        STR_INIT("third_argument_of_some_length"),
        STR_INIT("fourth"),
    };
    struct buf out = {0};
    struct gen_c gen = {.out = &out};

    gen_c_list(&gen, 4, STR("call("), items, 2, ", ", ");");
    gen_c_list(&gen, 4, STR("call("), items, 4, ", ", ");");
    gen_c_list(&gen, 4, STR("if ("), items, 4, " && ", ") {");
    assert_str_equal(
        buf_view(&out),
        STR("    call(first_argument_of_some_length, second_argument_of_some_length);\n"
            "    call(first_argument_of_some_length, second_argument_of_some_length,\n"
            "         third_argument_of_some_length, fourth);\n"
            "    if (first_argument_of_some_length && second_argument_of_some_length &&\n"
            "        third_argument_of_some_length && fourth) {\n"));
    buf_done(&out);
    arena_done(&gen.arena);
}

TEST(gen_write_leaves_what_is_the_same)
{
    CLEANUP(catalog_freep) struct catalog *catalog = load(small);
    const char *directory = test_dir();
    struct buf names = {0};
    struct baro_error err = {0};
    enum gen_kind kind = GEN_C;

    assert_true(gen_kind_from(STR("dashboard"), &kind) && kind == GEN_DASHBOARD);
    assert_false(gen_kind_from(STR("html"), &kind));
    assert_ok(gen_write(GEN_C, catalog, directory, &names, &err), &err);
    assert_ok(gen_write(GEN_C, catalog, directory, &names, &err), &err);
    assert_true(str_contains(buf_view(&names), STR("/c.h\n")));
    assert_true(gen_write(GEN_DOCS, catalog, "/nonexistent", NULL, &err) < 0);
    catalog->foreign = true;
    assert_int_equal(gen_write(GEN_C, catalog, directory, NULL, &err), BARO_EINVALID);
    buf_done(&names);
}

TEST(gen_table_has_a_row_for_each_series)
{
    CLEANUP(catalog_freep)
    struct catalog *catalog =
        load("catalog: mine\ngroups:\n- name: g\n  metrics:\n"
             "  - {name: b_total, id: B, type: counter, help: \"H \\\"q\\\"\", labels: {l: "
             "{values: [x, 'y\"z']}}}\n"
             "  - {name: a_total, id: A, type: counter, help: H, labels: {l: {values: [only]}}}\n"
             "  - {name: s_seconds, id: S, type: summary, unit: seconds, help: T}\n"
             "  - {name: open_total, id: O, type: counter, help: H, labels: {l: {max: 3}}}\n"
             "  - {name: no_id, type: gauge, help: H}\n"
             "  - {name: h, id: H, type: histogram, help: H}\n");
    struct buf out = {0};

    gen_table(catalog, &out);
    assert_str_equal(
        buf_view(&out),
        STR("/* Made by barograph-gen table from the catalogue mine: change that, not this. */\n"
            "MINE(A, \"a_total\", COUNTER, \"\", \"l=\\\"only\\\"\", \"H\")\n"
            "MINE(B_X, \"b_total\", COUNTER, \"\", \"l=\\\"x\\\"\", \"H \\\"q\\\"\")\n"
            "MINE(B_Y_Z, \"b_total\", COUNTER, \"\", \"l=\\\"y\\\\\\\"z\\\"\", \"H \\\"q\\\"\")\n"
            "MINE(S_COUNT, \"s_seconds\", SUMMARY, \"_count\", \"\", \"T\")\n"
            "MINE(S_SUM, \"s_seconds\", SUMMARY, \"_sum\", \"\", \"T\")\n"));
    buf_done(&out);
}
