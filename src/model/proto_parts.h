/*
 * proto_parts: messages of protobuf that several formats have alike: a pair of a name and a value
 * (LabelPair of the exposition, Label of remote write and read, KeyValue of OTLP), and a span of a
 * native histogram's buckets (of the exposition, of remote write and read).
 */
#pragma once

#include "codec/bytes.h"
#include "model/histogram.h"
#include "model/labels.h"

enum proto_pair_field { PROTO_PAIR_NAME = 1, PROTO_PAIR_VALUE };
enum proto_span_field { PROTO_SPAN_OFFSET = 1, PROTO_SPAN_LENGTH };

/* proto_pair_read reads one pair, borrowed from the message; what is absent is "". The reader
 * around it fails with it. */
struct label proto_pair_read(struct reader *outer, str message);

/* proto_span_read reads one span, likewise. */
struct histogram_span proto_span_read(struct reader *outer, str message);
