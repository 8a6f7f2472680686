/*
 * exposition: the text formats in which targets expose their metrics: Prometheus text 0.0.4 and
 * OpenMetrics 1.0. The parser yields one event a line, borrows the body and allocates nothing. The
 * labels of a series are not looked at until exposition_series_labels is called: a scrape loop
 * knows most series by their raw bytes, and those were checked when they were first seen. What is
 * accepted follows Prometheus 3 (model/textparse); exposition_check is the strict judge.
 *
 *     exposition_init(&parser, body, format);
 *     while ((kind = exposition_next(&parser, &event, err)) > EXPOSITION_END) ...
 *
 * After a failure the parser stands where it was and must not be used any further.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "model/labels_builder.h"
#include "model/sample.h"

enum exposition_format {
    EXPOSITION_TEXT,        /* text/plain; version=0.0.4 */
    EXPOSITION_OPENMETRICS, /* application/openmetrics-text */
    EXPOSITION_PROTOBUF,    /* application/vnd.google.protobuf; read by exposition_protobuf */
};

enum exposition_kind {
    EXPOSITION_END,
    EXPOSITION_SERIES,
    EXPOSITION_TYPE,
    EXPOSITION_HELP,
    EXPOSITION_UNIT,
    EXPOSITION_COMMENT,
    EXPOSITION_HISTOGRAM, /* a native histogram: of exposition_protobuf only */
};

/* Which members are set depends on the kind; the str members borrow the body. */
struct exposition_event {
    str raw;      /* SERIES: name and label block as they stand in the body, without the value */
    double value; /* SERIES; NaN is always VALUE_NAN_BITS */
    ts t;         /* SERIES with has_timestamp */
    bool has_timestamp;
    bool has_exemplar_timestamp;
    enum metric_type type; /* TYPE: what it says; SERIES: what the last TYPE line said */
    str exemplar;          /* SERIES: the label block of the exemplar; ptr NULL without one */
    double exemplar_value; /* with an exemplar */
    ts exemplar_t;         /* with has_exemplar_timestamp */
    str name;              /* TYPE, HELP, UNIT: the metric family, without quotes */
    str text;              /* HELP (escapes left in), UNIT, COMMENT */
};

struct exposition {
    const char *at; /* start of the next line */
    const char *end;
    const char *start;
    enum exposition_format format;
    enum metric_type type; /* of the last TYPE line */
};

/*
 * exposition_format_from_content_type picks the format as Prometheus 3 does. `fallback` is the
 * scrape protocol of fallback_scrape_protocol ("PrometheusText0.0.4", "OpenMetricsText1.0.0", ...),
 * empty when there is none. Returns 0, or 1 when the fallback was used (err then says why, for a
 * warning). Fails with BARO_EINVALID.
 */
int exposition_format_from_content_type(str content_type, str fallback, enum exposition_format *ret,
                                        struct baro_error *err);

/* exposition_init starts at the first line of body, which is borrowed. */
void exposition_init(struct exposition *parser, str body, enum exposition_format format);

/*
 * exposition_next reads one line and returns its enum exposition_kind. Fails with BARO_EPARSE and
 * line and column. OpenMetrics ends at "# EOF" and fails without.
 */
int exposition_next(struct exposition *parser, struct exposition_event *ret,
                    struct baro_error *err);

/* exposition_sample_ reads what follows a series of `raw_bytes` bytes; only for those below.
 */
int exposition_sample_(struct exposition *parser, size_t raw_bytes, struct exposition_event *ret,
                       struct baro_error *err);

/*
 * exposition_expect reads the next line if it begins with exactly the bytes `raw` of a series that
 * exposition_next yielded before: one comparison, then the value. Returns EXPOSITION_SERIES, or 0
 * when another line is next (nothing is consumed; call exposition_next), or fails as that does.
 */
static inline int exposition_expect(struct exposition *parser, str raw,
                                    struct exposition_event *ret, struct baro_error *err)
{
    if ((size_t)(parser->end - parser->at) <= raw.len ||
        memcmp(parser->at, raw.ptr, raw.len) != 0 ||
        (parser->at[raw.len] != ' ' && parser->at[raw.len] != '\t')) {
        return 0;
    }
    return exposition_sample_(parser, raw.len, ret, err);
}

/*
 * exposition_ahead gives the next `bytes` bytes if a blank follows them, for a caller who knows the
 * length of the series that should come next; else ptr is NULL. exposition_accept then reads that
 * line as exposition_expect does, if they are that series.
 */
static inline str exposition_ahead(const struct exposition *parser, size_t bytes)
{
    if ((size_t)(parser->end - parser->at) <= bytes ||
        (parser->at[bytes] != ' ' && parser->at[bytes] != '\t')) {
        return STR_NULL;
    }
    return str_of(parser->at, bytes);
}

static inline int exposition_accept(struct exposition *parser, str ahead,
                                    struct exposition_event *ret, struct baro_error *err)
{
    return exposition_sample_(parser, ahead.len, ret, err);
}

/*
 * exposition_series_labels parses the name and the labels of a SERIES event with all checks into
 * the builder (which is reset) and returns the sorted set, without empty values; valid until the
 * builder's next change. Values with escapes, and the normalised le and quantile of classic
 * histograms and summaries ("1" becomes "1.0"), come from the arena, all else borrows the body.
 * Fails with BARO_EPARSE and line and column.
 */
int exposition_series_labels(const struct exposition *parser, const struct exposition_event *event,
                             struct labels_builder *builder, struct arena *arena,
                             struct labels *ret, struct baro_error *err);

/* exposition_raw_labels does the same for a series whose raw bytes are OpenMetrics of one's own
 * making, and no part of a body. */
int exposition_raw_labels(const struct exposition_event *event, struct labels_builder *builder,
                          struct arena *arena, struct labels *ret, struct baro_error *err);

/* exposition_exemplar_labels does the same for the exemplar of a SERIES event. */
int exposition_exemplar_labels(const struct exposition *parser,
                               const struct exposition_event *event, struct labels_builder *builder,
                               struct arena *arena, struct labels *ret, struct baro_error *err);

/* exposition_unescape returns the text of HELP, or a quoted family name, with its escapes resolved;
 * text without escapes is returned as it is. */
str exposition_unescape(const struct exposition *parser, str text, struct arena *arena);

/* exposition_position gives the line and column (from 1, in bytes) of a byte of the body. */
void exposition_position(const struct exposition *parser, const char *at, uint32_t *ret_line,
                         uint32_t *ret_column);
