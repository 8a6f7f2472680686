#include "pdf_object.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 << 10, ITEMS_FIRST = 8, ITEMS_MAX = 1 << 20, NUMBER_BYTES_MAX = 40 };

struct pdf_block {
    struct pdf_block *next;
    size_t used;
    size_t size;
    max_align_t bytes[];
};

void *pdf_alloc(struct pdf_arena *arena, size_t size)
{
    size_t need = (size + 15) & ~(size_t)15;
    struct pdf_block *block = arena->blocks;
    void *at;

    if (size > PDF_ARENA_BYTES_MAX || arena->total + need > PDF_ARENA_BYTES_MAX) {
        return NULL;
    }
    if (block == NULL || block->size - block->used < need) {
        size_t room = need > BLOCK_BYTES ? need : BLOCK_BYTES;

        block = malloc(sizeof(*block) + room);
        if (block == NULL) {
            return NULL;
        }
        *block = (struct pdf_block){.next = arena->blocks, .size = room};
        arena->blocks = block;
    }
    at = (char *)block->bytes + block->used;
    block->used += need;
    arena->total += need;
    return at;
}

void pdf_arena_done(struct pdf_arena *arena)
{
    while (arena->blocks != NULL) {
        struct pdf_block *next = arena->blocks->next;

        free(arena->blocks);
        arena->blocks = next;
    }
    *arena = (struct pdf_arena){0};
}

static bool is_blank(char c)
{
    return c == '\0' || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
}

static bool is_delimiter(char c)
{
    return c != '\0' && strchr("()<>[]{}/%", c) != NULL;
}

static bool is_regular(char c)
{
    return !is_blank(c) && !is_delimiter(c);
}

void pdf_skip(struct pdf_lexer *lexer)
{
    while (lexer->at < lexer->end) {
        if (is_blank(*lexer->at)) {
            lexer->at++;
        } else if (*lexer->at == '%') {
            while (lexer->at < lexer->end && *lexer->at != '\n' && *lexer->at != '\r') {
                lexer->at++;
            }
        } else {
            return;
        }
    }
}

static int hex_digit(char c)
{
    if (isdigit((unsigned char)c)) {
        return c - '0';
    }
    return isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

static struct pdf_value bad(void)
{
    return (struct pdf_value){.kind = PDF_BAD};
}

/* /Name, with #20 escapes. */
static struct pdf_value name_read(struct pdf_arena *arena, struct pdf_lexer *lexer)
{
    struct pdf_value value = {.kind = PDF_NAME, .ptr = ++lexer->at};
    char *copy;

    while (lexer->at < lexer->end && is_regular(*lexer->at)) {
        lexer->at++;
    }
    value.len = (size_t)(lexer->at - value.ptr);
    if (memchr(value.ptr, '#', value.len) == NULL) {
        return value;
    }
    copy = pdf_alloc(arena, value.len);
    if (copy == NULL) {
        return bad();
    }
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        bool is_escape = value.ptr[i] == '#' && i + 2 < value.len &&
                         hex_digit(value.ptr[i + 1]) >= 0 && hex_digit(value.ptr[i + 2]) >= 0;

        copy[len++] = is_escape
                          ? (char)(hex_digit(value.ptr[i + 1]) * 16 + hex_digit(value.ptr[i + 2]))
                          : value.ptr[i];
        i += is_escape ? 2 : 0;
    }
    value.ptr = copy;
    value.len = len;
    return value;
}

/* Where the string that begins at `at` ends: its last ")", or NULL. */
static const char *string_end(const char *at, const char *end)
{
    int depth = 0;

    for (; at < end; at++) {
        if (*at == '\\') {
            at++;
        } else if (*at == '(') {
            depth++;
        } else if (*at == ')' && --depth == 0) {
            return at;
        }
    }
    return NULL;
}

/* One escape behind "\": writes at most one byte; returns how many bytes it took. */
static size_t escape_read(const char *at, size_t len, char *to, size_t *to_len)
{
    static const char from[] = "nrtbf";
    static const char into[] = "\n\r\t\b\f";
    const char *known = at[0] != '\0' ? strchr(from, at[0]) : NULL;
    int value = 0;
    size_t digits = 0;

    if (known != NULL) {
        to[(*to_len)++] = into[known - from];
        return 1;
    }
    while (digits < 3 && digits < len && at[digits] >= '0' && at[digits] <= '7') {
        value = value * 8 + (at[digits++] - '0');
    }
    if (digits > 0) {
        to[(*to_len)++] = (char)value;
        return digits;
    }
    if (at[0] == '\r' || at[0] == '\n') {
        return len > 1 && at[0] == '\r' && at[1] == '\n' ? 2 : 1; /* a line that goes on */
    }
    to[(*to_len)++] = at[0];
    return 1;
}

static struct pdf_value string_read(struct pdf_arena *arena, struct pdf_lexer *lexer)
{
    const char *end = string_end(lexer->at, lexer->end);
    struct pdf_value value = {.kind = PDF_STRING, .ptr = lexer->at + 1};
    char *copy;
    size_t len = 0;

    if (end == NULL) {
        lexer->at = lexer->end;
        return bad();
    }
    value.len = (size_t)(end - value.ptr);
    lexer->at = end + 1;
    if (memchr(value.ptr, '\\', value.len) == NULL) {
        return value;
    }
    copy = pdf_alloc(arena, value.len);
    if (copy == NULL) {
        return bad();
    }
    for (size_t i = 0; i < value.len;) {
        if (value.ptr[i] == '\\' && i + 1 < value.len) {
            i += 1 + escape_read(value.ptr + i + 1, value.len - i - 1, copy, &len);
        } else {
            copy[len++] = value.ptr[i++];
        }
    }
    value.ptr = copy;
    value.len = len;
    return value;
}

static struct pdf_value hex_read(struct pdf_arena *arena, struct pdf_lexer *lexer)
{
    const char *end = memchr(lexer->at, '>', (size_t)(lexer->end - lexer->at));
    struct pdf_value value = {.kind = PDF_STRING};
    size_t digits = 0;
    char *copy;

    copy = end != NULL ? pdf_alloc(arena, (size_t)(end - lexer->at) / 2 + 1) : NULL;
    if (copy == NULL) {
        lexer->at = lexer->end;
        return bad();
    }
    for (const char *c = lexer->at + 1; c < end; c++) {
        int digit = hex_digit(*c);

        if (digit < 0) {
            continue;
        }
        if (digits % 2 == 0) {
            copy[digits / 2] = (char)(digit * 16);
        } else {
            copy[digits / 2] = (char)(copy[digits / 2] | digit);
        }
        digits++;
    }
    value.ptr = copy;
    value.len = (digits + 1) / 2;
    lexer->at = end + 1;
    return value;
}

static struct pdf_value value_read(struct pdf_arena *arena, struct pdf_lexer *lexer, int depth);

/* Items that grow in the arena; the abandoned halves cost at most as much again. */
static bool item_add(struct pdf_arena *arena, struct pdf_value **items, size_t *count, size_t *room,
                     const struct pdf_value *item)
{
    if (*count == *room) {
        size_t grown_room = *room == 0 ? ITEMS_FIRST : *room * 2;
        struct pdf_value *grown =
            grown_room <= ITEMS_MAX ? pdf_alloc(arena, grown_room * sizeof(*grown)) : NULL;

        if (grown == NULL) {
            return false;
        }
        if (*count > 0) {
            memcpy(grown, *items, *count * sizeof(*grown));
        }
        *items = grown;
        *room = grown_room;
    }
    (*items)[(*count)++] = *item;
    return true;
}

/* [ ... ] or << ... >>, behind its opening. */
static struct pdf_value list_read(struct pdf_arena *arena, struct pdf_lexer *lexer, int depth,
                                  bool is_dict)
{
    struct pdf_value *items = NULL;
    size_t count = 0;
    size_t room = 0;

    for (;;) {
        struct pdf_value item;

        pdf_skip(lexer);
        if (lexer->at >= lexer->end) {
            return bad();
        }
        if (!is_dict && *lexer->at == ']') {
            lexer->at++;
            break;
        }
        if (is_dict && *lexer->at == '>' && lexer->end - lexer->at > 1 && lexer->at[1] == '>') {
            lexer->at += 2;
            break;
        }
        item = value_read(arena, lexer, depth + 1);
        if (item.kind == PDF_BAD || item.kind == PDF_END || item.kind == PDF_WORD ||
            (is_dict && count % 2 == 0 && item.kind != PDF_NAME) ||
            !item_add(arena, &items, &count, &room, &item)) {
            return bad();
        }
    }
    if (is_dict && count % 2 != 0) {
        return bad();
    }
    return (struct pdf_value){
        .kind = is_dict ? PDF_DICT : PDF_ARRAY, .items = items, .count = count};
}

/* Whether "G R" follows a whole number: then it was a reference, and the lexer goes behind it. */
static bool reference_follows(struct pdf_lexer *lexer)
{
    const char *at = lexer->at;

    while (at < lexer->end && is_blank(*at)) {
        at++;
    }
    if (at == lexer->at || at >= lexer->end || !isdigit((unsigned char)*at)) {
        return false;
    }
    while (at < lexer->end && isdigit((unsigned char)*at)) {
        at++;
    }
    if (at >= lexer->end || !is_blank(*at)) {
        return false;
    }
    while (at < lexer->end && is_blank(*at)) {
        at++;
    }
    if (at >= lexer->end || *at != 'R' || (at + 1 < lexer->end && is_regular(at[1]))) {
        return false;
    }
    lexer->at = at + 1;
    return true;
}

static bool number_parse(const char *text, size_t len, double *ret)
{
    char copy[NUMBER_BYTES_MAX];
    char *end;

    if (len == 0 || len >= sizeof(copy) || strspn(text, "+-.0123456789") < len) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    *ret = strtod(copy, &end);
    return end != copy && *end == '\0';
}

/* A run of regular characters: a number, a reference, true, false, null or a word. */
static struct pdf_value run_read(struct pdf_lexer *lexer)
{
    struct pdf_value value = {.kind = PDF_WORD, .ptr = lexer->at};
    char copy[NUMBER_BYTES_MAX];

    while (lexer->at < lexer->end && is_regular(*lexer->at)) {
        lexer->at++;
    }
    value.len = (size_t)(lexer->at - value.ptr);
    if (value.len == 0) {
        lexer->at++; /* a delimiter that cannot stand here */
        return bad();
    }
    memcpy(copy, value.ptr, value.len < sizeof(copy) ? value.len : sizeof(copy) - 1);
    copy[value.len < sizeof(copy) ? value.len : sizeof(copy) - 1] = '\0';
    if (number_parse(copy, value.len, &value.number)) {
        value.kind = PDF_NUMBER;
        if (strspn(copy, "0123456789") == value.len && reference_follows(lexer)) {
            value.kind = PDF_REF;
        }
    } else if (strcmp(copy, "true") == 0 || strcmp(copy, "false") == 0) {
        value.kind = PDF_BOOL;
        value.number = copy[0] == 't' ? 1 : 0;
    } else if (strcmp(copy, "null") == 0) {
        value.kind = PDF_NULL;
    }
    return value;
}

static struct pdf_value value_read(struct pdf_arena *arena, struct pdf_lexer *lexer, int depth)
{
    pdf_skip(lexer);
    if (lexer->at >= lexer->end) {
        return (struct pdf_value){.kind = PDF_END};
    }
    if (depth > PDF_DEPTH_MAX) {
        lexer->at = lexer->end;
        return bad();
    }
    switch (*lexer->at) {
    case '/':
        return name_read(arena, lexer);
    case '(':
        return string_read(arena, lexer);
    case '[':
        lexer->at++;
        return list_read(arena, lexer, depth, false);
    case '<':
        if (lexer->end - lexer->at > 1 && lexer->at[1] == '<') {
            lexer->at += 2;
            return list_read(arena, lexer, depth, true);
        }
        return hex_read(arena, lexer);
    default:
        return run_read(lexer);
    }
}

struct pdf_value pdf_read(struct pdf_arena *arena, struct pdf_lexer *lexer)
{
    return value_read(arena, lexer, 0);
}

const struct pdf_value *pdf_get(const struct pdf_value *dict, const char *key)
{
    for (size_t i = 0; dict != NULL && dict->kind == PDF_DICT && i + 1 < dict->count; i += 2) {
        if (pdf_is_name(&dict->items[i], key)) {
            return &dict->items[i + 1];
        }
    }
    return NULL;
}

static bool text_is(const struct pdf_value *value, const char *text)
{
    return value->len == strlen(text) && memcmp(value->ptr, text, value->len) == 0;
}

bool pdf_is_word(const struct pdf_value *value, const char *word)
{
    return value != NULL && value->kind == PDF_WORD && text_is(value, word);
}

bool pdf_is_name(const struct pdf_value *value, const char *name)
{
    return value != NULL && value->kind == PDF_NAME && text_is(value, name);
}

int64_t pdf_whole(const struct pdf_value *value, int64_t max)
{
    if (value == NULL || value->kind != PDF_NUMBER || !(value->number >= 0) ||
        value->number > (double)max || value->number != floor(value->number)) {
        return -1;
    }
    return (int64_t)value->number;
}
