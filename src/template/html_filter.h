/* html_filter: what makes a value harmless in each place of an HTML document. Reference: Go's
 * html/template. */
#pragma once

#include "base/attr.h"
#include "template/template.h"

/* The filters that html_escape puts into pipelines, sorted by name. */
extern const struct template_function_row html_filters[];
extern const size_t html_filter_count;

/* Text that the author vouches for: not filtered where it belongs. */
extern const struct tvalue_type html_type;     /* template.HTML */
extern const struct tvalue_type html_url_type; /* template.URL */

/* html_filter_text is the text of a value, and of which kind. */
str html_filter_text(const struct template_call *call, const struct tvalue_type **ret_type);

template_function html_filter_js_value, html_filter_js_string, html_filter_js_template,
    html_filter_js_regexp;
