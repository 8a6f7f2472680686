#include "pdf_text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPERANDS_MAX = 64,
    LINE_BYTES_MAX = 8192,
    FONTS_MAX = 64,
    CMAP_MAX = 65536,
    CODE_BYTES_MAX = 2,
    RANGE_MAX = 65536,
};

/* From codes of one or two bytes to characters (of the basic plane); sorted by code. */
struct mapping {
    uint16_t code;
    uint16_t character;
};

struct font {
    const struct pdf_value *name; /* in the resources */
    struct mapping *mappings;
    size_t count;
    size_t room;
    size_t code_bytes;
};

struct show {
    struct pdf_file *file;
    struct doc *doc;
    struct pdf_text_totals *totals;
    struct font fonts[FONTS_MAX];
    size_t font_count;
    const struct font *font;
    char line[LINE_BYTES_MAX];
    size_t len;
    double y; /* of the text matrix: a new one is a new line */
};

static void line_flush(struct show *show)
{
    while (show->len > 0 && show->line[show->len - 1] == ' ') {
        show->len--;
    }
    if (show->len > 0) {
        doc_text_put(show->doc, show->line, show->len);
    }
    show->len = 0;
}

static void space_put(struct show *show)
{
    if (show->len > 0 && show->line[show->len - 1] != ' ' && show->len < LINE_BYTES_MAX - 4) {
        show->line[show->len++] = ' ';
    }
}

static void character_put(struct show *show, uint32_t c)
{
    if (show->len + 4 > LINE_BYTES_MAX) {
        line_flush(show);
    }
    if (c < ' ' || (c >= 0xd800 && c < 0xe000)) {
        space_put(show);
    } else if (c < 0x80) {
        show->line[show->len++] = (char)c;
    } else if (c < 0x800) {
        show->line[show->len++] = (char)(0xc0 | c >> 6);
        show->line[show->len++] = (char)(0x80 | (c & 0x3f));
    } else {
        show->line[show->len++] = (char)(0xe0 | (c >> 12 & 0xf));
        show->line[show->len++] = (char)(0x80 | (c >> 6 & 0x3f));
        show->line[show->len++] = (char)(0x80 | (c & 0x3f));
    }
}

static int compare_mappings(const void *left, const void *right)
{
    const struct mapping *a = left;
    const struct mapping *b = right;

    return a->code < b->code ? -1 : a->code > b->code;
}

static bool mapping_add(struct font *font, uint32_t code, uint32_t character)
{
    if (code > 0xffff || font->count >= CMAP_MAX) {
        return false;
    }
    if (font->count == font->room) {
        size_t room = font->room == 0 ? 256 : font->room * 2;
        struct mapping *grown = realloc(font->mappings, room * sizeof(*grown));

        if (grown == NULL) {
            return false;
        }
        font->mappings = grown;
        font->room = room;
    }
    font->mappings[font->count++] =
        (struct mapping){.code = (uint16_t)code, .character = (uint16_t)character};
    return true;
}

/* A code or a character in a CMap: a string of one or two bytes (the first two of longer ones). */
static uint32_t code_of(const struct pdf_value *value)
{
    uint32_t code = 0;

    for (size_t i = 0; value->kind == PDF_STRING && i < value->len && i < 2; i++) {
        code = code << 8 | (unsigned char)value->ptr[i];
    }
    return code;
}

static void range_add(struct font *font, const struct pdf_value *low, const struct pdf_value *high,
                      const struct pdf_value *to)
{
    uint32_t first = code_of(low);
    uint32_t last = code_of(high);

    for (uint32_t i = 0; i < RANGE_MAX && first + i <= last; i++) {
        uint32_t character =
            to->kind == PDF_ARRAY ? i < to->count ? code_of(&to->items[i]) : 0 : code_of(to) + i;

        if (character == 0 || !mapping_add(font, first + i, character)) {
            return;
        }
    }
}

/* <01> <0041> in bfchar, <01> <05> <0041> or <01> <05> [<0041> ...] in bfrange, <00> <ff> in
 * codespacerange. */
static void cmap_read(struct show *show, struct font *font, const struct svc_bytes *bytes)
{
    struct pdf_lexer lexer = {.start = (const char *)bytes->ptr,
                              .at = (const char *)bytes->ptr,
                              .end = (const char *)bytes->ptr + bytes->len};
    struct pdf_value operands[3] = {{0}};
    size_t count = 0;
    enum { NOTHING, CHARS, RANGES, SPACE } in = NOTHING;

    while (font->count < CMAP_MAX && show->totals->operations++ < PDF_OPERATIONS_MAX) {
        struct pdf_value value = pdf_read(pdf_arena(show->file), &lexer);

        if (value.kind == PDF_END) {
            break;
        }
        if (value.kind == PDF_WORD || value.kind == PDF_BAD) {
            in = pdf_is_word(&value, "beginbfchar")           ? CHARS
                 : pdf_is_word(&value, "beginbfrange")        ? RANGES
                 : pdf_is_word(&value, "begincodespacerange") ? SPACE
                                                              : NOTHING;
            count = 0;
            continue;
        }
        operands[count++] = value;
        if (in == SPACE && count == 2) {
            font->code_bytes =
                operands[0].kind == PDF_STRING && operands[0].len == 1 ? 1 : CODE_BYTES_MAX;
        } else if (in == CHARS && count == 2) {
            (void)mapping_add(font, code_of(&operands[0]), code_of(&operands[1]));
        } else if (in == RANGES && count == 3) {
            range_add(font, &operands[0], &operands[1], &operands[2]);
        }
        count = count == (in == RANGES ? 3 : 2) || in == NOTHING ? 0 : count;
    }
    if (font->count > 0) {
        qsort(font->mappings, font->count, sizeof(*font->mappings), compare_mappings);
    }
}

static int font_load(struct show *show, const struct pdf_value *name, const struct pdf_value *dict)
{
    struct font *font = &show->fonts[show->font_count++];
    const struct pdf_value *map = pdf_lookup(show->file, dict, "ToUnicode");
    struct svc_bytes bytes = {0};
    int r = 0;

    *font = (struct font){.name = name};
    font->code_bytes =
        pdf_is_name(pdf_lookup(show->file, dict, "Subtype"), "Type0") ? CODE_BYTES_MAX : 1;
    if (map->kind == PDF_DICT && map->ptr != NULL) {
        r = pdf_decode(show->file, map, &bytes);
        if (bytes.len > 0) {
            cmap_read(show, font, &bytes);
        }
        svc_bytes_done(&bytes);
    }
    return r == -E2BIG ? r : 0;
}

static int fonts_load(struct show *show, const struct pdf_value *resources)
{
    const struct pdf_value *fonts = pdf_lookup(show->file, resources, "Font");
    int r = 0;

    for (size_t i = 0;
         r == 0 && fonts->kind == PDF_DICT && i + 1 < fonts->count && show->font_count < FONTS_MAX;
         i += 2) {
        r = font_load(show, &fonts->items[i], pdf_resolve(show->file, &fonts->items[i + 1]));
    }
    return r;
}

static void fonts_done(struct show *show, size_t keep)
{
    while (show->font_count > keep) {
        free(show->fonts[--show->font_count].mappings);
    }
}

/* The newest font of that name: a form's own stand behind its page's. */
static const struct font *font_find(const struct show *show, const struct pdf_value *name)
{
    for (size_t i = show->font_count; i > 0; i--) {
        const struct font *font = &show->fonts[i - 1];

        if (font->name->len == name->len && memcmp(font->name->ptr, name->ptr, name->len) == 0) {
            return font;
        }
    }
    return NULL;
}

static void string_show(struct show *show, const struct pdf_value *string)
{
    const struct font *font = show->font;
    size_t width = font != NULL ? font->code_bytes : 1;

    for (size_t i = 0; string->kind == PDF_STRING && i + width <= string->len; i += width) {
        struct mapping key = {.code = (uint16_t)(unsigned char)string->ptr[i]};
        const struct mapping *found = NULL;

        if (width == CODE_BYTES_MAX) {
            key.code = (uint16_t)(key.code << 8 | (unsigned char)string->ptr[i + 1]);
        }
        if (font != NULL && font->count > 0) {
            found = bsearch(&key, font->mappings, font->count, sizeof(key), compare_mappings);
        }
        if (found != NULL) {
            character_put(show, found->character);
        } else if (width == 1) {
            character_put(show,
                          key.code); /* the simple encodings agree with Latin-1 in what matters */
        }
    }
}

/* [(A) -120 (B)] TJ: a step of more than a quarter of the size is a space. */
static void array_show(struct show *show, const struct pdf_value *array)
{
    for (size_t i = 0; array->kind == PDF_ARRAY && i < array->count; i++) {
        if (array->items[i].kind == PDF_NUMBER && array->items[i].number < -250) {
            space_put(show);
        } else {
            string_show(show, &array->items[i]);
        }
    }
}

static void move(struct show *show, double y)
{
    if (fabs(y) > 1e-6) {
        line_flush(show);
    } else {
        space_put(show);
    }
}

static int content_show(struct show *show, const struct pdf_value *resources,
                        const struct svc_bytes *bytes, int depth);

/* /Name Do: a form is shown in place, an image counted. */
static int object_show(struct show *show, const struct pdf_value *resources,
                       const struct pdf_value *name, int depth)
{
    const struct pdf_value *objects = pdf_lookup(show->file, resources, "XObject");
    struct svc_bytes bytes = {0};
    const struct pdf_value *object;
    const struct pdf_value *own;
    char key[128];
    int r;

    if (name->kind != PDF_NAME || name->len >= sizeof(key)) {
        return 0;
    }
    (void)snprintf(key, sizeof(key), "%.*s", (int)name->len, name->ptr);
    object = pdf_lookup(show->file, objects, key);
    if (pdf_is_name(pdf_lookup(show->file, object, "Subtype"), "Image")) {
        show->totals->images++;
        return 0;
    }
    if (object->kind != PDF_DICT || object->ptr == NULL || depth >= PDF_FORMS_DEPTH_MAX) {
        return 0;
    }
    r = pdf_decode(show->file, object, &bytes);
    if (r == 0) {
        size_t keep = show->font_count;

        own = pdf_lookup(show->file, object, "Resources");
        r = own->kind == PDF_DICT ? fonts_load(show, own) : 0;
        r = r < 0 ? r
                  : content_show(show, own->kind == PDF_DICT ? own : resources, &bytes, depth + 1);
        fonts_done(show, keep);
        show->font = NULL;
    }
    svc_bytes_done(&bytes);
    return r == -E2BIG ? r : 0;
}

static double number_of(const struct pdf_value *operands, size_t count, size_t i)
{
    return i < count && operands[i].kind == PDF_NUMBER ? operands[i].number : 0;
}

static void matrix_set(struct show *show, const struct pdf_value *operands, size_t count)
{
    double y = number_of(operands, count, 5);

    move(show, y - show->y);
    show->y = y;
}

/* One operator with its operands; the last operand is operands[count - 1]. */
static int operator_run(struct show *show, const struct pdf_value *resources,
                        const struct pdf_value *word, const struct pdf_value *operands,
                        size_t count, int depth)
{
    const struct pdf_value none = {.kind = PDF_NULL};
    const struct pdf_value *last = count > 0 ? &operands[count - 1] : &none;

    if (pdf_is_word(word, "Tj")) {
        string_show(show, last);
    } else if (pdf_is_word(word, "TJ")) {
        array_show(show, last);
    } else if (pdf_is_word(word, "'") || pdf_is_word(word, "\"")) {
        line_flush(show);
        string_show(show, last);
    } else if (pdf_is_word(word, "Td") || pdf_is_word(word, "TD")) {
        move(show, number_of(operands, count, 1));
        show->y += number_of(operands, count, 1);
    } else if (pdf_is_word(word, "Tm")) {
        matrix_set(show, operands, count);
    } else if (pdf_is_word(word, "T*") || pdf_is_word(word, "ET")) {
        line_flush(show);
    } else if (pdf_is_word(word, "Tf")) {
        show->font =
            count > 0 && operands[0].kind == PDF_NAME ? font_find(show, &operands[0]) : NULL;
    } else if (pdf_is_word(word, "Do")) {
        return object_show(show, resources, last, depth);
    }
    return 0;
}

/* BI ... ID bytes EI: goes behind an image that stands in the stream. */
static void inline_image_skip(struct pdf_lexer *lexer)
{
    while (lexer->end - lexer->at >= 4) {
        const char *found = memmem(lexer->at, (size_t)(lexer->end - lexer->at), "EI", 2);

        if (found == NULL) {
            break;
        }
        lexer->at = found + 2;
        if (found > lexer->start && strchr(" \n\r\t", found[-1]) != NULL &&
            (lexer->at == lexer->end || strchr(" \n\r\t", *lexer->at) != NULL)) {
            return;
        }
    }
    lexer->at = lexer->end;
}

static int content_show(struct show *show, const struct pdf_value *resources,
                        const struct svc_bytes *bytes, int depth)
{
    struct pdf_lexer lexer = {.start = (const char *)bytes->ptr,
                              .at = (const char *)bytes->ptr,
                              .end = (const char *)bytes->ptr + bytes->len};
    struct pdf_value operands[OPERANDS_MAX];
    size_t count = 0;
    int r = 0;

    while (r == 0 && show->totals->operations++ < PDF_OPERATIONS_MAX) {
        struct pdf_value value = pdf_read(pdf_arena(show->file), &lexer);

        if (value.kind == PDF_END) {
            break;
        }
        if (value.kind == PDF_WORD) {
            r = operator_run(show, resources, &value, operands, count, depth);
            count = 0;
            if (pdf_is_word(&value, "ID")) {
                show->totals->images++;
                inline_image_skip(&lexer);
            }
        } else if (value.kind != PDF_BAD && count < OPERANDS_MAX) {
            operands[count++] = value;
        }
    }
    return r;
}

/* The content of a page is one stream, or several that count as one. */
static int contents_join(struct show *show, const struct pdf_value *contents, struct svc_bytes *ret)
{
    size_t count = contents->kind == PDF_ARRAY ? contents->count : 1;

    *ret = (struct svc_bytes){.max = PDF_STREAM_BYTES_MAX};
    for (size_t i = 0; i < count; i++) {
        const struct pdf_value *stream =
            contents->kind == PDF_ARRAY ? pdf_resolve(show->file, &contents->items[i]) : contents;
        struct svc_bytes bytes = {0};
        int r = pdf_decode(show->file, stream, &bytes);

        if (r < 0 && stream->kind == PDF_DICT) {
            show->totals->streams_skipped++;
        }
        svc_bytes_put(ret, bytes.ptr, r == -ENOTSUP ? 0 : bytes.len);
        svc_bytes_put(ret, "\n", 1);
        svc_bytes_done(&bytes);
        if (r == -E2BIG || ret->failed) {
            return -E2BIG;
        }
    }
    return 0;
}

int pdf_text_page(struct pdf_file *file, const struct pdf_value *page,
                  const struct pdf_value *resources, struct doc *doc,
                  struct pdf_text_totals *totals)
{
    struct show *show = calloc(1, sizeof(*show));
    struct svc_bytes bytes = {0};
    int r;

    if (show == NULL) {
        return -ENOMEM;
    }
    show->file = file;
    show->doc = doc;
    show->totals = totals;
    r = fonts_load(show, resources);
    r = r < 0 ? r : contents_join(show, pdf_lookup(file, page, "Contents"), &bytes);
    r = r < 0 ? r : content_show(show, resources, &bytes, 0);
    line_flush(show);
    svc_bytes_done(&bytes);
    fonts_done(show, 0);
    free(show);
    return r;
}
