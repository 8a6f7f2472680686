#include "exporter/exporter_test.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "exporter/procfs.h"
#include "testing/test.h"

char *exporter_collect_text(void (*collect)(void *context, struct emit *emit), void *context)
{
    struct buf buf = {0};
    const struct emit_collector collector = {collect, context};

    buf_char(&buf, '\n');
    assert_true(emit_text(&buf, &collector));
    return buf_take_c(&buf);
}

void exporter_expect(const char *text, const char *const *lines)
{
    for (; *lines != NULL; lines++) {
        struct buf line = {0};

        test_row(*lines);
        buf_printf(&line, "\n%s\n", *lines);
        if (!str_contains(str_from(text), buf_view(&line))) {
            fail_msg("no line '%s' in:%s", *lines, text);
        }
        buf_done(&line);
    }
    test_row(NULL);
}

void exporter_put(const char *root, const char *path, const char *text)
{
    char full[1024];
    FILE *file;

    (void)snprintf(full, sizeof(full), "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    file = fopen(full, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void collect_some(void *context, struct emit *emit)
{
    static const char *const labels[] = {"a", "b", NULL};

    (void)context;
    emit_single(emit, "one", BARO_GAUGE, "First.", 1.5);
    emit_family(emit, "two_total", BARO_COUNTER, "Second.", labels);
    emit_value(emit, 2, (str[]){STR("x\"y"), STR("line\nend")});
    emit_value(emit, 3, (str[]){str_slice(STR("abcdef"), 1, 3), STR("")});
    emit_family(emit, "one", BARO_GAUGE, "Again.", labels); /* refused, with its values */
    emit_value(emit, 4, (str[]){STR("lost"), STR("lost")});
    emit_family(emit, "0 is no name", BARO_GAUGE, "Refused.", NULL);
    emit_value(emit, 5, NULL);
}

TEST(emit_writes_families_and_leaves_out_what_is_refused)
{
    static const char *const wanted[] = {
        "# TYPE one gauge",
        "one 1.5",
        "# TYPE two_total counter",
        "two_total{a=\"x\\\"y\",b=\"line\\nend\"} 2",
        "two_total{a=\"bc\",b=\"\"} 3",
        NULL,
    };
    char *text = exporter_collect_text(collect_some, NULL);

    exporter_expect(text, wanted);
    assert_null(strstr(text, "lost"));
    assert_null(strstr(text, "no name"));
    mem_free(text);
}

TEST(procfs_reads_whole_files_of_a_size)
{
    const char *root = test_dir();
    struct buf text = {.limit = PROCFS_BYTES_MAX * 2};
    char *large = mem_alloc_zero(PROCFS_BYTES_MAX + 2);

    exporter_put(root, "/proc/small", "a b\n");
    assert_true(procfs_read(root, "/proc/small", &text));
    assert_str_equal(buf_view(&text), STR("a b\n"));
    exporter_put(root, "/proc/empty", "");
    assert_true(procfs_read(root, "/proc/empty", &text));
    assert_int_equal(text.len, 0);
    assert_false(procfs_read(root, "/proc/none", &text));
    assert_int_equal(text.len, 0);
    assert_false(procfs_read(root, "/proc", &text));
    memset(large, 'x', PROCFS_BYTES_MAX + 1);
    exporter_put(root, "/proc/large", large);
    assert_false(procfs_read(root, "/proc/large", &text));
    memset(large, 'x', 2000);
    large[2000] = '\0';
    assert_false(procfs_read(root, large, &text)); /* a path that does not fit */
    mem_free(large);
    buf_done(&text);
}

TEST(procfs_key_takes_whole_words)
{
    static const struct {
        const char *name;
        const char *text;
        const char *key;
        bool found;
        double want;
    } cases[] = {
        {"plain", "usage_usec 12\n", "usage_usec", true, 12},
        {"with a colon", "read_bytes: 7\n", "read_bytes", true, 7},
        {"a later line", "a 1\nb 2\n", "b", true, 2},
        {"not a part of a word", "anonymous 1\n", "anon", false, 0},
        {"no number", "a x\n", "a", false, 0},
        {"no value", "a\n", "a", false, 0},
        {"nothing", "", "a", false, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        double value = 0;

        test_row(cases[i].name);
        assert_int_equal(procfs_key(str_from(cases[i].text), cases[i].key, &value), cases[i].found);
        assert_true(value == cases[i].want);
    }
    test_row(NULL);
}

TEST(procfs_split_drops_blanks_and_what_is_too_much)
{
    struct procfs_fields fields;
    struct buf line = {0};

    procfs_split(STR("  a  b\tc  "), &fields);
    assert_int_equal(fields.count, 2);
    assert_str_equal(fields.items[1], STR("b\tc"));
    for (int i = 0; i < 100; i++) {
        buf_printf(&line, "%d ", i);
    }
    procfs_split(buf_view(&line), &fields);
    assert_int_equal(fields.count, PROCFS_FIELDS_MAX);
    assert_true(procfs_number(&fields, 5) == 5);
    assert_true(procfs_number(&fields, 500) == 0);
    buf_done(&line);
}
