#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "testing/test.h"

static const char drawing[] =
    "  0\nSECTION\n  2\nHEADER\n  9\n$ACADVER\n  1\nAC1032\n  9\n$INSUNITS\n 70\n     4\n  "
    "0\nENDSEC\n"
    "  0\nSECTION\n  2\nTABLES\n  0\nTABLE\n  2\nLAYER\n  0\nLAYER\n  2\nWalls\n  0\nLAYER\n  2\n"
    "Doors\n  0\nENDTAB\n  0\nENDSEC\n"
    "  0\nSECTION\n  2\nBLOCKS\n  0\nBLOCK\n  2\nChair\n  0\nENDBLK\n  0\nENDSEC\n"
    "  0\nSECTION\n  2\nENTITIES\n  0\nLINE\n  8\nWalls\n 10\n0.0\n 20\n0.0\n 30\n0.0\n 11\n100.0\n"
    " 21\n50.0\n 31\n2.5\n  0\nLWPOLYLINE\n  8\nWalls\n 10\n-5\n 20\n1\n 10\n7\n 20\n80\n"
    "  0\nTEXT\n  8\nDoors\n 10\n1\n 20\n1\n  1\nMain entrance\n  0\nMTEXT\n  8\nDoors\n  3\nfirst "
    "part\n"
    "  1\nlast part\n  0\nENDSEC\n  0\nEOF\n";

static int parse(const char *text, size_t len, struct doc *doc, struct svc_error *err)
{
    return doc_parse(DOC_DXF, (const uint8_t *)text, len, doc, err);
}

static json_int_t at(const struct doc *doc, const char *object, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(doc->summary, object), key));
}

TEST(dxf_entities_layers_text_and_bounds)
{
    struct doc doc;
    struct svc_error err = {0};
    json_t *bounds;

    assert_int_equal(parse(drawing, sizeof(drawing) - 1, &doc, &err), 0);
    assert_int_equal(at(&doc, "entities", "LINE"), 1);
    assert_int_equal(at(&doc, "entities", "LWPOLYLINE"), 1);
    assert_int_equal(at(&doc, "layers", "Walls"), 2);
    assert_int_equal(at(&doc, "layers", "Doors"), 2);
    assert_int_equal(json_integer_value(json_object_get(doc.summary, "entity_count")), 4);
    assert_int_equal(json_array_size(json_object_get(doc.summary, "layer_names")), 2);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(doc.summary, "blocks"), 0)), "Chair");
    assert_string_equal(json_string_value(json_object_get(doc.summary, "units")), "millimetres");
    assert_string_equal(json_string_value(json_object_get(doc.summary, "version")), "AC1032");
    assert_string_equal((const char *)doc.text.ptr, "Main entrance\nfirst part\nlast part\n");
    bounds = json_object_get(doc.summary, "bounds");
    assert_true(json_number_value(json_array_get(json_object_get(bounds, "min"), 0)) < -4.9);
    assert_true(json_number_value(json_array_get(json_object_get(bounds, "max"), 1)) > 79.9);
    assert_int_equal(json_integer_value(json_object_get(bounds, "points")), 5);
    doc_done(&doc);
}

TEST(dxf_windows_line_ends_and_latin_text)
{
    static const char text[] =
        "0\r\nSECTION\r\n2\r\nENTITIES\r\n0\r\nTEXT\r\n1\r\nT\xfcr\r\n0\r\nENDSEC\r\n0\r\nEOF";
    struct doc doc;
    struct svc_error err = {0};

    assert_int_equal(parse(text, sizeof(text) - 1, &doc, &err), 0);
    assert_string_equal((const char *)doc.text.ptr, "T\xc3\xbcr\n");
    doc_done(&doc);
}

TEST(dxf_refuses_with_place_and_reason)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"", "no SECTION"},
        {"0\nEOF\n", "no SECTION"},
        {"hello\nworld\n", "line 1: not a group code"},
        {"0\nSECTION\n2\nENTITIES\n99999\nx\n", "line 5: not a group code"},
        {"0\nSECTION\n2\nENTITIES\n1.5\nx\n", "line 5: not a group code"},
        {"0\nSECTION\n2\nENTITIES\n0\nLINE\n10\nwide\n", "line 8: a coordinate"},
        {"0\nSECTION\n2\nENTITIES\n0\n", "ends behind a group code"},
        {"0\nSECTION\n2\nENTITIES\n0\nLINE\n", "cut off"},
        {"AutoCAD Binary DXF\r\n\x1a", "binary"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct doc doc;
        struct svc_error err = {0};

        test_row(cases[i].want);
        assert_true(parse(cases[i].text, strlen(cases[i].text), &doc, &err) < 0);
        assert_non_null(strstr(err.text, cases[i].want));
        doc_done(&doc);
    }
    test_row(NULL);
}

TEST(dxf_truncated_anywhere_never_passes)
{
    for (size_t len = 0; len + 4 < sizeof(drawing) - 1; len++) {
        struct doc doc;
        struct svc_error err = {0};

        assert_true(parse(drawing, len, &doc, &err) < 0);
        assert_true(err.text[0] != '\0');
        doc_done(&doc);
    }
}

TEST(dxf_long_lines_are_refused)
{
    size_t len = 1 << 20;
    char *text = malloc(len);
    struct doc doc;
    struct svc_error err = {0};

    assert_non_null(text);
    memset(text, '1', len);
    assert_true(parse(text, len, &doc, &err) < 0);
    assert_non_null(strstr(err.text, "line 1: longer than"));
    doc_done(&doc);
    free(text);
}
