#include "app/check_dashboards.h"

#include "conf/source_place.h"
#include "base/vec.h"
#include "codec/json.h"

/* A data source of another kind: its expressions are not PromQL. */
enum source { SOURCE_PROMETHEUS, SOURCE_OTHER };

struct check {
    str text;
    const char *file;
    const struct expr_known *known;
    struct arena arena;
    VEC(size_t) quotes; /* offsets of the opening quotes of all string values, in order */
    size_t next;        /* of the next string value that the walk meets */
    size_t quote;       /* of the text being checked */
    size_t skip;        /* bytes of that text before the expression */
    size_t expressions;
    size_t found;
    struct buf *out;
};

/* The JSON is known to be good: every string is a key, followed by a colon, or a value. */
static void find_strings(struct check *c)
{
    str text = c->text;

    for (size_t i = 0; i < text.len; i++) {
        size_t start = i;

        if (text.ptr[i] != '"') {
            continue;
        }
        for (i++; i < text.len && text.ptr[i] != '"'; i++) {
            i += text.ptr[i] == '\\' ? 1 : 0;
        }
        size_t after = i + 1;
        while (after < text.len && (text.ptr[after] == ' ' || text.ptr[after] == '\t' ||
                                    text.ptr[after] == '\n' || text.ptr[after] == '\r')) {
            after++;
        }
        if (after >= text.len || text.ptr[after] != ':') {
            vec_push(&c->quotes, start);
        }
    }
}

static void say(void *context, uint32_t offset, const char *message)
{
    struct check *c = context;
    struct source_place place = source_place_json(c->text, c->quote, c->skip + offset);

    buf_printf(c->out, "%s:%u:%u: %s\n", c->file, place.line, place.column, message);
    c->found++;
}

/* ---- one object ---- */

/* String members of an object that are looked at together: where each stands. */
struct member {
    const char *key;
    str text; /* ptr NULL = absent */
    size_t quote;
};

static void check_text(struct check *c, const struct member *member, str part,
                       struct expr_labels *ret_labels)
{
    c->quote = member->quote;
    c->skip = (size_t)(part.ptr - member->text.ptr);
    c->expressions++;
    expr_check(c->known, &c->arena, part, true, say, c, ret_labels);
}

/* {{label}} of a legend. */
static void check_legend(struct check *c, const struct member *legend,
                         const struct expr_labels *labels)
{
    str text = legend->text;

    for (size_t at = 0; at < text.len;) {
        size_t start = str_index(str_from_index(text, at), STR("{{"));
        size_t end;

        if (start == SIZE_MAX) {
            return;
        }
        start += at + 2;
        end = str_index(str_from_index(text, start), STR("}}"));
        if (end == SIZE_MAX) {
            return;
        }
        str name = str_trim(str_slice(text, start, start + end));
        if (name.len > 0 && !expr_labels_have(labels, name) && !str_is(name, "__name__")) {
            c->quote = legend->quote;
            c->skip = 0;
            say(c, (uint32_t)(name.ptr - text.ptr),
                arena_printf(&c->arena, "the result has no label '%.*s'; it has: %.*s",
                             STR_ARG(name), STR_ARG(expr_labels_text(&c->arena, labels)))
                    .ptr);
        }
        at = start + end + 2;
    }
}

/* The arguments of `name(...)`, false when text is no such call. */
static bool call_arguments(str text, const char *name, str *ret)
{
    str trimmed = str_trim(text);
    str open = str_from(name);

    if (!str_has_prefix(trimmed, open) || !str_has_suffix(trimmed, STR(")"))) {
        return false;
    }
    *ret = str_slice(trimmed, open.len, trimmed.len - 1);
    return true;
}

static size_t last_comma(str text)
{
    for (size_t i = text.len; i > 0; i--) {
        char c = text.ptr[i - 1];

        if (c == ',') {
            return i - 1;
        }
        if (c == '}' || c == ')') {
            break;
        }
    }
    return SIZE_MAX;
}

/* The query of a variable: label_values(metric, label), query_result(expr), or a selector. */
static void check_variable(struct check *c, const struct member *query)
{
    struct expr_labels labels = {.any = true};
    str arguments = STR_NULL;
    size_t comma;

    if (call_arguments(query->text, "label_names(", &arguments) ||
        call_arguments(query->text, "metrics(", &arguments)) {
        return;
    }
    if (call_arguments(query->text, "query_result(", &arguments)) {
        check_text(c, query, arguments, &labels);
        return;
    }
    if (!call_arguments(query->text, "label_values(", &arguments)) {
        check_text(c, query, query->text, &labels);
        return;
    }
    comma = last_comma(arguments);
    if (comma == SIZE_MAX) {
        return;
    }
    check_text(c, query, str_slice(arguments, 0, comma), &labels);
    str name = str_trim(str_from_index(arguments, comma + 1));
    if (!str_contains(name, STR("$")) && !expr_labels_have(&labels, name)) {
        c->skip = (size_t)(name.ptr - query->text.ptr);
        say(c, 0,
            arena_printf(&c->arena, "the metric has no label '%.*s'; it has: %.*s", STR_ARG(name),
                         STR_ARG(expr_labels_text(&c->arena, &labels)))
                .ptr);
    }
}

static void check_members(struct check *c, const struct member *members, bool is_variable)
{
    struct expr_labels labels = {.any = true};

    if (members[0].text.ptr != NULL && str_trim(members[0].text).len > 0) {
        check_text(c, &members[0], members[0].text, &labels);
        check_legend(c, &members[1], &labels);
    }
    if (is_variable && members[2].text.ptr != NULL && str_trim(members[2].text).len > 0) {
        check_variable(c, &members[2]);
    }
}

/* ---- the tree ---- */

static enum source source_of(const struct json *object, enum source outer)
{
    const struct json *source = json_get(object, "datasource");
    str type = json_text(json_get(source, "type"));

    if (type.len == 0 || type.ptr[0] == '$') {
        return outer;
    }
    return str_is(type, "prometheus") ? SOURCE_PROMETHEUS : SOURCE_OTHER;
}

static void walk(struct check *c, const struct json *node, enum source source, bool is_variable);

static void walk_object(struct check *c, const struct json *node, enum source source,
                        bool is_variable)
{
    struct member members[] = {{.key = "expr"}, {.key = "legendFormat"}, {.key = "query"}};
    const struct json *value = NULL;
    void *iterator = NULL;
    str key = STR_NULL;

    source = source_of(node, source);
    /* The variable's own query may be wrapped: query: {query: ..., refId: ...}. */
    is_variable = is_variable || str_is(json_text(json_get(node, "type")), "query");
    while (json_member(node, &iterator, &key, &value)) {
        for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
            if (str_is(key, members[i].key) && json_kind_of(value) == JSON_KIND_STRING) {
                members[i].text = json_text(value);
                members[i].quote = c->quotes.items[c->next];
            }
        }
        walk(c, value, source, is_variable && str_is(key, "query"));
    }
    if (source == SOURCE_PROMETHEUS) {
        check_members(c, members, is_variable);
    }
}

static void walk(struct check *c, const struct json *node, enum source source, bool is_variable)
{
    switch (json_kind_of(node)) {
    case JSON_KIND_STRING:
        c->next++;
        break;
    case JSON_KIND_OBJECT:
        walk_object(c, node, source, is_variable);
        break;
    case JSON_KIND_ARRAY:
        for (size_t i = 0; i < json_count(node); i++) {
            walk(c, json_at(node, i), source, false);
        }
        break;
    case JSON_KIND_NULL:
    case JSON_KIND_BOOL:
    case JSON_KIND_NUMBER:
        break;
    }
}

size_t check_dashboard(str text, const char *file, const struct expr_known *known,
                       size_t *ret_expressions, struct buf *out)
{
    struct check c = {.text = text, .file = file, .known = known, .out = out};
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct baro_error err = {0};

    *ret_expressions = 0;
    if (json_doc_parse(text, &root, &err) < 0) {
        buf_printf(out, "%s:%u:%u: %s\n", file, err.line, err.column, err.message);
        return 1;
    }
    if (json_kind_of(root) != JSON_KIND_OBJECT) {
        buf_printf(out, "%s:1:1: a dashboard is a JSON object\n", file);
        return 1;
    }
    find_strings(&c);
    walk(&c, root, SOURCE_PROMETHEUS, false);
    *ret_expressions = c.expressions;
    vec_done(&c.quotes);
    arena_done(&c.arena);
    return c.found;
}
