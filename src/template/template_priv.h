/* template_priv: the parsed tree and what the files of the module share. */
#pragma once

#include <stdint.h>

#include "base/map.h"
#include "template/template.h"

enum { TEMPLATE_SHOWN_MAX = 1000 }; /* bytes of a value in a message, which is shorter */

enum node_kind {
    NODE_TEXT,
    NODE_ACTION, /* a pipeline whose value is printed, or that declares */
    NODE_IF,
    NODE_RANGE,
    NODE_WITH,
    NODE_CALL, /* {{template}} */
    NODE_BREAK,
    NODE_CONTINUE,
    /* operands */
    NODE_DOT,
    NODE_NIL,
    NODE_BOOL,
    NODE_NUMBER,
    NODE_STRING,
    NODE_FIELD,    /* .a.b */
    NODE_VARIABLE, /* $x.a.b */
    NODE_FUNCTION,
    NODE_CHAIN, /* (pipeline).a.b, and other operands followed by fields */
    NODE_PIPE,  /* in parentheses */
};

struct node;

struct node_list {
    struct node **items;
    size_t count;
};

struct command {
    struct node **args; /* at least one */
    size_t count;
    const struct node *shown; /* the command as a pipeline of its own, for messages */
};

/* Variables are numbered by the parser; a name is kept for messages. */
struct pipe {
    str declared[2];
    size_t declared_count;
    bool assigns; /* = instead of := */
    struct command *commands;
    size_t count;
    uint32_t offset;
};

struct node {
    enum node_kind kind;
    uint32_t offset; /* into the template's text, for positions */
    union {
        str text;                /* TEXT, STRING (unquoted), FUNCTION */
        struct tvalue literal;   /* BOOL, NUMBER */
        const struct pipe *pipe; /* ACTION, PIPE */
        struct {
            const struct pipe *pipe;
            struct node_list then, otherwise;
        } branch; /* IF, RANGE, WITH */
        struct {
            str name;
            const struct pipe *pipe; /* NULL = without data */
        } call;
        struct {
            struct node *base; /* CHAIN alone */
            str variable;      /* VARIABLE alone, with its $ */
            const str *names;
            size_t count;
        } fields; /* FIELD, VARIABLE, CHAIN */
    };
    str source; /* STRING, NUMBER: as written */
};

struct template
{
    str name;
    str file; /* name of the text that it stood in */
    str text; /* of that text */
    struct node_list body;
};

struct template_set {
    struct arena arena;
    const struct template_set *base; /* looked up when a name is not here; NULL = none */
    struct map templates;            /* name -> struct template */
    const struct template_function_row *rows;
    size_t row_count;
};

/* template_find finds a template in the set or in what it stands over; NULL when there is none. */
const struct template *template_find(const struct template_set *set, str name);

/* template_function_find looks in the set's rows, then among the predefined functions; NULL when
 * unknown. and and or are found too, but executed by the interpreter. */
const struct template_function_row *template_function_find(const struct template_set *set,
                                                           str name);

/* The predefined functions. */
extern const struct template_function_row template_builtins[];
extern const size_t template_builtin_count;

/* Functions that Prometheus and Alertmanager share: of a number, of a pattern and a text, of a
 * pattern, a replacement and a text. */
template_function template_humanize_duration, template_match, template_re_replace_all;

/* template_node_print appends the node as Go's parse tree prints it, for messages. */
void template_node_print(struct buf *buf, const struct node *node);
void template_pipe_print(struct buf *buf, const struct pipe *pipe);

/* template_position gives line (from 1) and column (from 0, in bytes) of an offset, as Go counts
 * them. */
void template_position(str text, uint32_t offset, uint32_t *ret_line, uint32_t *ret_column);

/* template_print_all appends fmt.Sprint(args...): a space between two operands when neither is a
 * string. */
void template_print_all(struct buf *buf, const struct tvalue *args, size_t count);

/* template_quote appends Go's %q of a string. */
void template_quote(struct buf *buf, str s);
