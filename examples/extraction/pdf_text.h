/*
 * pdf_text: the text that a page shows: its content stream's operators (ISO 32000-1, 9.4), the
 * fonts' ToUnicode maps, and forms within. Lines come in the order of the stream.
 */
#pragma once

#include "doc.h"
#include "pdf_file.h"

struct pdf_text_totals {
    size_t streams_skipped; /* of filters that hide no text from us, or that are damaged */
    size_t images;
    size_t operations;
};

enum { PDF_OPERATIONS_MAX = 5000000, PDF_FORMS_DEPTH_MAX = 6 };

/* pdf_text_page adds a page's lines to the document. -E2BIG when decoded streams exceed their
 * bound, otherwise 0: what cannot be read is left out and counted. */
int pdf_text_page(struct pdf_file *file, const struct pdf_value *page,
                  const struct pdf_value *resources, struct doc *doc,
                  struct pdf_text_totals *totals);
