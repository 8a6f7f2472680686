#include "doc.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[DOC_TYPE_COUNT] = {"pdf", "dxf", "ifc", "step"};

const char *doc_type_name(enum doc_type type)
{
    return type_names[type];
}

enum doc_type doc_type_find(const char *name)
{
    enum doc_type type = DOC_PDF;

    while (type < DOC_TYPE_COUNT && strcmp(type_names[type], name) != 0) {
        type++;
    }
    return type;
}

static bool has(const uint8_t *data, size_t len, const char *text)
{
    return memmem(data, len, text, strlen(text)) != NULL;
}

enum doc_type doc_type_guess(const uint8_t *data, size_t len)
{
    enum { HEAD_BYTES = 4096 };
    size_t head = len < HEAD_BYTES ? len : HEAD_BYTES;

    if (has(data, head < 1024 ? head : 1024, "%PDF-")) {
        return DOC_PDF;
    }
    if (has(data, head, "ISO-10303-21")) {
        return has(data, head, "IFC2X") || has(data, head, "IFC4") ? DOC_IFC : DOC_STEP;
    }
    return has(data, head, "SECTION") || has(data, head, "AutoCAD Binary DXF") ? DOC_DXF
                                                                               : DOC_TYPE_COUNT;
}

int doc_parse(enum doc_type type, const uint8_t *data, size_t len, struct doc *doc,
              struct svc_error *err)
{
    *doc = (struct doc){
        .type = type, .summary = json_object(), .text = {.max = DOC_TEXT_BYTES_MAX + 4096}};
    int r = -EINVAL;

    if (doc->summary == NULL) {
        return svc_fail(err, -ENOMEM, "out of memory");
    }
    switch (type) {
    case DOC_PDF:
        r = pdf_parse(data, len, doc, err);
        break;
    case DOC_DXF:
        r = dxf_parse(data, len, doc, err);
        break;
    case DOC_IFC:
    case DOC_STEP:
        r = step_parse(data, len, doc, err);
        break;
    case DOC_TYPE_COUNT:
        return svc_fail(err, -EINVAL, "file: of no known type: give a PDF, DXF, IFC or STEP file");
    }
    if (r == 0) {
        json_object_set_new(doc->summary, "type", json_string(doc_type_name(type)));
        json_object_set_new(doc->summary, "bytes", json_integer((json_int_t)len));
        json_object_set_new(doc->summary, "text_bytes", json_integer((json_int_t)doc->text.len));
        json_object_set_new(doc->summary, "truncated", json_boolean(doc->truncated));
        svc_bytes_put(&doc->text, "", 1);
    }
    return r == 0 && doc->text.failed ? svc_fail(err, -ENOMEM, "out of memory") : r;
}

void doc_done(struct doc *doc)
{
    json_decref(doc->summary);
    svc_bytes_done(&doc->text);
    *doc = (struct doc){0};
}

/* The length of the UTF-8 character at the start, 0 when there is none; surrogates and overlong
 * forms are none. */
static size_t utf8_length(const unsigned char *at, size_t len)
{
    size_t n = at[0] < 0x80                    ? 1
               : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
               : at[0] >= 0xe0 && at[0] < 0xf0 ? 3
               : at[0] >= 0xf0 && at[0] < 0xf5 ? 4
                                               : 0;

    if (n == 0 || n > len) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90)) {
        return 0;
    }
    return n;
}

size_t doc_utf8(const char *bytes, size_t len, char *ret)
{
    const unsigned char *at = (const unsigned char *)bytes;
    size_t to = 0;

    for (size_t i = 0; i < len;) {
        size_t n = utf8_length(at + i, len - i);

        if (n == 0) {
            ret[to++] = (char)(0xc0 | at[i] >> 6);
            ret[to++] = (char)(0x80 | (at[i] & 0x3f));
            i++;
        } else if (n == 1 && (at[i] < ' ' || at[i] == 0x7f)) {
            ret[to++] = ' ';
            i++;
        } else {
            memcpy(ret + to, at + i, n);
            to += n;
            i += n;
        }
    }
    ret[to] = '\0';
    return to;
}

void doc_text_put(struct doc *doc, const char *bytes, size_t len)
{
    enum { PIECE_BYTES = 512 };
    char piece[2 * PIECE_BYTES + 1];

    if (doc->text.len + 2 * len + 1 > DOC_TEXT_BYTES_MAX) {
        doc->truncated = true;
        return;
    }
    while (len > 0) {
        size_t n = len < PIECE_BYTES ? len : PIECE_BYTES;

        /* Not in the middle of a character: back to its first byte, unless these bytes are no UTF-8
         * anyway. */
        for (size_t back = 0; n < len && back < 3 && ((unsigned char)bytes[n] & 0xc0) == 0x80;
             back++) {
            n--;
        }
        svc_bytes_put(&doc->text, piece, doc_utf8(bytes, n, piece));
        bytes += n;
        len -= n;
    }
    svc_bytes_put(&doc->text, "\n", 1);
}

void doc_count(struct doc *doc, json_t *counts, const char *key, size_t len)
{
    char name[2 * DOC_KEY_BYTES_MAX + 1];
    json_t *count;

    (void)doc_utf8(key, len < DOC_KEY_BYTES_MAX ? len : DOC_KEY_BYTES_MAX, name);
    count = json_object_get(counts, name);
    if (count != NULL) {
        json_integer_set(count, json_integer_value(count) + 1);
    } else if (json_object_size(counts) < DOC_KEYS_MAX) {
        json_object_set_new(counts, name, json_integer(1));
    } else {
        doc->truncated = true;
    }
}

void doc_name(struct doc *doc, json_t *names, const char *bytes, size_t len)
{
    char name[2 * DOC_KEY_BYTES_MAX + 1];

    if (json_array_size(names) >= DOC_NAMES_MAX) {
        doc->truncated = true;
        return;
    }
    (void)doc_utf8(bytes, len < DOC_KEY_BYTES_MAX ? len : DOC_KEY_BYTES_MAX, name);
    json_array_append_new(names, json_string(name));
}

struct doc_box doc_box_empty(void)
{
    return (struct doc_box){.low = {INFINITY, INFINITY, INFINITY},
                            .high = {-INFINITY, -INFINITY, -INFINITY}};
}

void doc_box_add(struct doc_box *box, const double point[3])
{
    if (!isfinite(point[0]) || !isfinite(point[1]) || !isfinite(point[2])) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        box->low[i] = fmin(box->low[i], point[i]);
        box->high[i] = fmax(box->high[i], point[i]);
    }
    box->points++;
}

json_t *doc_box_json(const struct doc_box *box)
{
    if (box->points == 0) {
        return json_null();
    }
    return json_pack("{s:[f,f,f], s:[f,f,f], s:I}", "min", box->low[0], box->low[1], box->low[2],
                     "max", box->high[0], box->high[1], box->high[2], "points",
                     (json_int_t)box->points);
}

bool doc_number(const char *bytes, size_t len, double *ret)
{
    char text[64];
    char *end;

    while (len > 0 && strchr(" \t\r", bytes[0]) != NULL && bytes[0] != '\0') {
        bytes++;
        len--;
    }
    if (len == 0 || len >= sizeof(text) || strchr("+-.0123456789", bytes[0]) == NULL ||
        bytes[0] == '\0') {
        return false;
    }
    memcpy(text, bytes, len);
    text[len] = '\0';
    *ret = strtod(text, &end);
    return end != text && end[strspn(end, " \t\r")] == '\0' && memchr(text, 'x', len) == NULL &&
           memchr(text, 'X', len) == NULL;
}
