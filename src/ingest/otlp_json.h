/*
 * otlp_json: OTLP/JSON as the protobuf message that says the same, so that one reader does for
 * both. Names in camel case, or as in the proto files; 64-bit integers as numbers or strings; ids
 * of traces and spans in hexadecimal digits, other bytes in base64; enumerations as numbers or
 * names; unknown names are passed over.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* otlp_json_metrics appends an ExportMetricsServiceRequest. Fails with BARO_EPARSE, which tells the
 * field, or BARO_ELIMIT when memory is out, or would be taken out of proportion. */
int otlp_json_metrics(str text, struct buf *ret, struct baro_error *err);
