/* html_context_priv: what the files that follow HTML, JavaScript and CSS share. */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "template/html_context.h"

/* html_index_any is the index of the first byte that is in `set`, or SIZE_MAX. */
size_t html_index_any(str text, const char *set);
size_t html_skip_space(str text, size_t at);

/* html_fault makes a fault of the context and says that all of text was read. */
size_t html_fault(struct html_context *context, struct arena *arena, str text, const char *format,
                  ...) PRINTF_LIKE(4, 5);

/* html_unescape undoes character references: numbers and the names that markup needs. */
str html_unescape(struct arena *arena, str text);

/* Steps, as html_context_step, of one kind of state. */
size_t html_step_url(struct html_context *context, struct arena *arena, str text);
size_t html_step_js(struct html_context *context, struct arena *arena, str text);
size_t html_step_js_quoted(struct html_context *context, struct arena *arena, str text);
size_t html_step_js_back(struct html_context *context, struct arena *arena, str text);
size_t html_step_block_comment(struct html_context *context, struct arena *arena, str text);
size_t html_step_line_comment(struct html_context *context, struct arena *arena, str text);
size_t html_step_css(struct html_context *context, struct arena *arena, str text);
size_t html_step_css_quoted(struct html_context *context, struct arena *arena, str text);

bool html_css_is_name_char(uint32_t rune);
bool html_is_hex(char c);
uint32_t html_hex_value(char c);
