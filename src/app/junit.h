/*
 * junit: results of tests in JUnit's XML, as build servers read it and promtool writes it: one
 * suite a file, one case a test.
 */
#pragma once

#include <stddef.h>
#include <time.h>

#include "base/buf.h"
#include "base/str.h"

struct junit {
    struct buf suites; /* those that are finished, as XML */
    struct buf name;   /* of the suite that is open, and its cases so far */
    struct buf cases;
    time_t began;
    size_t tests;
    size_t failures;
    size_t errors;
    bool open;
};

/* junit_suite begins a suite; what follows belongs to it. */
void junit_suite(struct junit *junit, str name, time_t now);

/* junit_case adds a test that has run; `failed` says what was wrong, "" nothing. */
void junit_case(struct junit *junit, str name, str failed);

/* junit_abort says that the suite could not be run. */
void junit_abort(struct junit *junit, str error);

/* junit_write ends the last suite and appends the document. */
void junit_write(struct junit *junit, struct buf *out);

void junit_done(struct junit *junit);
