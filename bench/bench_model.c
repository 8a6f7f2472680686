#include <stdio.h>

#include "base/assert.h"
#include "bench/bench.h"
#include "model/exposition.h"
#include "model/matcher.h"
#include "model/relabel.h"

/* What the seeds' services expose: 163 bytes a line, values that are counters or short decimals. */
enum { LINES = 1000, ROUNDS = 1000 };

struct parse_bench {
    struct buf body;
    str raws[LINES];
    struct labels_builder builder;
    struct arena arena;
};

static void fill(struct parse_bench *b, enum exposition_format format)
{
    *b = (struct parse_bench){0};
    for (unsigned i = 0; i < LINES; i++) {
        size_t start = b->body.len;
        size_t raw_bytes;

        buf_printf(
            &b->body,
            "http_requests_total{method=\"GET\",endpoint=\"/api/v1/cart/items\",status=\"%u\","
            "pod=\"web-7f9c-%u\",zone=\"eu-1a\",stage=\"prod\"}",
            200 + i % 5, i);
        raw_bytes = b->body.len - start;
        b->raws[i] = str_of(NULL, raw_bytes);
        if (i % 4 == 3) {
            buf_printf(&b->body, " %u.%03u\n", i, i % 1000);
        } else {
            buf_printf(&b->body, " %u\n", 123456 + i * 7919);
        }
    }
    if (format == EXPOSITION_OPENMETRICS) {
        buf_c(&b->body, "# EOF\n");
    }
    for (size_t i = 0, at = 0; i < LINES; i++) {
        const char *line = b->body.ptr + at;

        b->raws[i].ptr = line;
        at += (size_t)((const char *)memchr(line, '\n', b->body.len - at) - line) + 1;
    }
}

static void done(struct parse_bench *b)
{
    buf_done(&b->body);
    labels_builder_done(&b->builder);
    arena_done(&b->arena);
}

static void parse_expected(void *context)
{
    struct parse_bench *b = context;
    struct exposition parser;
    struct exposition_event event = {0};
    double sum = 0;

    exposition_init(&parser, buf_view(&b->body), EXPOSITION_TEXT);
    for (size_t i = 0; i < LINES; i++) {
        ASSERT(exposition_expect(&parser, b->raws[i], &event, NULL) == EXPOSITION_SERIES);
        sum += event.value;
    }
    bench_keep(&sum);
}

static void parse_unexpected(void *context)
{
    struct parse_bench *b = context;
    struct exposition parser;
    struct exposition_event event = {0};

    exposition_init(&parser, buf_view(&b->body), EXPOSITION_TEXT);
    while (exposition_next(&parser, &event, NULL) > EXPOSITION_END) {
        bench_keep(&event);
    }
}

static void parse_labels(void *context)
{
    struct parse_bench *b = context;
    struct exposition parser;
    struct exposition_event event = {0};
    struct labels labels;

    arena_reset(&b->arena);
    exposition_init(&parser, buf_view(&b->body), EXPOSITION_OPENMETRICS);
    while (exposition_next(&parser, &event, NULL) > EXPOSITION_END) {
        ASSERT(exposition_series_labels(&parser, &event, &b->builder, &b->arena, &labels, NULL) ==
               0);
        bench_keep(labels.items);
    }
}

BENCH(model_exposition)
{
    static struct parse_bench b;
    static struct parse_bench om;

    fill(&b, EXPOSITION_TEXT);
    fill(&om, EXPOSITION_OPENMETRICS);
    bench_measure("exposition: series expected, per line", parse_expected, &b, LINES, b.body.len);
    bench_measure("exposition: series not expected, per line", parse_unexpected, &b, LINES,
                  b.body.len);
    bench_measure("exposition: labels parsed (OpenMetrics), per line", parse_labels, &om, LINES,
                  om.body.len);
    done(&b);
    done(&om);
}

static void match(void *context)
{
    static const str values[] = {STR_INIT("web-1"), STR_INIT("web-2"), STR_INIT("db-17"),
                                 STR_INIT("cache-3-eu-1a"), STR_INIT("")};
    const struct matcher *matcher = context;
    bool any = false;

    for (size_t i = 0; i < ROUNDS; i++) {
        any |= matcher_matches(matcher, values[i % ARRAY_COUNT(values)]);
    }
    bench_keep(&any);
}

BENCH(model_matcher)
{
    static const char *const patterns[] = {
        "web-1",          "web-1|db-17|x|y", "(web|db|cache)-.*",       "web-.*",
        ".*-eu-1a",       ".*eu.*",          "web-(1|2|3|4|5|6|7|8|9)", ".+",
        "(?i)WEB-[0-9]+",
    };

    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        struct matcher matcher = {0};
        char what[64];

        ASSERT(matcher_init(&matcher, MATCHER_REGEX, STR("l"), str_from(patterns[i]), NULL) == 0);
        (void)snprintf(what, sizeof(what), "matcher: =~\"%s\"", patterns[i]);
        bench_measure(what, match, &matcher, ROUNDS, 0);
        matcher_done(&matcher);
    }
}

struct relabel_bench {
    struct relabel_rules *rules;
    struct labels labels;
    struct labels_builder builder;
    struct arena arena;
};

static void relabel(void *context)
{
    struct relabel_bench *b = context;

    for (size_t i = 0; i < ROUNDS; i++) {
        arena_reset(&b->arena);
        labels_builder_load(&b->builder, b->labels);
        bench_keep((void *)(uintptr_t)relabel_apply(b->rules, &b->builder, &b->arena));
    }
}

static void relabel_with(const char *what, const struct prom_relabel *rule)
{
    static const struct label items[] = {
        {STR_INIT("__name__"), STR_INIT("http_requests_total")},
        {STR_INIT("instance"), STR_INIT("h:1")},
        {STR_INIT("job"), STR_INIT("web")},
        {STR_INIT("method"), STR_INIT("GET")},
        {STR_INIT("status"), STR_INIT("200")},
        {STR_INIT("zone"), STR_INIT("eu-1a")},
    };
    struct relabel_bench b = {.labels = {items, ARRAY_COUNT(items)}};
    const struct prom_relabel *rules[] = {rule};

    ASSERT(relabel_rules_new((struct prom_relabels){rules, 1}, false, &b.rules, NULL) == 0);
    bench_measure(what, relabel, &b, ROUNDS, 0);
    (void)relabel_rules_free(b.rules);
    labels_builder_done(&b.builder);
    arena_done(&b.arena);
}

BENCH(model_relabel)
{
    str name[] = {STR("__name__")};
    str zone[] = {STR("zone")};
    const struct prom_relabel drop = {
        .source_labels = {name, 1}, .regex = STR("go_.*|process_.*"), .action = PROM_RELABEL_DROP};
    const struct prom_relabel copy = {.source_labels = {zone, 1},
                                      .regex = STR("(.*)"),
                                      .replacement = STR("$1"),
                                      .target_label = STR("region")};
    const struct prom_relabel groups = {.source_labels = {zone, 1},
                                        .regex = STR("([a-z]+)-(.*)"),
                                        .replacement = STR("$1_$2"),
                                        .target_label = STR("region")};
    const struct prom_relabel labeldrop = {.regex = STR("zone|pod"),
                                           .action = PROM_RELABEL_LABELDROP};

    relabel_with("relabel: drop by prefix", &drop);
    relabel_with("relabel: copy a label", &copy);
    relabel_with("relabel: replace with groups", &groups);
    relabel_with("relabel: labeldrop", &labeldrop);
}
