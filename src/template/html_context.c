#include "template/html_context.h"

#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/text.h"
#include "template/html_context_priv.h"

/* ---- Parts of tags ---- */

size_t html_index_any(str text, const char *set)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\0' && strchr(set, text.ptr[i]) != NULL) {
            return i;
        }
    }
    return SIZE_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool is_letter(char c)
{
    return ((char)(c | 0x20) >= 'a' && (char)(c | 0x20) <= 'z');
}

static bool is_letter_or_digit(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

size_t html_skip_space(str text, size_t at)
{
    while (at < text.len && is_space(text.ptr[at])) {
        at++;
    }
    return at;
}

size_t html_fault(struct html_context *context, struct arena *arena, str text, const char *format,
                  ...)
{
    va_list args;

    va_start(args, format);
    *context =
        (struct html_context){.state = HTML_FAULT, .fault = arena_vprintf(arena, format, args)};
    va_end(args);
    return text.len;
}

/* The end of the attribute's name at `at`; SIZE_MAX after a fault. */
static size_t name_end(struct html_context *context, struct arena *arena, str text, size_t at)
{
    while (at < text.len) {
        char c = text.ptr[at];

        if (is_space(c) || c == '=' || c == '>') {
            return at;
        }
        if (c == '\'' || c == '"' || c == '<') {
            (void)html_fault(context, arena, text, "\"%s%c\" in attribute name: \"%.*s\"",
                             c == '"' ? "\\" : "", c, STR_ARG(str_slice(text, 0, 32)));
            return SIZE_MAX;
        }
        at++;
    }
    return at;
}

static const struct {
    const char *name;
    enum html_element element;
    enum html_state content;
} elements[] = {
    {"script", HTML_SCRIPT, HTML_JS},         {"style", HTML_STYLE, HTML_CSS},
    {"textarea", HTML_TEXTAREA, HTML_RCDATA}, {"title", HTML_TITLE, HTML_RCDATA},
    {"meta", HTML_META_ELEMENT, HTML_TEXT},
};

/* The end of the tag's name at `at`, which is `at` where none begins; x-y and x:y are names, x- is
 * not. */
static size_t tag_end(str text, size_t at, enum html_element *ret)
{
    size_t end = at;

    *ret = HTML_NO_ELEMENT;
    if (at == text.len || !is_letter(text.ptr[at])) {
        return at;
    }
    while (end < text.len) {
        bool joint = (text.ptr[end] == ':' || text.ptr[end] == '-') && end + 1 < text.len &&
                     is_letter_or_digit(text.ptr[end + 1]);

        if (!joint && !is_letter_or_digit(text.ptr[end])) {
            break;
        }
        end += joint ? 2 : 1;
    }
    for (size_t i = 0; i < ARRAY_COUNT(elements); i++) {
        if (str_eq_nocase(str_slice(text, at, end), str_from(elements[i].name))) {
            *ret = elements[i].element;
        }
    }
    return end;
}

/* ---- A step in each state ---- */

static size_t step_text(struct html_context *context, UNUSED struct arena *arena, str text)
{
    size_t at = 0;

    for (;;) {
        size_t open = str_index_char(str_from_index(text, at), '<');
        enum html_element element = HTML_NO_ELEMENT;
        bool closes;
        size_t end;

        if (open == SIZE_MAX || at + open + 1 == text.len) {
            return text.len;
        }
        at += open;
        if (str_has_prefix(str_from_index(text, at), STR("<!--"))) {
            *context = (struct html_context){.state = HTML_COMMENT};
            return at + 4;
        }
        at++;
        closes = text.ptr[at] == '/';
        at += closes;
        if (at == text.len) {
            return text.len;
        }
        end = tag_end(text, at, &element);
        if (end != at) {
            *context = (struct html_context){.state = HTML_TAG,
                                             .element = closes ? HTML_NO_ELEMENT : element};
            return end;
        }
    }
}

static enum html_attribute attribute_of(enum html_element element, str name)
{
    if (element == HTML_SCRIPT && str_is(name, "type")) {
        return HTML_SCRIPT_TYPE;
    }
    if (element == HTML_META_ELEMENT && str_is(name, "content")) {
        return HTML_META_CONTENT;
    }
    switch (html_attribute_type(name)) {
    case HTML_VALUE_URL:
        return HTML_URL_ATTRIBUTE;
    case HTML_VALUE_CSS:
        return HTML_STYLE_ATTRIBUTE;
    case HTML_VALUE_JS:
        return HTML_SCRIPT_ATTRIBUTE;
    case HTML_VALUE_SRCSET:
        return HTML_SRCSET_ATTRIBUTE;
    case HTML_VALUE_PLAIN:
    case HTML_VALUE_HTML:
    case HTML_VALUE_UNSAFE:
        break;
    }
    return HTML_PLAIN_ATTRIBUTE;
}

static str lower(struct arena *arena, str text)
{
    str copy = arena_str(arena, text);
    char *bytes = (char *)(uintptr_t)copy.ptr;

    for (size_t i = 0; i < copy.len; i++) {
        bytes[i] = (char)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i]);
    }
    return copy;
}

static size_t step_tag(struct html_context *context, struct arena *arena, str text)
{
    size_t at = html_skip_space(text, 0);
    size_t end;

    if (at == text.len) {
        return at;
    }
    if (text.ptr[at] == '>') {
        enum html_element element = context->element;
        enum html_state state = HTML_TEXT;

        for (size_t i = 0; i < ARRAY_COUNT(elements); i++) {
            state = elements[i].element == element ? elements[i].content : state;
        }
        /* <meta> has no end. */
        *context = (struct html_context){
            .state = state, .element = element == HTML_META_ELEMENT ? HTML_NO_ELEMENT : element};
        return at + 1;
    }
    end = name_end(context, arena, text, at);
    if (end == SIZE_MAX) {
        return text.len;
    }
    if (end == at) {
        return html_fault(context, arena, text,
                          "expected space, attr name, or end of tag, but got \"%.*s\"",
                          STR_ARG(str_slice(text, at, at + 32)));
    }
    *context = (struct html_context){
        .state = end == text.len ? HTML_ATTR_NAME : HTML_AFTER_NAME,
        .element = context->element,
        .attribute = attribute_of(context->element, lower(arena, str_slice(text, at, end)))};
    return end;
}

static size_t step_attr_name(struct html_context *context, struct arena *arena, str text)
{
    size_t end = name_end(context, arena, text, 0);

    if (end == SIZE_MAX) {
        return text.len;
    }
    context->state = end != text.len ? HTML_AFTER_NAME : context->state;
    return end;
}

static size_t step_after_name(struct html_context *context, UNUSED struct arena *arena, str text)
{
    size_t at = html_skip_space(text, 0);

    if (at == text.len) {
        return at;
    }
    context->state = text.ptr[at] == '=' ? HTML_BEFORE_VALUE : HTML_TAG;
    return at + (text.ptr[at] == '=');
}

static enum html_state value_state(enum html_attribute attribute)
{
    switch (attribute) {
    case HTML_SCRIPT_ATTRIBUTE:
        return HTML_JS;
    case HTML_STYLE_ATTRIBUTE:
        return HTML_CSS;
    case HTML_URL_ATTRIBUTE:
        return HTML_URL;
    case HTML_SRCSET_ATTRIBUTE:
        return HTML_SRCSET;
    case HTML_META_CONTENT:
        return HTML_META;
    case HTML_PLAIN_ATTRIBUTE:
    case HTML_SCRIPT_TYPE:
        break;
    }
    return HTML_ATTR;
}

static size_t step_before_value(struct html_context *context, UNUSED struct arena *arena, str text)
{
    size_t at = html_skip_space(text, 0);
    char quote = at < text.len ? text.ptr[at] : '\0';

    if (at == text.len) {
        return at;
    }
    context->state = value_state(context->attribute);
    context->delimiter = quote == '\''  ? HTML_SINGLE_QUOTE
                         : quote == '"' ? HTML_DOUBLE_QUOTE
                                        : HTML_SPACE;
    return at + (context->delimiter != HTML_SPACE);
}

static size_t step_comment(struct html_context *context, UNUSED struct arena *arena, str text)
{
    size_t end = str_index(text, STR("-->"));

    if (end == SIZE_MAX) {
        return text.len;
    }
    *context = (struct html_context){.state = HTML_TEXT};
    return end + 3;
}

static size_t step_all(UNUSED struct html_context *context, UNUSED struct arena *arena, str text)
{
    return text.len;
}

size_t html_step_url(struct html_context *context, UNUSED struct arena *arena, str text)
{
    if (html_index_any(text, "#?") != SIZE_MAX) {
        context->url_part = HTML_URL_QUERY;
    } else if (context->url_part == HTML_URL_START && html_skip_space(text, 0) != text.len) {
        context->url_part = HTML_URL_PATH;
    }
    return text.len;
}

static size_t step_meta(struct html_context *context, UNUSED struct arena *arena, str text)
{
    for (size_t i = 0; i + 4 <= text.len; i++) {
        size_t at;

        if (!str_eq_nocase(str_slice(text, i, i + 3), STR("url"))) {
            continue;
        }
        at = html_skip_space(text, i + 3);
        if (at < text.len && text.ptr[at] == '=') {
            context->state = HTML_META_URL;
            return at + 1;
        }
    }
    return text.len;
}

static size_t step_meta_url(struct html_context *context, UNUSED struct arena *arena, str text)
{
    size_t end = str_index_char(text, ';');

    if (end == SIZE_MAX) {
        return text.len;
    }
    context->state = HTML_META;
    return end + 1;
}

/* Where </NAME of the element stands, with something behind it that ends the name. */
static size_t end_tag_index(str text, str name)
{
    for (size_t at = 0; at + 2 < text.len; at++) {
        str rest = str_from_index(text, at);

        if (str_has_prefix(rest, STR("</")) &&
            str_eq_nocase(str_slice(rest, 2, 2 + name.len), name) && 2 + name.len < rest.len &&
            strchr("> \t\n\f/", rest.ptr[2 + name.len]) != NULL && rest.ptr[2 + name.len] != '\0') {
            return at;
        }
    }
    return SIZE_MAX;
}

/* In raw text, how far it is to the element's end tag; 0 there, with the context behind it. */
static size_t step_raw(struct html_context *context, UNUSED struct arena *arena, str text)
{
    bool in_literal =
        context->element == HTML_SCRIPT &&
        (html_state_is_script_literal(context->state) || html_state_is_comment(context->state));
    size_t end = SIZE_MAX;

    for (size_t i = 0; i < ARRAY_COUNT(elements) && !in_literal; i++) {
        if (elements[i].element == context->element) {
            end = end_tag_index(
                text, context->element == HTML_META_ELEMENT ? STR("") : str_from(elements[i].name));
        }
    }
    if (end == SIZE_MAX) {
        return text.len;
    }
    *context = (struct html_context){.state = HTML_TEXT};
    return end;
}

typedef size_t step_function(struct html_context *context, struct arena *arena, str text);

static step_function *const steps[HTML_STATE_COUNT] = {
    [HTML_TEXT] = step_text,
    [HTML_TAG] = step_tag,
    [HTML_ATTR_NAME] = step_attr_name,
    [HTML_AFTER_NAME] = step_after_name,
    [HTML_BEFORE_VALUE] = step_before_value,
    [HTML_COMMENT] = step_comment,
    [HTML_RCDATA] = step_raw,
    [HTML_ATTR] = step_all,
    [HTML_URL] = html_step_url,
    [HTML_SRCSET] = html_step_url,
    [HTML_META] = step_meta,
    [HTML_META_URL] = step_meta_url,
    [HTML_JS] = html_step_js,
    [HTML_JS_DOUBLE] = html_step_js_quoted,
    [HTML_JS_SINGLE] = html_step_js_quoted,
    [HTML_JS_BACK] = html_step_js_back,
    [HTML_JS_REGEXP] = html_step_js_quoted,
    [HTML_JS_BLOCK_COMMENT] = html_step_block_comment,
    [HTML_JS_LINE_COMMENT] = html_step_line_comment,
    [HTML_JS_OPEN_COMMENT] = html_step_line_comment,
    [HTML_JS_CLOSE_COMMENT] = html_step_line_comment,
    [HTML_CSS] = html_step_css,
    [HTML_CSS_DOUBLE] = html_step_css_quoted,
    [HTML_CSS_SINGLE] = html_step_css_quoted,
    [HTML_CSS_DOUBLE_URL] = html_step_css_quoted,
    [HTML_CSS_SINGLE_URL] = html_step_css_quoted,
    [HTML_CSS_URL] = html_step_css_quoted,
    [HTML_CSS_BLOCK_COMMENT] = html_step_block_comment,
    [HTML_CSS_LINE_COMMENT] = html_step_line_comment,
    [HTML_FAULT] = step_all,
    [HTML_DEAD] = step_all,
};

/* ---- Attribute values ---- */

static const char *const value_ends[] = {
    [HTML_NO_DELIMITER] = "",
    [HTML_DOUBLE_QUOTE] = "\"",
    [HTML_SINGLE_QUOTE] = "'",
    [HTML_SPACE] = " \t\n\f\r>",
};

/* Types of <script> whose content is JavaScript. */
static bool is_script_type(struct arena *arena, str type)
{
    static const char *const types[] = {"",
                                        "application/ecmascript",
                                        "application/javascript",
                                        "application/json",
                                        "application/ld+json",
                                        "application/x-ecmascript",
                                        "application/x-javascript",
                                        "module",
                                        "text/ecmascript",
                                        "text/javascript",
                                        "text/javascript1.0",
                                        "text/javascript1.1",
                                        "text/javascript1.2",
                                        "text/javascript1.3",
                                        "text/javascript1.4",
                                        "text/javascript1.5",
                                        "text/jscript",
                                        "text/livescript",
                                        "text/x-ecmascript",
                                        "text/x-javascript"};
    size_t semicolon = str_index_char(type, ';');

    type = str_trim(lower(arena, semicolon != SIZE_MAX ? str_slice(type, 0, semicolon) : type));
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (str_is(type, types[i])) {
            return true;
        }
    }
    return false;
}

/* A value that goes on behind the text: its character references are undone first, since quotes may
 * hide in them. */
static size_t step_inside_value(struct html_context *context, struct arena *arena, str text)
{
    str rest = html_unescape(arena, text);

    while (rest.len > 0) {
        size_t got = steps[context->state](context, arena, rest);

        rest = str_from_index(rest, got);
    }
    return text.len;
}

static size_t step_value(struct html_context *context, struct arena *arena, str text)
{
    size_t end = html_index_any(text, value_ends[context->delimiter]);
    str value = str_slice(text, 0, end);
    size_t odd = context->delimiter == HTML_SPACE ? html_index_any(value, "\"'<=`") : SIZE_MAX;
    enum html_element element = context->element;

    if (odd != SIZE_MAX) {
        return html_fault(context, arena, text, "\"%s%c\" in unquoted attr: \"%.*s\"",
                          value.ptr[odd] == '"' ? "\\" : "", value.ptr[odd],
                          STR_ARG(str_slice(value, 0, 64)));
    }
    if (end == SIZE_MAX) {
        return step_inside_value(context, arena, text);
    }
    if (context->state == HTML_ATTR && context->attribute == HTML_SCRIPT_TYPE &&
        element == HTML_SCRIPT && !is_script_type(arena, value)) {
        element = HTML_NO_ELEMENT;
    }
    end += context->delimiter != HTML_SPACE;
    *context = (struct html_context){.state = HTML_TAG, .element = element};
    return end;
}

size_t html_context_step(struct html_context *context, struct arena *arena, str text)
{
    struct html_context behind = *context;
    size_t raw;

    if (context->delimiter != HTML_NO_DELIMITER) {
        return step_value(context, arena, text);
    }
    raw = step_raw(&behind, arena, text);
    if (raw == 0) {
        *context = behind;
        return 0;
    }
    return steps[context->state](context, arena, str_slice(text, 0, raw));
}

/* ---- Contexts as values ---- */

bool html_state_is_comment(enum html_state state)
{
    return state == HTML_COMMENT ||
           (state >= HTML_JS_BLOCK_COMMENT && state <= HTML_JS_CLOSE_COMMENT) ||
           state == HTML_CSS_BLOCK_COMMENT || state == HTML_CSS_LINE_COMMENT;
}

bool html_state_is_script_literal(enum html_state state)
{
    return state >= HTML_JS_DOUBLE && state <= HTML_JS_REGEXP;
}

bool html_context_eq(const struct html_context *a, const struct html_context *b)
{
    return a->state == b->state && a->delimiter == b->delimiter && a->url_part == b->url_part &&
           a->slash == b->slash && a->attribute == b->attribute && a->element == b->element &&
           a->brace_count == b->brace_count &&
           memcmp(a->braces, b->braces, a->brace_count * sizeof(a->braces[0])) == 0;
}

void html_context_nudge(struct html_context *context)
{
    if (context->state == HTML_TAG) {
        context->state = HTML_ATTR_NAME;
    } else if (context->state == HTML_BEFORE_VALUE) {
        context->state = value_state(context->attribute);
        context->delimiter = HTML_SPACE;
        context->attribute = HTML_PLAIN_ATTRIBUTE;
    } else if (context->state == HTML_AFTER_NAME) {
        context->state = HTML_ATTR_NAME;
        context->attribute = HTML_PLAIN_ATTRIBUTE;
    }
}

struct html_context html_context_join(struct html_context a, struct html_context b,
                                      struct arena *arena, const char *what)
{
    struct html_context joined = a;
    struct html_context c = a;
    struct html_context d = b;

    if (a.state == HTML_FAULT || b.state == HTML_DEAD) {
        return a;
    }
    if (b.state == HTML_FAULT || a.state == HTML_DEAD) {
        return b;
    }
    if (html_context_eq(&a, &b)) {
        return a;
    }
    joined.url_part = b.url_part;
    if (html_context_eq(&joined, &b)) {
        joined.url_part = HTML_URL_UNKNOWN;
        return joined;
    }
    joined = a;
    joined.slash = b.slash;
    if (html_context_eq(&joined, &b)) {
        joined.slash = HTML_SLASH_UNKNOWN;
        return joined;
    }
    html_context_nudge(&c);
    html_context_nudge(&d);
    if (!html_context_eq(&c, &a) || !html_context_eq(&d, &b)) {
        joined = html_context_join(c, d, arena, what);
        if (joined.state != HTML_FAULT) {
            return joined;
        }
    }
    (void)html_fault(&joined, arena, STR(""), "{{%s}} branches end in different contexts", what);
    return joined;
}

str html_context_name(const struct html_context *context, struct arena *arena, str name)
{
    struct buf text = {0};

    if (context->state == HTML_TEXT) {
        return name;
    }
    buf_str(&text, name);
    buf_printf(&text, "$htmltemplate_%d_%d_%d_%d_%d_%d", (int)context->state,
               (int)context->delimiter, (int)context->url_part, (int)context->slash,
               (int)context->attribute, (int)context->element);
    for (uint32_t i = 0; i < context->brace_count; i++) {
        buf_printf(&text, "_%u", context->braces[i]);
    }
    return text_take(arena, &text);
}

/* ---- Text alone ---- */

void html_strip_tags(struct buf *buf, struct arena *arena, str html)
{
    struct html_context context = {.state = HTML_TEXT};
    size_t start = buf->len;
    bool only_text = true;
    size_t at = 0;

    while (at < html.len) {
        str rest = str_from_index(html, at);
        struct html_context before = context;
        bool in_tag = context.state >= HTML_TAG && context.state <= HTML_BEFORE_VALUE;
        size_t end;

        if (context.delimiter != HTML_NO_DELIMITER) {
            end = html_index_any(rest, value_ends[context.delimiter]);
            if (end == SIZE_MAX) {
                break;
            }
            end += context.delimiter != HTML_SPACE;
            context = (struct html_context){.state = HTML_TAG, .element = context.element};
            at += end;
            continue;
        }
        end = steps[context.element != HTML_NO_ELEMENT && !in_tag && context.state != HTML_ATTR
                        ? HTML_RCDATA
                        : context.state](&context, arena, rest);
        if (before.state == HTML_TEXT || before.state == HTML_RCDATA) {
            size_t shown = end;

            for (size_t i = end; i-- > 0 && context.state != before.state;) {
                if (rest.ptr[i] == '<') {
                    shown = i;
                    break;
                }
            }
            buf_str(buf, str_slice(rest, 0, shown));
        } else {
            only_text = false;
        }
        if (end == 0 && context.state == before.state) {
            break;
        }
        at += end;
    }
    if (only_text) {
        buf->len = start;
        buf_str(buf, html);
    } else if (context.state == HTML_TEXT || context.state == HTML_RCDATA) {
        buf_str(buf, str_from_index(html, at));
    }
}
