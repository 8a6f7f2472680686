#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "codec/yaml.h"
#include "conf/prom_check.h"
#include "conf/prom_config_file.h"
#include "testing/test.h"

/* The manifests are JSON, which YAML contains. */
static bool has_arg(const struct yaml_node *args, const char *name)
{
    for (size_t i = 0; args != NULL && i < args->item_count; i++) {
        if (str_is(args->items[i]->text, name)) {
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

static bool case_passes(const struct yaml_node *one, const char *directory)
{
    str file = yaml_get(one, STR("file"))->text;
    const struct yaml_node *args = yaml_get(one, STR("args"));
    const struct yaml_node *errors = yaml_get(one, STR("errors"));
    const struct yaml_node *soft = yaml_get(one, STR("errors_soft"));
    const struct yaml_node *wanted_exit = yaml_get(one, STR("exit"));
    bool pass = str_is(yaml_get(one, STR("expect"))->text, "pass");
    struct prom_check_options options = {
        .syntax_only = has_arg(args, "--syntax-only"),
        .agent = has_arg(args, "--agent"),
        .lint_fatal = has_arg(args, "--lint-fatal"),
    };
    char path[512];
    struct buf out = {0};

    (void)snprintf(path, sizeof(path), "%s/%.*s", directory, STR_ARG(file));
    int status = prom_config_check(path, &options, &out);
    bool good = (status == PROM_CHECK_OK) == pass &&
                (wanted_exit == NULL || wanted_exit->integer == status);
    for (size_t i = 0; soft == NULL && errors != NULL && i < errors->item_count; i++) {
        good &= str_contains(buf_view(&out), errors->items[i]->text);
    }
    if (!pass) {
        good &= faults_have_places(buf_view(&out), path);
    }
    if (!good) {
        fprintf(stderr, "%.*s: exit %d, case at line %u\n%.*s", STR_ARG(file), status, one->line,
                STR_ARG(buf_view(&out)));
    }
    buf_done(&out);
    return good;
}

static void run_manifest(const char *manifest)
{
    char path[512];
    struct arena arena = {0};
    struct buf text = {0};
    const struct yaml_node *root = NULL;
    struct baro_error err = {0};
    size_t failed = 0;

    (void)snprintf(path, sizeof(path), "%s", test_shared(manifest));
    assert_ok(prom_config_file_read(path, &text, &err), &err);
    assert_ok(yaml_parse(&arena, buf_view(&text), &root, &err), &err);
    const struct yaml_node *cases = yaml_get(root, STR("cases"));
    const char *directory = dirname(path);

    assert_non_null(cases);
    assert_true(cases->item_count > 0);
    for (size_t i = 0; i < cases->item_count; i++) {
        failed += !case_passes(cases->items[i], directory);
    }
    arena_done(&arena);
    buf_done(&text);
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
