#include <string.h>

#include "api/api_priv.h"
#include "base/map.h"
#include "codec/yaml.h"
#include "testing/test.h"

static str describe(struct arena *arena, const char *query, struct http_response *response)
{
    struct api_context context = {.prefix = "/prom", .build = {.program_version = "1.2.3"}};
    struct http_request request = {.query = str_from(query), .arena = arena};
    struct api_call call = {
        .context = &context, .request = &request, .response = response, .arena = arena};

    api_openapi(&call);
    assert_false(response->body.failed);
    return buf_view(&response->body);
}

static str text_at(const struct yaml_node *node, const char *key)
{
    const struct yaml_node *value = yaml_get(node, str_from(key));

    assert_non_null(value);
    return value->text;
}

TEST(api_openapi_is_one_of_two_versions)
{
    static const struct {
        const char *query;
        const char *want;
    } cases[] = {
        {"", "3.1.0"},
        {"openapi_version=3.1", "3.1.0"},
        {"openapi_version=3.2", "3.2.0"},
        {"openapi_version=3.2.0", "3.2.0"},
        {"openapi_version=9", "3.1.0"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_response response = {.status = 200};
        const struct yaml_node *root = NULL;
        struct arena arena = {0};
        struct baro_error err = {0};
        str text = describe(&arena, cases[i].query, &response);

        test_row(cases[i].query);
        assert_ok(yaml_parse(&arena, text, &root, &err), &err);
        assert_str_equal(text_at(root, "openapi"), str_from(cases[i].want));
        assert_str_equal(text_at(yaml_get(root, STR("info")), "version"), STR("1.2.3"));
        assert_str_equal(text_at(yaml_get(root, STR("servers"))->items[0], "url"),
                         STR("/prom/api/v1"));
        assert_string_equal(response.content_type, "application/yaml; charset=utf-8");
        buf_done(&response.body);
        arena_done(&arena);
    }
    test_row(NULL);
}

/* What every operation must have; names of operations are there once. */
static void check_operation(const struct yaml_node *operation, struct map *ids)
{
    const struct yaml_node *parameters = yaml_get(operation, STR("parameters"));
    const struct yaml_node *responses = yaml_get(operation, STR("responses"));

    assert_non_null(responses);
    assert_non_null(yaml_get(responses, STR("200")));
    assert_non_null(yaml_get(responses, STR("default")));
    assert_true(text_at(operation, "summary").len > 0);
    assert_null(map_put(ids, text_at(operation, "operationId"), (void *)(uintptr_t)operation));
    for (size_t i = 0; parameters != NULL && i < parameters->item_count; i++) {
        const struct yaml_node *parameter = parameters->items[i];

        assert_true(text_at(parameter, "name").len > 0);
        assert_true(text_at(parameter, "in").len > 0);
        assert_non_null(yaml_get(parameter, STR("schema")));
    }
}

TEST(api_openapi_has_every_route)
{
    struct http_response response = {.status = 200};
    const struct yaml_node *root = NULL;
    const struct yaml_node *paths;
    struct arena arena = {0};
    struct baro_error err = {0};
    struct map ids = {0};
    size_t operations = 0;
    size_t routes = 0;

    assert_ok(yaml_parse(&arena, describe(&arena, "", &response), &root, &err), &err);
    paths = yaml_get(root, STR("paths"));
    assert_non_null(paths);
    for (size_t i = 0; i < paths->pair_count; i++) {
        const struct yaml_node *path = paths->pairs[i].value;

        assert_true(str_has_prefix(paths->pairs[i].key->text, STR("/")));
        for (size_t k = 0; k < path->pair_count; k++, operations++) {
            check_operation(path->pairs[k].value, &ids);
        }
    }
    for (size_t i = 0; i < api_route_count(); i++) {
        const struct api_route *route = &api_routes()[i];

        routes +=
            str_has_prefix(str_from(route->path), STR("/api/v1/")) && route->method != HTTP_OPTIONS;
    }
    assert_int_equal(operations, routes);
    assert_non_null(map_get(&ids, STR("query")));
    assert_non_null(map_get(&ids, STR("query-range-post")));
    assert_non_null(map_get(&ids, STR("label-values")));
    assert_non_null(map_get(&ids, STR("get-status-self-metrics")));
    assert_non_null(map_get(&ids, STR("deleteSeriesPut")));
    map_done(&ids);
    buf_done(&response.body);
    arena_done(&arena);
}

TEST(api_openapi_parameters_belong_to_routes)
{
    static const char *const paths[] = {
#define OPENAPI_PARAM(path, name, type, required, help) path,
#include "api/openapi.def"
#undef OPENAPI_PARAM
    };

    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        bool found = false;

        test_row(paths[i]);
        for (size_t k = 0; k < api_route_count() && !found; k++) {
            found = strcmp(paths[i], api_routes()[k].path) == 0;
        }
        assert_true(found);
    }
    test_row(NULL);
}
