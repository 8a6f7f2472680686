#include "codec/yaml.h"

#include <yaml.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "codec/base64.h"

/* Mappings up to this size are searched for duplicates pair by pair; larger ones get a map. */
enum { PAIRS_LINEAR_MAX = 12 };

/* A container that is being read; its children lie on the common stack from `first` on. */
struct frame {
    struct yaml_node *node;
    size_t first;
};

struct builder {
    struct arena *arena;
    struct baro_error *err;
    VEC(struct frame) frames;
    VEC(const struct yaml_node *) children;
    struct map anchors; /* name: node */
    uint64_t weight;    /* nodes made so far, aliases expanded */
    const struct yaml_node *root;
};

static int fail_at(struct builder *b, int code, yaml_mark_t mark, const char *text, str name)
{
    return error_at_line(b->err, code, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1, text,
                         STR_ARG(name));
}

static int fail_node(struct builder *b, const struct yaml_node *node, const char *text, str name)
{
    return error_at_line(b->err, BARO_EPARSE, node->line, node->column, text, STR_ARG(name));
}

static int count_weight(struct builder *b, uint64_t more, yaml_mark_t mark)
{
    b->weight += more;
    if (b->weight > YAML_NODES_MAX) {
        return fail_at(b, BARO_ELIMIT, mark, "document is too large, or has too many aliases%.*s",
                       STR_NULL);
    }
    return 0;
}

/* A finished node goes below the open container, or becomes the root. */
static void place_node(struct builder *b, const struct yaml_node *node)
{
    if (b->frames.count == 0) {
        b->root = node;
    } else {
        vec_push(&b->children, node);
    }
}

static int new_node(struct builder *b, enum yaml_kind kind, yaml_mark_t mark, const void *anchor,
                    struct yaml_node **ret)
{
    struct yaml_node *node = arena_try(b->arena, sizeof(*node));
    int r = count_weight(b, 1, mark);

    if (r < 0) {
        return r;
    }
    if (node == NULL) {
        return fail_at(b, BARO_ELIMIT, mark, "document is too large%.*s", STR_NULL);
    }
    *node = (struct yaml_node){
        .kind = kind,
        .line = (uint32_t)mark.line + 1,
        .column = (uint32_t)mark.column + 1,
        .weight = 1,
    };
    if (anchor != NULL) {
        (void)map_put(&b->anchors, arena_str(b->arena, str_from(anchor)), node);
    }
    *ret = node;
    return 0;
}

static bool decode_base64(struct arena *arena, str text, str *ret)
{
    CLEANUP(buf_done) struct buf bytes = {0};
    size_t bad;
    char *copy = NULL;

    if (base64_decode(&bytes, text, false, &bad) && !bytes.failed) {
        copy = arena_try(arena, bytes.len + 1);
    }
    if (copy != NULL) {
        memcpy(copy, bytes.len > 0 ? bytes.ptr : "", bytes.len);
        *ret = str_of(copy, bytes.len);
    }
    return copy != NULL;
}

static enum yaml_style style_of(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return YAML_STYLE_SINGLE_QUOTED;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return YAML_STYLE_DOUBLE_QUOTED;
    case YAML_LITERAL_SCALAR_STYLE:
        return YAML_STYLE_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE:
        return YAML_STYLE_FOLDED;
    case YAML_ANY_SCALAR_STYLE:
    case YAML_PLAIN_SCALAR_STYLE:
        break;
    }
    return YAML_STYLE_PLAIN;
}

/* The types that a tag of YAML's own demands; -1 for tags of others, which are strings to us. */
static int tag_type(const char *tag)
{
    static const struct {
        const char *tag;
        int type;
    } tags[] = {
        {YAML_STR_TAG, YAML_TYPE_STRING},  {YAML_NULL_TAG, YAML_TYPE_NULL},
        {YAML_BOOL_TAG, YAML_TYPE_BOOL},   {YAML_INT_TAG, YAML_TYPE_INT},
        {YAML_FLOAT_TAG, YAML_TYPE_FLOAT},
    };

    for (size_t i = 0; i < ARRAY_COUNT(tags); i++) {
        if (strcmp(tags[i].tag, tag) == 0) {
            return tags[i].type;
        }
    }
    return -1;
}

static int apply_tag(struct builder *b, struct yaml_node *node, const char *tag)
{
    struct yaml_value value;
    int wanted = tag_type(tag);

    if (strcmp(tag, "tag:yaml.org,2002:binary") == 0) {
        node->type = YAML_TYPE_STRING;
        if (!decode_base64(b->arena, node->text, &node->text)) {
            return fail_node(b, node, "!!binary value contains invalid base64 data%.*s", STR_NULL);
        }
        return 0;
    }
    if (wanted < 0 || wanted == YAML_TYPE_STRING) {
        node->type = YAML_TYPE_STRING;
        return 0;
    }
    node->type = yaml_resolve(node->text, &value);
    node->natural = value.natural;
    if (wanted == YAML_TYPE_FLOAT && node->type == YAML_TYPE_INT) {
        node->type = YAML_TYPE_FLOAT;
        node->number = (double)value.integer;
    }
    if (node->type != (enum yaml_type)wanted &&
        !(wanted == YAML_TYPE_INT && node->type == YAML_TYPE_UINT)) {
        return fail_node(b, node, "cannot decode `%.*s` as its tag demands", node->text);
    }
    return 0;
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
    struct yaml_node *node = NULL;
    str text = str_of((const char *)event->data.scalar.value, event->data.scalar.length);
    const char *tag = (const char *)event->data.scalar.tag;
    int r = new_node(b, YAML_KIND_SCALAR, event->start_mark, event->data.scalar.anchor, &node);

    if (r < 0) {
        return r;
    }
    node->style = style_of(event->data.scalar.style);
    node->text = arena_str(b->arena, text);
    if (tag != NULL && strcmp(tag, "!") != 0) {
        r = apply_tag(b, node, tag);
        if (r < 0) {
            return r;
        }
    } else if (tag != NULL || node->style != YAML_STYLE_PLAIN) {
        node->type = YAML_TYPE_STRING;
    } else {
        struct yaml_value value;

        node->type = yaml_resolve(node->text, &value);
        node->natural = value.natural;
    }
    place_node(b, node);
    return 0;
}

static int on_start(struct builder *b, const yaml_event_t *event, enum yaml_kind kind,
                    const void *anchor)
{
    struct yaml_node *node = NULL;
    int r = new_node(b, kind, event->start_mark, anchor, &node);

    if (r < 0) {
        return r;
    }
    if (b->frames.count >= YAML_DEPTH_MAX) {
        return fail_at(b, BARO_ELIMIT, event->start_mark, "document is nested too deeply%.*s",
                       STR_NULL);
    }
    node->weight = 0; /* set at the end; 0 tells an alias that the node is still open */
    vec_push(&b->frames, ((struct frame){node, b->children.count}));
    return 0;
}

static int on_alias(struct builder *b, const yaml_event_t *event)
{
    str name = str_from((const char *)event->data.alias.anchor);
    const struct yaml_node *node = map_get(&b->anchors, name);

    if (node == NULL) {
        return fail_at(b, BARO_EPARSE, event->start_mark, "unknown anchor '%.*s' referenced", name);
    }
    if (node->weight == 0) {
        return fail_at(b, BARO_EPARSE, event->start_mark, "anchor '%.*s' value contains itself",
                       name);
    }
    int r = count_weight(b, node->weight, event->start_mark);
    if (r < 0) {
        return r;
    }
    place_node(b, node);
    return 0;
}

static bool is_merge_key(const struct yaml_node *key)
{
    return key->kind == YAML_KIND_SCALAR && key->style == YAML_STYLE_PLAIN &&
           str_eq(key->text, STR("<<"));
}

static const struct yaml_pair *find_pair(const struct yaml_pair *pairs, size_t count, str key)
{
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].key->kind == YAML_KIND_SCALAR && str_eq(pairs[i].key->text, key)) {
            return &pairs[i];
        }
    }
    return NULL;
}

typedef VEC(struct yaml_pair) pair_vec;

/* Keys seen so far: a scan while they are few, a map afterwards. */
static const struct yaml_node *key_seen(struct map *seen, const pair_vec *pairs, str key)
{
    if (pairs->count <= PAIRS_LINEAR_MAX) {
        const struct yaml_pair *pair = find_pair(pairs->items, pairs->count, key);

        return pair != NULL ? pair->key : NULL;
    }
    if (seen->count == 0) {
        for (size_t i = 0; i < pairs->count; i++) {
            const struct yaml_node *earlier = pairs->items[i].key;

            if (earlier->kind == YAML_KIND_SCALAR) {
                (void)map_put(seen, earlier->text, (void *)(uintptr_t)earlier);
            }
        }
    }
    return map_get(seen, key);
}

static void add_pair(struct map *seen, pair_vec *pairs, struct yaml_pair pair)
{
    vec_push(pairs, pair);
    if (seen->count > 0 && pair.key->kind == YAML_KIND_SCALAR) {
        (void)map_put(seen, pair.key->text, (void *)(uintptr_t)pair.key);
    }
}

static int merge_mapping(struct builder *b, const struct yaml_node *from, struct map *seen,
                         pair_vec *pairs)
{
    if (from->kind != YAML_KIND_MAPPING) {
        return fail_node(b, from, "map merge requires map or sequence of maps as the value%.*s",
                         STR_NULL);
    }
    /* Merged pairs are copied, so they weigh as much as an alias does. */
    int r = count_weight(b, from->weight, (yaml_mark_t){0, from->line - 1, from->column - 1});
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < from->pair_count; i++) {
        const struct yaml_node *key = from->pairs[i].key;

        if (key->kind != YAML_KIND_SCALAR || key_seen(seen, pairs, key->text) == NULL) {
            add_pair(seen, pairs, from->pairs[i]);
        }
    }
    return 0;
}

static int merge_value(struct builder *b, const struct yaml_node *value, struct map *seen,
                       pair_vec *pairs)
{
    if (value->kind != YAML_KIND_SEQUENCE) {
        return merge_mapping(b, value, seen, pairs);
    }
    for (size_t i = 0; i < value->item_count; i++) {
        int r = merge_mapping(b, value->items[i], seen, pairs);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* The pairs that stand in the mapping itself come first: what is merged never overrides them. */
static int collect_pairs(struct builder *b, const struct yaml_node *const *children, size_t count,
                         struct map *seen, pair_vec *pairs)
{
    bool has_merge = false;

    for (size_t i = 0; i + 1 < count; i += 2) {
        const struct yaml_node *key = children[i];

        if (is_merge_key(key)) {
            has_merge = true;
            continue;
        }
        if (key->kind == YAML_KIND_SCALAR && key_seen(seen, pairs, key->text) != NULL) {
            return fail_node(b, key, "key \"%.*s\" already set in map", key->text);
        }
        add_pair(seen, pairs, (struct yaml_pair){key, children[i + 1]});
    }
    for (size_t i = 0; has_merge && i + 1 < count; i += 2) {
        int r = is_merge_key(children[i]) ? merge_value(b, children[i + 1], seen, pairs) : 0;

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int finish_mapping(struct builder *b, struct yaml_node *node,
                          const struct yaml_node *const *children, size_t count)
{
    struct map seen = {0};
    pair_vec pairs = {0};
    int r = collect_pairs(b, children, count, &seen, &pairs);

    if (r >= 0) {
        struct yaml_pair *copy = arena_try(b->arena, pairs.count * sizeof(*copy) + 1);

        if (copy == NULL) {
            r = fail_node(b, node, "document is too large%.*s", STR_NULL);
        } else if (pairs.count > 0) {
            memcpy(copy, pairs.items, pairs.count * sizeof(*copy));
        }
        node->pairs = copy;
        node->pair_count = pairs.count;
        for (size_t i = 0; i < pairs.count; i++) {
            node->weight += pairs.items[i].key->weight + pairs.items[i].value->weight;
        }
    }
    vec_done(&pairs);
    map_done(&seen);
    return r;
}

static int on_end(struct builder *b)
{
    struct frame frame = vec_pop(&b->frames);
    struct yaml_node *node = frame.node;
    size_t count = b->children.count - frame.first;
    const struct yaml_node **children = count > 0 ? &b->children.items[frame.first] : NULL;
    uint64_t weight = 1;
    int r = 0;

    if (node->kind == YAML_KIND_MAPPING) {
        r = finish_mapping(b, node, children, count);
        weight += node->weight;
    } else {
        const struct yaml_node **copy = arena_try(b->arena, count * sizeof(*copy) + 1);

        if (copy == NULL) {
            return fail_node(b, node, "document is too large%.*s", STR_NULL);
        }
        for (size_t i = 0; i < count; i++) {
            copy[i] = children[i];
            weight += children[i]->weight;
        }
        node->items = copy;
        node->item_count = count;
    }
    node->weight = weight;
    b->children.count = frame.first;
    if (r >= 0) {
        place_node(b, node);
    }
    return r;
}

/* Returns 1 when the document has ended. */
static int on_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_START_EVENT:
        return 0;
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return 1;
    case YAML_ALIAS_EVENT:
        return on_alias(b, event);
    case YAML_SCALAR_EVENT:
        return on_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(b, event, YAML_KIND_SEQUENCE, event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return on_start(b, event, YAML_KIND_MAPPING, event->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(b);
    }
    return 0;
}

/* libyaml knows only the offset of bytes that are no UTF-8. */
static int fail_reader(const yaml_parser_t *parser, str text, struct baro_error *err)
{
    uint32_t line = 1;
    uint32_t column = 1;

    for (size_t i = 0; i < parser->problem_offset && i < text.len; i++) {
        column++;
        if (text.ptr[i] == '\n') {
            line++;
            column = 1;
        }
    }
    return error_at_line(err, BARO_EPARSE, line, column, "%s", parser->problem);
}

static int fail_parser(const yaml_parser_t *parser, str text, struct baro_error *err)
{
    yaml_mark_t mark = parser->problem_mark;
    const char *problem = parser->problem != NULL ? parser->problem : "unknown problem";

    if (parser->error == YAML_READER_ERROR) {
        return fail_reader(parser, text, err);
    }
    if (parser->error == YAML_MEMORY_ERROR) {
        return error_set(err, BARO_ELIMIT, "document is too large");
    }
    return error_at_line(err, BARO_EPARSE, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1,
                         "%s%s%s", parser->context != NULL ? parser->context : "",
                         parser->context != NULL ? ": " : "", problem);
}

static int run_parser(struct builder *b, yaml_parser_t *parser, str text)
{
    for (;;) {
        yaml_event_t event;

        if (!yaml_parser_parse(parser, &event)) {
            return fail_parser(parser, text, b->err);
        }
        int r = on_event(b, &event);
        yaml_event_delete(&event);
        if (r != 0) {
            return r < 0 ? r : 0;
        }
    }
}

int yaml_parse(struct arena *arena, str text, const struct yaml_node **ret, struct baro_error *err)
{
    struct builder b = {.arena = arena, .err = err};
    yaml_parser_t parser;

    if (text.len > YAML_BYTES_MAX) {
        return error_set(err, BARO_ELIMIT, "document is larger than %zu MiB", YAML_BYTES_MAX >> 20);
    }
    if (!yaml_parser_initialize(&parser)) {
        return error_set(err, BARO_ELIMIT, "out of memory");
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.ptr != NULL ? text.ptr : ""),
                                 text.len);
    int r = run_parser(&b, &parser, text);
    if (r >= 0) {
        *ret = b.root;
    }
    yaml_parser_delete(&parser);
    vec_done(&b.frames);
    vec_done(&b.children);
    map_done(&b.anchors);
    return r;
}

const struct yaml_pair *yaml_pair_get(const struct yaml_node *node, str key)
{
    if (node == NULL || node->kind != YAML_KIND_MAPPING) {
        return NULL;
    }
    return find_pair(node->pairs, node->pair_count, key);
}

const struct yaml_node *yaml_key_of(const struct yaml_node *mapping, str key)
{
    const struct yaml_pair *pair = yaml_pair_get(mapping, key);

    return pair != NULL ? pair->key : mapping;
}

const struct yaml_node *yaml_get(const struct yaml_node *node, str key)
{
    const struct yaml_pair *pair = yaml_pair_get(node, key);

    return pair != NULL ? pair->value : NULL;
}

bool yaml_eq(const struct yaml_node *a, const struct yaml_node *b)
{
    bool same = a == b;

    if (same || a == NULL || b == NULL || a->kind != b->kind) {
        return same;
    }
    switch (a->kind) {
    case YAML_KIND_SCALAR:
        same = a->type == b->type && str_eq(a->text, b->text);
        break;
    case YAML_KIND_SEQUENCE:
        same = a->item_count == b->item_count;
        for (size_t i = 0; same && i < a->item_count; i++) {
            same = yaml_eq(a->items[i], b->items[i]);
        }
        break;
    case YAML_KIND_MAPPING:
        same = a->pair_count == b->pair_count;
        for (size_t i = 0; same && i < a->pair_count; i++) {
            same = yaml_eq(a->pairs[i].key, b->pairs[i].key) &&
                   yaml_eq(a->pairs[i].value, b->pairs[i].value);
        }
        break;
    }
    return same;
}

const char *yaml_tag_name(const struct yaml_node *node)
{
    static const char *const scalars[] = {
        [YAML_TYPE_NULL] = "!!null", [YAML_TYPE_BOOL] = "!!bool",   [YAML_TYPE_INT] = "!!int",
        [YAML_TYPE_UINT] = "!!int",  [YAML_TYPE_FLOAT] = "!!float", [YAML_TYPE_STRING] = "!!str",
    };

    switch (node->kind) {
    case YAML_KIND_SCALAR:
        return scalars[node->type];
    case YAML_KIND_SEQUENCE:
        return "!!seq";
    case YAML_KIND_MAPPING:
        return "!!map";
    }
    return "!!null";
}
