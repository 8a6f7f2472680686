/*
 * doc: what is taken out of a drawing or document: a summary (JSON) and its text (UTF-8). The
 * parsers of the four formats fill it in; every input is hostile to them: sizes, depths and counts
 * are bounded, and what exceeds a bound is an error or is cut with "truncated" set.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "svc_util.h"

enum doc_type { DOC_PDF, DOC_DXF, DOC_IFC, DOC_STEP, DOC_TYPE_COUNT };

enum {
    DOC_TEXT_BYTES_MAX = 4 << 20,
    DOC_KEYS_MAX = 4096, /* distinct entity types, layers, ... of one file */
    DOC_KEY_BYTES_MAX = 96,
    DOC_NAMES_MAX = 1000,
};

struct doc {
    enum doc_type type;
    json_t *summary;
    struct svc_bytes text;
    bool truncated; /* a bound cut the text, the names or the keys */
};

/* doc_type_name is "pdf", "dxf", "ifc", "step". doc_type_find returns DOC_TYPE_COUNT for other
 * names. */
const char *doc_type_name(enum doc_type type);
enum doc_type doc_type_find(const char *name);

/* doc_type_guess looks at a file's first bytes; DOC_TYPE_COUNT when it is none of the four. */
enum doc_type doc_type_guess(const uint8_t *data, size_t len);

/* doc_parse reads a whole file: 0, or -EINVAL with where and what in err. doc_done releases what it
 * made, also after a failure. */
int doc_parse(enum doc_type type, const uint8_t *data, size_t len, struct doc *doc,
              struct svc_error *err);
void doc_done(struct doc *doc);

/* ---- For the parsers ---- */

int dxf_parse(const uint8_t *data, size_t len, struct doc *doc, struct svc_error *err);
int step_parse(const uint8_t *data, size_t len, struct doc *doc, struct svc_error *err);
int pdf_parse(const uint8_t *data, size_t len, struct doc *doc, struct svc_error *err);

/* doc_utf8 writes bytes of unknown encoding as UTF-8 (what is not UTF-8 is taken for Latin-1),
 * controls as spaces, NUL behind. ret has room for 2 * len + 1. Returns the length. */
size_t doc_utf8(const char *bytes, size_t len, char *ret);

/* doc_text_put adds a piece of text, and a line break. */
void doc_text_put(struct doc *doc, const char *bytes, size_t len);

/* doc_count adds to a counter in an object of counters. */
void doc_count(struct doc *doc, json_t *counts, const char *key, size_t len);

/* doc_name adds a string to an array of names. */
void doc_name(struct doc *doc, json_t *names, const char *bytes, size_t len);

/* Bounds of points; empty at first: doc_box_empty(). */
struct doc_box {
    double low[3];
    double high[3];
    size_t points;
};
struct doc_box doc_box_empty(void);
void doc_box_add(struct doc_box *box, const double point[3]);
json_t *doc_box_json(const struct doc_box *box);

/* doc_number parses a decimal number that fills the bytes but for blanks around; false when it is
 * none. */
bool doc_number(const char *bytes, size_t len, double *ret);
