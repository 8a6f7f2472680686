#include "doc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "testing/test.h"

TEST(doc_types_have_names_and_are_guessed)
{
    static const struct {
        const char *head;
        enum doc_type want;
    } cases[] = {
        {"%PDF-1.7\n", DOC_PDF},
        {"junk before\n%PDF-1.4", DOC_PDF},
        {"ISO-10303-21;\nHEADER;FILE_SCHEMA(('IFC4'));", DOC_IFC},
        {"ISO-10303-21;\nHEADER;FILE_SCHEMA(('IFC2X3'));", DOC_IFC},
        {"ISO-10303-21;\nHEADER;FILE_SCHEMA(('AP214'));", DOC_STEP},
        {"  0\nSECTION\n  2\nHEADER\n", DOC_DXF},
        {"AutoCAD Binary DXF\r\n", DOC_DXF},
        {"hello", DOC_TYPE_COUNT},
        {"", DOC_TYPE_COUNT},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_row(cases[i].head);
        assert_int_equal(doc_type_guess((const uint8_t *)cases[i].head, strlen(cases[i].head)),
                         cases[i].want);
    }
    test_row(NULL);
    for (enum doc_type type = DOC_PDF; type < DOC_TYPE_COUNT; type++) {
        assert_int_equal(doc_type_find(doc_type_name(type)), type);
    }
    assert_int_equal(doc_type_find("dwg"), DOC_TYPE_COUNT);
}

TEST(doc_utf8_repairs_what_is_not_utf8)
{
    static const struct {
        const char *in;
        const char *want;
    } cases[] = {
        {"plain", "plain"},
        {"\xc3\xa4", "\xc3\xa4"},
        {"\xe4", "\xc3\xa4"},                         /* Latin-1 */
        {"\xe2\x82", "\xc3\xa2\xc2\x82"},             /* cut off */
        {"\xed\xa0\x80", "\xc3\xad\xc2\xa0\xc2\x80"}, /* a surrogate */
        {"\xc0\xaf", "\xc3\x80\xc2\xaf"},             /* overlong */
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"\xf4\x90\x80\x80", "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80"}, /* beyond the last */
        {"a\tb\x7f", "a b "},
    };
    char out[64];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = doc_utf8(cases[i].in, strlen(cases[i].in), out);

        test_row(cases[i].in);
        assert_string_equal(out, cases[i].want);
        assert_int_equal(len, strlen(cases[i].want));
    }
    test_row(NULL);
}

TEST(doc_text_keeps_characters_whole_and_stops_at_the_bound)
{
    struct doc doc = {.text = {.max = DOC_TEXT_BYTES_MAX + 4096}};
    char *line = malloc(100000);

    assert_non_null(line);
    for (size_t i = 0; i < 99999; i += 3) {
        memcpy(line + i, "\xe2\x82\xac", 3); /* the euro sign, over the borders of the pieces */
    }
    doc_text_put(&doc, line, 99999);
    assert_int_equal(doc.text.len, 100000);
    assert_memory_equal(doc.text.ptr, line, 99999);
    for (int i = 0; i < 100; i++) {
        doc_text_put(&doc, line, 99999);
    }
    assert_true(doc.truncated);
    assert_false(doc.text.failed);
    assert_true(doc.text.len <= DOC_TEXT_BYTES_MAX);
    free(line);
    doc_done(&doc);
}

TEST(doc_counts_and_names_are_bounded)
{
    struct doc doc = {0};
    json_t *counts = json_object();
    json_t *names = json_array();
    char key[300];

    for (int i = 0; i < DOC_KEYS_MAX + 5; i++) {
        int n = snprintf(key, sizeof(key), "key %d", i);

        doc_count(&doc, counts, key, (size_t)n);
        doc_name(&doc, names, key, (size_t)n);
    }
    doc_count(&doc, counts, "key 1", 5);
    assert_true(doc.truncated);
    assert_int_equal(json_object_size(counts), DOC_KEYS_MAX);
    assert_int_equal(json_integer_value(json_object_get(counts, "key 1")), 2);
    assert_int_equal(json_array_size(names), DOC_NAMES_MAX);
    memset(key, 'k', sizeof(key));
    json_object_clear(counts);
    doc_count(&doc, counts, key, sizeof(key));
    assert_int_equal(strlen(json_object_iter_key(json_object_iter(counts))), DOC_KEY_BYTES_MAX);
    json_decref(counts);
    json_decref(names);
}

TEST(doc_number_takes_decimals_alone)
{
    static const struct {
        const char *in;
        bool good;
        double want;
    } cases[] = {
        {"1", true, 1},    {" -2.5 ", true, -2.5}, {"+3e2", true, 300},  {".5", true, 0.5},
        {"1 2", false, 0}, {"0x10", false, 0},     {"nan", false, 0},    {"inf", false, 0},
        {"", false, 0},    {"  ", false, 0},       {"1.5abc", false, 0}, {"-", false, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double value = 0;

        test_row(cases[i].in);
        assert_int_equal(doc_number(cases[i].in, strlen(cases[i].in), &value), cases[i].good);
        assert_true(!cases[i].good || fabs(value - cases[i].want) < 1e-12);
    }
    test_row(NULL);
}

TEST(doc_box_ignores_what_is_not_finite)
{
    struct doc_box box = doc_box_empty();
    json_t *json = doc_box_json(&box);

    assert_true(json_is_null(json));
    json_decref(json);
    doc_box_add(&box, (double[]){1, 2, 3});
    doc_box_add(&box, (double[]){NAN, 0, 0});
    doc_box_add(&box, (double[]){-1, 5, INFINITY});
    doc_box_add(&box, (double[]){-1, 5, 0});
    assert_int_equal(box.points, 2);
    assert_true(box.low[0] < 0 && box.high[1] > 4.9);
}
