/*
 * html_escape: rewrites templates so that what their actions print passes the filters that its
 * place in the document asks for. A template is followed from its first byte in the context of its
 * call; one that is called in several contexts becomes several templates. Both branches of a
 * condition must end in the same context, and so must a loop's body. Reference: Go's html/template.
 */
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "base/vec.h"
#include "template/html_context.h"
#include "template/html_filter.h"
#include "template/template_priv.h"

enum {
    NODES_MAX = 200000, /* a loop's body is read twice, one in it four times */
    FILTERS_MAX = 3,
};

/* A template in a context, and the one in which it ends, as far as is known. */
struct outcome {
    str name; /* with the context */
    struct html_context end;
    bool is_called; /* from within itself, so that the end is an assumption */
};

/* Where a loop is left early. */
struct loop {
    struct loop *outer;
    VEC(struct html_context) jumps;
};

struct escaper {
    const struct template_set *from;
    struct template_set *to;
    struct arena *arena;
    VEC(struct outcome) outcomes;
    struct loop *loop;
    const struct template *template; /* being read */
    const struct node *node;         /* likewise, for messages */
    uint32_t node_count;
    uint32_t depth;
};

typedef struct html_context context;

static context escape_list(struct escaper *escaper, context at, const struct node_list *list,
                           struct node_list *ret);

/* A fault that has no place yet gets the current one. */
static context fault_at(struct escaper *escaper, const char *format, ...) PRINTF_LIKE(2, 3);
static context fault_at(struct escaper *escaper, const char *format, ...)
{
    context fault = {.state = HTML_FAULT};
    va_list args;
    str what;
    uint32_t line = 1;
    uint32_t column = 0;

    va_start(args, format);
    what = arena_vprintf(escaper->arena, format, args);
    va_end(args);
    template_position(escaper->template->text, escaper->node->offset, &line, &column);
    fault.fault = arena_printf(escaper->arena, "html/template:%.*s:%u: %.*s",
                               STR_ARG(escaper->template->name), line, STR_ARG(what));
    return fault;
}

static context place_fault(struct escaper *escaper, context at)
{
    if (at.state == HTML_FAULT && !str_has_prefix(at.fault, STR("html/template:"))) {
        return fault_at(escaper, "%.*s", STR_ARG(at.fault));
    }
    return at;
}

/* ---- Actions ---- */

static const char *value_filter(enum html_state state)
{
    switch ((int)state) {
    case HTML_JS:
        return "_html_template_jsvalescaper";
    case HTML_JS_DOUBLE:
    case HTML_JS_SINGLE:
        return "_html_template_jsstrescaper";
    case HTML_JS_BACK:
        return "_html_template_jstmpllitescaper";
    case HTML_JS_REGEXP:
        return "_html_template_jsregexpescaper";
    case HTML_CSS:
        return "_html_template_cssvaluefilter";
    case HTML_TEXT:
        return "_html_template_htmlescaper";
    case HTML_RCDATA:
        return "_html_template_rcdataescaper";
    case HTML_ATTR_NAME:
        return "_html_template_htmlnamefilter";
    case HTML_SRCSET:
        return "_html_template_srcsetescaper";
    case HTML_META_URL:
        return "_html_template_urlfilter";
    case HTML_ATTR:
    case HTML_META:
        return NULL; /* what the quotes ask for is enough */
    }
    ASSERT(html_state_is_comment(state));
    return "_html_template_commentescaper";
}

static bool holds_url(enum html_state state)
{
    return state == HTML_URL || (state >= HTML_CSS_DOUBLE && state <= HTML_CSS_URL);
}

/* The filters for a value at this place; 0 after a fault. */
static size_t choose_filters(struct escaper *escaper, context *at, const char *ret[FILTERS_MAX])
{
    size_t count = 0;

    if (holds_url(at->state)) {
        bool in_string = at->state == HTML_CSS_DOUBLE || at->state == HTML_CSS_SINGLE;

        if (at->url_part == HTML_URL_UNKNOWN) {
            *at = fault_at(escaper, "action appears in an ambiguous context within a URL");
            return 0;
        }
        if (at->url_part == HTML_URL_START) {
            ret[count++] = "_html_template_urlfilter";
        }
        ret[count++] = at->url_part == HTML_URL_QUERY ? "_html_template_urlescaper"
                       : in_string                    ? "_html_template_cssescaper"
                                                      : "_html_template_urlnormalizer";
    } else {
        const char *filter = value_filter(at->state);

        if (filter != NULL) {
            ret[count++] = filter;
        }
    }
    if (at->state == HTML_JS) {
        at->slash = HTML_SLASH_DIVIDES;
    }
    if (at->delimiter != HTML_NO_DELIMITER) {
        ret[count++] = at->delimiter == HTML_SPACE ? "_html_template_nospaceescaper"
                                                   : "_html_template_attrescaper";
    }
    return count;
}

/* The name of the function that a command calls; empty when it is none. */
static str function_of(const struct command *command)
{
    return command->args[0]->kind == NODE_FUNCTION ? command->args[0]->text : STR("");
}

static bool is_predefined(str name)
{
    return str_is(name, "html") || str_is(name, "urlquery");
}

/* html and urlquery do what some of the filters do. */
static str equivalent(str name)
{
    static const char *const as_html[] = {
        "_html_template_attrescaper", "_html_template_htmlescaper", "_html_template_rcdataescaper"};

    for (size_t i = 0; i < ARRAY_COUNT(as_html); i++) {
        if (str_is(name, as_html[i])) {
            return STR("html");
        }
    }
    return str_is(name, "_html_template_urlescaper") || str_is(name, "_html_template_urlnormalizer")
               ? STR("urlquery")
               : name;
}

/* Whether a filter has nothing to do behind another one. */
static bool is_redundant(str last, str next)
{
    static const char *const pairs[][2] = {
        {"_html_template_commentescaper", "_html_template_attrescaper"},
        {"_html_template_commentescaper", "_html_template_htmlescaper"},
        {"_html_template_cssescaper", "_html_template_attrescaper"},
        {"_html_template_jsregexpescaper", "_html_template_attrescaper"},
        {"_html_template_jsstrescaper", "_html_template_attrescaper"},
        {"_html_template_jstmpllitescaper", "_html_template_attrescaper"},
        {"_html_template_urlescaper", "_html_template_urlnormalizer"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        if (str_is(last, pairs[i][0]) && str_is(next, pairs[i][1])) {
            return true;
        }
    }
    return false;
}

/* Adds a command that calls a function without further arguments. */
static void add_call(struct escaper *escaper, struct pipe *pipe, str name)
{
    struct command *command = &pipe->commands[pipe->count];
    struct node *node = ARENA_NEW(escaper->arena, struct node);
    struct node *shown = ARENA_NEW(escaper->arena, struct node);
    struct pipe *alone = ARENA_NEW(escaper->arena, struct pipe);

    if (pipe->count > 0 && is_redundant(function_of(&pipe->commands[pipe->count - 1]), name)) {
        return;
    }
    node->kind = NODE_FUNCTION;
    node->offset = pipe->offset;
    node->text = name;
    command->args = ARENA_NEW(escaper->arena, struct node *);
    command->args[0] = node;
    command->count = 1;
    alone->commands = ARENA_NEW(escaper->arena, struct command);
    alone->commands[0] = *command;
    alone->count = 1;
    shown->kind = NODE_PIPE;
    shown->offset = pipe->offset;
    shown->pipe = alone;
    command->shown = shown;
    pipe->count++;
}

/* {{html a b}} is {{_eval_args_ a b | html}}, whose end can be merged with a filter. */
static void split_predefined(struct escaper *escaper, struct pipe *pipe, str name)
{
    struct command *command = &pipe->commands[0];
    struct node **args = ARENA_ARRAY(escaper->arena, struct node *, command->count);
    struct node *function = ARENA_NEW(escaper->arena, struct node);

    memcpy(args, command->args, command->count * sizeof(*args));
    *function = *args[0];
    function->text = STR("_eval_args_");
    args[0] = function;
    command->args = args;
    add_call(escaper, pipe, name);
}

static const struct pipe *with_filters(struct escaper *escaper, const struct pipe *pipe,
                                       const char *const *filters, size_t count)
{
    struct pipe *copy = ARENA_NEW(escaper->arena, struct pipe);
    str predefined = function_of(&pipe->commands[pipe->count - 1]);
    str names[FILTERS_MAX];
    bool is_among = false;

    *copy = *pipe;
    copy->commands = ARENA_ARRAY(escaper->arena, struct command, pipe->count + count + 2);
    memcpy(copy->commands, pipe->commands, pipe->count * sizeof(*copy->commands));
    for (size_t i = 0; i < count; i++) {
        names[i] = str_from(filters[i]);
    }
    if (is_predefined(predefined)) {
        if (copy->count == 1 && copy->commands[0].count > 1) {
            split_predefined(escaper, copy, predefined);
        }
        for (size_t i = 0; i < count; i++) {
            if (str_eq(equivalent(names[i]), predefined)) {
                names[i] = predefined;
                is_among = true;
            }
        }
        copy->count -= is_among;
    }
    for (size_t i = 0; i < count; i++) {
        bool there = false;

        for (size_t k = 0; k < pipe->count && k < copy->count; k++) {
            str name = function_of(&copy->commands[k]);

            there |= name.len > 0 && str_eq(equivalent(name), equivalent(names[i]));
        }
        if (!there) {
            add_call(escaper, copy, names[i]);
        }
    }
    return copy;
}

static context escape_action(struct escaper *escaper, context at, struct node *node)
{
    const struct pipe *pipe = node->pipe;
    const char *filters[FILTERS_MAX];
    size_t count;

    if (pipe->declared_count > 0) {
        return at;
    }
    html_context_nudge(&at);
    for (size_t i = 0; i < pipe->count; i++) {
        str name = function_of(&pipe->commands[i]);

        if (is_predefined(name) &&
            (i + 1 < pipe->count ||
             (at.state == HTML_ATTR && at.delimiter == HTML_SPACE && str_is(name, "html")))) {
            return fault_at(escaper, "predefined escaper \"%.*s\" disallowed in template",
                            STR_ARG(name));
        }
    }
    if (at.state == HTML_FAULT) {
        return at;
    }
    count = choose_filters(escaper, &at, filters);
    if (count > 0) {
        node->pipe = with_filters(escaper, pipe, filters, count);
    }
    return at;
}

/* ---- Text ---- */

/* A '<' that begins no tag. */
static void put_text(struct buf *out, str text, size_t from, size_t to, size_t tag)
{
    for (size_t i = from; i < to; i++) {
        if (text.ptr[i] == '<' && i < tag &&
            !str_eq_nocase(str_slice(text, i, i + 9), STR("<!DOCTYPE"))) {
            buf_c(out, "&lt;");
        } else {
            buf_char(out, text.ptr[i]);
        }
    }
}

/* <script, </script and <!-- would confuse what reads the script from outside. */
static void put_literal(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        str rest = str_from_index(text, i);

        if (str_eq_nocase(str_slice(rest, 0, 7), STR("<script")) ||
            str_eq_nocase(str_slice(rest, 0, 8), STR("</script")) ||
            str_has_prefix(rest, STR("<!--"))) {
            buf_c(out, "\\x3C");
        } else {
            buf_char(out, text.ptr[i]);
        }
    }
}

/* What is left of a comment: nothing, or white space where a program needs it. */
static void put_comment(struct buf *out, enum html_state state, str text)
{
    if (state == HTML_JS_BLOCK_COMMENT) {
        bool ends_line =
            str_index_char(text, '\n') != SIZE_MAX || str_index_char(text, '\r') != SIZE_MAX ||
            str_contains(text, STR("\xE2\x80\xA8")) || str_contains(text, STR("\xE2\x80\xA9"));

        buf_char(out, ends_line ? '\n' : ' ');
    } else if (state == HTML_CSS_BLOCK_COMMENT) {
        buf_char(out, ' ');
    }
}

/* The bytes that opened a comment, which go with it. */
static size_t comment_opening(enum html_state state)
{
    return state == HTML_COMMENT || state == HTML_JS_OPEN_COMMENT ? 4
           : state == HTML_JS_CLOSE_COMMENT                       ? 3
                                                                  : 2;
}

/* One step's text, from context `before` to `after`. */
static void put_step(struct buf *out, const context *before, const context *after, str text)
{
    bool in_comment =
        html_state_is_comment(before->state) && before->delimiter == HTML_NO_DELIMITER;
    bool opens = before->state != after->state && html_state_is_comment(after->state) &&
                 after->delimiter == HTML_NO_DELIMITER;
    size_t shown = opens ? text.len - comment_opening(after->state) : text.len;

    if (in_comment) {
        put_comment(out, before->state, text);
    } else if (before->state == HTML_TEXT || before->state == HTML_RCDATA) {
        size_t tag = text.len;

        for (size_t i = text.len; i-- > 0 && before->state != after->state;) {
            if (text.ptr[i] == '<') {
                tag = i;
                break;
            }
        }
        put_text(out, text, 0, shown, tag);
    } else if (html_state_is_script_literal(before->state)) {
        put_literal(out, str_slice(text, 0, shown));
    } else {
        buf_str(out, str_slice(text, 0, shown));
    }
}

static context escape_text(struct escaper *escaper, context at, struct node *node)
{
    str rest = node->text;
    struct buf out = {0};

    while (rest.len > 0 && at.state != HTML_FAULT) {
        context before = at;
        size_t got = html_context_step(&at, escaper->arena, rest);

        ASSERT(got > 0 || at.state != before.state);
        put_step(&out, &before, &at, str_slice(rest, 0, got));
        rest = str_from_index(rest, got);
    }
    node->text = text_take(escaper->arena, &out);
    return place_fault(escaper, at);
}

/* ---- Branches ---- */

static context join(struct escaper *escaper, context a, context b, const char *what)
{
    return place_fault(escaper, html_context_join(a, b, escaper->arena, what));
}

static context join_jumps(struct escaper *escaper, context at, struct loop *loop)
{
    for (size_t i = 0; i < loop->jumps.count && at.state != HTML_FAULT; i++) {
        at = join(escaper, at, loop->jumps.items[i], "range");
    }
    return at;
}

/* A loop's body, from `at`, with its jumps. */
static context escape_round(struct escaper *escaper, context at, const struct node *node,
                            struct node_list *ret)
{
    struct loop loop = {.outer = escaper->loop};
    context end;

    escaper->loop = &loop;
    end = escape_list(escaper, at, &node->branch.then, ret);
    if (end.state != HTML_FAULT) {
        end = join_jumps(escaper, end, &loop);
    }
    escaper->loop = loop.outer;
    vec_done(&loop.jumps);
    return end;
}

static context escape_branch(struct escaper *escaper, context at, struct node *node)
{
    const char *what = node->kind == NODE_IF ? "if" : node->kind == NODE_WITH ? "with" : "range";
    struct node source = *node;
    struct node_list dropped = {0};
    context then;
    context otherwise;

    if (node->kind == NODE_RANGE) {
        then = escape_round(escaper, at, &source, &node->branch.then);
        if (then.state != HTML_FAULT) {
            /* A second round must end where the first one did. */
            context again = escape_round(escaper, then, &source, &dropped);

            escaper->node = node;
            then = join(escaper, then, again, what);
        }
    } else {
        then = escape_list(escaper, at, &source.branch.then, &node->branch.then);
    }
    if (then.state == HTML_FAULT) {
        return then;
    }
    otherwise = escape_list(escaper, at, &source.branch.otherwise, &node->branch.otherwise);
    escaper->node = node;
    return join(escaper, then, otherwise, what);
}

static context escape_jump(struct escaper *escaper, context at)
{
    ASSERT(escaper->loop != NULL);
    vec_push(&escaper->loop->jumps, at);
    return (context){.state = HTML_DEAD};
}

/* ---- Templates ---- */

static struct outcome *outcome_find(struct escaper *escaper, str name)
{
    for (size_t i = 0; i < escaper->outcomes.count; i++) {
        if (str_eq(escaper->outcomes.items[i].name, name)) {
            return &escaper->outcomes.items[i];
        }
    }
    return NULL;
}

/* Reads a body under the assumption that it ends as it begins; true when that was right, or nothing
 * depended on it. */
static bool escape_body(struct escaper *escaper, const struct template *template, str name,
                        context at, context *ret)
{
    struct template *escaped = ARENA_NEW(escaper->arena, struct template);
    const struct template *outer = escaper->template;
    struct loop *outer_loop = escaper->loop;
    size_t mark = escaper->outcomes.count;
    struct outcome *own;
    bool good;

    *escaped = *template;
    vec_push(&escaper->outcomes, ((struct outcome){.name = name, .end = at}));
    escaper->template = template;
    escaper->loop = NULL;
    *ret = escape_list(escaper, at, &template->body, &escaped->body);
    escaper->template = outer;
    escaper->loop = outer_loop;
    own = &escaper->outcomes.items[mark];
    good = ret->state != HTML_FAULT && (!own->is_called || html_context_eq(ret, &own->end));
    if (!good) {
        escaper->outcomes.count = mark;
        return false;
    }
    own->end = *ret;
    (void)map_remove(&escaper->to->templates, name);
    (void)map_put(&escaper->to->templates, name, escaped);
    return true;
}

static context escape_template(struct escaper *escaper, context at, str name, str *ret_name)
{
    str derived = html_context_name(&at, escaper->arena, name);
    struct outcome *known = outcome_find(escaper, derived);
    const struct template *template = template_find(escaper->from, name);
    context end;
    bool good;

    *ret_name = derived;
    if (known != NULL) {
        known->is_called = true;
        return known->end;
    }
    if (template == NULL) {
        return fault_at(escaper, "no such template \"%.*s\"", STR_ARG(name));
    }
    if (escaper->depth >= TEMPLATE_NESTING_MAX) {
        return fault_at(escaper, "templates call each other too deeply");
    }
    escaper->depth++;
    good = escape_body(escaper, template, derived, at, &end) ||
           (end.state != HTML_FAULT && escape_body(escaper, template, derived, end, &end));
    escaper->depth--;
    if (!good && end.state != HTML_FAULT) {
        return fault_at(escaper, "cannot compute output context for template %.*s", STR_ARG(name));
    }
    return end;
}

static context escape_node(struct escaper *escaper, context at, struct node *node)
{
    escaper->node = node;
    if (++escaper->node_count > NODES_MAX) {
        return fault_at(escaper, "too many nodes to escape");
    }
    switch ((int)node->kind) {
    case NODE_TEXT:
        return escape_text(escaper, at, node);
    case NODE_ACTION:
        return escape_action(escaper, at, node);
    case NODE_IF:
    case NODE_WITH:
    case NODE_RANGE:
        return escape_branch(escaper, at, node);
    case NODE_CALL:
        return escape_template(escaper, at, node->call.name, &node->call.name);
    case NODE_BREAK:
    case NODE_CONTINUE:
        return escape_jump(escaper, at);
    }
    return at;
}

static context escape_list(struct escaper *escaper, context at, const struct node_list *list,
                           struct node_list *ret)
{
    struct node_list copy = {.items = ARENA_ARRAY(escaper->arena, struct node *, list->count),
                             .count = list->count};

    for (size_t i = 0; i < list->count; i++) {
        copy.items[i] = ARENA_NEW(escaper->arena, struct node);
        *copy.items[i] = *list->items[i];
        if (at.state != HTML_FAULT && at.state != HTML_DEAD) {
            at = escape_node(escaper, at, copy.items[i]);
        }
    }
    *ret = copy;
    return at;
}

int template_set_escape(const struct template_set *set, str name, struct template_set **ret,
                        struct baro_error *err)
{
    CLEANUP(template_set_freep)
    struct template_set *escaped = template_set_new(set->rows, set->row_count);
    struct node start = {.kind = NODE_CALL};
    struct template top = {.name = name, .file = name, .text = STR("")};
    struct escaper escaper = {
        .from = set, .to = escaped, .arena = &escaped->arena, .template = &top, .node = &start};
    context end;
    str derived;

    end = escape_template(&escaper, (context){.state = HTML_TEXT}, name, &derived);
    vec_done(&escaper.outcomes);
    if (end.state == HTML_FAULT) {
        return error_set(err, BARO_EPARSE, "%.*s", STR_ARG(end.fault));
    }
    if (end.state != HTML_TEXT) {
        return error_set(err, BARO_EPARSE, "html/template:%.*s: ends in a non-text context",
                         STR_ARG(name));
    }
    *ret = TAKE(escaped);
    return 0;
}
