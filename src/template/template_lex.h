/*
 * template_lex: the text of a template to tokens. Outside {{ }} everything up to the next action is
 * one TMPL_TEXT, trimmed where a neighbouring action has a trim marker. A fault is one TMPL_ERROR
 * token. Reference: Go's text/template/parse, lex.go.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum tmpl_token_kind {
    TMPL_ERROR, /* text is the message */
    TMPL_EOF,
    TMPL_TEXT,
    TMPL_LEFT,  /* {{ */
    TMPL_RIGHT, /* }} */
    TMPL_BOOL,
    TMPL_CHAR,          /* with its quotes */
    TMPL_CHAR_CONSTANT, /* with its quotes */
    TMPL_NUMBER,
    TMPL_STRING, /* with its quotes */
    TMPL_RAW_STRING,
    TMPL_FIELD, /* .name, with its dot */
    TMPL_IDENTIFIER,
    TMPL_VARIABLE, /* $name, with its dollar */
    TMPL_LEFT_PAREN,
    TMPL_RIGHT_PAREN,
    TMPL_PIPE,
    TMPL_SPACE,
    TMPL_ASSIGN,  /* = */
    TMPL_DECLARE, /* := */
    TMPL_DOT,
    /* keywords */
    TMPL_BLOCK,
    TMPL_BREAK,
    TMPL_CONTINUE,
    TMPL_DEFINE,
    TMPL_ELSE,
    TMPL_END,
    TMPL_IF,
    TMPL_NIL,
    TMPL_RANGE,
    TMPL_TEMPLATE,
    TMPL_WITH,
};

struct tmpl_token {
    enum tmpl_token_kind kind;
    uint32_t offset;
    uint32_t line;
    str text;
};

struct tmpl_lexer {
    struct arena *arena; /* of messages */
    str input;
    uint32_t at;
    uint32_t line; /* at `at` */
    uint32_t parens;
    bool in_action;
    bool trim_next; /* the action before had -}} */
    bool failed;
};

void tmpl_lexer_init(struct tmpl_lexer *lexer, struct arena *arena, str input);

/* tmpl_lexer_next reads one token. After TMPL_ERROR and TMPL_EOF only TMPL_EOF comes. */
struct tmpl_token tmpl_lexer_next(struct tmpl_lexer *lexer);
