#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/prom_check.h"
#include "testing/test.h"

static bool has_arg(const json_t *args, const char *name)
{
    for (size_t i = 0; i < json_array_size(args); i++) {
        if (strcmp(json_string_value(json_array_get(args, i)), name) == 0) {
            return true;
        }
    }
    return false;
}

/* Every fault names its file, line and column. */
static bool faults_have_places(str text, const char *path)
{
    char last[256] = "";

    for (str line; str_split_next(&text, '\n', &line);) {
        char place[512];
        unsigned row = 0;
        unsigned column = 0;

        (void)snprintf(last, sizeof(last), "%.*s", STR_ARG(line));
        if (line.len == 0 || str_has_suffix(line, STR(": refused")) ||
            str_has_suffix(line, STR(": refused by lint")) || str_has_prefix(line, STR("..."))) {
            continue;
        }
        (void)snprintf(place, sizeof(place), "%.*s", STR_ARG(line));
        char *colon = strstr(place, ".yml:");
        if (colon == NULL) {
            colon = strstr(place, ".json:");
        }
        if (colon == NULL || sscanf(strchr(colon, ':'), ":%u:%u: ", &row, &column) != 2) {
            fprintf(stderr, "%s: no place in: %s\n", path, last);
            return false;
        }
    }
    return true;
}

static bool case_passes(const json_t *one, const char *directory)
{
    const char *file = json_string_value(json_object_get(one, "file"));
    const json_t *args = json_object_get(one, "args");
    const json_t *errors = json_object_get(one, "errors");
    bool soft = json_is_true(json_object_get(one, "errors_soft"));
    bool pass = strcmp(json_string_value(json_object_get(one, "expect")), "pass") == 0;
    const json_t *wanted_exit = json_object_get(one, "exit");
    struct prom_check_options options = {
        .syntax_only = has_arg(args, "--syntax-only"),
        .agent = has_arg(args, "--agent"),
        .lint_fatal = has_arg(args, "--lint-fatal"),
    };
    char path[512];
    struct buf out = {0};
    bool good = true;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, file);
    int status = prom_config_check(path, &options, &out);
    if ((status == PROM_CHECK_OK) != pass ||
        (json_is_integer(wanted_exit) && json_integer_value(wanted_exit) != status)) {
        good = false;
    }
    for (size_t i = 0; !soft && i < json_array_size(errors); i++) {
        good &=
            str_contains(buf_view(&out), str_from(json_string_value(json_array_get(errors, i))));
    }
    if (!pass) {
        good &= faults_have_places(buf_view(&out), file);
    }
    if (!good) {
        char *wanted = json_dumps(one, JSON_COMPACT);

        fprintf(stderr, "%s: exit %d\n%.*swanted %s\n", file, status, STR_ARG(buf_view(&out)),
                wanted);
        free(wanted);
    }
    buf_done(&out);
    return good;
}

static void run_manifest(const char *manifest)
{
    char path[512];
    json_error_t error;
    size_t failed = 0;

    (void)snprintf(path, sizeof(path), "%s", test_shared(manifest));
    json_t *root = json_load_file(path, 0, &error);
    assert_non_null(root);
    const json_t *cases = json_object_get(root, "cases");
    const char *directory = dirname(path);

    assert_true(json_array_size(cases) > 0);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        failed += !case_passes(json_array_get(cases, i), directory);
    }
    json_decref(root);
    assert_int_equal(failed, 0);
}

TEST(prom_config_conformance)
{
    run_manifest("conformance/prometheus-config/manifest.json");
}

TEST(prom_config_conformance_files)
{
    run_manifest("conformance/promtool/check-config/manifest.json");
}

TEST(prom_config_conformance_targets)
{
    run_manifest("conformance/promtool/sd-files/manifest.json");
}
