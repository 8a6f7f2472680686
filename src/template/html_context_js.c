/* JavaScript and CSS, as far as strings, comments, regular expressions and URLs need it. */
#include <string.h>

#include "base/text.h"
#include "template/html_context_priv.h"

/* ---- What a '/' begins ---- */

/* White space of JavaScript that is more than one byte. */
static const char *const js_spaces[] = {
    "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82",
    "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87",
    "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9",
    "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF"};

static str trim_js(str text)
{
    for (size_t before = SIZE_MAX; text.len > 0 && text.len != before;) {
        before = text.len;
        if (strchr("\f\n\r\t\v ", text.ptr[text.len - 1]) != NULL && text.ptr[text.len - 1] != 0) {
            text.len--;
        }
        for (size_t i = 0; i < ARRAY_COUNT(js_spaces); i++) {
            if (str_has_suffix(text, str_from(js_spaces[i]))) {
                text.len -= strlen(js_spaces[i]);
            }
        }
    }
    return text;
}

static bool is_js_name_char(char c)
{
    return c == '$' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

/* Words behind which an expression begins. */
static bool is_prefix_word(str word)
{
    static const char *const words[] = {"break", "case",    "continue", "delete",     "do",
                                        "else",  "finally", "in",       "instanceof", "return",
                                        "throw", "try",     "typeof",   "void"};

    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (str_is(word, words[i])) {
            return true;
        }
    }
    return false;
}

static enum html_slash slash_behind(str text, enum html_slash before)
{
    size_t at;
    char last;

    text = trim_js(text);
    if (text.len == 0) {
        return before;
    }
    last = text.ptr[text.len - 1];
    at = text.len;
    if (last == '+' || last == '-') {
        /* "++" ends an operand, "+" wants one. */
        while (at > 0 && text.ptr[at - 1] == last) {
            at--;
        }
        return (text.len - at) % 2 == 1 ? HTML_SLASH_REGEXP : HTML_SLASH_DIVIDES;
    }
    if (last == '.') {
        return text.len > 1 && text.ptr[text.len - 2] >= '0' && text.ptr[text.len - 2] <= '9'
                   ? HTML_SLASH_DIVIDES
                   : HTML_SLASH_REGEXP;
    }
    if (last != '\0' && strchr(",<>=*%&|^?!~([:;{}", last) != NULL) {
        return HTML_SLASH_REGEXP;
    }
    while (at > 0 && is_js_name_char(text.ptr[at - 1])) {
        at--;
    }
    return is_prefix_word(str_from_index(text, at)) ? HTML_SLASH_REGEXP : HTML_SLASH_DIVIDES;
}

/* ---- JavaScript ---- */

static size_t step_js_slash(struct html_context *context, struct arena *arena, str text, size_t at)
{
    char next = at + 1 < text.len ? text.ptr[at + 1] : '\0';

    if (next == '/' || next == '*') {
        context->state = next == '/' ? HTML_JS_LINE_COMMENT : HTML_JS_BLOCK_COMMENT;
        return at + 2;
    }
    if (context->slash == HTML_SLASH_UNKNOWN) {
        return html_fault(context, arena, text, "'/' could start a division or regexp: \"%.*s\"",
                          STR_ARG(str_slice(text, at, at + 32)));
    }
    if (context->slash == HTML_SLASH_REGEXP) {
        context->state = HTML_JS_REGEXP;
    } else {
        context->slash = HTML_SLASH_REGEXP;
    }
    return at + 1;
}

/* Braces matter inside of `${...}` alone: the one too many ends it. */
static size_t step_js_brace(struct html_context *context, str text, size_t at)
{
    bool opens = text.ptr[at] == '{';
    uint32_t *open = context->brace_count > 0 ? &context->braces[context->brace_count - 1] : NULL;

    if (open != NULL && !opens && *open == 0) {
        context->brace_count--;
        context->state = HTML_JS_BACK;
        return at + 1;
    }
    if (open != NULL) {
        *open += opens ? 1 : UINT32_MAX;
    }
    context->slash = slash_behind(str_slice(text, at, at + 1), context->slash);
    return at + 1;
}

size_t html_step_js(struct html_context *context, struct arena *arena, str text)
{
    size_t at = html_index_any(text, "\"`'/{}<-#");
    str rest;

    context->slash = slash_behind(str_slice(text, 0, at), context->slash);
    if (at == SIZE_MAX) {
        return text.len;
    }
    rest = str_from_index(text, at);
    switch (text.ptr[at]) {
    case '"':
        context->state = HTML_JS_DOUBLE;
        context->slash = HTML_SLASH_REGEXP;
        break;
    case '\'':
        context->state = HTML_JS_SINGLE;
        context->slash = HTML_SLASH_REGEXP;
        break;
    case '`':
        context->state = HTML_JS_BACK;
        context->slash = HTML_SLASH_REGEXP;
        break;
    case '/':
        return step_js_slash(context, arena, text, at);
    case '{':
    case '}':
        return step_js_brace(context, text, at);
    case '<':
        if (str_has_prefix(rest, STR("<!--"))) {
            context->state = HTML_JS_OPEN_COMMENT;
            at += 3;
        }
        break;
    case '-':
        if (str_has_prefix(rest, STR("-->"))) {
            context->state = HTML_JS_CLOSE_COMMENT;
            at += 2;
        }
        break;
    default: /* '#' */
        if (str_has_prefix(rest, STR("#!"))) {
            context->state = HTML_JS_LINE_COMMENT;
            at++;
        }
        break;
    }
    return at + 1;
}

static size_t unfinished_escape(struct html_context *context, struct arena *arena, str text,
                                const char *where)
{
    return html_fault(context, arena, text, "unfinished escape sequence in %s string: \"%.*s\"",
                      where, STR_ARG(str_slice(text, 0, 64)));
}

size_t html_step_js_back(struct html_context *context, struct arena *arena, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\\' && ++i == text.len) {
            return unfinished_escape(context, arena, text, "JS");
        }
        if (c == '$' && i + 1 < text.len && text.ptr[i + 1] == '{') {
            if (context->brace_count == HTML_BRACES_MAX) {
                return html_fault(context, arena, text, "template literals nested too deeply");
            }
            context->braces[context->brace_count++] = 0;
            context->state = HTML_JS;
            return i + 2;
        }
        if (c == '`') {
            context->state = HTML_JS;
            return i + 1;
        }
    }
    return text.len;
}

static size_t quoted_ends(struct html_context *context, size_t at)
{
    context->state = HTML_JS;
    context->slash = HTML_SLASH_DIVIDES;
    return at + 1;
}

size_t html_step_js_quoted(struct html_context *context, struct arena *arena, str text)
{
    char end = context->state == HTML_JS_DOUBLE   ? '"'
               : context->state == HTML_JS_SINGLE ? '\''
                                                  : '/';
    bool in_set = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\\' && ++i == text.len) {
            return unfinished_escape(context, arena, text, "JS");
        }
        if (end == '/' && (c == '[' || c == ']')) {
            in_set = c == '[';
        } else if (c == end && c == '/' && i > 0 &&
                   str_eq_nocase(str_slice(text, i - 1, i + 7), STR("</script"))) {
            i++;
        } else if (c == end && !in_set) {
            return quoted_ends(context, i);
        }
    }
    if (in_set) {
        return html_fault(context, arena, text, "unfinished JS regexp charset: \"%.*s\"",
                          STR_ARG(str_slice(text, 0, 64)));
    }
    return text.len;
}

/* ---- Comments ---- */

size_t html_step_block_comment(struct html_context *context, UNUSED struct arena *arena, str text)
{
    size_t end = str_index(text, STR("*/"));

    if (end == SIZE_MAX) {
        return text.len;
    }
    context->state = context->state == HTML_JS_BLOCK_COMMENT ? HTML_JS : HTML_CSS;
    return end + 2;
}

/* The line's end is left: it counts behind the comment. */
size_t html_step_line_comment(struct html_context *context, UNUSED struct arena *arena, str text)
{
    bool css = context->state == HTML_CSS_LINE_COMMENT;
    size_t end = html_index_any(text, css ? "\n\f\r" : "\n\r");

    for (size_t i = 0; !css && i + 2 < text.len && i < end; i++) {
        str rest = str_from_index(text, i);

        if (str_has_prefix(rest, STR("\xE2\x80\xA8")) ||
            str_has_prefix(rest, STR("\xE2\x80\xA9"))) {
            end = i;
        }
    }
    if (end == SIZE_MAX) {
        return text.len;
    }
    context->state = css ? HTML_CSS : HTML_JS;
    return end;
}

/* ---- CSS ---- */

bool html_css_is_name_char(uint32_t r)
{
    return (r < 0x80 && ((r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') ||
                         (r >= '0' && r <= '9') || r == '-' || r == '_')) ||
           (r >= 0x80 && r <= 0xD7FF) || (r >= 0xE000 && r <= 0xFFFD) ||
           (r >= 0x10000 && r <= 0x10FFFF);
}

bool html_is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

uint32_t html_hex_value(char c)
{
    return (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static str css_skip_space(str text)
{
    if (str_has_prefix(text, STR("\r\n"))) {
        return str_from_index(text, 2);
    }
    return str_from_index(text, text.len > 0 && text.ptr[0] != '\0' &&
                                    strchr("\t\n\f \r", text.ptr[0]) != NULL);
}

/* One escape behind its backslash; returns what follows. */
static str css_escape(struct buf *buf, str text)
{
    uint32_t rune = 0;
    size_t digits = 0;
    char encoded[4];

    while (digits < text.len && digits < 6 && html_is_hex(text.ptr[digits])) {
        rune = rune << 4 | html_hex_value(text.ptr[digits++]);
    }
    if (digits == 0) {
        size_t size = utf8_decode(text, &rune);

        size = size == 0 ? 1 : size;
        buf_bytes(buf, text.ptr, size);
        return str_from_index(text, size);
    }
    if (rune > 0x10FFFF) {
        rune >>= 4;
        digits--;
    }
    rune = rune >= 0xD800 && rune < 0xE000 ? 0xFFFD : rune;
    buf_bytes(buf, encoded, utf8_encode(rune, encoded));
    return css_skip_space(str_from_index(text, digits));
}

void html_css_decode(struct buf *buf, str text)
{
    while (text.len > 0) {
        size_t slash = str_index_char(text, '\\');

        buf_str(buf, str_slice(text, 0, slash));
        text = str_from_index(text, slash);
        if (text.len < 2) {
            break;
        }
        text = css_escape(buf, str_from_index(text, 1));
    }
}

/* Whether the text ends with the word url, alone. */
static bool ends_with_url(str text)
{
    uint32_t rune = 0;
    size_t at;

    while (text.len > 0 && strchr("\t\n\f\r ", text.ptr[text.len - 1]) != NULL &&
           text.ptr[text.len - 1] != '\0') {
        text.len--;
    }
    if (text.len < 3 || !str_eq_nocase(str_from_index(text, text.len - 3), STR("url"))) {
        return false;
    }
    at = text.len - 3;
    if (at == 0) {
        return true;
    }
    at--;
    while (at > 0 && ((unsigned char)text.ptr[at] & 0xC0) == 0x80 && text.len - 3 - at < 4) {
        at--;
    }
    /* An ill-formed byte counts as U+FFFD, which may be part of a name. */
    return utf8_decode(str_slice(text, at, text.len - 3), &rune) == text.len - 3 - at &&
           !html_css_is_name_char(rune);
}

static size_t css_url(struct html_context *context, str text, size_t at)
{
    size_t start = html_skip_space(text, at + 1);
    char quote = start < text.len ? text.ptr[start] : '\0';

    context->state = quote == '"'    ? HTML_CSS_DOUBLE_URL
                     : quote == '\'' ? HTML_CSS_SINGLE_URL
                                     : HTML_CSS_URL;
    return start + (context->state != HTML_CSS_URL);
}

size_t html_step_css(struct html_context *context, UNUSED struct arena *arena, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        char next = i + 1 < text.len ? text.ptr[i + 1] : '\0';

        if (c == '(' && ends_with_url(str_slice(text, 0, i))) {
            return css_url(context, text, i);
        }
        if (c == '/' && (next == '/' || next == '*')) {
            context->state = next == '/' ? HTML_CSS_LINE_COMMENT : HTML_CSS_BLOCK_COMMENT;
            return i + 2;
        }
        if (c == '"' || c == '\'') {
            context->state = c == '"' ? HTML_CSS_DOUBLE : HTML_CSS_SINGLE;
            return i + 1;
        }
    }
    return text.len;
}

static void css_url_part(struct html_context *context, struct arena *arena, str text)
{
    struct buf decoded = {0};

    html_css_decode(&decoded, text);
    (void)html_step_url(context, arena, buf_view(&decoded));
    buf_done(&decoded);
}

/* Every string is taken for a URL, which is right for some and does no harm to the others. */
size_t html_step_css_quoted(struct html_context *context, struct arena *arena, str text)
{
    const char *ends = context->state == HTML_CSS_DOUBLE || context->state == HTML_CSS_DOUBLE_URL
                           ? "\\\""
                       : context->state == HTML_CSS_SINGLE || context->state == HTML_CSS_SINGLE_URL
                           ? "\\'"
                           : "\\\t\n\f\r )";
    size_t from = 0;

    for (;;) {
        size_t at = html_index_any(str_from_index(text, from), ends);

        if (at == SIZE_MAX) {
            css_url_part(context, arena, str_from_index(text, from));
            return text.len;
        }
        at += from;
        if (text.ptr[at] != '\\') {
            context->state = HTML_CSS;
            return at + 1;
        }
        if (++at == text.len) {
            return unfinished_escape(context, arena, text, "CSS");
        }
        css_url_part(context, arena, str_slice(text, 0, at + 1));
        from = at + 1;
    }
}

/* ---- Character references ---- */

static const struct {
    const char *name;
    const char *text;
} references[] = {{"amp;", "&"},    {"lt;", "<"},          {"gt;", ">"},       {"quot;", "\""},
                  {"apos;", "'"},   {"nbsp;", "\xC2\xA0"}, {"colon;", ":"},    {"sol;", "/"},
                  {"lpar;", "("},   {"rpar;", ")"},        {"semi;", ";"},     {"num;", "#"},
                  {"quest;", "?"},  {"bsol;", "\\"},       {"grave;", "`"},    {"lbrace;", "{"},
                  {"rbrace;", "}"}, {"lsqb;", "["},        {"rsqb;", "]"},     {"equals;", "="},
                  {"plus;", "+"},   {"Tab;", "\t"},        {"NewLine;", "\n"}, {"amp", "&"},
                  {"lt", "<"},      {"gt", ">"},           {"quot", "\""}};

/* &#60; and &#x3c; with or without the semicolon; 0 where there is none. */
static size_t number_reference(struct buf *buf, str text)
{
    bool hex = text.len > 2 && (text.ptr[2] == 'x' || text.ptr[2] == 'X');
    size_t at = hex ? 3 : 2;
    size_t start = at;
    uint64_t rune = 0;
    char encoded[4];

    while (at < text.len && html_is_hex(text.ptr[at]) && (hex || text.ptr[at] <= '9')) {
        rune = rune * (hex ? 16 : 10) + html_hex_value(text.ptr[at++]);
        rune = rune > 0x110000 ? 0x110000 : rune;
    }
    if (at == start) {
        return 0;
    }
    if (rune == 0 || rune > 0x10FFFF || (rune >= 0xD800 && rune < 0xE000)) {
        rune = 0xFFFD;
    }
    buf_bytes(buf, encoded, utf8_encode((uint32_t)rune, encoded));
    return at + (at < text.len && text.ptr[at] == ';');
}

static size_t named_reference(struct buf *buf, str text)
{
    for (size_t i = 0; i < ARRAY_COUNT(references); i++) {
        if (str_has_prefix(str_from_index(text, 1), str_from(references[i].name))) {
            buf_c(buf, references[i].text);
            return 1 + strlen(references[i].name);
        }
    }
    return 0;
}

str html_unescape(struct arena *arena, str text)
{
    struct buf out = {0};

    if (str_index_char(text, '&') == SIZE_MAX) {
        return text;
    }
    while (text.len > 0) {
        size_t and = str_index_char(text, '&');
        size_t size;

        buf_str(&out, str_slice(text, 0, and));
        text = str_from_index(text, and);
        if (text.len == 0) {
            break;
        }
        size = text.len > 1 && text.ptr[1] == '#' ? number_reference(&out, text)
                                                  : named_reference(&out, text);
        if (size == 0) {
            buf_char(&out, '&');
            size = 1;
        }
        text = str_from_index(text, size);
    }
    return text_take(arena, &out);
}
