#include "expose.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where the labels end: the brace that stands in no string. */
static const char *labels_end(const char *at)
{
    bool in_string = false;

    for (; *at != '\0' && *at != '\n'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        } else if (*at == '"') {
            in_string = !in_string;
        } else if (*at == '}' && !in_string) {
            return at;
        }
    }
    return NULL;
}

static bool line_read(const char *at, struct expose_line *ret)
{
    char *end;

    ret->name = at;
    while (isalnum((unsigned char)*at) || *at == '_' || *at == ':') {
        at++;
    }
    ret->name_len = (size_t)(at - ret->name);
    ret->labels = at;
    ret->labels_len = 0;
    if (*at == '{') {
        const char *close = labels_end(at);

        if (close == NULL) {
            return false;
        }
        ret->labels = at + 1;
        ret->labels_len = (size_t)(close - at - 1);
        at = close + 1;
    }
    if (ret->name_len == 0 || *at != ' ') {
        return false;
    }
    ret->value = strtod(at, &end);
    return end != at && !isnan(ret->value);
}

bool expose_next(struct expose_reader *reader, struct expose_line *ret)
{
    while (*reader->at != '\0') {
        const char *line = reader->at;
        size_t len = strcspn(line, "\n");

        reader->at = line + len + (line[len] == '\n' ? 1 : 0);
        if (line[0] != '#' && line_read(line, ret)) {
            return true;
        }
    }
    return false;
}

bool expose_is(const struct expose_line *line, const char *name)
{
    return strlen(name) == line->name_len && memcmp(line->name, name, line->name_len) == 0;
}

bool expose_label(const struct expose_line *line, const char *name, char *ret, size_t size)
{
    const char *at = line->labels;
    const char *end = line->labels + line->labels_len;
    size_t name_len = strlen(name);

    while (at < end) {
        const char *equals = memchr(at, '=', (size_t)(end - at));
        size_t len = 0;
        bool found;

        if (equals == NULL || equals + 1 >= end || equals[1] != '"') {
            return false;
        }
        found = (size_t)(equals - at) == name_len && memcmp(at, name, name_len) == 0;
        for (at = equals + 2; at < end && *at != '"'; at++) {
            at += *at == '\\' && at + 1 < end ? 1 : 0;
            if (found && len + 1 < size) {
                ret[len++] = *at;
            }
        }
        if (found) {
            ret[len] = '\0';
            return true;
        }
        at++;
        at += at < end && *at == ',' ? 1 : 0;
    }
    return false;
}
