/*
 * otlp_names: what OTLP's names of metrics, units and attributes become in Prometheus. Results are
 * in the arena, or the text that was given. Semantics: Prometheus 3.16,
 * github.com/prometheus/otlptranslator.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

enum otlp_type {
    OTLP_GAUGE,
    OTLP_SUM,     /* not monotonic */
    OTLP_COUNTER, /* monotonic sum */
    OTLP_OTHER,
};

struct otlp_naming {
    bool adds_suffixes;        /* units, _total, _ratio */
    bool allows_utf8;          /* names stay as they are */
    bool sanitizes_underscore; /* labels that begin with one '_' get "key" in front */
    bool keeps_underscores;    /* several in a row, of labels */
};

/* otlp_metric_name gives ptr NULL when nothing is left of a name. */
str otlp_metric_name(struct arena *arena, const struct otlp_naming *naming, str name, str unit,
                     enum otlp_type type);

/* otlp_label_name gives ptr NULL for an empty name and one of underscores alone. */
str otlp_label_name(struct arena *arena, const struct otlp_naming *naming, str name);

/* otlp_unit_name is the word for a unit, "" for those without: "By/s" is "bytes_per_second". */
str otlp_unit_name(struct arena *arena, str unit, bool allows_utf8);
