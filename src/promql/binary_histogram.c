/*
 * binary_histogram: binary operators where a side has native histograms. Semantics: Prometheus
 * 3.14, promql/engine.go (vectorElemBinop).
 */
#include "promql/engine_priv.h"

struct operands {
    struct eval *ev;
    const struct expr *expr;
    const struct histogram *left;
    const struct histogram *right;
    double left_v;
    double right_v;
};

static const char *type_of(const struct histogram *h)
{
    return h != NULL ? "histogram" : "float";
}

static void note_incompatible(const struct operands *o)
{
    const char *op = binary_op_name(o->expr->binary.op);

    eval_info(o->ev, o->expr->pos,
              "incompatible sample types encountered for binary operator \"%s\": %s %s %s", op,
              type_of(o->left), op, type_of(o->right));
}

/* 1 with *ret set, 0 when there is no result. */
static int add_or_subtract(const struct operands *o, const struct histogram **ret,
                           struct baro_error *err)
{
    bool subtract = o->expr->binary.op == OP_SUB;
    const char *operation = subtract ? "subtraction" : "addition";
    struct histogram *h = histogram_copy(o->ev->scratch, o->left);
    struct histogram_notes notes = {0};
    int r;

    if (h == NULL) {
        return eval_error_memory(err);
    }
    r = subtract ? histogram_sub(o->ev->scratch, h, o->right, &notes)
                 : histogram_add(o->ev->scratch, h, NULL, o->right, &notes);
    if (r < 0) {
        eval_warn(o->ev, o->expr->pos,
                  "incompatible bucket layout encountered for binary operator %s",
                  binary_op_name(o->expr->binary.op));
        return 0;
    }
    if (notes.reset_collision) {
        eval_warn_collision(o->ev, o->expr->pos, operation);
    }
    if (notes.bounds_reconciled) {
        eval_info_reconciled(o->ev, o->expr->pos, operation);
    }
    h->hint = subtract ? HISTOGRAM_HINT_GAUGE : h->hint;
    histogram_compact(o->ev->scratch, h);
    *ret = h;
    return 1;
}

static int scale(const struct operands *o, const struct histogram **ret, struct baro_error *err)
{
    struct histogram *h = histogram_copy(o->ev->scratch, o->left != NULL ? o->left : o->right);

    if (h == NULL) {
        return eval_error_memory(err);
    }
    switch ((int)o->expr->binary.op) {
    case OP_MUL:
        histogram_mul(h, o->left != NULL ? o->right_v : o->left_v);
        break;
    case OP_DIV:
        histogram_div(h, o->right_v);
        break;
    default:
        histogram_trim(o->ev->scratch, h, o->right_v, o->expr->binary.op == OP_TRIM_UPPER);
        break;
    }
    histogram_compact(o->ev->scratch, h);
    *ret = h;
    return 1;
}

/* 1 with a histogram or a float (*ret NULL), 0 when there is no result. */
static int apply(const struct operands *o, const struct histogram **ret, double *ret_v,
                 struct baro_error *err)
{
    enum binary_op op = o->expr->binary.op;
    bool keep;

    if (o->left != NULL && o->right != NULL) {
        if (op == OP_ADD || op == OP_SUB) {
            return add_or_subtract(o, ret, err);
        }
        if (op == OP_EQL || op == OP_NEQ) {
            keep = histogram_eq(o->left, o->right) == (op == OP_EQL);
            if (o->expr->binary.return_bool) {
                *ret_v = keep;
                return 1;
            }
            *ret = keep ? o->left : NULL;
            return keep;
        }
    } else if (op == OP_MUL ||
               (o->left != NULL && (op == OP_DIV || op == OP_TRIM_UPPER || op == OP_TRIM_LOWER))) {
        return scale(o, ret, err);
    }
    note_incompatible(o);
    return 0;
}

void binary_note_trim(struct eval *ev, const struct expr *expr, const double *a, const double *b,
                      size_t steps)
{
    struct operands o = {.ev = ev, .expr = expr};

    if (expr->binary.op != OP_TRIM_UPPER && expr->binary.op != OP_TRIM_LOWER) {
        return;
    }
    for (size_t i = 0; i < steps; i++) {
        if (!value_is_absent(a[i]) && !value_is_absent(b[i])) {
            note_incompatible(&o);
            return;
        }
    }
}

int binary_histograms(struct eval *ev, const struct expr *expr, const struct row *left,
                      const struct row *right, double *out, const struct histogram **out_h,
                      size_t steps, struct baro_error *err)
{
    for (size_t i = 0; i < steps; i++) {
        struct operands o = {.ev = ev,
                             .expr = expr,
                             .left = left->h != NULL ? left->h[i] : NULL,
                             .right = right->h != NULL ? right->h[i] : NULL,
                             .left_v = left->v[i],
                             .right_v = right->v[i]};
        const struct histogram *h = NULL;
        bool meet = row_has(left, i) && row_has(right, i);
        int r = 0;

        if (o.left == NULL && o.right == NULL) {
            out_h[i] = NULL;
            continue;
        }
        out[i] = value_absent();
        if (meet) {
            r = apply(&o, &h, &out[i], err);
            r = r < 0 ? r : eval_tick(ev, 100, err);
        }
        if (r < 0) {
            return r;
        }
        out_h[i] = h;
    }
    return 0;
}
