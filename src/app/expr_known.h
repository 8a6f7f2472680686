/*
 * expr_known: the metrics and labels that an expression may name: those of catalogues, of recording
 * rules, of Prometheus itself (up, ALERTS, scrape_*), and what the user allows. expr_check parses
 * an expression and reports what it names beside that; without catalogues it only parses. One
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/error.h"
#include "base/str.h"
#include "catalog/catalog.h"

struct expr_known;

struct expr_known *expr_known_new(void);
struct expr_known *expr_known_free(struct expr_known *known);
DEFINE_CLEANUP(expr_known_free, struct expr_known)

/* expr_known_load adds the metrics of a catalogue file. Fails with faults. */
int expr_known_load(struct expr_known *known, const char *path, struct faults *faults);

/* expr_known_allow lets names pass that match a whole regular expression; expr_known_label a label
 * that the scrape adds, as job and instance, to every series. */
int expr_known_allow(struct expr_known *known, str regex, struct baro_error *err);
void expr_known_label(struct expr_known *known, str name);

/* expr_known_record adds the name of a recording rule; its labels are not known. */
void expr_known_record(struct expr_known *known, str name);

/* expr_known_is_empty says whether there is no catalogue: then names are not judged. */
bool expr_known_is_empty(const struct expr_known *known);

/* The labels that the series of a result may have. */
struct expr_labels {
    bool any;    /* nothing is known: every label may be there */
    bool native; /* a native histogram is among what it comes from */
    const str *names;
    size_t count;
};

bool expr_labels_have(const struct expr_labels *labels, str name);

/* "a, b, c", for messages. */
str expr_labels_text(struct arena *arena, const struct expr_labels *labels);

/* A fault at a byte offset of the expression. */
typedef void expr_fault_fn(void *context, uint32_t offset, const char *message);

/*
 * expr_check reports every fault of an expression. `variables` says that it may hold Grafana's
 * ($x, ${x:csv}, [[x]], $__rate_interval), which stand for anything that fits where they are.
 * *ret_labels lives in the arena; it is "any" after a fault.
 */
void expr_check(const struct expr_known *known, struct arena *arena, str text, bool variables,
                expr_fault_fn *fault, void *context, struct expr_labels *ret_labels);
