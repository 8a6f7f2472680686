#include "alerting/am_config.h"
#include "alerting/am_routes.h"
#include "model/labels_builder.h"
#include "testing/test.h"

static const char config_text[] = "route:\n"
                                  "  receiver: all\n"
                                  "  group_by: [alertname]\n"
                                  "  routes:\n"
                                  "  - receiver: ops\n"
                                  "    matchers: ['team=\"<ops>\"']\n"
                                  "    continue: true\n"
                                  "    group_wait: 5s\n"
                                  "  - receiver: page\n"
                                  "    matchers: [severity=page]\n"
                                  "    group_by: ['...']\n"
                                  "receivers: [{name: all}, {name: ops}, {name: page}]\n";

TEST(am_routes_write_tree_tells_where_labels_go)
{
    static const struct {
        const char *name, *value, *second, *second_value, *reached;
    } cases[] = {
        {"team", "x", NULL, NULL, "[\"{}\"]"},
        {"severity", "page", NULL, NULL, "[\"{}/{severity=\\\"page\\\"}\"]"},
        {"severity", "page", "team", "<ops>",
         "[\"{}/{team=\\\"\\u003cops\\u003e\\\"}\",\"{}/{severity=\\\"page\\\"}\"]"},
    };
    static struct faults faults;
    struct am_config *config = NULL;

    faults = (struct faults){0};
    assert_ok(am_config_parse(STR("am.yml"), str_from(config_text), &config, &faults),
              &faults.items[0]);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct labels_builder builder = {0};
        struct buf out = {0};
        struct json_writer json = json_write_over(&out);
        str got;

        test_row(cases[i].value);
        labels_builder_set(&builder, str_from(cases[i].name), str_from(cases[i].value));
        if (cases[i].second != NULL) {
            labels_builder_set(&builder, str_from(cases[i].second),
                               str_from(cases[i].second_value));
        }
        am_routes_write_tree(config->route, labels_builder_finish(&builder), &json);
        got = buf_view(&out);
        assert_true(str_has_prefix(got, STR("{\"tree\":{\"key\":\"{}\",\"receiver\":\"all\"")));
        assert_true(str_contains(got, STR("\"receiver\":\"ops\",\"matchers\":\"{team=")));
        assert_true(str_contains(got, STR("\"continue\":true,\"groupByAll\":false,\"groupBy\":"
                                          "[\"alertname\"],\"groupWait\":\"5s\"")));
        assert_true(str_contains(got, STR("\"groupByAll\":true")));
        got = str_from_index(got, str_index(got, STR("\"reached\":")) + sizeof("\"reached\":") - 1);
        assert_str_equal(str_slice(got, 0, got.len - 1), str_from(cases[i].reached));
        labels_builder_done(&builder);
        buf_done(&out);
    }
    test_row(NULL);
    config = am_config_free(config);
}
