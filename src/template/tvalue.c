#include "template/tvalue.h"

#include <stdlib.h>

#include "base/num.h"

struct tvalue tvalue_list_of(struct arena *arena, const struct tvalue *items, size_t count)
{
    struct tvalue_list *list = ARENA_NEW(arena, struct tvalue_list);

    *list = (struct tvalue_list){.items = items, .count = count};
    return (struct tvalue){.kind = TVALUE_LIST, .list = list};
}

/* Room for twice as many as are wanted, with those of the list in it. */
static struct tvalue_room *room_new(struct arena *arena, const struct tvalue_list *list,
                                    size_t wanted)
{
    struct tvalue_room *room =
        arena_alloc(arena, sizeof(*room) + 2 * wanted * sizeof(struct tvalue));

    *room = (struct tvalue_room){.used = list->count, .capacity = 2 * wanted};
    for (size_t i = 0; i < list->count; i++) {
        room->items[i] = list->items[i];
    }
    return room;
}

struct tvalue tvalue_list_append(struct arena *arena, const struct tvalue_list *list,
                                 const struct tvalue *items, size_t count)
{
    struct tvalue_list *longer = ARENA_NEW(arena, struct tvalue_list);
    struct tvalue_room *room = list->room;
    size_t wanted = list->count + count;

    /* Behind the list something else may stand already. */
    if (room == NULL || list->items + list->count != room->items + room->used ||
        room->capacity - room->used < count) {
        room = room_new(arena, list, wanted);
        *longer = (struct tvalue_list){.items = room->items, .count = wanted, .room = room};
    } else {
        *longer = (struct tvalue_list){.items = list->items, .count = wanted, .room = room};
    }
    for (size_t i = 0; i < count; i++) {
        room->items[room->used++] = items[i];
    }
    return (struct tvalue){.kind = TVALUE_LIST, .list = longer};
}

struct entry {
    str key;
    struct tvalue value;
};

static int entry_compare(const void *a, const void *b)
{
    return str_cmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

struct tvalue tvalue_map_of(struct arena *arena, str *keys, struct tvalue *values, size_t count,
                            struct tvalue absent)
{
    struct tvalue_map *map = ARENA_NEW(arena, struct tvalue_map);
    struct entry *entries = ARENA_ARRAY(arena, struct entry, count);

    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct entry){keys[i], values[i]};
    }
    if (count > 1) {
        qsort(entries, count, sizeof(*entries), entry_compare);
    }
    for (size_t i = 0; i < count; i++) {
        keys[i] = entries[i].key;
        values[i] = entries[i].value;
    }
    *map = (struct tvalue_map){keys, values, count, absent};
    return (struct tvalue){.kind = TVALUE_MAP, .map = map};
}

struct tvalue tvalue_map_get(const struct tvalue_map *map, str key, bool *ret_found)
{
    size_t low = 0;
    size_t high = map->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(map->keys[middle], key);

        if (order == 0) {
            if (ret_found != NULL) {
                *ret_found = true;
            }
            return map->values[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (ret_found != NULL) {
        *ret_found = false;
    }
    return map->absent;
}

const char *tvalue_type_name(const struct tvalue *value)
{
    static const char *const names[TVALUE_KIND_COUNT] = {
        [TVALUE_NONE] = "interface {}",   [TVALUE_NIL] = "untyped nil",
        [TVALUE_BOOL] = "bool",           [TVALUE_INT] = "int",
        [TVALUE_FLOAT] = "float64",       [TVALUE_STRING] = "string",
        [TVALUE_LIST] = "[]interface {}", [TVALUE_MAP] = "map[string]interface {}",
        [TVALUE_STRUCT] = "struct {}",
    };

    if (value->type != NULL) {
        return value->type->name;
    }
    if (value->kind == TVALUE_MAP && value->map->absent.kind == TVALUE_STRING) {
        return "map[string]string";
    }
    if (value->kind == TVALUE_LIST && value->list->item_type != NULL) {
        return value->list->item_type;
    }
    return names[value->kind];
}

bool tvalue_is_true(const struct tvalue *value)
{
    switch (value->kind) {
    case TVALUE_NONE:
    case TVALUE_NIL:
        return false;
    case TVALUE_BOOL:
        return value->boolean;
    case TVALUE_INT:
        return value->integer != 0;
    case TVALUE_FLOAT:
        return value->number != 0;
    case TVALUE_STRING:
        return value->string.len > 0;
    case TVALUE_LIST:
        return value->list->count > 0;
    case TVALUE_MAP:
        return value->map->count > 0;
    case TVALUE_STRUCT:
    case TVALUE_KIND_COUNT:
        break;
    }
    return true;
}

/* Inside of lists and maps nothing is "<nil>", where at the top it is "<no value>". */
static void print_item(struct buf *buf, const struct tvalue *value)
{
    if (value->kind == TVALUE_NONE) {
        buf_c(buf, "<nil>");
    } else {
        tvalue_print(buf, value);
    }
}

static void print_list(struct buf *buf, const struct tvalue_list *list)
{
    buf_char(buf, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) {
            buf_char(buf, ' ');
        }
        print_item(buf, &list->items[i]);
    }
    buf_char(buf, ']');
}

static void print_map(struct buf *buf, const struct tvalue_map *map)
{
    buf_c(buf, "map[");
    for (size_t i = 0; i < map->count; i++) {
        if (i > 0) {
            buf_char(buf, ' ');
        }
        buf_str(buf, map->keys[i]);
        buf_char(buf, ':');
        print_item(buf, &map->values[i]);
    }
    buf_char(buf, ']');
}

void tvalue_print(struct buf *buf, const struct tvalue *value)
{
    if (value->type != NULL && value->type->print != NULL) {
        value->type->print(buf, value);
        return;
    }
    switch (value->kind) {
    case TVALUE_NONE:
        buf_c(buf, "<no value>");
        break;
    case TVALUE_NIL:
        buf_c(buf, "<nil>");
        break;
    case TVALUE_BOOL:
        buf_c(buf, value->boolean ? "true" : "false");
        break;
    case TVALUE_INT:
        buf_i64(buf, value->integer);
        break;
    case TVALUE_FLOAT:
        buf_double(buf, value->number, NUM_G);
        break;
    case TVALUE_STRING:
        buf_str(buf, value->string);
        break;
    case TVALUE_LIST:
        print_list(buf, value->list);
        break;
    case TVALUE_MAP:
        print_map(buf, value->map);
        break;
    case TVALUE_STRUCT:
        buf_printf(buf, "{%s}", tvalue_type_name(value));
        break;
    case TVALUE_KIND_COUNT:
        break;
    }
}
