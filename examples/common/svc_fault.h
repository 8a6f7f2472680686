/*
 * svc_fault: the switches that make a service misbehave for real, so that dashboards and alerts can
 * be seen at work: `--fault=NAME`, `--fault=NAME:NUMBER`, `--fault=NAME:KEY=NUMBER`. A service
 * declares its faults in a table, and asks for them where they bite.
 */
#pragma once

#include "svc_util.h"

enum { SVC_FAULTS_MAX = 32 };

struct svc_fault_def {
    const char *name;        /* "slow-stage" */
    const char *unit;        /* what NUMBER is ("seconds"); NULL = there is no number */
    double min, max, preset; /* of NUMBER */
    const char *const *keys; /* what KEY may be, NULL-terminated; NULL = there is no key */
    const char *help;        /* what happens, and which alert it is for */
};

/* The faults of one run. Zero means none is on; `defs` is set by svc_run. */
struct svc_faults {
    const struct svc_fault_def *defs;
    size_t count;
    struct {
        bool on;
        double value;
        const char *key; /* NULL = all keys */
    } state[SVC_FAULTS_MAX];
};

/* svc_fault_set switches a fault on, by the text behind "--fault="; -EINVAL teaches in err. */
int svc_fault_set(struct svc_faults *faults, const char *text, struct svc_error *err);

/* svc_fault_on says whether the fault with that index in the table is on, and for that key when one
 * is given; *ret_value (may be NULL) is its number then. */
bool svc_fault_on(const struct svc_faults *faults, size_t index, const char *key,
                  double *ret_value);

/* svc_fault_chance is true with the fault's number (a share of 1) as probability, when it is on. */
bool svc_fault_chance(const struct svc_faults *faults, size_t index, const char *key);
