#include <stdlib.h>

#include "base/text.h"
#include "promql/engine_priv.h"

enum { INDEX_CAPACITY_MIN = 256 };

bool label_is_meta(str name)
{
    return name.len > 2 && name.ptr[0] == '_' &&
           (str_eq(name, LABEL_METRIC_NAME) || str_eq(name, LABEL_TYPE) ||
            str_eq(name, LABEL_UNIT));
}

struct labels labels_drop_meta(struct arena *arena, struct labels labels)
{
    size_t metas = 0;
    size_t first = 0;
    size_t kept = 0;
    struct label *items;

    /* Names are sorted, and these three begin with '_'. */
    for (size_t i = 0; i < labels.count && labels.items[i].name.len > 0 &&
                       (uint8_t)labels.items[i].name.ptr[0] <= '_';
         i++) {
        if (label_is_meta(labels.items[i].name)) {
            first = metas == 0 ? i : first;
            metas++;
        }
    }
    if (metas == 0) {
        return labels;
    }
    if (first == 0 && metas == 1) {
        return (struct labels){labels.items + 1, labels.count - 1};
    }
    items = arena_alloc(arena, labels.count * sizeof(*items));
    for (size_t i = 0; i < labels.count; i++) {
        if (!label_is_meta(labels.items[i].name)) {
            items[kept++] = labels.items[i];
        }
    }
    return (struct labels){items, kept};
}

static void index_insert(struct label_index *index, uint64_t hash, uint32_t ordinal)
{
    size_t slot = (size_t)hash & (index->capacity - 1);

    while (index->slots[slot] != 0) {
        slot = (slot + 1) & (index->capacity - 1);
    }
    index->slots[slot] = ordinal + 1;
}

static bool index_grow(struct label_index *index)
{
    size_t capacity = index->capacity == 0 ? INDEX_CAPACITY_MIN : index->capacity * 2;
    uint32_t *slots = mem_try(capacity * sizeof(*slots));
    uint64_t *hashes = mem_try_realloc(index->hashes, capacity / 2 * sizeof(*hashes));
    struct labels *sets;

    if (hashes != NULL) {
        index->hashes = hashes;
    }
    sets = mem_try_realloc(index->sets, capacity / 2 * sizeof(*sets));
    if (sets != NULL) {
        index->sets = sets;
    }
    if (slots == NULL || hashes == NULL || sets == NULL) {
        (void)mem_free(slots);
        return false;
    }
    memset(slots, 0, capacity * sizeof(*slots));
    (void)mem_free(index->slots);
    index->slots = slots;
    index->capacity = capacity;
    for (size_t i = 0; i < index->count; i++) {
        index_insert(index, index->hashes[i], (uint32_t)i);
    }
    return true;
}

static bool index_find(const struct label_index *index, struct labels labels, uint64_t hash,
                       uint32_t *ret)
{
    size_t slot = (size_t)hash & (index->capacity - 1);

    while (index->slots[slot] != 0) {
        uint32_t ordinal = index->slots[slot] - 1;

        if (index->hashes[ordinal] == hash && labels_eq(index->sets[ordinal], labels)) {
            *ret = ordinal;
            return true;
        }
        slot = (slot + 1) & (index->capacity - 1);
    }
    return false;
}

int label_index_put(struct label_index *index, struct arena *arena, struct labels labels,
                    uint32_t *ret, struct baro_error *err)
{
    uint64_t hash = labels_hash(labels);
    struct label *items = NULL;

    if (index->capacity != 0 && index_find(index, labels, hash, ret)) {
        return 0;
    }
    if ((index->count + 1) * 2 > index->capacity && !index_grow(index)) {
        return error_set(err, BARO_ELIMIT, "query needs too much memory in query execution");
    }
    if (labels.count > 0) {
        items = arena_try(arena, labels.count * sizeof(*items));
        if (items == NULL) {
            return error_set(err, BARO_ELIMIT, "query needs too much memory in query execution");
        }
        memcpy(items, labels.items, labels.count * sizeof(*items));
    }
    index->sets[index->count] = (struct labels){items, labels.count};
    index->hashes[index->count] = hash;
    index_insert(index, hash, (uint32_t)index->count);
    *ret = (uint32_t)index->count++;
    return 1;
}

void label_index_done(struct label_index *index)
{
    index->slots = mem_free(index->slots);
    index->sets = mem_free(index->sets);
    index->hashes = mem_free(index->hashes);
    *index = (struct label_index){0};
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

void label_choice_init(struct label_choice *choice, struct arena *arena, const str *names,
                       size_t count, bool without, const char *extra)
{
    str *sorted = ARENA_ARRAY(arena, str, count + 1);

    if (count > 0) {
        memcpy(sorted, names, count * sizeof(*sorted));
    }
    if (extra != NULL) {
        sorted[count++] = str_from(extra);
    }
    qsort(sorted, count, sizeof(*sorted), compare_names);
    *choice = (struct label_choice){.names = sorted, .count = count, .without = without};
}

struct labels label_choice_pick(const struct label_choice *choice, struct labels labels,
                                struct label *room)
{
    size_t kept = 0;
    size_t name = 0;

    for (size_t i = 0; i < labels.count; i++) {
        int order = -1;

        while (name < choice->count &&
               (order = str_cmp(labels.items[i].name, choice->names[name])) > 0) {
            name++;
        }
        if (name == choice->count && !choice->without) {
            break;
        }
        if ((name < choice->count && order == 0) != choice->without) {
            room[kept++] = labels.items[i];
        }
    }
    return (struct labels){room, kept};
}

static bool picker_knows(const struct label_choice *choice, const struct label_picker *picker,
                         struct labels labels)
{
    if (!picker->is_usable || labels.count != picker->label_count) {
        return false;
    }
    if (choice->without) {
        for (size_t i = 0; i < labels.count; i++) {
            if (!str_is_same(labels.items[i].name, picker->names[i])) {
                return false;
            }
        }
        return true;
    }
    for (size_t i = 0; i < picker->picked; i++) {
        if (!str_is_same(labels.items[picker->at[i]].name, picker->names[i])) {
            return false;
        }
    }
    return true;
}

/* By names of which some were absent says nothing about another set of as many labels. */
static void picker_learn(const struct label_choice *choice, struct label_picker *picker,
                         struct labels labels, struct labels picked)
{
    size_t next = 0;

    picker->generation++;
    picker->label_count = labels.count;
    picker->picked = picked.count;
    picker->is_usable =
        labels.count <= LABEL_ROOM && (choice->without || picked.count == choice->count);
    for (size_t i = 0; picker->is_usable && i < labels.count; i++) {
        bool is_picked =
            next < picked.count && str_is_same(labels.items[i].name, picked.items[next].name);

        if (choice->without) {
            picker->names[i] = labels.items[i].name;
        } else if (is_picked) {
            picker->names[next] = labels.items[i].name;
        }
        if (is_picked) {
            picker->at[next++] = (uint16_t)i;
        }
    }
}

struct labels label_choice_pick_again(const struct label_choice *choice,
                                      struct label_picker *picker, struct labels labels,
                                      struct label *room, bool *ret_known)
{
    struct labels picked;

    *ret_known = picker_knows(choice, picker, labels);
    if (*ret_known) {
        for (size_t i = 0; i < picker->picked; i++) {
            room[i] = labels.items[picker->at[i]];
        }
        return (struct labels){room, picker->picked};
    }
    picked = label_choice_pick(choice, labels, room);
    picker_learn(choice, picker, labels, picked);
    return picked;
}

const char *labels_string(struct arena *arena, struct labels labels)
{
    struct buf buf = {0};
    str text;

    buf_char(&buf, '{');
    for (size_t i = 0; i < labels.count; i++) {
        bool plain = label_name_is_legacy(labels.items[i].name);

        buf_c(&buf, i == 0 ? "" : ", ");
        buf_c(&buf, plain ? "" : "\"");
        buf_str(&buf, labels.items[i].name);
        buf_c(&buf, plain ? "=\"" : "\"=\"");
        buf_str(&buf, labels.items[i].value);
        buf_char(&buf, '"');
    }
    buf_char(&buf, '}');
    text = text_take(arena, &buf);
    return text.ptr;
}

int eval_error_same_labels(struct baro_error *err)
{
    return error_set(err, BARO_EEXEC, "vector cannot contain metrics with the same labelset");
}

/* Rows that all have the same metric name stay distinct when they lose it. */
static bool names_are_equal(const struct value *value)
{
    str name = STR_NULL;

    for (size_t i = 0; i < value->count; i++) {
        struct labels labels = value->rows[i].labels;
        size_t metas = 0;

        for (size_t l = 0; l < labels.count; l++) {
            metas += label_is_meta(labels.items[l].name);
        }
        if (metas > 1) {
            return false;
        }
        if (i == 0) {
            name = labels_get(labels, LABEL_METRIC_NAME);
        } else if (!str_eq(name, labels_get(labels, LABEL_METRIC_NAME))) {
            return false;
        }
    }
    return true;
}

static int merge_row(struct eval *ev, struct row *into, const struct row *from, size_t steps,
                     struct baro_error *err)
{
    if (from->h != NULL && into->h == NULL) {
        into->h = eval_histograms(ev, steps, err);
        if (into->h == NULL) {
            return BARO_ELIMIT;
        }
    }
    for (size_t i = 0; i < steps; i++) {
        if (!row_has(from, i)) {
            continue;
        }
        if (row_has(into, i)) {
            return eval_error_same_labels(err);
        }
        into->v[i] = from->v[i];
        if (from->h != NULL) {
            into->h[i] = from->h[i];
        }
    }
    return 0;
}

int value_merge(struct eval *ev, const struct timeline *line, struct value *value,
                struct baro_error *err)
{
    struct label_index index = {0};
    size_t kept = 0;
    int r = 0;

    for (size_t i = 0; i < value->count && r >= 0; i++) {
        uint32_t ordinal = 0;

        r = label_index_put(&index, ev->scratch, value->rows[i].labels, &ordinal, err);
        if (r > 0) {
            value->rows[kept++] = value->rows[i];
        } else if (r == 0) {
            r = merge_row(ev, &value->rows[ordinal], &value->rows[i], line->steps, err);
        }
        r = r < 0 ? r : eval_tick(ev, 10, err);
    }
    if (r >= 0) {
        value->count = kept;
    }
    label_index_done(&index);
    return r < 0 ? r : 0;
}

int value_drop_names(struct eval *ev, const struct timeline *line, struct value *value,
                     struct baro_error *err)
{
    bool equal;

    if (ev->delayed_name_removal) {
        for (size_t i = 0; i < value->count; i++) {
            value->rows[i].drop_name = true;
        }
        return 0;
    }
    equal = names_are_equal(value);
    for (size_t i = 0; i < value->count; i++) {
        value->rows[i].labels = labels_drop_meta(ev->keep, value->rows[i].labels);
    }
    return equal ? 0 : value_merge(ev, line, value, err);
}
