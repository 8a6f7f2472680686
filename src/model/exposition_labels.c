#include <math.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/num.h"
#include "model/exposition_priv.h"

/* One label block being read; `builder` is NULL when it is only checked. */
struct block {
    const struct exposition *parser;
    const char *at;
    const char *end; /* behind the '}' */
    struct labels_builder *builder;
    struct arena *arena;
    str metric; /* a quoted name in the block; ptr NULL until there is one */
    bool exemplar;
    enum metric_type type;
};

/* ---- strings ---- */

/* Resolves \\, \" and \n; another backslash stands for itself. */
static str unescape(str text, struct arena *arena, bool quotes)
{
    char *bytes = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char next = i + 1 < text.len ? text.ptr[i + 1] : '\0';

        if (text.ptr[i] == '\\' && (next == '\\' || next == 'n' || (next == '"' && quotes))) {
            bytes[len++] = next == 'n' ? '\n' : next;
            i++;
        } else {
            bytes[len++] = text.ptr[i];
        }
    }
    return str_of(bytes, len);
}

str exposition_unescape(const struct exposition *parser, str text, struct arena *arena)
{
    if (str_index_char(text, '\\') == SIZE_MAX) {
        return text;
    }
    /* OpenMetrics escapes help as label values; the text format leaves quotes alone. */
    return unescape(text, arena, parser->format == EXPOSITION_OPENMETRICS);
}

/* The first byte from `at` on that is a quote, a backslash, a line feed or not ASCII. */
static const char *plain_end(const char *at, const char *end, const char *body_end)
{
#if defined(__SSE2__)
    while (body_end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i stops =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                      _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))),
                         _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')), bytes));
        unsigned mask = (unsigned)_mm_movemask_epi8(stops);

        if (mask != 0) {
            at += __builtin_ctz(mask);
            return at < end ? at : end;
        }
        at += 16;
    }
#else
    (void)body_end;
#endif
    while (at < end && *at != '"' && *at != '\\' && *at != '\n' && (unsigned char)*at < 0x80) {
        at++;
    }
    return at < end ? at : end;
}

/* Reads a quoted string; block->at is behind its opening quote. */
static int read_string(struct block *block, const char *what, str *ret, struct baro_error *err)
{
    const struct exposition *parser = block->parser;
    const char *first = block->at;
    const char *stop = plain_end(first, block->end, parser->end);
    const char *line_feed;
    str text;

    if (LIKELY(stop < block->end && *stop == '"')) {
        *ret = str_of(first, (size_t)(stop - first));
        block->at = stop + 1;
        return 0;
    }
    stop = exposition_string_end(stop, block->end);
    if (stop == NULL) {
        return exposition_fault(parser, first - 1, err, "the %s is not closed", what);
    }
    text = str_of(first, (size_t)(stop - first) - 1);
    line_feed = text.len > 0 ? memchr(text.ptr, '\n', text.len) : NULL;
    if (line_feed != NULL && parser->format == EXPOSITION_OPENMETRICS) {
        return exposition_fault(parser, line_feed, err, "line feed in the %s", what);
    }
    if (!utf8_is_valid(text)) {
        return exposition_fault(parser, first, err, "the %s is not valid UTF-8", what);
    }
    block->at = stop;
    *ret = block->builder != NULL && memchr(text.ptr, '\\', text.len) != NULL
               ? unescape(text, block->arena, true)
               : text;
    return 0;
}

/* ---- le and quantile ---- */

size_t exposition_bound_text(double value, char *ret)
{
    size_t len = num_format_double(value, NUM_G, ret);
    str plain = str_of(ret, len);

    if (isfinite(value) && !str_contains(plain, STR(".")) && !str_contains(plain, STR("e"))) {
        memcpy(ret + len, ".0", 2);
        len += 2;
    }
    return len;
}

/* Prometheus 3 stores le of histograms and quantile of summaries in one form, so that targets which
 * change their format keep their series. */
static str canonical_value(const struct block *block, str name, str value)
{
    bool bound = (block->type == METRIC_HISTOGRAM && str_is(name, "le")) ||
                 (block->type == METRIC_SUMMARY && str_is(name, "quantile"));
    char text[NUM_TEXT_MAX + 2];
    double number;
    str canonical;

    if (!bound || block->exemplar || !num_parse_double(value, &number)) {
        return value;
    }
    canonical = str_of(text, exposition_bound_text(number, text));
    return str_eq(canonical, value) ? value : arena_str(block->arena, canonical);
}

/* ---- blocks ---- */

static void skip_blanks(struct block *block)
{
    if (block->parser->format == EXPOSITION_OPENMETRICS) {
        return;
    }
    while (block->at < block->end && (*block->at == ' ' || *block->at == '\t')) {
        block->at++;
    }
}

static int read_name(struct block *block, str *ret, bool *ret_quoted, struct baro_error *err)
{
    const char *first = block->at;

    *ret_quoted = *first == '"';
    if (*ret_quoted) {
        block->at++;
        return read_string(block, "label name", ret, err);
    }
    if (!byte_is(*first, BYTE_NAME_START)) {
        return exposition_fault(block->parser, first, err, "expected a label name");
    }
    while (byte_is(*block->at, BYTE_NAME)) { /* the '}' at the end stops it */
        block->at++;
    }
    *ret = str_of(first, (size_t)(block->at - first));
    return 0;
}

static int read_metric_name(struct block *block, const char *first, str name,
                            struct baro_error *err)
{
    if (block->exemplar) {
        return exposition_fault(block->parser, first, err, "expected '=' after the label name");
    }
    if (block->metric.ptr != NULL) {
        return exposition_fault(block->parser, first, err, "the metric name is already set");
    }
    block->metric = name;
    if (*block->at == ',') {
        block->at++;
        skip_blanks(block);
    }
    return 0;
}

/* One name="value", or a metric name in quotes, with the comma behind it. */
static int read_pair(struct block *block, struct baro_error *err)
{
    bool openmetrics = block->parser->format == EXPOSITION_OPENMETRICS;
    const char *first = block->at;
    bool quoted = false;
    str name = STR_NULL;
    str value = STR_NULL;
    int r = read_name(block, &name, &quoted, err);

    if (r < 0) {
        return r;
    }
    skip_blanks(block);
    if (quoted && (*block->at == ',' || *block->at == '}')) {
        return read_metric_name(block, first, name, err);
    }
    if (*block->at != '=') {
        return exposition_fault(block->parser, block->at, err, "expected '=' after the label name");
    }
    if (name.len == 0) {
        return exposition_fault(block->parser, first, err, "empty label name");
    }
    block->at++;
    skip_blanks(block);
    if (*block->at != '"') {
        return exposition_fault(block->parser, block->at, err, "expected a label value in quotes");
    }
    block->at++;
    r = read_string(block, "label value", &value, err);
    if (r < 0) {
        return r;
    }
    if (block->builder != NULL) {
        labels_builder_add(block->builder, name, canonical_value(block, name, value));
    }
    skip_blanks(block);
    if (*block->at == ',') {
        block->at++;
        skip_blanks(block);
    } else if (openmetrics && *block->at != '}') {
        return exposition_fault(block->parser, block->at, err, "expected ',' or '}'");
    }
    return 0;
}

/* The block is known to end in '}', and a pair never reads beyond it: the last byte is the '}' that
 * the scan found outside of quotes, and whatever stops at it reports it. */
static int read_block(struct block *block, struct baro_error *err)
{
    block->at++;
    skip_blanks(block);
    while (*block->at != '}') {
        int r = read_pair(block, err);

        if (r < 0) {
            return r;
        }
    }
    if (block->at + 1 != block->end) {
        return exposition_fault(block->parser, block->at, err, "unexpected '}'");
    }
    return 0;
}

static int check_unique(const struct block *block, const char *at, struct baro_error *err)
{
    const struct labels_builder *builder = block->builder;

    labels_sort(builder->items, builder->count);
    for (size_t i = 1; i < builder->count; i++) {
        if (str_eq(builder->items[i - 1].name, builder->items[i].name)) {
            return exposition_fault(block->parser, at, err, "label name \"%.*s\" is not unique",
                                    STR_ARG(str_slice(builder->items[i].name, 0, 96)));
        }
    }
    return 0;
}

int exposition_series_labels(const struct exposition *parser, const struct exposition_event *event,
                             struct labels_builder *builder, struct arena *arena,
                             struct labels *ret, struct baro_error *err)
{
    const char *end = event->raw.ptr + event->raw.len;
    struct block block = {.parser = parser,
                          .at = event->raw.ptr,
                          .end = end,
                          .builder = builder,
                          .arena = arena,
                          .type = event->type};
    int r = 0;

    labels_builder_reset(builder);
    while (block.at < end && byte_is(*block.at, BYTE_METRIC)) {
        block.at++;
    }
    if (block.at > event->raw.ptr) {
        block.metric = str_of(event->raw.ptr, (size_t)(block.at - event->raw.ptr));
    }
    skip_blanks(&block);
    if (block.at < end) {
        r = read_block(&block, err);
    }
    if (r < 0) {
        return r;
    }
    if (block.metric.len == 0) {
        return exposition_fault(parser, event->raw.ptr, err, "the metric name is not set");
    }
    labels_builder_add(builder, LABEL_METRIC_NAME, block.metric);
    r = check_unique(&block, event->raw.ptr, err);
    if (r < 0) {
        return r;
    }
    *ret = labels_builder_finish(builder);
    return 0;
}

int exposition_raw_labels(const struct exposition_event *event, struct labels_builder *builder,
                          struct arena *arena, struct labels *ret, struct baro_error *err)
{
    struct exposition text;

    exposition_init(&text, event->raw, EXPOSITION_OPENMETRICS);
    return exposition_series_labels(&text, event, builder, arena, ret, err);
}

int exposition_exemplar_labels(const struct exposition *parser,
                               const struct exposition_event *event, struct labels_builder *builder,
                               struct arena *arena, struct labels *ret, struct baro_error *err)
{
    struct block block = {.parser = parser,
                          .at = event->exemplar.ptr,
                          .end = event->exemplar.ptr + event->exemplar.len,
                          .builder = builder,
                          .arena = arena,
                          .exemplar = true};
    int r;

    labels_builder_reset(builder);
    r = read_block(&block, err);
    if (r < 0) {
        return r;
    }
    r = check_unique(&block, event->exemplar.ptr, err);
    if (r < 0) {
        return r;
    }
    *ret = labels_builder_finish(builder);
    return 0;
}

int exposition_exemplar_check(const struct exposition *parser, str text, struct baro_error *err)
{
    struct block block = {
        .parser = parser, .at = text.ptr, .end = text.ptr + text.len, .exemplar = true};

    return read_block(&block, err);
}
