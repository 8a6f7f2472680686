/* Prometheus text 0.0.4 and OpenMetrics 1.0.0, which differ in names of counters, a few words,
 * exemplars and # EOF. */
#include "client/baro_priv.h"

/* Room for what stands in a line beside name and labels: suffix, braces, le or quantile, number,
 * line end. */
enum { LINE_ROOM = 160 };

static const char *type_name(enum baro_type type, bool is_openmetrics)
{
    switch (type) {
    case BARO_COUNTER:
        return "counter";
    case BARO_GAUGE:
        return "gauge";
    case BARO_HISTOGRAM:
        return "histogram";
    case BARO_SUMMARY:
        return "summary";
    case BARO_INFO:
        return is_openmetrics ? "info" : "gauge";
    case BARO_STATESET:
        return is_openmetrics ? "stateset" : "gauge";
    case BARO_UNKNOWN:
        break;
    }
    return is_openmetrics ? "unknown" : "untyped";
}

/* The name that HELP and TYPE speak of: OpenMetrics leaves _total and _info to the samples. */
static uint32_t head_size(const struct baro_family *family, bool is_openmetrics)
{
    return is_openmetrics ? family->base_size : family->name_size;
}

static void head_line(struct baro_sink *sink, const struct baro_family *family, const char *word)
{
    bool is_openmetrics = sink->format == BARO_OPENMETRICS;

    baro_out_text(sink->out, "# ");
    baro_out_text(sink->out, word);
    baro_out_text(sink->out, " ");
    baro_out_put(sink->out, family->name, head_size(family, is_openmetrics));
    if (family->type == BARO_INFO && !is_openmetrics && family->base_size == family->name_size) {
        baro_out_text(sink->out, "_info");
    }
    baro_out_text(sink->out, " ");
}

static bool unit_ends_name(const struct baro_family *family)
{
    size_t size = strlen(family->unit);

    return size > 0 && family->base_size > size + 1 &&
           family->name[family->base_size - size - 1] == '_' &&
           memcmp(&family->name[family->base_size - size], family->unit, size) == 0;
}

void baro_text_family(struct baro_sink *sink, const struct baro_family *family)
{
    bool is_openmetrics = sink->format == BARO_OPENMETRICS;

    if (family->help[0] != '\0') {
        head_line(sink, family, "HELP");
        baro_out_escaped(sink->out, family->help, is_openmetrics);
        baro_out_text(sink->out, "\n");
    }
    head_line(sink, family, "TYPE");
    baro_out_text(sink->out, type_name(family->type, is_openmetrics));
    baro_out_text(sink->out, "\n");
    if (is_openmetrics && unit_ends_name(family)) {
        head_line(sink, family, "UNIT");
        baro_out_text(sink->out, family->unit);
        baro_out_text(sink->out, "\n");
    }
}

/* ---- Lines: name suffix { labels , extra } number
 * ------------------------------------------------- */

static inline char *put(char *at, const char *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

struct line {
    const char *name;
    uint32_t name_size;
    const char *suffix;
    uint32_t suffix_size;
    const char *extra; /* a label that the type adds: its name with =" */
    uint32_t extra_size;
    const char *value; /* and its value */
    uint32_t value_size;
};

/* Writes a line up to its number; returns where that goes, NULL when memory is out. */
static inline char *line_start(struct baro_out *out, const struct line *line,
                               const struct baro_sample *sample)
{
    size_t most = (size_t)line->name_size + line->suffix_size + sample->labels_size +
                  line->extra_size + line->value_size + LINE_ROOM;
    char *at = baro_out_reserve(out, most);

    if (at == NULL) {
        return NULL;
    }
    at = put(at, line->name, line->name_size);
    at = put(at, line->suffix, line->suffix_size);
    if (sample->labels_size + line->extra_size > 0) {
        *at++ = '{';
        at = put(at, sample->labels, sample->labels_size);
        if (line->extra_size > 0) {
            if (sample->labels_size > 0) {
                *at++ = ',';
            }
            at = put(at, line->extra, line->extra_size);
            at = put(at, line->value, line->value_size);
            *at++ = '"';
        }
        *at++ = '}';
    }
    *at++ = ' ';
    return at;
}

static inline void line_end(struct baro_out *out, char *at)
{
    *at++ = '\n';
    out->size = (size_t)(at - out->bytes);
}

static inline void line_u64(struct baro_out *out, const struct line *line,
                            const struct baro_sample *sample, uint64_t value)
{
    char *at = line_start(out, line, sample);

    if (at != NULL) {
        at += baro_number_u64(value, at);
        line_end(out, at);
    }
}

static inline void line_double(struct baro_out *out, const struct line *line,
                               const struct baro_sample *sample, double value)
{
    char *at = line_start(out, line, sample);

    if (at != NULL) {
        out->size = (size_t)(at - out->bytes);
        baro_out_double(out, value);
        baro_out_put(out, "\n", 1);
    }
}

/* Seconds since 1970 with three digits behind the point. */
static void put_time(struct baro_out *out, int64_t time_ms)
{
    char text[BARO_NUMBER_BYTES];
    size_t size = baro_number_i64(time_ms / 1000, text);
    unsigned rest = (unsigned)(time_ms % 1000 < 0 ? 0 : time_ms % 1000);

    text[size++] = '.';
    text[size++] = (char)('0' + rest / 100);
    text[size++] = (char)('0' + rest / 10 % 10);
    text[size++] = (char)('0' + rest % 10);
    baro_out_put(out, text, size);
}

/* Replaces the line's end by the exemplar, where there is one. */
static void exemplar_put(struct baro_sink *sink, const struct baro_sample *sample, uint32_t bucket)
{
    struct baro_exemplar_kept kept;

    if (sink->format != BARO_OPENMETRICS || sample->series == NULL || sink->out->size == 0 ||
        !baro_exemplar_read(sample->series, bucket, &kept)) {
        return;
    }
    sink->out->size--;
    baro_out_text(sink->out, " # {");
    baro_out_put(sink->out, kept.labels, kept.size);
    baro_out_text(sink->out, "} ");
    baro_out_double(sink->out, kept.value);
    baro_out_text(sink->out, " ");
    put_time(sink->out, kept.time_ms);
    baro_out_text(sink->out, "\n");
}

static void created_put(struct baro_sink *sink, const struct baro_family *family,
                        const struct baro_sample *sample)
{
    struct line line = {family->name, family->base_size, "_created", 8, "", 0, "", 0};
    char *at;

    if (sink->format != BARO_OPENMETRICS || !family->registry->created_series ||
        sample->created_ms == 0) {
        return;
    }
    at = line_start(sink->out, &line, sample);
    if (at != NULL) {
        sink->out->size = (size_t)(at - sink->out->bytes);
        put_time(sink->out, sample->created_ms);
        baro_out_text(sink->out, "\n");
    }
}

/* ---- Samples
 * -------------------------------------------------------------------------------------- */

void baro_text_value(struct baro_sink *sink, const struct baro_family *family,
                     const struct baro_sample *sample, double value)
{
    struct line line = {family->name, family->name_size, "", 0, "", 0, "", 0};

    if (family->type == BARO_COUNTER && sink->format == BARO_OPENMETRICS) {
        line.name_size = family->base_size;
        line.suffix = "_total";
        line.suffix_size = 6;
    } else if (family->type == BARO_INFO) {
        line.name_size = family->base_size;
        line.suffix = "_info";
        line.suffix_size = 5;
    }
    line_double(sink->out, &line, sample, value);
    if (family->type == BARO_COUNTER) {
        exemplar_put(sink, sample, 0);
        created_put(sink, family, sample);
    }
}

void baro_text_state(struct baro_sink *sink, const struct baro_family *family,
                     const struct baro_sample *sample, const char *state, bool on)
{
    struct line line = {family->name, family->name_size, "", 0, "", 0, "", 0};
    struct baro_out extra;
    struct baro_out value;

    baro_out_init(&extra, NULL, NULL, false);
    baro_out_init(&value, NULL, NULL, false);
    baro_out_put(&extra, family->name, family->name_size);
    baro_out_text(&extra, "=\"");
    baro_out_escaped(&value, state, true);
    baro_out_put(&value, "", 1);
    if (extra.failed == 0 && value.failed == 0) {
        line.extra = extra.bytes;
        line.extra_size = (uint32_t)extra.size;
        line.value = value.bytes;
        line.value_size = (uint32_t)value.size - 1;
        line_u64(sink->out, &line, sample, on);
    } else {
        sink->out->failed = BARO_NO_MEMORY;
    }
    baro_out_done(&extra);
    baro_out_done(&value);
}

void baro_text_histogram(struct baro_sink *sink, const struct baro_family *family,
                         const struct baro_sample *sample, const struct baro_histogram_view *view)
{
    struct line bucket = {family->name, family->name_size, "_bucket", 7, "le=\"", 4, "", 0};
    struct line sum = {family->name, family->name_size, "_sum", 4, "", 0, "", 0};
    struct line count = {family->name, family->name_size, "_count", 6, "", 0, "", 0};
    uint64_t total = 0;

    for (size_t i = 0; i <= view->data.bound_count; i++) {
        total += view->data.buckets[i];
        bucket.value = view->bound_texts[i].text;
        bucket.value_size = view->bound_texts[i].size;
        line_u64(sink->out, &bucket, sample, total);
        exemplar_put(sink, sample, (uint32_t)i);
    }
    /* OpenMetrics forbids a sum where observations may be negative, and a count without a sum. */
    if (sink->format != BARO_OPENMETRICS || view->data.bound_count == 0 ||
        !(view->data.bounds[0] < 0)) {
        line_double(sink->out, &sum, sample, view->data.sum);
        line_u64(sink->out, &count, sample, total);
    }
    created_put(sink, family, sample);
}

void baro_text_summary(struct baro_sink *sink, const struct baro_family *family,
                       const struct baro_sample *sample, const struct baro_summary_data *data)
{
    struct line quantile = {family->name, family->name_size, "", 0, "quantile=\"", 10, "", 0};
    struct line sum = {family->name, family->name_size, "_sum", 4, "", 0, "", 0};
    struct line count = {family->name, family->name_size, "_count", 6, "", 0, "", 0};

    for (size_t i = 0; i < data->quantile_count; i++) {
        char text[BARO_NUMBER_BYTES];

        quantile.value = text;
        quantile.value_size = (uint32_t)baro_number_double(data->quantiles[i], text);
        line_double(sink->out, &quantile, sample, data->values[i]);
    }
    line_double(sink->out, &sum, sample, data->sum);
    line_u64(sink->out, &count, sample, data->count);
    created_put(sink, family, sample);
}
