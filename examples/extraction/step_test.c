#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "testing/test.h"

static const char part[] =
    "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION(('a bracket'),'2;1');\n"
    "FILE_NAME('bracket \\X2\\00E4\\X0\\.stp','2025-01-01T00:00:00',(''),(''),'','','');\n"
    "FILE_SCHEMA(('AUTOMOTIVE_DESIGN'));\nENDSEC;\nDATA;\n"
    "#1=PRODUCT('B-1','Bracket, ''left''','',(#2));\n#2=PRODUCT_CONTEXT('',#3,'mechanical');\n"
    "#3=APPLICATION_CONTEXT('x'); /* a comment; with #9=FAKE(); in it */\n"
    "#4=CARTESIAN_POINT('',(0.,-1.5,2.E1));\n#5=CARTESIAN_POINT('',(10.,4.,0.));\n"
    "#6=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.));\n"
    "#7=(CONVERSION_BASED_UNIT('INCH',#6)LENGTH_UNIT());\nENDSEC;\nEND-ISO-10303-21;\n";

static const char building[] =
    "ISO-10303-21;HEADER;FILE_NAME('house.ifc','',(''),(''),'','','');FILE_SCHEMA(('IFC4'));ENDSEC;"
    "DATA;"
    "#1=IFCPROJECT('0YvctVUKr0kugbFTf53O9L',#2,'House project',$,$,$,$,(#3),#4);"
    "#5=IFCWALL('1YvctVUKr0kugbFTf53O9L',#2,'South wall',$,$,#6,#7,$);"
    "#8=IFCWALL('2YvctVUKr0kugbFTf53O9L',#2,'North wall',$,$,#6,#7,$);"
    "#9=IFCSIUNIT(*,.LENGTHUNIT.,.MILLI.,.METRE.);#10=IFCCARTESIANPOINT((1.,2.,3.));ENDSEC;END-ISO-"
    "10303-21;";

static int parse(const char *text, size_t len, struct doc *doc, struct svc_error *err)
{
    return doc_parse(DOC_STEP, (const uint8_t *)text, len, doc, err);
}

static json_int_t at(const struct doc *doc, const char *object, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(doc->summary, object), key));
}

TEST(step_counts_names_units_and_bounds)
{
    struct doc doc;
    struct svc_error err = {0};
    json_t *bounds;

    assert_int_equal(parse(part, sizeof(part) - 1, &doc, &err), 0);
    assert_int_equal(at(&doc, "entities", "CARTESIAN_POINT"), 2);
    assert_int_equal(at(&doc, "entities", "FAKE"), 0);
    assert_int_equal(at(&doc, "entities", "SI_UNIT"), 1);
    assert_int_equal(at(&doc, "units", "millimetre"), 1);
    assert_int_equal(at(&doc, "units", "INCH"), 1);
    assert_int_equal(json_integer_value(json_object_get(doc.summary, "entity_count")), 7);
    assert_string_equal(json_string_value(json_object_get(doc.summary, "name")),
                        "bracket \xc3\xa4.stp");
    assert_string_equal(json_string_value(json_array_get(json_object_get(doc.summary, "names"), 0)),
                        "Bracket, 'left'");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(doc.summary, "schemas"), 0)),
        "AUTOMOTIVE_DESIGN");
    assert_true(json_is_false(json_object_get(doc.summary, "dangling")));
    bounds = json_object_get(doc.summary, "bounds");
    assert_true(json_number_value(json_array_get(json_object_get(bounds, "max"), 2)) > 19.9);
    assert_non_null(strstr((const char *)doc.text.ptr, "Bracket, 'left'\n"));
    doc_done(&doc);
}

TEST(ifc_names_of_rooted_entities)
{
    struct doc doc;
    struct svc_error err = {0};

    assert_int_equal(parse(building, sizeof(building) - 1, &doc, &err), 0);
    assert_int_equal(at(&doc, "entities", "IFCWALL"), 2);
    assert_int_equal(at(&doc, "units", "millimetre"), 1);
    assert_int_equal(json_array_size(json_object_get(doc.summary, "names")), 3);
    assert_string_equal((const char *)doc.text.ptr, "House project\nSouth wall\nNorth wall\n");
    assert_true(json_is_false(json_object_get(doc.summary, "dangling")));
    doc_done(&doc);
}

TEST(step_refuses_with_place_and_reason)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"", "does not begin"},
        {"hello", "does not begin"},
        {"ISO-10303-21;HEADER;", "header without ENDSEC"},
        {"ISO-10303-21;HEADER;ENDSEC;END-ISO-10303-21;", "no DATA"},
        {"ISO-10303-21;\nDATA;\n#1=A(", "line 3: an instance that does not end"},
        {"ISO-10303-21;DATA;#1=A(;);", "does not end"},
        {"ISO-10303-21;DATA;#1 A();", "without \"=\""},
        {"ISO-10303-21;DATA;#1=7;", "without a type"},
        {"ISO-10303-21;DATA;#1=A();ENDSEC;", "no END-ISO"},
        {"ISO-10303-21;DATA;#1=A();", "no ENDSEC"},
        {"ISO-10303-21;DATA;A();ENDSEC;", "begins with #"},
        {"ISO-10303-21;DATA;#1=A('open);ENDSEC;", "does not end"},
        {"ISO-10303-21;DATA;#1=(A()B();ENDSEC;", "compound"},
        {"ISO-10303-21;DATA;#1=A()#2=B();ENDSEC;", "without \";\""},
        {"ISO-10303-21;DATA;/* open", "no ENDSEC"},
        {"ISO-10303-21;\x01", "cannot stand here"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct doc doc;
        struct svc_error err = {0};

        test_row(cases[i].text);
        assert_true(parse(cases[i].text, strlen(cases[i].text), &doc, &err) < 0);
        assert_non_null(strstr(err.text, cases[i].want));
        doc_done(&doc);
    }
    test_row(NULL);
}

TEST(step_depth_is_bounded)
{
    enum { DEPTH = 100000 };
    struct svc_bytes text = {.max = 1 << 20};
    struct svc_error err = {0};
    struct doc doc;

    svc_bytes_printf(&text, "ISO-10303-21;DATA;#1=A(");
    for (int i = 0; i < DEPTH; i++) {
        svc_bytes_put(&text, "(", 1);
    }
    assert_true(parse((const char *)text.ptr, text.len, &doc, &err) < 0);
    assert_non_null(strstr(err.text, "beyond the bound"));
    doc_done(&doc);
    svc_bytes_done(&text);
}

TEST(step_truncated_anywhere_never_passes)
{
    for (size_t len = 0; len + 3 < sizeof(part) - 1; len++) {
        struct doc doc;
        struct svc_error err = {0};

        assert_true(parse(part, len, &doc, &err) < 0);
        doc_done(&doc);
    }
}

TEST(step_dangling_references_are_told)
{
    static const char text[] = "ISO-10303-21;DATA;#1=A(#7);ENDSEC;END-ISO-10303-21;";
    struct svc_error err = {0};
    struct doc doc;

    assert_int_equal(parse(text, sizeof(text) - 1, &doc, &err), 0);
    assert_true(json_is_true(json_object_get(doc.summary, "dangling")));
    doc_done(&doc);
}
