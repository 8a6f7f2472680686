/*
 * parser: PromQL text to tree, tree to text.
 *
 * Error messages are Prometheus's; promql_error_prefix gives them the form in which it answers
 * them: "1:5: parse error: unexpected ...". Nesting is limited to PROMQL_DEPTH_MAX, chains of
 * operators to PROMQL_HEIGHT_MAX levels of the tree, the text to PROMQL_TEXT_MAX bytes: beyond is
 * refused with BARO_ELIMIT.
 */
#pragma once

#include "promql/ast.h"

enum { PROMQL_DEPTH_MAX = 256, PROMQL_HEIGHT_MAX = 1024, PROMQL_TEXT_MAX = 1 << 20 };

/* What is switched on beyond the stable language (--enable-feature=...). */
struct promql_features {
    bool experimental_functions; /* promql-experimental-functions: limitk, sort_by_label, info, ...
                                  */
    bool duration_expressions;   /* promql-duration-expr */
    bool extended_range;         /* promql-extended-range-selectors: anchored, smoothed */
    bool binop_fill;             /* fill modifiers */
    bool start_timestamps;       /* start_timestamp(); rates take them into account */
    bool delayed_name_removal;
    bool type_and_unit_labels; /* rate() judges counters by __type__ */
};

/*
 * promql_parse parses and type-checks. Nodes and strings live in the arena, `text` must outlive
 * them. Compiled matchers hold heap memory: promql_expr_done releases it. err has line, column
 * (from 1) and a message without that prefix.
 */
int promql_parse(struct arena *arena, str text, const struct promql_features *features,
                 struct expr **ret, struct baro_error *err);
void promql_expr_done(struct expr *expr);

/* promql_error_prefix turns the message of a failed parse into "LINE:COLUMN: parse error: MESSAGE"
 * and returns BARO_EPARSE, whatever was wrong: to who asked, a text too deep or too long is bad. */
int promql_error_prefix(int code, struct baro_error *err);

/* promql_parse_metric parses `name{a="b"}` (equality labels only) as promqltest and series
 * descriptions have it. */
int promql_parse_metric(struct arena *arena, str text, struct labels *ret, struct baro_error *err);

/* promql_parse_selector parses one vector selector without modifiers: the API's match[] parameter.
 */
int promql_parse_selector(struct arena *arena, str text, struct expr **ret, struct baro_error *err);

/* promql_print appends the expression in one line, as Prometheus's Expr.String() prints it. */
void promql_print(struct buf *buf, const struct expr *expr);

/* promql_pretty appends the expression over several lines, as format_query answers (Prettify). */
void promql_pretty(struct buf *buf, const struct expr *expr);
