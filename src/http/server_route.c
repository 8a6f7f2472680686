#include "base/assert.h"
#include "base/mem.h"
#include "http/server_priv.h"

static const char *const method_names[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = "GET",       [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",      [HTTP_PUT] = "PUT",
    [HTTP_DELETE] = "DELETE", [HTTP_PATCH] = "PATCH", [HTTP_OPTIONS] = "OPTIONS"};

const char *http_method_name(enum http_method method)
{
    ASSERT(method < HTTP_METHOD_COUNT);
    return method_names[method];
}

enum http_method server_method(const char *name)
{
    enum http_method method = HTTP_GET;

    while (method < HTTP_METHOD_COUNT && strcmp(method_names[method], name) != 0) {
        method++;
    }
    return method;
}

enum fit { FIT_NONE, FIT_TAIL, FIT_PARAM, FIT_LITERAL };

/* "/label/:name/values": the parameter is one segment and not empty. */
static enum fit fit_param(str pattern, size_t colon, str path, str *ret_param)
{
    str before = str_slice(pattern, 0, colon);
    str rest = str_from_index(pattern, colon);
    size_t name_end = str_index_char(rest, '/');
    str after = name_end == SIZE_MAX ? STR("") : str_from_index(rest, name_end);
    str segment;

    if (!str_has_prefix(path, before) || !str_has_suffix(path, after) ||
        path.len <= before.len + after.len) {
        return FIT_NONE;
    }
    segment = str_slice(path, before.len, path.len - after.len);
    if (str_index_char(segment, '/') != SIZE_MAX) {
        return FIT_NONE;
    }
    *ret_param = segment;
    return FIT_PARAM;
}

/* Read side by side as far as they are the same: a server has some hundred routes, and most differ
 * in the first bytes behind "/api/v1/". */
static enum fit fit_path(const char *pattern, str path, str *ret_param)
{
    size_t at = 0;

    for (;; at++) {
        if (pattern[at] == '*' && pattern[at + 1] == '\0') {
            return FIT_TAIL;
        }
        if (pattern[at] == ':' && at > 0 && pattern[at - 1] == '/') {
            return fit_param(str_from(pattern), at, path, ret_param);
        }
        if (pattern[at] == '\0' || at == path.len || pattern[at] != path.ptr[at]) {
            break;
        }
    }
    return pattern[at] == '\0' && at == path.len ? FIT_LITERAL : FIT_NONE;
}

/* What fits a path best so far. */
struct search {
    str path;
    enum http_method method;
    enum fit best;
    size_t best_len;
    struct server_match match;
};

static struct search search_of(enum http_method method, str path)
{
    return (struct search){.path = path, .method = method == HTTP_HEAD ? HTTP_GET : method};
}

static void look_at_route(struct search *search, const struct http_route *route)
{
    str param = STR_NULL;
    enum fit fit = fit_path(route->path, search->path, &param);

    if (fit == FIT_NONE) {
        return;
    }
    if (route->method != HTTP_OPTIONS && strcmp(route->path, "/*") != 0) {
        search->match.methods |= UINT32_C(1) << route->method;
    }
    if (route->method == search->method &&
        (fit > search->best ||
         (fit == FIT_TAIL && search->best == FIT_TAIL && strlen(route->path) > search->best_len))) {
        search->best_len = strlen(route->path);
        search->match.route = route;
        search->match.param = param;
        search->best = fit;
    }
}

struct server_match server_route_find(const struct http_route *routes, size_t count,
                                      enum http_method method, str path)
{
    struct search search = search_of(method, path);
    struct server_match match;

    for (size_t i = 0; i < count; i++) {
        look_at_route(&search, &routes[i]);
    }
    match = search.match;
    if (match.route != NULL && match.methods != 0 && strcmp(match.route->path, "/*") == 0) {
        match.route = NULL; /* the path has a route of its own, for other methods */
    }
    return match;
}

/* ---- routes without a search ---- */

/* A server has some hundred routes; looking at all of them touches as much memory as a short query
 * does. Slots hold an index from 1 of a literal path; their number is a power of two, at least
 * twice that of routes. The other routes are few. */
struct server_routes {
    const struct http_route *routes;
    size_t count;
    const struct http_route **patterns;
    size_t pattern_count;
    size_t mask;
    uint16_t slots[];
};

static bool is_literal(const char *path)
{
    return strstr(path, "/:") == NULL && strchr(path, '*') == NULL;
}

static size_t route_hash(enum http_method method, str path)
{
    return (size_t)str_hash(path) + method;
}

static const struct http_route *get_literal(const struct server_routes *table,
                                            enum http_method method, str path)
{
    for (size_t slot = route_hash(method, path) & table->mask; table->slots[slot] != 0;
         slot = (slot + 1) & table->mask) {
        const struct http_route *route = &table->routes[table->slots[slot] - 1];

        if (route->method == method && str_is(path, route->path)) {
            return route;
        }
    }
    return NULL;
}

struct server_routes *server_routes_new(const struct http_route *routes, size_t count)
{
    struct server_routes *table;
    size_t capacity = 2;

    ASSERT(count < UINT16_MAX);
    while (capacity < count * 2) {
        capacity *= 2;
    }
    table = mem_alloc_zero(sizeof(*table) + capacity * sizeof(table->slots[0]));
    table->routes = routes;
    table->count = count;
    table->patterns = mem_alloc(count * sizeof(struct http_route *));
    table->mask = capacity - 1;
    for (size_t i = 0; i < count; i++) {
        str path = str_from(routes[i].path);
        size_t slot = route_hash(routes[i].method, path) & table->mask;

        if (!is_literal(routes[i].path)) {
            table->patterns[table->pattern_count++] = &routes[i];
            continue;
        }
        if (get_literal(table, routes[i].method, path) != NULL) {
            continue;
        }
        while (table->slots[slot] != 0) {
            slot = (slot + 1) & table->mask;
        }
        table->slots[slot] = (uint16_t)(i + 1);
    }
    return table;
}

struct server_routes *server_routes_free(struct server_routes *table)
{
    if (table != NULL) {
        (void)mem_free(table->patterns);
    }
    return mem_free(table);
}

struct server_match server_routes_get(const struct server_routes *table, enum http_method method,
                                      str path)
{
    struct search search = search_of(method, path);

    search.match.route = get_literal(table, search.method, path);
    if (search.match.route != NULL) {
        return search.match;
    }
    for (size_t i = 0; i < table->pattern_count; i++) {
        look_at_route(&search, table->patterns[i]);
    }
    /* What has a tail may be there for paths of no other row: all rows must be known. */
    return search.best == FIT_PARAM ? search.match
                                    : server_route_find(table->routes, table->count, method, path);
}

/* ---- encodings ---- */

/* One element of the list: "gzip", "gzip;q=0.5", "*;q=0". Yes unless its weight is zero. */
static bool element_allows(str element, bool *ret_is_gzip)
{
    size_t semicolon = str_index_char(element, ';');
    str name = str_trim(str_slice(element, 0, semicolon));
    str weight = semicolon == SIZE_MAX ? STR("") : str_trim(str_from_index(element, semicolon + 1));
    bool zero = str_has_prefix(weight, STR("q=0")) || str_has_prefix(weight, STR("Q=0"));

    for (size_t i = 3; zero && i < weight.len; i++) {
        zero = weight.ptr[i] == '.' || weight.ptr[i] == '0';
    }
    *ret_is_gzip = str_eq_nocase(name, STR("gzip"));
    return !zero && (*ret_is_gzip || str_is(name, "*"));
}

bool server_accepts_gzip(str accept_encoding)
{
    str rest = accept_encoding;
    bool any = false;

    for (str element; str_split_next(&rest, ',', &element);) {
        bool is_gzip = false;
        bool allowed = element_allows(element, &is_gzip);

        if (is_gzip) {
            return allowed;
        }
        any |= allowed;
    }
    return any;
}

void server_target_split(str target, str *ret_path, str *ret_query)
{
    size_t question = str_index_char(target, '?');
    str path = str_slice(target, 0, question);
    size_t authority = str_index(path, STR("://"));

    if (path.len > 0 && path.ptr[0] != '/' && authority != SIZE_MAX) {
        size_t slash;

        path = str_from_index(path, authority + 3);
        slash = str_index_char(path, '/');
        path = slash == SIZE_MAX ? STR("/") : str_from_index(path, slash);
    }
    *ret_path = path;
    *ret_query = question == SIZE_MAX ? STR("") : str_from_index(target, question + 1);
}
