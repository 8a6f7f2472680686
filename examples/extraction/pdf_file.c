#include "pdf_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pdf_filter.h"

enum { REFERENCES_MAX = 32, TAIL_BYTES = 2048, FILTERS_MAX = 8, XREF_WIDTH_MAX = 8 };

enum entry_kind { ENTRY_NONE, ENTRY_FREE, ENTRY_OFFSET, ENTRY_IN_STREAM };

struct entry {
    enum entry_kind kind;
    bool loading; /* on the way to its value: a second visit is a loop */
    bool loaded;
    size_t place; /* offset in the file, or the number of the object stream */
    const struct pdf_value *value;
};

/* A decoded object stream: the values in it point into its bytes. */
struct kept {
    struct kept *next;
    struct svc_bytes bytes;
};

struct pdf_file {
    const char *data;
    size_t len;
    struct pdf_arena arena;
    struct entry *entries;
    size_t entry_count;
    struct pdf_value trailer;
    struct kept *kept;
    size_t decoded; /* bytes of all streams so far */
    bool rebuilt;
};

static const struct pdf_value null_value = {.kind = PDF_NULL};

struct pdf_arena *pdf_arena(struct pdf_file *file)
{
    return &file->arena;
}

const struct pdf_value *pdf_trailer(const struct pdf_file *file)
{
    return &file->trailer;
}

bool pdf_was_rebuilt(const struct pdf_file *file)
{
    return file->rebuilt;
}

size_t pdf_object_count(const struct pdf_file *file)
{
    size_t count = 0;

    for (size_t i = 0; i < file->entry_count; i++) {
        count += file->entries[i].kind == ENTRY_OFFSET || file->entries[i].kind == ENTRY_IN_STREAM
                     ? 1
                     : 0;
    }
    return count;
}

/* The entry of an object number, which is made when need be; NULL beyond the bound. */
static struct entry *entry_at(struct pdf_file *file, size_t number)
{
    if (number >= PDF_OBJECTS_MAX) {
        return NULL;
    }
    if (number >= file->entry_count) {
        size_t count = number * 2 < 64                ? 64
                       : number * 2 < PDF_OBJECTS_MAX ? number * 2
                                                      : PDF_OBJECTS_MAX;
        struct entry *grown = realloc(file->entries, count * sizeof(*grown));

        if (grown == NULL) {
            return NULL;
        }
        memset(grown + file->entry_count, 0, (count - file->entry_count) * sizeof(*grown));
        file->entries = grown;
        file->entry_count = count;
    }
    return &file->entries[number];
}

/* The newest section that names an object decides; it is read first. */
static void entry_set(struct pdf_file *file, size_t number, enum entry_kind kind, size_t place)
{
    struct entry *entry = entry_at(file, number);

    if (entry != NULL && entry->kind == ENTRY_NONE) {
        entry->kind = kind;
        entry->place = place;
    }
}

static struct pdf_lexer lexer_at(const struct pdf_file *file, size_t offset)
{
    return (struct pdf_lexer){
        .start = file->data, .at = file->data + offset, .end = file->data + file->len};
}

/* Goes over the line end behind the word "stream", and takes the bytes up to "endstream". */
static void stream_take(struct pdf_file *file, struct pdf_lexer *lexer, struct pdf_value *dict)
{
    const struct pdf_value *length = pdf_get(dict, "Length");
    const char *begin = lexer->at;
    const char *end;
    int64_t n;

    begin += begin < lexer->end && *begin == '\r' ? 1 : 0;
    begin += begin < lexer->end && *begin == '\n' ? 1 : 0;
    n = pdf_whole(length != NULL ? pdf_resolve(file, length) : NULL, (int64_t)(lexer->end - begin));
    if (n >= 0) {
        struct pdf_lexer behind = {.start = file->data, .at = begin + n, .end = lexer->end};
        struct pdf_arena none = {0};
        struct pdf_value word = pdf_read(&none, &behind);

        pdf_arena_done(&none);
        if (pdf_is_word(&word, "endstream")) {
            dict->ptr = begin;
            dict->len = (size_t)n;
            return;
        }
    }
    end = memmem(begin, (size_t)(lexer->end - begin), "endstream", 9);
    dict->ptr = begin;
    dict->len = end != NULL ? (size_t)(end - begin) : (size_t)(lexer->end - begin);
}

/* "N G obj VALUE [stream ...]" at an offset; the number must be the wanted one when that is >= 0.
 * PDF_BAD otherwise. */
static struct pdf_value object_read(struct pdf_file *file, size_t offset, int64_t wanted,
                                    int64_t *ret_number)
{
    const struct pdf_value bad = {.kind = PDF_BAD};
    struct pdf_lexer lexer;
    struct pdf_value number;
    struct pdf_value generation;
    struct pdf_value word;
    struct pdf_value value;

    if (offset >= file->len) {
        return bad;
    }
    lexer = lexer_at(file, offset);
    number = pdf_read(&file->arena, &lexer);
    generation = pdf_read(&file->arena, &lexer);
    word = pdf_read(&file->arena, &lexer);
    *ret_number = pdf_whole(&number, PDF_OBJECTS_MAX - 1);
    if (*ret_number < 0 || pdf_whole(&generation, 65535) < 0 || !pdf_is_word(&word, "obj") ||
        (wanted >= 0 && wanted != *ret_number)) {
        return bad;
    }
    value = pdf_read(&file->arena, &lexer);
    if (value.kind == PDF_DICT) {
        word = pdf_read(&file->arena, &lexer);
        if (pdf_is_word(&word, "stream")) {
            stream_take(file, &lexer, &value);
        }
    }
    return value.kind == PDF_WORD || value.kind == PDF_END ? bad : value;
}

static const struct pdf_value *value_keep(struct pdf_file *file, const struct pdf_value *value)
{
    struct pdf_value *copy = pdf_alloc(&file->arena, sizeof(*copy));

    if (copy == NULL || value->kind == PDF_BAD) {
        return &null_value;
    }
    *copy = *value;
    return copy;
}

/* The objects of a decoded object stream: pairs of number and offset, then the values from First
 * on. */
static void object_stream_read(struct pdf_file *file, size_t stream_number,
                               const struct pdf_value *dict, const struct svc_bytes *bytes)
{
    struct pdf_lexer pairs = {.start = (const char *)bytes->ptr,
                              .at = (const char *)bytes->ptr,
                              .end = (const char *)bytes->ptr + bytes->len};
    int64_t count = pdf_whole(pdf_lookup(file, dict, "N"), PDF_OBJECTS_MAX);
    int64_t first = pdf_whole(pdf_lookup(file, dict, "First"), (int64_t)bytes->len);

    for (int64_t i = 0; first >= 0 && i < count; i++) {
        struct pdf_value number = pdf_read(&file->arena, &pairs);
        struct pdf_value offset = pdf_read(&file->arena, &pairs);
        int64_t id = pdf_whole(&number, PDF_OBJECTS_MAX - 1);
        int64_t at = pdf_whole(&offset, (int64_t)bytes->len - first);
        struct entry *entry;

        if (id < 0 || at < 0) {
            return;
        }
        entry = (size_t)id < file->entry_count ? &file->entries[id] : NULL;
        if (entry != NULL && entry->kind == ENTRY_IN_STREAM && entry->place == stream_number &&
            !entry->loaded) {
            struct pdf_lexer lexer = {
                .start = pairs.start, .at = pairs.start + first + at, .end = pairs.end};
            struct pdf_value value = pdf_read(&file->arena, &lexer);

            entry->value = value_keep(file, &value);
            entry->loaded = true;
        }
    }
}

static void object_stream_load(struct pdf_file *file, size_t number)
{
    const struct pdf_value ref = {.kind = PDF_REF, .number = (double)number};
    const struct pdf_value *dict;
    struct kept *kept;

    if (number >= file->entry_count || file->entries[number].kind != ENTRY_OFFSET) {
        return; /* an object stream does not stand in another */
    }
    dict = pdf_resolve(file, &ref);
    kept = calloc(1, sizeof(*kept));
    if (kept == NULL) {
        return;
    }
    kept->next = file->kept;
    file->kept = kept;
    if (dict->kind == PDF_DICT && pdf_is_name(pdf_get(dict, "Type"), "ObjStm") &&
        dict->ptr != NULL) {
        (void)pdf_decode(file, dict, &kept->bytes);
        if (kept->bytes.len > 0) {
            object_stream_read(file, number, dict, &kept->bytes);
        }
    }
}

static const struct pdf_value *entry_load(struct pdf_file *file, size_t number)
{
    struct entry *entry = number < file->entry_count ? &file->entries[number] : NULL;

    if (entry == NULL || entry->loading || entry->kind == ENTRY_NONE || entry->kind == ENTRY_FREE) {
        return &null_value;
    }
    if (entry->loaded) {
        return entry->value;
    }
    entry->loading = true;
    if (entry->kind == ENTRY_OFFSET) {
        int64_t found = -1;
        struct pdf_value value = object_read(file, entry->place, (int64_t)number, &found);

        entry = &file->entries[number];
        entry->value = value_keep(file, &value);
        entry->loaded = true;
    } else {
        object_stream_load(file, entry->place);
    }
    entry = &file->entries[number];
    entry->loading = false;
    if (!entry->loaded) {
        entry->value = &null_value;
        entry->loaded = true;
    }
    return entry->value;
}

const struct pdf_value *pdf_resolve(struct pdf_file *file, const struct pdf_value *value)
{
    for (int i = 0; value != NULL && value->kind == PDF_REF; i++) {
        int64_t number = value->number < PDF_OBJECTS_MAX ? (int64_t)value->number : -1;

        value = i < REFERENCES_MAX && number >= 0 ? entry_load(file, (size_t)number) : NULL;
    }
    return value != NULL ? value : &null_value;
}

const struct pdf_value *pdf_lookup(struct pdf_file *file, const struct pdf_value *dict,
                                   const char *key)
{
    return pdf_resolve(file, pdf_get(dict, key));
}

static int filter_apply(const struct pdf_value *filter, const uint8_t *src, size_t len,
                        struct svc_bytes *ret)
{
    if (pdf_is_name(filter, "FlateDecode") || pdf_is_name(filter, "Fl")) {
        return pdf_flate(src, len, ret);
    }
    if (pdf_is_name(filter, "ASCIIHexDecode") || pdf_is_name(filter, "AHx")) {
        return pdf_ascii_hex(src, len, ret);
    }
    if (pdf_is_name(filter, "ASCII85Decode") || pdf_is_name(filter, "A85")) {
        return pdf_ascii_85(src, len, ret);
    }
    return -ENOTSUP;
}

static int predictor_apply(struct pdf_file *file, const struct pdf_value *parms,
                           struct svc_bytes *bytes)
{
    int64_t predictor = pdf_whole(pdf_lookup(file, parms, "Predictor"), 99);
    int64_t columns = pdf_whole(pdf_lookup(file, parms, "Columns"), 1 << 20);
    int64_t colors = pdf_whole(pdf_lookup(file, parms, "Colors"), 32);
    int64_t bits = pdf_whole(pdf_lookup(file, parms, "BitsPerComponent"), 16);

    if (predictor < 10) {
        return predictor == 2 ? -ENOTSUP : 0; /* TIFF's: images only */
    }
    columns = columns > 0 ? columns : 1;
    colors = colors > 0 ? colors : 1;
    bits = bits > 0 ? bits : 8;
    return pdf_unpredict(bytes, (size_t)((columns * colors * bits + 7) / 8),
                         (size_t)((colors * bits + 7) / 8));
}

/* The i-th of what may be one value or an array of them. */
static const struct pdf_value *one_of(struct pdf_file *file, const struct pdf_value *value,
                                      size_t i)
{
    if (value->kind == PDF_ARRAY) {
        return i < value->count ? pdf_resolve(file, &value->items[i]) : &null_value;
    }
    return i == 0 ? value : &null_value;
}

static int filters_apply(struct pdf_file *file, const struct pdf_value *stream,
                         struct svc_bytes *bytes)
{
    const struct pdf_value *filters = pdf_lookup(file, stream, "Filter");
    const struct pdf_value *parms = pdf_lookup(file, stream, "DecodeParms");
    int r = 0;

    for (size_t i = 0; r == 0 && i < FILTERS_MAX; i++) {
        const struct pdf_value *filter = one_of(file, filters, i);
        struct svc_bytes next = {.max = bytes->max};

        if (filter->kind != PDF_NAME) {
            return filter->kind == PDF_NULL ? 0 : -EINVAL;
        }
        r = filter_apply(filter, bytes->ptr, bytes->len, &next);
        if (next.len > 0 || r == 0) {
            svc_bytes_done(bytes);
            *bytes = next;
            r = r == 0 ? predictor_apply(file, one_of(file, parms, i), bytes) : r;
        } else {
            svc_bytes_done(&next);
        }
    }
    return r;
}

int pdf_decode(struct pdf_file *file, const struct pdf_value *stream, struct svc_bytes *ret)
{
    size_t left = PDF_DECODED_BYTES_MAX - file->decoded;
    int r;

    *ret = (struct svc_bytes){.max = left < PDF_STREAM_BYTES_MAX ? left : PDF_STREAM_BYTES_MAX};
    if (stream->kind != PDF_DICT || stream->ptr == NULL) {
        return -EINVAL;
    }
    svc_bytes_put(ret, stream->ptr, stream->len);
    r = ret->failed ? -E2BIG : filters_apply(file, stream, ret);
    file->decoded += ret->len < left ? ret->len : left;
    if (r == -E2BIG) {
        file->decoded = PDF_DECODED_BYTES_MAX; /* nothing else is decoded */
    }
    return r;
}

/* Subsections of "first count", and lines "offset generation n|f", up to the word trailer. */
static bool table_read(struct pdf_file *file, struct pdf_lexer *lexer)
{
    for (;;) {
        struct pdf_value first = pdf_read(&file->arena, lexer);
        struct pdf_value count;
        int64_t number;
        int64_t left;

        if (pdf_is_word(&first, "trailer")) {
            return true;
        }
        count = pdf_read(&file->arena, lexer);
        number = pdf_whole(&first, PDF_OBJECTS_MAX);
        left = pdf_whole(&count, PDF_OBJECTS_MAX);
        if (number < 0 || left < 0) {
            return false;
        }
        for (; left > 0; left--, number++) {
            struct pdf_value offset = pdf_read(&file->arena, lexer);
            struct pdf_value generation = pdf_read(&file->arena, lexer);
            struct pdf_value kind = pdf_read(&file->arena, lexer);
            int64_t at = pdf_whole(&offset, (int64_t)file->len);

            if (generation.kind != PDF_NUMBER ||
                (!pdf_is_word(&kind, "n") && !pdf_is_word(&kind, "f"))) {
                return false;
            }
            entry_set(file, (size_t)number,
                      pdf_is_word(&kind, "n") && at > 0 ? ENTRY_OFFSET : ENTRY_FREE,
                      at > 0 ? (size_t)at : 0);
        }
    }
}

static uint64_t field_read(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

/* Rows of three fields with the given widths, for the objects from `first` on. Returns the rest. */
static size_t rows_read(struct pdf_file *file, const struct svc_bytes *bytes, size_t at,
                        const size_t widths[3], size_t first, size_t count)
{
    size_t row_bytes = widths[0] + widths[1] + widths[2];

    for (size_t i = 0; i < count && bytes->len - at >= row_bytes; i++, at += row_bytes) {
        const uint8_t *row = bytes->ptr + at;
        uint64_t kind = widths[0] == 0 ? 1 : field_read(row, widths[0]);
        uint64_t place = field_read(row + widths[0], widths[1]);

        entry_set(file, first + i,
                  kind == 1   ? ENTRY_OFFSET
                  : kind == 2 ? ENTRY_IN_STREAM
                              : ENTRY_FREE,
                  (size_t)place);
    }
    return at;
}

static bool xref_stream_read(struct pdf_file *file, const struct pdf_value *stream)
{
    const struct pdf_value *w = pdf_lookup(file, stream, "W");
    const struct pdf_value *index = pdf_lookup(file, stream, "Index");
    int64_t size = pdf_whole(pdf_lookup(file, stream, "Size"), PDF_OBJECTS_MAX);
    struct svc_bytes bytes = {0};
    size_t widths[3] = {0};
    size_t at = 0;
    bool good = w->kind == PDF_ARRAY && w->count == 3 && size >= 0 &&
                pdf_is_name(pdf_get(stream, "Type"), "XRef");

    for (size_t i = 0; good && i < 3; i++) {
        int64_t width = pdf_whole(&w->items[i], XREF_WIDTH_MAX);

        good = width >= 0;
        widths[i] = good ? (size_t)width : 0;
    }
    good = good && widths[0] + widths[1] + widths[2] > 0 && pdf_decode(file, stream, &bytes) == 0;
    if (good && index->kind == PDF_ARRAY) {
        for (size_t i = 0; i + 1 < index->count; i += 2) {
            int64_t first = pdf_whole(&index->items[i], PDF_OBJECTS_MAX);
            int64_t count = pdf_whole(&index->items[i + 1], PDF_OBJECTS_MAX);

            if (first >= 0 && count >= 0) {
                at = rows_read(file, &bytes, at, widths, (size_t)first, (size_t)count);
            }
        }
    } else if (good) {
        (void)rows_read(file, &bytes, 0, widths, 0, (size_t)size);
    }
    svc_bytes_done(&bytes);
    return good;
}

/* One section of the cross-reference; *ret_trailer is its dictionary. */
static bool section_read(struct pdf_file *file, size_t offset, struct pdf_value *ret_trailer)
{
    struct pdf_lexer lexer = lexer_at(file, offset);
    struct pdf_value word;
    int64_t number = -1;

    pdf_skip(&lexer);
    if (lexer.end - lexer.at >= 4 && memcmp(lexer.at, "xref", 4) == 0) {
        lexer.at += 4;
        if (!table_read(file, &lexer)) {
            return false;
        }
        *ret_trailer = pdf_read(&file->arena, &lexer);
        if (ret_trailer->kind == PDF_DICT) {
            int64_t hybrid = pdf_whole(pdf_get(ret_trailer, "XRefStm"), (int64_t)file->len - 1);

            word = hybrid >= 0 ? object_read(file, (size_t)hybrid, -1, &number) : null_value;
            (void)(word.kind == PDF_DICT && xref_stream_read(file, &word));
        }
        return ret_trailer->kind == PDF_DICT;
    }
    *ret_trailer = object_read(file, offset, -1, &number);
    return ret_trailer->kind == PDF_DICT && ret_trailer->ptr != NULL &&
           xref_stream_read(file, ret_trailer);
}

/* All sections, the newest first, each once. */
static bool sections_read(struct pdf_file *file, int64_t offset)
{
    size_t seen[PDF_SECTIONS_MAX];
    size_t count = 0;

    while (offset >= 0) {
        struct pdf_value trailer = {.kind = PDF_NULL};

        for (size_t i = 0; i < count; i++) {
            if (seen[i] == (size_t)offset) {
                return true; /* a loop: what was read stands */
            }
        }
        if (count == PDF_SECTIONS_MAX || !section_read(file, (size_t)offset, &trailer)) {
            return false;
        }
        seen[count++] = (size_t)offset;
        if (file->trailer.kind != PDF_DICT) {
            file->trailer = trailer;
        }
        offset = pdf_whole(pdf_get(&trailer, "Prev"), (int64_t)file->len - 1);
    }
    return count > 0;
}

/* The number behind the last "startxref", or -1. */
static int64_t start_find(struct pdf_file *file)
{
    size_t from = file->len > TAIL_BYTES ? file->len - TAIL_BYTES : 0;
    const char *last = NULL;
    const char *at = file->data + from;
    const char *end = file->data + file->len;
    struct pdf_lexer lexer;
    struct pdf_value value;

    while ((at = memmem(at, (size_t)(end - at), "startxref", 9)) != NULL) {
        last = at;
        at += 9;
    }
    if (last == NULL) {
        return -1;
    }
    lexer = lexer_at(file, (size_t)(last - file->data) + 9);
    value = pdf_read(&file->arena, &lexer);
    return pdf_whole(&value, (int64_t)file->len - 1);
}

/* Where "N G obj" begins, for the word obj at `at`: steps back over the generation and the number.
 * -1 = it does not. */
static int64_t object_begin(const struct pdf_file *file, size_t at)
{
    for (int part = 0; part < 2; part++) {
        size_t digits = at;

        while (digits > 0 && isspace((unsigned char)file->data[digits - 1])) {
            digits--;
        }
        if (digits == at) {
            return -1;
        }
        at = digits;
        while (at > 0 && isdigit((unsigned char)file->data[at - 1]) && digits - at < 10) {
            at--;
        }
        if (at == digits) {
            return -1;
        }
    }
    return (int64_t)at;
}

/* The last of several objects with one number is the newest. */
static void object_found(struct pdf_file *file, size_t begin)
{
    struct pdf_lexer lexer = lexer_at(file, begin);
    struct pdf_value number = pdf_read(&file->arena, &lexer);
    int64_t id = pdf_whole(&number, PDF_OBJECTS_MAX - 1);
    struct entry *entry = id >= 0 ? entry_at(file, (size_t)id) : NULL;

    if (entry != NULL) {
        *entry = (struct entry){.kind = ENTRY_OFFSET, .place = begin};
    }
}

static void trailer_found(struct pdf_file *file, size_t at)
{
    struct pdf_lexer lexer = lexer_at(file, at + 7);
    struct pdf_value trailer = pdf_read(&file->arena, &lexer);

    if (trailer.kind == PDF_DICT && pdf_get(&trailer, "Root") != NULL) {
        file->trailer = trailer;
    }
}

/* After a rebuild: object streams give their objects away, and a catalogue without a trailer is
 * looked for. */
static void rebuilt_complete(struct pdf_file *file)
{
    size_t count = file->entry_count;

    for (size_t i = 0; i < count; i++) {
        const struct pdf_value ref = {.kind = PDF_REF, .number = (double)i};
        const struct pdf_value *value = pdf_resolve(file, &ref);

        if (file->trailer.kind != PDF_DICT && pdf_is_name(pdf_get(value, "Type"), "Catalog")) {
            struct pdf_value *items = pdf_alloc(&file->arena, 2 * sizeof(*items));

            if (items != NULL) {
                items[0] = (struct pdf_value){.kind = PDF_NAME, .ptr = "Root", .len = 4};
                items[1] = ref;
                file->trailer = (struct pdf_value){.kind = PDF_DICT, .items = items, .count = 2};
            }
        }
    }
}

/* Every "N G obj" and every trailer of the file, for files whose cross-reference is broken. */
static void file_scan(struct pdf_file *file)
{
    const char *end = file->data + file->len;
    const char *at = file->data;

    file->rebuilt = true;
    file->trailer = null_value;
    if (file->entries != NULL) {
        memset(file->entries, 0, file->entry_count * sizeof(*file->entries));
    }
    while ((at = memmem(at, (size_t)(end - at), "obj", 3)) != NULL) {
        int64_t begin =
            at > file->data && at[-1] != 'd' ? object_begin(file, (size_t)(at - file->data)) : -1;

        if (begin >= 0) {
            object_found(file, (size_t)begin);
        }
        at += 3;
    }
    for (at = file->data; (at = memmem(at, (size_t)(end - at), "trailer", 7)) != NULL; at += 7) {
        trailer_found(file, (size_t)(at - file->data));
    }
    rebuilt_complete(file);
}

static bool has_pages(struct pdf_file *file)
{
    const struct pdf_value *root = pdf_lookup(file, &file->trailer, "Root");

    return root->kind == PDF_DICT && pdf_lookup(file, root, "Pages")->kind == PDF_DICT;
}

int pdf_open(const uint8_t *data, size_t len, struct pdf_file **ret, struct svc_error *err)
{
    struct pdf_file *file;

    if (memmem(data, len < 1024 ? len : 1024, "%PDF-", 5) == NULL) {
        return svc_fail(err, -EINVAL, "pdf: no %%PDF- at its start: not a PDF file");
    }
    file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return svc_fail(err, -ENOMEM, "out of memory");
    }
    file->data = (const char *)data;
    file->len = len;
    if (!sections_read(file, start_find(file)) ||
        (pdf_get(&file->trailer, "Encrypt") == NULL && !has_pages(file))) {
        file_scan(file);
    }
    if (pdf_get(&file->trailer, "Encrypt") != NULL) {
        (void)pdf_free(file);
        return svc_fail(err, -EINVAL, "pdf: encrypted: save it without a password");
    }
    if (!has_pages(file)) {
        (void)pdf_free(file);
        return svc_fail(err, -EINVAL,
                        "pdf: no catalogue with pages: the file is cut off or damaged");
    }
    *ret = file;
    return 0;
}

struct pdf_file *pdf_free(struct pdf_file *file)
{
    if (file != NULL) {
        while (file->kept != NULL) {
            struct kept *next = file->kept->next;

            svc_bytes_done(&file->kept->bytes);
            free(file->kept);
            file->kept = next;
        }
        pdf_arena_done(&file->arena);
        free(file->entries);
        free(file);
    }
    return NULL;
}
