/*
 * redis: a Redis server's figures, asked for by INFO at each scrape over a connection that is kept.
 * One thread at a time (libbaro's scrapes are). A server that does not answer within the timeout is
 * redis_up 0 and nothing else.
 */
#pragma once

#include "base/dur.h"
#include "base/error.h"
#include "conf/secret.h"
#include "exporter/emit.h"

struct redis_exporter;

struct redis_options {
    str address; /* redis://[USER:PASSWORD@]HOST[:PORT][/DB], HOST:PORT, or unix:///PATH */
    str user;    /* "" = none, and what the address says */
    str password;
    dur timeout; /* of connecting and of each answer; 0 = 5 s */
};

/* redis_exporter_new copies the options and connects at the first scrape. BARO_EINVAL for an
 * address that is none. */
int redis_exporter_new(const struct redis_options *options, struct redis_exporter **ret,
                       struct baro_error *err);
struct redis_exporter *redis_exporter_free(struct redis_exporter *redis);

/* redis_collect emits; the context is the struct redis_exporter. */
void redis_collect(void *redis, struct emit *emit);
