/*
 * functions: the table of PromQL functions (functions.def): names, argument types and results for
 * the parser, kernels for the engine, help for the UI and the docs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "promql/ast.h"

enum { FUNCTION_ARGS_MAX = 8 };

enum function_id {
#define FUNCTION(name, ...) FUNCTION_##name,
#include "promql/functions.def"
#undef FUNCTION
    FUNCTION_COUNT,
};

struct function {
    const char *name;
    enum function_id id;
    enum value_type args[FUNCTION_ARGS_MAX];
    size_t arg_count;
    int variadic; /* 0 = exact; n > 0 = up to n further optional ones; -1 = any number of the last
                   */
    enum value_type result;
    bool experimental;
    const char *help;
};

/* function_get finds a row by name; NULL when there is none. function_at is the row of an id. */
const struct function *function_get(str name);
const struct function *function_at(enum function_id id);
