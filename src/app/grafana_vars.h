/*
 * grafana_vars: Grafana's variables in an expression, put out of the parser's way. Each is replaced
 * by as many bytes as it has, so that positions stay: a duration within brackets and after offset,
 * a label matcher where one stands for such, a name where a name is wanted, a number elsewhere, and
 * plain letters within strings. What came from a variable can be told by GRAFANA_VARS_MARK.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* Names and strings that hold a variable contain this. */
#define GRAFANA_VARS_MARK "qz"

/* grafana_vars_replace returns a copy of text without variables. */
str grafana_vars_replace(struct arena *arena, str text);
