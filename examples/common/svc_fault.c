#include "svc_fault.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of all faults, for an error text: as many as fit. */
static const char *fault_names(const struct svc_faults *faults, char *ret, size_t size)
{
    size_t len = 0;

    ret[0] = '\0';
    for (size_t i = 0; i < faults->count && len < size; i++) {
        len += (size_t)snprintf(ret + len, size - len, "%s%s", i > 0 ? ", " : "",
                                faults->defs[i].name);
    }
    return ret;
}

static int fault_number(const struct svc_fault_def *def, const char *text, double *ret,
                        struct svc_error *err)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (def->unit == NULL) {
        return svc_fail(err, -EINVAL, "--fault=%s: takes no number", def->name);
    }
    if (end == text || *end != '\0' || !(value >= def->min && value <= def->max)) {
        return svc_fail(err, -EINVAL, "--fault=%s:%.40s: give %s from %g to %g", def->name, text,
                        def->unit, def->min, def->max);
    }
    *ret = value;
    return 0;
}

static int fault_key(const struct svc_fault_def *def, const char *text, size_t len,
                     const char **ret, struct svc_error *err)
{
    char known[160] = "";
    size_t used = 0;

    for (size_t i = 0; def->keys != NULL && def->keys[i] != NULL; i++) {
        if (strlen(def->keys[i]) == len && memcmp(def->keys[i], text, len) == 0) {
            *ret = def->keys[i];
            return 0;
        }
        if (used < sizeof(known)) {
            used += (size_t)snprintf(known + used, sizeof(known) - used, " %s", def->keys[i]);
        }
    }
    return svc_fail(err, -EINVAL, "--fault=%s:%.*s: %s%s", def->name, (int)(len < 40 ? len : 40),
                    text, def->keys == NULL ? "takes no name" : "give one of", known);
}

/* ARG is NUMBER, KEY, or KEY=NUMBER; what begins like a number is one. */
static int fault_argument(struct svc_faults *faults, size_t index, const char *argument,
                          struct svc_error *err)
{
    const struct svc_fault_def *def = &faults->defs[index];
    const char *equals = strchr(argument, '=');
    size_t key_len = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
    bool is_number = equals == NULL && strchr("+-.0123456789", argument[0]) != NULL;
    const char *key = NULL;
    double value = def->preset;
    int r = 0;

    if (!is_number) {
        r = fault_key(def, argument, key_len, &key, err);
    }
    if (r == 0 && (is_number || equals != NULL)) {
        r = fault_number(def, is_number ? argument : equals + 1, &value, err);
    }
    if (r == 0) {
        faults->state[index].key = key;
        faults->state[index].value = value;
        faults->state[index].on = true;
    }
    return r;
}

int svc_fault_set(struct svc_faults *faults, const char *text, struct svc_error *err)
{
    const char *colon = strchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    char names[180];

    for (size_t i = 0; i < faults->count && i < SVC_FAULTS_MAX; i++) {
        const struct svc_fault_def *def = &faults->defs[i];

        if (strlen(def->name) != len || memcmp(def->name, text, len) != 0) {
            continue;
        }
        if (colon != NULL) {
            return fault_argument(faults, i, colon + 1, err);
        }
        faults->state[i].on = true;
        faults->state[i].value = def->preset;
        return 0;
    }
    return svc_fail(err, -EINVAL, "--fault=%.40s: unknown; give one of %s", text,
                    fault_names(faults, names, sizeof(names)));
}

bool svc_fault_on(const struct svc_faults *faults, size_t index, const char *key, double *ret_value)
{
    const char *wanted = faults->state[index].key;

    if (!faults->state[index].on || (wanted != NULL && (key == NULL || strcmp(key, wanted) != 0))) {
        return false;
    }
    if (ret_value != NULL) {
        *ret_value = faults->state[index].value;
    }
    return true;
}

bool svc_fault_chance(const struct svc_faults *faults, size_t index, const char *key)
{
    double share = 0;
    char digits[9];

    if (!svc_fault_on(faults, index, key, &share)) {
        return false;
    }
    svc_random_hex(digits, sizeof(digits));
    return (double)strtoul(digits, NULL, 16) / 4294967296.0 < share;
}
