/*
 * postgres_queries: what is asked of a PostgreSQL server and which metrics the answers become, as
 * tables: one row a collector, one column description a column of its answer. Names and labels are
 * those of postgres_exporter. Adding a metric is a column here; adding a collector is a row.
 */
#pragma once

#include <stddef.h>

#include "baro/baro.h"

struct pg_column {
    const char *name;    /* of the label, or of the metric behind "PREFIX_"; NULL ends the list */
    enum baro_type type; /* 0 = a label; labels come first */
    const char *help;
};

enum { PG_COLUMNS_MAX = 32, PG_ROWS_MAX = 2000 };

struct pg_query {
    const char *collector; /* of pg_scrape_collector_success */
    const char *prefix;    /* "pg_stat_database" */
    int version_min;       /* as PQserverVersion has it: 150000; 0 = any */
    int version_end;       /* the first version that it is not for; 0 = any */
    const char *sql;
    const struct pg_column *columns;
};

extern const struct pg_query pg_queries[];
extern const size_t pg_query_count;
