#include "model/relabel.h"

#include "testing/test.h"

enum { SOURCES_MAX = 3, LABELS_MAX = 4 };

struct relabel_case {
    const char *name;
    enum prom_relabel_action action;
    const char *sources[SOURCES_MAX];
    const char *regex; /* NULL = (.*) */
    const char *target;
    const char *replacement; /* NULL = $1 */
    uint64_t modulus;
    bool legacy;
    const char *input[2 * LABELS_MAX];
    const char *want; /* NULL = dropped */
};

static const struct relabel_case cases[] = {
    {.name = "replace with groups",
     .sources = {"a"},
     .regex = "f(.*)",
     .target = "d",
     .replacement = "ch${1}-ch${1}",
     .input = {"a", "foo", "b", "bar"},
     .want = "{a=\"foo\", b=\"bar\", d=\"choo-choo\"}"},
    {.name = "several sources",
     .sources = {"a", "b"},
     .regex = "f(.*);(.*)r",
     .target = "a",
     .replacement = "b${1}${2}m",
     .input = {"a", "foo", "b", "bar"},
     .want = "{a=\"boobam\", b=\"bar\"}"},
    {.name = "no match changes nothing",
     .sources = {"a"},
     .regex = "x.*",
     .target = "d",
     .replacement = "y",
     .input = {"a", "foo"},
     .want = "{a=\"foo\"}"},
    {.name = "the match is anchored",
     .sources = {"a"},
     .regex = "o",
     .target = "d",
     .replacement = "y",
     .input = {"a", "foo"},
     .want = "{a=\"foo\"}"},
    {.name = "default regex copies",
     .sources = {"a"},
     .target = "d",
     .input = {"a", "foo"},
     .want = "{a=\"foo\", d=\"foo\"}"},
    {.name = "absent source is empty",
     .sources = {"z"},
     .target = "a",
     .input = {"a", "foo"},
     .want = "{}"},
    {.name = "no source sets a constant",
     .target = "a",
     .replacement = "x",
     .input = {"a", "foo"},
     .want = "{a=\"x\"}"},
    {.name = "empty replacement deletes",
     .sources = {"a"},
     .target = "a",
     .replacement = "",
     .input = {"a", "foo", "b", "x"},
     .want = "{b=\"x\"}"},
    {.name = "target from a group",
     .sources = {"a"},
     .regex = "(f)(.*)",
     .target = "${1}_x",
     .replacement = "$2",
     .input = {"a", "foo"},
     .want = "{a=\"foo\", f_x=\"oo\"}"},
    {.name = "empty target does nothing",
     .sources = {"a"},
     .target = "$3",
     .input = {"a", "foo"},
     .want = "{a=\"foo\"}"},
    {.name = "target in UTF-8",
     .sources = {"a"},
     .target = "x-$1",
     .input = {"a", "foo"},
     .want = "{a=\"foo\", \"x-foo\"=\"foo\"}"},
    {.name = "target that is not legacy",
     .sources = {"a"},
     .target = "x-$1",
     .legacy = true,
     .input = {"a", "foo"},
     .want = "{a=\"foo\"}"},
    {.name = "keep",
     .action = PROM_RELABEL_KEEP,
     .sources = {"a"},
     .regex = "f.*",
     .input = {"a", "foo"},
     .want = "{a=\"foo\"}"},
    {.name = "keep drops others",
     .action = PROM_RELABEL_KEEP,
     .sources = {"a"},
     .regex = "g.*",
     .input = {"a", "foo"}},
    {.name = "keep of an absent label",
     .action = PROM_RELABEL_KEEP,
     .sources = {"z"},
     .regex = ".+",
     .input = {"a", "foo"}},
    {.name = "drop",
     .action = PROM_RELABEL_DROP,
     .sources = {"a", "b"},
     .regex = "foo;bar",
     .input = {"a", "foo", "b", "bar"}},
    {.name = "drop spares others",
     .action = PROM_RELABEL_DROP,
     .sources = {"a"},
     .regex = "o+",
     .input = {"a", "foo"},
     .want = "{a=\"foo\"}"},
    {.name = "keepequal",
     .action = PROM_RELABEL_KEEPEQUAL,
     .sources = {"a"},
     .target = "b",
     .input = {"a", "x", "b", "x"},
     .want = "{a=\"x\", b=\"x\"}"},
    {.name = "keepequal drops",
     .action = PROM_RELABEL_KEEPEQUAL,
     .sources = {"a"},
     .target = "b",
     .input = {"a", "x", "b", "y"}},
    {.name = "dropequal",
     .action = PROM_RELABEL_DROPEQUAL,
     .sources = {"a"},
     .target = "b",
     .input = {"a", "x", "b", "x"}},
    {.name = "dropequal spares",
     .action = PROM_RELABEL_DROPEQUAL,
     .sources = {"a"},
     .target = "b",
     .input = {"a", "x", "b", "y"},
     .want = "{a=\"x\", b=\"y\"}"},
    {.name = "hashmod",
     .action = PROM_RELABEL_HASHMOD,
     .sources = {"c"},
     .target = "d",
     .modulus = 1000,
     .input = {"c", "baz"},
     .want = "{c=\"baz\", d=\"976\"}"},
    {.name = "hashmod of lines",
     .action = PROM_RELABEL_HASHMOD,
     .sources = {"a"},
     .target = "d",
     .modulus = 1000,
     .input = {"a", "foo\nbar"},
     .want = "{a=\"foo\\nbar\", d=\"734\"}"},
    {.name = "labelmap",
     .action = PROM_RELABEL_LABELMAP,
     .regex = "__meta_(my.*)",
     .input = {"__meta_my_bar", "aaa", "__meta_other", "b"},
     .want = "{__meta_my_bar=\"aaa\", __meta_other=\"b\", my_bar=\"aaa\"}"},
    {.name = "labelmap to a constant",
     .action = PROM_RELABEL_LABELMAP,
     .regex = "a",
     .replacement = "c",
     .input = {"a", "1"},
     .want = "{a=\"1\", c=\"1\"}"},
    {.name = "labeldrop",
     .action = PROM_RELABEL_LABELDROP,
     .regex = "b.*",
     .input = {"a", "1", "b1", "2", "b2", "3"},
     .want = "{a=\"1\"}"},
    {.name = "labelkeep",
     .action = PROM_RELABEL_LABELKEEP,
     .regex = "b.*",
     .input = {"a", "1", "b1", "2", "b2", "3"},
     .want = "{b1=\"2\", b2=\"3\"}"},
    {.name = "lowercase",
     .action = PROM_RELABEL_LOWERCASE,
     .sources = {"a"},
     .target = "b",
     .input = {"a", "FoO\xC3\x89"},
     .want = "{a=\"FoO\xC3\x89\", b=\"foo\xC3\xA9\"}"},
    {.name = "uppercase",
     .action = PROM_RELABEL_UPPERCASE,
     .sources = {"a"},
     .target = "b",
     .input = {"a", "foo\xC3\xA9"},
     .want = "{a=\"foo\xC3\xA9\", b=\"FOO\xC3\x89\"}"},
};

static struct prom_relabel config_of(const struct relabel_case *c, str sources[SOURCES_MAX])
{
    struct prom_relabel config = {
        .action = c->action,
        .separator = STR(";"),
        .regex = str_from(c->regex != NULL ? c->regex : "(.*)"),
        .target_label = str_from(c->target != NULL ? c->target : ""),
        .replacement = str_from(c->replacement != NULL ? c->replacement : "$1"),
        .modulus = c->modulus,
    };
    size_t count = 0;

    while (count < SOURCES_MAX && c->sources[count] != NULL) {
        sources[count] = str_from(c->sources[count]);
        count++;
    }
    config.source_labels.items = sources;
    config.source_labels.count = count;
    return config;
}

static void run_case(const struct relabel_case *c)
{
    str sources[SOURCES_MAX];
    struct prom_relabel config = config_of(c, sources);
    const struct prom_relabel *items[] = {&config};
    CLEANUP(relabel_rules_freep) struct relabel_rules *rules = NULL;
    struct labels_builder builder = {0};
    struct arena arena = {0};
    struct baro_error err = {0};
    struct buf got = {0};
    bool kept;

    assert_ok(relabel_rules_new((struct prom_relabels){items, 1}, c->legacy, &rules, &err), &err);
    for (size_t i = 0; i < LABELS_MAX && c->input[2 * i] != NULL; i++) {
        labels_builder_add(&builder, str_from(c->input[2 * i]), str_from(c->input[2 * i + 1]));
    }
    kept = relabel_apply(rules, &builder, &arena);
    assert_int_equal(kept, c->want != NULL);
    if (kept) {
        labels_format(&got, labels_builder_finish(&builder));
        assert_str_equal(buf_view(&got), str_from(c->want));
    }
    buf_done(&got);
    arena_done(&arena);
    labels_builder_done(&builder);
}

TEST(relabel_actions)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        test_row(cases[i].name);
        run_case(&cases[i]);
    }
    test_row(NULL);
}

TEST(relabel_rules_run_in_order_until_one_drops)
{
    str sources[] = {STR("a")};
    struct conf_strs source = {sources, 1};
    const struct prom_relabel set = {.source_labels = source,
                                     .regex = STR("(.*)"),
                                     .target_label = STR("b"),
                                     .replacement = STR("$1-x")};
    str set_sources[] = {STR("b")};
    const struct prom_relabel drop = {
        .source_labels = {set_sources, 1}, .regex = STR("1-x"), .action = PROM_RELABEL_DROP};
    const struct prom_relabel *items[] = {&set, &drop};
    CLEANUP(relabel_rules_freep) struct relabel_rules *rules = NULL;
    struct labels_builder builder = {0};
    struct arena arena = {0};

    assert_ok(relabel_rules_new((struct prom_relabels){items, 2}, false, &rules, NULL), NULL);
    labels_builder_add(&builder, STR("a"), STR("1"));
    assert_false(relabel_apply(rules, &builder, &arena));
    labels_builder_reset(&builder);
    labels_builder_add(&builder, STR("a"), STR("2"));
    assert_true(relabel_apply(rules, &builder, &arena));
    assert_str_equal(labels_builder_get(&builder, STR("b")), STR("2-x"));
    assert_true(relabel_apply(NULL, &builder, &arena));
    arena_done(&arena);
    labels_builder_done(&builder);
}

TEST(relabel_refuses_a_bad_expression)
{
    const struct prom_relabel bad = {.regex = STR("a("), .replacement = STR("$1")};
    const struct prom_relabel *items[] = {&bad};
    struct relabel_rules *rules = NULL;
    struct baro_error err = {0};

    assert_int_equal(relabel_rules_new((struct prom_relabels){items, 1}, false, &rules, &err),
                     BARO_EPARSE);
    assert_null(rules);
}

TEST(labels_builder_sets_gets_and_deletes)
{
    struct labels_builder builder = {0};
    struct labels labels;

    labels_builder_set(&builder, STR("z"), STR("1"));
    labels_builder_set(&builder, STR("a"), STR("2"));
    labels_builder_set(&builder, STR("z"), STR("3"));
    labels_builder_set(&builder, STR("m"), STR(""));
    labels_builder_add(&builder, STR("e"), STR(""));
    labels = labels_builder_finish(&builder);
    assert_int_equal(labels.count, 2);
    assert_str_equal(labels.items[0].name, STR("a"));
    assert_str_equal(labels.items[1].value, STR("3"));
    labels_builder_del(&builder, STR("a"));
    labels_builder_del(&builder, STR("no"));
    assert_null(labels_builder_get(&builder, STR("a")).ptr);
    labels_builder_load(&builder, (struct labels){NULL, 0});
    assert_int_equal(labels_builder_finish(&builder).count, 0);
    labels_builder_done(&builder);
}
