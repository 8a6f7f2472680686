#include <stdatomic.h>
#include <string.h>

#include "base/assert.h"
#include "base/vec.h"
#include "template/template_priv.h"

enum { CANCEL_CHECK_STEPS = 1024 };

struct variable {
    str name;
    struct tvalue value;
};

/* One execution. Functions return 0 or a negative code; the message is written where the fault is
 * found. */
struct exec {
    const struct template_set *set;
    const struct template_run *run;
    const struct template *template;
    struct buf *out;
    VEC(struct variable) variables;
    const struct node *at;      /* what messages point at */
    const struct pipe *at_pipe; /* instead, when at is NULL */
    uint32_t depth;
    uint32_t steps;
    size_t out_start;
    size_t arena_start;
    struct baro_error *err;
};

/* How a list of nodes ended. */
enum flow { FLOW_NEXT = 0, FLOW_BREAK = 1, FLOW_CONTINUE = 2 };

static int fault_code(struct exec *exec, int code, str what)
{
    struct buf context = {0};
    uint32_t line = 1;
    uint32_t column = 0;

    template_position(exec->template->text,
                      exec->at != NULL ? exec->at->offset : exec->at_pipe->offset, &line, &column);
    if (exec->at != NULL) {
        template_node_print(&context, exec->at);
    } else {
        template_pipe_print(&context, exec->at_pipe);
    }
    (void)error_at_line(exec->err, code, line, column + 1,
                        "template: %.*s:%u:%u: executing \"%.*s\" at <%.*s>: %.*s",
                        STR_ARG(exec->template->file), line, column, STR_ARG(exec->template->name),
                        STR_ARG(buf_view(&context)), STR_ARG(what));
    buf_done(&context);
    return code;
}

static int fault(struct exec *exec, const char *format, ...) PRINTF_LIKE(2, 3);
static int fault(struct exec *exec, const char *format, ...)
{
    va_list args;
    str what;

    va_start(args, format);
    what = arena_vprintf(exec->run->arena, format, args);
    va_end(args);
    return fault_code(exec, BARO_EEXEC, what);
}

static void point_at(struct exec *exec, const struct node *node)
{
    exec->at = node;
}

/* Beside the steps after each call: a single action may call any number of functions. */
static int check_memory(struct exec *exec)
{
    return exec->run->arena->used_bytes - exec->arena_start <= TEMPLATE_MEMORY_MAX
               ? 0
               : fault_code(exec, BARO_ELIMIT, STR("the template needs too much memory"));
}

static int step(struct exec *exec)
{
    int result = check_memory(exec);

    if (result != 0) {
        return result;
    }
    exec->steps++;
    if (exec->steps > TEMPLATE_STEPS_MAX) {
        return fault_code(exec, BARO_ELIMIT, STR("the template takes too long"));
    }
    if (exec->out->len - exec->out_start > TEMPLATE_OUTPUT_MAX || exec->out->failed) {
        return fault_code(exec, BARO_ELIMIT, STR("the template writes too much"));
    }
    if (exec->steps % CANCEL_CHECK_STEPS == 0 && exec->run->cancel != NULL &&
        atomic_load_explicit(exec->run->cancel, memory_order_relaxed)) {
        return fault_code(exec, BARO_ECANCELED, STR("canceled"));
    }
    return 0;
}

/* ---- Variables ---- */

static void variable_push(struct exec *exec, str name, struct tvalue value)
{
    vec_push(&exec->variables, ((struct variable){name, value}));
}

static struct variable *variable_find(struct exec *exec, str name)
{
    for (size_t i = exec->variables.count; i-- > 0;) {
        if (str_eq(exec->variables.items[i].name, name)) {
            return &exec->variables.items[i];
        }
    }
    return NULL;
}

/* A name that is known to the parser may be unset still: {{$x := $x}}, {{$x = 1}}. */
static int undefined(struct exec *exec, str name)
{
    return fault(exec, "undefined variable: %.*s", STR_ARG(name));
}

static int variable_assign(struct exec *exec, str name, struct tvalue value)
{
    struct variable *variable = variable_find(exec, name);

    if (variable == NULL) {
        return undefined(exec, name);
    }
    variable->value = value;
    return 0;
}

/* ---- Operands ---- */

static int eval_pipe(struct exec *exec, struct tvalue dot, const struct pipe *pipe,
                     struct tvalue *ret);
static int eval_arg(struct exec *exec, struct tvalue dot, char type, const struct node *node,
                    struct tvalue *ret);

/* Arguments of a call: the nodes behind its first word, and the value that the pipeline hands on,
 * if any. */
struct args {
    struct node *const *nodes;
    size_t count;
    const struct tvalue *final;
};

static size_t args_given(const struct args *args)
{
    return args->count + (args->final != NULL);
}

/* The parameter type for argument `index` of a specification like "sv*". */
static char parameter_type(const char *spec, size_t index)
{
    size_t count = strlen(spec);
    bool any_number = count > 0 && spec[count - 1] == '*';

    count -= any_number;
    return index < count ? spec[index] : any_number ? spec[count - 1] : 'v';
}

static int check_count(struct exec *exec, str name, const char *spec, size_t given)
{
    size_t count = strlen(spec);
    bool any_number = count > 0 && spec[count - 1] == '*';

    if (any_number && given < count - 2) {
        return fault(exec, "wrong number of args for %.*s: want at least %zu got %zu",
                     STR_ARG(name), count - 2, given);
    }
    if (!any_number && given != count) {
        return fault(exec, "wrong number of args for %.*s: want %zu got %zu", STR_ARG(name), count,
                     given);
    }
    return 0;
}

static const char *go_type(char type)
{
    return type == 's' ? "string" : type == 'd' ? "float64" : "int";
}

/* Makes a value fit a parameter. */
static int check_type(struct exec *exec, char type, const struct tvalue *value)
{
    bool fits =
        type == 'v' || (type == 's' && value->kind == TVALUE_STRING && value->type == NULL) ||
        (type == 'd' && value->kind == TVALUE_FLOAT) || (type == 'i' && value->kind == TVALUE_INT);

    if (fits) {
        return 0;
    }
    return fault(exec, "wrong type for value; expected %s; got %s", go_type(type),
                 tvalue_type_name(value));
}

static int eval_args(struct exec *exec, struct tvalue dot, const char *spec,
                     const struct args *args, struct tvalue **ret)
{
    struct tvalue *values = ARENA_ARRAY(exec->run->arena, struct tvalue, args_given(args));
    int result = 0;

    for (size_t i = 0; i < args->count && result == 0; i++) {
        result = eval_arg(exec, dot, parameter_type(spec, i), args->nodes[i], &values[i]);
    }
    if (result == 0 && args->final != NULL) {
        values[args->count] = *args->final;
        result = check_type(exec, parameter_type(spec, args->count), args->final);
    }
    *ret = values;
    return result;
}

static int call_failed(struct exec *exec, const struct node *node, str name, int code,
                       const struct baro_error *inner)
{
    str what =
        arena_printf(exec->run->arena, "error calling %.*s: %s", STR_ARG(name), inner->message);

    point_at(exec, node);
    return fault_code(exec, code == BARO_ECANCELED || code == BARO_ELIMIT ? code : BARO_EEXEC,
                      what);
}

/* and, or: arguments are evaluated until one decides. */
static int eval_short_circuit(struct exec *exec, struct tvalue dot, bool stops_on,
                              const struct args *args, struct tvalue *ret)
{
    int result = 0;

    for (size_t i = 0; i < args->count; i++) {
        result = eval_arg(exec, dot, 'v', args->nodes[i], ret);
        if (result != 0 || tvalue_is_true(ret) == stops_on) {
            return result;
        }
    }
    if (args->final != NULL) {
        *ret = *args->final;
    }
    return 0;
}

static int eval_function(struct exec *exec, struct tvalue dot, const struct node *node,
                         const struct node *command_node, const struct args *args,
                         struct tvalue *ret)
{
    const struct template_function_row *row = template_function_find(exec->set, node->text);
    struct baro_error inner = {0};
    struct tvalue *values = NULL;
    struct template_call call;
    bool is_too_long = false;
    int result;

    point_at(exec, node);
    ASSERT(row != NULL);
    result = check_count(exec, node->text, row->args, args_given(args));
    if (result != 0) {
        return result;
    }
    if (row->call == NULL) {
        return eval_short_circuit(exec, dot, str_is(node->text, "or"), args, ret);
    }
    result = eval_args(exec, dot, row->args, args, &values);
    if (result != 0) {
        return result;
    }
    call = (struct template_call){exec->run->arena, exec->run->context, values,
                                  args_given(args), exec->run,          &is_too_long};
    result = row->call(&call, ret, &inner);
    if (result >= 0 && is_too_long) {
        result = error_set(&inner, BARO_ELIMIT, "the result is too long");
    }
    return result < 0 ? call_failed(exec, command_node, node->text, result, &inner)
                      : check_memory(exec);
}

static int no_field(struct exec *exec, const struct tvalue *receiver, str name)
{
    if (receiver->kind == TVALUE_NIL || receiver->kind == TVALUE_NONE) {
        return fault(exec, "nil pointer evaluating %s.%.*s", tvalue_type_name(receiver),
                     STR_ARG(name));
    }
    return fault(exec, "can't evaluate field %.*s in type %s", STR_ARG(name),
                 tvalue_type_name(receiver));
}

static const struct tvalue_method *method_find(const struct tvalue *receiver, str name)
{
    for (size_t i = 0; receiver->type != NULL && i < receiver->type->method_count; i++) {
        if (str_is(name, receiver->type->methods[i].name)) {
            return &receiver->type->methods[i];
        }
    }
    return NULL;
}

static int eval_method(struct exec *exec, struct tvalue dot, const struct tvalue *receiver,
                       const struct tvalue_method *method, const struct args *args,
                       struct tvalue *ret)
{
    const struct node *node = exec->at;
    str name = str_from(method->name);
    struct baro_error inner = {0};
    struct tvalue *values = NULL;
    int result = check_count(exec, name, method->args, args_given(args));

    result = result == 0 ? eval_args(exec, dot, method->args, args, &values) : result;
    if (result != 0) {
        return result;
    }
    result = method->call(exec->run->arena, receiver, values, args_given(args), ret, &inner);
    return result < 0 ? call_failed(exec, node, name, result, &inner) : check_memory(exec);
}

/* One field of a value; the last of a chain takes the arguments. */
static int eval_field(struct exec *exec, struct tvalue dot, struct tvalue receiver, str name,
                      const struct args *args, struct tvalue *ret)
{
    const struct tvalue_method *method = method_find(&receiver, name);

    if (method != NULL) {
        return eval_method(exec, dot, &receiver, method, args, ret);
    }
    if (receiver.type != NULL && receiver.type->field != NULL &&
        receiver.type->field(exec->run->arena, &receiver, name, ret) > 0) {
        if (args_given(args) > 0) {
            return fault(exec, "%.*s has arguments but cannot be invoked as function",
                         STR_ARG(name));
        }
        return 0;
    }
    if (receiver.kind != TVALUE_MAP) {
        return no_field(exec, &receiver, name);
    }
    if (args_given(args) > 0) {
        return fault(exec, "%.*s is not a method but has arguments", STR_ARG(name));
    }
    *ret = tvalue_map_get(receiver.map, name, NULL);
    return 0;
}

static int eval_fields(struct exec *exec, struct tvalue dot, struct tvalue receiver,
                       const struct node *node, const struct args *args, struct tvalue *ret)
{
    static const struct args none = {0};

    for (size_t i = 0; i < node->fields.count; i++) {
        bool is_last = i + 1 == node->fields.count;
        struct tvalue got = tvalue_none();
        int result =
            eval_field(exec, dot, receiver, node->fields.names[i], is_last ? args : &none, &got);

        if (result != 0) {
            return result;
        }
        receiver = got;
    }
    *ret = receiver;
    return 0;
}

static int no_function(struct exec *exec, const struct node *node, const struct args *args)
{
    struct buf shown = {0};
    int result = 0;

    if (args_given(args) > 0) {
        template_node_print(&shown, node);
        result = fault(exec, "can't give argument to non-function %.*s", STR_ARG(buf_view(&shown)));
        buf_done(&shown);
    }
    return result;
}

static int eval_variable(struct exec *exec, struct tvalue dot, const struct node *node,
                         const struct args *args, struct tvalue *ret)
{
    struct variable *variable = variable_find(exec, node->fields.variable);

    point_at(exec, node);
    if (variable == NULL) {
        return undefined(exec, node->fields.variable);
    }
    if (node->fields.count > 0) {
        return eval_fields(exec, dot, variable->value, node, args, ret);
    }
    *ret = variable->value;
    return no_function(exec, node, args);
}

static int eval_chain(struct exec *exec, struct tvalue dot, const struct node *node,
                      const struct args *args, struct tvalue *ret)
{
    struct tvalue base = tvalue_none();
    int result;

    point_at(exec, node);
    result = eval_arg(exec, dot, 'v', node->fields.base, &base);
    return result == 0 ? eval_fields(exec, dot, base, node, args, ret) : result;
}

/* An operand with its arguments: the first word of a command, or an argument of one (then without).
 */
static int eval_operand(struct exec *exec, struct tvalue dot, const struct node *node,
                        const struct args *args, struct tvalue *ret)
{
    int result;

    switch (node->kind) {
    case NODE_FIELD:
        point_at(exec, node);
        return eval_fields(exec, dot, dot, node, args, ret);
    case NODE_CHAIN:
        return eval_chain(exec, dot, node, args, ret);
    case NODE_VARIABLE:
        return eval_variable(exec, dot, node, args, ret);
    case NODE_FUNCTION:
        return eval_function(exec, dot, node, node, args, ret);
    default:; /* the others take no arguments */
    }
    result = no_function(exec, node, args);
    if (result != 0) {
        return result;
    }
    if (node->kind == NODE_PIPE) {
        return eval_pipe(exec, dot, node->pipe, ret);
    }
    point_at(exec, node);
    *ret = node->kind == NODE_DOT      ? dot
           : node->kind == NODE_STRING ? tvalue_string(node->text)
           : node->kind == NODE_NIL    ? (struct tvalue){.kind = TVALUE_NIL}
                                       : node->literal;
    return 0;
}

/* Constants become what the parameter wants, or are refused. */
static int eval_constant(struct exec *exec, char type, const struct node *node, struct tvalue *ret)
{
    *ret = node->kind == NODE_STRING ? tvalue_string(node->text) : node->literal;
    if (type == 'd' && ret->kind == TVALUE_INT) {
        *ret = tvalue_float((double)ret->integer);
    }
    if (type == 'v' || (type == 's' && ret->kind == TVALUE_STRING) ||
        (type == 'd' && ret->kind == TVALUE_FLOAT) || (type == 'i' && ret->kind == TVALUE_INT)) {
        return 0;
    }
    {
        struct buf shown = {0};
        int result;

        template_node_print(&shown, node);
        result = fault(exec, "expected %s; found %.*s",
                       type == 's'   ? "string"
                       : type == 'd' ? "float"
                                     : "integer",
                       STR_ARG(buf_view(&shown)));
        buf_done(&shown);
        return result;
    }
}

static int eval_arg(struct exec *exec, struct tvalue dot, char type, const struct node *node,
                    struct tvalue *ret)
{
    static const struct args none = {0};
    int result;

    point_at(exec, node);
    if (node->kind == NODE_BOOL || node->kind == NODE_NUMBER || node->kind == NODE_STRING) {
        return eval_constant(exec, type, node, ret);
    }
    if (node->kind == NODE_NIL && type != 'v') {
        return fault(exec, "cannot assign nil to %s", go_type(type));
    }
    result = eval_operand(exec, dot, node, &none, ret);
    return result == 0 ? check_type(exec, type, ret) : result;
}

static int eval_command(struct exec *exec, struct tvalue dot, const struct command *command,
                        const struct tvalue *final, struct tvalue *ret)
{
    const struct node *first = command->args[0];
    const struct args args = {command->args + 1, command->count - 1, final};

    if (first->kind == NODE_FUNCTION) {
        return eval_function(exec, dot, first, command->shown, &args, ret);
    }
    if (first->kind == NODE_NIL) {
        point_at(exec, first);
        return fault(exec, "nil is not a command");
    }
    return eval_operand(exec, dot, first, &args, ret);
}

static int eval_pipe(struct exec *exec, struct tvalue dot, const struct pipe *pipe,
                     struct tvalue *ret)
{
    struct tvalue value = tvalue_none();
    int result = 0;

    exec->at = NULL;
    exec->at_pipe = pipe;
    for (size_t i = 0; i < pipe->count && result == 0; i++) {
        struct tvalue got = tvalue_none();

        result = eval_command(exec, dot, &pipe->commands[i], i > 0 ? &value : NULL, &got);
        value = got;
    }
    for (size_t i = 0; i < pipe->declared_count && result == 0; i++) {
        if (pipe->assigns) {
            result = variable_assign(exec, pipe->declared[i], value);
        } else {
            variable_push(exec, pipe->declared[i], value);
        }
    }
    *ret = value;
    return result;
}

/* ---- Nodes ---- */

static int walk_list(struct exec *exec, struct tvalue dot, const struct node_list *list);

static int walk_branch(struct exec *exec, struct tvalue dot, const struct node *node)
{
    size_t scope = exec->variables.count;
    struct tvalue value = tvalue_none();
    int result = eval_pipe(exec, dot, node->branch.pipe, &value);

    if (result == 0 && tvalue_is_true(&value)) {
        result = walk_list(exec, node->kind == NODE_WITH ? value : dot, &node->branch.then);
    } else if (result == 0) {
        result = walk_list(exec, dot, &node->branch.otherwise);
    }
    exec->variables.count = scope;
    return result;
}

/* One round of a range: the declared variables, if any, become key and item. */
static int range_round(struct exec *exec, const struct node *node, size_t scope, struct tvalue key,
                       struct tvalue item)
{
    const struct pipe *pipe = node->branch.pipe;
    int flow = 0;

    if (pipe->declared_count > 0 && pipe->assigns) {
        flow = variable_assign(exec, pipe->declared[0], pipe->declared_count > 1 ? key : item);
        if (flow == 0 && pipe->declared_count > 1) {
            flow = variable_assign(exec, pipe->declared[1], item);
        }
    } else if (pipe->declared_count > 0) {
        exec->variables.items[scope].value = pipe->declared_count > 1 ? key : item;
        if (pipe->declared_count > 1) {
            exec->variables.items[scope + 1].value = item;
        }
    }
    flow = flow == 0 ? walk_list(exec, item, &node->branch.then) : flow;
    exec->variables.count = scope + (pipe->assigns ? 0 : pipe->declared_count);
    return flow;
}

static int range_over(struct exec *exec, const struct node *node, size_t scope,
                      const struct tvalue *over, size_t count)
{
    int flow = FLOW_NEXT;

    for (size_t i = 0; i < count && flow >= 0 && flow != FLOW_BREAK; i++) {
        struct tvalue key =
            over->kind == TVALUE_MAP ? tvalue_string(over->map->keys[i]) : tvalue_int((int64_t)i);
        struct tvalue item = over->kind == TVALUE_LIST  ? over->list->items[i]
                             : over->kind == TVALUE_MAP ? over->map->values[i]
                                                        : key;

        flow = step(exec);
        flow = flow == 0 ? range_round(exec, node, scope, key, item) : flow;
    }
    return flow < 0 ? flow : 0;
}

static int walk_range(struct exec *exec, struct tvalue dot, const struct node *node)
{
    size_t scope = exec->variables.count;
    struct tvalue over = tvalue_none();
    size_t count = 0;
    int result = eval_pipe(exec, dot, node->branch.pipe, &over);

    if (result != 0) {
        return result;
    }
    switch (over.kind) {
    case TVALUE_NONE:
        break;
    case TVALUE_INT:
        if (node->branch.pipe->declared_count > 1) {
            return fault(exec, "can't use %lld to iterate over more than one variable",
                         (long long)over.integer);
        }
        count = over.integer > 0 ? (size_t)over.integer : 0;
        break;
    case TVALUE_LIST:
        count = over.list->count;
        break;
    case TVALUE_MAP:
        count = over.map->count;
        break;
    case TVALUE_NIL:
    case TVALUE_BOOL:
    case TVALUE_FLOAT:
    case TVALUE_STRING:
    case TVALUE_STRUCT:
    case TVALUE_KIND_COUNT: {
        struct buf shown = {.limit = TEMPLATE_SHOWN_MAX};

        tvalue_print(&shown, &over);
        result = fault(exec, "range can't iterate over %.*s", STR_ARG(buf_view(&shown)));
        buf_done(&shown);
        return result;
    }
    }
    result = count > 0 ? range_over(exec, node, scope, &over, count)
                       : walk_list(exec, dot, &node->branch.otherwise);
    exec->variables.count = scope;
    return result;
}

/* The dot of a template that is called without one: its fields are as void as it is. */
static int no_data_field(UNUSED struct arena *arena, const struct tvalue *self, UNUSED str name,
                         struct tvalue *ret)
{
    *ret = *self;
    return 1;
}

static const struct tvalue_type no_data_type = {.name = "interface {}", .field = no_data_field};

static int walk_call(struct exec *exec, struct tvalue dot, const struct node *node)
{
    const struct template *called = template_find(exec->set, node->call.name);
    const struct template *caller = exec->template;
    struct tvalue data = {.kind = TVALUE_NONE, .type = &no_data_type};
    struct exec inner;
    int result = 0;

    point_at(exec, node);
    if (called == NULL) {
        struct buf name = {0};

        template_quote(&name, node->call.name);
        result = fault(exec, "template %.*s not defined", STR_ARG(buf_view(&name)));
        buf_done(&name);
        return result;
    }
    if (exec->depth >= TEMPLATE_NESTING_MAX) {
        return fault(exec, "exceeded maximum template depth (%d)", TEMPLATE_NESTING_MAX);
    }
    if (node->call.pipe != NULL) {
        result = eval_pipe(exec, dot, node->call.pipe, &data);
    }
    if (result != 0) {
        return result;
    }
    inner = *exec;
    inner.template = called;
    inner.depth++;
    memset(&inner.variables, 0, sizeof(inner.variables));
    variable_push(&inner, STR("$"), data);
    result = walk_list(&inner, data, &called->body);
    vec_done(&inner.variables);
    exec->steps = inner.steps;
    exec->template = caller;
    return result < 0 ? result : 0;
}

static int walk_action(struct exec *exec, struct tvalue dot, const struct node *node)
{
    struct tvalue value = tvalue_none();
    int result = eval_pipe(exec, dot, node->pipe, &value);

    if (result == 0 && node->pipe->declared_count == 0) {
        tvalue_print(exec->out, &value);
    }
    return result;
}

/* A negative code, or an enum flow. */
static int walk(struct exec *exec, struct tvalue dot, const struct node *node)
{
    int result = step(exec);

    if (result != 0) {
        return result;
    }
    switch (node->kind) {
    case NODE_TEXT:
        buf_str(exec->out, node->text);
        return FLOW_NEXT;
    case NODE_ACTION:
        return walk_action(exec, dot, node);
    case NODE_IF:
    case NODE_WITH:
        return walk_branch(exec, dot, node);
    case NODE_RANGE:
        return walk_range(exec, dot, node);
    case NODE_CALL:
        return walk_call(exec, dot, node);
    case NODE_BREAK:
        return FLOW_BREAK;
    case NODE_CONTINUE:
        return FLOW_CONTINUE;
    default: /* operands stand in pipelines only */
        break;
    }
    ASSERT(node->kind < NODE_DOT);
    return FLOW_NEXT;
}

static int walk_list(struct exec *exec, struct tvalue dot, const struct node_list *list)
{
    int flow = FLOW_NEXT;

    for (size_t i = 0; i < list->count && flow == FLOW_NEXT; i++) {
        point_at(exec, list->items[i]);
        flow = walk(exec, dot, list->items[i]);
    }
    return flow;
}

int template_set_execute(const struct template_set *set, str name, struct tvalue data,
                         const struct template_run *run, struct buf *out, struct baro_error *err)
{
    const struct template *template = template_find(set, name);
    size_t limit = out->limit;
    bool had_failed = out->failed;
    bool is_too_long;
    struct exec exec = {.set = set,
                        .run = run,
                        .template = template,
                        .out = out,
                        .out_start = out->len,
                        .arena_start = run->arena->used_bytes,
                        .err = err};
    int result;

    if (template == NULL) {
        return error_set(err, BARO_EEXEC, "template: no template \"%.*s\"", STR_ARG(name));
    }
    /* One value may be longer than memory: a list can hold a long text any number of times. */
    out->limit = limit > 0 && limit < out->len + TEMPLATE_OUTPUT_MAX
                     ? limit
                     : out->len + TEMPLATE_OUTPUT_MAX;
    variable_push(&exec, STR("$"), data);
    result = walk_list(&exec, data, &template->body);
    vec_done(&exec.variables);
    is_too_long = out->failed && !had_failed;
    out->limit = limit;
    out->failed = had_failed;
    if (result >= 0 && is_too_long) {
        return error_set(err, BARO_ELIMIT, "template: \"%.*s\" writes too much", STR_ARG(name));
    }
    return result < 0 ? result : 0;
}
