/*
 * svc_limit: a token bucket per client address. Each client may make `burst` requests at once and
 * `rate` a second in the long run. The table of clients is bounded: a new client takes over the
 * bucket of the one that was idle longest in its neighbourhood. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct svc_limit;

/* svc_limit_new: rate per second, or 0 for no limit. NULL when out of memory. */
struct svc_limit *svc_limit_new(double rate, double burst);
struct svc_limit *svc_limit_free(struct svc_limit *limit);

/* svc_limit_take takes a token of that client; false, and the seconds until there is one, if none
 * is left. now_ns is svc_mono_ns(). */
bool svc_limit_take(struct svc_limit *limit, const char *client, int64_t now_ns,
                    double *ret_wait_s);
