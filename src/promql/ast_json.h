/*
 * ast_json: an expression as the JSON tree that /api/v1/parse_query answers. Keys are sorted, and
 * '<', '>', '&' are escaped, as Go's encoder does it. Source: Prometheus 3.14,
 * web/api/v1/translate_ast.go.
 */
#pragma once

#include "base/buf.h"
#include "promql/ast.h"

/* promql_ast_json appends the tree; buf->failed when memory is out. */
void promql_ast_json(struct buf *buf, const struct expr *expr);
