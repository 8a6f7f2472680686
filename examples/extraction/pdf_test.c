#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "doc.h"
#include "pdf_file.h"
#include "pdf_filter.h"
#include "testing/test.h"

enum { OBJECTS_MAX = 32 };

/* A PDF file that is being written: objects, their offsets, and a cross-reference at the end. */
struct writer {
    struct svc_bytes bytes;
    size_t offsets[OBJECTS_MAX];
    int count;
};

static struct writer begun(void)
{
    struct writer writer = {.bytes = {.max = 8 << 20}, .count = 1};

    svc_bytes_printf(&writer.bytes, "%%PDF-1.7\n");
    return writer;
}

static int object(struct writer *writer, const char *text)
{
    writer->offsets[writer->count] = writer->bytes.len;
    svc_bytes_printf(&writer->bytes, "%d 0 obj\n", writer->count);
    svc_bytes_put(&writer->bytes, text, strlen(text));
    svc_bytes_printf(&writer->bytes, "\nendobj\n");
    return writer->count++;
}

static int stream(struct writer *writer, const char *dict, const void *data, size_t len)
{
    writer->offsets[writer->count] = writer->bytes.len;
    svc_bytes_printf(&writer->bytes, "%d 0 obj\n<< /Length %zu %s >>\nstream\n", writer->count, len,
                     dict);
    svc_bytes_put(&writer->bytes, data, len);
    svc_bytes_printf(&writer->bytes, "\nendstream\nendobj\n");
    return writer->count++;
}

static int deflated(struct writer *writer, const char *dict, const void *data, size_t len)
{
    uLongf size = compressBound(len);
    uint8_t *packed = malloc(size);
    char text[256];
    int number;

    assert_non_null(packed);
    assert_int_equal(compress(packed, &size, data, len), Z_OK);
    (void)snprintf(text, sizeof(text), "/Filter /FlateDecode %s", dict);
    number = stream(writer, text, packed, size);
    free(packed);
    return number;
}

static void ended(struct writer *writer, const char *trailer)
{
    size_t at = writer->bytes.len;

    svc_bytes_printf(&writer->bytes, "xref\n0 %d\n0000000000 65535 f \n", writer->count);
    for (int i = 1; i < writer->count; i++) {
        svc_bytes_printf(&writer->bytes, "%010zu 00000 n \n", writer->offsets[i]);
    }
    svc_bytes_printf(&writer->bytes,
                     "trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%zu\n%%%%EOF\n",
                     writer->count, trailer, at);
}

static int parse(const struct writer *writer, struct doc *doc, struct svc_error *err)
{
    assert_false(writer->bytes.failed);
    return doc_parse(DOC_PDF, writer->bytes.ptr, writer->bytes.len, doc, err);
}

/* One page with that content and those resources. */
static struct writer page_of(const char *content, const char *resources)
{
    struct writer writer = begun();
    char page[1024];

    (void)object(&writer, "<< /Type /Catalog /Pages 2 0 R >>");
    (void)object(&writer, "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] >>");
    (void)snprintf(page, sizeof(page),
                   "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << %s >> >>",
                   resources);
    (void)object(&writer, page);
    (void)deflated(&writer, "", content, strlen(content));
    return writer;
}

static void text_is(struct writer *writer, const char *want)
{
    struct doc doc;
    struct svc_error err = {0};

    assert_int_equal(parse(writer, &doc, &err), 0);
    assert_string_equal((const char *)doc.text.ptr, want);
    doc_done(&doc);
    svc_bytes_done(&writer->bytes);
}

TEST(pdf_text_operators)
{
    static const struct {
        const char *content;
        const char *want;
    } cases[] = {
        {"BT /F1 12 Tf 72 700 Td (Hello) Tj 0 -14 Td (world) Tj ET", "Hello\nworld\n"},
        {"BT [(He) 20 (llo) -300 (you)] TJ ET", "Hello you\n"},
        {"BT (a) Tj 10 0 Td (b) Tj T* (c) Tj (d) ' 1 2 (e) \" ET", "a b\nc\nd\ne\n"},
        {"BT 1 0 0 1 10 700 Tm (x) Tj 1 0 0 1 90 700 Tm (y) Tj 1 0 0 1 10 650 Tm (z) Tj ET",
         "x y\nz\n"},
        {"BT (\\(escaped\\) \\101\\n\\\\) Tj ET", "(escaped) A \\\n"},
        {"BT <48656C6C6F> Tj ET", "Hello\n"},
        {"BT (\344) Tj ET", "\xc3\xa4\n"},
        {"BI /W 1 ID (not text) Tj EI BT (text) Tj ET", "text\n"},
        {"BT (open Tj ET", ""},
        {"q 1 0 0 1 0 0 cm Q [1 2 << /a", ""},
        {") ] >> } BT (still here) Tj ET", "still here\n"},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct writer writer = page_of(cases[i].content, "");

        test_row(cases[i].content);
        ended(&writer, "");
        text_is(&writer, cases[i].want);
    }
    test_row(NULL);
}

TEST(pdf_fonts_with_tounicode_maps)
{
    static const char cmap[] =
        "1 begincodespacerange <0000> <FFFF> endcodespacerange 2 beginbfchar <0001> <0048> <0002> "
        "<20AC> endbfchar 2 beginbfrange <0010> <0012> <0061> <0020> <0021> [<0078> <0079>] "
        "endbfrange";
    struct writer writer =
        page_of("BT /F1 9 Tf <000100020010001100120020002100ff> Tj ET", "/Font << /F1 5 0 R >>");

    (void)object(&writer, "<< /Type /Font /Subtype /Type0 /ToUnicode 6 0 R >>");
    (void)deflated(&writer, "", cmap, sizeof(cmap) - 1);
    ended(&writer, "");
    text_is(&writer, "H\xe2\x82\xac"
                     "abcxy\n");
}

TEST(pdf_forms_are_shown_in_place_and_do_not_loop)
{
    static const char form[] = "BT (inside) Tj ET /Again Do";
    struct writer writer =
        page_of("BT (before) Tj ET /Form Do BT (after) Tj ET", "/XObject << /Form 5 0 R >>");

    (void)stream(&writer, "/Subtype /Form /Resources << /XObject << /Again 5 0 R >> >>", form,
                 sizeof(form) - 1);
    ended(&writer, "");
    text_is(&writer, "before\ninside\ninside\ninside\ninside\ninside\ninside\nafter\n");
}

TEST(pdf_summary)
{
    struct writer writer = page_of("/Im Do", "/XObject << /Im 5 0 R >>");
    struct doc doc;
    struct svc_error err = {0};
    json_t *info;

    (void)stream(&writer, "/Subtype /Image /Filter /DCTDecode", "xx", 2);
    (void)object(&writer, "<< /Title (A drawing) /Author <FEFF00C400D6> >>");
    ended(&writer, "/Info 6 0 R");
    assert_int_equal(parse(&writer, &doc, &err), 0);
    info = json_object_get(doc.summary, "info");
    assert_string_equal(json_string_value(json_object_get(info, "Title")), "A drawing");
    assert_string_equal(json_string_value(json_object_get(info, "Author")), "\xc3\x84\xc3\x96");
    assert_int_equal(json_integer_value(json_object_get(doc.summary, "pages")), 1);
    assert_int_equal(json_integer_value(json_object_get(doc.summary, "images")), 1);
    assert_int_equal(json_integer_value(json_object_get(doc.summary, "objects")), 6);
    assert_string_equal(json_string_value(json_object_get(doc.summary, "version")), "1.7");
    assert_true(json_is_false(json_object_get(doc.summary, "rebuilt")));
    doc_done(&doc);
    svc_bytes_done(&writer.bytes);
}

TEST(pdf_broken_cross_reference_is_rebuilt)
{
    static const char *const ends[] = {"startxref\n99999999\n%%EOF", "startxref\n3\n%%EOF", "",
                                       "startxref\n-5", "trailer << /Root 1 0 R >>"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct writer writer = page_of("BT (found) Tj ET", "");

        test_row(ends[i]);
        svc_bytes_put(&writer.bytes, ends[i], strlen(ends[i]));
        text_is(&writer, "found\n");
    }
    test_row(NULL);
}

/* Cross-reference and objects in streams, with the predictor that writers use. */
TEST(pdf_cross_reference_streams_and_object_streams)
{
    static const char content[] = "BT (from a modern file) Tj ET";
    static const char first[] = "<< /Type /Catalog /Pages 2 0 R >> ";
    static const char second[] = "<< /Type /Pages /Kids [3 0 R] >> ";
    static const char third[] = "<< /Type /Page /Contents 4 0 R >>";
    char packed[256];
    int head = snprintf(packed, sizeof(packed), "1 0 2 %zu 3 %zu ", sizeof(first) - 1,
                        sizeof(first) + sizeof(second) - 2);
    int whole =
        snprintf(packed + head, sizeof(packed) - (size_t)head, "%s%s%s", first, second, third);
    char dict[64];
    struct writer writer = begun();
    uint8_t rows[7][5] = {{0}};
    size_t at;

    (void)snprintf(dict, sizeof(dict), "/Type /ObjStm /N 3 /First %d", head);
    writer.count = 4;
    (void)stream(&writer, "", content, sizeof(content) - 1);
    (void)deflated(&writer, dict, packed, (size_t)(head + whole));
    at = writer.bytes.len;
    writer.offsets[6] = at;
    for (int i = 0; i < 7; i++) {
        size_t place = i >= 4 ? writer.offsets[i] : i >= 1 ? 5 : 0;

        rows[i][0] = 2; /* PNG "up" */
        rows[i][1] = i >= 4 ? 1 : i >= 1 ? 2 : 0;
        rows[i][2] = (uint8_t)(place >> 8);
        rows[i][3] = (uint8_t)place;
        rows[i][4] = i >= 1 && i < 4 ? (uint8_t)(i - 1) : 0;
    }
    for (int i = 6; i > 0; i--) {
        for (int k = 1; k < 5; k++) {
            rows[i][k] = (uint8_t)(rows[i][k] - rows[i - 1][k]);
        }
    }
    (void)deflated(
        &writer,
        "/Type /XRef /Size 7 /W [1 2 1] /Root 1 0 R /DecodeParms << /Predictor 12 /Columns 4 >>",
        rows, sizeof(rows));
    svc_bytes_printf(&writer.bytes, "startxref\n%zu\n%%%%EOF\n", at);
    text_is(&writer, "from a modern file\n");
}

TEST(pdf_loops_end)
{
    static const struct {
        const char *name;
        const char *pages; /* object 2 */
        const char *third; /* object 3 */
        const char *want;  /* part of the refusal; NULL = it is read */
    } cases[] = {
        {"kids of themselves", "<< /Type /Pages /Kids [2 0 R] >>", "null", "refers to itself"},
        {"two that hold each other", "<< /Kids [3 0 R 3 0 R] >>", "<< /Kids [2 0 R 2 0 R] >>",
         "refers to itself"},
        {"a reference to itself", "<< /Kids [3 0 R] >>", "3 0 R", NULL},
        {"pages that are none", "[ 1 2 ]", "null", "no catalogue"},
        {"no such object", "<< /Kids [99 0 R 1000000000 0 R] >>", "null", NULL},
        {"contents of itself", "<< /Kids [3 0 R] >>", "<< /Type /Page /Contents [3 0 R 2 0 R] >>",
         NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct writer writer = begun();
        struct doc doc;
        struct svc_error err = {0};
        int r;

        test_row(cases[i].name);
        (void)object(&writer, "<< /Type /Catalog /Pages 2 0 R >>");
        (void)object(&writer, cases[i].pages);
        (void)object(&writer, cases[i].third);
        ended(&writer, "");
        r = parse(&writer, &doc, &err);
        assert_int_equal(r, cases[i].want != NULL ? -EINVAL : 0);
        assert_true(cases[i].want == NULL || strstr(err.text, cases[i].want) != NULL);
        doc_done(&doc);
        svc_bytes_done(&writer.bytes);
    }
    test_row(NULL);
}

TEST(pdf_cross_reference_loops_end)
{
    struct writer writer = page_of("BT (once) Tj ET", "");
    char prev[32];

    (void)snprintf(prev, sizeof(prev), "/Prev %zu", writer.bytes.len);
    ended(&writer, prev);
    text_is(&writer, "once\n");
}

TEST(pdf_length_that_refers_to_its_own_stream)
{
    static const char content[] = "BT (kept) Tj ET";
    struct writer writer = begun();

    (void)object(&writer, "<< /Type /Catalog /Pages 2 0 R >>");
    (void)object(&writer, "<< /Kids [3 0 R] >>");
    (void)object(&writer, "<< /Type /Page /Contents 4 0 R >>");
    writer.offsets[4] = writer.bytes.len;
    writer.count = 5;
    svc_bytes_printf(&writer.bytes, "4 0 obj << /Length 4 0 R >> stream\n%s\nendstream endobj\n",
                     content);
    ended(&writer, "");
    text_is(&writer, "kept\n");
}

TEST(pdf_bombs_are_refused)
{
    size_t len = (size_t)PDF_STREAM_BYTES_MAX + 1000;
    char *zeros = calloc(len, 1);
    struct writer writer = begun();
    struct doc doc;
    struct svc_error err = {0};

    assert_non_null(zeros);
    memset(zeros, ' ', len);
    (void)object(&writer, "<< /Type /Catalog /Pages 2 0 R >>");
    (void)object(&writer, "<< /Kids [3 0 R] >>");
    (void)object(&writer, "<< /Type /Page /Contents 4 0 R >>");
    (void)deflated(&writer, "", zeros, len);
    ended(&writer, "");
    assert_true(writer.bytes.len < 100000);
    assert_int_equal(parse(&writer, &doc, &err), -EINVAL);
    assert_non_null(strstr(err.text, "bomb"));
    doc_done(&doc);
    svc_bytes_done(&writer.bytes);
    free(zeros);
}

TEST(pdf_many_streams_share_one_bound)
{
    size_t len = (size_t)PDF_STREAM_BYTES_MAX - 10;
    char *blanks = malloc(len);
    struct writer writer = begun();
    struct doc doc;
    struct svc_error err = {0};

    assert_non_null(blanks);
    memset(blanks, ' ', len);
    (void)object(&writer, "<< /Type /Catalog /Pages 2 0 R >>");
    (void)object(&writer, "<< /Kids [3 0 R 3 0 R 3 0 R 3 0 R] >>");
    (void)object(&writer, "<< /Type /Page /Contents 4 0 R >>");
    (void)deflated(&writer, "", blanks, len);
    ended(&writer, "");
    assert_int_equal(parse(&writer, &doc, &err), -EINVAL);
    assert_non_null(strstr(err.text, "page 3"));
    doc_done(&doc);
    svc_bytes_done(&writer.bytes);
    free(blanks);
}

TEST(pdf_depth_is_bounded)
{
    struct writer writer = begun();
    struct doc doc;
    struct svc_error err = {0};

    (void)object(&writer, "<< /Type /Catalog /Pages 2 0 R >>");
    writer.offsets[2] = writer.bytes.len;
    writer.count = 3;
    svc_bytes_printf(&writer.bytes, "2 0 obj ");
    for (int i = 0; i < 200000; i++) {
        svc_bytes_put(&writer.bytes, i % 2 == 0 ? "[" : "<</a", i % 2 == 0 ? 1 : 4);
    }
    ended(&writer, "");
    assert_int_equal(parse(&writer, &doc, &err), -EINVAL);
    doc_done(&doc);
    svc_bytes_done(&writer.bytes);
}

TEST(pdf_refuses_with_reason)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"", "not a PDF"},
        {"hello", "not a PDF"},
        {"%PDF-1.4\n", "no catalogue"},
        {"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj", "no catalogue"},
        {"%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj 2 0 obj <</Kids[]>> endobj "
         "trailer <</Root 1 0 R "
         "/Encrypt 3 0 R>>",
         "encrypted"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct doc doc;
        struct svc_error err = {0};

        test_row(cases[i].text);
        assert_true(doc_parse(DOC_PDF, (const uint8_t *)cases[i].text, strlen(cases[i].text), &doc,
                              &err) < 0);
        assert_non_null(strstr(err.text, cases[i].want));
        doc_done(&doc);
    }
    test_row(NULL);
}

TEST(pdf_truncated_anywhere_never_crashes)
{
    struct writer writer = page_of("BT (Hello) Tj ET", "/Font << /F1 5 0 R >>");

    (void)object(&writer, "<< /Type /Font /Subtype /Type1 >>");
    ended(&writer, "");
    for (size_t len = 0; len < writer.bytes.len; len++) {
        struct doc doc;
        struct svc_error err = {0};
        int r = doc_parse(DOC_PDF, writer.bytes.ptr, len, &doc, &err);

        assert_true(r == 0 || err.text[0] != '\0');
        doc_done(&doc);
    }
    svc_bytes_done(&writer.bytes);
}

TEST(pdf_filters)
{
    static const struct {
        int (*filter)(const uint8_t *src, size_t len, struct svc_bytes *ret);
        const char *in;
        int want;
        const char *out;
    } cases[] = {
        {pdf_ascii_hex, "48 65 6c 6C6f7>", 0, "Hellop"},
        {pdf_ascii_hex, "4x", -EINVAL, ""},
        {pdf_ascii_85, "87cURD]i,\"Ebo80~>", 0, "Hello World!"},
        {pdf_ascii_85, "87cUR D]i,\"Eb~>", 0, "Hello Wor"},
        {pdf_ascii_85, "87cURD]i,\"v", -EINVAL, ""},
        {pdf_ascii_85, "8~>", -EINVAL, ""},
        {pdf_flate, "no zlib", -EINVAL, ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct svc_bytes out = {.max = 1024};

        test_row(cases[i].in);
        assert_int_equal(cases[i].filter((const uint8_t *)cases[i].in, strlen(cases[i].in), &out),
                         cases[i].want);
        if (cases[i].want == 0) {
            assert_int_equal(out.len, strlen(cases[i].out));
            assert_memory_equal(out.ptr, cases[i].out, out.len);
        }
        svc_bytes_done(&out);
    }
    test_row(NULL);
}

TEST(pdf_predictors)
{
    static const uint8_t in[] = {0, 1, 2, 3, 1, 1, 1, 1, 2, 1, 1, 1, 3, 1, 1, 1, 4, 1, 1, 1};
    static const uint8_t want[] = {1, 2, 3, 1, 2, 3, 2, 3, 4, 2, 3, 4, 3, 4, 5};
    struct svc_bytes bytes = {.max = 64};

    svc_bytes_put(&bytes, in, sizeof(in));
    assert_int_equal(pdf_unpredict(&bytes, 3, 1), 0);
    assert_int_equal(bytes.len, sizeof(want));
    assert_memory_equal(bytes.ptr, want, 3);
    assert_memory_equal(bytes.ptr + 3, want + 3, 3);
    assert_memory_equal(bytes.ptr + 6, want + 6, 3);
    bytes.ptr[0] = 9;
    assert_int_equal(pdf_unpredict(&bytes, 3, 1), -EINVAL);
    assert_int_equal(pdf_unpredict(&bytes, 0, 1), -EINVAL);
    svc_bytes_done(&bytes);
}
