#include "model/exposition.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/num.h"
#include "model/exposition_priv.h"

void exposition_init(struct exposition *parser, str body, enum exposition_format format)
{
    const char *start = body.ptr != NULL ? body.ptr : "";

    *parser =
        (struct exposition){.at = start, .end = start + body.len, .start = start, .format = format};
}

void exposition_position(const struct exposition *parser, const char *at, uint32_t *ret_line,
                         uint32_t *ret_column)
{
    const char *line = parser->start;
    uint32_t count = 1;

    ASSERT(at >= parser->start && at <= parser->end);
    for (const char *next; (next = memchr(line, '\n', (size_t)(at - line))) != NULL;) {
        line = next + 1;
        count++;
    }
    *ret_line = count;
    *ret_column = (uint32_t)(at - line) + 1;
}

int exposition_fault(const struct exposition *parser, const char *at, struct baro_error *err,
                     const char *format, ...)
{
    char text[sizeof(err->message)];
    uint32_t line;
    uint32_t column;
    va_list args;
    int r;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    exposition_position(parser, at, &line, &column);
    r = error_at_line(err, BARO_EPARSE, line, column, "%s", text);
    if (err != NULL) {
        err->offset = (uint64_t)(at - parser->start);
    }
    return r;
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at;
}

static const char *line_end(const char *at, const char *end)
{
    const char *found = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

    return found != NULL ? found : end;
}

/* The end of a run of bytes that are neither blank nor line feed, for values and timestamps. */
static const char *token_end(const char *at, const char *end)
{
    while (at < end && *at != ' ' && *at != '\t' && *at != '\n') {
        at++;
    }
    return at;
}

static bool is_delimiter(const struct exposition *parser, const char *at)
{
    return at == parser->end || *at == '\n' || *at == ' ' ||
           (*at == '\t' && parser->format == EXPOSITION_TEXT);
}

/* Reads a number at *at and moves behind it. */
static int read_number(const struct exposition *parser, const char **at, const char *what,
                       double *ret, struct baro_error *err)
{
    const char *behind = exposition_number(*at, parser->end, ret);
    str token;

    if (LIKELY(behind != NULL && is_delimiter(parser, behind))) {
        *at = behind;
        return 0;
    }
    token = str_of(*at, (size_t)(token_end(*at, parser->end) - *at));
    if (token.len == 0) {
        return exposition_fault(parser, *at, err, "expected %s", what);
    }
    if (!exposition_number_exact(token, ret)) {
        bool returns = token.ptr[token.len - 1] == '\r';

        return exposition_fault(parser, *at, err, "%s \"%.*s\" is not a number%s", what,
                                STR_ARG(str_slice(token, 0, 64)),
                                returns ? " (lines must not end in a carriage return)" : "");
    }
    *at = token.ptr + token.len;
    return 0;
}

/* ---- what follows a series ---- */

/* The end of a line: a line feed, or in the text format the end of the body. */
static int finish_line(struct exposition *parser, const char *at, const char *after,
                       struct baro_error *err)
{
    if (at < parser->end && *at == '\n') {
        parser->at = at + 1;
        return EXPOSITION_SERIES;
    }
    if (at == parser->end) {
        if (parser->format == EXPOSITION_OPENMETRICS) {
            return exposition_fault(parser, at, err, "data does not end with # EOF");
        }
        parser->at = at;
        return EXPOSITION_SERIES;
    }
    return exposition_fault(parser, at, err, "expected the end of the line after the %s", after);
}

static int read_text_tail(struct exposition *parser, const char *at, struct exposition_event *ret,
                          struct baro_error *err)
{
    const char *digits;

    at = skip_blanks(at, parser->end);
    if (at == parser->end || *at == '\n') {
        return finish_line(parser, at, "value", err);
    }
    digits = at;
    while (at < parser->end && *at >= '0' && *at <= '9') {
        at++;
    }
    if (!num_parse_i64(str_of(digits, (size_t)(at - digits)), &ret->t)) {
        return exposition_fault(parser, digits, err,
                                "expected a timestamp in milliseconds or the end of the line");
    }
    ret->has_timestamp = true;
    return finish_line(parser, skip_blanks(at, parser->end), "timestamp", err);
}

static int read_seconds(const struct exposition *parser, const char **at, const char *what, ts *ret,
                        struct baro_error *err)
{
    const char *first = *at;
    double seconds;
    int r = read_number(parser, at, what, &seconds, err);

    if (r < 0) {
        return r;
    }
    if (!exposition_seconds_to_ms(seconds, ret)) {
        return exposition_fault(parser, first, err, "invalid %s", what);
    }
    return 0;
}

/* An exemplar, from its '{' on: labels, value, and perhaps a timestamp. */
static int read_exemplar(struct exposition *parser, const char *at, struct exposition_event *ret,
                         struct baro_error *err)
{
    const char *stop = line_end(at, parser->end);
    const char *behind = exposition_block_end(at + 1, stop);
    int r;

    if (behind == NULL) {
        return exposition_fault(parser, at, err, "the labels of the exemplar are not closed");
    }
    ret->exemplar = str_of(at, (size_t)(behind - at));
    r = exposition_exemplar_check(parser, ret->exemplar, err);
    if (r < 0) {
        return r;
    }
    at = behind;
    if (at == parser->end || *at != ' ') {
        return exposition_fault(parser, at, err, "expected a value after the exemplar's labels");
    }
    at++;
    r = read_number(parser, &at, "the exemplar's value", &ret->exemplar_value, err);
    if (r < 0 || at == parser->end || *at == '\n') {
        return r < 0 ? r : finish_line(parser, at, "exemplar", err);
    }
    at++;
    r = read_seconds(parser, &at, "exemplar timestamp", &ret->exemplar_t, err);
    ret->has_exemplar_timestamp = r == 0;
    return r < 0 ? r : finish_line(parser, at, "exemplar timestamp", err);
}

static int read_openmetrics_tail(struct exposition *parser, const char *at,
                                 struct exposition_event *ret, struct baro_error *err)
{
    const char *after = "value";

    /* "at" is a line feed, the end, or a blank that separates. */
    if (at < parser->end && *at == ' ' && at + 1 < parser->end && at[1] != '#') {
        int r;

        at++;
        r = read_seconds(parser, &at, "timestamp", &ret->t, err);
        if (r < 0) {
            return r;
        }
        ret->has_timestamp = true;
        after = "timestamp";
    }
    if (parser->end - at >= 4 && memcmp(at, " # {", 4) == 0) {
        return read_exemplar(parser, at + 3, ret, err);
    }
    return finish_line(parser, at, after, err);
}

int exposition_sample_(struct exposition *parser, size_t raw_bytes, struct exposition_event *ret,
                       struct baro_error *err)
{
    bool text = parser->format == EXPOSITION_TEXT;
    const char *raw = parser->at;
    const char *at = raw + raw_bytes;
    int r;

    if (text) {
        at = skip_blanks(at, parser->end);
        if (at < parser->end && *at == '{') {
            return 0; /* the name alone was expected, and this series has labels */
        }
    } else if (*at++ != ' ') {
        return exposition_fault(parser, at - 1, err, "expected one space before the value");
    }
    ret->raw = str_of(raw, raw_bytes);
    ret->has_timestamp = false;
    ret->has_exemplar_timestamp = false;
    ret->exemplar = STR_NULL;
    ret->type = parser->type;
    r = read_number(parser, &at, "the value", &ret->value, err);
    if (UNLIKELY(r < 0)) {
        return r;
    }
    if (LIKELY(at < parser->end && *at == '\n')) {
        parser->at = at + 1;
        return EXPOSITION_SERIES;
    }
    return text ? read_text_tail(parser, at, ret, err)
                : read_openmetrics_tail(parser, at, ret, err);
}

/* ---- lines ---- */

static int read_series(struct exposition *parser, struct exposition_event *ret,
                       struct baro_error *err)
{
    const char *at = parser->at;
    const char *end = parser->end;
    const char *behind;
    int r;

    while (at < end && byte_is(*at, BYTE_METRIC)) {
        at++;
    }
    behind = at;
    if (parser->format == EXPOSITION_TEXT) {
        at = skip_blanks(at, end);
    }
    if (at < end && *at == '{') {
        behind = exposition_block_end(at + 1, end);
        if (behind == NULL) {
            return exposition_fault(parser, at, err, "the labels are not closed by '}'");
        }
    }
    if (behind == end || (*behind == '\n')) {
        return exposition_fault(parser, behind, err, "expected a value after the series");
    }
    if (!is_delimiter(parser, behind) && parser->format == EXPOSITION_OPENMETRICS) {
        return exposition_fault(parser, behind, err, "expected one space before the value");
    }
    if (!is_delimiter(parser, behind) && behind[-1] != '}') {
        return exposition_fault(parser, behind, err, "unexpected character in the metric name");
    }
    r = exposition_sample_(parser, (size_t)(behind - parser->at), ret, err);
    if (r == 0) {
        return exposition_fault(parser, behind, err, "expected a value after the labels");
    }
    return r;
}

static bool take(const char **at, const char *end, str what)
{
    if ((size_t)(end - *at) < what.len || memcmp(*at, what.ptr, what.len) != 0) {
        return false;
    }
    *at += what.len;
    return true;
}

/* The family name of a TYPE, HELP or UNIT line, bare or in quotes. */
static int read_family(struct exposition *parser, const char **at, const char *stop,
                       const char *word, struct exposition_event *ret, struct baro_error *err)
{
    const char *first = *at;
    const char *behind = first;

    if (first < stop && *first == '"') {
        behind = exposition_string_end(first + 1, stop);
        if (behind == NULL) {
            return exposition_fault(parser, first, err, "the name after %s is not closed", word);
        }
        ret->name = str_of(first + 1, (size_t)(behind - first) - 2);
    } else {
        if (first < stop && byte_is(*first, BYTE_METRIC_START)) {
            while (behind < stop && byte_is(*behind, BYTE_METRIC)) {
                behind++;
            }
        }
        ret->name = str_of(first, (size_t)(behind - first));
    }
    if (ret->name.len == 0 || !utf8_is_valid(ret->name)) {
        return exposition_fault(parser, first, err, "expected a metric name after %s", word);
    }
    *at = behind;
    return 0;
}

static int read_type(struct exposition *parser, const char *at, struct exposition_event *ret,
                     struct baro_error *err)
{
    bool text = parser->format == EXPOSITION_TEXT;

    for (unsigned type = 0; type < METRIC_TYPE_COUNT; type++) {
        bool only_openmetrics =
            type == METRIC_GAUGE_HISTOGRAM || type == METRIC_INFO || type == METRIC_STATESET;
        const char *name = metric_type_name((enum metric_type)type);

        name = text && type == METRIC_UNKNOWN ? "untyped" : name;
        if (str_is(ret->text, name) && !(text && only_openmetrics)) {
            ret->type = (enum metric_type)type;
            parser->type = ret->type;
            return EXPOSITION_TYPE;
        }
    }
    return exposition_fault(parser, at, err, "invalid metric type \"%.*s\"",
                            STR_ARG(str_slice(ret->text, 0, 64)));
}

static int check_unit(struct exposition *parser, const char *at,
                      const struct exposition_event *event, struct baro_error *err)
{
    str unit = event->text;
    str name = event->name;

    if (unit.len > 0 && (!str_has_suffix(name, unit) || name.len < unit.len + 1 ||
                         name.ptr[name.len - unit.len - 1] != '_')) {
        return exposition_fault(parser, at, err, "unit \"%.*s\" is not a suffix of metric \"%.*s\"",
                                STR_ARG(str_slice(unit, 0, 64)), STR_ARG(str_slice(name, 0, 96)));
    }
    return EXPOSITION_UNIT;
}

/* The rest of a TYPE, HELP or UNIT line from the name on. */
static int read_metadata(struct exposition *parser, const char *at, const char *stop,
                         enum exposition_kind kind, const char *word, struct exposition_event *ret,
                         struct baro_error *err)
{
    int r = read_family(parser, &at, stop, word, ret, err);

    if (r < 0) {
        return r;
    }
    if (parser->format == EXPOSITION_OPENMETRICS && (at == stop || *at != ' ')) {
        return exposition_fault(parser, at, err, "expected a space and text after the name in %s",
                                word);
    }
    /* The text format drops one byte behind the name, whatever it is. */
    at += at < stop ? 1 : 0;
    ret->text = str_of(at, (size_t)(stop - at));
    if (parser->format == EXPOSITION_OPENMETRICS && stop == parser->end) {
        return exposition_fault(parser, stop, err, "data does not end with # EOF");
    }
    if (kind == EXPOSITION_HELP && !utf8_is_valid(ret->text)) {
        return exposition_fault(parser, at, err, "the help text is not valid UTF-8");
    }
    if (kind == EXPOSITION_TYPE) {
        r = read_type(parser, at, ret, err);
    } else {
        r = kind == EXPOSITION_UNIT ? check_unit(parser, at, ret, err) : EXPOSITION_HELP;
    }
    if (r >= 0) {
        parser->at = stop < parser->end ? stop + 1 : stop;
    }
    return r;
}

/* "#" in the text format: HELP and TYPE behind white space, all else is a comment. */
static int read_text_comment(struct exposition *parser, struct exposition_event *ret,
                             struct baro_error *err)
{
    const char *stop = line_end(parser->at, parser->end);
    const char *word = skip_blanks(parser->at + 1, stop);
    const char *at = word;
    bool help = word > parser->at + 1 && take(&at, stop, STR("HELP"));
    bool type = word > parser->at + 1 && !help && take(&at, stop, STR("TYPE"));
    const char *name = skip_blanks(at, stop);

    if ((help || type) && name > at) {
        return read_metadata(parser, name, stop, help ? EXPOSITION_HELP : EXPOSITION_TYPE,
                             help ? "HELP" : "TYPE", ret, err);
    }
    ret->text = str_of(parser->at, (size_t)(stop - parser->at));
    parser->at = stop < parser->end ? stop + 1 : stop;
    return EXPOSITION_COMMENT;
}

static int read_openmetrics_comment(struct exposition *parser, struct exposition_event *ret,
                                    struct baro_error *err)
{
    const char *stop = line_end(parser->at, parser->end);
    const char *at = parser->at;

    if (take(&at, stop, STR("# HELP "))) {
        return read_metadata(parser, at, stop, EXPOSITION_HELP, "HELP", ret, err);
    }
    if (take(&at, stop, STR("# TYPE "))) {
        return read_metadata(parser, at, stop, EXPOSITION_TYPE, "TYPE", ret, err);
    }
    if (take(&at, stop, STR("# UNIT "))) {
        return read_metadata(parser, at, stop, EXPOSITION_UNIT, "UNIT", ret, err);
    }
    if (take(&at, stop, STR("# EOF"))) {
        if (at != stop || (stop < parser->end && stop + 1 != parser->end)) {
            return exposition_fault(parser, at, err, "unexpected data after # EOF");
        }
        parser->at = parser->end;
        return EXPOSITION_END;
    }
    return exposition_fault(parser, parser->at, err,
                            "expected # HELP, # TYPE, # UNIT, # EOF or a series");
}

int exposition_next(struct exposition *parser, struct exposition_event *ret, struct baro_error *err)
{
    if (parser->format == EXPOSITION_TEXT) {
        while (parser->at < parser->end &&
               (*parser->at == '\n' || *parser->at == ' ' || *parser->at == '\t')) {
            parser->at++;
        }
        if (parser->at == parser->end) {
            return EXPOSITION_END;
        }
    } else if (parser->at == parser->end) {
        return exposition_fault(parser, parser->at, err, "data does not end with # EOF");
    }
    if (LIKELY(byte_is(*parser->at, BYTE_METRIC_START) || *parser->at == '{')) {
        return read_series(parser, ret, err);
    }
    if (*parser->at == '#') {
        return parser->format == EXPOSITION_TEXT ? read_text_comment(parser, ret, err)
                                                 : read_openmetrics_comment(parser, ret, err);
    }
    return exposition_fault(parser, parser->at, err,
                            "expected a metric name, '{' or '#' at the start of the line");
}

/* ---- content types ---- */

/* The format of a scrape protocol's name; false when it is unknown. */
static bool protocol_format(str protocol, enum exposition_format *ret)
{
    if (str_is(protocol, "PrometheusProto")) {
        *ret = EXPOSITION_PROTOBUF;
        return true;
    }
    if (str_has_prefix(protocol, STR("OpenMetricsText"))) {
        *ret = EXPOSITION_OPENMETRICS;
        return true;
    }
    *ret = EXPOSITION_TEXT;
    return str_has_prefix(protocol, STR("PrometheusText"));
}

static bool is_token(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c <= ' ' || c >= 0x7F || strchr("()<>@,;:\\\"/[]?=", c) != NULL) {
            return false;
        }
    }
    return text.len > 0;
}

/* "type/subtype" of a Content-Type in well-formed shape; parameters are not looked at. */
static bool media_type(str content_type, str *ret)
{
    size_t semicolon = str_index_char(content_type, ';');
    str type = str_trim(str_slice(content_type, 0, semicolon));
    size_t slash = str_index_char(type, '/');

    *ret = type;
    if (slash == SIZE_MAX) {
        return is_token(type);
    }
    return is_token(str_slice(type, 0, slash)) && is_token(str_from_index(type, slash + 1));
}

static int use_fallback(str content_type, str fallback, enum exposition_format *ret,
                        struct baro_error *err)
{
    bool blank = content_type.len == 0;
    str shown = str_slice(content_type, 0, 96);

    if (fallback.len == 0 || !protocol_format(fallback, ret)) {
        return error_set(err, BARO_EINVALID,
                         blank ? "the target sends no Content-Type%.*s and has no "
                                 "fallback_scrape_protocol"
                               : "the Content-Type \"%.*s\" is not supported, and the target has "
                                 "no fallback_scrape_protocol",
                         STR_ARG(shown));
    }
    (void)error_set(err, BARO_EINVALID,
                    "the Content-Type \"%.*s\" is not supported, using fallback_scrape_protocol "
                    "%.*s",
                    STR_ARG(shown), STR_ARG(fallback));
    return 1;
}

int exposition_format_from_content_type(str content_type, str fallback, enum exposition_format *ret,
                                        struct baro_error *err)
{
    str type;

    if (content_type.len == 0 || !media_type(content_type, &type)) {
        return use_fallback(content_type, fallback, ret, err);
    }
    if (str_eq_nocase(type, STR("text/plain"))) {
        *ret = EXPOSITION_TEXT;
        return 0;
    }
    if (str_eq_nocase(type, STR("application/openmetrics-text"))) {
        *ret = EXPOSITION_OPENMETRICS;
        return 0;
    }
    if (str_eq_nocase(type, STR("application/vnd.google.protobuf"))) {
        *ret = EXPOSITION_PROTOBUF;
        return 0;
    }
    return use_fallback(content_type, fallback, ret, err);
}
