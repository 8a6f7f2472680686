#include "model/exposition_write.h"

#include <math.h>

#include "base/num.h"

void exposition_write_type(struct buf *buf, str name, enum metric_type type)
{
    bool known = type == METRIC_COUNTER || type == METRIC_GAUGE || type == METRIC_HISTOGRAM ||
                 type == METRIC_SUMMARY;

    buf_c(buf, "# TYPE ");
    if (metric_name_is_legacy(name)) {
        buf_str(buf, name);
    } else {
        buf_label_value(buf, name);
    }
    buf_char(buf, ' ');
    buf_c(buf, known ? metric_type_name(type) : "untyped");
    buf_char(buf, '\n');
}

/* The suffix of a name, and a label that follows the others; empty = none. */
struct extra {
    str suffix;
    str label;
    double bound;
};

static void write_name(struct buf *buf, str name, str suffix)
{
    bool is_legacy = metric_name_is_legacy(name);

    if (!is_legacy) {
        buf_c(buf, "{\"");
    }
    buf_label_text(buf, name);
    buf_str(buf, suffix);
    if (!is_legacy) {
        buf_char(buf, '"');
    }
}

static void write_line(struct buf *buf, str name, const struct extra *extra, struct labels labels,
                       double value, const ts *t)
{
    char separator = metric_name_is_legacy(name) ? '{' : ',';

    write_name(buf, name, extra->suffix);
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
            buf_label_value(buf, label.name);
        }
        buf_char(buf, '=');
        buf_label_value(buf, label.value);
    }
    if (extra->label.len > 0) {
        buf_char(buf, separator);
        separator = ',';
        buf_str(buf, extra->label);
        buf_c(buf, "=\"");
        buf_double(buf, extra->bound, NUM_G);
        buf_char(buf, '"');
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

void exposition_write_sample(struct buf *buf, str name, struct labels labels, double value,
                             const ts *t)
{
    const struct extra none = {0};

    write_line(buf, name, &none, labels, value, t);
}

struct exposition_bounds exposition_bounds_over(const struct histogram *h)
{
    struct exposition_bounds bounds = {.at = {.side = &h->positive}, .h = h};

    bounds.has_bucket = histogram_cursor_next(&bounds.at);
    return bounds;
}

bool exposition_bounds_next(struct exposition_bounds *bounds, double *ret_bound, double *ret_count)
{
    const struct histogram *h = bounds->h;

    if (bounds->next == h->custom_count) {
        return false;
    }
    while (bounds->has_bucket && bounds->at.index <= (int64_t)bounds->next) {
        bounds->count += bounds->at.index == (int64_t)bounds->next ? bounds->at.count : 0;
        bounds->has_bucket = histogram_cursor_next(&bounds->at);
    }
    *ret_bound = h->custom[bounds->next++];
    *ret_count = bounds->count;
    return true;
}

void exposition_write_classic(struct buf *buf, str name, struct labels labels,
                              const struct histogram *h, const ts *t)
{
    struct exposition_bounds bounds = exposition_bounds_over(h);
    struct extra bucket = {.suffix = STR("_bucket"), .label = STR("le")};
    const struct extra sum = {.suffix = STR("_sum")}, total = {.suffix = STR("_count")};
    double count = 0;

    while (exposition_bounds_next(&bounds, &bucket.bound, &count)) {
        write_line(buf, name, &bucket, labels, count, t);
    }
    bucket.bound = INFINITY;
    write_line(buf, name, &bucket, labels, h->count, t);
    write_line(buf, name, &sum, labels, h->sum, t);
    write_line(buf, name, &total, labels, h->count, t);
}
