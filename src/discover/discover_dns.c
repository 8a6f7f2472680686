#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <pthread.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/self.h"
#include "discover/discover_priv.h"
#include "sys/clock.h"

enum {
    TRY_MS = 3000,    /* until a name server is asked again, */
    TRIES = 2,        /* this often */
    SOCKETS_MAX = 64, /* of one source at a time */
    ADDRESSES_MAX = 1024,
};

struct dns_socket {
    struct loop_fd fd; /* fd.fd is -1 while the slot is free */
    struct dns_state *state;
};

/* One lookup that runs. */
struct dns_query {
    struct dns_state *state;
    str name;
};

struct dns_state {
    struct provider *provider;
    ares_channel channel;
    bool has_channel;
    struct loop_timer timer;
    struct dns_socket sockets[SOCKETS_MAX];
};

/* A list of targets under construction. */
struct dns_list {
    struct target_groups *groups;
    VEC(str) addresses;
    VEC(struct labels) extra;
    str name;
    uint16_t port;
};

static pthread_once_t ares_once = PTHREAD_ONCE_INIT;

static void ares_global(void)
{
    ASSERT(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
}

static dur dns_interval(const struct prom_sd *sd)
{
    return sd->dns->refresh_interval;
}

static bool dns_is_same(const struct prom_sd *a, const struct prom_sd *b)
{
    bool same = a->dns->type == b->dns->type && a->dns->port == b->dns->port &&
                a->dns->names.count == b->dns->names.count;

    for (size_t i = 0; same && i < a->dns->names.count; i++) {
        same = str_eq(a->dns->names.items[i], b->dns->names.items[i]);
    }
    return same;
}

/* ---- answers ---- */

static void list_add(struct dns_list *list, str address, const struct label *more, size_t count)
{
    struct arena *arena = &list->groups->arena;
    struct label pairs[4] = {{STR("__meta_dns_name"), list->name}};

    ASSERT(count < ARRAY_COUNT(pairs));
    for (size_t i = 0; i < count; i++) {
        pairs[i + 1] = more[i];
    }
    vec_push(&list->addresses, address);
    vec_push(&list->extra, labels_from_pairs(arena, pairs, count + 1));
}

static str host_trim(str host)
{
    return host.len > 0 && host.ptr[host.len - 1] == '.' ? str_slice(host, 0, host.len - 1) : host;
}

static void list_add_host(struct dns_list *list, const char *host, uint16_t port,
                          const char *meta_target, bool has_port)
{
    struct arena *arena = &list->groups->arena;
    str dotted =
        arena_printf(arena, "%s%s", host, str_has_suffix(str_from(host), STR(".")) ? "" : ".");
    str address = arena_printf(arena, "%.*s:%u", STR_ARG(host_trim(dotted)), port);
    const struct label more[] = {
        {str_from(meta_target), dotted},
        {STR("__meta_dns_srv_record_port"), arena_printf(arena, "%u", port)},
    };

    list_add(list, address, more, has_port ? 2 : 1);
}

static int parse_a(struct dns_list *list, const unsigned char *bytes, int len)
{
    struct ares_addrttl *found = mem_alloc(ADDRESSES_MAX * sizeof(*found));
    int count = ADDRESSES_MAX;
    int status = ares_parse_a_reply(bytes, len, NULL, found, &count);

    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        char text[INET_ADDRSTRLEN] = "";

        (void)inet_ntop(AF_INET, &found[i].ipaddr, text, sizeof(text));
        list_add(list, arena_printf(&list->groups->arena, "%s:%u", text, list->port), NULL, 0);
    }
    (void)mem_free(found);
    return status;
}

static int parse_aaaa(struct dns_list *list, const unsigned char *bytes, int len)
{
    struct ares_addr6ttl *found = mem_alloc(ADDRESSES_MAX * sizeof(*found));
    int count = ADDRESSES_MAX;
    int status = ares_parse_aaaa_reply(bytes, len, NULL, found, &count);

    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        char text[INET6_ADDRSTRLEN] = "";

        (void)inet_ntop(AF_INET6, &found[i].ip6addr, text, sizeof(text));
        list_add(list, arena_printf(&list->groups->arena, "[%s]:%u", text, list->port), NULL, 0);
    }
    (void)mem_free(found);
    return status;
}

static int parse_srv(struct dns_list *list, const unsigned char *bytes, int len)
{
    struct ares_srv_reply *found = NULL;
    int status = ares_parse_srv_reply(bytes, len, &found);

    for (const struct ares_srv_reply *item = found; item != NULL; item = item->next) {
        list_add_host(list, item->host, item->port, "__meta_dns_srv_record_target", true);
    }
    ares_free_data(found);
    return status;
}

static int parse_mx(struct dns_list *list, const unsigned char *bytes, int len)
{
    struct ares_mx_reply *found = NULL;
    int status = ares_parse_mx_reply(bytes, len, &found);

    for (const struct ares_mx_reply *item = found; item != NULL; item = item->next) {
        list_add_host(list, item->host, list->port, "__meta_dns_mx_record_target", false);
    }
    ares_free_data(found);
    return status;
}

static int parse_ns(struct dns_list *list, const unsigned char *bytes, int len)
{
    struct hostent *found = NULL;
    int status = ares_parse_ns_reply(bytes, len, &found);

    for (char **alias = found != NULL ? found->h_aliases : NULL; alias != NULL && *alias != NULL;
         alias++) {
        list_add_host(list, *alias, list->port, "__meta_dns_ns_record_target", false);
    }
    if (found != NULL) {
        ares_free_hostent(found);
    }
    return status;
}

static const struct {
    int type;
    int (*parse)(struct dns_list *list, const unsigned char *bytes, int len);
} kinds[] = {
    [PROM_DNS_SRV] = {ns_t_srv, parse_srv},    [PROM_DNS_A] = {ns_t_a, parse_a},
    [PROM_DNS_AAAA] = {ns_t_aaaa, parse_aaaa}, [PROM_DNS_MX] = {ns_t_mx, parse_mx},
    [PROM_DNS_NS] = {ns_t_ns, parse_ns},
};

/* The answer as one group; a name that does not exist is an empty one, as in Prometheus. */
static void answer_take(struct provider *provider, str name, int status, const unsigned char *bytes,
                        int len)
{
    struct dns_list list = {.groups = target_groups_new(),
                            .port = (uint16_t)provider->sd->dns->port};
    struct target_group *group = ARENA_NEW(&list.groups->arena, struct target_group);

    list.name = arena_str(&list.groups->arena, name);
    if (status == ARES_SUCCESS) {
        status = kinds[provider->sd->dns->type].parse(&list, bytes, len);
    }
    if (status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA) {
        struct arena *arena = &list.groups->arena;
        str *addresses = ARENA_ARRAY(arena, str, list.addresses.count + 1);
        struct labels *extra = ARENA_ARRAY(arena, struct labels, list.addresses.count + 1);

        for (size_t i = 0; i < list.addresses.count; i++) {
            addresses[i] = list.addresses.items[i];
            extra[i] = list.extra.items[i];
        }
        *group = (struct target_group){.source = list.name,
                                       .addresses = addresses,
                                       .extra = extra,
                                       .target_count = list.addresses.count};
        list.groups->items = group;
        list.groups->count = 1;
        provider_set_consume(provider, name, list.groups);
    } else {
        self_add(SELF_SD_DNS_LOOKUP_FAILURES, 1);
        log_warn("DNS discovery failed", log_str("job", provider->job), log_str("name", name),
                 log_c("reason", ares_strerror(status)));
        (void)target_groups_free(list.groups);
    }
    vec_done(&list.addresses);
    vec_done(&list.extra);
}

static void answered(void *context, int status, int timeouts, unsigned char *bytes, int len)
{
    struct dns_query *query = context;

    (void)timeouts;
    if (status != ARES_EDESTRUCTION && status != ARES_ECANCELLED) {
        answer_take(query->state->provider, query->name, status, bytes, len);
    }
    (void)mem_free(query);
}

/* ---- sockets and time ---- */

static void timer_renew(struct dns_state *state)
{
    struct loop *loop = state->provider->discover->loop;
    struct timeval most = {.tv_sec = TRY_MS / 1000};
    struct timeval wait = {0};
    const struct timeval *next = ares_timeout(state->channel, &most, &wait);

    loop_timer_stop(loop, &state->timer);
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        if (state->sockets[i].fd.fd >= 0) {
            loop_timer_start(loop, &state->timer,
                             clock_mono(loop_clock(loop)) + next->tv_sec * MONO_PER_SECOND +
                                 next->tv_usec * 1000);
            return;
        }
    }
}

static void dns_timer(struct loop_timer *timer)
{
    struct dns_state *state = CONTAINER_OF(timer, struct dns_state, timer);

    ares_process_fd(state->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    timer_renew(state);
}

static void dns_ready(struct loop_fd *fd, unsigned events)
{
    struct dns_socket *socket = CONTAINER_OF(fd, struct dns_socket, fd);
    struct dns_state *state = socket->state;
    const bool can_read = (events & (LOOP_READ | LOOP_HANGUP)) != 0;
    const bool can_write = (events & LOOP_WRITE) != 0;

    ares_process_fd(state->channel, can_read ? fd->fd : ARES_SOCKET_BAD,
                    can_write ? fd->fd : ARES_SOCKET_BAD);
    timer_renew(state);
}

static void socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
    struct dns_state *state = context;
    struct loop *loop = state->provider->discover->loop;
    struct dns_socket *slot = NULL;
    unsigned wanted =
        (readable != 0 ? (unsigned)LOOP_READ : 0U) | (writable != 0 ? (unsigned)LOOP_WRITE : 0U);

    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        if (state->sockets[i].fd.fd == fd) {
            slot = &state->sockets[i];
        }
    }
    for (size_t i = 0; i < SOCKETS_MAX && slot == NULL && wanted != 0; i++) {
        if (state->sockets[i].fd.fd < 0) {
            slot = &state->sockets[i];
            slot->fd.fd = fd;
        }
    }
    if (slot != NULL) {
        (void)loop_fd_watch(loop, &slot->fd, wanted);
        slot->fd.fd = wanted != 0 ? fd : -1;
    }
}

/* ---- the source ---- */

static void dns_refresh(struct provider *provider)
{
    struct dns_state *state = provider->state;
    const struct prom_dns_sd *sd = provider->sd->dns;

    if (!state->has_channel) {
        return;
    }
    /* What has not been answered until now is given up. */
    ares_cancel(state->channel);
    for (size_t i = 0; i < sd->names.count; i++) {
        struct dns_query *query = MEM_NEW(struct dns_query);
        char *name = str_dup_c(sd->names.items[i]);

        self_add(SELF_SD_DNS_LOOKUPS, 1);
        query->state = state;
        query->name = sd->names.items[i];
        ares_search(state->channel, name, ns_c_in, kinds[sd->type].type, answered, query);
        (void)mem_free(name);
    }
    timer_renew(state);
}

static int dns_start(struct provider *provider, struct baro_error *err)
{
    struct dns_state *state = MEM_NEW(struct dns_state);
    struct ares_options options = {.timeout = TRY_MS,
                                   .tries = TRIES,
                                   .sock_state_cb = socket_state,
                                   .sock_state_cb_data = state};
    int status = 0;

    ASSERT(pthread_once(&ares_once, ares_global) == 0);
    provider->state = state;
    state->provider = provider;
    state->timer.fire = dns_timer;
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        state->sockets[i].state = state;
        state->sockets[i].fd.fd = -1;
        state->sockets[i].fd.ready = dns_ready;
    }
    status = ares_init_options(&state->channel, &options,
                               ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status == ARES_SUCCESS && provider->discover->dns_servers != NULL) {
        status = ares_set_servers_ports_csv(state->channel, provider->discover->dns_servers);
    }
    if (status != ARES_SUCCESS) {
        return error_set(err, BARO_EINVALID, "resolver: %s", ares_strerror(status));
    }
    state->has_channel = true;
    return 0;
}

static void dns_stop(struct provider *provider)
{
    struct dns_state *state = provider->state;

    if (state != NULL) {
        if (state->has_channel) {
            ares_destroy(state->channel);
        }
        loop_timer_stop(provider->discover->loop, &state->timer);
        provider->state = mem_free(state);
    }
}

const struct provider_ops provider_dns_ops = {
    .start = dns_start,
    .refresh = dns_refresh,
    .stop = dns_stop,
    .interval = dns_interval,
    .is_same = dns_is_same,
};
