/* Which format an Accept header asks for, as client_golang and client_python understand it. */
#include "client/baro_priv.h"

#include <strings.h>

static const char *skip_space(const char *at)
{
    while (*at == ' ' || *at == '\t') {
        at++;
    }
    return at;
}

/* A token up to one of ",;=" or space. */
static size_t token_size(const char *at)
{
    return strcspn(at, ",;= \t");
}

static bool token_is(const char *at, size_t size, const char *want)
{
    return size == strlen(want) && strncasecmp(at, want, size) == 0;
}

/* A quality in thousandths, 0..1000; what is no number is 1000. */
static int quality_of(const char *at)
{
    int value = 0;
    int digit = 100;

    if (*at == '1') {
        return 1000;
    }
    if (*at != '0') {
        return 1000;
    }
    if (*++at == '.') {
        for (at++; *at >= '0' && *at <= '9' && digit > 0; at++, digit /= 10) {
            value += (*at - '0') * digit;
        }
    }
    return value;
}

/* One element of a list: a name and its parameters. */
struct element {
    const char *name;
    size_t name_size;
    int quality;
    bool is_delimited; /* encoding=delimited */
    bool is_family;    /* proto=io.prometheus.client.MetricFamily */
    bool has_version;
    bool version_is_known; /* OpenMetrics 0.0.1 or 1.0.0; text 0.0.4 */
};

static void parameter(struct element *element, const char *name, size_t name_size,
                      const char *value, size_t value_size)
{
    if (value_size >= 2 && value[0] == '"' && value[value_size - 1] == '"') {
        value++;
        value_size -= 2;
    }
    if (token_is(name, name_size, "q")) {
        element->quality = quality_of(value);
    } else if (token_is(name, name_size, "encoding")) {
        element->is_delimited = token_is(value, value_size, "delimited");
    } else if (token_is(name, name_size, "proto")) {
        element->is_family = token_is(value, value_size, "io.prometheus.client.MetricFamily");
    } else if (token_is(name, name_size, "version")) {
        element->has_version = true;
        element->version_is_known = token_is(value, value_size, "1.0.0") ||
                                    token_is(value, value_size, "0.0.1") ||
                                    token_is(value, value_size, "0.0.4");
    }
}

/* Reads the next element of a list and returns what stands behind it, NULL at the end. */
static const char *element_next(const char *at, struct element *ret)
{
    at = skip_space(at);
    while (*at == ',') {
        at = skip_space(at + 1);
    }
    if (*at == '\0') {
        return NULL;
    }
    memset(ret, 0, sizeof(*ret));
    ret->name = at;
    ret->name_size = token_size(at);
    ret->quality = 1000;
    at = skip_space(at + ret->name_size);
    while (*at == ';') {
        const char *name = skip_space(at + 1);
        size_t name_size = token_size(name);

        at = skip_space(name + name_size);
        if (*at == '=') {
            const char *value = skip_space(at + 1);
            size_t value_size = token_size(value);

            parameter(ret, name, name_size, value, value_size);
            at = skip_space(value + value_size);
        }
    }
    return at + strcspn(at, ",");
}

/* -1 = none of ours. */
static int format_of(const struct element *element)
{
    if (token_is(element->name, element->name_size, "application/vnd.google.protobuf")) {
        return element->is_delimited && element->is_family ? BARO_PROTOBUF : -1;
    }
    if (token_is(element->name, element->name_size, "application/openmetrics-text")) {
        return !element->has_version || element->version_is_known ? BARO_OPENMETRICS : -1;
    }
    if (token_is(element->name, element->name_size, "text/plain") ||
        token_is(element->name, element->name_size, "text/*") ||
        token_is(element->name, element->name_size, "*/*")) {
        return BARO_TEXT;
    }
    return -1;
}

enum baro_format baro_format_negotiate(const char *accept)
{
    int best = BARO_TEXT;
    int best_quality = 0;
    struct element element;

    while (accept != NULL && (accept = element_next(accept, &element)) != NULL) {
        int format = format_of(&element);

        if (format >= 0 && element.quality > best_quality) {
            best = format;
            best_quality = element.quality;
        }
    }
    return (enum baro_format)best;
}

bool baro_gzip_negotiate(const char *accept_encoding)
{
    bool allowed = false;
    struct element element;

    while (accept_encoding != NULL &&
           (accept_encoding = element_next(accept_encoding, &element)) != NULL) {
        if (token_is(element.name, element.name_size, "gzip")) {
            allowed = element.quality > 0;
        }
    }
    return allowed && baro_gzip_is_built();
}

const char *baro_format_content_type(enum baro_format format)
{
    switch (format) {
    case BARO_OPENMETRICS:
        return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case BARO_PROTOBUF:
        return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
               "encoding=delimited";
    case BARO_TEXT:
        break;
    }
    return "text/plain; version=0.0.4; charset=utf-8";
}
