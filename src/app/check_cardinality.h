/* check_cardinality: how many series each metric of an exposition has, as `promtool check metrics
 * --extended` prints it. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "model/exposition.h"

/* check_cardinality appends a table, the largest first. Fails with BARO_EPARSE, line and column. */
int check_cardinality(str body, enum exposition_format format, struct buf *out,
                      struct baro_error *err);
