/* serve_metrics: metrics of the whole program that no single part can write. */
#pragma once

#include "app/serve_priv.h"
#include "base/buf.h"

/* serve_metrics_write appends Prometheus text; nothing before the WAL is replayed. Any thread. */
void serve_metrics_write(struct serve *serve, struct buf *buf);
