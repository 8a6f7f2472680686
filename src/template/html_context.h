/*
 * html_context: where in an HTML document a piece of text ends: in text, a tag, an attribute's
 * value, a script, a style sheet, a URL. What a template may print there depends on it. The
 * document is only followed as far as that needs; whatever browsers might read in two ways is a
 * fault. Reference: Go's html/template, its documentation and what it does; tested against it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum html_state {
    HTML_TEXT,
    HTML_TAG,
    HTML_ATTR_NAME,
    HTML_AFTER_NAME,
    HTML_BEFORE_VALUE,
    HTML_COMMENT,
    HTML_RCDATA, /* in <textarea> and <title> */
    HTML_ATTR,   /* a value that is text */
    HTML_URL,
    HTML_SRCSET,
    HTML_META,     /* <meta content=> */
    HTML_META_URL, /* behind url= in it */
    HTML_JS,
    HTML_JS_DOUBLE, /* strings */
    HTML_JS_SINGLE,
    HTML_JS_BACK,
    HTML_JS_REGEXP,
    HTML_JS_BLOCK_COMMENT,
    HTML_JS_LINE_COMMENT,
    HTML_JS_OPEN_COMMENT,  /* a line that begins with an HTML comment's opening */
    HTML_JS_CLOSE_COMMENT, /* or its end */
    HTML_CSS,
    HTML_CSS_DOUBLE, /* strings */
    HTML_CSS_SINGLE,
    HTML_CSS_DOUBLE_URL, /* url("...") */
    HTML_CSS_SINGLE_URL,
    HTML_CSS_URL,
    HTML_CSS_BLOCK_COMMENT,
    HTML_CSS_LINE_COMMENT,
    HTML_FAULT,
    HTML_DEAD, /* behind {{break}} and {{continue}} */
    HTML_STATE_COUNT,
};

/* What ends an attribute's value. */
enum html_delimiter { HTML_NO_DELIMITER, HTML_DOUBLE_QUOTE, HTML_SINGLE_QUOTE, HTML_SPACE };
enum html_url_part { HTML_URL_START, HTML_URL_PATH, HTML_URL_QUERY, HTML_URL_UNKNOWN };
/* What a '/' begins in JavaScript. */
enum html_slash { HTML_SLASH_REGEXP, HTML_SLASH_DIVIDES, HTML_SLASH_UNKNOWN };
enum html_element {
    HTML_NO_ELEMENT,
    HTML_SCRIPT,
    HTML_STYLE,
    HTML_TEXTAREA,
    HTML_TITLE,
    HTML_META_ELEMENT,
};
enum html_attribute {
    HTML_PLAIN_ATTRIBUTE,
    HTML_SCRIPT_ATTRIBUTE,
    HTML_SCRIPT_TYPE,
    HTML_STYLE_ATTRIBUTE,
    HTML_URL_ATTRIBUTE,
    HTML_SRCSET_ATTRIBUTE,
    HTML_META_CONTENT,
};

enum { HTML_BRACES_MAX = 8 }; /* nested `${...}` in JavaScript */

/* Zeroed = the start of a fragment. */
struct html_context {
    enum html_state state;
    enum html_delimiter delimiter;
    enum html_url_part url_part;
    enum html_slash slash;
    enum html_attribute attribute;
    enum html_element element;
    uint32_t brace_count;
    uint32_t braces[HTML_BRACES_MAX]; /* open ones in each `${...}` */
    str fault;                        /* of HTML_FAULT */
};

/* html_context_step reads some of `text`, which is not empty, and returns how many bytes; progress
 * is a byte or a changed state. A fault's text is in the arena. */
size_t html_context_step(struct html_context *context, struct arena *arena, str text);

bool html_context_eq(const struct html_context *a, const struct html_context *b);

/* html_context_nudge is the context that the first byte of an action's output meets. */
void html_context_nudge(struct html_context *context);

/* html_context_join is where two branches meet that end in a and b; `what` names the branch. */
struct html_context html_context_join(struct html_context a, struct html_context b,
                                      struct arena *arena, const char *what);

/* html_context_name is a template's name in a context: the name itself in text. */
str html_context_name(const struct html_context *context, struct arena *arena, str name);

bool html_state_is_comment(enum html_state state);
bool html_state_is_script_literal(enum html_state state);

/* html_attribute_type judges an attribute's name, in lower case. */
enum html_value {
    HTML_VALUE_PLAIN,
    HTML_VALUE_URL,
    HTML_VALUE_CSS,
    HTML_VALUE_JS,
    HTML_VALUE_HTML,
    HTML_VALUE_SRCSET,
    HTML_VALUE_UNSAFE, /* changes how other content is read or sent */
};
enum html_value html_attribute_type(str name);

/* html_strip_tags appends html's text without tags and comments. */
void html_strip_tags(struct buf *buf, struct arena *arena, str html);

/* html_css_decode appends CSS text with its escapes undone. */
void html_css_decode(struct buf *buf, str text);
