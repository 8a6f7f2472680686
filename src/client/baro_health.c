#include "client/baro_server_priv.h"

#include <stdlib.h>

enum { HEALTH_TEXT_BYTES = 256, COMPONENTS_MAX = 64 };

static const char *const health_names[] = {"healthy", "degraded", "unhealthy"};

static int component_set(struct baro_registry *registry, const char *name, baro_health_fn *check,
                         void *context)
{
    struct baro_component *all = registry->components;
    size_t i = 0;

    while (i < registry->component_count && strcmp(all[i].name, name) != 0) {
        i++;
    }
    if (i < registry->component_count && check == NULL) {
        free(all[i].name);
        registry->component_count--;
        memmove(&all[i], &all[i + 1], (registry->component_count - i) * sizeof(*all));
        return BARO_OK;
    }
    if (check == NULL) {
        return BARO_NO_SERIES;
    }
    if (i == registry->component_count) {
        char *copy = i < COMPONENTS_MAX ? baro_text_copy(name) : NULL;

        all = copy == NULL ? NULL : realloc(all, (i + 1) * sizeof(*all));
        if (all == NULL) {
            free(copy);
            return BARO_NO_MEMORY;
        }
        registry->components = all;
        registry->component_count = i + 1;
        all[i].name = copy;
    }
    all[i].check = check;
    all[i].context = context;
    return BARO_OK;
}

int baro_health_add(struct baro_registry *registry, const char *component, baro_health_fn *check,
                    void *context)
{
    int result;

    registry = baro_registry_of(registry);
    if (registry == NULL || component == NULL || component[0] == '\0') {
        baro_misuse();
        return BARO_BAD_ARGUMENT;
    }
    (void)pthread_mutex_lock(&registry->collect_mutex);
    result = component_set(registry, component, check, context);
    (void)pthread_mutex_unlock(&registry->collect_mutex);
    return result;
}

static int components_put(struct baro_registry *registry, struct baro_out *out)
{
    int worst = BARO_HEALTHY;

    (void)pthread_mutex_lock(&registry->collect_mutex);
    for (size_t i = 0; i < registry->component_count; i++) {
        const struct baro_component *component = &registry->components[i];
        char text[HEALTH_TEXT_BYTES] = "";
        int state = (int)component->check(component->context, text, sizeof(text));

        state = state < BARO_HEALTHY || state > BARO_UNHEALTHY ? BARO_UNHEALTHY : state;
        worst = state > worst ? state : worst;
        text[sizeof(text) - 1] = '\0';
        baro_out_text(out, i > 0 ? "," : "");
        baro_out_json(out, component->name);
        baro_out_text(out, ":{\"status\":");
        baro_out_json(out, health_names[state]);
        if (text[0] != '\0') {
            baro_out_text(out, ",\"message\":");
            baro_out_json(out, text);
        }
        baro_out_text(out, "}");
    }
    (void)pthread_mutex_unlock(&registry->collect_mutex);
    return worst;
}

/* The status stands in front of the components that it follows from, so they are written first. */
int baro_health_put(struct baro_registry *registry, struct baro_out *out)
{
    struct baro_out components;
    int worst = BARO_HEALTHY;

    registry = baro_registry_of(registry);
    baro_out_init(&components, NULL, NULL, false);
    if (registry != NULL) {
        worst = components_put(registry, &components);
    }
    baro_out_text(out, "{\"status\":");
    baro_out_json(out, health_names[worst]);
    baro_out_text(out, ",\"components\":{");
    baro_out_put(out, components.bytes, components.size);
    baro_out_text(out, "}}\n");
    if (components.failed != 0 && out->failed == 0) {
        out->failed = components.failed;
    }
    baro_out_done(&components);
    return worst;
}

int baro_health_write(struct baro_registry *registry, char *buffer, size_t size)
{
    struct baro_out out;
    int worst;

    if (buffer == NULL || size == 0) {
        baro_misuse();
        return BARO_BAD_ARGUMENT;
    }
    baro_out_init(&out, NULL, NULL, false);
    worst = baro_health_put(registry, &out);
    if (out.failed != 0 || out.size >= size) {
        buffer[0] = '\0';
        worst = BARO_NO_MEMORY;
    } else {
        memcpy(buffer, out.bytes, out.size);
        buffer[out.size] = '\0';
    }
    baro_out_done(&out);
    return worst;
}

int baro_health_status(int health)
{
    return health == BARO_HEALTHY || health == BARO_DEGRADED ? 200 : 503;
}
