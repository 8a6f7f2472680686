#include "promql/ast_json.h"

#include <math.h>
#include <stdio.h>

#include "base/num.h"
#include "promql/functions.h"

static void json_string(struct buf *buf, str text)
{
    buf_char(buf, '"');
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.ptr[i];
        uint32_t rune = 0;
        size_t size = utf8_decode(str_from_index(text, i), &rune);

        if (size == 0) {
            buf_c(buf, "\\ufffd");
            size = 1;
        } else if (c == '"' || c == '\\') {
            buf_char(buf, '\\');
            buf_char(buf, (char)c);
        } else if (c == '\n') {
            buf_c(buf, "\\n");
        } else if (c == '\r') {
            buf_c(buf, "\\r");
        } else if (c == '\t') {
            buf_c(buf, "\\t");
        } else if (c < 0x20 || c == '<' || c == '>' || c == '&' || rune == 0x2028 ||
                   rune == 0x2029) {
            buf_printf(buf, "\\u%04x", rune);
        } else {
            buf_bytes(buf, text.ptr + i, size);
        }
        i += size;
    }
    buf_char(buf, '"');
}

static void json_strings(struct buf *buf, const str *items, size_t count)
{
    buf_char(buf, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_char(buf, ',');
        }
        json_string(buf, items[i]);
    }
    buf_char(buf, ']');
}

static const char *json_bool(bool value)
{
    return value ? "true" : "false";
}

static void json_matchers(struct buf *buf, const struct expr *vector)
{
    static const char *const types[] = {
        [MATCHER_EQUAL] = "=",
        [MATCHER_NOT_EQUAL] = "!=",
        [MATCHER_REGEX] = "=~",
        [MATCHER_NOT_REGEX] = "!~",
    };

    buf_c(buf, "\"matchers\":[");
    for (size_t i = 0; i < vector->vector.matcher_count; i++) {
        const struct matcher *matcher = &vector->vector.matchers[i];

        buf_c(buf, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_string(buf, matcher->name);
        buf_printf(buf, ",\"type\":\"%s\",\"value\":", types[matcher->op]);
        json_string(buf, matcher->value);
        buf_char(buf, '}');
    }
    buf_c(buf, "],");
}

/* json_at writes "startOrEnd", what stands between it and "timestamp" in the order of the keys, and
 * "timestamp". */
static void json_at(struct buf *buf, const struct modifier *mod, const char *between)
{
    buf_printf(buf, "\"startOrEnd\":%s,%s\"timestamp\":",
               mod->at == AT_START ? "\"start\""
               : mod->at == AT_END ? "\"end\""
                                   : "null",
               between);
    if (mod->at == AT_TIMESTAMP) {
        buf_i64(buf, mod->at_ts);
    } else {
        buf_c(buf, "null");
    }
}

static void json_selector(struct buf *buf, const struct expr *expr)
{
    bool matrix = expr->kind == EXPR_MATRIX_SELECTOR;
    const struct expr *vector = matrix ? expr->matrix.vector : expr;

    buf_printf(buf, "{\"anchored\":%s,", json_bool(vector->vector.anchored));
    json_matchers(buf, vector);
    buf_c(buf, "\"name\":");
    json_string(buf, vector->vector.name);
    buf_printf(buf, ",\"offset\":%lld,", (long long)vector->vector.mod.offset);
    if (matrix) {
        buf_printf(buf, "\"range\":%lld,", (long long)expr->matrix.range);
    }
    buf_printf(buf, "\"smoothed\":%s,", json_bool(vector->vector.smoothed));
    json_at(buf, &vector->vector.mod, "");
    buf_printf(buf, ",\"type\":\"%s\"}", matrix ? "matrixSelector" : "vectorSelector");
}

static void json_subquery(struct buf *buf, const struct expr *expr)
{
    char step[64];

    (void)snprintf(step, sizeof(step), "\"step\":%lld,", (long long)expr->subquery.step);
    buf_c(buf, "{\"expr\":");
    promql_ast_json(buf, expr->subquery.expr);
    buf_printf(buf, ",\"offset\":%lld,\"range\":%lld,", (long long)expr->subquery.mod.offset,
               (long long)expr->subquery.range);
    json_at(buf, &expr->subquery.mod, step);
    buf_c(buf, ",\"type\":\"subquery\"}");
}

static void json_fill(struct buf *buf, bool has, double value)
{
    if (has && isfinite(value)) {
        buf_double(buf, value, NUM_JSON);
    } else {
        buf_c(buf, "null");
    }
}

static void json_matching(struct buf *buf, const struct vector_matching *matching)
{
    static const char *const cards[] = {
        [CARD_ONE_TO_ONE] = "one-to-one",
        [CARD_MANY_TO_ONE] = "many-to-one",
        [CARD_ONE_TO_MANY] = "one-to-many",
        [CARD_MANY_TO_MANY] = "many-to-many",
    };

    if (matching == NULL) {
        buf_c(buf, "null");
        return;
    }
    buf_printf(buf, "{\"card\":\"%s\",\"fillValues\":{\"lhs\":", cards[matching->card]);
    json_fill(buf, matching->has_fill_left, matching->fill_left);
    buf_c(buf, ",\"rhs\":");
    json_fill(buf, matching->has_fill_right, matching->fill_right);
    buf_c(buf, "},\"include\":");
    json_strings(buf, matching->include, matching->include_count);
    buf_c(buf, ",\"labels\":");
    json_strings(buf, matching->labels, matching->label_count);
    buf_printf(buf, ",\"on\":%s}", json_bool(matching->on));
}

static void json_binary(struct buf *buf, const struct expr *expr)
{
    buf_printf(buf, "{\"bool\":%s,\"lhs\":", json_bool(expr->binary.return_bool));
    promql_ast_json(buf, expr->binary.lhs);
    buf_c(buf, ",\"matching\":");
    json_matching(buf, expr->binary.matching);
    buf_c(buf, ",\"op\":");
    json_string(buf, str_from(binary_op_name(expr->binary.op)));
    buf_c(buf, ",\"rhs\":");
    promql_ast_json(buf, expr->binary.rhs);
    buf_c(buf, ",\"type\":\"binaryExpr\"}");
}

static void json_aggregate(struct buf *buf, const struct expr *expr)
{
    buf_c(buf, "{\"expr\":");
    promql_ast_json(buf, expr->aggregate.expr);
    buf_c(buf, ",\"grouping\":");
    json_strings(buf, expr->aggregate.grouping, expr->aggregate.grouping_count);
    buf_printf(buf, ",\"op\":\"%s\",\"param\":", aggregate_op_name(expr->aggregate.op));
    promql_ast_json(buf, expr->aggregate.param);
    buf_printf(buf, ",\"type\":\"aggregation\",\"without\":%s}",
               json_bool(expr->aggregate.without));
}

static void json_call(struct buf *buf, const struct expr *expr)
{
    const struct function *function = expr->call.function;

    buf_c(buf, "{\"args\":[");
    for (size_t i = 0; i < expr->call.arg_count; i++) {
        if (i > 0) {
            buf_char(buf, ',');
        }
        promql_ast_json(buf, expr->call.args[i]);
    }
    buf_c(buf, "],\"func\":{\"argTypes\":[");
    for (size_t i = 0; i < function->arg_count; i++) {
        buf_printf(buf, "%s\"%s\"", i > 0 ? "," : "", value_type_name(function->args[i]));
    }
    buf_printf(buf, "],\"name\":\"%s\",\"returnType\":\"%s\",\"variadic\":%d},\"type\":\"call\"}",
               function->name, value_type_name(function->result), function->variadic);
}

void promql_ast_json(struct buf *buf, const struct expr *expr)
{
    if (expr == NULL) {
        buf_c(buf, "null");
        return;
    }
    switch (expr->kind) {
    case EXPR_NUMBER:
        buf_c(buf, "{\"type\":\"numberLiteral\",\"val\":\"");
        buf_double(buf, expr->number.value, NUM_F);
        buf_c(buf, "\"}");
        break;
    case EXPR_STRING:
        buf_c(buf, "{\"type\":\"stringLiteral\",\"val\":");
        json_string(buf, expr->string.value);
        buf_char(buf, '}');
        break;
    case EXPR_VECTOR_SELECTOR:
    case EXPR_MATRIX_SELECTOR:
        json_selector(buf, expr);
        break;
    case EXPR_SUBQUERY:
        json_subquery(buf, expr);
        break;
    case EXPR_CALL:
        json_call(buf, expr);
        break;
    case EXPR_AGGREGATE:
        json_aggregate(buf, expr);
        break;
    case EXPR_BINARY:
        json_binary(buf, expr);
        break;
    case EXPR_UNARY:
        buf_c(buf, "{\"expr\":");
        promql_ast_json(buf, expr->unary.expr);
        buf_printf(buf, ",\"op\":\"%c\",\"type\":\"unaryExpr\"}", expr->unary.negative ? '-' : '+');
        break;
    case EXPR_PAREN:
        buf_c(buf, "{\"expr\":");
        promql_ast_json(buf, expr->paren.expr);
        buf_c(buf, ",\"type\":\"parenExpr\"}");
        break;
    case EXPR_STEP_INVARIANT:
        promql_ast_json(buf, expr->paren.expr);
        break;
    case EXPR_DURATION: /* stands in no place that the tree shows */
        buf_c(buf, "null");
        break;
    }
}
