/*
 * postgres: a PostgreSQL server's figures, asked for by SQL at each scrape over a connection that
 * is kept: the collectors of postgres_queries and the server's settings. One thread at a time. A
 * server that cannot be reached is pg_up 0; a collector that fails (no right, no extension) is
 * pg_scrape_collector_success 0, and the others go on.
 */
#pragma once

#include "base/dur.h"
#include "base/error.h"
#include "exporter/emit.h"

struct postgres_exporter;

struct postgres_options {
    str url;     /* postgresql://..., or "host=... user=..." as libpq takes them */
    dur timeout; /* of connecting and of each query; 0 = 5 s */
};

/* postgres_exporter_new copies the options and connects at the first scrape. BARO_EINVALID when
 * libpq does not take the URL. */
int postgres_exporter_new(const struct postgres_options *options, struct postgres_exporter **ret,
                          struct baro_error *err);
struct postgres_exporter *postgres_exporter_free(struct postgres_exporter *postgres);

/* postgres_collect emits; the context is the struct postgres_exporter. */
void postgres_collect(void *postgres, struct emit *emit);
