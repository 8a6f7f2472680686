/*
 * template: Go's text/template: named templates, parsed once, executed over values. Syntax and
 * meaning are those of Go 1.26 (pipelines, variables, if, range, with, define, block, template,
 * break, continue, white space trimming); names, positions and texts of errors are Go's as well,
 * since users know them.
 *
 * A set is filled by one thread; any number of threads may execute it afterwards. Everything an
 * execution makes is in the arena of its run. Bounds: TEMPLATE_* below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "template/tvalue.h"

enum {
    TEMPLATE_BYTES_MAX = 4 << 20, /* of one text */
    TEMPLATE_NESTING_MAX =
        200, /* of blocks and parentheses when parsed, of templates that call templates */
    TEMPLATE_VARIABLES_MAX = 1000,  /* in scope at one place */
    TEMPLATE_STEPS_MAX = 1000000,   /* nodes that one execution may visit */
    TEMPLATE_MEMORY_MAX = 64 << 20, /* bytes of the arena that it may take */
    TEMPLATE_OUTPUT_MAX = 16 << 20, /* bytes that one execution may write */
};

struct template_set;

/* What a function is given. */
struct template_call {
    struct arena *arena;
    void *context; /* of the run */
    const struct tvalue *args;
    size_t count;
    const struct template_run *run;
    bool *
        is_too_long; /* set: the call fails, since its result would be longer than may be written */
};

/* A function returns 0 and *ret, or a negative code with the message that stands behind
 * "error calling NAME: ". Counts and types of the arguments were checked. */
typedef int template_function(const struct template_call *call, struct tvalue *ret,
                              struct baro_error *err);

/* `args` has a letter a parameter: s string, d float64, i int, v any value; a '*' behind the last
 * means any number of it. */
struct template_function_row {
    const char *name;
    const char *args;
    template_function *call;
};

/* One execution: where it allocates, and what its functions are given. */
struct template_run {
    struct arena *arena;
    void *context;
    const _Atomic bool *cancel; /* becomes true to stop; may be NULL */
};

/* template_set_new makes an empty set that knows Go's predefined functions and those of `rows`
 * (which are kept, and win over predefined ones). */
struct template_set *template_set_new(const struct template_function_row *rows, size_t count);
/* template_set_over makes a set that adds to another one, which must outlive it and may be used by
 * any number of threads meanwhile: a template of its own hides one of the same name. */
struct template_set *template_set_over(const struct template_set *base);
struct template_set *template_set_free(struct template_set *set);
DEFINE_CLEANUP(template_set_free, struct template_set)

/*
 * template_set_parse parses a text (copied) as the template `name`; {{define}}s in it become
 * templates of their own. A later text of the same name replaces the earlier one, unless it is
 * empty. Fails with BARO_EPARSE, "template: NAME:LINE: what", line and column set.
 */
int template_set_parse(struct template_set *set, str name, str text, struct baro_error *err);

/* template_set_has tells whether there is a template of that name with content. */
bool template_set_has(const struct template_set *set, str name);

/*
 * template_set_execute appends what the template makes of `data` to out. On failure (BARO_EEXEC;
 * BARO_ELIMIT, BARO_ECANCELED) out holds what was written before, and the message is "template:
 * NAME:LINE:COLUMN: executing "NAME" at <CONTEXT>: what".
 */
int template_set_execute(const struct template_set *set, str name, struct tvalue data,
                         const struct template_run *run, struct buf *out, struct baro_error *err);

/*
 * template_set_escape makes *ret a set in which the template `name` and all that it calls are
 * changed so that what they print is harmless where it stands in the HTML document that they write:
 * html/template's contextual escaping. It borrows from `set`. Fails with BARO_EPARSE,
 * "html/template:NAME:LINE: what".
 */
int template_set_escape(const struct template_set *set, str name, struct template_set **ret,
                        struct baro_error *err);

/* template_format appends fmt.Sprintf(format, args...), with Go's notes about wrong verbs and
 * counts. */
void template_format(struct buf *buf, str format, const struct tvalue *args, size_t count);
