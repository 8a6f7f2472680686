#include "codec/json_span.h"

#include "base/assert.h"

/* Integers up to here are exact as doubles: 2^53. */
#define EXACT_MAX (INT64_C(1) << 53)

/* Walks the text beside the parsed tree: the text is known to be good, so only extents are found.
 */
struct scanner {
    struct arena *arena;
    str text;
    size_t at;
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t pair[] = {a, b};

    return str_hash(str_of((const char *)pair, sizeof(pair)));
}

static str skip_space(struct scanner *sc)
{
    size_t start = sc->at;

    while (sc->at < sc->text.len && strchr(" \t\r\n", sc->text.ptr[sc->at]) != NULL) {
        sc->at++;
    }
    return str_slice(sc->text, start, sc->at);
}

static str take_string(struct scanner *sc)
{
    size_t start = sc->at++;

    while (sc->text.ptr[sc->at] != '"') {
        sc->at += sc->text.ptr[sc->at] == '\\' ? 2 : 1;
    }
    sc->at++;
    return str_slice(sc->text, start, sc->at);
}

static void skip_word(struct scanner *sc)
{
    while (sc->at < sc->text.len && strchr(",]} \t\r\n", sc->text.ptr[sc->at]) == NULL) {
        sc->at++;
    }
}

static void scan(struct scanner *sc, const struct json *value, struct json_span *ret);

static void take_key(struct scanner *sc, struct json_span_member *member)
{
    size_t start;

    member->key_raw = take_string(sc);
    start = sc->at;
    (void)skip_space(sc);
    sc->at++; /* ':' */
    (void)skip_space(sc);
    member->colon = str_slice(sc->text, start, sc->at);
}

static void scan_members(struct scanner *sc, struct json_span *span)
{
    void *iterator = NULL;

    span->count = json_count(span->value);
    span->members = ARENA_ARRAY(sc->arena, struct json_span_member, span->count);
    sc->at++; /* the opening bracket */
    for (size_t i = 0; i < span->count; i++) {
        struct json_span_member *member = &span->members[i];
        const struct json *value = json_at(span->value, i);

        member->lead = skip_space(sc);
        if (span->kind == JSON_KIND_OBJECT) {
            (void)json_member(span->value, &iterator, &member->key, &value);
            take_key(sc, member);
        }
        scan(sc, value, &member->value);
        if (i + 1 < span->count) {
            (void)skip_space(sc);
            sc->at++; /* ',' */
        }
    }
    span->tail = skip_space(sc);
    sc->at++;
}

/* Members of an object count in any order, so their hashes are added. */
static uint64_t hash_members(const struct json_span *span)
{
    uint64_t hash = span->count;

    for (size_t i = 0; i < span->count; i++) {
        const struct json_span_member *member = &span->members[i];

        if (span->kind == JSON_KIND_OBJECT) {
            hash += mix(str_hash(member->key), member->value.hash);
        } else {
            hash = mix(hash, member->value.hash);
        }
    }
    return mix(hash, span->kind);
}

/* 1, 1.0 and 1e0 are one number; 0 and -0 too. Integers are told apart beyond 2^53. */
static uint64_t hash_number(const struct json *value)
{
    double number = json_double(value) + 0.0;
    int64_t integer = 0;
    uint64_t bits;

    if (json_int(value, &integer) && (integer > EXACT_MAX || integer < -EXACT_MAX)) {
        return mix((uint64_t)integer, JSON_KIND_NULL);
    }
    memcpy(&bits, &number, sizeof(bits));
    return mix(bits, JSON_KIND_NUMBER);
}

static uint64_t hash_scalar(const struct json_span *span)
{
    switch (span->kind) {
    case JSON_KIND_NUMBER:
        return hash_number(span->value);
    case JSON_KIND_STRING:
        return mix(str_hash(json_text(span->value)), JSON_KIND_STRING);
    case JSON_KIND_BOOL:
        return json_is_yes(span->value) ? 1 : 2;
    case JSON_KIND_NULL:
    case JSON_KIND_OBJECT:
    case JSON_KIND_ARRAY:
        break;
    }
    return 3;
}

static void scan(struct scanner *sc, const struct json *value, struct json_span *ret)
{
    size_t start = sc->at;

    *ret = (struct json_span){.kind = json_kind_of(value), .value = value};
    switch (ret->kind) {
    case JSON_KIND_OBJECT:
    case JSON_KIND_ARRAY:
        scan_members(sc, ret);
        ret->hash = hash_members(ret);
        break;
    case JSON_KIND_STRING:
        (void)take_string(sc);
        ret->hash = hash_scalar(ret);
        break;
    case JSON_KIND_NUMBER:
    case JSON_KIND_BOOL:
    case JSON_KIND_NULL:
        skip_word(sc);
        ret->hash = hash_scalar(ret);
        break;
    }
    ret->raw = str_slice(sc->text, start, sc->at);
}

int json_span_parse(struct arena *arena, str text, struct json **ret_root, struct json_span *ret,
                    struct baro_error *err)
{
    struct scanner sc = {.arena = arena, .text = text};
    struct json *root = NULL;
    int r = json_doc_parse(text, &root, err);

    if (r < 0) {
        return r;
    }
    (void)skip_space(&sc);
    scan(&sc, root, ret);
    ASSERT(sc.at <= text.len);
    *ret_root = root;
    return 0;
}

const struct json_span_member *json_span_get(const struct json_span *object, str key)
{
    for (size_t i = 0; i < object->count; i++) {
        if (str_eq(object->members[i].key, key)) {
            return &object->members[i];
        }
    }
    return NULL;
}

/* Hashes of 64 bits are taken for the values: an accident is out of reach, and what a collision
 * made on purpose spoils is the file of whoever made it. */
bool json_span_same(const struct json_span *a, const struct json_span *b)
{
    return a->kind == b->kind && a->hash == b->hash;
}
