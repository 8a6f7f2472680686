#include "exporter/statsd_line.h"

#include <math.h>

#include "base/attr.h"
#include "base/num.h"

const char *statsd_fault_name(enum statsd_fault fault)
{
    static const char *const names[] = {
        [STATSD_FAULT_NO_VALUE] = "malformed_line",
        [STATSD_FAULT_COMPONENT] = "malformed_component",
        [STATSD_FAULT_VALUE] = "malformed_value",
        [STATSD_FAULT_TYPE] = "illegal_event",
        [STATSD_FAULT_SAMPLE_RATE] = "invalid_sample_factor",
        [STATSD_FAULT_TAG] = "malformed_tag",
        [STATSD_FAULT_MIXED_STYLES] = "mixed_tagging_styles",
    };

    return names[fault];
}

struct tags {
    struct statsd_tag items[STATSD_TAGS_MAX];
    size_t count;
};

/* "k=v,k2=v2" (or with ':'), as many as there is room for. */
static bool tags_take(str text, char separator, struct tags *ret)
{
    bool good = true;

    for (str part; str_split_next(&text, ',', &part);) {
        size_t at = str_index_char(part, separator);
        str name = str_slice(part, 0, at);
        str value = str_from_index(part, at == SIZE_MAX ? part.len : at + 1);

        if (at == SIZE_MAX || name.len == 0 || value.len == 0 || !utf8_is_valid(value) ||
            ret->count >= STATSD_TAGS_MAX) {
            good = false;
            continue;
        }
        ret->items[ret->count++] = (struct statsd_tag){name, value};
    }
    return good;
}

/* Tags within the name: "a,k=v", "a#k=v", "a[k=v]b". */
static bool name_tags(str *name, struct tags *tags)
{
    size_t open = str_index_char(*name, '[');
    size_t close = str_index_char(*name, ']');

    if (open != SIZE_MAX && close != SIZE_MAX && open < close) {
        str inner = str_slice(*name, open + 1, close);

        *name = open > 0 ? str_slice(*name, 0, open) : str_from_index(*name, close + 1);
        return tags_take(inner, '=', tags);
    }
    for (size_t i = 0; i < name->len; i++) {
        if (name->ptr[i] == ',' || name->ptr[i] == '#') {
            str inner = str_from_index(*name, i + 1);

            *name = str_slice(*name, 0, i);
            return tags_take(inner, '=', tags);
        }
    }
    return true;
}

static bool type_of(str text, struct statsd_event *event)
{
    event->is_timer = str_is(text, "ms");
    if (str_is(text, "c")) {
        event->type = STATSD_COUNTER;
    } else if (str_is(text, "g")) {
        event->type = STATSD_GAUGE;
    } else if (event->is_timer || str_is(text, "h") || str_is(text, "d")) {
        event->type = STATSD_OBSERVER;
    } else {
        return false;
    }
    return true;
}

/* "@0.1": a tenth of what happened was sent. */
static bool rate_apply(str text, struct statsd_event *event)
{
    double rate;

    if (!num_parse_decimal(text, &rate) || !(rate > 0) || rate > 1) {
        return false;
    }
    if (event->type == STATSD_COUNTER) {
        event->value /= rate;
    } else if (event->type == STATSD_OBSERVER) {
        event->repeats =
            rate * STATSD_REPEATS_MAX < 1 ? STATSD_REPEATS_MAX : (size_t)(1 / rate + 1e-9);
    }
    return true;
}

/* "3|c", "3|ms|@0.1", "3|c|#k:v": a sample; its tags are added to those of the name. */
static void sample_parse(str name, str sample, const struct tags *outer,
                         const struct statsd_sink *sink)
{
    struct statsd_event event = {.name = name, .repeats = 1};
    struct tags tags = *outer;
    str value;
    str type = STR("");
    str rest = sample;

    (void)str_split_next(&rest, '|', &value);
    if (!str_split_next(&rest, '|', &type) || !type_of(type, &event)) {
        sink->fault(sink->context, type.len == 0 ? STATSD_FAULT_COMPONENT : STATSD_FAULT_TYPE);
        return;
    }
    event.is_relative =
        event.type == STATSD_GAUGE && value.len > 0 && (value.ptr[0] == '+' || value.ptr[0] == '-');
    if (!num_parse_decimal(value, &event.value)) {
        sink->fault(sink->context, STATSD_FAULT_VALUE);
        return;
    }
    event.value /= event.is_timer ? 1000 : 1;
    for (str part; str_split_next(&rest, '|', &part);) {
        if (part.len > 1 && part.ptr[0] == '@') {
            if (!rate_apply(str_from_index(part, 1), &event)) {
                sink->fault(sink->context, STATSD_FAULT_SAMPLE_RATE);
            }
        } else if (part.len > 1 && part.ptr[0] == '#') {
            if (outer->count > 0) {
                sink->fault(sink->context, STATSD_FAULT_MIXED_STYLES);
                return;
            }
            if (!tags_take(str_from_index(part, 1), ':', &tags)) {
                sink->fault(sink->context, STATSD_FAULT_TAG);
            }
        } else {
            sink->fault(sink->context, STATSD_FAULT_COMPONENT);
            return;
        }
    }
    if (event.type != STATSD_GAUGE && !isfinite(event.value)) {
        sink->fault(sink->context, STATSD_FAULT_VALUE); /* no sum would recover from it */
        return;
    }
    event.tags = tags.items;
    event.tag_count = tags.count;
    sink->event(sink->context, &event);
}

/* Several samples stand behind one name: "a:1|c:2|ms". With DogStatsD's tags a ':' is part of
 * those, so there is one sample then; "a:1:2:3|c" are three values of one kind. */
static void samples_parse(str name, str text, const struct tags *tags,
                          const struct statsd_sink *sink)
{
    bool is_dog = str_contains(text, STR("|#"));
    size_t bar = str_index_char(text, '|');
    str first = str_slice(text, 0, bar);

    if (is_dog || str_index_char(first, ':') != SIZE_MAX) {
        str suffix = str_from_index(text, bar == SIZE_MAX ? text.len : bar);

        for (str value; str_split_next(&first, ':', &value);) {
            char copy[512];
            size_t len = value.len + suffix.len;

            if (len <= sizeof(copy)) {
                memcpy(copy, value.ptr, value.len);
                memcpy(copy + value.len, suffix.ptr, suffix.len);
                sample_parse(name, str_of(copy, len), tags, sink);
            } else {
                sink->fault(sink->context, STATSD_FAULT_COMPONENT);
            }
        }
        return;
    }
    for (str sample; str_split_next(&text, ':', &sample);) {
        sample_parse(name, sample, tags, sink);
    }
}

void statsd_line_parse(str line, const struct statsd_sink *sink)
{
    struct tags tags = {.count = 0};
    size_t bracket = str_index_char(line, ']');
    size_t from = str_index_char(line, '[') < bracket && bracket != SIZE_MAX ? bracket : 0;
    size_t colon = str_index_char(str_from_index(line, from), ':');
    str name = str_slice(line, 0, colon == SIZE_MAX ? 0 : from + colon);

    if (line.len == 0) {
        return;
    }
    if (name.len == 0 || line.len > STATSD_LINE_BYTES_MAX || !utf8_is_valid(line) ||
        str_index_char(line, '\0') != SIZE_MAX) {
        sink->fault(sink->context, STATSD_FAULT_NO_VALUE);
        return;
    }
    if (!name_tags(&name, &tags)) {
        sink->fault(sink->context, STATSD_FAULT_TAG);
    }
    if (name.len == 0) {
        sink->fault(sink->context, STATSD_FAULT_NO_VALUE);
        return;
    }
    samples_parse(name, str_from_index(line, from + colon + 1), &tags, sink);
}
