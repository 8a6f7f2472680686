/*
 * pdf_object: the values that PDF files are made of (ISO 32000-1, 7.3), read from bytes that live
 * as long as they do. Strings and names are decoded into the arena when they have escapes. Depth
 * and memory are bounded; what cannot be read is PDF_BAD.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pdf_kind {
    PDF_NULL,
    PDF_BOOL,
    PDF_NUMBER,
    PDF_NAME,
    PDF_STRING,
    PDF_ARRAY,
    PDF_DICT,
    PDF_REF,
    PDF_WORD, /* obj, stream, BT, Tj, ...: an operator or keyword */
    PDF_END,  /* of the bytes */
    PDF_BAD,
};

enum {
    PDF_DEPTH_MAX = 48,
    PDF_ARENA_BYTES_MAX = 128 << 20,
};

struct pdf_value {
    enum pdf_kind kind;
    double number;   /* of a number; the truth of a bool; the object number of a reference */
    const char *ptr; /* of a name (without /), string or word; of a dictionary: its stream's raw
                        bytes, or NULL */
    size_t len;
    const struct pdf_value *items; /* of an array; of a dictionary: key, value, key, value, ... */
    size_t count;                  /* of items */
};

/* Memory that is released as a whole. */
struct pdf_arena {
    struct pdf_block *blocks;
    size_t left; /* in the newest block */
    size_t total;
};

void *pdf_alloc(struct pdf_arena *arena,
                size_t size); /* NULL beyond PDF_ARENA_BYTES_MAX or when memory is out */
void pdf_arena_done(struct pdf_arena *arena);

struct pdf_lexer {
    const char *start;
    const char *at;
    const char *end;
};

/* pdf_read takes the next value or word. "1 0 R" is one reference. */
struct pdf_value pdf_read(struct pdf_arena *arena, struct pdf_lexer *lexer);

/* pdf_skip goes over blanks and comments. */
void pdf_skip(struct pdf_lexer *lexer);

/* pdf_get looks a key up in a dictionary, NULL when there is none; it does not follow references.
 */
const struct pdf_value *pdf_get(const struct pdf_value *dict, const char *key);

bool pdf_is_word(const struct pdf_value *value, const char *word);
bool pdf_is_name(const struct pdf_value *value, const char *name);

/* pdf_whole returns a number that is a whole one of 0..max, or -1. */
int64_t pdf_whole(const struct pdf_value *value, int64_t max);
