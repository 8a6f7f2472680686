#include "model/exposition_write.h"

#include "base/num.h"

static void write_escaped(struct buf *buf, str text)
{
    size_t start = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\\' || c == '"' || c == '\n') {
            buf_str(buf, str_slice(text, start, i));
            buf_char(buf, '\\');
            buf_char(buf, c == '\n' ? 'n' : c);
            start = i + 1;
        }
    }
    buf_str(buf, str_from_index(text, start));
}

static void write_quoted(struct buf *buf, str text)
{
    buf_char(buf, '"');
    write_escaped(buf, text);
    buf_char(buf, '"');
}

void exposition_write_type(struct buf *buf, str name, enum metric_type type)
{
    bool known = type == METRIC_COUNTER || type == METRIC_GAUGE || type == METRIC_HISTOGRAM ||
                 type == METRIC_SUMMARY;

    buf_c(buf, "# TYPE ");
    if (metric_name_is_legacy(name)) {
        buf_str(buf, name);
    } else {
        write_quoted(buf, name);
    }
    buf_char(buf, ' ');
    buf_c(buf, known ? metric_type_name(type) : "untyped");
    buf_char(buf, '\n');
}

void exposition_write_sample(struct buf *buf, str name, struct labels labels, double value,
                             const ts *t)
{
    char separator = '{';

    if (metric_name_is_legacy(name)) {
        buf_str(buf, name);
    } else {
        buf_char(buf, '{');
        write_quoted(buf, name);
        separator = ',';
    }
    for (size_t i = 0; i < labels.count; i++) {
        struct label label = labels.items[i];

        if (str_eq(label.name, LABEL_METRIC_NAME)) {
            continue;
        }
        buf_char(buf, separator);
        separator = ',';
        if (label_name_is_legacy(label.name)) {
            buf_str(buf, label.name);
        } else {
            write_quoted(buf, label.name);
        }
        buf_char(buf, '=');
        write_quoted(buf, label.value);
    }
    if (separator == ',') {
        buf_char(buf, '}');
    }
    buf_char(buf, ' ');
    buf_double(buf, value, NUM_G);
    if (t != NULL) {
        buf_char(buf, ' ');
        buf_i64(buf, *t);
    }
    buf_char(buf, '\n');
}
