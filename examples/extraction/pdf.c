/* pdf: a document's pages, its information and its text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "pdf_file.h"
#include "pdf_text.h"

enum { PAGES_MAX = 10000, TREE_DEPTH_MAX = 32, NODES_MAX = 50000 };

struct pages {
    struct pdf_file *file;
    struct doc *doc;
    struct pdf_text_totals totals;
    size_t count;
    size_t nodes;
    struct svc_error *err;
};

static const char *const info_keys[] = {"Title",    "Author",  "Subject",
                                        "Keywords", "Creator", "Producer"};

/* A text string is UTF-16 with a byte order mark, or (almost) Latin-1. */
static json_t *text_json(const struct pdf_value *string)
{
    enum { TEXT_BYTES_MAX = 1024 };
    char text[3 * TEXT_BYTES_MAX + 1];
    size_t len = string->len < TEXT_BYTES_MAX ? string->len : TEXT_BYTES_MAX;
    const unsigned char *at = (const unsigned char *)string->ptr;
    size_t to = 0;

    if (len < 2 || at[0] != 0xfe || at[1] != 0xff) {
        (void)doc_utf8(string->ptr, len, text);
        return json_string(text);
    }
    for (size_t i = 2; i + 1 < len; i += 2) {
        unsigned c = (unsigned)at[i] << 8 | at[i + 1];

        if (c < 0x80) {
            text[to++] = c < ' ' ? ' ' : (char)c;
        } else if (c < 0x800) {
            text[to++] = (char)(0xc0 | c >> 6);
            text[to++] = (char)(0x80 | (c & 0x3f));
        } else if (c < 0xd800 || c >= 0xe000) {
            text[to++] = (char)(0xe0 | c >> 12);
            text[to++] = (char)(0x80 | (c >> 6 & 0x3f));
            text[to++] = (char)(0x80 | (c & 0x3f));
        }
    }
    return json_stringn(text, to);
}

static void info_take(struct pages *pages)
{
    const struct pdf_value *info = pdf_lookup(pages->file, pdf_trailer(pages->file), "Info");
    json_t *out = json_object();

    for (size_t i = 0; i < sizeof(info_keys) / sizeof(info_keys[0]); i++) {
        const struct pdf_value *value = pdf_lookup(pages->file, info, info_keys[i]);

        if (value->kind == PDF_STRING && value->len > 0) {
            json_t *text = text_json(value);

            if (text != NULL) {
                doc_text_put(pages->doc, json_string_value(text), json_string_length(text));
                json_object_set_new(out, info_keys[i], text);
            }
        }
    }
    json_object_set_new(pages->doc->summary, "info", out);
}

static void size_take(struct pages *pages, const struct pdf_value *box)
{
    double corner[4] = {0};

    if (box->kind != PDF_ARRAY || box->count < 4 ||
        json_object_get(pages->doc->summary, "page_size") != NULL) {
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        corner[i] = pdf_resolve(pages->file, &box->items[i])->number;
    }
    json_object_set_new(pages->doc->summary, "page_size",
                        json_pack("[f, f]", corner[2] - corner[0], corner[3] - corner[1]));
}

/* What a node says, or what it inherits. */
static const struct pdf_value *inherit(struct pages *pages, const struct pdf_value *node,
                                       const char *key, const struct pdf_value *inherited)
{
    const struct pdf_value *own = pdf_lookup(pages->file, node, key);

    return own->kind != PDF_NULL ? own : inherited;
}

/* A node of the page tree. The bound on nodes ends trees that refer to themselves, which depth
 * alone would not in time. */
static int node_take(struct pages *pages, const struct pdf_value *node,
                     const struct pdf_value *resources, const struct pdf_value *box, int depth)
{
    const struct pdf_value *kids = pdf_lookup(pages->file, node, "Kids");
    int r = 0;

    if (node->kind != PDF_DICT) {
        return 0;
    }
    if (depth > TREE_DEPTH_MAX || ++pages->nodes > NODES_MAX) {
        return svc_fail(pages->err, -EINVAL,
                        "pdf: the tree of pages refers to itself, or has more than %d nodes",
                        NODES_MAX);
    }
    resources = inherit(pages, node, "Resources", resources);
    box = inherit(pages, node, "MediaBox", box);
    if (kids->kind != PDF_ARRAY) {
        size_take(pages, box);
        if (++pages->count > PAGES_MAX) {
            return svc_fail(pages->err, -EINVAL, "pdf: more than %d pages", PAGES_MAX);
        }
        r = pdf_text_page(pages->file, node, resources, pages->doc, &pages->totals);
        return r == -E2BIG ? svc_fail(pages->err, -EINVAL,
                                      "pdf: page %zu: streams of more than %d MiB when decoded: "
                                      "a compressed bomb?",
                                      pages->count, PDF_DECODED_BYTES_MAX >> 20)
                           : r;
    }
    for (size_t i = 0; r == 0 && i < kids->count; i++) {
        r = node_take(pages, pdf_resolve(pages->file, &kids->items[i]), resources, box, depth + 1);
    }
    return r;
}

static void version_take(struct doc *doc, const uint8_t *data, size_t len)
{
    const char *at = memmem(data, len < 1024 ? len : 1024, "%PDF-", 5);
    char text[2 * 8 + 1];
    size_t left = at != NULL ? len - (size_t)(at - (const char *)data) - 5 : 0;
    size_t n = 0;

    while (n < left && n < 8 && strchr("0123456789.", at[5 + n]) != NULL && at[5 + n] != '\0') {
        n++;
    }
    (void)doc_utf8(n > 0 ? at + 5 : "", n, text);
    json_object_set_new(doc->summary, "version", json_string(text));
}

int pdf_parse(const uint8_t *data, size_t len, struct doc *doc, struct svc_error *err)
{
    struct pages pages = {.doc = doc, .err = err};
    const struct pdf_value null_value = {.kind = PDF_NULL};
    const struct pdf_value *root;
    int r = pdf_open(data, len, &pages.file, err);

    if (r < 0) {
        return r;
    }
    version_take(doc, data, len);
    info_take(&pages);
    root = pdf_lookup(pages.file, pdf_trailer(pages.file), "Root");
    r = node_take(&pages, pdf_lookup(pages.file, root, "Pages"), &null_value, &null_value, 0);
    json_object_set_new(doc->summary, "pages", json_integer((json_int_t)pages.count));
    json_object_set_new(doc->summary, "objects",
                        json_integer((json_int_t)pdf_object_count(pages.file)));
    json_object_set_new(doc->summary, "images", json_integer((json_int_t)pages.totals.images));
    json_object_set_new(doc->summary, "streams_skipped",
                        json_integer((json_int_t)pages.totals.streams_skipped));
    json_object_set_new(doc->summary, "rebuilt", json_boolean(pdf_was_rebuilt(pages.file)));
    (void)pdf_free(pages.file);
    return r;
}
