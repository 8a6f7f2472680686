#include "promql/functions.h"

enum { STABLE = 0, EXPERIMENTAL = 1 };

#define V VALUE_VECTOR
#define M VALUE_MATRIX
#define S VALUE_SCALAR
#define T VALUE_STRING
#define ARGS(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define FUNCTION(function_name, count, types, optional, returns, stability, text)                  \
    [FUNCTION_##function_name] = {.name = #function_name,                                          \
                                  .id = FUNCTION_##function_name,                                  \
                                  .args = types,                                                   \
                                  .arg_count = (count),                                            \
                                  .variadic = (optional),                                          \
                                  .result = (returns),                                             \
                                  .experimental = (stability) == EXPERIMENTAL,                     \
                                  .help = (text)},
static const struct function functions[FUNCTION_COUNT] = {
#include "promql/functions.def"
};
#undef FUNCTION
#undef ARGS
#undef V
#undef M
#undef S
#undef T

/* The table is sorted by name (a test checks it), so that a name is found by bisection. */
const struct function *function_get(str name)
{
    size_t low = 0;
    size_t high = FUNCTION_COUNT;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(name, str_from(functions[middle].name));

        if (order == 0) {
            return &functions[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

const struct function *function_at(enum function_id id)
{
    return &functions[id];
}
