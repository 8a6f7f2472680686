#include <string.h>

#include "template/template_priv.h"

static void print_fields(struct buf *buf, const str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_char(buf, '.');
        buf_str(buf, names[i]);
    }
}

static void print_operand(struct buf *buf, const struct node *node)
{
    if (node->kind == NODE_PIPE) {
        buf_char(buf, '(');
        template_pipe_print(buf, node->pipe);
        buf_char(buf, ')');
    } else {
        template_node_print(buf, node);
    }
}

void template_pipe_print(struct buf *buf, const struct pipe *pipe)
{
    for (size_t i = 0; i < pipe->declared_count; i++) {
        buf_c(buf, i > 0 ? ", " : "");
        buf_str(buf, pipe->declared[i]);
    }
    if (pipe->declared_count > 0) {
        buf_c(buf, pipe->assigns ? " = " : " := ");
    }
    for (size_t i = 0; i < pipe->count; i++) {
        buf_c(buf, i > 0 ? " | " : "");
        for (size_t k = 0; k < pipe->commands[i].count; k++) {
            buf_c(buf, k > 0 ? " " : "");
            print_operand(buf, pipe->commands[i].args[k]);
        }
    }
}

static void print_list(struct buf *buf, const struct node_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        template_node_print(buf, list->items[i]);
    }
}

static void print_branch(struct buf *buf, const struct node *node, const char *word)
{
    buf_printf(buf, "{{%s ", word);
    template_pipe_print(buf, node->branch.pipe);
    buf_c(buf, "}}");
    print_list(buf, &node->branch.then);
    if (node->branch.otherwise.count > 0) {
        buf_c(buf, "{{else}}");
        print_list(buf, &node->branch.otherwise);
    }
    buf_c(buf, "{{end}}");
}

static void print_call(struct buf *buf, const struct node *node)
{
    buf_c(buf, "{{template ");
    template_quote(buf, node->call.name);
    if (node->call.pipe != NULL) {
        buf_char(buf, ' ');
        template_pipe_print(buf, node->call.pipe);
    }
    buf_c(buf, "}}");
}

void template_node_print(struct buf *buf, const struct node *node)
{
    switch (node->kind) {
    case NODE_TEXT:
    case NODE_FUNCTION:
        buf_str(buf, node->text);
        break;
    case NODE_ACTION:
        buf_c(buf, "{{");
        template_pipe_print(buf, node->pipe);
        buf_c(buf, "}}");
        break;
    case NODE_IF:
        print_branch(buf, node, "if");
        break;
    case NODE_RANGE:
        print_branch(buf, node, "range");
        break;
    case NODE_WITH:
        print_branch(buf, node, "with");
        break;
    case NODE_CALL:
        print_call(buf, node);
        break;
    case NODE_BREAK:
        buf_c(buf, "{{break}}");
        break;
    case NODE_CONTINUE:
        buf_c(buf, "{{continue}}");
        break;
    case NODE_DOT:
        buf_char(buf, '.');
        break;
    case NODE_NIL:
        buf_c(buf, "nil");
        break;
    case NODE_BOOL:
        tvalue_print(buf, &node->literal);
        break;
    case NODE_NUMBER:
    case NODE_STRING:
        buf_str(buf, node->source);
        break;
    case NODE_FIELD:
        print_fields(buf, node->fields.names, node->fields.count);
        break;
    case NODE_VARIABLE:
        buf_str(buf, node->fields.variable);
        print_fields(buf, node->fields.names, node->fields.count);
        break;
    case NODE_CHAIN:
        print_operand(buf, node->fields.base);
        print_fields(buf, node->fields.names, node->fields.count);
        break;
    case NODE_PIPE:
        template_pipe_print(buf, node->pipe);
        break;
    }
}

void template_position(str text, uint32_t offset, uint32_t *ret_line, uint32_t *ret_column)
{
    uint32_t line = 1;
    uint32_t start = 0;

    for (uint32_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    *ret_line = line;
    *ret_column = offset - start;
}
