/*
 * pdf_file: a PDF file's objects: the cross-reference (tables, streams, or a scan of the whole file
 * where those are broken), objects by number, in object streams, too, and the decoding of streams.
 * Loops are noticed; all decoded streams together have a bound, which is what a compressed bomb
 * runs into.
 */
#pragma once

#include "svc_util.h"
#include "pdf_object.h"

enum {
    PDF_OBJECTS_MAX = 1 << 20,
    PDF_SECTIONS_MAX = 512,           /* of the cross-reference: one an update of the file */
    PDF_STREAM_BYTES_MAX = 32 << 20,  /* one decoded stream */
    PDF_DECODED_BYTES_MAX = 64 << 20, /* all decoded streams */
};

struct pdf_file;

/* pdf_open finds the objects of a file; the bytes must outlive it. 0, or -EINVAL. */
int pdf_open(const uint8_t *data, size_t len, struct pdf_file **ret, struct svc_error *err);
struct pdf_file *pdf_free(struct pdf_file *file);

struct pdf_arena *pdf_arena(struct pdf_file *file);
const struct pdf_value *pdf_trailer(const struct pdf_file *file);
size_t pdf_object_count(const struct pdf_file *file);
bool pdf_was_rebuilt(const struct pdf_file *file);

/* pdf_resolve follows references; never NULL: what is not there, or refers to itself, is a
 * PDF_NULL. */
const struct pdf_value *pdf_resolve(struct pdf_file *file, const struct pdf_value *value);

/* pdf_lookup is pdf_get and pdf_resolve. */
const struct pdf_value *pdf_lookup(struct pdf_file *file, const struct pdf_value *dict,
                                   const char *key);

/* pdf_decode undoes the filters of a stream into ret: 0; -ENOTSUP for a filter that has no text in
 * it (images) or is not known; -EINVAL for damage; -E2BIG beyond the bounds. What was decoded
 * before damage is kept. */
int pdf_decode(struct pdf_file *file, const struct pdf_value *stream, struct svc_bytes *ret);
