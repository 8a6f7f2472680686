/*
 * redis_info: the answer to Redis's INFO as metrics, under the names of redis_exporter. Pure: the
 * text may come from anywhere, lines that are not understood are left out. The keys that become a
 * metric each are rows of redis_metrics.def.
 */
#pragma once

#include "exporter/emit.h"

void redis_info_collect(struct emit *emit, str info);
