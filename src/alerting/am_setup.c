#include <stdlib.h>

#include "alerting/am_config_priv.h"
#include "alerting/am_priv.h"
#include "alerting/am_redact.h"
#include "base/assert.h"

/* A route's place in the tree, depth first: two routes with the same matchers are two. */
struct am_route_id {
    size_t number;
};

static size_t kind_index(const struct am_kind *kind)
{
    for (size_t i = 0; i < am_kind_count; i++) {
        if (&am_kinds[i] == kind) {
            return i;
        }
    }
    return 0;
}

static void set_target(struct am_setup *setup, const struct am_receiver *receiver, size_t index,
                       struct am_target *ret)
{
    const struct am_integration *integration = &receiver->integrations[index];
    size_t same = 0;

    /* The number among those of its kind, as Alertmanager counts. */
    for (size_t i = 0; i < index; i++) {
        same += receiver->integrations[i].kind == integration->kind ? 1 : 0;
    }
    *ret = (struct am_target){
        .integration = integration,
        .receiver = receiver->name,
        .suffix = arena_printf(&setup->arena, ":%.*s/%s/%zu", STR_ARG(receiver->name),
                               integration->kind->name, same),
        .kind_index = kind_index(integration->kind),
        /* A bool in a slot of zeroes. */
        .send_resolved =
            (option_slot_int(integration->kind->type, integration->options, "send_resolved") & 1) !=
            0,
    };
}

static void set_receivers(struct am_setup *setup)
{
    const struct am_config *config = setup->config;

    setup->receiver_count = config->receiver_count;
    setup->receivers = ARENA_ARRAY(&setup->arena, struct am_targets, config->receiver_count);
    for (size_t i = 0; i < config->receiver_count; i++) {
        const struct am_receiver *receiver = &config->receivers[i];
        struct am_targets *targets = &setup->receivers[i];

        targets->receiver = receiver->name;
        targets->count = receiver->count;
        targets->items = ARENA_ARRAY(&setup->arena, struct am_target, receiver->count);
        for (size_t k = 0; k < receiver->count; k++) {
            set_target(setup, receiver, k, &targets->items[k]);
        }
    }
}

static void number_routes(struct am_setup *setup, const struct am_route *route)
{
    struct am_route_id *id = ARENA_NEW(&setup->arena, struct am_route_id);

    id->number = setup->route_ids.count;
    (void)am_fps_put(&setup->route_ids, (uint64_t)(uintptr_t)route, id);
    for (size_t i = 0; i < route->count; i++) {
        number_routes(setup, route->routes[i]);
    }
}

size_t am_setup_route_id(const struct am_setup *setup, const struct am_route *route)
{
    const struct am_route_id *id = am_fps_get(&setup->route_ids, (uint64_t)(uintptr_t)route);

    ASSERT(id != NULL);
    return id->number;
}

struct am_targets *am_setup_targets(const struct am_setup *setup, str receiver)
{
    for (size_t i = 0; i < setup->receiver_count; i++) {
        if (str_eq(setup->receivers[i].receiver, receiver)) {
            return &setup->receivers[i];
        }
    }
    return NULL;
}

static void setup_free(struct am_setup *setup)
{
    struct arena arena = setup->arena;

    if (setup->prepared != NULL) {
        setup->sending->release(setup->prepared);
    }
    am_inhibitor_done(&setup->inhibitor);
    am_fps_done(&setup->route_ids);
    (void)am_config_free(setup->config);
    arena_done(&arena); /* the setup is in it */
}

/* The text is kept to be shown. One that cannot be read again was not what `config` came from. */
static str shown(struct arena *arena, str text)
{
    struct buf out = {0};
    str copy = am_redact(text, &out, NULL) < 0 ? STR("") : arena_str(arena, buf_view(&out));

    buf_done(&out);
    return copy;
}

int am_setup_new(const struct am_options *options, struct am_config *config, str text,
                 struct am_setup **ret, struct baro_error *err)
{
    struct arena arena = {0};
    struct am_setup *setup = ARENA_NEW(&arena, struct am_setup);
    int r;

    setup->arena = arena;
    setup->refs = 1;
    setup->config = config;
    setup->sending = options->sending;
    setup->text = shown(&setup->arena, text);
    setup->resolve_timeout = option_slot_int(&am_global_type, config->global, "resolve_timeout");
    am_inhibitor_init(&setup->inhibitor, config->inhibit_rules, config->inhibit_rule_count);
    number_routes(setup, config->route);
    set_receivers(setup);
    r = am_times_init(&setup->times, &setup->arena, config->intervals, config->interval_count, err);
    r = r < 0 ? r
              : options->sending->prepare(options->sending_context, config, &setup->prepared, err);
    if (r < 0) {
        setup_free(setup);
        return r;
    }
    *ret = setup;
    return 0;
}

struct am_setup *am_setup_ref(struct am_setup *setup)
{
    setup->refs++;
    return setup;
}

void am_setup_unref(struct am_setup *setup)
{
    if (setup != NULL && --setup->refs == 0) {
        setup_free(setup);
    }
}
