#include <math.h>

#include "promql/engine_priv.h"

double binary_scalar(enum binary_op op, double a, double b)
{
    switch ((int)op) {
    case OP_ADD:
        return a + b;
    case OP_SUB:
        return a - b;
    case OP_MUL:
        return a * b;
    case OP_DIV:
        return a / b;
    case OP_MOD:
        return fmod(a, b);
    case OP_POW:
        return pow(a, b);
    case OP_ATAN2:
        return atan2(a, b);
    case OP_EQL:
        return a == b;
    case OP_NEQ:
        return a != b;
    case OP_LTE:
        return a <= b;
    case OP_LSS:
        return a < b;
    case OP_GTE:
        return a >= b;
    case OP_GTR:
        return a > b;
    default:
        return 0;
    }
}

/*
 * A result of arithmetic never has the absent bits: those of an operand that is absent would pass
 * through, so the test comes first, and the mask is applied after a loop body without branches.
 */
#define ARITHMETIC(expression)                                                                     \
    do {                                                                                           \
        for (size_t i = 0; i < steps; i++) {                                                       \
            double x = a[i];                                                                       \
            double y = b[i];                                                                       \
            bool missing = value_is_absent(x) || value_is_absent(y);                               \
            double result = (expression);                                                          \
                                                                                                   \
            out[i] = missing ? value_absent() : result;                                            \
        }                                                                                          \
    } while (0)

#define COMPARISON(condition)                                                                      \
    do {                                                                                           \
        for (size_t i = 0; i < steps; i++) {                                                       \
            double x = a[i];                                                                       \
            double y = b[i];                                                                       \
            bool missing = value_is_absent(x) || value_is_absent(y);                               \
            bool holds = (condition);                                                              \
            double result = return_bool ? (double)holds : holds ? kept[i] : value_absent();        \
                                                                                                   \
            out[i] = missing ? value_absent() : result;                                            \
        }                                                                                          \
    } while (0)

void binary_rows(enum binary_op op, bool return_bool, const double *a, const double *b,
                 const double *kept, double *out, size_t steps)
{
    switch ((int)op) {
    case OP_ADD:
        ARITHMETIC(x + y);
        break;
    case OP_SUB:
        ARITHMETIC(x - y);
        break;
    case OP_MUL:
        ARITHMETIC(x * y);
        break;
    case OP_DIV:
        ARITHMETIC(x / y);
        break;
    case OP_MOD:
        ARITHMETIC(fmod(x, y));
        break;
    case OP_POW:
        ARITHMETIC(pow(x, y));
        break;
    case OP_ATAN2:
        ARITHMETIC(atan2(x, y));
        break;
    case OP_EQL:
        COMPARISON(x == y);
        break;
    case OP_NEQ:
        COMPARISON(x != y);
        break;
    case OP_LTE:
        COMPARISON(x <= y);
        break;
    case OP_LSS:
        COMPARISON(x < y);
        break;
    case OP_GTE:
        COMPARISON(x >= y);
        break;
    case OP_GTR:
        COMPARISON(x > y);
        break;
    default:
        for (size_t i = 0; i < steps; i++) {
            out[i] = value_absent();
        }
        break;
    }
}
