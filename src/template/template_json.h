/* template_json: values and text as Go's encoding/json writes them, <, > and & escaped. */
#pragma once

#include "template/tvalue.h"

/* template_json_str appends a string with its quotes; ill-formed UTF-8 becomes U+FFFD. */
void template_json_str(struct buf *buf, str text);

/* template_json appends a value: maps in order of their keys, nothing and nil as null. Deeper than
 * TEMPLATE_JSON_DEPTH_MAX the buf fails. */
enum { TEMPLATE_JSON_DEPTH_MAX = 100 };
void template_json(struct buf *buf, const struct tvalue *value);
