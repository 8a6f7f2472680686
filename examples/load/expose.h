/*
 * expose: the figures that the load test watches, out of an exposition in Prometheus's text format.
 * A line is a name, labels, and a value; what is no such line is left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One line: the name and the labels (what stands between the braces) are parts of the text. */
struct expose_line {
    const char *name;
    size_t name_len;
    const char *labels;
    size_t labels_len;
    double value;
};

struct expose_reader {
    const char *at; /* NUL-terminated */
};

/* expose_next reads the next sample; false at the end. */
bool expose_next(struct expose_reader *reader, struct expose_line *ret);

bool expose_is(const struct expose_line *line, const char *name);

/* expose_label copies a label's value, cut to size; false when there is none. */
bool expose_label(const struct expose_line *line, const char *name, char *ret, size_t size);
