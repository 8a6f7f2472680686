/* What attributes hold. Source: the HTML standard's list of attributes, judged as Go's
 * html/template does. */
#include "base/attr.h"
#include "template/html_context.h"

/* Sorted; plain ones that the rules below would judge otherwise, and all that are not plain. */
static const struct {
    const char *name;
    enum html_value value;
} known[] = {
    {"accept-charset", HTML_VALUE_UNSAFE},
    {"action", HTML_VALUE_URL},
    {"archive", HTML_VALUE_URL},
    {"async", HTML_VALUE_UNSAFE},
    {"background", HTML_VALUE_URL},
    {"challenge", HTML_VALUE_UNSAFE},
    {"charset", HTML_VALUE_UNSAFE},
    {"cite", HTML_VALUE_URL},
    {"classid", HTML_VALUE_URL},
    {"codebase", HTML_VALUE_URL},
    {"content", HTML_VALUE_UNSAFE},
    {"crossorigin", HTML_VALUE_UNSAFE},
    {"data", HTML_VALUE_URL},
    {"defer", HTML_VALUE_UNSAFE},
    {"enctype", HTML_VALUE_UNSAFE},
    {"form", HTML_VALUE_UNSAFE},
    {"formaction", HTML_VALUE_URL},
    {"formenctype", HTML_VALUE_UNSAFE},
    {"formmethod", HTML_VALUE_UNSAFE},
    {"formnovalidate", HTML_VALUE_UNSAFE},
    {"href", HTML_VALUE_URL},
    {"http-equiv", HTML_VALUE_UNSAFE},
    {"icon", HTML_VALUE_URL},
    {"keytype", HTML_VALUE_UNSAFE},
    {"language", HTML_VALUE_UNSAFE},
    {"longdesc", HTML_VALUE_URL},
    {"manifest", HTML_VALUE_URL},
    {"method", HTML_VALUE_UNSAFE},
    {"novalidate", HTML_VALUE_UNSAFE},
    {"pattern", HTML_VALUE_UNSAFE},
    {"poster", HTML_VALUE_URL},
    {"profile", HTML_VALUE_URL},
    {"rel", HTML_VALUE_UNSAFE},
    {"sandbox", HTML_VALUE_UNSAFE},
    {"src", HTML_VALUE_URL},
    {"srcdoc", HTML_VALUE_HTML},
    {"srclang", HTML_VALUE_PLAIN},
    {"srcset", HTML_VALUE_SRCSET},
    {"style", HTML_VALUE_CSS},
    {"type", HTML_VALUE_UNSAFE},
    {"usemap", HTML_VALUE_URL},
    {"value", HTML_VALUE_UNSAFE},
    {"xmlns", HTML_VALUE_URL},
};

enum html_value html_attribute_type(str name)
{
    size_t colon = str_index_char(name, ':');

    if (str_has_prefix(name, STR("data-"))) {
        name = str_from_index(name, 5);
    } else if (colon != SIZE_MAX) {
        if (str_is(str_slice(name, 0, colon), "xmlns")) {
            return HTML_VALUE_URL;
        }
        name = str_from_index(name, colon + 1);
    }
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (str_is(name, known[i].name)) {
            return known[i].value;
        }
    }
    if (str_has_prefix(name, STR("on"))) {
        return HTML_VALUE_JS;
    }
    /* Custom attributes that hold URLs tend to say so. */
    return str_contains(name, STR("src")) || str_contains(name, STR("uri")) ||
                   str_contains(name, STR("url"))
               ? HTML_VALUE_URL
               : HTML_VALUE_PLAIN;
}
