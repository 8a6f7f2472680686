/* otlp_value: values of OTLP's attributes as text, as the collector writes them: numbers, true and
 * false, bytes in base64, lists and maps as JSON. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "codec/bytes.h"
#include "model/labels.h"

/* otlp_value_text reads an AnyValue; the reader around it fails with it. In the arena, or of the
 * message. */
str otlp_value_text(struct reader *outer, str message, struct arena *arena);

/* otlp_attribute_read reads a KeyValue. */
struct label otlp_attribute_read(struct reader *outer, str message, struct arena *arena);
