#include "conf/option.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/text.h"
#include "codec/regex.h"
#include "conf/option_priv.h"
#include "conf/url.h"

/* "did you mean": at most this many letters wrong, and at most a third of the word. */
enum { DISTANCE_MAX = 4 };

STATIC_ASSERT(sizeof(struct conf_strs) == OPTION_SLOT_BYTES, "a list fills a slot");
STATIC_ASSERT(sizeof(struct option_list) == OPTION_SLOT_BYTES, "a list fills a slot");
STATIC_ASSERT(sizeof(struct secret) == OPTION_SLOT_BYTES, "a secret fills a slot");

static void fault_v(struct option_reader *rd, const struct yaml_node *node, const char *format,
                    va_list args)
{
    char message[sizeof(((struct baro_error *)0)->message)];

    (void)vsnprintf(message, sizeof(message), format, args);
    (void)faults_add(rd->faults, BARO_EPARSE, rd->file, node != NULL ? node->line : 1,
                     node != NULL ? node->column : 1, "%s", message);
}

void option_fault(struct option_reader *rd, const struct yaml_node *node, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fault_v(rd, node, format, args);
    va_end(args);
}

void option_fault_key(struct option_reader *rd, const struct yaml_node *mapping, const char *key,
                      const char *format, ...)
{
    const struct yaml_node *value = yaml_get(mapping, str_from(key));
    va_list args;

    va_start(args, format);
    fault_v(rd, value != NULL ? value : mapping, format, args);
    va_end(args);
}

const char *option_quoted(struct option_reader *rd, str text)
{
    return text_quoted(rd->arena, text).ptr;
}

void option_unsupported(struct option_reader *rd, const struct yaml_node *node, const char *what)
{
    struct baro_error note = {0};

    if (rd->quiet || rd->unsupported->count >= OPTION_NOTES_MAX) {
        return;
    }
    (void)error_at_line(&note, BARO_EUNSUPPORTED, node->line, node->column,
                        "'%s' is not supported yet", what);
    (void)snprintf(note.input, sizeof(note.input), "%s", rd->file);
    vec_push(rd->unsupported, note);
}

str option_path(struct arena *arena, str dir, str path)
{
    VEC(str) parts = {0};
    struct buf buf = {0};

    if (path.len == 0 || path.ptr[0] == '/') {
        return path;
    }
    str both = arena_printf(arena, "%.*s/%.*s", STR_ARG(dir), STR_ARG(path));
    bool absolute = dir.len > 0 && dir.ptr[0] == '/';
    for (str part; str_split_next(&both, '/', &part);) {
        if (part.len == 0 || str_is(part, ".")) {
            continue;
        }
        if (str_is(part, "..") && parts.count > 0 && !str_is(*vec_last(&parts), "..")) {
            parts.count--;
        } else if (!str_is(part, "..") || !absolute) {
            vec_push(&parts, part);
        }
    }
    for (size_t i = 0; i < parts.count; i++) {
        buf_c(&buf, i > 0 || absolute ? "/" : "");
        buf_str(&buf, parts.items[i]);
    }
    str joined = arena_str(arena, buf.len > 0 ? buf_view(&buf) : absolute ? STR("/") : STR("."));
    buf_done(&buf);
    vec_done(&parts);
    return joined;
}

/* ---- scalars ---- */

static bool wrong_type(struct option_reader *rd, const struct yaml_node *node, const char *wanted)
{
    if (node->kind == YAML_KIND_SCALAR) {
        option_fault(rd, node, "cannot unmarshal %s `%.*s` into %s", yaml_tag_name(node),
                     STR_ARG(str_slice(node->text, 0, 40)), wanted);
    } else {
        option_fault(rd, node, "cannot unmarshal %s into %s", yaml_tag_name(node), wanted);
    }
    return false;
}

bool option_text(struct option_reader *rd, const struct yaml_node *node, str *ret)
{
    if (node->kind != YAML_KIND_SCALAR) {
        return wrong_type(rd, node, "string");
    }
    *ret = node->type == YAML_TYPE_NULL ? STR("") : node->text;
    return true;
}

static bool read_bool(struct option_reader *rd, const struct yaml_node *node, bool *ret)
{
    if (node->kind != YAML_KIND_SCALAR || node->type != YAML_TYPE_BOOL) {
        return wrong_type(rd, node, "bool");
    }
    *ret = node->boolean;
    return true;
}

/* go-yaml takes floats for integers and cuts them. */
static bool read_int(struct option_reader *rd, const struct yaml_node *node, int64_t *ret)
{
    if (node->kind == YAML_KIND_SCALAR && node->type == YAML_TYPE_INT) {
        *ret = node->integer;
        return true;
    }
    if (node->kind == YAML_KIND_SCALAR && node->type == YAML_TYPE_FLOAT && node->number > -9e18 &&
        node->number < 9e18) {
        *ret = (int64_t)node->number;
        return true;
    }
    return wrong_type(rd, node, "int");
}

static bool read_uint(struct option_reader *rd, const struct yaml_node *node, uint64_t *ret)
{
    if (node->kind == YAML_KIND_SCALAR && node->type == YAML_TYPE_UINT) {
        *ret = node->natural;
        return true;
    }
    if (node->kind == YAML_KIND_SCALAR && node->type == YAML_TYPE_INT && node->integer >= 0) {
        *ret = (uint64_t)node->integer;
        return true;
    }
    if (node->kind == YAML_KIND_SCALAR && node->type == YAML_TYPE_FLOAT && node->number >= 0 &&
        node->number < 1.8e19) {
        *ret = (uint64_t)node->number;
        return true;
    }
    return wrong_type(rd, node, "uint");
}

static bool read_double(struct option_reader *rd, const struct yaml_node *node, double *ret)
{
    if (node->kind == YAML_KIND_SCALAR) {
        switch (node->type) {
        case YAML_TYPE_INT:
            *ret = (double)node->integer;
            return true;
        case YAML_TYPE_UINT:
            *ret = (double)node->natural;
            return true;
        case YAML_TYPE_FLOAT:
            *ret = node->number;
            return true;
        case YAML_TYPE_NULL:
        case YAML_TYPE_BOOL:
        case YAML_TYPE_STRING:
            break;
        }
    }
    return wrong_type(rd, node, "float64");
}

static bool read_duration(struct option_reader *rd, const struct yaml_node *node, dur *ret)
{
    struct baro_error err;
    str text;

    if (!option_text(rd, node, &text)) {
        return false;
    }
    if (dur_parse(text, ret, &err) < 0) {
        option_fault(rd, node, "%s", err.message);
        return false;
    }
    return true;
}

/* Units of 1024, spelt KB or KiB. Source: github.com/alecthomas/units, bytes.go and util.go. */
static bool size_unit(str unit, double *ret)
{
    static const char letters[] = "KMGTPE";

    *ret = 1;
    if (str_is(unit, "B")) {
        return true;
    }
    for (size_t i = 0; i + 1 < sizeof(letters); i++) {
        *ret *= 1024;
        if (unit.len >= 2 && unit.ptr[0] == letters[i] &&
            (str_is(str_from_index(unit, 1), "B") || str_is(str_from_index(unit, 1), "iB"))) {
            return true;
        }
    }
    return false;
}

static size_t number_size(str s)
{
    size_t size = 0;

    while (size < s.len && ((s.ptr[size] >= '0' && s.ptr[size] <= '9') || s.ptr[size] == '.')) {
        size++;
    }
    return size;
}

int option_size_parse(str text, int64_t *ret, struct baro_error *err)
{
    bool minus = text.len > 0 && text.ptr[0] == '-';
    str rest = str_from_index(text, minus || (text.len > 0 && text.ptr[0] == '+') ? 1 : 0);
    double total = 0;

    if (str_is(rest, "0")) {
        *ret = 0;
        return 0;
    }
    if (rest.len == 0) {
        return error_set(err, BARO_EPARSE, "units: invalid %.*s", STR_ARG(text));
    }
    while (rest.len > 0) {
        str number = str_slice(rest, 0, number_size(rest));
        double value = 0;
        double unit_bytes = 0;

        rest = str_from_index(rest, number.len);
        if (!num_parse_decimal(number, &value)) {
            return error_set(err, BARO_EPARSE, "units: invalid %.*s", STR_ARG(text));
        }
        size_t unit_len = 0;
        while (unit_len < rest.len && number_size(str_from_index(rest, unit_len)) == 0) {
            unit_len++;
        }
        str unit = str_slice(rest, 0, unit_len);
        if (!size_unit(unit, &unit_bytes)) {
            return error_set(err, BARO_EPARSE, "units: unknown unit %.*s in %.*s", STR_ARG(unit),
                             STR_ARG(text));
        }
        total += value * unit_bytes;
        rest = str_from_index(rest, unit_len);
    }
    if (total >= 9.2e18) {
        return error_set(err, BARO_EPARSE, "units: overflow parsing unit");
    }
    *ret = minus ? -(int64_t)total : (int64_t)total;
    return 0;
}

static bool read_size(struct option_reader *rd, const struct yaml_node *node, int64_t *ret)
{
    struct baro_error err;
    str text;

    if (!option_text(rd, node, &text)) {
        return false;
    }
    if (option_size_parse(text, ret, &err) < 0) {
        option_fault(rd, node, "%s", err.message);
        return false;
    }
    return true;
}

static bool read_url(struct option_reader *rd, const struct yaml_node *node, str *ret)
{
    struct baro_error err;
    struct url url;

    if (!option_text(rd, node, ret)) {
        return false;
    }
    if (url_parse(*ret, &url, &err) < 0) {
        option_fault(rd, node, "%s", err.message);
        return false;
    }
    return true;
}

static bool read_regex(struct option_reader *rd, const struct yaml_node *node, str *ret)
{
    CLEANUP(regex_freep) struct regex *regex = NULL;
    struct baro_error err;

    if (!option_text(rd, node, ret)) {
        return false;
    }
    if (regex_new(*ret, true, &regex, &err) < 0) {
        option_fault(rd, node, "%s", err.message);
        return false;
    }
    return true;
}

static bool read_word(struct option_reader *rd, const struct yaml_node *node,
                      const struct option_words *words, str *ret_text, int *ret_index)
{
    str text;

    if (!option_text(rd, node, &text)) {
        return false;
    }
    for (size_t i = 0; i < words->count; i++) {
        if (words->names[i] != NULL &&
            (words->fold_case ? str_eq_nocase(text, str_from(words->names[i]))
                              : str_is(text, words->names[i]))) {
            *ret_text = str_from(words->names[i]);
            *ret_index = (int)i;
            return true;
        }
    }
    words->unknown(rd, node, text);
    return false;
}

/* ---- lists and maps of scalars ---- */

bool option_strs(struct option_reader *rd, const struct yaml_node *node, struct conf_strs *ret)
{
    bool good = true;

    if (yaml_is_null(node)) {
        *ret = (struct conf_strs){0};
        return true;
    }
    if (node->kind != YAML_KIND_SEQUENCE) {
        return wrong_type(rd, node, "[]string");
    }
    str *items = ARENA_ARRAY(rd->arena, str, node->item_count);
    for (size_t i = 0; i < node->item_count; i++) {
        good &= option_text(rd, node->items[i], &items[i]);
    }
    *ret = (struct conf_strs){items, node->item_count};
    return good;
}

static bool read_files(struct option_reader *rd, const struct yaml_node *node,
                       struct conf_strs *ret)
{
    struct conf_strs names = {0};

    if (!option_strs(rd, node, &names)) {
        return false;
    }
    str *items = ARENA_ARRAY(rd->arena, str, names.count);
    for (size_t i = 0; i < names.count; i++) {
        items[i] = option_path(rd->arena, rd->dir, names.items[i]);
    }
    *ret = (struct conf_strs){items, names.count};
    return true;
}

static int pair_cmp(const void *a, const void *b)
{
    return str_cmp(((const struct conf_pair *)a)->name, ((const struct conf_pair *)b)->name);
}

static bool read_pairs(struct option_reader *rd, const struct yaml_node *node,
                       struct conf_pairs *ret)
{
    bool good = true;

    if (node->kind != YAML_KIND_MAPPING) {
        return wrong_type(rd, node, "map[string]string");
    }
    struct conf_pair *items = ARENA_ARRAY(rd->arena, struct conf_pair, node->pair_count);
    for (size_t i = 0; i < node->pair_count; i++) {
        good &= option_text(rd, node->pairs[i].key, &items[i].name);
        good &= option_text(rd, node->pairs[i].value, &items[i].value);
    }
    if (good && node->pair_count > 0) {
        qsort(items, node->pair_count, sizeof(*items), pair_cmp);
    }
    *ret = (struct conf_pairs){items, node->pair_count};
    return good;
}

static int param_cmp(const void *a, const void *b)
{
    return str_cmp(((const struct conf_param *)a)->name, ((const struct conf_param *)b)->name);
}

static bool read_params(struct option_reader *rd, const struct yaml_node *node,
                        struct conf_params *ret)
{
    bool good = true;

    if (node->kind != YAML_KIND_MAPPING) {
        return wrong_type(rd, node, "map[string][]string");
    }
    struct conf_param *items = ARENA_ARRAY(rd->arena, struct conf_param, node->pair_count);
    for (size_t i = 0; i < node->pair_count; i++) {
        good &= option_text(rd, node->pairs[i].key, &items[i].name);
        good &= option_strs(rd, node->pairs[i].value, &items[i].values);
    }
    if (good && node->pair_count > 0) {
        qsort(items, node->pair_count, sizeof(*items), param_cmp);
    }
    *ret = (struct conf_params){items, node->pair_count};
    return good;
}

/* ---- objects ---- */

static bool read_object(struct option_reader *rd, const struct option_type *type, void *object,
                        const struct yaml_node *node);

static bool read_list(struct option_reader *rd, const struct option *row,
                      const struct yaml_node *node, struct option_list *ret)
{
    bool good = true;

    if (node->kind != YAML_KIND_SEQUENCE) {
        return wrong_type(rd, node, "a list");
    }
    void **items = ARENA_ARRAY(rd->arena, void *, node->item_count);
    for (size_t i = 0; i < node->item_count; i++) {
        bool item_good = true;

        if (yaml_is_null(node->items[i]) && row->null_fault != NULL) {
            option_fault(rd, node->items[i], "%s", row->null_fault);
            item_good = false;
        }
        items[i] = option_read(rd, row->detail, node->items[i], &item_good);
        good &= item_good;
    }
    *ret = (struct option_list){items, node->item_count};
    return good;
}

static bool read_nested(struct option_reader *rd, const struct option *row,
                        const struct yaml_node *node, void *target)
{
    bool good = true;
    void *object = NULL;

    /* Go sets a struct that is null to zero; where it has defaults of its own they are wanted. */
    if (!yaml_is_null(node) || (row->flags & OPTION_ALWAYS) != 0) {
        object = option_read(rd, row->detail, node, &good);
    }
    memcpy(target, &object, sizeof(object));
    return good;
}

/* The value of a key that is null is zero; this is its size. */
static size_t null_bytes(enum option_kind kind)
{
    switch (kind) {
    case OPTION_ENUM:
    case OPTION_SWITCH:
        return sizeof(int);
    case OPTION_BOOL:
        return sizeof(bool);
    case OPTION_INT:
    case OPTION_UINT:
    case OPTION_SIZE:
    case OPTION_DOUBLE:
    case OPTION_DURATION:
        return sizeof(int64_t);
    case OPTION_STR:
    case OPTION_FILE:
    case OPTION_WORD:
    case OPTION_URL:
    case OPTION_REGEX:
    case OPTION_SECRET:
    case OPTION_STRS:
    case OPTION_FILES:
    case OPTION_PAIRS:
    case OPTION_PARAMS:
    case OPTION_STRUCT:
    case OPTION_INLINE:
    case OPTION_LIST:
    case OPTION_CUSTOM:
        break;
    }
    return OPTION_SLOT_BYTES;
}

static bool read_value(struct option_reader *rd, const struct option *row,
                       const struct yaml_node *key, const struct yaml_node *node, void *target)
{
    str text = STR_NULL;
    int index = 0;
    bool flag = false;

    if (row->kind == OPTION_CUSTOM) {
        const struct option_custom *custom = row->detail;

        return custom->read(rd, target, key, node);
    }
    if (row->kind == OPTION_STRUCT) {
        return read_nested(rd, row, node, target);
    }
    if (yaml_is_null(node)) {
        memset(target, 0, null_bytes(row->kind));
        return true;
    }
    switch (row->kind) {
    case OPTION_STR:
    case OPTION_SECRET:
        return option_text(rd, node, target);
    case OPTION_FILE:
        if (!option_text(rd, node, &text)) {
            return false;
        }
        *(str *)target = option_path(rd->arena, rd->dir, text);
        return true;
    case OPTION_WORD:
        return read_word(rd, node, row->detail, target, &index);
    case OPTION_ENUM:
        return read_word(rd, node, row->detail, &text, target);
    case OPTION_URL:
        return read_url(rd, node, target);
    case OPTION_REGEX:
        return read_regex(rd, node, target);
    case OPTION_BOOL:
        return read_bool(rd, node, target);
    case OPTION_SWITCH:
        if (!read_bool(rd, node, &flag)) {
            return false;
        }
        *(enum conf_switch *)target = flag ? CONF_ON : CONF_OFF;
        return true;
    case OPTION_INT:
        return read_int(rd, node, target);
    case OPTION_UINT:
        return read_uint(rd, node, target);
    case OPTION_SIZE:
        return read_size(rd, node, target);
    case OPTION_DOUBLE:
        return read_double(rd, node, target);
    case OPTION_DURATION:
        return read_duration(rd, node, target);
    case OPTION_STRS:
        return option_strs(rd, node, target);
    case OPTION_FILES:
        return read_files(rd, node, target);
    case OPTION_PAIRS:
        return read_pairs(rd, node, target);
    case OPTION_PARAMS:
        return read_params(rd, node, target);
    case OPTION_LIST:
        return read_list(rd, row, node, target);
    case OPTION_STRUCT:
    case OPTION_INLINE:
    case OPTION_CUSTOM:
        break;
    }
    return false;
}

static void *allocate(struct option_reader *rd, const struct option_type *type)
{
    return arena_alloc_zero(rd->arena,
                            type->size > 0 ? type->size : type->count * OPTION_SLOT_BYTES);
}

/* Defaults go through the same parsers as the file's values, so they cannot differ in meaning. */
static void set_default(struct option_reader *rd, const struct option *row, void *target)
{
    struct yaml_node node = {.kind = YAML_KIND_SCALAR, .line = 1, .column = 1};
    struct yaml_value value;

    node.text = str_from(row->initial);
    node.type = yaml_resolve(node.text, &value);
    node.natural = value.natural;
    if (row->kind == OPTION_STR || row->kind == OPTION_WORD || row->kind == OPTION_REGEX) {
        *(str *)target = node.text;
        return;
    }
    bool good = read_value(rd, row, &node, &node, target);
    ASSERT(good);
}

static void set_defaults(struct option_reader *rd, const struct option_type *type, void *object,
                         bool zero)
{
    for (size_t i = 0; i < type->count; i++) {
        const struct option *row = &type->rows[i];
        void *target = option_target(type, i, object);

        if (row->kind == OPTION_INLINE ||
            (row->kind == OPTION_STRUCT && (row->flags & OPTION_ALWAYS) != 0)) {
            void *nested = allocate(rd, row->detail);

            set_defaults(rd, row->detail, nested, zero);
            memcpy(target, &nested, sizeof(nested));
        } else if (row->initial != NULL && !zero) {
            set_default(rd, row, target);
        }
    }
}

void *option_new(struct option_reader *rd, const struct option_type *type)
{
    void *object = allocate(rd, type);

    set_defaults(rd, type, object, false);
    return object;
}

/* Finds the row for a key, in the table itself or in those it has inline. */
static const struct option *find_row(const struct option_type *type, void *object, str key,
                                     void **ret_target)
{
    for (size_t i = 0; i < type->count; i++) {
        const struct option *row = &type->rows[i];
        void *target = option_target(type, i, object);
        const struct option *found = NULL;

        if (row->kind == OPTION_INLINE) {
            found = find_row(row->detail, option_nested(target), key, ret_target);
            if (found != NULL) {
                return found;
            }
        } else if ((row->flags & OPTION_ANY_KEY) != 0
                       ? ((const struct option_custom *)row->detail)->takes(key)
                       : str_is(key, row->key)) {
            *ret_target = target;
            return row;
        }
    }
    return NULL;
}

static void try_name(str key, const char *name, const char **best, size_t *best_distance)
{
    size_t distance = str_distance(key, str_from(name), DISTANCE_MAX);

    if (distance < *best_distance) {
        *best_distance = distance;
        *best = name;
    }
}

static void nearest_name(const struct option_type *type, str key, const char **best,
                         size_t *best_distance)
{
    for (size_t i = 0; i < type->count; i++) {
        const struct option *row = &type->rows[i];

        if (row->kind == OPTION_INLINE) {
            nearest_name(row->detail, key, best, best_distance);
        } else if ((row->flags & OPTION_ANY_KEY) != 0) {
            const struct option_custom *custom = row->detail;

            for (size_t k = 0; custom->names[k] != NULL; k++) {
                try_name(key, custom->names[k], best, best_distance);
            }
        } else {
            try_name(key, row->key, best, best_distance);
        }
    }
}

static void fault_unknown(struct option_reader *rd, const struct option_type *type,
                          const struct yaml_node *key)
{
    const char *best = NULL;
    size_t distance = DISTANCE_MAX + 1;

    nearest_name(type, key->text, &best, &distance);
    if (best != NULL && distance * 3 <= key->text.len + 2) {
        option_fault(rd, key, "field %.*s not found in type %s; did you mean '%s'?",
                     STR_ARG(key->text), type->name, best);
    } else {
        option_fault(rd, key, "field %.*s not found in type %s", STR_ARG(key->text), type->name);
    }
}

static bool is_empty(const struct yaml_node *node)
{
    return yaml_is_null(node) || (node->kind == YAML_KIND_SEQUENCE && node->item_count == 0) ||
           (node->kind == YAML_KIND_MAPPING && node->pair_count == 0);
}

/* Returns false only for keys that are known: an unknown one says nothing about the others. */
static bool read_pair(struct option_reader *rd, const struct option_type *type, void *object,
                      const struct yaml_pair *pair)
{
    void *target = NULL;
    bool was_quiet = rd->quiet;

    if (pair->key->kind != YAML_KIND_SCALAR) {
        option_fault(rd, pair->key, "a key of %s must be plain text", type->name);
        return true;
    }
    const struct option *row = find_row(type, object, pair->key->text, &target);
    if (row == NULL) {
        if (!rd->ignore_unknown) {
            fault_unknown(rd, type, pair->key);
        }
        return true;
    }
    if ((row->flags & OPTION_UNSUPPORTED) != 0 && !is_empty(pair->value)) {
        option_unsupported(rd, pair->key, row->key);
        rd->quiet = true;
    }
    bool good = read_value(rd, row, pair->key, pair->value, target);
    rd->quiet = was_quiet;
    return good;
}

static bool read_object(struct option_reader *rd, const struct option_type *type, void *object,
                        const struct yaml_node *node)
{
    uint32_t before = rd->faults->total;
    bool good = true;

    if (type->place_offset != OPTION_NO_PLACE) {
        *(struct conf_place *)(void *)((char *)object + type->place_offset) =
            (struct conf_place){rd->file, node->line, node->column};
    }
    if (node->kind != YAML_KIND_MAPPING) {
        return wrong_type(rd, node, type->name);
    }
    for (size_t i = 0; i < node->pair_count; i++) {
        good &= read_pair(rd, type, object, &node->pairs[i]);
    }
    if (good && type->check != NULL) {
        type->check(rd, object, node);
    }
    return rd->faults->total == before;
}

void *option_read(struct option_reader *rd, const struct option_type *type,
                  const struct yaml_node *node, bool *ret_good)
{
    void *object = allocate(rd, type);
    bool is_null = yaml_is_null(node);

    set_defaults(rd, type, object, is_null);
    if (!is_null) {
        *ret_good = read_object(rd, type, object, node);
    }
    return object;
}

/* ---- tables without struct ---- */

static size_t slot_of(const struct option_type *type, const char *key)
{
    ASSERT(type->size == 0);
    for (size_t i = 0; i < type->count; i++) {
        if (type->rows[i].key != NULL && strcmp(type->rows[i].key, key) == 0) {
            return i;
        }
    }
    ASSERT(false);
    return 0;
}

str option_slot_str(const struct option_type *type, const void *object, const char *key)
{
    return *(const str *)option_source(type, slot_of(type, key), object);
}

int64_t option_slot_int(const struct option_type *type, const void *object, const char *key)
{
    return *(const int64_t *)option_source(type, slot_of(type, key), object);
}

const void *option_slot_ptr(const struct option_type *type, const void *object, const char *key)
{
    return option_nested(option_source(type, slot_of(type, key), object));
}

struct conf_strs option_slot_strs(const struct option_type *type, const void *object,
                                  const char *key)
{
    return *(const struct conf_strs *)option_source(type, slot_of(type, key), object);
}

struct conf_pairs option_slot_pairs(const struct option_type *type, const void *object,
                                    const char *key)
{
    return *(const struct conf_pairs *)option_source(type, slot_of(type, key), object);
}

struct option_list option_slot_list(const struct option_type *type, const void *object,
                                    const char *key, const struct option_type **ret_type)
{
    size_t slot = slot_of(type, key);

    *ret_type = type->rows[slot].detail;
    return *(const struct option_list *)option_source(type, slot, object);
}

const struct option_type *option_slot_type(const struct option_type *type, const char *key)
{
    return type->rows[slot_of(type, key)].detail;
}

void option_slot_set_str(const struct option_type *type, void *object, const char *key, str value)
{
    *(str *)option_target(type, slot_of(type, key), object) = value;
}

/* A str may be set and empty: what counts is its length, which is the slot's second half. */
bool option_slot_is_set(const struct option_type *type, const void *object, const char *key)
{
    return option_slot_str(type, object, key).len > 0;
}
