#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/text.h"
#include "base/vec.h"
#include "template/template_lex.h"
#include "template/template_priv.h"

enum { LOOKAHEAD = 3 };

typedef VEC(str) variable_names;

struct parser {
    struct template_set *set;
    struct tmpl_lexer lexer;
    struct tmpl_token ahead[LOOKAHEAD]; /* pushed back, the next one last */
    size_t ahead_count;
    struct template *template; /* being parsed */
    variable_names variables;  /* in scope, with their $ */
    uint32_t action_line;      /* of the action being parsed; 0 outside */
    uint32_t range_depth;
    uint32_t nesting;
    bool ended_by_else; /* how the last list ended: {{else}} or {{end}} */
    struct baro_error *err;
    uint32_t line; /* of the token that was read last */
};

/* Everything below returns a negative code after the first fault, or NULL where it makes nodes. */

static int fault(struct parser *parser, const char *format, ...) PRINTF_LIKE(2, 3);
static int fault(struct parser *parser, const char *format, ...)
{
    struct arena *arena = &parser->set->arena;
    va_list args;
    str text;

    va_start(args, format);
    text = arena_vprintf(arena, format, args);
    va_end(args);
    return error_at_line(parser->err, BARO_EPARSE, parser->line, 1, "template: %.*s:%u: %.*s",
                         STR_ARG(parser->template->file), parser->line, STR_ARG(text));
}

static struct tmpl_token next(struct parser *parser)
{
    struct tmpl_token token = parser->ahead_count > 0 ? parser->ahead[--parser->ahead_count]
                                                      : tmpl_lexer_next(&parser->lexer);

    parser->line = token.line;
    return token;
}

static void push_back(struct parser *parser, struct tmpl_token token)
{
    ASSERT(parser->ahead_count < LOOKAHEAD);
    parser->ahead[parser->ahead_count++] = token;
}

static struct tmpl_token peek(struct parser *parser)
{
    struct tmpl_token token = next(parser);

    push_back(parser, token);
    return token;
}

static struct tmpl_token next_word(struct parser *parser)
{
    struct tmpl_token token;

    do {
        token = next(parser);
    } while (token.kind == TMPL_SPACE);
    return token;
}

static struct tmpl_token peek_word(struct parser *parser)
{
    struct tmpl_token token = next_word(parser);

    push_back(parser, token);
    return token;
}

/* A token as messages show it. */
static str token_text(struct parser *parser, struct tmpl_token token)
{
    struct arena *arena = &parser->set->arena;
    struct buf quoted = {0};
    str shown = str_slice(token.text, 0, 10);
    str text;

    if (token.kind == TMPL_EOF) {
        return STR("EOF");
    }
    if (token.kind == TMPL_ERROR) {
        return token.text;
    }
    if (token.kind >= TMPL_BLOCK) {
        return arena_printf(arena, "<%.*s>", STR_ARG(token.text));
    }
    template_quote(&quoted, shown);
    text = arena_printf(arena, "%.*s%s", STR_ARG(buf_view(&quoted)),
                        token.text.len > shown.len ? "..." : "");
    buf_done(&quoted);
    return text;
}

static int unexpected(struct parser *parser, struct tmpl_token token, const char *context)
{
    str text = token_text(parser, token);

    if (token.kind != TMPL_ERROR) {
        return fault(parser, "unexpected %.*s in %s", STR_ARG(text), context);
    }
    if (parser->action_line == 0 || parser->action_line == token.line) {
        return fault(parser, "%.*s", STR_ARG(text));
    }
    return fault(parser, "%.*s%s started at %.*s:%u", STR_ARG(text),
                 str_has_suffix(text, STR(" action")) ? "" : " in action",
                 STR_ARG(parser->template->file), parser->action_line);
}

static int expect(struct parser *parser, enum tmpl_token_kind kind, const char *context)
{
    struct tmpl_token token = next_word(parser);

    return token.kind == kind ? 0 : unexpected(parser, token, context);
}

static struct node *node_new(struct parser *parser, enum node_kind kind, uint32_t offset)
{
    struct node *node = ARENA_NEW(&parser->set->arena, struct node);

    node->kind = kind;
    node->offset = offset;
    return node;
}

static bool variable_is_known(const struct parser *parser, str name)
{
    for (size_t i = parser->variables.count; i-- > 0;) {
        if (str_eq(parser->variables.items[i], name)) {
            return true;
        }
    }
    return false;
}

/* ---- Literals ---- */

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool unquote_number(str *rest, int digits, int base, uint32_t *ret)
{
    uint32_t value = 0;

    for (int i = 0; i < digits; i++) {
        int digit = rest->len > 0 ? hex_value(rest->ptr[0]) : -1;

        if (digit < 0 || digit >= base) {
            return false;
        }
        value = value * (uint32_t)base + (uint32_t)digit;
        *rest = str_from_index(*rest, 1);
    }
    *ret = value;
    return true;
}

/* One escape behind its backslash; false when Go has none such. */
static bool unquote_escape(str *rest, char quote, struct buf *out)
{
    static const char names[] = "abfnrtv\\";
    static const char bytes[] = "\a\b\f\n\r\t\v\\";
    char c = rest->len > 0 ? rest->ptr[0] : '\0';
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    uint32_t value;
    char encoded[4];

    if (found != NULL || (c == quote && c != '\0')) {
        buf_char(out, found != NULL ? bytes[found - names] : quote);
        *rest = str_from_index(*rest, 1);
        return true;
    }
    if (c >= '0' && c <= '7') {
        if (!unquote_number(rest, 3, 8, &value) || value > 255) {
            return false;
        }
        buf_char(out, (char)value);
        return true;
    }
    if (c != 'x' && c != 'u' && c != 'U') {
        return false;
    }
    *rest = str_from_index(*rest, 1);
    if (!unquote_number(rest, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16, &value)) {
        return false;
    }
    if (c == 'x') {
        buf_char(out, (char)value);
        return true;
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
        return false;
    }
    buf_bytes(out, encoded, utf8_encode(value, encoded));
    return true;
}

/* Resolves the escapes between the quotes of a string or character constant. */
static bool unquote(struct arena *arena, str quoted, str *ret)
{
    str rest = str_slice(quoted, 1, quoted.len - 1);
    struct buf out = {0};
    bool good = true;

    while (good && rest.len > 0) {
        char c = rest.ptr[0];

        rest = str_from_index(rest, 1);
        if (c == '\\') {
            good = unquote_escape(&rest, quoted.ptr[0], &out);
        } else {
            buf_char(&out, c);
        }
    }
    *ret = text_take(arena, &out);
    return good;
}

/* Go's integer literals: 12, 0x1f, 0o17, 017, 0b11, with underscores between digits. */
static bool parse_integer(str text, int64_t *ret, bool *ret_overflows)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;
    uint64_t base = 10;
    size_t digits = 0;

    text = str_from_index(text, text.len > 0 && (negative || text.ptr[0] == '+'));
    if (text.len > 1 && text.ptr[0] == '0') {
        char c = (char)(text.ptr[1] | 0x20);
        bool letter = c == 'x' || c == 'o' || c == 'b';

        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        text = str_from_index(text, letter ? 2 : 1);
    }
    *ret_overflows = false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_value(text.ptr[i]);

        if (text.ptr[i] == '_' && digits > 0 && i + 1 < text.len && text.ptr[i + 1] != '_') {
            continue;
        }
        if (digit < 0 || (uint64_t)digit >= base) {
            return false;
        }
        *ret_overflows |= value > (limit - (uint64_t)digit) / base;
        value = value * base + (uint64_t)digit;
        digits++;
    }
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    return digits > 0;
}

static struct node *parse_number(struct parser *parser, struct tmpl_token token)
{
    struct node *node = node_new(parser, NODE_NUMBER, token.offset);
    bool is_hex = str_has_prefix(token.text, STR("0x")) || str_has_prefix(token.text, STR("0X"));
    bool overflows = false;
    int64_t integer;
    double number;

    node->source = token.text;
    if (parse_integer(token.text, &integer, &overflows)) {
        node->literal = tvalue_int(integer);
        if (overflows) {
            (void)fault(parser, "integer overflow: \"%.*s\"", STR_ARG(token.text));
            return NULL;
        }
        return node;
    }
    if (num_parse_double(token.text, &number) && isfinite(number) &&
        (!is_hex || str_contains(token.text, STR("p")))) {
        node->literal = tvalue_float(number);
        return node;
    }
    (void)fault(parser, "bad number syntax: \"%.*s\"", STR_ARG(token.text));
    return NULL;
}

static struct node *parse_character(struct parser *parser, struct tmpl_token token)
{
    struct node *node = node_new(parser, NODE_NUMBER, token.offset);
    uint32_t rune = 0;
    str bytes;

    node->source = token.text;
    if (!unquote(&parser->set->arena, token.text, &bytes) ||
        utf8_decode(bytes, &rune) != bytes.len) {
        (void)fault(parser, "malformed character constant: %.*s", STR_ARG(token.text));
        return NULL;
    }
    node->literal = tvalue_int((int64_t)rune);
    return node;
}

static struct node *parse_string(struct parser *parser, struct tmpl_token token)
{
    struct node *node = node_new(parser, NODE_STRING, token.offset);

    node->source = token.text;
    if (token.kind == TMPL_RAW_STRING) {
        node->text = str_slice(token.text, 1, token.text.len - 1);
    } else if (!unquote(&parser->set->arena, token.text, &node->text)) {
        (void)fault(parser, "invalid syntax");
        return NULL;
    }
    return node;
}

/* ---- Pipelines ---- */

static const struct pipe *parse_pipe(struct parser *parser, const char *context,
                                     enum tmpl_token_kind end);

/* Room is made for twice as many: it is used up when their count is a power of two, or none. */
static void fields_add(struct parser *parser, struct node *node, str field)
{
    size_t count = node->fields.count;
    str *names = (str *)(uintptr_t)node->fields.names;

    if ((count & (count - 1)) == 0) {
        names = ARENA_ARRAY(&parser->set->arena, str, count > 0 ? 2 * count : 1);
        for (size_t i = 0; i < count; i++) {
            names[i] = node->fields.names[i];
        }
    }
    names[count] = str_from_index(field, 1);
    node->fields.names = names;
    node->fields.count = count + 1;
}

static struct node *parse_parens(struct parser *parser, struct tmpl_token token)
{
    struct node *node = node_new(parser, NODE_PIPE, token.offset);

    if (++parser->nesting > TEMPLATE_NESTING_MAX) {
        (void)fault(parser, "nested too deeply");
        return NULL;
    }
    node->pipe = parse_pipe(parser, "parenthesized pipeline", TMPL_RIGHT_PAREN);
    parser->nesting--;
    return node->pipe != NULL ? node : NULL;
}

static struct node *parse_function(struct parser *parser, struct tmpl_token token)
{
    struct node *node = node_new(parser, NODE_FUNCTION, token.offset);

    node->text = token.text;
    if (template_function_find(parser->set, token.text) == NULL) {
        (void)fault(parser, "function \"%.*s\" not defined", STR_ARG(token.text));
        return NULL;
    }
    return node;
}

static struct node *parse_variable(struct parser *parser, struct tmpl_token token)
{
    struct node *node = node_new(parser, NODE_VARIABLE, token.offset);

    node->fields.variable = token.text;
    if (!variable_is_known(parser, token.text)) {
        (void)fault(parser, "undefined variable \"%.*s\"", STR_ARG(token.text));
        return NULL;
    }
    return node;
}

/* A term: NULL without a fault when the next token starts none (it is left). *ret_failed tells them
 * apart. */
static struct node *parse_term(struct parser *parser, bool *ret_failed)
{
    struct tmpl_token token = next_word(parser);
    struct node *node = NULL;

    switch (token.kind) {
    case TMPL_IDENTIFIER:
        node = parse_function(parser, token);
        break;
    case TMPL_DOT:
        return node_new(parser, NODE_DOT, token.offset);
    case TMPL_NIL:
        return node_new(parser, NODE_NIL, token.offset);
    case TMPL_VARIABLE:
        node = parse_variable(parser, token);
        break;
    case TMPL_FIELD:
        node = node_new(parser, NODE_FIELD, token.offset);
        fields_add(parser, node, token.text);
        break;
    case TMPL_BOOL:
        node = node_new(parser, NODE_BOOL, token.offset);
        node->literal = tvalue_bool(str_is(token.text, "true"));
        break;
    case TMPL_CHAR_CONSTANT:
        node = parse_character(parser, token);
        break;
    case TMPL_NUMBER:
        node = parse_number(parser, token);
        break;
    case TMPL_LEFT_PAREN:
        node = parse_parens(parser, token);
        break;
    case TMPL_STRING:
    case TMPL_RAW_STRING:
        node = parse_string(parser, token);
        break;
    default: /* the tokens that start no term are many, and all alike here */
        push_back(parser, token);
        return NULL;
    }
    *ret_failed = node == NULL;
    return node;
}

/* An operand is a term with any number of fields behind it. */
static struct node *parse_operand(struct parser *parser, bool *ret_failed)
{
    struct node *term = parse_term(parser, ret_failed);
    struct tmpl_token token = {0};
    struct node *chain = term;
    struct buf shown = {0};

    if (term == NULL || peek(parser).kind != TMPL_FIELD) {
        return term;
    }
    if (term->kind >= NODE_DOT && term->kind <= NODE_STRING) {
        template_node_print(&shown, term);
        (void)fault(parser, "unexpected . after term \"%.*s\"", STR_ARG(buf_view(&shown)));
        buf_done(&shown);
        *ret_failed = true;
        return NULL;
    }
    if (term->kind != NODE_FIELD && term->kind != NODE_VARIABLE) {
        chain = node_new(parser, NODE_CHAIN, 0);
        chain->fields.base = term;
    }
    chain->offset = peek(parser).offset;
    while ((token = next(parser)).kind == TMPL_FIELD) {
        fields_add(parser, chain, token.text);
    }
    push_back(parser, token);
    return chain;
}

static const struct node *command_as_node(struct parser *parser, const struct command *command)
{
    struct node *node = node_new(parser, NODE_PIPE, command->args[0]->offset);
    struct pipe *pipe = ARENA_NEW(&parser->set->arena, struct pipe);

    pipe->commands = ARENA_NEW(&parser->set->arena, struct command);
    pipe->commands[0] = *command;
    pipe->count = 1;
    node->pipe = pipe;
    return node;
}

static int parse_command(struct parser *parser, struct command *ret)
{
    VEC(struct node *) args = {0};
    struct tmpl_token token;
    int result = 0;

    for (;;) {
        bool failed = false;
        struct node *operand;

        (void)peek_word(parser);
        operand = parse_operand(parser, &failed);
        if (failed) {
            result = BARO_EPARSE;
            break;
        }
        if (operand != NULL) {
            vec_push(&args, operand);
        }
        token = next(parser);
        if (token.kind == TMPL_SPACE) {
            continue;
        }
        if (token.kind == TMPL_RIGHT || token.kind == TMPL_RIGHT_PAREN) {
            push_back(parser, token);
        } else if (token.kind != TMPL_PIPE) {
            result = unexpected(parser, token, "operand");
        }
        break;
    }
    if (result == 0 && args.count == 0) {
        result = fault(parser, "empty command");
    }
    ret->args = ARENA_ARRAY(&parser->set->arena, struct node *, args.count);
    ret->count = args.count;
    for (size_t i = 0; i < args.count; i++) {
        ret->args[i] = args.items[i];
    }
    vec_done(&args);
    ret->shown = result == 0 ? command_as_node(parser, ret) : NULL;
    return result;
}

/* The declared variables at the start of a pipeline: $x :=, $x =, and $i, $x := in a range. */
static int parse_declarations(struct parser *parser, struct pipe *pipe, const char *context)
{
    while (peek_word(parser).kind == TMPL_VARIABLE) {
        struct tmpl_token variable = next_word(parser);
        struct tmpl_token after = peek(parser);
        struct tmpl_token word = peek_word(parser);

        if (word.kind != TMPL_ASSIGN && word.kind != TMPL_DECLARE && !str_is(word.text, ",")) {
            if (after.kind == TMPL_SPACE) {
                push_back(parser, after);
            }
            push_back(parser, variable);
            return 0;
        }
        (void)next_word(parser);
        if (pipe->declared_count == ARRAY_COUNT(pipe->declared)) {
            return fault(parser, "too many declarations in %s", context);
        }
        if (parser->variables.count >= TEMPLATE_VARIABLES_MAX) {
            return fault(parser, "more than %d variables", TEMPLATE_VARIABLES_MAX);
        }
        pipe->declared[pipe->declared_count++] = variable.text;
        vec_push(&parser->variables, variable.text);
        if (word.kind != TMPL_CHAR) {
            pipe->assigns = word.kind == TMPL_ASSIGN;
            return 0;
        }
        if (strcmp(context, "range") != 0 || pipe->declared_count > 1) {
            return fault(parser, "too many declarations in %s", context);
        }
        word = peek_word(parser);
        if (word.kind != TMPL_VARIABLE && word.kind != TMPL_RIGHT &&
            word.kind != TMPL_RIGHT_PAREN) {
            return fault(parser, "range can only initialize variables");
        }
    }
    return 0;
}

static int check_pipe(struct parser *parser, const struct pipe *pipe, const char *context)
{
    if (pipe->count == 0) {
        return fault(parser, "missing value for %s", context);
    }
    for (size_t i = 1; i < pipe->count; i++) {
        enum node_kind kind = pipe->commands[i].args[0]->kind;

        if (kind >= NODE_DOT && kind <= NODE_STRING) {
            return fault(parser, "non executable command in pipeline stage %zu", i + 1);
        }
    }
    return 0;
}

static bool starts_operand(enum tmpl_token_kind kind)
{
    return kind == TMPL_BOOL || kind == TMPL_CHAR_CONSTANT || kind == TMPL_DOT ||
           kind == TMPL_FIELD || kind == TMPL_IDENTIFIER || kind == TMPL_NUMBER ||
           kind == TMPL_NIL || kind == TMPL_RAW_STRING || kind == TMPL_STRING ||
           kind == TMPL_VARIABLE || kind == TMPL_LEFT_PAREN;
}

/* parse_pipe reads up to and with `end`; NULL after a fault. */
static const struct pipe *parse_pipe(struct parser *parser, const char *context,
                                     enum tmpl_token_kind end)
{
    struct pipe *pipe = ARENA_NEW(&parser->set->arena, struct pipe);
    VEC(struct command) commands = {0};
    int result;

    pipe->offset = peek_word(parser).offset;
    result = parse_declarations(parser, pipe, context);
    while (result == 0) {
        struct tmpl_token token = next_word(parser);
        struct command command = {0};

        if (token.kind == end) {
            break;
        }
        if (!starts_operand(token.kind)) {
            result = unexpected(parser, token, context);
            break;
        }
        push_back(parser, token);
        result = parse_command(parser, &command);
        vec_push(&commands, command);
    }
    pipe->commands = ARENA_ARRAY(&parser->set->arena, struct command, commands.count);
    pipe->count = commands.count;
    for (size_t i = 0; i < commands.count; i++) {
        pipe->commands[i] = commands.items[i];
    }
    vec_done(&commands);
    result = result == 0 ? check_pipe(parser, pipe, context) : result;
    return result == 0 ? pipe : NULL;
}

/* ---- Actions ---- */

enum list_end { LIST_END, LIST_ELSE, LIST_EOF };

static int parse_list(struct parser *parser, struct node_list *ret, enum list_end *ret_end);

static str string_name(struct parser *parser, struct tmpl_token token, const char *context,
                       int *result)
{
    struct node *node;

    if (token.kind != TMPL_STRING && token.kind != TMPL_RAW_STRING) {
        *result = unexpected(parser, token, context);
        return STR_NULL;
    }
    node = parse_string(parser, token);
    *result = node != NULL ? 0 : BARO_EPARSE;
    return node != NULL ? node->text : STR_NULL;
}

/* {{else}} of if and with: a further condition begins right behind it. */
static int parse_else(struct parser *parser, struct node *node, const char *context)
{
    struct tmpl_token token = peek_word(parser);
    bool goes_on = (node->kind == NODE_IF && token.kind == TMPL_IF) ||
                   (node->kind == NODE_WITH && token.kind == TMPL_WITH);
    enum list_end end = LIST_END;
    struct node *inner;
    int result;

    if (!goes_on) {
        result = expect(parser, TMPL_RIGHT, "else");
        result = result == 0 ? parse_list(parser, &node->branch.otherwise, &end) : result;
        if (result == 0 && end == LIST_ELSE) {
            return fault(parser, "expected end; found {{else}}");
        }
        return result;
    }
    (void)next_word(parser);
    inner = node_new(parser, node->kind, token.offset);
    inner->branch.pipe = parse_pipe(parser, context, TMPL_RIGHT);
    if (inner->branch.pipe == NULL) {
        return BARO_EPARSE;
    }
    result = parse_list(parser, &inner->branch.then, &end);
    node->branch.otherwise.items = ARENA_ARRAY(&parser->set->arena, struct node *, 1);
    node->branch.otherwise.items[0] = inner;
    node->branch.otherwise.count = 1;
    if (result != 0 || end != LIST_ELSE) {
        return result;
    }
    if (++parser->nesting > TEMPLATE_NESTING_MAX) {
        return fault(parser, "nested too deeply");
    }
    result = parse_else(parser, inner, context);
    parser->nesting--;
    return result;
}

static int parse_branch(struct parser *parser, struct node *node, const char *context)
{
    size_t scope = parser->variables.count;
    enum list_end end = LIST_END;
    int result = 0;

    node->branch.pipe = parse_pipe(parser, context, TMPL_RIGHT);
    if (node->branch.pipe == NULL) {
        return BARO_EPARSE;
    }
    parser->range_depth += node->kind == NODE_RANGE;
    result = parse_list(parser, &node->branch.then, &end);
    parser->range_depth -= node->kind == NODE_RANGE;
    if (result == 0 && end == LIST_ELSE) {
        result = parse_else(parser, node, context);
    }
    parser->variables.count = scope;
    return result;
}

static bool is_space_only(const struct node_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->kind != NODE_TEXT || str_trim(list->items[i]->text).len > 0) {
            return false;
        }
    }
    return true;
}

/* Adds a template to the set; an empty one does not replace another, and none one of the same text.
 */
static int template_add(struct parser *parser, struct template *template)
{
    const struct template *before = template_find(parser->set, template->name);

    if (before != NULL && is_space_only(&template->body)) {
        return 0;
    }
    if (before != NULL && before->text.ptr == template->text.ptr && !is_space_only(&before->body)) {
        return fault(parser, "template: multiple definition of template \"%.*s\"",
                     STR_ARG(template->name));
    }
    (void)map_remove(&parser->set->templates, template->name);
    (void)map_put(&parser->set->templates, template->name, template);
    return 0;
}

/* The body of {{define}} and {{block}}, up to its {{end}}; it has variables of its own. */
static int parse_body(struct parser *parser, str name, const char *context)
{
    struct template *outer = parser->template;
    struct template *template = ARENA_NEW(&parser->set->arena, struct template);
    uint32_t range_depth = parser->range_depth;
    variable_names variables = parser->variables;
    enum list_end end = LIST_END;
    int result;

    *template = (struct template){.name = name, .file = outer->file, .text = outer->text};
    parser->variables = (variable_names){0};
    vec_push(&parser->variables, STR("$"));
    parser->range_depth = 0;
    parser->template = template;
    result = parse_list(parser, &template->body, &end);
    if (result == 0 && end == LIST_ELSE) {
        result = fault(parser, "unexpected {{else}} in %s", context);
    }
    parser->template = outer;
    parser->range_depth = range_depth;
    vec_done(&parser->variables);
    parser->variables = variables;
    return result == 0 ? template_add(parser, template) : result;
}

static int parse_define(struct parser *parser)
{
    int result = 0;
    str name = string_name(parser, next_word(parser), "define clause", &result);

    result = result == 0 ? expect(parser, TMPL_RIGHT, "define clause") : result;
    return result == 0 ? parse_body(parser, name, "define clause") : result;
}

static int parse_block(struct parser *parser, struct node *node)
{
    int result = 0;

    node->offset = peek_word(parser).offset;
    node->call.name = string_name(parser, next_word(parser), "block clause", &result);
    if (result != 0) {
        return result;
    }
    node->call.pipe = parse_pipe(parser, "block clause", TMPL_RIGHT);
    return node->call.pipe != NULL ? parse_body(parser, node->call.name, "block clause")
                                   : BARO_EPARSE;
}

static int parse_call(struct parser *parser, struct node *node)
{
    int result = 0;

    node->offset = peek_word(parser).offset;
    node->call.name = string_name(parser, next_word(parser), "template clause", &result);
    if (result != 0) {
        return result;
    }
    if (peek_word(parser).kind == TMPL_RIGHT) {
        (void)next_word(parser);
        return 0;
    }
    node->call.pipe = parse_pipe(parser, "template clause", TMPL_RIGHT);
    return node->call.pipe != NULL ? 0 : BARO_EPARSE;
}

static int parse_jump(struct parser *parser, const char *word)
{
    struct tmpl_token token = next_word(parser);

    if (token.kind != TMPL_RIGHT) {
        return unexpected(parser, token, word);
    }
    return parser->range_depth > 0 ? 0 : fault(parser, "%s outside {{range}}", word);
}

/* One action behind its {{. *ret stays NULL for {{end}}, {{else}} (then *ret_end is set) and
 * {{define}}. */
static int parse_action(struct parser *parser, struct node **ret, enum list_end *ret_end)
{
    struct tmpl_token token = next_word(parser);
    struct node *node = node_new(parser, NODE_ACTION, token.offset);
    int result = 0;

    parser->action_line = token.line;
    switch (token.kind) {
    case TMPL_END:
        *ret_end = LIST_END;
        result = expect(parser, TMPL_RIGHT, "end");
        node = NULL;
        break;
    case TMPL_ELSE:
        *ret_end = LIST_ELSE;
        node = NULL;
        break;
    case TMPL_DEFINE:
        return unexpected(parser, token, "command");
    case TMPL_BLOCK:
        node->kind = NODE_CALL;
        result = parse_block(parser, node);
        break;
    case TMPL_TEMPLATE:
        node->kind = NODE_CALL;
        result = parse_call(parser, node);
        break;
    case TMPL_BREAK:
        node->kind = NODE_BREAK;
        result = parse_jump(parser, "{{break}}");
        break;
    case TMPL_CONTINUE:
        node->kind = NODE_CONTINUE;
        result = parse_jump(parser, "{{continue}}");
        break;
    case TMPL_IF:
        node->kind = NODE_IF;
        result = parse_branch(parser, node, "if");
        break;
    case TMPL_RANGE:
        node->kind = NODE_RANGE;
        result = parse_branch(parser, node, "range");
        break;
    case TMPL_WITH:
        node->kind = NODE_WITH;
        result = parse_branch(parser, node, "with");
        break;
    default: /* every other token begins a command, or is refused as one */
        push_back(parser, token);
        node->pipe = parse_pipe(parser, "command", TMPL_RIGHT);
        result = node->pipe != NULL ? 0 : BARO_EPARSE;
        break;
    }
    parser->action_line = 0;
    *ret = node;
    return result;
}

static struct node *text_node(struct parser *parser, struct tmpl_token token)
{
    struct node *node = node_new(parser, NODE_TEXT, token.offset);

    node->text = token.text;
    return node;
}

static void list_copy(struct parser *parser, struct node **items, size_t count,
                      struct node_list *ret)
{
    ret->items = ARENA_ARRAY(&parser->set->arena, struct node *, count);
    ret->count = count;
    for (size_t i = 0; i < count; i++) {
        ret->items[i] = items[i];
    }
}

/* Nodes up to {{end}} or {{else}}; of the text itself (depth 0 of nesting) up to its end. */
static int parse_list(struct parser *parser, struct node_list *ret, enum list_end *ret_end)
{
    VEC(struct node *) items = {0};
    bool done = false;
    int result = 0;

    if (++parser->nesting > TEMPLATE_NESTING_MAX) {
        return fault(parser, "nested too deeply");
    }
    while (result == 0 && !done) {
        struct tmpl_token token = next_word(parser);
        struct node *node = NULL;

        if (token.kind == TMPL_TEXT) {
            node = token.text.len > 0 ? text_node(parser, token) : NULL;
        } else if (token.kind == TMPL_EOF) {
            result = fault(parser, "unexpected EOF");
        } else if (token.kind == TMPL_LEFT) {
            result = parse_action(parser, &node, ret_end);
            done = node == NULL && result == 0;
        } else {
            result = unexpected(parser, token, "input");
        }
        if (node != NULL && result == 0) {
            vec_push(&items, node);
        }
    }
    list_copy(parser, items.items, items.count, ret);
    vec_done(&items);
    parser->nesting--;
    return result;
}

/* The text as a whole: {{define}} is allowed here alone, {{end}} and {{else}} are not. */
static int parse_top(struct parser *parser, struct node_list *ret)
{
    VEC(struct node *) items = {0};
    int result = 0;

    for (;;) {
        struct tmpl_token token = next_word(parser);
        struct node *node = NULL;
        enum list_end end = LIST_EOF;

        if (token.kind == TMPL_EOF) {
            break;
        }
        if (token.kind == TMPL_TEXT) {
            node = token.text.len > 0 ? text_node(parser, token) : NULL;
        } else if (token.kind != TMPL_LEFT) {
            result = unexpected(parser, token, "input");
        } else if (peek_word(parser).kind == TMPL_DEFINE) {
            (void)next_word(parser);
            result = parse_define(parser);
        } else {
            result = parse_action(parser, &node, &end);
        }
        if (result == 0 && end != LIST_EOF) {
            result = fault(parser, "unexpected %s", end == LIST_END ? "{{end}}" : "{{else}}");
        }
        if (result != 0) {
            break;
        }
        if (node != NULL) {
            vec_push(&items, node);
        }
    }
    list_copy(parser, items.items, items.count, ret);
    vec_done(&items);
    return result;
}

int template_set_parse(struct template_set *set, str name, str text, struct baro_error *err)
{
    struct template *template = ARENA_NEW(&set->arena, struct template);
    struct parser parser = {.set = set, .template = template, .err = err, .line = 1};
    int result;

    template->name = arena_str(&set->arena, name);
    template->file = template->name;
    if (text.len > TEMPLATE_BYTES_MAX) {
        return error_set(err, BARO_ELIMIT, "template: %.*s: longer than %d bytes", STR_ARG(name),
                         TEMPLATE_BYTES_MAX);
    }
    template->text = arena_str(&set->arena, text);
    tmpl_lexer_init(&parser.lexer, &set->arena, template->text);
    vec_push(&parser.variables, STR("$"));
    result = parse_top(&parser, &template->body);
    result = result == 0 ? template_add(&parser, template) : result;
    vec_done(&parser.variables);
    return result;
}
