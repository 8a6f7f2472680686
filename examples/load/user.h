/* user: what one user of each service does, over and over. */
#pragma once

#include "net.h"
#include "watch.h"

struct user {
    struct net_http http;
    struct watch *watch;
    int64_t start_ns; /* of the scenario */
    int number;
    unsigned generation; /* so far */
    unsigned mistakes;   /* one generation of so many is a mistake; 0 = none */
    double limit_s;      /* for one generation */
    const _Atomic bool *stopping;
};

/* One generation: false when it failed. */
typedef bool user_generate(struct user *user);

struct user_profile {
    const char *name;
    const char *url;     /* preset */
    const char *ws;      /* path of the WebSocket; NULL = none */
    const char *metrics; /* "URL,URL": preset, with {url} for the service's */
    user_generate *generate;
};

extern const struct user_profile user_profiles[];
extern const size_t user_profile_count;
const struct user_profile *user_profile_find(const char *name);

/* user_ask is net_ask that the watch hears of: an answer of 400 and more, or none, is a failure. */
void user_ask(struct user *user, const struct net_request *request, struct net_answer *ret);
