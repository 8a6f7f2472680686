#include "template/html_filter.h"

#include <string.h>

#include "base/text.h"
#include "template/html_context.h"
#include "template/html_context_priv.h"
#include "template/template_priv.h"

static const str failsafe = STR_INIT("ZgotmplZ"); /* stands for what was refused, as in Go */

const struct tvalue_type html_type = {.name = "template.HTML"};
const struct tvalue_type html_url_type = {.name = "template.URL"};

#define FILTER(name)                                                                               \
    static int name(const struct template_call *call, struct tvalue *ret,                          \
                    UNUSED struct baro_error *err)

static int result(const struct template_call *call, struct buf *buf, struct tvalue *ret)
{
    *call->is_too_long |= buf->failed;
    *ret = tvalue_string(arena_str(call->arena, buf_view(buf)));
    buf_done(buf);
    return 0;
}

str html_filter_text(const struct template_call *call, const struct tvalue_type **ret_type)
{
    struct tvalue *shown = ARENA_ARRAY(call->arena, struct tvalue, call->count);
    struct buf text = {.limit = TEMPLATE_OUTPUT_MAX};
    size_t count = 0;

    *ret_type = NULL;
    if (call->count == 1 && call->args[0].kind == TVALUE_STRING) {
        *ret_type = call->args[0].type;
        return call->args[0].string;
    }
    for (size_t i = 0; i < call->count; i++) {
        if (call->args[i].kind != TVALUE_NONE && call->args[i].kind != TVALUE_NIL) {
            shown[count++] = call->args[i];
        }
    }
    template_print_all(&text, shown, count);
    *call->is_too_long |= text.failed;
    return text_take(call->arena, &text);
}

/* ---- HTML ---- */

struct replacement {
    char byte;
    const char *text;
};

/* U+0000 is none of the characters of a document. */
static const struct replacement html_rows[] = {
    {'"', "&#34;"}, {'&', "&amp;"}, {'\'', "&#39;"},       {'+', "&#43;"},
    {'<', "&lt;"},  {'>', "&gt;"},  {'\0', "\xEF\xBF\xBD"}};
static const struct replacement unquoted_rows[] = {
    {'\t', "&#9;"}, {'\n', "&#10;"}, {'\v', "&#11;"}, {'\f', "&#12;"}, {'\r', "&#13;"},
    {' ', "&#32;"}, {'"', "&#34;"},  {'&', "&amp;"},  {'\'', "&#39;"}, {'+', "&#43;"},
    {'<', "&lt;"},  {'=', "&#61;"},  {'>', "&gt;"},   {'`', "&#96;"},  {'\0', "&#xfffd;"}};

static const char *replacement_of(const struct replacement *rows, size_t count, char c,
                                  bool keep_and)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].byte == c && !(keep_and && c == '&')) {
            return rows[i].text;
        }
    }
    return NULL;
}

/* keep_and: references that stand in the text already stay. */
static void html_replace(struct buf *out, str text, bool keep_and)
{
    for (size_t i = 0; i < text.len; i++) {
        const char *instead =
            replacement_of(html_rows, ARRAY_COUNT(html_rows), text.ptr[i], keep_and);

        if (instead != NULL) {
            buf_c(out, instead);
        } else {
            buf_char(out, text.ptr[i]);
        }
    }
}

/* Without quotes around it, browsers end a value at more than one character. */
static void unquoted_replace(struct buf *out, str text, bool keep_and)
{
    for (size_t i = 0; i < text.len;) {
        const char *instead =
            replacement_of(unquoted_rows, ARRAY_COUNT(unquoted_rows), text.ptr[i], keep_and);
        uint32_t rune = 0xFFFD;
        size_t size = utf8_decode(str_from_index(text, i), &rune);

        if (instead != NULL) {
            buf_c(out, instead);
        } else if (size == 0 || (rune >= 0xFDD0 && rune <= 0xFDEF) ||
                   (rune >= 0xFFF0 && rune <= 0xFFFF)) {
            buf_printf(out, "&#x%x;", size == 0 ? 0xFFFDU : rune);
        } else {
            buf_bytes(out, text.ptr + i, size);
        }
        i += size == 0 ? 1 : size;
    }
}

FILTER(filter_html)
{
    const struct tvalue_type *type = NULL;
    str text = html_filter_text(call, &type);
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    if (type == &html_type) {
        *ret = tvalue_string(text);
        return 0;
    }
    html_replace(&out, text, false);
    return result(call, &out, ret);
}

FILTER(filter_rcdata)
{
    const struct tvalue_type *type = NULL;
    str text = html_filter_text(call, &type);
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    html_replace(&out, text, type == &html_type);
    return result(call, &out, ret);
}

/* Markup in an attribute: its tags are dropped. */
static str without_tags(const struct template_call *call, str text)
{
    struct buf stripped = {0};

    html_strip_tags(&stripped, call->arena, text);
    return text_take(call->arena, &stripped);
}

FILTER(filter_attribute)
{
    const struct tvalue_type *type = NULL;
    str text = html_filter_text(call, &type);
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    html_replace(&out, type == &html_type ? without_tags(call, text) : text, type == &html_type);
    return result(call, &out, ret);
}

FILTER(filter_unquoted)
{
    const struct tvalue_type *type = NULL;
    str text = html_filter_text(call, &type);
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    if (text.len == 0) {
        *ret = tvalue_string(failsafe);
        return 0;
    }
    unquoted_replace(&out, type == &html_type ? without_tags(call, text) : text,
                     type == &html_type);
    return result(call, &out, ret);
}

/* Letters and digits that name no attribute of consequence. */
FILTER(filter_name)
{
    const struct tvalue_type *type = NULL;
    str text = arena_str(call->arena, html_filter_text(call, &type));
    char *bytes = (char *)(uintptr_t)text.ptr;
    bool good = text.len > 0;

    for (size_t i = 0; i < text.len; i++) {
        bytes[i] = (char)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i]);
        good &= (bytes[i] >= 'a' && bytes[i] <= 'z') || (bytes[i] >= '0' && bytes[i] <= '9');
    }
    *ret = tvalue_string(good && html_attribute_type(text) == HTML_VALUE_PLAIN ? text : failsafe);
    return 0;
}

FILTER(filter_comment)
{
    (void)call;
    *ret = tvalue_string(STR(""));
    return 0;
}

FILTER(filter_args)
{
    const struct tvalue_type *type = NULL;
    struct buf text = {.limit = TEMPLATE_OUTPUT_MAX};

    if (call->count == 1 && call->args[0].kind == TVALUE_STRING) {
        *ret = tvalue_string(html_filter_text(call, &type));
        return 0;
    }
    template_print_all(&text, call->args, call->count);
    return result(call, &text, ret);
}

/* ---- URLs ---- */

/* Other schemes than these may run something. */
static bool url_is_safe(str url)
{
    size_t colon = str_index_char(url, ':');
    str scheme = str_slice(url, 0, colon);

    return colon == SIZE_MAX || str_index_char(scheme, '/') != SIZE_MAX ||
           str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("https")) ||
           str_eq_nocase(scheme, STR("mailto"));
}

static void url_escape(struct buf *out, str text, bool normalize)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != '\0' && strchr("-._~", c) != NULL);
        bool reserved = c != '\0' && strchr("!#$&*+,/:;=?@[]", c) != NULL;
        bool escape = c == '%' && i + 2 < text.len && html_is_hex(text.ptr[i + 1]) &&
                      html_is_hex(text.ptr[i + 2]);

        if (plain || (normalize && (reserved || escape))) {
            buf_char(out, c);
        } else {
            buf_printf(out, "%%%02x", (unsigned)(unsigned char)c);
        }
    }
}

FILTER(filter_url)
{
    const struct tvalue_type *type = NULL;
    str text = html_filter_text(call, &type);

    *ret = tvalue_string(type == &html_url_type || url_is_safe(text) ? text : STR("#ZgotmplZ"));
    return 0;
}

FILTER(filter_url_escape)
{
    const struct tvalue_type *type = NULL;
    str text = html_filter_text(call, &type);
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    url_escape(&out, text, type == &html_url_type);
    return result(call, &out, ret);
}

FILTER(filter_url_normalize)
{
    const struct tvalue_type *type = NULL;
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    url_escape(&out, html_filter_text(call, &type), true);
    return result(call, &out, ret);
}

static bool is_html_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* One source of a srcset: a URL, and letters and digits that tell when to take it. */
static void srcset_item(struct buf *out, str item)
{
    size_t start = html_skip_space(item, 0);
    size_t end = start;
    bool good = true;
    str url;

    while (end < item.len && !is_html_space(item.ptr[end])) {
        end++;
    }
    for (size_t i = end; i < item.len; i++) {
        char c = item.ptr[i];

        good &= is_html_space(c) || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                (c >= 'A' && c <= 'Z');
    }
    url = str_slice(item, start, end);
    if (!good || !url_is_safe(url)) {
        buf_c(out, "#");
        buf_str(out, failsafe);
        return;
    }
    buf_str(out, str_slice(item, 0, start));
    url_escape(out, url, true);
    buf_str(out, str_from_index(item, end));
}

FILTER(filter_srcset)
{
    const struct tvalue_type *type = NULL;
    str rest = html_filter_text(call, &type);
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};
    struct buf url = {0};
    size_t comma;

    if (type == &html_url_type) {
        url_escape(&url, rest, true);
        for (size_t i = 0; i < url.len; i++) {
            if (url.ptr[i] == ',') {
                buf_c(&out, "%2c");
            } else {
                buf_char(&out, url.ptr[i]);
            }
        }
        buf_done(&url);
        return result(call, &out, ret);
    }
    while ((comma = str_index_char(rest, ',')) != SIZE_MAX) {
        srcset_item(&out, str_slice(rest, 0, comma));
        buf_char(&out, ',');
        rest = str_from_index(rest, comma + 1);
    }
    srcset_item(&out, rest);
    return result(call, &out, ret);
}

/* ---- CSS ---- */

static const struct replacement css_rows[] = {
    {'\0', "\\0"}, {'\t', "\\9"},  {'\n', "\\a"},  {'\f', "\\c"}, {'\r', "\\d"},
    {'"', "\\22"}, {'&', "\\26"},  {'\'', "\\27"}, {'(', "\\28"}, {')', "\\29"},
    {'+', "\\2b"}, {'/', "\\2f"},  {':', "\\3a"},  {';', "\\3b"}, {'<', "\\3c"},
    {'>', "\\3e"}, {'\\', "\\\\"}, {'{', "\\7b"},  {'}', "\\7d"}};

FILTER(filter_css_string)
{
    const struct tvalue_type *type = NULL;
    str text = html_filter_text(call, &type);
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    for (size_t i = 0; i < text.len; i++) {
        const char *instead = replacement_of(css_rows, ARRAY_COUNT(css_rows), text.ptr[i], false);
        char next = i + 1 < text.len ? text.ptr[i + 1] : ' ';

        if (instead == NULL) {
            buf_char(&out, text.ptr[i]);
            continue;
        }
        buf_c(&out, instead);
        /* A digit or space behind it would be read as a part of the escape. */
        if (text.ptr[i] != '\\' && (html_is_hex(next) || is_html_space(next))) {
            buf_char(&out, ' ');
        }
    }
    return result(call, &out, ret);
}

/* A value of a property: names, numbers, colours. */
FILTER(filter_css_value)
{
    const struct tvalue_type *type = NULL;
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};
    struct buf word = {0};
    bool good = true;

    html_css_decode(&out, html_filter_text(call, &type));
    for (size_t i = 0; i < out.len; i++) {
        char c = out.ptr[i];

        good &= c != '\0' && strchr("\"'()/;@[\\]`{}<>", c) == NULL &&
                !(c == '-' && i > 0 && out.ptr[i - 1] == '-');
        if ((unsigned char)c < 0x80 && c != '-' && html_css_is_name_char((unsigned char)c)) {
            buf_char(&word, (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c));
        }
    }
    good &= !str_contains(buf_view(&word), STR("expression")) &&
            !str_contains(buf_view(&word), STR("mozbinding"));
    buf_done(&word);
    if (!good) {
        buf_done(&out);
        *ret = tvalue_string(failsafe);
        return 0;
    }
    return result(call, &out, ret);
}

const struct template_function_row html_filters[] = {
    {"_eval_args_", "v*", filter_args},
    {"_html_template_attrescaper", "v*", filter_attribute},
    {"_html_template_commentescaper", "v*", filter_comment},
    {"_html_template_cssescaper", "v*", filter_css_string},
    {"_html_template_cssvaluefilter", "v*", filter_css_value},
    {"_html_template_htmlescaper", "v*", filter_html},
    {"_html_template_htmlnamefilter", "v*", filter_name},
    {"_html_template_jsregexpescaper", "v*", html_filter_js_regexp},
    {"_html_template_jsstrescaper", "v*", html_filter_js_string},
    {"_html_template_jstmpllitescaper", "v*", html_filter_js_template},
    {"_html_template_jsvalescaper", "v*", html_filter_js_value},
    {"_html_template_nospaceescaper", "v*", filter_unquoted},
    {"_html_template_rcdataescaper", "v*", filter_rcdata},
    {"_html_template_srcsetescaper", "v*", filter_srcset},
    {"_html_template_urlescaper", "v*", filter_url_escape},
    {"_html_template_urlfilter", "v*", filter_url},
    {"_html_template_urlnormalizer", "v*", filter_url_normalize},
};
const size_t html_filter_count = ARRAY_COUNT(html_filters);
