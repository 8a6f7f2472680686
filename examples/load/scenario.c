#include "scenario.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* The spike is twenty users within 30 seconds; they stay as long again. */
const struct scenario scenarios[] = {
    {"baseline", "O-L1", 1, 10, 0, 0},    {"normal", "O-L2", 5, 0, 600, 0},
    {"peak", "O-L3", 10, 0, 300, 0},      {"spike", "O-L4", 20, 0, 60, 30},
    {"sustained", "O-L5", 3, 0, 3600, 0},
};
const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);

const struct scenario *scenario_find(const char *name)
{
    for (size_t i = 0; i < scenario_count; i++) {
        if (strcmp(scenarios[i].name, name) == 0 || strcasecmp(scenarios[i].id, name) == 0) {
            return &scenarios[i];
        }
    }
    return NULL;
}

struct scenario scenario_scaled(const struct scenario *scenario, double scale)
{
    struct scenario scaled = *scenario;

    scaled.seconds *= scale;
    scaled.ramp_s *= scale;
    if (scaled.generations > 0) {
        scaled.generations = (int)fmax(1, round(scaled.generations * scale));
    }
    return scaled;
}

double scenario_user_start(const struct scenario *scenario, int user)
{
    return scenario->users > 1 ? scenario->ramp_s * user / (scenario->users - 1) : 0;
}
