/*
 * catalog_live: whether what a target exposes is what the catalogues say, for
 * `check metrics --catalog`: names, types, help, units, labels, their values and their number.
 */
#pragma once

#include "base/buf.h"
#include "catalog/catalog.h"
#include "codec/regex.h"
#include "model/exposition.h"

struct catalog_live_options {
    const struct catalog *const *catalogs;
    size_t catalog_count;
    struct regex *const *allowed; /* names of families that no catalogue need have */
    size_t allowed_count;
    bool complete;     /* every stable metric of the catalogues must have a series */
    const char *input; /* name in messages */
    enum exposition_format format;
};

/* catalog_live_check appends "INPUT:LINE:COL: MESSAGE" for each disagreement, once a kind, label
 * and value; returns their number. *ret_series counts what was read. */
size_t catalog_live_check(str body, const struct catalog_live_options *options, size_t *ret_series,
                          struct buf *out);
