#include "model/labels.h"

#include "base/assert.h"

/* Sets up to this size are sorted by insertion, which is the fastest on nearly sorted input. */
enum { INSERTION_SORT_MAX = 32 };

str labels_get(struct labels labels, str name)
{
    for (size_t i = 0; i < labels.count; i++) {
        if (str_eq(labels.items[i].name, name)) {
            return labels.items[i].value;
        }
    }
    return STR_NULL;
}

int labels_cmp(struct labels a, struct labels b)
{
    size_t shorter = a.count < b.count ? a.count : b.count;

    for (size_t i = 0; i < shorter; i++) {
        int order = str_cmp(a.items[i].name, b.items[i].name);

        order = order != 0 ? order : str_cmp(a.items[i].value, b.items[i].value);
        if (order != 0) {
            return order;
        }
    }
    return (a.count > b.count) - (a.count < b.count);
}

bool labels_eq(struct labels a, struct labels b)
{
    if (a.count != b.count) {
        return false;
    }
    for (size_t i = 0; i < a.count; i++) {
        if (!str_eq(a.items[i].name, b.items[i].name) ||
            !str_eq(a.items[i].value, b.items[i].value)) {
            return false;
        }
    }
    return true;
}

/* The finaliser of SplitMix64: every bit of the input reaches every bit of the output, so pairs
 * that change places give another hash. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t labels_hash(struct labels labels)
{
    uint64_t hash = UINT64_C(0x9E3779B97F4A7C15);

    for (size_t i = 0; i < labels.count; i++) {
        hash = mix(hash + str_hash(labels.items[i].name));
        hash = mix(hash + str_hash(labels.items[i].value));
    }
    return hash;
}

static void put_sized(struct buf *buf, str s)
{
    if (s.len < 255) {
        buf_char(buf, (char)s.len);
    } else {
        buf_char(buf, (char)255);
        for (int shift = 0; shift < 24; shift += 8) {
            buf_char(buf, (char)(s.len >> shift));
        }
    }
    buf_str(buf, s);
}

uint64_t labels_hash_prometheus(struct labels labels)
{
    struct buf buf = {0};
    uint64_t hash;

    for (size_t i = 0; i < labels.count; i++) {
        put_sized(&buf, labels.items[i].name);
        put_sized(&buf, labels.items[i].value);
    }
    hash = str_hash_stable(buf_view(&buf));
    buf_done(&buf);
    return hash;
}

size_t labels_text_bytes(struct labels labels)
{
    size_t bytes = 0;

    for (size_t i = 0; i < labels.count; i++) {
        bytes += labels.items[i].name.len + labels.items[i].value.len;
    }
    return bytes;
}

struct labels labels_copy(struct arena *arena, struct labels labels)
{
    struct label *items;
    char *p;

    if (labels.count == 0) {
        return (struct labels){NULL, 0};
    }
    items = ARENA_ARRAY(arena, struct label, labels.count);
    p = arena_alloc(arena, labels_text_bytes(labels) + 1);
    for (size_t i = 0; i < labels.count; i++) {
        str name = labels.items[i].name;
        str value = labels.items[i].value;

        memcpy(p, name.ptr, name.len);
        items[i].name = str_of(p, name.len);
        p += name.len;
        if (value.len > 0) {
            memcpy(p, value.ptr, value.len);
        }
        items[i].value = str_of(p, value.len);
        p += value.len;
    }
    return (struct labels){items, labels.count};
}

static void sort_by_insertion(struct label *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct label item = items[i];
        size_t at = i;

        while (at > 0 && str_cmp(items[at - 1].name, item.name) > 0) {
            items[at] = items[at - 1];
            at--;
        }
        items[at] = item;
    }
}

static void sift_down(struct label *items, size_t at, size_t count)
{
    struct label item = items[at];

    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && str_cmp(items[child].name, items[child + 1].name) < 0) {
            child++;
        }
        if (str_cmp(item.name, items[child].name) >= 0) {
            break;
        }
        items[at] = items[child];
    }
    items[at] = item;
}

void labels_sort(struct label *items, size_t count)
{
    if (count <= INSERTION_SORT_MAX) {
        sort_by_insertion(items, count);
        return;
    }
    /* Heap sort, so that ten thousand labels of a hostile target cost no quadratic time. */
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(items, i, count);
    }
    for (size_t end = count - 1; end > 0; end--) {
        struct label last = items[end];

        items[end] = items[0];
        items[0] = last;
        sift_down(items, 0, end);
    }
}

struct labels labels_from_pairs(struct arena *arena, const struct label *pairs, size_t count)
{
    struct label *items;

    if (count == 0) {
        return (struct labels){NULL, 0};
    }
    items = ARENA_ARRAY(arena, struct label, count);
    memcpy(items, pairs, count * sizeof(*items));
    labels_sort(items, count);
    return (struct labels){items, count};
}

struct labels labels_without(struct arena *arena, struct labels labels, str name)
{
    struct label *items;
    size_t count = 0;

    if (labels_get(labels, name).ptr == NULL) {
        return labels;
    }
    items = ARENA_ARRAY(arena, struct label, labels.count);
    for (size_t i = 0; i < labels.count; i++) {
        if (!str_eq(labels.items[i].name, name)) {
            items[count++] = labels.items[i];
        }
    }
    return (struct labels){items, count};
}

struct labels labels_with(struct arena *arena, struct labels labels, str name, str value)
{
    struct label *items;
    size_t count = 0;
    size_t i = 0;

    if (value.len == 0) {
        return labels_without(arena, labels, name);
    }
    items = ARENA_ARRAY(arena, struct label, labels.count + 1);
    while (i < labels.count && str_cmp(labels.items[i].name, name) < 0) {
        items[count++] = labels.items[i++];
    }
    items[count++] = (struct label){name, value};
    i += i < labels.count && str_eq(labels.items[i].name, name) ? 1 : 0;
    while (i < labels.count) {
        items[count++] = labels.items[i++];
    }
    return (struct labels){items, count};
}

bool labels_has_duplicate(struct labels labels)
{
    for (size_t i = 1; i < labels.count; i++) {
        if (str_eq(labels.items[i - 1].name, labels.items[i].name)) {
            return true;
        }
    }
    return false;
}

static bool name_is_legacy(str name, bool colon)
{
    if (name.len == 0 || (name.ptr[0] >= '0' && name.ptr[0] <= '9')) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || (c == ':' && colon))) {
            return false;
        }
    }
    return true;
}

bool label_name_is_legacy(str name)
{
    return name_is_legacy(name, false);
}

bool metric_name_is_legacy(str name)
{
    return name_is_legacy(name, true);
}

static void format_pair(struct buf *buf, const char *separator, struct label label)
{
    buf_c(buf, separator);
    if (label_name_is_legacy(label.name)) {
        buf_str(buf, label.name);
    } else {
        buf_quoted(buf, label.name);
    }
    buf_char(buf, '=');
    buf_quoted(buf, label.value);
}

void labels_format(struct buf *buf, struct labels labels)
{
    str metric = labels_get(labels, LABEL_METRIC_NAME);
    bool bare = metric.ptr != NULL && metric_name_is_legacy(metric);
    const char *separator = "{";

    if (bare) {
        buf_str(buf, metric);
    } else if (metric.ptr != NULL) {
        buf_char(buf, '{');
        buf_quoted(buf, metric);
        separator = ", ";
    }
    for (size_t i = 0; i < labels.count; i++) {
        if (!str_eq(labels.items[i].name, LABEL_METRIC_NAME)) {
            format_pair(buf, separator, labels.items[i]);
            separator = ", ";
        }
    }
    if (separator[0] == ',') {
        buf_char(buf, '}');
    } else if (!bare) {
        buf_c(buf, "{}");
    }
}
