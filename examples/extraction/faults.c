#include "faults.h"

#include <stddef.h>

#include "svc_host.h"

const struct svc_fault_def extraction_faults[FAULT_COUNT] = {
    {"aged-extraction", "seconds", 0, 86400, 660, NULL,
     "each extraction counts as begun so much earlier (P-A5 SlowExtraction, without the wait)"},
    {"api-errors", "share", 0, 1, 0.1, NULL,
     "this share of API requests is answered 500 (P-A1 HighAPIErrorRate)"},
    {"db-errors", "share", 0, 1, 0.05, NULL,
     "this share of database queries fails (P-A3 HighDBErrorRate)"},
    {"disk-fill", "share", 0.001, 0.5, 0.05, NULL,
     "the file system of --data is filled until this share is free (P-A9 DiskSpaceLow; refused on "
     "one of more than 1 GiB)"},
    {"extraction-failures", "share", 0, 1, 0.3, NULL,
     "this share of extractions fails (P-A2 HighExtractionFailureRate)"},
    {"low-disk", "share", 0, 1, 0.05, NULL,
     "this share of the simulated host's file system is free (GET " SVC_HOST_PATH
     "; P-A9 DiskSpaceLow)"},
    {"pool-exhausted", "share", 0, 1, 0.95, NULL,
     "this share of the database pool is held and never given back (P-A7 PostgresPoolExhausted)"},
    {"redis-memory", "share", 0, 0.95, 0.85, NULL,
     "Redis is filled to this share of its maxmemory (P-A8 RedisMemoryHigh; needs --redis)"},
    {"slow-api", "seconds", 0, 60, 1.5, NULL, "each API request takes this long (P-A4 SlowAPI)"},
    {"slow-db", "seconds", 0, 60, 0.6, NULL,
     "each database query takes this long (P-A6 SlowDBQueries)"},
    {"slow-extraction", "seconds", 0, 3600, 601, NULL,
     "each extraction takes this long (P-A5 SlowExtraction)"},
    {"websockets", "clients", 1, 3000, 1001, NULL,
     "so many WebSocket clients of our own connect (P-A10 TooManyWebSockets; needs --connections)"},
    {"worker-crash", "share", 0, 1, 0.1, NULL,
     "this share of extractions kills its worker, which is replaced"},
};
